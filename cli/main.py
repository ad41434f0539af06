"""`skillswallet`: the whole house from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from cli import issuer_commands, skills_commands, trust_commands, verifier_commands, wallet_commands
from cli.language import choose_language, say
from cli.local import DEFAULT_FOLDER, SERVICES
from cli.terminal import explained_errors, out

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Own the proof of what you can do: issue, keep, show and check badges of skills.",
)
app.add_typer(issuer_commands.app, name="issuer")
app.add_typer(wallet_commands.app, name="wallet")
app.add_typer(verifier_commands.app, name="verifier")
app.add_typer(trust_commands.app, name="trust")
app.add_typer(skills_commands.app, name="skills")

ServiceName = Annotated[str, typer.Argument(help="issuer, wallet or verifier.")]
Folder = Annotated[Path, typer.Option("--data", envvar="SKILLSWALLET_DATA", help="Folder for everything it makes.")]


@app.callback()
def begin(
    language: Annotated[str | None, typer.Option("--language", "-l", help="nl or en; else as LANG says.")] = None,
) -> None:
    """Own the proof of what you can do: issue, keep, show and check badges of skills."""
    if language not in {None, "nl", "en"}:
        raise typer.BadParameter("nl | en", param_hint="--language")
    choose_language(language)


@app.command("demo")
def demo(
    data: Folder = DEFAULT_FOLDER,
    keep_running: Annotated[bool, typer.Option(help="Leave the services running at the end, until Ctrl-C.")] = False,
) -> None:
    """One badge lives its whole life, over HTTP, between three services started for it."""
    from cli.demo.run import run_demo  # everything else answers faster without it
    from cli.up import run_up

    with explained_errors():
        status = run_demo(data)
        if keep_running:
            run_up(data)
    raise typer.Exit(status)


@app.command("up")
def up(data: Folder = DEFAULT_FOLDER) -> None:
    """Start the three services with the data of the demo, and leave them running until Ctrl-C."""
    from cli.up import run_up

    with explained_errors():
        run_up(data)


@app.command("serve")
def serve(
    service: ServiceName,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    migrate: Annotated[bool, typer.Option("--migrate", help="First bring the database to the newest form.")] = False,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> None:
    """Run one service, with the settings of the environment."""
    from cli import serve as server

    _check_name(service)
    with explained_errors():
        if migrate:
            server.migrate_service(service)
        server.serve(service, host=host, port=port, workers=workers, until_stdin_closes=until_stdin_closes)


@app.command("migrate")
def migrate(service: ServiceName) -> None:
    """Bring the database of one service to the newest form."""
    from cli import serve as server

    _check_name(service)
    with explained_errors():
        server.migrate_service(service)
    out.print(say("De database is bij.", "The database is up to date."))


@app.command("inspect")
def inspect(
    subject: Annotated[str, typer.Argument(metavar="FILE|URL|TEXT", help="A badge; - reads standard input.")],
    email: Annotated[str | None, typer.Option(help="Was it given to this e-mail address?")] = None,
    allow_http_to: Annotated[
        list[str] | None, typer.Option(metavar="HOST:PORT", help="Local issuer to ask without https; may be repeated.")
    ] = None,
    trust_list: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FILE",
            envvar="SKILLSWALLET_TRUST_LIST",
            help="Signed list of who is recognised, as `skillswallet trust sign` makes it.",
        ),
    ] = None,
    trust_signer: Annotated[
        str | None,
        typer.Option(
            metavar="JWK|FILE",
            envvar="SKILLSWALLET_TRUST_SIGNER",
            help="Public key of whoever signs that list; of a private key, the public part is used.",
        ),
    ] = None,
    any_issuer: Annotated[
        bool, typer.Option("--any-issuer", help="Say yes whoever issued it: anybody can sign under any name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What is this credential, who issued it, and can it be believed?

    Exit status 0, yes: authentic, valid, and the trust list that you give recognises its issuer.

    Exit status 1, no: it is not, or its issuer lost its recognition.

    Exit status 2, not known: something could not be checked, or nobody says that its issuer is known. So it is without
    a trust list, unless any issuer will do (--any-issuer).
    """
    from cli import inspect_command

    status = inspect_command.inspect(
        subject,
        email=email,
        local_hosts=allow_http_to or [],
        trust_list=inspect_command.read_trust_list_option(trust_list, trust_signer),
        any_issuer=any_issuer,
        as_json=as_json,
    )
    raise typer.Exit(status)


@app.command("vc-api")
def vc_api(
    suite: Annotated[list[str] | None, typer.Option(help="A cryptosuite to sign and verify by; all if none.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8104,
) -> None:
    """For tests only: the W3C's VC API, with keys of its own; VC_API_ENABLED_FOR_TESTS=true switches it on."""
    from cli.vc_api.serving import serve
    from kernel.data_integrity import CRYPTOSUITES

    if unknown := set(suite or ()) - CRYPTOSUITES.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: {' | '.join(CRYPTOSUITES)}", param_hint="--suite")
    with explained_errors():
        serve(suite or list(CRYPTOSUITES), host=host, port=port)


def _check_name(service: str) -> None:
    if service not in SERVICES:
        raise typer.BadParameter(" | ".join(SERVICES), param_hint="service")


if __name__ == "__main__":
    app()
