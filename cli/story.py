"""What the demo says while it works, and the table at its end: each check, what was expected, what was seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.clients import ProblemError
from cli.language import say


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that had to be so."""

    step: str
    sentence: str
    is_so: bool
    seen: str


@dataclass(slots=True)
class Story:
    """The steps told so far, and everything that was checked in them."""

    console: Console
    checked: list[Checked] = field(default_factory=list)
    _step: str = ""

    def step(self, number: str, title: str) -> None:
        """Begin a step."""
        self._step = number
        self.console.print()
        self.console.print(f"[bold]{number}  {escape(title)}[/bold]")

    def tell(self, sentence: str) -> None:
        """Say what happens."""
        self.console.print(f"   {escape(sentence)}", soft_wrap=True)

    def check(self, sentence: str, is_so: bool, seen: object = "") -> None:
        """Note whether something is as it should be, and what was seen."""
        self.checked.append(Checked(self._step, sentence, is_so, str(seen)))
        mark = "[green]✓[/green]" if is_so else "[bold red]✗[/bold red]"
        note = f" [dim]({escape(str(seen))})[/dim]" if seen != "" else ""
        self.console.print(f"   {mark} {escape(sentence)}{note}", soft_wrap=True)

    @contextmanager
    def refusal(self, sentence: str, *codes: str) -> Iterator[None]:
        """What happens inside must be refused by a service, with one of these codes."""
        try:
            yield
        except ProblemError as exc:
            self.check(sentence, exc.code in codes, f"{exc.status} {exc.code}")
        else:
            self.check(sentence, False, say("niet geweigerd", "not refused"))

    @property
    def all_held(self) -> bool:
        """Whether there were checks and every one held."""
        return bool(self.checked) and all(checked.is_so for checked in self.checked)

    def print_table(self) -> None:
        """All checks in one view."""
        table = Table(
            title=say("Alles wat is nagekeken", "Everything that was checked"), title_justify="left", expand=False
        )
        table.add_column(say("stap", "step"))
        table.add_column(say("wat zo moest zijn", "what had to be so"), overflow="fold")
        table.add_column(say("gezien", "seen"), overflow="fold")
        table.add_column("")
        for checked in self.checked:
            mark = (
                f"[green]✓ {say('ja', 'yes')}[/green]"
                if checked.is_so
                else f"[bold red]✗ {say('nee', 'no')}[/bold red]"
            )
            table.add_row(checked.step, escape(checked.sentence), escape(checked.seen), mark)
        self.console.print()
        self.console.print(table)
        wrong = sum(not checked.is_so for checked in self.checked)
        held = len(self.checked) - wrong
        if wrong:
            self.console.print(
                say(f"{held} keer goed, {wrong} keer anders dan verwacht.", f"{held} as expected, {wrong} otherwise."),
                style="bold red",
            )
        else:
            self.console.print(
                say(f"Alle {held} controles gingen zoals het hoort.", f"All {held} checks went as they should."),
                style="bold green",
            )
