"""The naive code: list everything, decide, act, and write the outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from shared.clients.ecs import Ecs
from shared.clients.sls import Batch
from shared.identity import RunKey
from shared.policies.snapshot_settings import SnapshotSettings
from shared.records.outcome import Outcome, Record, disk_record
from shared.snapshots.request import plan_snapshot

MAX_BATCH = 4_096


def run(ecs: Ecs, write: Callable[[Batch], None], at: datetime) -> None:
    """Take a snapshot of each disk that has none."""
    run_key = RunKey(
        deployment="bench",
        policy="nightly",
        region="cn-hangzhou",
        trigger_id=("timer", "nightly", at.isoformat()),
        trigger_time=at,
    )
    since = at - timedelta(minutes=15)
    snapshots = _all(lambda token: ecs.describe_snapshots(created_from=since, next_token=token))
    made = {one.disk_id: one for one in snapshots}
    disks = _all(lambda token: ecs.describe_disks(next_token=token))
    ids = sorted({one for disk in disks for one in disk.instance_ids})
    batches = [ids[start : start + 100] for start in range(0, len(ids), 100)]
    instances = [
        one for batch in batches for one in ecs.describe_instances(instance_ids=batch).items
    ]
    running = {one.instance_id: one for one in instances if one.status == "Running"}
    outcomes = []
    for disk in disks:
        if disk.disk_id in made:
            about: dict[str, Any] = {"status": "already_exists", "reason": "made earlier"}
            about["snapshot_id"] = made[disk.disk_id].snapshot_id
        elif not set(disk.instance_ids) <= running.keys():
            about = {"status": "skipped", "reason": "its instance is not running"}
        else:
            planned = plan_snapshot(run_key, SnapshotSettings(), disk.disk_id, attempt=1)
            about = {"status": "created", "reason": "accepted by ECS"}
            about["snapshot_id"] = ecs.create_snapshot(planned)
        outcomes.append(Outcome(disk_id=disk.disk_id, **about))
    records = [
        (0, {"run_id": run_key.run_id, "policy": run_key.policy, **disk_record(outcome)})
        for outcome in outcomes
    ]
    for start in range(0, len(records), MAX_BATCH):
        write(records[start : start + MAX_BATCH])


def report(ecs: Ecs, write: Callable[[Batch], None]) -> None:
    """Write of each disk how many snapshots it has, and when the newest was taken."""
    snapshots = _all(lambda token: ecs.describe_snapshots(next_token=token))
    disks = _all(lambda token: ecs.describe_disks(next_token=token))
    of_disk: dict[str, list[Any]] = {}
    for snapshot in snapshots:
        of_disk.setdefault(snapshot.disk_id, []).append(snapshot)
    records = []
    for disk in disks:
        held = of_disk.get(disk.disk_id, [])
        newest = max((one.created_at for one in held), default=None)
        about = {"record": "coverage", "disk_id": disk.disk_id, "snapshots": str(len(held))}
        records.append((0, {**about, "good_at": str(newest), "tags": json.dumps(disk.tags)}))
    for start in range(0, len(records), MAX_BATCH):
        write(records[start : start + MAX_BATCH])


def _all(page_at: Callable[[str], Any]) -> list[Any]:
    found, token = [], ""
    while True:
        page = page_at(token)
        found += page.items
        token = page.next_token
        if not token:
            return found


def unfinished_runs(logstore: Any) -> list[Record]:  # noqa: ANN401 - anything with a search
    """Return the starts that no end follows."""
    records: list[Record] = []
    while page := logstore.search("*", since_s=0, until_s=0, offset=len(records)).records:
        records += page
    ended = {one["run_id"] for one in records if one["record"] == "part_finished"}
    started = [one for one in records if one["record"] == "part_started"]
    for one in started:
        json.loads(one["event"])
    return [one for one in started if one["run_id"] not in ended]
