"""`skillswallet trust …`: make the ecosystem's list of recognised parties, sign it, read it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rich.markup import escape
from rich.table import Table

from cli.language import say
from cli.terminal import explained_errors, out
from cli.trust_files import (
    Entry,
    add_entry,
    create_list,
    create_signer,
    end_entry,
    names_of,
    read_list,
    read_signer,
    sign_list,
)
from kernel.errors import MalformedError
from kernel.keys import public_part
from kernel.trust_list import Service, State
from runtime.clock import utc_now

app = typer.Typer(
    no_args_is_help=True, help="Say who is recognised, for what: make, sign and read the ecosystem's list."
)

ListFile = Annotated[Path, typer.Argument(help="The readable list (JSON).")]


@app.command("create")
def create(
    file: ListFile,
    operator: Annotated[str, typer.Option(prompt=True, help="Who keeps the list.")],
    scheme: Annotated[str, typer.Option(prompt=True, help="Web address under which its terms are named.")],
    territory: Annotated[str, typer.Option(help="Country.")] = "NL",
    signer: Annotated[Path | None, typer.Option(help="Where to put a new signing key.")] = None,
) -> None:
    """Begin a list, and a key to sign it with."""
    with explained_errors():
        create_list(file, operator=operator, scheme=scheme, territory=territory, now=utc_now())
        if signer is not None:
            public = create_signer(signer).public_key.jwk
            out.print(
                say(
                    "Geef deze sleutel aan de diensten (…_TRUST_LIST_SIGNER):",
                    "Give the services this key (…_TRUST_LIST_SIGNER):",
                )
            )
            out.print(json.dumps(public), soft_wrap=True)
    out.print(say(f"De lijst staat in {file}.", f"The list is in {file}."))


@app.command("add")
def add(
    file: ListFile,
    name: Annotated[str, typer.Option(prompt=True, help="Name of the party, as people know it.")],
    identifier: Annotated[
        list[str] | None, typer.Option("--identifier", "-i", help="DID or issuer URL; repeat it for more.")
    ] = None,
    service: Annotated[str, typer.Option(help="issuance, verification or wallet-provision.")] = "issuance",
    credential_type: Annotated[
        list[str] | None, typer.Option("--type", "-t", help="Type that it is recognised for; repeat it.")
    ] = None,
    achievement_type: Annotated[list[str] | None, typer.Option(help="Kind of achievement; none: every kind.")] = None,
    key: Annotated[list[Path] | None, typer.Option(help="Public JWK that binds it to this key.")] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="PEM file with its certificate, or that of the authority that it has.")
    ] = None,
    archive_key: Annotated[
        list[str] | None, typer.Option(help="Thumbprint of a key that may sign its archive; repeat it.")
    ] = None,
    state: Annotated[str, typer.Option(help="granted or withdrawn.")] = "granted",
    since: Annotated[datetime | None, typer.Option(help="From when; now when not given.")] = None,
) -> None:
    """Put a party on the list."""
    if service not in get_args(Service) or state not in get_args(State):
        raise typer.BadParameter("--service issuance|verification|wallet-provision, --state granted|withdrawn")
    if not (identifier or key or certificate):
        raise typer.BadParameter("--identifier, --key, --certificate: " + say("ten minste één", "at least one"))
    with explained_errors():
        add_entry(
            file,
            Entry(
                name=name,
                identifiers=tuple(identifier or ()),
                service=cast(Service, service),
                since=utc_now() if since is None else since.replace(tzinfo=UTC),
                state=cast(State, state),
                credential_types=tuple(credential_type or ()),
                achievement_types=tuple(achievement_type or ()),
                keys=tuple(json.loads(path.read_text()) for path in key or ()),
                certificates=tuple(each for path in certificate or () for each in _certificates(path)),
                archive_keys=tuple(archive_key or ()),
            ),
        )
    out.print(say(f"{name} staat erop. Teken de lijst nu opnieuw.", f"{name} is on it. Now sign the list again."))


@app.command("end")
def end(
    file: ListFile,
    identifier: Annotated[str, typer.Argument(help="DID or issuer URL of an issuer on the list.")],
    archive_key: Annotated[
        list[str] | None,
        typer.Option(help="Thumbprint of the key that signed its archive, as the issuer told you; repeat it."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="From when; now when not given.")] = None,
) -> None:
    """Say that an issuer is there no longer; what it issued before stays recognised, and its archive is believed."""
    moment = utc_now() if since is None else since.replace(tzinfo=UTC)
    with explained_errors():
        end_entry(file, identifier, archive_keys=archive_key or [], since=moment)
    out.print(
        say(
            f"Vanaf {moment:%d-%m-%Y} is {escape(identifier)} er niet meer. Teken de lijst nu opnieuw.",
            f"From {moment:%d %B %Y} on {escape(identifier)} is there no longer. Now sign the list again.",
        )
    )


def _certificates(path: Path) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except ValueError as exc:
        raise MalformedError(f"{path} is no certificate in PEM") from exc


@app.command("sign")
def sign(
    file: ListFile,
    signer: Annotated[Path, typer.Option(help="Private key of the list's keeper.")],
    to: Annotated[Path, typer.Option("--out", help="Where the signed list goes.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it holds.")] = 30,
) -> None:
    """Sign the list; services pick it up by themselves."""
    with explained_errors():
        signed = sign_list(file, to, signer=read_signer(signer), valid_for=timedelta(days=days), now=utc_now())
    out.print(
        say(
            f"Lijst nummer {signed.sequence} is getekend en geldt tot {signed.next_update:%d-%m-%Y %H:%M} UTC.",
            f"List number {signed.sequence} is signed and holds until {signed.next_update:%d %B %Y %H:%M} UTC.",
        )
    )


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="The signed list.")],
    signer: Annotated[Path, typer.Option(help="Key of the list's keeper (JWK); its public part is used.")],
) -> None:
    """Check a signed list and show who is on it."""
    with explained_errors():
        members = json.loads(signer.read_text())
        trust_list = read_list(file, signer_jwk=public_part(members), now=utc_now())
    out.print(f"[bold]{escape(trust_list.name)}[/bold], " + say("nummer", "number") + f" {trust_list.sequence}")
    table = Table(say("wie", "who"), say("waarvoor", "what for"), say("stand", "state"), say("sinds", "since"))
    for row in names_of(trust_list):
        table.add_row(*row)
    out.print(table)
