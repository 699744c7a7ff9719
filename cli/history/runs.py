"""
Runs, folded: what became of their disks, and how long they took.

Pure but for the `Source` that is asked. A run is known by its first 8 digits, as long as they are
those of one run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from cli.history.source import Source, SourceError, instant_of
from cli.monitoring.effective import IN_WHICH_ORDER, WEIGHT, disks_of
from shared.policies.policy import DIRECT
from shared.records.outcome import STATUSES
from shared.runtime.clock import utc
from shared.validation import nearest

MAX_RUNS = 1000
MAX_DISKS = 100_000
SHOWN_DIGITS = 8
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MAX_SINCE = timedelta(days=30)
_FAILURES = ("failed", "snapshot_failed")
_RUN_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_COUNTED = tuple(status for status in STATUSES if status != "planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as far as its records say."""

    run_id: str
    policy: str
    region: str
    trigger_id: str
    began_at: datetime
    ended_at: datetime
    """Of its latest record; it may still be at work."""
    status: str
    """Of its last part; empty while none has finished."""
    code: str
    parts: int
    counts: Mapping[str, int] = field(default_factory=dict)
    """Disks by their effective status; a status without disks is left out."""

    @property
    def is_failed(self) -> bool:
        """Return whether a disk has no snapshot, or the run itself failed."""
        bad = any(self.counts.get(status) for status in _FAILURES)
        return bad or self.status in ("failed", "partially_failed")

    def document(self) -> dict[str, object]:
        """Return the run as JSON: stable keys, described in docs/operations.md."""
        return {
            "run_id": self.run_id,
            "policy": self.policy,
            "region": self.region,
            "trigger_id": self.trigger_id,
            "began_at": utc(self.began_at),
            "ended_at": utc(self.ended_at),
            "minutes": round((self.ended_at - self.began_at).total_seconds() / 60, 1),
            "status": self.status,
            "code": self.code,
            "parts": self.parts,
            "disks": {status: self.counts.get(status, 0) for status in _COUNTED},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskOfRun:
    """The effective outcome of one disk in one run."""

    disk_id: str
    status: str
    code: str
    snapshot_id: str
    reason: str

    def document(self) -> dict[str, str]:
        """Return the disk as JSON."""
        return asdict(self)


def parsed_since(text: str, option: str = "--since") -> timedelta:
    """
    Return a duration such as ``24h``, ``90m`` or ``7d``.

    Raises:
        SourceError: It is none, or is longer than 30 days.

    """
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    since = int(match[1]) * _UNITS[match[2]] if match else timedelta()
    if not timedelta() < since <= MAX_SINCE:
        raise SourceError(f"{option}: '{text}': must be a time such as 90m, 24h or 7d, up to 30d")
    return since


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of a time."""

    runs: Sequence[Run]
    """The latest first."""
    skipped: int
    """The number of records that name no run or no policy: damaged, or of another version."""


def find_runs(
    source: Source, since: timedelta, policy: str | None = None, *, dry: bool = False
) -> Runs:
    """
    Return the runs that began or were at work in a time; dry runs only if `dry`.

    Raises:
        SourceError: The records cannot be read, there is no such policy, or there are more than
            `MAX_RUNS`.

    """
    ours = f"deployment: {source.deployment}"
    wet = "" if dry else " and not dry_run: true"
    began = source.rows(
        f"(record: part_started or record: part_finished) and {ours}{wet} | "
        "select run_id, policy, region, max(trigger_id) as trigger_id, "
        "min(__time__) as began, max(__time__) as ended, max(part) as parts, count(1) as records, "
        f"max_by(status, {IN_WHICH_ORDER}) as status, max_by(code, {IN_WHICH_ORDER}) as code "
        f"from log group by run_id, policy, region order by began desc limit {MAX_RUNS}",
        since,
    )
    if len(began) >= MAX_RUNS:
        raise SourceError(f"{MAX_RUNS} runs or more in this time; ask for less by --since")
    bad = [row for row in began if "" in (row["run_id"], row["policy"], row["region"])]
    began = [row for row in began if row not in bad]
    if policy is not None:
        _check_policy(policy, [*source.policies, *sorted({row["policy"] for row in began})])
    counted = source.rows(
        disks_of(ours, f"run_id, {_counts()}") + f" group by run_id limit {MAX_DISKS}", since
    )
    counts = {row["run_id"]: _read_counts(row) for row in counted}
    return Runs(
        runs=[
            _run(row, counts.get(row["run_id"], {}))
            for row in began
            if policy is None or row["policy"] == policy
        ],
        skipped=sum(int(row["records"]) for row in bad),
    )


def _check_policy(policy: str, names: Sequence[str]) -> None:
    known = list(dict.fromkeys(names))
    if policy not in (DIRECT, *known):
        listed = ", ".join(known) or "none"
        hint = nearest(policy, known)
        raise SourceError(f"--policy: '{policy}': no such policy; there are {listed}{hint}")


def find_run(source: Source, run_id: str, since: timedelta) -> Run:
    """
    Return the run whose id begins so.

    Raises:
        SourceError: There is none, or there are several.

    """
    if not _RUN_ID.fullmatch(run_id):
        rule = "must be the id of a run, 32 digits from 0 to f, or its beginning; see `ecsnap runs`"
        raise SourceError(f"'{run_id}': {rule}")
    runs = find_runs(source, since, dry=True).runs
    found = [run for run in runs if run.run_id.startswith(run_id.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(run.run_id for run in found[:5])
        raise SourceError(
            f"'{run_id}': the beginning of {len(found)} runs: {ids}; write more of it"
        )
    hint = nearest(run_id, [run.run_id[: len(run_id)] for run in runs])
    raise SourceError(f"'{run_id}': no such run in this time{hint}; --since 7d looks back further")


def disks_of_run(source: Source, run: Run, since: timedelta) -> list[DiskOfRun]:
    """Return the disks of a run, those without a snapshot first; raises SourceError."""
    rows = source.rows(
        f"record: disk and run_id: {run.run_id} | select disk_id, "
        f"max_by(status, {WEIGHT}) as status, max_by(code, {WEIGHT}) as code, "
        f"max_by(reason, {WEIGHT}) as reason, max(snapshot_id) as snapshot_id "
        f"from log group by disk_id limit {MAX_DISKS}",
        since,
    )
    if len(rows) >= MAX_DISKS:
        raise SourceError(f"{MAX_DISKS} disks or more in this run; search the records in SLS")
    disks = [
        DiskOfRun(
            disk_id=row["disk_id"],
            status=row["status"],
            code=row["code"],
            snapshot_id=row["snapshot_id"],
            reason=row["reason"],
        )
        for row in rows
    ]
    return sorted(disks, key=lambda disk: (_order(disk.status), disk.disk_id))


def _order(status: str) -> int:
    order = ("failed", "snapshot_failed", "deferred", "skipped")
    return order.index(status) if status in order else len(order)


def _counts() -> str:
    return ", ".join(f"count_if(status = '{status}') as {status}" for status in _COUNTED)


def _read_counts(row: Mapping[str, str]) -> dict[str, int]:
    counts = {status: int(row[status]) for status in _COUNTED}
    return {status: count for status, count in counts.items() if count}


def _run(row: Mapping[str, str], counts: Mapping[str, int]) -> Run:
    return Run(
        run_id=row["run_id"],
        policy=row["policy"],
        region=row["region"],
        trigger_id=row["trigger_id"],
        began_at=instant_of(row["began"]),
        ended_at=instant_of(row["ended"]),
        status=row["status"],
        code=row["code"],
        parts=int(row["parts"] or 0),
        counts=counts,
    )


def totals(runs: Sequence[Run]) -> Iterator[tuple[str, int]]:
    """Yield how many disks of some runs have which status, those with none left out."""
    for status in _COUNTED:
        count = sum(run.counts.get(status, 0) for run in runs)
        if count:
            yield status, count
