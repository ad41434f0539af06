"""`skillswallet issuer …`: describe a badge, award it, follow it, withdraw it."""

import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli.archived import judge_with_archive, read_file
from cli.connections import Connection
from cli.language import language, say
from cli.local import DEFAULT_FOLDER
from cli.recipients import evidence_of, read_achievement, read_recipients
from cli.terminal import explained_errors, fail, out, print_qr, run, waiting
from kernel.archive import MAX_BYTES, parse_archive, verify_archive
from kernel.importing import Verdict
from kernel.report import Outcome
from kernel.status.messages import StatusMessage
from runtime.badge_facts import shown_line
from runtime.clock import utc_now
from runtime.import_view import create_view

app = typer.Typer(no_args_is_help=True, help="Describe a badge, award it, follow it, withdraw it.")

Organisation = Annotated[str, typer.Option("--organisation", "-o", help="Short name (slug) of the organisation.")]


class FileSecuring(StrEnum):
    """How a file is signed."""

    EDDSA_RDFC_2022 = "eddsa-rdfc-2022"
    SD_JWT = "sd-jwt"
    ECDSA_SD_2023 = "ecdsa-sd-2023"


Reason = Annotated[str, typer.Option("--reason", prompt=True, help="Why; for your own staff, no protocol sends it on.")]
Award = Annotated[str, typer.Argument(help="Number of the award.")]


@app.callback()
def connect(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(envvar="SKILLSWALLET_DATA", help="Folder with keys and addresses.")
    ] = DEFAULT_FOLDER,
    url: Annotated[str | None, typer.Option(help="Address of the issuer.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="SKILLSWALLET_ISSUER_KEY", help="API key.", show_default=False)
    ] = None,
) -> None:
    """Which issuer, and with which key."""
    context.obj = Connection("issuer", data, url, key)


@app.command("admin-key")
def create_admin_key(context: typer.Context) -> None:
    """On the machine of the issuer, with its settings: make a key that may do everything. Shown once."""
    from cli.serve import create_issuer_admin_key

    with explained_errors():
        key = create_issuer_admin_key()
    out.print(key)


@app.command("seal-again")
def seal_again() -> None:
    """On the machine of the issuer, with its settings: bring everything at rest under the new encryption key."""
    from cli.serve import seal_issuer_again

    with explained_errors():
        number = seal_issuer_again()
    out.print(
        say(
            f"{number} waarden staan nu onder de nieuwe sleutel. De oude kan weg uit de instellingen.",
            f"{number} values are under the new key now. The earlier one can leave the settings.",
        )
    )


@app.command("organisation")
def create_organisation(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name in web addresses.")],
    name: Annotated[str, typer.Option(prompt=True, help="Name as people know it.")],
    url: Annotated[str | None, typer.Option(help="Web address.")] = None,
    country: Annotated[str, typer.Option(help="Two letters.")] = "NL",
    registration_number: Annotated[str | None, typer.Option(help="Number in a public register.")] = None,
) -> None:
    """Add an organisation that issues badges; its keys and its DID are made at once."""
    given = {"slug": slug, "name": name, "url": url, "country": country, "registration_number": registration_number}

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.create_organisation({name: value for name, value in given.items() if value})

    organisation = run(work())
    _show(organisation)


