"""`skillswallet verifier …`: ask for proof of skills and read what held."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli.answer_text import answer_lines
from cli.connections import Connection
from cli.language import language, say
from cli.local import DEFAULT_FOLDER
from cli.terminal import out, print_qr, run, waiting
from skills.search import SkillIndex

app = typer.Typer(no_args_is_help=True, help="Ask for proof of skills and read what held.")

RelyingParty = Annotated[str, typer.Option("--relying-party", "-r", help="Short name (slug) of who asks.")]
FINAL_STATES = {"settled", "refused", "expired"}


@app.callback()
def connect(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(envvar="SKILLSWALLET_DATA", help="Folder with keys and addresses.")
    ] = DEFAULT_FOLDER,
    url: Annotated[str | None, typer.Option(help="Address of the verifier.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="SKILLSWALLET_VERIFIER_KEY", help="API key.", show_default=False)
    ] = None,
) -> None:
    """Which verifier, and with which key."""
    context.obj = Connection("verifier", data, url, key)


@app.command("relying-party")
def create_relying_party(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(help="Short name in web addresses.")],
    name: Annotated[str, typer.Option(prompt=True, help="Name as people know it.")],
) -> None:
    """Add an organisation that asks; its API key is kept in the data folder."""

    async def work() -> Any:
        connection = _connection(context)
        async with connection.verifier() as verifier:
            created = await verifier.create_relying_party({"slug": slug, "name": name})
        connection.remember(**{f"key/{slug}": created["api_key"]})
        return created

    run(work())
    out.print(say(f"{name} kan nu vragen stellen.", f"{name} can ask questions now."))


@app.command("operator")
def create_operator(
    context: typer.Context,
    relying_party: RelyingParty,
    email: Annotated[str, typer.Option(prompt=True)],
    name: Annotated[str, typer.Option(prompt=True)],
    passphrase: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, envvar="SKILLSWALLET_PASSPHRASE")
    ],
) -> None:
    """Let a colleague sign in to the back office."""

    async def work() -> None:
        async with _connection(context).verifier(relying_party) as verifier:
            await verifier.create_operator(relying_party, email=email, name=name, passphrase=passphrase)

    run(work())
    out.print(say(f"{escape(email)} kan zich nu aanmelden.", f"{escape(email)} can sign in now."))


@app.command("question")
def create_question(
    context: typer.Context,
    relying_party: RelyingParty,
    skill: Annotated[list[str], typer.Option("--skill", "-s", help="URI of a skill; repeat it for more.")],
    title: Annotated[str, typer.Option(prompt=True)],
    purpose: Annotated[str, typer.Option(prompt=True, help="Why you ask; the holder gets to read it.")],
    level: Annotated[
        int | None, typer.Option(min=1, max=8, help="At this level of the EQF or NLQF, or higher; else at any.")
    ] = None,
) -> None:
    """Save a question about one or more skills."""

    async def work() -> Any:
        connection = _connection(context)
        skills = [{"uri": uri, "name": _name_of(uri, connection.folder)} for uri in skill]
        async with connection.verifier(relying_party) as verifier:
            return await verifier.create_question(
                relying_party, {"title": title, "purpose": purpose, "skills": skills, "minimum_level": level}
            )

    out.print(say("Bewaard als", "Saved as") + f" [bold]{run(work())['id']}[/bold]")


@app.command("certificate")
def keep_certificate(
    context: typer.Context,
    relying_party: RelyingParty,
    chain: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="PEM: own certificate first, no anchor.")],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="PEM: the private key, without password.")],
) -> None:
    """Hand in the certificate by which EUDI wallets know who asks; its key is kept sealed."""

    async def work() -> Any:
        async with _connection(context).verifier(relying_party) as verifier:
            return await verifier.keep_certificate(relying_party, chain=chain.read_text(), key=key.read_text())

    kept = run(work())["certificate"]
    out.print(say("Wallets kennen u nu ook als:", "Wallets now also know you as:"))
    for client_id in kept["client_ids"]:
        out.print(f"  {escape(client_id)}", soft_wrap=True)
    out.print(say(f"Geldig tot {kept['expires_at']}.", f"Valid until {kept['expires_at']}."))


@app.command("webhook")
def keep_webhook(
    context: typer.Context,
    relying_party: RelyingParty,
    address: Annotated[str, typer.Argument(help="An https address of a system of your own.")],
) -> None:
    """Be told, signed, what happens to questions; the secret is shown only now."""

    async def work() -> Any:
        async with _connection(context).verifier(relying_party) as verifier:
            return await verifier.keep_webhook(relying_party, address)

    secret = run(work())["secret"]
    out.print(say("Bewaar dit geheim; hiermee controleert u elk bericht:", "Keep this secret; it checks each message:"))
    out.print(f"  {escape(secret)}", soft_wrap=True)


@app.command("questions")
def list_questions(context: typer.Context, relying_party: RelyingParty) -> None:
    """The saved questions."""

    async def work() -> Any:
        async with _connection(context).verifier(relying_party) as verifier:
            return await verifier.questions(relying_party)

    answer = run(work())
    table = Table(Column(say("nummer", "number"), overflow="fold"), say("vraag", "question"), "skills")
    for item in answer["questions"] if isinstance(answer, dict) else answer:
        table.add_row(str(item["id"]), item["title"], _asked_skills(item))
    out.print(table)


@app.command("ask")
def ask(
    context: typer.Context,
    relying_party: RelyingParty,
    question: Annotated[str, typer.Argument(help="Number of a saved question.")],
    policy: Annotated[str | None, typer.Option(help="diip, haip or openid4vp; else as the question says.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the answer and show it.")] = True,
) -> None:
    """Make a link and QR code for one person, and wait for the answer."""

    async def work() -> Any:
        async with _connection(context).verifier(relying_party) as verifier:
            started = await verifier.start_presentation(
                relying_party, {"question_id": question, **({} if policy is None else {"policy": policy})}
            )
            out.print(f"{say('link', 'link')}: {escape(started['link'])}", soft_wrap=True)
            print_qr(started["link"])
            out.print(f"[dim]{say('nummer', 'number')}: {started['id']}[/dim]")
            if not wait:
                return None
            with waiting(
                say(
                    f"Wachten op het antwoord (tot {started['expires_at']})…",
                    f"Waiting for the answer (until {started['expires_at']})…",
                )
            ):
                return await _wait(verifier, relying_party, started["id"])

    answer = run(work())
    if answer is not None:
        show_presentation(answer)


@app.command("result")
def result(
    context: typer.Context,
    relying_party: RelyingParty,
    number: Annotated[str, typer.Argument(help="Number of the presentation.")],
) -> None:
    """What came of a question."""

    async def work() -> Any:
        async with _connection(context).verifier(relying_party) as verifier:
            return await verifier.presentation(relying_party, number)

    show_presentation(run(work()))


def show_presentation(presentation: dict[str, Any]) -> None:
    """Requirement by requirement, in words; exit status 1 when not everything that was asked is proven."""
    report = presentation.get("report")
    if not report:
        out.print(say(f"Stand: {presentation['state']}", f"State: {presentation['state']}"))
        return
    for line in answer_lines(report, presentation.get("shown")):
        out.print(line)
    if not report["accepted"]:
        out.print("\n" + say("Niet alles wat u vroeg is bewezen.", "Not everything that you asked is proven."))
        raise typer.Exit(1)
    out.print("\n" + say("Ja: alles is nagekeken en klopt.", "Yes: everything was checked and holds."), style="green")


def all_checks(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks of every shown badge and of the whole, in the order of checking."""
    shown = [check for part in report.get("presentations", []) for check in part["checks"]]
    return [*shown, *report["checks"]]


