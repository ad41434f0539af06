"""`skillswallet issuer …`: describe a badge, award it, follow it, withdraw it."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli.connections import Connection
from cli.language import say
from cli.local import DEFAULT_FOLDER
from cli.recipients import evidence_of, read_achievement, read_recipients
from cli.terminal import explained_errors, out, print_qr, run, waiting

app = typer.Typer(no_args_is_help=True, help="Describe a badge, award it, follow it, withdraw it.")

Organisation = Annotated[str, typer.Option("--organisation", "-o", help="Short name (slug) of the organisation.")]
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
