"""Which service a command talks to, and as whom.

In this order: what the command line says, what the environment says (`SKILLSWALLET_ISSUER_URL`,
`SKILLSWALLET_ISSUER_KEY` and the like), what an earlier command in the same `--data` folder remembered, what the local
deployment in that folder made.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.clients import IssuerClient, VerifierClient, WalletClient
from cli.language import say
from cli.local import Deployment, NoDeploymentError, read_session, write_session
from cli.terminal import fail

_DEFAULT_ADDRESS = {
    "issuer": "http://localhost:8101",
    "wallet": "http://localhost:8102",
    "verifier": "http://localhost:8103",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """The options that every command of one service shares."""

    service: str
    folder: Path
    given_address: str | None = None
    given_key: str | None = None

    def address(self) -> str:
        """Where the service is."""
        deployment = self._deployment()
        local = deployment.address(self.service) if deployment else None
        return (
            self.given_address
            or os.environ.get(f"SKILLSWALLET_{self.service.upper()}_URL")
            or self._remembered().get("address")
            or local
            or _DEFAULT_ADDRESS[self.service]
        )

    def key(self, owner: str = "") -> str | None:
        """The key to use: the one of this organisation or relying party where we have it, else the administrator's."""
        deployment = self._deployment()
        local = deployment.api_keys.get(f"{self.service}/{owner}") if deployment else None
        admin = deployment.admin_keys.get(self.service) if deployment else None
        return (
            self.given_key
            or os.environ.get(f"SKILLSWALLET_{self.service.upper()}_KEY")
            or self._remembered().get(f"key/{owner}")
            or local
            or admin
        )

    def remember(self, **values: str | None) -> None:
        """Keep values for the next command; `None` forgets one."""
        session = read_session(self.folder)
        known = {**session.get(self.service, {}), **values}
        session[self.service] = {name: value for name, value in known.items() if value is not None}
        write_session(self.folder, session)

    def issuer(self) -> IssuerClient:
        """The issuer's management API."""
        return IssuerClient(self.address(), key=self.key())

    def verifier(self, relying_party: str = "") -> VerifierClient:
        """The verifier's API, as this relying party or as the administrator."""
        return VerifierClient(self.address(), key=self.key(relying_party))

    def wallet(self) -> WalletClient:
        """The wallet of whoever signed in last; ends with a hint when nobody did."""
        token = os.environ.get("SKILLSWALLET_WALLET_TOKEN") or self._remembered().get("token")
        if token is None:
            fail(
                say("U bent niet aangemeld bij een wallet.", "You are not signed in to a wallet."),
                hint=say("Meld u aan met: skillswallet wallet sign-in", "Sign in with: skillswallet wallet sign-in"),
            )
        return WalletClient(self.address(), key=token)

    def anonymous_wallet(self) -> WalletClient:
        """The wallet before anybody signed in."""
        return WalletClient(self.address())

    def _remembered(self) -> dict[str, Any]:
        remembered: dict[str, Any] = read_session(self.folder).get(self.service, {})
        return remembered

    def _deployment(self) -> Deployment | None:
        try:
            return Deployment.open(self.folder)
        except NoDeploymentError:
            return None
