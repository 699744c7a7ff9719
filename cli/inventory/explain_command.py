"""`ecsnap explain`: why a disk has, or has no, snapshots; as tables for people or as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rich import box
from rich.table import Table

from cli.console import Output, print_json, print_line
from cli.history.runs import parsed_since
from cli.history.source import Source, SourceError, source_of
from cli.inventory.account import account_of
from cli.inventory.explain import Facts, facts_of
from cli.progress import progress
from shared.clients.ecs_types import Snapshot
from shared.identity import read_run_tags
from shared.runtime.clock import SYSTEM_CLOCK, Clock

MAX_SLOTS = 20
"""How many are shown to people."""
OLDEST_NIGHT = timedelta(days=365)
_NIGHT = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a disk."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    since: str = "48h"
    """How far to look back, such as ``48h``."""
    night: str | None = None
    """A date instead: from noon of that day to noon of the next, in local time."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    clock: Clock = SYSTEM_CLOCK


def explain(question: Question, output: Output, disk_id: str) -> bool:
    """
    Print what each policy does with a disk, what happened, and what to do.

    Returns:
        Whether everything could be read.

    """
    now = question.clock.now()
    try:
        after, until = time_of(question, now)
        account = account_of(question.policies, question.env, clock=question.clock)
        with progress(output.messages) as report:
            report("reading the disk and its records")
            facts = facts_of(account, _source(question, now), disk_id, after=after, until=until)
    except SourceError as exc:
        print_line(output.messages, str(exc), "red")
        return False
    if output.as_json:
        print_json(output.console, facts.document())
    else:
        _show(facts, output)
    for line in facts.missing:
        print_line(output.messages, f"not shown: {line}", "red")
    return not facts.missing


def time_of(question: Question, now: datetime) -> tuple[datetime, datetime]:
    """Return the begin and the end of the time that is asked about; raises SourceError."""
    if question.night is None:
        return now - parsed_since(question.since), now
    try:
        noon = datetime.strptime(f"{question.night} 12", "%Y-%m-%d %H").astimezone()
    except (ValueError, OverflowError) as exc:
        rule = "must be a date such as 2026-01-31"
        raise SourceError(f"--night: '{question.night}': {rule}") from exc
    if not now - OLDEST_NIGHT < noon < now:
        rule = "must be a night that has begun, and at most a year ago"
        raise SourceError(f"--night: '{question.night}': {rule}")
    return noon, min(now, noon + 2 * _NIGHT)


def _source(question: Question, now: datetime) -> Source | SourceError:
    try:
        return source_of(question.policies, question.env, now=now, sleep=question.clock.sleep)
    except SourceError as exc:
        return exc


def _show(facts: Facts, output: Output) -> None:
    for name, value in _about(facts):
        print_line(output.console, f"{name:<11} {value}")
    output.console.print(_policies(facts))
    if facts.slots:
        output.console.print(_slots(facts))
    if facts.outcomes:
        output.console.print(_outcomes(facts))
    elif not facts.missing:
        print_line(output.console, "no record of it in this time")
    for line in facts.todo:
        print_line(output.console, f"to do: {line}", "yellow")


def _about(facts: Facts) -> Iterator[tuple[str, str]]:
    disk = facts.disk
    yield "disk", f"{disk.disk_id} {disk.name}".rstrip()
    yield "is", f"{disk.type}, {disk.category}, {disk.status}, in {facts.region}"
    yield "tags", ", ".join(f"{key}={value}" for key, value in sorted(disk.tags.items())) or "none"
    states = {one.instance_id: one.status for one in facts.instances}
    attached = [f"{key} ({states.get(key, 'unknown')})" for key in disk.instance_ids]
    yield "instance", ", ".join(attached) or "none"
    yield "newest good", _age(facts, facts.newest)
    if facts.newest_other:
        yield "of others", _age(facts, facts.newest_other)


def _age(facts: Facts, snapshot: Snapshot | None) -> str:
    if snapshot is None or snapshot.created_at is None:
        return "none"
    hours = (facts.now - snapshot.created_at) / timedelta(hours=1)
    age = f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"  # noqa: PLR2004 - three days
    tagged = read_run_tags(snapshot, facts.deployment)
    origin = f", policy {tagged.policy}" if tagged else ""
    return f"{snapshot.snapshot_id}, {age} old, {_local(snapshot.created_at)}{origin}"


def _policies(facts: Facts) -> Table:
    table = _table(("policy", "takes it", "why"))
    for one in facts.judgements:
        now = f"{'it waits' if one.takes_it else 'ECS rejects it'} now ({one.code}); "
        why = f"{now}{one.why}" if one.code else one.why
        takes = "yes" if one.takes_it else "no"
        table.add_row(one.policy, takes, why, style="green" if one.takes_it else None)
    return table


def _slots(facts: Facts) -> Table:
    table = _table(("due", "policy", "status", "run"))
    for slot in facts.slots[:MAX_SLOTS]:
        outcome = slot.outcome
        status = outcome.status if outcome else "no record"
        run_id = outcome.run_id[:8] if outcome else ""
        style = None if outcome else "yellow"
        table.add_row(_local(slot.at), slot.policy, status, run_id, style=style)
    if len(facts.slots) > MAX_SLOTS:
        table.add_row(f"and {len(facts.slots) - MAX_SLOTS} more", "", "", "")
    return table


def _outcomes(facts: Facts) -> Table:
    table = _table(("recorded", "policy", "status", "what"))
    for one in facts.outcomes[:MAX_SLOTS]:
        what = f"{one.code}: {one.reason}" if one.code else one.snapshot_id
        is_bad = one.status in ("failed", "snapshot_failed")
        style = "red" if is_bad else None
        table.add_row(_local(one.at), one.policy, one.status, what, style=style)
    if len(facts.outcomes) > MAX_SLOTS:
        table.add_row(f"and {len(facts.outcomes) - MAX_SLOTS} more", "", "", "")
    return table


def _table(columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        short = column in ("due", "recorded", "takes it", "run", "status")
        table.add_column(column, no_wrap=short, overflow="fold")
    return table


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%m-%d %H:%M")