@app.command("operator")
def create_operator(
    context: typer.Context,
    organisation: Organisation,
    email: Annotated[str, typer.Option(prompt=True)],
    name: Annotated[str, typer.Option(prompt=True)],
    passphrase: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="SKILLSWALLET_PASSPHRASE")
    ],
) -> None:
    """Let a colleague sign in to the back office."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.create_operator(organisation, email=email, name=name, passphrase=passphrase)

    run(work())
    out.print(say(f"{email} kan zich nu aanmelden.", f"{email} can sign in now."))


@app.command("identity-provider")
def set_identity_provider(
    context: typer.Context,
    organisation: Organisation,
    address: Annotated[str, typer.Argument(help="Its issuer: where /.well-known/openid-configuration is below.")],
    name: Annotated[str, typer.Option(prompt=True, help="What people call it.")],
    client_id: Annotated[str, typer.Option(prompt=True)],
    client_secret: Annotated[
        str, typer.Option(prompt=True, hide_input=True, envvar="SKILLSWALLET_CLIENT_SECRET", help="Empty: as it was.")
    ] = "",
    subject_claim: Annotated[
        str, typer.Option(help="email, or the claim that is compared with the reference of an award.")
    ] = "email",
) -> None:
    """Let people sign in at your own OpenID Provider to fetch their badges."""
    provider = {"issuer": address, "name": name, "client_id": client_id, "subject_claim": subject_claim}
    provider |= {"client_secret": client_secret} if client_secret else {}

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.set_identity_provider(organisation, provider)

    callback = run(work())["redirect_uri"]
    out.print(say(f"Mensen loggen nu in bij {name}. Meld daar aan:", f"People now sign in at {name}. Register there:"))
    out.print(callback, soft_wrap=True)


@app.command("remove-identity-provider")
def remove_identity_provider(context: typer.Context, organisation: Organisation) -> None:
    """Let people sign in by a one-time link again."""

    async def work() -> None:
        async with _connection(context).issuer() as issuer:
            await issuer.remove_identity_provider(organisation)

    run(work())
    out.print(say("Mensen krijgen weer een link of een code.", "People get a link or a code again."))


@app.command("achievement")
def create_achievement(
    context: typer.Context,
    organisation: Organisation,
    file: Annotated[Path, typer.Argument(help="JSON file that describes it; see demo/achievement.json.")],
) -> None:
    """Describe what a badge stands for."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.create_achievement(organisation, read_achievement(file))

    _show(run(work()))


@app.command("achievements")
def list_achievements(context: typer.Context, organisation: Organisation) -> None:
    """What this organisation can award."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.achievements(organisation)

    answer = run(work())
    table = Table(say("badge", "badge"), say("naam", "name"), say("versie", "version"), "skills")
    for item in _items(answer, "achievements"):
        table.add_row(item["slug"], _text(item["name"]), str(item.get("version", "")), str(len(item.get("skills", []))))
    out.print(table)


@app.command("award")
def award(
    context: typer.Context,
    organisation: Organisation,
    achievement: Annotated[str, typer.Option("--achievement", "-a", help="Short name (slug) of the badge.")],
    csv: Annotated[Path, typer.Argument(help="CSV file with given_name, family_name, email.")],
    evidence: Annotated[Path | None, typer.Option(help="A file that proves it; only its fingerprint is sent.")] = None,
    evidence_name: Annotated[str, typer.Option(help="What that file is.")] = "Bewijsstuk",
    awarded_at: Annotated[str | None, typer.Option(help="When, for example 2026-05-28T15:00:00Z.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="Until when it is valid.")] = None,
) -> None:
    """Award a badge to the people in a CSV file; each gets an offer and, by another way, a code."""

    async def work() -> list[dict[str, Any]]:
        recipients = read_recipients(csv)
        if evidence is not None:
            proof = evidence_of(evidence, name=evidence_name, description="")
            recipients = [{**recipient, "evidence": [proof]} for recipient in recipients]
        async with _connection(context).issuer() as issuer:
            with waiting(say(f"{len(recipients)} badges klaarzetten…", f"Preparing {len(recipients)} badges…")):
                awarded = await issuer.award(
                    organisation, achievement, recipients, awarded_at=awarded_at, expires_at=expires_at
                )
        return [{"email": recipient["email"], **one} for recipient, one in zip(recipients, awarded, strict=True)]

    for one in run(work()):
        out.rule(escape(one["email"]))
        _show_offer(one["id"], one["offer"])


@app.command("award-in-bulk")
def award_in_bulk(
    organisation: Organisation,
    achievement: Annotated[str, typer.Option("--achievement", "-a", help="Short name (slug) of the badge.")],
    csv: Annotated[Path, typer.Argument(help="CSV file: given_name, family_name, email; reference, grade, results.")],
    links: Annotated[Path, typer.Argument(help="Where to put the CSV file with the link of each person.")],
    securing: Annotated[
        FileSecuring, typer.Option(help="How the files are signed: for everybody, or so that parts can be hidden.")
    ] = FileSecuring.EDDSA_RDFC_2022,
    awarded_at: Annotated[datetime | None, typer.Option(help="When, for example 2026-05-28T15:00:00.")] = None,
    expires_at: Annotated[datetime | None, typer.Option(help="Until when they are valid.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many sign.")] = os.cpu_count() or 1,
    skip_bad_lines: Annotated[bool, typer.Option(help="Award to the others when lines cannot be used.")] = False,
) -> None:
    """On the machine of the issuer, with its settings: award to many thousands at once, as files without a wallet.

    If it ends early, start it again just so: it goes on where it was, and nobody is awarded twice.
    """
    from cli.bulk import award_list

    with explained_errors():
        award_list(
            organisation,
            achievement,
            csv,
            links,
            securing=securing.value,
            awarded_at=awarded_at,
            expires_at=expires_at,
            processes=processes,
            skips_bad_lines=skip_bad_lines,
        )


@app.command("awards")
def list_awards(context: typer.Context, organisation: Organisation) -> None:
    """All awards of an organisation and where they stand."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.awards(organisation)

    table = Table(Column(say("nummer", "number"), overflow="fold"), say("badge", "badge"), say("stand", "state"))
    for item in _items(run(work()), "awards"):
        table.add_row(str(item["id"]), _text(item.get("achievement", "")), str(item["state"]))
    out.print(table)


