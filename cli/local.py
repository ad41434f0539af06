"""A whole deployment on this machine: three services, three databases, one folder.

Everything here is for trying out: SQLite files, secrets made on the spot, http on loopback. The settings lie as
`issuer.env`, `wallet.env` and `verifier.env` in the folder, in the form in which a real deployment would give them.
"""

import fcntl
import json
import os
import secrets
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from cli.local_certificates import create_provider
from cli.processes import ServiceProcess, choose_ports, start_service
from kernel import base64url
from kernel.keys import SoftwareSigner
from runtime.clock import utc_now

SERVICES = ("issuer", "wallet", "verifier")
PREFERRED_PORTS = (8101, 8102, 8103, 8104)
DEFAULT_FOLDER = Path("var/demo")

_STATE = "deployment.json"
_SIGNER = "trust-list-signer.jwk"
_LIST = "trust-list.jwt"
_PROVIDER, _PROVIDER_AUTHORITY = "wallet-provider.pem", "wallet-provider-authority.pem"
_LOCK = "lock"
_OURS = {
    _STATE,
    _SIGNER,
    _LIST,
    _PROVIDER,
    _PROVIDER_AUTHORITY,
    "trust-list.json",
    "skills.sqlite3",
    "session.json",
    "qr",
    _LOCK,
    *(f"{name}.{end}" for name in SERVICES for end in ("env", "log", "sqlite3", "sqlite3-wal", "sqlite3-shm")),
}


class FolderInUseError(Exception):
    """The folder holds something that we did not put there, so we leave it alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


class StillRunningError(Exception):
    """Another command is using this deployment at the moment."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


class NoDeploymentError(Exception):
    """There is no deployment in this folder yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can sign in on the pages."""

    service: str
    name: str
    passphrase: str
    address: str
    note: str = ""


