"""The request for the next attempt, from the snapshot that failed and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients.ecs_types import Snapshot, SnapshotRequest
from shared.identity import TaggedRun, client_token, read_run_tags
from shared.policies.snapshot_settings import SnapshotSettings
from shared.snapshots.request import plan_snapshot
from shared.snapshots.retry_request import SnapshotRetry, retry_request
from tests.unit.builders import run_key

TEXTS = st.text("abcXYZ019-", min_size=2, max_size=12)
SETTINGS = st.builds(
    SnapshotSettings,
    description=st.none() | TEXTS,
    retention_days=st.none() | st.integers(1, 65536),
    tags=st.dictionaries(TEXTS, TEXTS | st.just(""), max_size=15).map(lambda d: tuple(d.items())),
    resource_group_id=st.none() | TEXTS,
    category=st.sampled_from([None, "Standard", "Flash"]),
) | st.builds(
    SnapshotSettings,
    instant_access=st.sampled_from([False, True]),
    tags=st.just((("a", "b"),)),
)


def listed(request: SnapshotRequest, tags: list[tuple[str, str]]) -> Snapshot:
    """The snapshot of a request as ECS lists it, its tags in this order."""
    return Snapshot(
        snapshot_id="s-1",
        disk_id=request.disk_id,
        status="failed",
        tags=dict(tags),
        name=request.name,
        description=request.description,
        retention_days=request.retention_days,
        resource_group_id=request.resource_group_id,
        # ECS lists the default, too, and in small letters.
        category=(request.category or "Standard").lower(),
        instant_access=bool(request.instant_access),
        instant_access_retention_days=request.instant_access_retention_days,
    )


def repeat_of(failed: Snapshot, settings: SnapshotSettings) -> SnapshotRetry:
    seen = read_run_tags(failed, "main")
    assert seen is not None
    return SnapshotRetry(
        run_key=seen, failed=failed, disk_id="d-1", attempt=2, max_attempts=5, settings=settings
    )


@given(settings=SETTINGS, attempt=st.integers(2, 5), data=st.data())
def test_whatever_the_policy_is_the_rebuilt_request_is_the_handlers_own(
    settings: SnapshotSettings, attempt: int, data: st.DataObject
) -> None:
    """D9, D11: token and parameters are those of a delivery that raises the attempt by itself."""
    first = plan_snapshot(run_key(), settings, "d-1", attempt=1)
    tags = data.draw(st.permutations([*first.tags, ("acs:rm:rgId", "rg"), ("Aliyun-x", "y")]))

    again = retry_request(repeat_of(listed(first, tags), settings), attempt)

    assert again == plan_snapshot(run_key(), settings, "d-1", attempt=attempt)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (SnapshotSettings(category="Flash"), SnapshotSettings()),
        (SnapshotSettings(instant_access=True), SnapshotSettings()),
        (
            SnapshotSettings(description="old", retention_days=7),
            SnapshotSettings(tags=(("x", "y"),)),
        ),
    ],
    ids=["category", "instant access", "the rest"],
)
def test_of_an_edited_policy_the_snapshots_own_fields_hold(
    before: SnapshotSettings, now: SnapshotSettings
) -> None:
    """D9: the failed request is repeated, whatever the policy is by now."""
    first = plan_snapshot(run_key(), before, "d-1", attempt=1)

    again = retry_request(repeat_of(listed(first, list(first.tags)), now), 2)

    assert again == plan_snapshot(run_key(), before, "d-1", attempt=2)


def test_category_and_instant_access_are_never_asked_for_together() -> None:
    """ECS rejects the pair, whatever a listing and an edited policy make of it."""
    first = plan_snapshot(run_key(), SnapshotSettings(instant_access=True), "d-1", attempt=1)
    edited = SnapshotSettings(category="Standard")

    again = retry_request(repeat_of(listed(first, list(first.tags)), edited), 2)

    assert (again.category, again.instant_access) == (None, True)


def test_the_listings_tags_are_made_anew() -> None:
    """D1: an edited tag does not hide the new attempt from its run."""
    first = plan_snapshot(run_key(), SnapshotSettings(), "d-1", attempt=1)
    failed = listed(first, list(first.tags))
    edited = replace(failed, tags={**failed.tags, "snapshot-automation-attempt": "9"})

    again = retry_request(repeat_of(edited, SnapshotSettings()), 2)

    where = TaggedRun(deployment="main", policy="nightly", run_id=run_key().run_id)
    assert dict(again.tags)["snapshot-automation-disk"] == "d-1"
    assert dict(again.tags)["snapshot-automation-attempt"] == "2"
    assert again.client_token == client_token(where, "d-1", attempt=2)
