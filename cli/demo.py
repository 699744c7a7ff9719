"""
The main job, to look at: a timer and an event become snapshots on a local cloud.

Everything is real but the cloud: the handlers, the SDKs, HTTP. What is shown is read back
from the cloud, not remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.local import Invocation, LocalCloud, as_of, local_cloud
from emulator.knobs import Knobs
from shared.outcomes import fold

ROOT = Path(__file__).parent.parent
FLEET = ROOT / "emulator" / "fleets" / "demo.yaml"
POLICIES = ROOT / "policies.yaml"
EVENTS = ROOT / "events"

SPEED = 600.0
"""A minute of waiting takes a tenth of a second: some disks are busy when the timer fires."""
HARSH = {
    "no client token remembered: the ledger alone": Knobs(token_memory_s=0.0),
    "new snapshots not listed for an hour: the token alone": Knobs(listing_lag_s=3600.0),
}
"""The two halves of "exactly once", each without the other."""

_COLOURS = {
    "created": "green",
    "existing": "green",
    "completed": "green",
    "skipped": "yellow",
    "deferred": "yellow",
    "failed": "red",
    "broken": "red",
}


def demo(console: Console) -> bool:
    """Show it; returns whether the second deliveries added no snapshot."""
    with local_cloud(FLEET, POLICIES, knobs=Knobs(), speed=SPEED) as local:
        deliveries = _deliveries(local)
        ecs = len(local.cloud.regions)
        console.rule("[bold]1. A timer fires, and a spot instance is about to be taken away")
        console.print(
            f"A local cloud with {ecs} regions answers on loopback. The real handlers and SDKs "
            "talk to it over HTTP.\n"
        )
        for name, (function, event) in deliveries.items():
            _show_invocation(console, name, local.invoke(function, event))
        _show_outcomes(console, local.records())
        console.rule("[bold]2. The same two events are delivered again")
        added = _again(local, deliveries)
        for number in added.values():
            console.print(f"New snapshots after the second delivery: [bold]{number}[/bold]")
        for what, knobs in HARSH.items():
            with local_cloud(FLEET, POLICIES, knobs=knobs, speed=SPEED) as harsh:
                again = _deliveries(harsh)
                for function, event in again.values():
                    harsh.invoke(function, event)
                added |= {what: sum(_again(harsh, again).values())}
            console.print(f"The same with {what}: [bold]{added[what]}[/bold] new")
        console.print()
        console.rule("[bold]3. The records, as SLS has them")
        _show_records(console, local.records())
    return not any(added.values())


def _deliveries(local: LocalCloud) -> dict[str, tuple[str, bytes]]:
    """Return the sample events, as if they had happened this minute."""
    samples = {
        "timer 'nightly'": ("snapshot_on_schedule", "timer.json"),
        "spot interruption": ("snapshot_on_event", "spot_interruption.json"),
    }
    return {
        name: (function, as_of((EVENTS / function / sample).read_bytes(), local.clock.now()))
        for name, (function, sample) in samples.items()
    }


def _again(local: LocalCloud, deliveries: Mapping[str, tuple[str, bytes]]) -> dict[str, int]:
    before = local.snapshot_count()
    for function, event in deliveries.values():
        local.invoke(function, event)
    return {"": local.snapshot_count() - before}


def _show_invocation(console: Console, name: str, invocation: Invocation) -> None:
    if invocation.error is None:
        answer = invocation.answer or {}
        console.print(f"[bold]{name}[/bold]: returned status [green]{answer['status']}[/green]")
        return
    kind = type(invocation.error).__name__
    console.print(
        f"[bold]{name}[/bold]: raised [red]{kind}[/red], so that Function Compute counts it as "
        "failed, tries again and alarms:"
    )
    console.print(f"  {invocation.error}", style="dim", highlight=False)


def _show_outcomes(console: Console, records: Sequence[Mapping[str, str]]) -> None:
    table = Table(title="What became of each disk", title_justify="left", expand=False)
    for heading in ("policy", "disk", "outcome", "reason", "snapshot"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("disk", "snapshot"))
    held = sorted(fold(records).values(), key=lambda r: (r["policy"], r["disk_id"]))
    for record in held:
        colour = _COLOURS.get(record["status"], "white")
        table.add_row(
            record["policy"],
            record["disk_id"] or record["instance_id"],
            f"[{colour}]{record['status']}[/{colour}]",
            record["code"] or record["reason"],
            record["snapshot_id"],
        )
    console.print()
    console.print(table)
    counts = Counter(record["status"] for record in held)
    console.print(", ".join(f"{number} {status}" for status, number in counts.items()) + "\n")


def _show_records(console: Console, records: Sequence[Mapping[str, str]]) -> None:
    table = Table(expand=False)
    for heading in ("at", "function", "record", "disk", "status", "code", "snapshot"):
        table.add_column(heading, no_wrap=True)
    for record in records:
        table.add_row(
            record["at"][11:19],
            record["function"].removeprefix("snapshot_"),
            record["record"],
            record.get("disk_id", ""),
            record.get("status", ""),
            record.get("code", ""),
            record.get("snapshot_id", ""),
        )
    console.print(table)
    console.print(f"{len(records)} records.")
