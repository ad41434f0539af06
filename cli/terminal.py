"""What a person sees in the terminal: plain sentences, progress, and errors that say what to do."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

import segno
import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from cli.clients import ProblemError, UnreachableError
from cli.language import say
from cli.local import FolderInUseError, NoDeploymentError, StillRunningError
from cli.processes import NotReadyError
from cli.recipients import UnreadableInputError
from kernel.errors import CredentialError
from runtime.settings import SettingsError

T = TypeVar("T")

# Texts of strangers are printed too: a name with `:x:` in it is no picture.
out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do the work; turn every failure that we understand into plain words and exit status 1."""
    with explained_errors():
        return asyncio.run(work)


@contextlib.contextmanager
def explained_errors() -> Iterator[None]:
    """Everything that may go wrong for a person, said so that they know what to do next."""
    try:
        yield
    except ProblemError as exc:
        wrong = [f"{name}: {problem}" for name, problem in (exc.body.get("fields") or {}).items()]
        fail(
            exc.detail or exc.title,
            hint="\n".join([line for line in (exc.hint, *wrong) if line]),
            facts={
                say("code", "code"): f"{exc.code} ({exc.status})",
                say("stap", "step"): exc.step,
                say("volgnummer voor de beheerder", "trace id for the operator"): exc.trace_id,
            },
        )
    except UnreachableError as exc:
        fail(
            say(f"Op {exc.address} antwoordt niemand.", f"Nothing answers at {exc.address}."),
            hint=say(
                "Draaien de diensten? Start ze met: skillswallet up",
                "Are the services running? Start them with: skillswallet up",
            ),
        )
    except NotReadyError as exc:
        fail(
            say(f"De dienst {exc.name} kwam niet op gang.", f"The service {exc.name} did not come up."),
            hint=say(f"Wat hij zei, staat in {exc.log}:", f"What it said is in {exc.log}:") + f"\n{exc.last_lines()}",
        )
    except FolderInUseError as exc:
        fail(
            say(f"In {exc.folder} staat iets dat niet van ons is.", f"{exc.folder} holds something that is not ours."),
            hint=say("Kies een andere map met --data.", "Choose another folder with --data."),
        )
    except StillRunningError as exc:
        fail(
            say(f"De diensten in {exc.folder} draaien nog.", f"The services in {exc.folder} are still running."),
            hint=say(
                "Stop ze eerst (Ctrl-C waar ze gestart zijn), of kies een andere map met --data.",
                "Stop them first (Ctrl-C where they were started), or choose another folder with --data.",
            ),
        )
    except NoDeploymentError as exc:
        fail(
            say(f"In {exc.folder} staat nog geen opstelling.", f"There is nothing set up in {exc.folder} yet."),
            hint=say("Maak er een met: skillswallet demo", "Make it with: skillswallet demo"),
        )
    except SettingsError as exc:
        fail(
            say(
                "De dienst kan niet starten: de instellingen kloppen niet.",
                "The service cannot start: settings are wrong.",
            ),
            hint="\n".join(exc.problems),
        )
    except CredentialError as exc:
        fail(exc.sentence, facts={say("code", "code"): exc.code, say("bijzonderheid", "detail"): exc.detail})
    except UnreadableInputError as exc:
        fail(str(exc), hint=exc.hint)
    except json.JSONDecodeError as exc:
        where = say(f"regel {exc.lineno}", f"line {exc.lineno}")
        fail(say("Dit bestand is geen goede JSON.", "This file is no proper JSON."), hint=f"{where}: {exc.msg}")
    except FileExistsError as exc:
        fail(say(f"Dit bestand is er al: {exc.filename}", f"This file is there already: {exc.filename}"))
    except FileNotFoundError as exc:
        fail(say(f"Dit bestand is er niet: {exc.filename or exc}", f"There is no such file: {exc.filename or exc}"))


def fail(sentence: str, *, hint: str = "", facts: dict[str, str] | None = None, status: int = 1) -> NoReturn:
    """Say what went wrong and end with this exit status."""
    lines = [f"[bold]{escape(sentence)}[/bold]"]
    lines += [escape(hint)] if hint else []
    lines += [f"[dim]{escape(name)}: {escape(value)}[/dim]" for name, value in (facts or {}).items() if value]
    err.print(
        Panel("\n".join(lines), title=say("Dit lukte niet", "This did not work"), border_style="red", expand=False)
    )
    raise typer.Exit(status)


@contextlib.contextmanager
def waiting(sentence: str) -> Iterator[None]:
    """Show that something is going on, for as long as it takes."""
    if out.is_terminal:
        with out.status(escape(sentence)):
            yield
    else:
        out.print(f"[dim]{escape(sentence)}[/dim]")
        yield


def print_qr(text: str) -> None:
    """A QR code for the camera of a phone."""
    if sys.stdout.isatty():
        segno.make(text, error="m").terminal(compact=True)