@app.command("offer")
def renew_offer(context: typer.Context, organisation: Organisation, award: Award) -> None:
    """Make a new offer for an award; the old link and code stop working."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.renew_offer(organisation, award)

    answer = run(work())
    _show_offer(award, answer.get("offer", answer))


def _change(context: typer.Context, organisation: str, award: str, change: str, reason: str) -> None:
    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.change_status(organisation, award, change, reason)

    answer = run(work())
    out.print(say(f"De badge is nu: {answer['state']}.", f"The badge is now: {answer['state']}."))


@app.command("revoke")
def revoke(context: typer.Context, organisation: Organisation, award: Award, reason: Reason) -> None:
    """Withdraw a badge for good."""
    _change(context, organisation, award, "revoke", reason)


@app.command("suspend")
def suspend(context: typer.Context, organisation: Organisation, award: Award, reason: Reason) -> None:
    """Put a badge on hold."""
    _change(context, organisation, award, "suspend", reason)


@app.command("reinstate")
def reinstate(context: typer.Context, organisation: Organisation, award: Award, reason: Reason) -> None:
    """Take a badge off hold."""
    _change(context, organisation, award, "reinstate", reason)


Message = Annotated[StatusMessage, typer.Argument(help="What to tell; no_message takes it back.")]


@app.command("message")
def set_message(context: typer.Context, organisation: Organisation, award: Award, message: Message) -> None:
    """Tell something of a badge that goes on counting."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.set_status_message(organisation, award, message.value)

    answer = run(work())
    out.print(say(f"Melding bij de badge: {answer['message']}.", f"Message beside the badge: {answer['message']}."))


Algorithm = Annotated[str, typer.Option(help="ES256 (wallets) or Ed25519 (files).")]


@app.command("keys")
def list_keys(context: typer.Context, organisation: Organisation) -> None:
    """Every key that this organisation ever signed with, and which one does so now."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.signing_keys(organisation)

    table = Table(say("sleutel", "key"), say("soort", "kind"), say("stand", "state"), say("sinds", "since"))
    for key in run(work()):
        table.add_row(key["kid"].partition("#")[2], key["algorithm"], *_life(key))
    out.print(table)


def _life(key: dict[str, Any]) -> tuple[str, str]:
    if key["withdrawn_at"]:
        return say("ingetrokken", "withdrawn"), str(key["withdrawn_at"])
    if key["retired_at"]:
        return say("vervangen, telt nog", "replaced, still counts"), str(key["retired_at"])
    return say("tekent", "signs"), str(key["created_at"])


@app.command("rotate-key")
def rotate_key(context: typer.Context, organisation: Organisation, algorithm: Algorithm = "ES256") -> None:
    """Sign with a new key from now on; what the old one signed stays good."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.rotate_signing_key(organisation, algorithm)

    kid = run(work())["kid"]
    out.print(say(f"Vanaf nu wordt getekend met {kid}.", f"From now on {kid} signs."), soft_wrap=True)


@app.command("withdraw-key")
def withdraw_key(
    context: typer.Context, organisation: Organisation, key: Annotated[str, typer.Argument(help="As `keys` names it.")]
) -> None:
    """Take back a key that leaked: every badge that it signed stops being good."""

    async def work() -> None:
        async with _connection(context).issuer() as issuer:
            await issuer.withdraw_signing_key(organisation, key)

    run(work())
    out.print(say(f"{key} telt niet meer.", f"{key} does not count any more."))


