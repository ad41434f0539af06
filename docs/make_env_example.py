"""Write `.env.example` from the settings of the three services; with `--check` say whether it is what they are.

What a person must fill in stands open, everything else is commented out with its default. The sample values are those
of compose.yaml: three services on this machine.
"""

import sys
import textwrap
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from issuer.settings import IssuerSettings
from runtime.settings import ServiceSettings
from verifier.settings import VerifierSettings
from wallet.settings import WalletSettings

PATH: Final = Path(__file__).resolve().parent.parent / ".env.example"
_SERVICES: Final[dict[type[ServiceSettings], int]] = {
    IssuerSettings: 8101,
    WalletSettings: 8102,
    VerifierSettings: 8103,
}
_VCT: Final = "http://localhost:8101/vct/skill-badge/1"
_HEAD: Final = """\
# Settings of the three services, for compose.yaml: copy this file to .env and fill in the three encryption keys
# and the two administrators' keys. Each is 32 random bytes in base64url, its own for each service, and an encryption
# key must be kept as long as the database:
#   python3 -c "import secrets; print(secrets.token_urlsafe(32))"
# A service does not start while something is missing, wrong or misspelt, and then lists all of it.
# Durations are ISO 8601 (PT10M, P14D), lists have commas. Written by `python docs/make_env_example.py`.
"""


def create_example() -> str:
    """The file as it is to be."""
    return _HEAD + "".join(_section(settings, port) for settings, port in _SERVICES.items())


def _section(settings: type[ServiceSettings], port: int) -> str:
    service = settings.environment_prefix().strip("_").lower()
    sample = {
        "public_url": f"http://localhost:{port}",
        "database_url": f"postgresql://postgres:this-machine-only@database/{service}",
        "encryption_key": "",
        "admin_key": "",
        "allow_http_for_local_development": "true",
        "local_hosts": "localhost:8101,localhost:8102,localhost:8103",
        "badge_vct": _VCT,
        "badge_vct_values": _VCT,
    }
    lines = [f"\n# --- {service} ---\n"]
    for name, field in settings.environment_names().items():
        words = " ".join(_described(settings, field).split())
        lines.append("\n" + textwrap.indent(textwrap.fill(words, 116), "# ") + "\n")
        lines.append(f"{name}={sample[field]}\n" if field in sample else f"# {name}={_default(settings, field)}\n")
    return "".join(lines)


def _described(settings: type[ServiceSettings], field: str) -> str:
    description = settings.model_fields[field].description
    if not description:
        raise ValueError(f"{settings.__name__}.{field} has no docstring that says what it is")
    return description


def _default(settings: type[ServiceSettings], field: str) -> str:
    """The default as the environment would say it."""
    default = settings.model_fields[field].default
    if isinstance(default, frozenset):
        return ",".join(sorted(default))
    return "" if default is None else str(TypeAdapter(type(default)).dump_python(default, mode="json"))


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare."""
    example = create_example()
    if "--check" in arguments:
        if PATH.read_text() == example:
            return 0
        print(".env.example is not what the settings are; run `python docs/make_env_example.py`")
        return 1
    PATH.write_text(example)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