def outcome_text(outcome: str) -> str:
    """How a check ended, in words."""
    return {
        "passed": say("✓ klopt", "✓ holds"),
        "failed": say("✗ klopt niet", "✗ does not hold"),
        "unknown": say("? kon niet worden nagekeken", "? could not be checked"),
        "not_applicable": say("– niet van toepassing", "– does not apply"),
    }.get(outcome.lower(), outcome)


async def _wait(verifier: Any, relying_party: str, number: str) -> Any:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        presentation = await verifier.presentation(relying_party, number)
        if presentation["state"] in FINAL_STATES:
            return presentation
        await asyncio.sleep(1)
    return presentation


def _asked(skill: dict[str, Any]) -> str:
    names = skill["names"]
    return str(names.get(language()) or next(iter(names.values()), skill["uri"]))


def _asked_skills(question: dict[str, Any]) -> str:
    level = question["minimum_level"]
    skills = ", ".join(map(_asked, question["skills"]))
    return skills if level is None else f"{skills} ({say(f'vanaf niveau {level}', f'from level {level}')})"


def _name_of(uri: str, folder: Path) -> str:
    path = folder / "skills.sqlite3"
    skill = SkillIndex.open(path if path.exists() else None).get(uri)
    return skill.label(language()) if skill else uri


def _connection(context: typer.Context) -> Connection:
    connection: Connection = context.obj
    return connection
