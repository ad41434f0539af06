"""`skillswallet wallet …`: receive a badge, look at it, show it, and keep the reins."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.connections import Connection
from cli.language import language, say
from cli.local import DEFAULT_FOLDER
from cli.terminal import explained_errors, out, run, waiting

app = typer.Typer(no_args_is_help=True, help="Receive a badge, look at it, show it.")

Passphrase = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="SKILLSWALLET_PASSPHRASE", help="Asked for when not given.")
]
Name = Annotated[str, typer.Option(prompt=True, help="Name of the account.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]


@app.callback()
def connect(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(envvar="SKILLSWALLET_DATA", help="Folder that remembers the session.")
    ] = DEFAULT_FOLDER,
    url: Annotated[str | None, typer.Option(help="Address of the wallet.")] = None,
) -> None:
    """Which wallet."""
    context.obj = Connection("wallet", data, url)


@app.command("create")
def create_account(context: typer.Context, name: Name, passphrase: Passphrase) -> None:
    """Make an account. Without passphrase or recovery code nobody can open it, we neither."""

    async def work() -> Any:
        connection = _connection(context)
        async with connection.anonymous_wallet() as wallet:
            with waiting(say("Wallet maken…", "Making the wallet…")):
                account = await wallet.create_account(name, passphrase)
                connection.remember(token=await wallet.sign_in(name, passphrase), address=connection.given_address)
            return account

    account = run(work())
    out.print(
        say(
            "Uw herstelcode. Schrijf hem op; hij komt niet terug:",
            "Your recovery code. Write it down; it is shown once:",
        )
    )
    out.print(f"[bold]{escape(account['recovery_code'])}[/bold]")


@app.command("sign-in")
def sign_in(context: typer.Context, name: Name, passphrase: Passphrase) -> None:
    """Open the vault; the session token is kept in the data folder."""

    async def work() -> None:
        connection = _connection(context)
        async with connection.anonymous_wallet() as wallet:
            with waiting(say("Kluis openen…", "Opening the vault…")):
                connection.remember(token=await wallet.sign_in(name, passphrase), address=connection.given_address)

    run(work())
    out.print(say("U bent aangemeld.", "You are signed in."))


@app.command("sign-out")
def sign_out(context: typer.Context) -> None:
    """Lock the vault."""

    async def work() -> None:
        connection = _connection(context)
        async with connection.wallet() as wallet:
            await wallet.sign_out()
        connection.remember(token=None)

    run(work())
    out.print(say("De kluis is op slot.", "The vault is locked."))


@app.command("receive")
def receive(
    context: typer.Context,
    offer: Annotated[str, typer.Argument(help="Link from the offer or its QR code.")],
    tx_code: Annotated[str | None, typer.Option(help="Code that came by another way; asked for when needed.")] = None,
    yes: Yes = False,
) -> None:
    """Look at an offer and take it."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            with waiting(say("Aanbod bekijken…", "Looking at the offer…")):
                opened = await wallet.open_offer(offer)
            _show_offer(opened)
            if not yes and not typer.confirm(say("Aannemen?", "Take it?")):
                raise typer.Exit(0)
            code = tx_code
            if opened.get("tx_code") is not None and code is None:
                code = str(typer.prompt(say("Code", "Code")))
            with waiting(say("Badge ophalen en nakijken…", "Fetching and checking the badge…")):
                return await wallet.accept_offer(opened["id"], tx_code=code)

    for credential in run(work())["credentials"]:
        name = escape(str(credential["name"]))
        out.print(say(f"Bewaard: {name}", f"Kept: {name}") + f"  [dim]{credential['id']}[/dim]")


