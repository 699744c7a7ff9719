"""
The demo: snapshots for a timer and an event, in the emulator.

Handlers, SDKs and HTTP are real. All results are read back from the emulator. `cli.demo_tables`
formats the tables, and `cli.demo_conclusion` the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from cli.console import print_line
from cli.demo_conclusion import Deliveries, causes, conclusion, indented, next_steps
from cli.demo_page import write_demo_page
from cli.demo_tables import most_telling, outcomes_table, records_table, worst_first
from cli.effective_outcomes import merge_outcomes
from cli.emulator_session import EmulatorSession, Invocation, as_of, emulator_session
from cli.history.source import SourceError
from cli.page.file import PageFileError
from cli.progress import progress
from emulator.ecs.settings import EcsSettings
from shared.errors import RunFailedError

ROOT = Path(__file__).parent.parent
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
EVENTS = ROOT / "events"

SPEED = 600.0
"""Emulated seconds per second, because some disks are busy when the timer fires."""
SHOWN_RECORDS = 10
HARSH = {
    "where ECS remembers no token (the tags alone)": EcsSettings(token_memory_s=0.0),
    "where new snapshots are not listed for an hour (the token alone)": EcsSettings(
        listing_lag_s=3600.0
    ),
}
"""Emulators on which only one of the two means against duplicates works."""
LEFT_OUT_BY = ("snapshot", "never")
"""The tag that the policies in the repository exclude."""

_INTRODUCTION = (
    "An emulator with {regions} regions listens on loopback; the real handlers and SDKs call it "
    "over HTTP.\n"
    "Its clock runs 600 times as fast, so a minute of waiting takes a tenth of a second.\n"
    "The fleet contains a disk for every kind of rejection.\n"
)
_NOTHING = (
    "no snapshot was created; the demo needs valid policies on timer 'nightly' or on spot "
    "interruptions; run python -m cli check"
)
_Deliveries = Mapping[str, tuple[str, bytes]]


def demo(
    console: Console,
    policies: Path,
    harsh: Mapping[str, EcsSettings] = HARSH,
    *,
    everything: bool = False,
    page: Path | None = None,
    messages: Console | None = None,
) -> bool:
    """
    Run the demo.

    Args:
        console: Receives the output.
        policies: The policy file of the functions.
        harsh: Further emulators on which events are delivered twice, by their description.
        everything: Show all records, not only the most telling ones.
        page: Where to write the page of the emulator; None writes none.
        messages: Receives error messages; None is the same console.

    Returns:
        Whether on each emulator the first deliveries created snapshots and the second ones none.

    """
    with emulator_session(FLEET, policies, speed=SPEED) as session:
        deliveries = _deliveries(session)
        _rule(console, "1. A timer fires, and a spot instance ends soon")
        console.print(_INTRODUCTION.format(regions=len(session.cloud.regions)))
        taken = _show_first(console, session, deliveries, messages or console)
        if not taken:
            (messages or console).print(_NOTHING, style="red")
            return False
        outcomes = list(merge_outcomes(session.records()).values())
        _show_outcomes(console, session, outcomes)
        _rule(console, "2. The same two events are delivered again")
        with progress(messages or console) as report:
            report("delivering the events again")
            came = [Deliveries(taken=taken, again=_added(session, deliveries))]
        _print_number(console, "New snapshots after the second delivery", came[0].again)
        for what, ecs_settings in harsh.items():
            with progress(messages or console) as report:
                report("delivering the events twice")
                came.append(_delivered_twice(policies, ecs_settings))
            if not came[-1].taken:
                (messages or console).print(_NOTHING, style="red")
                return False
            _print_number(console, f"The same {what}", came[-1].again)
        records = session.records()
        problem = _written(session, policies, page)
    _rule(console, "3. The records in SLS", first=False)
    _show_records(console, records, everything=everything)
    _rule(console, "4. What it showed", first=False)
    _conclude(console, policies, conclusion(len(deliveries), came, outcomes), outcomes)
    _next_steps(console, len(records))
    if problem:
        print_line(messages or console, problem, "red")
    elif page:
        print_line(console, f"\nAll disks in a page for your browser: {page}")
    return not problem and not any(one.again for one in came)


def _written(session: EmulatorSession, policies: Path, page: Path | None) -> str:
    """Write the page, if one is wanted; return why that was not possible."""
    try:
        if page:
            write_demo_page(session, policies, page)
    except (SourceError, PageFileError) as exc:
        return str(exc)
    return ""


def _delivered_twice(policies: Path, ecs_settings: EcsSettings) -> Deliveries:
    with emulator_session(FLEET, policies, ecs_settings=ecs_settings, speed=SPEED) as session:
        deliveries = _deliveries(session)
        taken = _added(session, deliveries)
        return Deliveries(taken=taken, again=_added(session, deliveries) if taken else 0)


def _deliveries(session: EmulatorSession) -> _Deliveries:
    """Return the sample events, dated to the current minute."""
    samples = {
        "timer 'nightly'": ("snapshot_on_schedule", "timer.json"),
        "spot interruption": ("snapshot_on_event", "spot_interruption.json"),
    }
    return {
        name: (function, as_of((EVENTS / function / sample).read_bytes(), session.clock.now()))
        for name, (function, sample) in samples.items()
    }


def _added(session: EmulatorSession, deliveries: _Deliveries) -> int:
    """Deliver the events; return the number of new snapshots."""
    before = session.snapshot_count()
    for function, event in deliveries.values():
        session.invoke(function, event)
    return session.snapshot_count() - before


def _show_first(
    console: Console, session: EmulatorSession, deliveries: _Deliveries, messages: Console
) -> int:
    """Deliver the events, and show each answer; return the number of new snapshots."""
    before = session.snapshot_count()
    for name, (function, event) in deliveries.items():
        with progress(messages) as report:
            report(f"{function} is running")
            invocation = session.invoke(function, event)
        _show_invocation(console, name, invocation)
    console.print()
    return session.snapshot_count() - before


def _show_invocation(console: Console, name: str, invocation: Invocation) -> None:
    if invocation.error is None:
        status = str((invocation.answer or {})["status"])
        console.print(Text.assemble((name, "bold"), ": returned status ", (status, "green")))
        return
    kind = type(invocation.error).__name__
    # For any other error, a second delivery is of no use.
    then = (
        ", so that Function Compute counts it as failed, retries it and sends an alert"
        if isinstance(invocation.error, RunFailedError)
        else ""
    )
    console.print(Text.assemble((name, "bold"), ": raised ", (kind, "red"), f"{then}:"))
    console.print(indented(Text(str(invocation.error), "dim")))


def _show_outcomes(
    console: Console, session: EmulatorSession, held: Sequence[Mapping[str, str]]
) -> None:
    console.print("The effective outcome of each disk:\n")
    for policy in sorted({record["policy"] for record in held}):
        records = [record for record in held if record["policy"] == policy]
        console.print(outcomes_table(policy, records, console.width))
        console.print()
    counts = Counter(record["status"] for record in sorted(held, key=worst_first))
    console.print(", ".join(f"{number} {status}" for status, number in counts.items()))
    key, value = LEFT_OUT_BY
    for disk_id in _left_out(session, {record["disk_id"] for record in held}):
        console.print(
            f"{disk_id} is not among them, because the policies exclude its tag {key}: {value}."
        )
    console.print("What each code means: docs/troubleshooting.md.\n")


def _left_out(session: EmulatorSession, seen: set[str]) -> list[str]:
    key, value = LEFT_OUT_BY
    return [
        disk_id
        for region in session.cloud.regions
        for disk_id, disk in session.cloud.ecs(region).disks.items()
        if disk.tags.get(key) == value and disk_id not in seen
    ]


def _show_records(
    console: Console, records: Sequence[Mapping[str, str]], *, everything: bool
) -> None:
    shown = records if everything else most_telling(records, SHOWN_RECORDS)
    console.print(records_table(shown, console.width))
    if len(shown) < len(records):
        console.print(
            f"The {len(shown)} most telling of {len(records)} records; ecsnap demo --all shows all."
        )
    else:
        console.print(f"{len(records)} records.")


def _conclude(
    console: Console,
    policies: Path,
    lines: Iterable[RenderableType],
    outcomes: Sequence[Mapping[str, str]],
) -> None:
    for line in lines:
        console.print(line)
    for title, text in causes(policies, outcomes):
        console.print(f"\n{title}\n")
        console.print(indented(Text(text, "dim")))
    console.print()


def _next_steps(console: Console, number_of_records: int) -> None:
    """Print what to try next; nothing that matters comes after it."""
    for line in next_steps(number_of_records):
        print_line(console, line)


def _rule(console: Console, title: str, *, first: bool = True) -> None:
    if not first:
        console.print()
    console.rule(Text(title, "bold"))


def _print_number(console: Console, what: str, number: int) -> None:
    console.print(Text.assemble(f"{what}: ", (str(number), "bold")))
