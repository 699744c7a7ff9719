"""
The effective outcome of each disk: one record chosen from all its records.

Pure, and the same for records in any order. Nothing that ships needs it: a run knows the existing
snapshots from ECS, and its records are for readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RANKS: dict[str, int] = {
    "planned": 0,  # only in dry runs: a snapshot that would have been requested
    "deferred": 0,
    "skipped": 1,
    "failed": 2,
    "created": 3,
    "already_exists": 3,
    "snapshot_failed": 4,
    "completed": 5,
}
"""By status its rank; of two records of a disk the one with the higher rank is effective."""

Effective = dict[tuple[str, str], Mapping[str, str]]

RUN_FIELDS = (
    "deployment", "policy", "region", "run_id", "trigger_id", "trigger_time", "part", "disk_id",
    "instance_id", "attempt",
)  # fmt: skip
"""The fields that a record without a run takes from one with the same snapshot id."""


def merge_outcomes(records: Iterable[Mapping[str, str]]) -> Effective:
    """
    Return the outcome of each disk in each run.

    Args:
        records: In any order, possibly repeated, of any runs. Records of dry runs and records
            without a disk do not count. A record without a run (`snapshot_record`) counts for
            the disk of which another record has the same snapshot id; without such a record
            it does not count.

    Returns:
        By run and disk (or instance, if there is no disk) the effective record: of the highest
        attempt the record of the highest rank, and of equal ranks the latest.

    """
    effective: Effective = {}
    owners: dict[str, Effective] = {}
    """By snapshot id the records with that id: the effective one of each run and disk."""
    loose = []
    for record in records:
        if record.get("record") != "disk" or record.get("dry_run") == "true":
            continue
        if not record.get("run_id"):
            loose.append(record)
            continue
        _keep(effective, record)
        if record.get("snapshot_id"):
            _keep(owners.setdefault(record["snapshot_id"], {}), record)
    for record in loose:
        for owner in owners.get(record["snapshot_id"], {}).values():
            _keep(effective, {**record, **{key: owner[key] for key in RUN_FIELDS if key in owner}})
    return effective


def _keep(effective: Effective, record: Mapping[str, str]) -> None:
    key = (record["run_id"], record["disk_id"] or record.get("instance_id", ""))
    if key not in effective or _weight(record) >= _weight(effective[key]):
        effective[key] = record


def _weight(record: Mapping[str, str]) -> tuple[int, int, str, str]:
    # The last item makes the order total, so that the result is the same in any order.
    return (
        int(record["attempt"]),
        RANKS[record["status"]],
        # "…:00.5Z" sorts before "…:00Z" and is later; without the zone's letter texts sort right.
        record.get("at", "").rstrip("Z"),
        repr(sorted(record.items())),
    )
