"""A failed listing of existing snapshots is not an empty one: nothing is requested."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import RunFailedError
from tests.component.world import World


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "Forbidden.RAM", "status": 403},
        {"kind": "error", "code": "Throttling", "status": 403},
        {"kind": "error", "code": "InternalError", "status": 500},
        {"kind": "drop"},
        {"kind": "html"},
        {"kind": "hang"},
    ],
    ids=lambda fault: fault.get("code", fault["kind"]),
)
@pytest.mark.parametrize("action", ["DescribeSnapshots", "DescribeDisks", "DescribeInstances"])
def test_a_run_that_cannot_read_what_there_is_asks_for_nothing(
    world: World, action: str, fault: dict[str, Any]
) -> None:
    """A failed listing of snapshots or disks is not an empty one."""
    world.disks(2)
    world.fault(**fault, action=action, times=None)

    with pytest.raises(RunFailedError, match="could not start"):
        world.tick()

    assert world.writes() == []
    [end] = world.recorded("part_finished")
    assert end["status"] == "failed"
    assert end["code"] == fault.get("code", "UnknownOutcome")


def test_a_listing_that_breaks_off_on_its_second_page_is_not_read(world: World) -> None:
    """D6: after half a listing, the disks of the other half would get a second snapshot."""
    other = world.ecs.add_disk().disk_id
    for _ in range(101):
        world.ecs.add_snapshot(other)
    world.disk()
    world.fault(
        "error", action="DescribeSnapshots", code="Forbidden.RAM", status=403, skip=1, times=None
    )

    with pytest.raises(RunFailedError, match="could not start"):
        world.tick()

    assert world.writes() == []


def test_a_direct_request_that_cannot_read_the_listing_raises_too(world: World) -> None:
    """A summary answers a request that ran; this one did not."""
    disk_id = world.disk()
    world.fault("error", action="DescribeSnapshots", code="Forbidden.RAM", status=403, times=None)

    with pytest.raises(RunFailedError, match=r"could not start.*Forbidden\.RAM"):
        world.schedule({"key": "k", "disk_ids": [disk_id]})

    assert world.writes() == []
