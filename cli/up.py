"""`skillswallet up`: the three services with the data of the demo, for looking around."""

import contextlib
import time
from pathlib import Path

from cli.demo.run import run_demo
from cli.language import say
from cli.local import SERVICES, Deployment, NoDeploymentError, hold_folder
from cli.processes import is_free, running, wait_until_ready
from cli.skills_commands import renew_index
from cli.terminal import fail, out, waiting


def run_up(folder: Path) -> None:
    """Start them and stay until Ctrl-C. Without data, the demo makes it first."""
    try:
        deployment = Deployment.open(folder)
    except NoDeploymentError:
        run_demo(folder)
        deployment = Deployment.open(folder)
    with hold_folder(folder):
        renew_index(deployment.skills_path)
        _run_up(deployment)


def _run_up(deployment: Deployment) -> None:
    _require_free_ports(deployment)
    services = deployment.start()
    with running(services):
        with waiting(say("De drie diensten starten…", "Starting the three services…")):
            wait_until_ready(services)
        for service in services:
            out.print(f"[bold]{service.name:9}[/bold] {service.address}")
        _print_logins(deployment)
        out.print(say("De diensten draaien. Stoppen: Ctrl-C.", "The services are running. To stop: Ctrl-C."))
        with contextlib.suppress(KeyboardInterrupt):
            while all(service.process.poll() is None for service in services):
                time.sleep(0.5)
            out.print(say("Een van de diensten stopte; zie de logs.", "One of the services stopped; see the logs."))


def _require_free_ports(deployment: Deployment) -> None:
    """The addresses stand in every badge, so another port is no way out."""
    taken = [str(deployment.ports[name]) for name in SERVICES if not is_free(deployment.ports[name])]
    if taken:
        fail(
            say(f"Poort {', '.join(taken)} is al in gebruik.", f"Port {', '.join(taken)} is in use already."),
            hint=say(
                "Stop wat daar draait, of begin opnieuw met: skillswallet demo",
                "Stop what runs there, or begin anew with: skillswallet demo",
            ),
        )


def _print_logins(deployment: Deployment) -> None:
    """Where everybody can sign in, and with what."""
    out.print()
    for login in deployment.logins:
        out.print(f"[bold]{login.service}[/bold]  {login.address}", soft_wrap=True)
        out.print(
            f"   {say('naam', 'name')}: {login.name}   {say('wachtzin', 'passphrase')}: {login.passphrase}",
            soft_wrap=True,
        )
        if login.note:
            out.print(f"   [dim]{login.note}[/dim]")
