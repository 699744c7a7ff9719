"""The commands of a working day: what will happen, what happened, what is not protected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.console import Output, new_console, stderr_console
from cli.local import Local, environment
from cli.paths import POLICIES
from cli.request.options import RequestCommand, tags_of

app = typer.Typer()


@contextmanager
def _usage() -> Iterator[None]:
    """Turn a wrong value of an option into a usage error, which exits with 2 and asks nobody."""
    from cli.history.source import SourceError  # noqa: PLC0415 - so that `--help` loads no SDK

    try:
        yield
    except SourceError as exc:
        raise typer.BadParameter(str(exc)) from exc


@app.command(epilog="Example: ecsnap plan; ecsnap plan nightly-production --at 2026-01-31T20:00")
def plan(
    policy: Annotated[
        str | None,
        typer.Argument(metavar="POLICY", help="Only this policy, with each disk in or out."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The next runs after this time, not after now."),
    ] = None,
    disk: Annotated[str | None, typer.Option(help="What each policy does with this disk.")] = None,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Show every disk.")] = False,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show when each policy runs next, for which disks, and how long that takes."""
    from cli.inventory import plan_command  # noqa: PLC0415 - so that `--help` loads no SDK

    question = plan_command.Question(
        policies=policies,
        policy=policy,
        disk=disk,
        at=at,
        everything=everything,
        env=environment(local=local),
    )
    with _usage():
        plan_command.after_of(question)
    if not plan_command.plan(question, _output(as_json=as_json)):
        raise typer.Exit(1)


@app.command(epilog="Example: ecsnap runs --since 7d --failed; ecsnap runs 3f2a")
def runs(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The id of one run, or its beginning: all its disks."),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="How far to look back: 90m, 24h, 7d.")
    ] = "24h",
    policy: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the runs of this policy.")
    ] = None,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs with a failure.")] = False,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what came of past runs, from the records: taken, done, failed, skipped, waiting."""
    from cli.history import command  # noqa: PLC0415 - so that `--help` need not load the SDKs
    from cli.history.runs import parsed_since  # noqa: PLC0415 - the same

    question = command.Question(policies=policies, since=since, env=environment(local=local))
    output = _output(as_json=as_json)
    if run is not None and (policy is not None or failed):
        raise typer.BadParameter("--policy and --failed are for many runs, and this is one")
    with _usage():
        parsed_since(since)
    done = (
        command.show_run(question, output, run)
        if run is not None
        else command.show_runs(question, output, policy=policy, failed=failed)
    )
    if not done:
        raise typer.Exit(1)


@app.command(epilog="Example: ecsnap explain d-bp1web10000000000sys --night 2026-01-31")
def explain(
    disk: Annotated[str, typer.Argument(metavar="DISK", help="The id of a disk.")],
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How far to look back: 90m, 24h, 7d."),
    ] = None,
    night: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="A date: from its noon to the next, in local time."),
    ] = None,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show why a disk has, or has no, snapshots: each policy, what happened, what to do."""
    from cli.inventory import explain_command  # noqa: PLC0415 - so that `--help` loads no SDK

    if since is not None and night is not None:
        raise typer.BadParameter("--since and --night exclude each other")
    env = environment(local=local)
    question = explain_command.Question(
        policies=policies, since=since or "48h", night=night, env=env
    )
    with _usage():
        explain_command.time_of(question, question.clock.now())
    if not explain_command.explain(question, _output(as_json=as_json), disk):
        raise typer.Exit(1)


@app.command(
    epilog="Example: ecsnap coverage --fail-on overdue,unprotected; ecsnap coverage --html new.html"
)
def coverage(
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    fail_on: Annotated[
        str | None,
        typer.Option(help="Exit with 1 if a disk is in one of these: overdue,unprotected."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page for a browser to this file.")
    ] = None,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="List the snapshots in ECS, not the records.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every disk.")] = False,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show which disks are protected, which are overdue, and which no policy takes."""
    from cli.inventory import coverage_command  # noqa: PLC0415 - so that `--help` loads no SDK

    question = coverage_command.Question(
        policies=policies,
        live=live,
        everything=everything,
        fail_on=fail_on,
        html=html,
        env=environment(local=local),
    )
    with _usage():
        coverage_command.states_of(fail_on)
    if not coverage_command.coverage(question, _output(as_json=as_json)):
        raise typer.Exit(1)


