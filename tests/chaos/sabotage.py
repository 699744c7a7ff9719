"""
Ways to break the shipped code, one at a time; the invariant that each breaks must report it.

Each replaces an attribute of a module (`replacement.replaced`), because the shipped code has no
switch for errors.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from cli import effective_outcomes
from shared import identity
from shared.clients.ecs_types import Snapshot
from shared.clients.pacing import Pacer
from shared.completions import decision
from shared.identity import DISK_TAG
from shared.policies import policy
from shared.records import reader
from shared.records.reader import Reader
from shared.snapshots import region, request
from shared.snapshots.disk_state import ExistingSnapshots
from shared.triggers import routing
from tests.chaos.replacement import replaced


def random_token() -> AbstractContextManager[None]:
    """Each client token is random, so that a retried call is a new request."""

    def token(*_: object, **__: object) -> str:
        return secrets.token_hex(32)

    return replaced(request, "client_token", token)


def no_existing_snapshots() -> AbstractContextManager[None]:
    """A run finds no existing snapshots, although ECS lists them."""

    def add(_existing: ExistingSnapshots, _snapshot: object) -> None:
        pass

    return replaced(ExistingSnapshots, "add", add)


def no_deadline() -> AbstractContextManager[None]:
    """Calls continue after the deadline, and Function Compute ends the function."""

    class Patient(Pacer):
        def __init__(self, *, deadline: float, **others: object) -> None:
            super().__init__(deadline=deadline * math.inf, **others)  # type: ignore[arg-type] # as they came

    return replaced(region, "Pacer", Patient)


@contextmanager
def tags_alone() -> Iterator[None]:
    """A snapshot with a run's tags belongs to the run, even if it is of another disk."""
    before = identity.read_run_tags

    def read_run_tags(
        snapshot: Snapshot, deployment: str | None = None
    ) -> identity.TaggedRun | None:
        return before(replace(snapshot, disk_id=snapshot.tags.get(DISK_TAG, "")), deployment)

    with (
        replaced(identity, "read_run_tags", read_run_tags),
        replaced(decision, "read_run_tags", read_run_tags),
    ):
        yield


@contextmanager
def kept_for_ever() -> Iterator[None]:
    """The maximum age of a run ignores the retention of its snapshots."""

    def kept_days(_: object) -> None:
        return None

    with replaced(routing, "kept_days", kept_days), replaced(policy, "kept_days", kept_days):
        yield


def records_of_any_deployment() -> AbstractContextManager[None]:
    """Records of every deployment in the Logstore count."""

    def own(_reader: Reader, log: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
        return reader.records_in(dict(log))

    return replaced(Reader, "_own", own)


def last_record_wins() -> AbstractContextManager[None]:
    """The effective outcome is the last record instead of the highest-ranking one."""

    def merge_outcomes(
        records: Iterable[Mapping[str, str]],
    ) -> dict[tuple[str, str], Mapping[str, str]]:
        return {
            (record["run_id"], record["disk_id"]): record
            for record in records
            if record.get("record") == "disk" and record.get("run_id")
        }

    return replaced(effective_outcomes, "merge_outcomes", merge_outcomes)
