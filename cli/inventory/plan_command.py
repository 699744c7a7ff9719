"""`ecsnap plan`: what the policies will do, as a table for people or as JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table

from cli.account.errors import AccountError
from cli.account.native import native_policies
from cli.console import Output, print_json, print_line
from cli.history.source import SourceError
from cli.inventory.account import Account, account_of, unlisted
from cli.inventory.native import NativePolicy
from cli.inventory.plan import (
    Overlap,
    Planned,
    Planner,
    Surroundings,
    native_overlaps,
    overlaps,
)
from cli.inventory.survey import listed
from cli.progress import Report, progress
from shared.clients.ecs_errors import EcsError
from shared.clients.pacing import OutOfTimeError
from shared.coverage.fired import fired_policies
from shared.runtime.clock import SYSTEM_CLOCK, Clock, utc
from shared.runtime.context import MAX_RESERVE_S, RESERVE_SHARE
from shared.validation import nearest

FUNCTION = "snapshot_on_schedule"
FURTHEST = timedelta(days=3652)
"""How far `--at` may be from now."""
MAX_COMPARED = 10_000
"""Among how many disks the nearest id is looked for."""
MAX_SHOWN = 50
"""How many disks are shown to people, unless all are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the policies."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    policy: str | None = None
    """Only this one, with its disks."""
    disk: str | None = None
    """Only this disk, with what each policy does with it."""
    at: str | None = None
    """After which time the next runs are; None for now."""
    everything: bool = False
    """Show every disk of the policy."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    clock: Clock = SYSTEM_CLOCK

    @property
    def has_lines(self) -> bool:
        """Return whether disks are listed, and not only counted."""
        return bool(self.policy or self.disk)

    def shows(self, policy: str, disk_id: str) -> bool:
        """Return whether a disk is listed for a policy."""
        return self.has_lines and self.policy in (None, policy) and self.disk in (None, disk_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DiskLine:
    policy: str
    disk_id: str
    region: str
    takes_it: bool
    why: str
    code: str


def plan(question: Question, output: Output) -> bool:
    """
    Print when each policy runs next, for which disks, and how long that takes.

    Returns:
        Whether everything could be read.

    """
    try:
        after = after_of(question)
        account = account_of(question.policies, question.env, clock=question.clock)
        with progress(output.messages) as report:
            planned, disks = _planned(account, question, after, report)
    except SourceError as exc:
        print_line(output.messages, str(exc), "red")
        return False
    natives, missing = _natives(account, planned)
    both = [*overlaps(planned, after), *native_overlaps(planned, natives, after)]
    for line in missing:
        print_line(output.messages, line, "yellow")
    shown = [one for one in planned if question.policy in (None, one.name)]
    if output.as_json:
        document: dict[str, object] = {
            "after": utc(after),
            "policies": [one.document() for one in shown],
            "overlaps": [one.document() for one in both],
        }
        if question.has_lines:
            document["disks"] = [asdict(line) for line in disks]
        print_json(output.console, document)
        return not missing
    output.console.print(_table(shown))
    if question.has_lines:
        _show_disks(disks, question, output.console)
    _show_warnings(shown, both, output.console)
    return not missing


def _natives(account: Account, planned: Sequence[Planned]) -> tuple[list[NativePolicy], list[str]]:
    """Return the automatic policies of ECS, if a disk has one, and what cannot be listed."""
    found: list[NativePolicy] = []
    try:
        for region in account.regions if any(one.native for one in planned) else ():
            found += native_policies(account.credentials, region, account.endpoints)
    except AccountError as exc:
        return found, [f"automatic snapshot policies of ECS: not compared: {exc}"]
    return found, []


def after_of(question: Question) -> datetime:
    """Return the time after which runs are asked for; raises SourceError if `at` is none."""
    if question.at is None:
        return question.clock.now()
    try:
        after = datetime.fromisoformat(question.at).astimezone()
    except (ValueError, OverflowError) as exc:
        rule = "must be a time such as 2026-01-31T20:00 (local) or 2026-01-31T20:00+08:00"
        raise SourceError(f"--at: '{question.at}': {rule}") from exc
    if abs(after - question.clock.now()) > FURTHEST:
        raise SourceError(f"--at: '{question.at}': must be at most ten years away")
    return after


def _planned(
    account: Account, question: Question, after: datetime, report: Report
) -> tuple[list[Planned], list[_DiskLine]]:
    """Return the next runs, and of one policy all disks, those that it takes first."""
    fired = [
        # What runs on request only is shown with the disks that a request would take.
        replace(one, is_requested=one.policy.on_request)
        for one in fired_policies(account.project.policies)
    ]
    names = [one.policy.name for one in fired]
    if question.policy is not None and question.policy not in names:
        known = f"there are {', '.join(names)}" if names else "there are none"
        hint = nearest(question.policy, names)
        raise SourceError(f"'{question.policy}': no such policy; {known}{hint}")
    (timeout_s,) = (one.timeout_s for one in account.project.functions if one.folder == FUNCTION)
    around = Surroundings(
        limits=account.project.policies.limits,
        part_s=timeout_s - min(MAX_RESERVE_S, timeout_s * RESERVE_SHARE),
        home=account.home,
    )
    planner, lines = Planner(fired=fired, around=around), []
    of_instance: list[str] = []
    try:
        for count, (region, disk, instances) in enumerate(listed(account), start=1):
            if question.disk in disk.instance_ids:
                of_instance.append(disk.disk_id)
            report("listing disks", count)
            lines += [
                _DiskLine(
                    policy=one.policy,
                    disk_id=disk.disk_id,
                    region=region,
                    takes_it=one.takes_it,
                    why=one.why,
                    code=one.code,
                )
                for one in planner.add(region, disk, instances)
                if question.shows(one.policy, disk.disk_id)
            ]
    except (EcsError, OutOfTimeError) as exc:
        raise SourceError(f"cannot be listed: {unlisted(exc)}") from exc
    if of_instance:
        disks = ", ".join(dict.fromkeys(of_instance))
        raise SourceError(f"--disk: '{question.disk}': is an instance; its disks are {disks}")
    if question.disk is not None and question.disk not in planner.seen:
        where = f"in {', '.join(account.regions)}, the regions of the policies"
        hint = nearest(question.disk, islice(sorted(planner.seen), MAX_COMPARED))
        raise SourceError(f"--disk: '{question.disk}': no such disk {where}{hint}")
    lines.sort(key=lambda line: (not line.takes_it, line.region, line.disk_id))
    return planner.planned(after), lines


def _table(planned: Sequence[Planned]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy", overflow="fold", min_width=12)
    table.add_column("next run", overflow="fold")
    table.add_column("disks", justify="right", no_wrap=True)
    table.add_column("calls", justify="right", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    table.add_column("parts", justify="right", no_wrap=True)
    for one in planned:
        style = "yellow" if one.warnings else None
        minutes = "<1" if one.disks > 0 and one.minutes < 1 else f"{one.minutes:g}"
        figures = (str(one.disks), str(sum(one.calls.values())), minutes, str(one.parts))
        if one.at_most:
            figures = (f"up to {one.disks}", "", "", "")
        table.add_row(one.name, _when(one), *figures, style=style)
    return table


def _when(one: Planned) -> str:
    """Return the next time in local time and in the timer's, or what starts the policy."""
    if one.next_at is not None:
        local = one.next_at.astimezone().strftime("%Y-%m-%d %H:%M %Z")
        zone = one.fired.timers[one.timer].timezone or "UTC"
        there = one.next_at.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M")
        return f"{local}, {there} {zone}"
    intervals = [timer.expression for timer in one.fired.timers.values()]
    events = [f"on {kind}" for kind in one.fired.policy.event_types]
    return ", ".join([*intervals, *events]) or ("on request" if one.on_request else "never")


def _show_disks(disks: Sequence[_DiskLine], question: Question, console: Console) -> None:
    shown = disks if question.everything else disks[:MAX_SHOWN]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heading = "policy" if question.disk else "disk"
    table.add_column(heading, overflow="fold", min_width=22)
    table.add_column("takes it", no_wrap=True)
    table.add_column("why", overflow="fold")
    for line in shown:
        why = f"{line.code}; {line.why}" if line.code else line.why
        table.add_row(
            line.policy if question.disk else line.disk_id, "yes" if line.takes_it else "no", why
        )
    console.print(table)
    if len(disks) > len(shown):
        print_line(console, f"and {len(disks) - len(shown)} more; --all shows every disk")


def _show_warnings(planned: Sequence[Planned], both: Sequence[Overlap], console: Console) -> None:
    for one in planned:
        for warning in one.warnings:
            print_line(console, f"{one.name}: {warning}", "yellow")
    for pair in both:
        first, second = pair.policies
        count = f"{len(pair.disk_ids)} disk{'s' if len(pair.disk_ids) > 1 else ''}"
        example = f"such as {pair.disk_ids[0]}"
        line = f"{first} and {second} take {count} within the same hour, {example}"
        print_line(console, line, "yellow")