@app.command(
    cls=RequestCommand,
    epilog="Example: ecsnap request --policy nightly-production --wait; "
    "ecsnap request --tag env=prod --tag role=db --key v1.2 --wait 1h",
)
def request(
    policy: Annotated[str | None, typer.Option(help="Run this policy.")] = None,
    disk: Annotated[
        list[str] | None, typer.Option(help="A disk; may be given several times.")
    ] = None,
    instance: Annotated[
        list[str] | None,
        typer.Option(help="An instance, for all its disks; may be given several times."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Disks with this tag; several keys must all match, and of one key one value. "
            "* and ? are wildcards.",
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Identifies the request; default: a random one.")
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="[TIME]", help="Wait for the snapshots, so long or, without a time, 30m."
        ),
    ] = None,
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only record what would be done.")
    ] = False,
    fun: Annotated[
        bool, typer.Option("--fun", help="The functions were deployed with Fun, to FC 2.0.")
    ] = False,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Take snapshots now: send a direct request, and wait for it if asked to."""
    from cli.history.runs import parsed_since  # noqa: PLC0415 - so that `--help` loads no SDK
    from cli.request import command  # noqa: PLC0415 - the same

    if sum(map(bool, (policy, disk, instance, tag))) != 1:
        raise typer.BadParameter("exactly one of --policy, --disk, --instance, --tag is needed")
    if wait is not None and dry_run:
        raise typer.BadParameter("--wait: a dry run takes no snapshot that could be waited for")
    with _usage():
        parsed_since("30m" if wait is None else wait, "--wait")
    wanted = command.Wanted(
        policies=policies,
        policy=policy,
        disk_ids=tuple(disk or ()),
        instance_ids=tuple(instance or ()),
        tags=tags_of(tag or ()),
        key=key,
        wait=wait,
        dry_run=dry_run,
        fun=fun,
        env=environment(local=local),
    )
    if not command.request(wanted, _output(as_json=as_json)):
        raise typer.Exit(1)


@app.command(epilog="Example: ecsnap failures; ecsnap failures --replay --wait 5m")
def failures(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Ids of failures, or their beginnings; default: all."),
    ] = None,
    function: Annotated[str | None, typer.Option(help="Only events of this function.")] = None,
    wait: Annotated[
        str, typer.Option(help="With --replay: how long to wait for the runs to start.")
    ] = "2m",
    policies: Annotated[Path, typer.Option(help="The policy file.")] = POLICIES,
    *,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Send the events again; delete what has started."),
    ] = False,
    fun: Annotated[
        bool, typer.Option("--fun", help="The functions were deployed with Fun, to FC 2.0.")
    ] = False,
    local: Local = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what Function Compute could not carry out (the failure queue), and send it again."""
    from cli.failures import command  # noqa: PLC0415 - so that `--help` loads no SDK
    from cli.history.runs import parsed_since  # noqa: PLC0415 - the same

    question = command.Question(
        policies=policies,
        ids=tuple(ids or ()),
        function=function,
        wait=wait,
        fun=fun,
        env=environment(local=local),
    )
    with _usage():
        parsed_since(wait, "--wait")
    act = command.replay if replay else command.show
    if not act(question, _output(as_json=as_json)):
        raise typer.Exit(1)


def _output(*, as_json: bool) -> Output:
    return Output(console=new_console(), messages=stderr_console(), as_json=as_json)