@app.command("certify-key")
def certify_key(
    context: typer.Context,
    organisation: Organisation,
    file: Annotated[Path, typer.Argument(help="PEM file: the certificate of the key that signs, then those above it.")],
) -> None:
    """Be known by certificates too, as European verifiers (HAIP) ask."""

    async def work() -> Any:
        async with _connection(context).issuer() as issuer:
            return await issuer.set_certificates(organisation, file.read_text("utf-8"))

    until = run(work())["certificates"][0]["valid_until"]
    out.print(say(f"Het certificaat geldt tot {until}.", f"The certificate is valid until {until}."))


@app.command("archive")
def save_archive(
    context: typer.Context,
    organisation: Organisation,
    file: Annotated[Path, typer.Argument(help="Where to put the archive.")],
) -> None:
    """Save all that badges need to stay checkable when this issuer is gone. Keep it elsewhere."""

    async def work() -> tuple[bytes, str]:
        async with _connection(context).issuer() as issuer:
            return await issuer.archive(organisation)

    content, thumbprint = run(work())
    file.write_bytes(content)
    out.print(say(f"Het archief staat in {file}.", f"The archive is in {file}."))
    out.print(
        say(
            f"Bewaar dit kenmerk van de sleutel apart, of zet het op de lijst van erkende uitgevers: {thumbprint}",
            f"Keep this thumbprint of the key apart, or put it on the list of recognised issuers: {thumbprint}",
        ),
        soft_wrap=True,
    )


@app.command("check-archived")
def check_archived(
    archive: Annotated[Path, typer.Argument(help="The archive of the issuer.")],
    badge: Annotated[Path, typer.Argument(help="File with the badge.")],
    signer: Annotated[str, typer.Option(help="Thumbprint of the key that signed the archive, known from elsewhere.")],
) -> None:
    """Check a badge with the archive of its issuer alone: no network, no issuer that still exists."""
    with explained_errors():
        verified = verify_archive(parse_archive(read_file(archive, MAX_BYTES)), signer_thumbprints={signer})
        report = judge_with_archive(badge, verified, now=utc_now())
    if report.verdict is not Verdict.PROVEN:
        view = create_view(report, language())
        fail(view.title, hint=f"{view.why}\n{view.advice}")
    name = escape(shown_line(str(verified.organisation.get("name", verified.did))))
    until = f"{verified.created_at:%Y-%m-%d}"
    out.print(say(f"[bold]Deze badge is echt: {name} gaf hem uit.[/bold]", f"[bold]Genuine, issued by {name}.[/bold]"))
    out.print(
        say(
            f"Hij was niet ingetrokken op {until}, toen het archief werd gemaakt. Wat later gebeurde, is niet bekend.",
            f"It was not withdrawn on {until}, when the archive was made. What happened later is not known.",
        )
        if report.check("status").outcome is Outcome.PASSED
        else say("Deze badge kan niet worden ingetrokken.", "This badge cannot be withdrawn.")
    )


def _connection(context: typer.Context) -> Connection:
    connection: Connection = context.obj
    return connection


def _items(answer: Any, name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = answer[name] if isinstance(answer, dict) else answer
    return items


def _text(value: Any) -> str:
    """A text that may be given in two languages."""
    if isinstance(value, dict):
        return str(value.get(say("nl", "en")) or next(iter(value.values()), ""))
    return str(value)


def _show(answer: dict[str, Any]) -> None:
    for name, value in answer.items():
        if isinstance(value, str | int | float) and not str(value).startswith("data:"):
            out.print(f"[bold]{escape(name)}[/bold]: {escape(str(value))}")


def _show_offer(award: str, offer: dict[str, Any]) -> None:
    out.print(f"{say('nummer', 'number')}: {award}")
    out.print(f"{say('link', 'link')}: {escape(offer['link'])}", soft_wrap=True)
    print_qr(offer["link"])
    if offer.get("tx_code"):
        out.print(
            say(
                f"code: [bold]{offer['tx_code']}[/bold] (stuur deze langs een andere weg dan de link)",
                f"code: [bold]{offer['tx_code']}[/bold] (send it by another way than the link)",
            )
        )
    out.print(say(f"geldig tot {offer['expires_at']}", f"valid until {offer['expires_at']}"))