@app.command("list")
def list_credentials(context: typer.Context) -> None:
    """Your badges, and how they stand today."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            return await wallet.credentials()

    answer = run(work())
    credentials = answer["credentials"] if isinstance(answer, dict) else answer
    if not credentials:
        out.print(
            say(
                "Hier komen uw badges. Begin met: wallet receive LINK",
                "Your badges come here. Begin with: wallet receive LINK",
            )
        )
        return
    for item in credentials:
        by = say("van", "from")
        out.print(f"[bold]{escape(str(item['name']))}[/bold], {by} {escape(str(item['issuer_name'] or '?'))}")
        out.print(f"  {standing_text(item)}", soft_wrap=True)
        out.print(f"  [dim]{escape(str(item['id']))}[/dim]", soft_wrap=True)


@app.command("show")
def show_credential(
    context: typer.Context, number: Annotated[str, typer.Argument(help="Number of the badge.")]
) -> None:
    """All there is to know about one badge."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            return await wallet.credential(number)

    out.print_json(json.dumps(run(work()), ensure_ascii=False))


@app.command("answer")
def answer_request(
    context: typer.Context,
    request: Annotated[str, typer.Argument(help="Link from whoever asks, or its QR code.")],
    yes: Yes = False,
) -> None:
    """See who asks for what, what they would get to see, and decide."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            with waiting(say("Vraag bekijken…", "Looking at the question…")):
                opened = await wallet.open_request(request)
            _show_request(opened)
            if not opened["answerable"]:
                raise typer.Exit(1)
            if not yes and not typer.confirm(say("Delen?", "Share it?")):
                await wallet.decline_request(opened["id"])
                out.print(say("U hebt niets gedeeld.", "You shared nothing."))
                raise typer.Exit(0)
            with waiting(say("Delen…", "Sharing…")):
                return await wallet.accept_request(opened["id"])

    answer = run(work())
    out.print(say("Gedeeld.", "Shared."))
    if answer and answer.get("redirect_uri"):
        out.print(say(f"Ga verder op: {answer['redirect_uri']}", f"Go on at: {answer['redirect_uri']}"), soft_wrap=True)


@app.command("history")
def history(context: typer.Context) -> None:
    """What you received from whom and showed to whom."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            return await wallet.history()

    out.print_json(json.dumps(run(work()), ensure_ascii=False))


@app.command("delete")
def delete_credential(context: typer.Context, number: str, yes: Yes = False) -> None:
    """Throw a badge away; what you shared stays in your history."""

    async def work() -> None:
        async with _connection(context).wallet() as wallet:
            await wallet.delete_credential(number)

    if yes or typer.confirm(say("Deze badge weggooien?", "Throw this badge away?")):
        run(work())
        out.print(say("Weg.", "Gone."))


