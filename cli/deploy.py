"""The commands around a deployment: check the files, set the account up, deploy, and try it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import new_console, print_line, stderr_console
from cli.local import Local, environment
from cli.paths import POLICIES, ROOT

if TYPE_CHECKING:
    from cli.check import Findings

app = typer.Typer()


@app.command(epilog="Example: ecsnap check; ecsnap check --built")
def check(
    policies: Annotated[
        Path, typer.Argument(metavar="POLICIES", help="The policy file.")
    ] = POLICIES,
    *,
    built: Annotated[
        bool,
        typer.Option("--built", help="Also check that build/ and the account are ready to deploy."),
    ] = False,
) -> None:
    """Check a policy file, and the `deployment.yaml` and templates in its folder."""
    found = _checked(policies, built=built)
    checked = "deployment.yaml and the templates match it"
    if not found.has_deployment:
        checked = "its folder has no deployment.yaml, so nothing else was checked"
    print_line(new_console(), f"{policies.name}: valid; {checked}", "green")


@app.command(epilog="Example: ecsnap templates")
def templates(
    policies: Annotated[
        Path, typer.Argument(metavar="POLICIES", help="The policy file.")
    ] = POLICIES,
) -> None:
    """Write s.yaml and template.yml from policies.yaml and deployment.yaml."""
    for line in _written(policies) or ["the templates are up to date"]:
        print_line(new_console(), line)


def _written(policies: Path) -> list[str]:
    """Write the templates that are out of date; exit with 1 if the files have problems."""
    from cli.deployment.project import read_project, write_templates  # noqa: PLC0415 - as above

    _checked(policies, stale=False)
    return write_templates(read_project(policies))


def _checked(policies: Path, *, built: bool = False, stale: bool = True) -> Findings:
    """
    Print the problems of a policy file and its project; exit with 1 if there are any.

    `stale`: a template that is out of date is a problem.
    """
    from cli.check import check as find  # noqa: PLC0415 - so that `--help` need not load the SDKs

    console, found = stderr_console(), find(policies, built=built)
    for warning in (*found.warnings, *(() if built else found.placeholders)):
        print_line(console, f"warning: {warning}", "yellow")
    problems = [*found.problems, *(found.stale if stale else ())]
    for problem in problems:
        print_line(console, problem, "red")
    if problems:
        raise typer.Exit(1)
    return found


@app.command(epilog="Example: ecsnap package")
def package() -> None:
    """Write the packages in build/, which `s deploy` and `fun deploy` upload."""
    from cli import package as builder  # noqa: PLC0415 - so that `--help` need not load the SDKs
    from emulator.interpreters import find  # noqa: PLC0415 - as above

    console = stderr_console()
    for line in _written(POLICIES):
        print_line(console, line)
    try:
        version = builder.target_version()
        print_line(console, f"building for Function Compute: Linux on x86_64, Python {version} …")
        folders = builder.package(POLICIES)
    except builder.PackageError as exc:
        print_line(console, str(exc), "red")
        raise typer.Exit(1) from exc
    if find(version) is None:
        why = "the packages contain source only, which each cold start compiles"
        print_line(console, f"warning: no Python {version} on this machine: {why}", "yellow")
    for folder in folders:
        size_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        print_line(new_console(), f"{folder.relative_to(ROOT)}: {size_mb:.0f} MB unpacked")


@app.command(epilog="Example: ecsnap setup; ecsnap setup --apply")
def setup(
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make it; without this nothing is changed.")
    ] = False,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Delete what it made, except logs and snapshots.")
    ] = False,
    functions: Annotated[
        bool, typer.Option("--functions", help="With --destroy: delete the functions too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --destroy: do not ask.")] = False,
    test_notification: Annotated[
        bool, typer.Option("--test-notification", help="Let one alert fire, and remove it.")
    ] = False,
    local: Local = False,
) -> None:
    """Show what the account lacks for a deployment, as a diff; with --apply, make it."""
    from cli.setup import command, notification  # noqa: PLC0415 - see above

    if apply + destroy + test_notification > 1:
        raise typer.BadParameter("--apply, --destroy and --test-notification exclude each other")
    if (functions or yes) and not destroy:
        raise typer.BadParameter("--functions and --yes need --destroy")
    console, messages, env = new_console(), stderr_console(), environment(local=local)
    if destroy:
        done = command.destroy(
            console,
            policies,
            functions=functions,
            confirmed=lambda: yes or _confirmed(),
            messages=messages,
            env=env,
        )
    elif test_notification:
        done = notification.send_notification(console, policies, messages=messages, env=env)
    else:
        done = command.setup(console, policies, apply=apply, messages=messages, env=env)
    if not done:
        raise typer.Exit(1)


def _confirmed() -> bool:
    """Ask; without a terminal there is nobody to ask, and the answer is no."""
    if not sys.stdin.isatty():
        print_line(stderr_console(), "no terminal to ask; add --yes", "red")
        return False
    return typer.confirm("Delete these?")


@app.command(name="deploy-fun", epilog="Example: ecsnap deploy-fun")
def deploy_fun(
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
) -> None:
    """Deploy the packages with Fun, to FC 2.0, with their triggers of EventBridge."""
    from cli.deploy_fun import deploy_fun as deploy  # noqa: PLC0415 - see above

    if not deploy(new_console(), policies, messages=stderr_console()):
        raise typer.Exit(1)


@app.command(epilog="Example: ecsnap smoke --strict")
def smoke(
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    fc_endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            envvar="FC_ENDPOINT",
            help="The address of Function Compute; default: the host of the region.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The policy of the dry run; default: the first that needs no event.",
        ),
    ] = None,
    *,
    fun: Annotated[
        bool, typer.Option("--fun", help="The functions were deployed with Fun, to FC 2.0.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless every status is `ok`.")
    ] = False,
    local: Local = False,
) -> None:
    """Send a dry run to every deployed function, and print the answers."""
    from cli.smoke import smoke as ask  # noqa: PLC0415 - so that `--help` need not load the SDKs

    env = environment(local=local)
    done = ask(
        new_console(),
        policies,
        fun=fun,
        endpoint=env["FC_ENDPOINT"] if local else fc_endpoint,
        policy=policy,
        strict=strict,
        messages=stderr_console(),
        env=env,
    )
    if not done:
        raise typer.Exit(1)
