"""
What happened in an ECS since the last look, as events.

There are two kinds: an instance is in another state, a snapshot has ended. States that
came and went between two passes have no event. EBS's warning of disks without a snapshot is sent
when a test asks for it, because it is not documented when EBS sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from emulator.ecs import EcsService
from emulator.eventbridge import events
from emulator.eventbridge.events import Event


def next_due(ecs: EcsService) -> datetime | None:
    """Return when the next snapshot ends; None is: none is progressing."""
    with ecs.lock:
        return ecs.state.next_ending()


def collect(ecs: EcsService, *, new_id: Callable[[], str]) -> list[Event]:
    """Return the events that are due by now, each once."""
    now = ecs.clock.now()
    about = {"account_id": ecs.account.account_id, "region_id": ecs.region_id}
    with ecs.lock:
        found = [
            events.snapshot_completed(snapshot, event_id=new_id(), at=snapshot.ends_at, **about)
            for snapshot in ecs.state.take_ended(now)
        ]
        for instance in ecs.instances.values():
            if instance.status != instance.told_status:
                instance.told_status = instance.status
                found.append(
                    events.instance_state_change(instance, event_id=new_id(), at=now, **about)
                )
    return found


def without_snapshot(ecs: EcsService, *, new_id: Callable[[], str]) -> list[Event]:
    """Return a warning for each attached disk that has no snapshot."""
    with ecs.lock:
        taken = {snapshot.disk_id for snapshot in ecs.snapshots.values()}
        return [
            events.no_snapshot(
                disk,
                event_id=new_id(),
                at=ecs.clock.now(),
                account_id=ecs.account.account_id,
                region_id=ecs.region_id,
            )
            for disk in ecs.disks.values()
            if disk.instance_id and disk.disk_id not in taken
        ]