@app.command("export")
def export(context: typer.Context, file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Take all your data with you."""

    async def work() -> Any:
        async with _connection(context).wallet() as wallet:
            return await wallet.export()

    exported = run(work())
    with explained_errors():
        file.write_text(json.dumps(exported, indent=2, ensure_ascii=False))
        file.chmod(0o600)
    out.print(say(f"Geschreven naar {file}.", f"Written to {file}."))


@app.command("erase")
def erase(context: typer.Context, passphrase: Passphrase, yes: Yes = False) -> None:
    """Erase the account with everything in it."""

    async def work() -> None:
        connection = _connection(context)
        async with connection.wallet() as wallet:
            await wallet.erase_account(passphrase)
        connection.remember(token=None)

    if yes or typer.confirm(say("Alles wissen? Dit kan niet terug.", "Erase everything? There is no way back.")):
        run(work())
        out.print(say("Alles is gewist.", "Everything is erased."))


def _connection(context: typer.Context) -> Connection:
    connection: Connection = context.obj
    return connection


def recognition_text(outcome: str) -> str:
    """Whether anybody vouches for them, in words."""
    return {
        "recognised": say("erkend", "recognised"),
        "not_for_this_type": say("bekend, maar niet voor dit soort badges", "known, but not for badges of this kind"),
        "withdrawn": say("de erkenning is ingetrokken", "the recognition was withdrawn"),
        "not_listed": say("door niemand erkend op wie wij afgaan", "recognised by nobody whom we rely on"),
        "list_unavailable": say(
            "of ze erkend zijn, kon niet worden nagekeken", "whether they are could not be checked"
        ),
    }.get(outcome, outcome)


def state_text(state: str) -> str:
    """How a badge stands today, in words."""
    return {
        "valid": say("geldig", "valid"),
        "expired": say("verlopen", "expired"),
        "revoked": say("ingetrokken", "revoked"),
        "suspended": say("opgeschort", "suspended"),
        "not_yet_valid": say("nog niet geldig", "not valid yet"),
        "told": say("de uitgever meldt er iets bij", "the issuer tells something about it"),
        "unknown": say("kon niet worden nagekeken", "could not be checked"),
    }.get(state, state)


def standing_text(badge: dict[str, Any]) -> str:
    """Two answers in one line: how the badge stands, and whether its issuer is recognised for it. T-01."""
    if badge["state"] != "valid":
        return state_text(badge["state"])
    return {
        "recognised": say("echt, geldig en van een bekende uitgever", "authentic, valid and from a known issuer"),
        "not_for_this_type": say(
            "echt en geldig; de uitgever is niet erkend voor dit soort badges",
            "authentic and valid; the issuer is not recognised for this kind of badge",
        ),
        "withdrawn": say(
            "geldig, maar de uitgever is niet meer erkend", "valid, but the issuer is no longer recognised"
        ),
        "list_unavailable": say(
            "echt en geldig; of de uitgever bekend is, kon niet worden nagekeken",
            "authentic and valid; whether the issuer is known could not be checked",
        ),
    }.get(
        badge["recognition"]["outcome"],
        say("echt en geldig; we kennen de uitgever niet", "authentic and valid; we do not know the issuer"),
    )


def _show_offer(offer: dict[str, Any]) -> None:
    recognition = recognition_text(offer["recognition"]["outcome"])
    who = f"{offer['issuer_name'] or offer['host']} ({offer['host']}; {recognition})"
    out.print(f"[bold]{escape(who)}[/bold] " + say("biedt u aan:", "offers you:"))
    for name in dict.fromkeys(str(credential["name"]) for credential in offer["credentials"]):
        out.print(f"  [bold]{escape(name)}[/bold]")


def _show_request(request: dict[str, Any]) -> None:
    verifier = request["verifier"]
    who = f"{verifier.get('name') or verifier['client_id']} ({recognition_text(verifier['recognition']['outcome'])})"
    out.print(f"[bold]{escape(who)}[/bold] " + say("vraagt:", "asks:") + f" {escape(purpose_text(request))}")
    if request["comparison_code"]:
        said = say("Op hun scherm staat de code", "Their screen shows the code")
        out.print(f"{said} [bold]{escape(request['comparison_code'])}[/bold]")
    if not request["answerable"]:
        out.print(
            say(
                "U hebt nog geen badge die hierbij past. Zij krijgen dat niet te horen.",
                "You have no badge yet that fits. They are not told.",
            )
        )
    for share in request["share"]:
        out.print(say(f"Uit {share['name']} zien zij:", f"Of {share['name']} they see:"))
        for shown in share["shown"]:
            out.print(f"  ✓ {escape(fact_text(shown))}")
    hidden = hidden_facts(request)
    if hidden:
        out.print(say("En niet: ", "And not: ") + escape(", ".join(hidden)))


def purpose_text(request: dict[str, Any]) -> str:
    """Why they ask, in the language of this run where they say it in it."""
    purposes = request["purposes"]
    return str(purposes.get(language()) or request["purpose"] or "–")


def fact_text(fact: dict[str, Any]) -> str:
    """One thing that a badge says, with its label in the language of this run."""
    return f"{_label(fact)}: {fact['value']}"


def hidden_facts(request: dict[str, Any]) -> list[str]:
    """What stays hidden in the whole answer: skills by their name, the rest by its label."""
    shown = {(fact["label"], fact["value"]) for share in request["share"] for fact in share["shown"]}
    hidden = [
        fact for share in request["share"] for fact in share["hidden"] if (fact["label"], fact["value"]) not in shown
    ]
    return list(dict.fromkeys(fact_text(fact) if fact["label"] == "Skill" else _label(fact) for fact in hidden))


def _label(fact: dict[str, Any]) -> str:
    """The wallet's API gives the Dutch label, which is also the key of its catalogue."""
    from runtime.web.language import load_catalogue  # only needed here, and it brings the web framework along

    return load_catalogue(("wallet",), language()).gettext(str(fact["label"]))