@dataclass(slots=True)
class Deployment:
    """What one needs to know to run, or to look around in, a local deployment."""

    folder: Path
    ports: dict[str, int]
    admin_keys: dict[str, str]
    api_keys: dict[str, str] = field(default_factory=dict)
    logins: list[Login] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make the folder new: free ports, fresh secrets. What an earlier deployment left there is erased."""
        _clear(folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ports = dict(zip((*SERVICES, "practice"), choose_ports(PREFERRED_PORTS), strict=True))
        deployment = cls(folder.resolve(), ports, {name: secrets.token_urlsafe(32) for name in ("issuer", "verifier")})
        _write_private(deployment.signer_path, json.dumps(SoftwareSigner.generate("ES256").private_jwk()))
        deployment.write_settings()
        deployment.save()
        return deployment

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what an earlier run left."""
        try:
            state = json.loads((folder / _STATE).read_text())
        except FileNotFoundError as exc:
            raise NoDeploymentError(folder) from exc
        logins = [Login(**login) for login in state["logins"]]
        return cls(folder.resolve(), state["ports"], state["admin_keys"], state["api_keys"], logins)

    def save(self) -> None:
        """Keep it for the next command. Readable by its owner only: it holds keys and passphrases."""
        state = {
            "ports": self.ports,
            "admin_keys": self.admin_keys,
            "api_keys": self.api_keys,
            "logins": [asdict(login) for login in self.logins],
        }
        _write_private(self.folder / _STATE, json.dumps(state, indent=2, ensure_ascii=False) + "\n")

    @property
    def skills_path(self) -> Path:
        return self.folder / "skills.sqlite3"

    @property
    def trust_list_path(self) -> Path:
        return self.folder / _LIST

    @property
    def signer_path(self) -> Path:
        return self.folder / _SIGNER

    @property
    def badge_vct(self) -> str:
        return f"{self.address('issuer')}/vct/skill-badge/1"

    def address(self, name: str) -> str:
        """Where the others and a browser reach it."""
        return f"http://localhost:{self.ports[name]}"

    def trust_list_signer(self) -> SoftwareSigner:
        """Whoever signs the trust list of this deployment."""
        return SoftwareSigner.from_jwk(json.loads(self.signer_path.read_text()))

    def write_settings(self) -> None:
        """Write the three settings files; the encryption keys are made here and nowhere else."""
        provider = create_provider(utc_now())
        _write_private(self.folder / _PROVIDER, provider.certificate_pem.decode())
        _write_private(self.folder / _PROVIDER_AUTHORITY, provider.authority_pem.decode())
        own: Mapping[str, Mapping[str, str]] = {
            "issuer": {
                "WALLET_PROVIDER_CERTIFICATES": str(self.folder / _PROVIDER_AUTHORITY),
                "BADGE_VCT": self.badge_vct,
                "WALLET_URL": self.address("wallet"),
                "ADMIN_KEY": self.admin_keys["issuer"],
                # A demo lasts seconds: a revocation must be seen within one.
                "STATUS_LIST_TTL": "PT1S",
            },
            "wallet": {
                "PROVIDER_KEY": json.dumps(dict(provider.signer.private_jwk())),
                "PROVIDER_CERTIFICATES": str(self.folder / _PROVIDER),
            },
            "verifier": {
                "BADGE_VCT_VALUES": self.badge_vct,
                "WALLET_URL": self.address("wallet"),
                "ADMIN_KEY": self.admin_keys["verifier"],
            },
        }
        for name in SERVICES:
            values = {**self._shared_settings(name), **own[name]}
            lines = [f"{name.upper()}_{key}={shlex.quote(value)}" for key, value in values.items()]
            _write_private(self.folder / f"{name}.env", "\n".join(lines) + "\n")

    def environment(self, name: str) -> dict[str, str]:
        """The settings of one service, as its process gets them."""
        lines = (self.folder / f"{name}.env").read_text().splitlines()
        pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return {key: shlex.split(value)[0] if value else "" for key, value in pairs}

    def start(self, names: Sequence[str] = SERVICES) -> list[ServiceProcess]:
        """Start these services; `processes.running` stops them."""
        return [
            start_service(
                name,
                port=self.ports[name],
                environment=self.environment(name),
                log=self.folder / f"{name}.log",
            )
            for name in names
        ]

    def _shared_settings(self, name: str) -> dict[str, str]:
        signer = self.trust_list_signer()
        return {
            "PUBLIC_URL": self.address(name),
            "DATABASE_URL": f"sqlite:///{self.folder / f'{name}.sqlite3'}",
            "ENCRYPTION_KEY": base64url.encode(secrets.token_bytes(32)),
            "ALLOW_HTTP_FOR_LOCAL_DEVELOPMENT": "true",
            "LOCAL_HOSTS": ",".join(f"localhost:{port}" for port in self.ports.values()),
            "TRUST_LIST": str(self.trust_list_path),
            "TRUST_LIST_SIGNER": json.dumps(dict(signer.public_key.jwk)),
            "SKILLS_INDEX": str(self.skills_path),
        }


def read_session(folder: Path) -> dict[str, Any]:
    """What the command line remembers between two commands: addresses, keys, the wallet's session token."""
    path = folder / "session.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_session(folder: Path, session: Mapping[str, Any]) -> None:
    """Remember it, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(folder / "session.json", json.dumps(dict(session), indent=2) + "\n")


def create_passphrase() -> str:
    """Something that a person can type: six groups of four, about 120 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(6))


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep the folder for this process, so that nobody erases databases under running services."""
    _require_ours(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise StillRunningError(folder) from exc
        yield


def _require_ours(folder: Path) -> None:
    """Raise for a folder that holds anything that we did not make."""
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if found - {_LOCK} and (_STATE not in found or found - _OURS):
        raise FolderInUseError(folder)


def _clear(folder: Path) -> None:
    """Erase what an earlier deployment left here, and nothing else."""
    _require_ours(folder)
    for path in list(folder.iterdir()) if folder.exists() else []:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
