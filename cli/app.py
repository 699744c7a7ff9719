"""
The operator's command: check and deploy the snapshot functions, and see what they do.

Installed as `ecsnap`; `python -m cli` is the same thing.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from cli import deploy, operate
from cli.console import Output, new_console, print_line, stderr_console
from cli.paths import POLICIES, ROOT

FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"

app = typer.Typer(
    name="ecsnap",
    no_args_is_help=True,
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if not wanted:
        return
    try:
        print_line(new_console(), f"ecsnap {metadata.version('ecs-snapshot-automation')}")
    except metadata.PackageNotFoundError as exc:
        raise typer.BadParameter("the command is not installed; run make venv") from exc
    raise typer.Exit


@app.callback()
def main(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options of all commands."""


@app.command(epilog="Example: ecsnap demo; ecsnap demo --all")
def demo(
    html: Annotated[Path, typer.Option(help="Where to write the page.")] = ROOT
    / "build"
    / "demo.html",
    *,
    everything: Annotated[bool, typer.Option("--all", help="Show every record.")] = False,
) -> None:
    """Run the functions on a timer and an event, in the local emulator; needs no account."""
    from cli.demo import demo as show  # noqa: PLC0415 - so that `--help` need not load the SDKs

    console, messages = new_console(), stderr_console()
    if not show(console, POLICIES, everything=everything, page=html, messages=messages):
        raise typer.Exit(1)


@app.command(
    epilog="Example: ecsnap invoke --now snapshot_on_schedule "
    "events/snapshot_on_schedule/direct_disks.json; "
    "ecsnap invoke snapshot_on_event - < event.json"
)
def invoke(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="Such as snapshot_on_schedule.")
    ],
    event: Annotated[
        Path, typer.Argument(metavar="EVENT", help="A file with the event, as JSON; - is stdin.")
    ],
    fleet: Annotated[Path, typer.Option(help="The resources in the emulator.")] = FLEET,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Date the event to the current minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Send an event to a function in the local emulator; print its answer and records."""
    from cli.invoke import invoke as call  # noqa: PLC0415 - so that `--help` need not load the SDKs

    output = Output(console=new_console(), messages=stderr_console(), as_json=as_json)
    if not call(output, function, event, fleet=fleet, policies=policies, now=now):
        raise typer.Exit(1)


@app.command(epilog="Example: ecsnap emulator; ecsnap emulator --fleet my-fleet.yaml")
def emulator(
    fleet: Annotated[Path, typer.Option(help="The resources in the emulator.")] = FLEET,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
) -> None:
    """Run an emulator with the functions deployed, for --local, until Ctrl+C."""
    from cli.served_emulator import run  # noqa: PLC0415 - so that `--help` need not load the SDKs

    if not run(fleet, policies, messages=stderr_console()):
        raise typer.Exit(1)


app.add_typer(deploy.app)
app.add_typer(operate.app)
