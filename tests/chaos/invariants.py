"""
The invariants that hold at the end of every seed, numbered as in docs/design.md.

They read the state of the emulator, and the records in SLS and on stdout in no particular order.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cli import effective_outcomes
from emulator.ecs.state import Snapshot
from shared.identity import (
    DISK_TAG,
    POLICY_TAG,
    RUN_ID_TAG,
    RunKey,
)
from shared.records.outcome import SUPERSEDED
from tests.chaos.delivery import Delivery
from tests.chaos.processes import World
from tests.chaos.scenario import FATES, Fate
from tests.chaos.stage import POLICY, Stage

HAS_ONE = ("created", "already_exists", "completed")
FINAL = (*HAS_ONE, "snapshot_failed", "failed", "skipped")

Record = Mapping[str, str]
FinishedStage = Stage | World
"""A finished seed, run in this process or in real processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One invariant that does not hold, and where."""

    number: int
    kind: str
    """duplicate, untrue, missing, differs, lost or secret."""
    where: str

    def __str__(self) -> str:
        return f"invariant {self.number} ({self.kind}): {self.where}"


def check(stage: FinishedStage) -> list[Broken]:
    """Return every invariant that does not hold."""
    return [
        *_one_snapshot(stage),
        *_outcomes_are_true(stage),
        *_nothing_missing(stage),
        *_same_for_all(stage),
        *_nothing_lost(stage),
        *_no_secret(stage),
    ]


def expected_runs(stage: FinishedStage) -> dict[str, str]:
    """Return the id of every run of a scenario, with its region."""
    found: dict[str, str] = {}
    for event in stage.trigger_ids:
        for region in stage.scenario.regions:
            run_key = RunKey(
                deployment="chaos",
                policy=POLICY,
                region=region,
                trigger_id=event,
                trigger_time=None,
            )
            found[run_key.run_id] = region
    return found


def snapshots(stage: FinishedStage, run_id: str, region: str) -> dict[str, list[Snapshot]]:
    """Return the snapshots of a run, by disk."""
    found: dict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in made(stage, region).values():
        # Tags are copied to restored disks: a snapshot that names another disk is not of the run.
        if snapshot.tags.get(RUN_ID_TAG) == run_id and snapshot.tags[DISK_TAG] == snapshot.disk_id:
            found[snapshot.disk_id].append(snapshot)
    return found


def made(stage: FinishedStage, region: str) -> Mapping[str, Snapshot]:
    """Return every snapshot that a region had, including those that ECS has deleted."""
    now = stage.cloud.ecs(region).snapshots
    return {**stage.made[region], **now} if isinstance(stage, Stage) else now


def selected(stage: FinishedStage, region: str) -> dict[str, Fate]:
    """Return the disks that the policy selects."""
    return {disk: fate for disk, fate in stage.disks[region].items() if fate != "other"}


def _one_snapshot(stage: FinishedStage) -> Iterator[Broken]:
    """1: never more than one snapshot of a disk and run that did not end as failed."""
    for run_id, region in expected_runs(stage).items():
        for disk_id, found in snapshots(stage, run_id, region).items():
            good = [one.snapshot_id for one in found if one.status != "failed"]
            if len(good) > 1:
                yield Broken(number=1, kind="duplicate", where=f"{disk_id} in {run_id}: {good}")


def _superseded(stage: FinishedStage, record: Record | None, region: str) -> bool:
    """Return whether a disk was skipped for another run's snapshot, which serves this run too."""
    if record is None or record["code"] != SUPERSEDED:
        return False
    other = stage.cloud.ecs(region).snapshots.get(record["snapshot_id"])
    return (
        other is not None
        and other.disk_id == record["disk_id"] == other.tags.get(DISK_TAG)
        and other.tags.get(POLICY_TAG) == POLICY
        and other.tags.get(RUN_ID_TAG) != record["run_id"]
    )


def _outcomes_are_true(stage: FinishedStage) -> Iterator[Broken]:
    """2: each selected disk has one effective outcome, which is final and true."""
    records = sorted(stage.records, key=lambda record: json.dumps(record, sort_keys=True))
    # Shuffled, because SLS orders by arrival and stdout is separate: no order may matter.
    random.Random(stage.scenario.seed).shuffle(records)  # noqa: S311 - reproducible
    effective = effective_outcomes.merge_outcomes(records)
    for run_id, region in expected_runs(stage).items():
        has = snapshots(stage, run_id, region)
        wanted = selected(stage, region)
        about = {disk for run_key, disk in effective if run_key == run_id} | has.keys()
        for disk_id in sorted(about - wanted.keys()):
            yield Broken(number=2, kind="untrue", where=f"{disk_id} was never selected")
        for disk_id in wanted:
            record = effective.get((run_id, disk_id))
            if _superseded(stage, record, region) and not has.get(disk_id):
                continue
            untrue = _untruth(record, has.get(disk_id, []))
            if untrue:
                where = f"{disk_id} in {run_id} ({wanted[disk_id]}): {untrue}"
                yield Broken(number=2, kind="untrue", where=where)


