"""Write `openapi/{issuer,wallet,verifier}.json` from the applications, or with `--check` say where they differ.

The files are committed, so that a change of an interface is seen in review. No service is started: settings are made
up, the database stays empty and nothing is asked of the network.
"""

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

SERVICES: Final = ("issuer", "wallet", "verifier")
_FOLDER: Final = Path(__file__).parent
_OWN: Final = {
    "issuer": {"badge_vct": "https://issuer.example/vct/skill-badge/1"},
    "wallet": {},
    "verifier": {"badge_vct_values": "https://issuer.example/vct/skill-badge/1"},
}


def create_document(service: str, folder: Path) -> str:
    """The OpenAPI document of one service, as it is to be committed."""
    document: dict[str, Any] = import_module(f"{service}.app").create_app(create_settings(service, folder)).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def create_settings(service: str, folder: Path) -> Any:
    """Settings with which the application can be made, and nothing more."""
    settings_class = getattr(import_module(f"{service}.settings"), f"{service.capitalize()}Settings")
    return settings_class(
        public_url=f"https://{service}.example",
        database_url=f"sqlite:///{folder}/{service}.sqlite3",
        encryption_key="A" * 43,
        **_OWN[service],
    )


def main(arguments: list[str]) -> int:
    """Write the files; with `--check` write nothing and fail on a difference."""
    differing = []
    with tempfile.TemporaryDirectory() as folder:
        for service in SERVICES:
            path = _FOLDER / f"{service}.json"
            document = create_document(service, Path(folder))
            if path.exists() and path.read_text() == document:
                continue
            differing.append(path.name)
            if "--check" not in arguments:
                path.write_text(document)
    if "--check" in arguments and differing:
        print(f"not what the services are: {', '.join(differing)}; run `make openapi` and look at the difference")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
