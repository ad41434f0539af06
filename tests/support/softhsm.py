"""SoftHSM: a security module in software, from Debian's package softhsm2, with tokens of its own for one test run."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

MODULES = (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"))
PIN = "271828"


@dataclass(frozen=True)
class SoftHsm:
    """Where the module is; its tokens all open with `PIN`."""

    module: Path

    def settings(self, token: str, *, pin: str = PIN) -> dict[str, object]:
        """What an issuer is told to keep its keys in this token."""
        return {"hsm_module": self.module, "hsm_token": token, "hsm_pin": pin}


def find_module() -> Path | None:
    """The library of the package, if that and what opens it are installed."""
    if shutil.which("softhsm2-util") is None or find_spec("pkcs11") is None:
        return None
    return next((path for path in MODULES if path.exists()), None)


def create_softhsm(module: Path, folder: Path, *tokens: str) -> SoftHsm:
    """Make tokens before anything in this process opens the module, which reads its configuration once."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    for token in tokens:
        command = ("softhsm2-util", "--init-token", "--free", "--label", token, "--so-pin", "314159", "--pin", PIN)
        subprocess.run(command, check=True, capture_output=True)
    return SoftHsm(module)