def _untruth(record: Record | None, has: list[Snapshot]) -> str:
    """Return what is untrue about a disk's outcome; empty if it is true."""
    shown = [f"{one.snapshot_id} {one.status}" for one in has]
    if record is None:
        return f"no outcome, and there is {shown}"
    status = record["status"]
    good = [one for one in has if one.status != "failed"]
    found = f"{status} {record['snapshot_id']} {record['code']}, and there is {shown}"
    if status not in FINAL:
        return f"not final: {found}"
    if status in HAS_ONE:
        wanted = [one for one in good if one.snapshot_id == record["snapshot_id"]]
        done = [one for one in wanted if status != "completed" or one.status == "accomplished"]
        return "" if done else found
    if good or (status == "snapshot_failed" and not has):
        return found
    return ""


def _nothing_missing(stage: FinishedStage) -> Iterator[Broken]:
    """3: every disk that can have a snapshot has one, as if nothing had been killed."""
    for run_id in stage.unfinished_after_passes:
        yield Broken(
            number=3,
            kind="missing",
            where=f"{run_id} is unfinished after the passes of resume_runs",
        )
    served = {
        (one["run_id"], one["disk_id"]): one
        for one in stage.records
        # An earlier delivery may have failed to request it, which ranks higher.
        if one["record"] == "disk" and one.get("run_id") and one["code"] == SUPERSEDED
    }
    for run_id, region in expected_runs(stage).items():
        has = snapshots(stage, run_id, region)
        for disk_id, fate in selected(stage, region).items():
            good = any(one.status != "failed" for one in has.get(disk_id, []))
            good |= _superseded(stage, served.get((run_id, disk_id)), region)
            if fate not in FATES and not good:
                yield Broken(number=3, kind="missing", where=f"{disk_id} ({fate}) in {run_id}")
            if fate in FATES and good:
                yield Broken(number=3, kind="missing", where=f"{disk_id} is {fate}, and has one")


def _same_for_all(stage: FinishedStage) -> Iterator[Broken]:
    """4: all records of a disk, run and attempt name the same snapshot."""
    named: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for record in stage.records:
        # A completion record of a snapshot that was not listed yet names no run.
        if record["record"] == "disk" and record["status"] in HAS_ONE and record.get("run_id"):
            key = (record["run_id"], record["disk_id"], record["attempt"])
            named[key].add(record["snapshot_id"])
    for (run_id, disk_id, attempt), ids in named.items():
        if len(ids) > 1:
            where = f"{disk_id} in {run_id}, attempt {attempt}: {sorted(ids)}"
            yield Broken(number=4, kind="differs", where=where)


def _nothing_lost(stage: FinishedStage) -> Iterator[Broken]:
    """5: a delivery that was not killed has all its records, from its start to its end."""
    for delivery in stage.deliveries:
        for problem in _lost(delivery):
            where = f"delivery {delivery.number} of {delivery.function}: {problem}"
            yield Broken(number=5, kind="lost", where=where)


def _lost(delivery: Delivery) -> Iterator[str]:
    if delivery.end == "timeout":
        yield f"it was not done when its {delivery.timeout_s:.0f} s were over"
    if delivery.dead:
        return
    records = {json.dumps(record, sort_keys=True): record for record in delivery.records}.values()
    started = Counter(one["run_id"] for one in records if one["record"] == "part_started")
    ended = Counter(one["run_id"] for one in records if one["record"] == "part_finished")
    if started != ended:
        yield f"started {dict(started)}, finished {dict(ended)}"
    for end in records:
        if end["record"] == "part_finished":
            yield from _counted(end, [one for one in records if one.get("run_id") == end["run_id"]])
    on_record = {one.get("snapshot_id") for one in records}
    for snapshot_id in delivery.snapshot_ids:
        if snapshot_id not in on_record:
            yield f"an answer contained {snapshot_id}, which is in no record"


def _counted(end: Record, records: list[Record]) -> Iterator[str]:
    """Compare the numbers of a run's last record with its records of disks."""
    counts = Counter(one["status"] for one in records if one["record"] == "disk")
    counted, unchanged = (
        Counter(
            {
                name.removeprefix(kind): int(number)
                for name, number in end.items()
                if name.startswith(kind)
            }
        )
        for kind in ("count_", "unchanged_")
    )
    if counts != counted - unchanged:
        yield f"its end counts {counted}, unchanged {unchanged}, its records {counts}"


def _no_secret(stage: FinishedStage) -> Iterator[Broken]:
    """6: no secret, token or signature is in any output."""
    keys = stage.cloud.keys.all()
    secrets = {key.access_key_secret for key in keys} | {key.security_token for key in keys}
    text = "\n".join(stage.written)
    for secret in sorted(filter(None, secrets | stage.interceptor.signatures)):
        if secret in text:
            at = text.index(secret)
            yield Broken(number=6, kind="secret", where=text[max(0, at - 200) : at])
