"""
The samples in events/, each through its function, with the policies that ship.

What they should come to is written here; what came is read from the cloud. The samples, and
mutations of them, also hold that a handler works or raises `InvalidEventError`, and nothing
else. A run that was started and left disks without a snapshot works: it raises
`RunFailedError`, which is what makes Function Compute deliver it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import fleet
from shared.errors import InvalidEventError, Problems, RunFailedError
from shared.runtime.json_yaml import read_policies
from tests.component.world import World
from tests.component.world import world as make_world

ROOT = Path(__file__).parent.parent.parent
EVENTS = ROOT / "events"
POLICIES = json.dumps(read_policies(ROOT / "policies.yaml", Problems()))
FLEET = fleet.load(ROOT / "emulator" / "fleets" / "demo.yaml")

Start = Callable[[World, Any], dict[str, Any]]
STARTS: dict[str, Start] = {
    "record_completion": World.complete,
    "snapshot_on_schedule": World.schedule,
    "snapshot_on_event": World.event,
}

WEB_SYSTEM, WEB_DATA = "d-bp1web10000000000sys", "d-bp1web1000000000data"
WEB = {WEB_SYSTEM, WEB_DATA}
SPOT = {"d-bp1spot1000000000sys", "d-bp1spot100000000data"}
GOOD = {
    *WEB,
    *SPOT,
    "d-bp1web20000000000sys",
    "d-bp1db100000000000sys",
    "d-bp1db10000000000data",
    "d-bp1inprogress0000001",
}
"""Of the disks tagged env: prod those that can have a snapshot; one of them after a while."""
PROD_DATA = {WEB_DATA, "d-bp1db10000000000data", "d-bp1spot100000000data", "d-bp1inprogress0000001"}
BUSY = {"d-bp1inprogress0000001"}

WORKS: dict[str, tuple[str, set[str]]] = {
    "record_completion/accomplished.json": ("ok", set()),
    "record_completion/automatic.json": ("no_match", set()),
    "record_completion/failed.json": ("ok", {WEB_DATA}),
    "record_completion/foreign.json": ("no_match", set()),
    "record_completion/list_of_two.json": ("ok", {WEB_DATA}),
    "record_completion/unlisted.json": ("ok", set()),
    "snapshot_on_schedule/direct_disks.json": ("ok", WEB),
    "snapshot_on_schedule/direct_dry_run.json": ("partially_failed", set()),
    "snapshot_on_schedule/direct_instances.json": ("ok", SPOT),
    "snapshot_on_schedule/direct_policy.json": ("partially_failed", GOOD),
    "snapshot_on_schedule/direct_tags.json": ("ok", {"d-bp1dev10000000000sys"}),
    "snapshot_on_event/actiontrail_api_call.json": ("no_match", set()),
    "snapshot_on_event/direct_disks.json": ("ok", {WEB_SYSTEM}),
    "snapshot_on_event/disk_attached.json": ("no_match", set()),
    "snapshot_on_event/disk_stalled.json": ("no_match", set()),
    "snapshot_on_event/disk_without_snapshot.json": ("no_match", set()),
    "snapshot_on_event/instance_running.json": ("no_match", set()),
    "snapshot_on_event/maintenance_avoided.json": ("no_match", set()),
    "snapshot_on_event/snapshot_completed.json": ("no_match", set()),
    "snapshot_on_event/snapshot_failed.json": ("no_match", set()),
    "snapshot_on_event/spot_interruption.json": ("ok", SPOT),
}
"""By sample the answer's status, and the disks that have a new snapshot."""

LEAVES_DISKS: dict[str, set[str]] = {
    "snapshot_on_schedule/timer.json": GOOD,
    "snapshot_on_schedule/timer_with_inline_policy.json": PROD_DATA,
    "snapshot_on_schedule/timer_with_policy.json": GOOD,
    "snapshot_on_event/instance_stopped.json": WEB | BUSY,
    "snapshot_on_event/list_of_two.json": WEB | BUSY | SPOT,
    "snapshot_on_event/maintenance_scheduled.json": WEB | BUSY,
}
"""Samples about disks of which some cannot have a snapshot: the run reports them."""

REJECTED = {
    "record_completion/with_mistakes.json",
    "snapshot_on_schedule/direct_with_mistakes.json",
}

NOTHING_DONE = ("rejected", "no_match", "disabled")

SAMPLES = {
    path.relative_to(EVENTS).as_posix(): path.read_bytes()
    for path in EVENTS.rglob("*.json")
    if path.parent.name in STARTS  # resume_runs takes none of these: test_resume_runs.py
}


@contextmanager
def demo(folder: Path) -> Iterator[World]:
    """Make a world with the demo's fleet and the policies that ship."""
    with make_world(folder) as world:
        world.policies_path.write_text(POLICIES)
        FLEET.fill(world.cloud)
        yield world


@pytest.fixture
def fleet_world(tmp_path: Path) -> Iterator[World]:
    """The demo's fleet and the policies that ship."""
    with demo(tmp_path) as world:
        yield world


def start(world: World, sample: str, event: Any) -> dict[str, Any]:
    return STARTS[sample.partition("/")[0]](world, event)


def new_snapshots(world: World) -> list[str]:
    """The disks of which the functions made a snapshot, sorted; without what the fleet has."""
    own = "snapshot-automation-run-id"
    made = [s for s in world.ecs.snapshots.values() if own in s.tags]
    return sorted(s.disk_id for s in made if not s.snapshot_id.startswith("s-bp1own"))


# --- the samples themselves ----------------------------------------------------------------------


def test_every_sample_is_held_to_something() -> None:
    """Every sample event has its expected result here."""
    assert sorted(SAMPLES) == sorted([*WORKS, *LEAVES_DISKS, *REJECTED])


@pytest.mark.parametrize("sample", WORKS)
def test_a_sample_comes_to_just_these_snapshots(fleet_world: World, sample: str) -> None:
    """Its status, its disks, and no other."""
    status, disks = WORKS[sample]

    answer = start(fleet_world, sample, SAMPLES[sample])

    assert answer["status"] == status
    assert new_snapshots(fleet_world) == sorted(disks)


def test_a_call_reported_by_actiontrail_is_about_all_its_resources(
    fleet_world: World,
) -> None:
    """N6: its ids come in lists by type; the policy selects each of the instances."""
    fleet_world.policies(
        {
            "name": "stopped-by-a-call",
            "on": {
                "event": "ecs:ActionTrail:ApiCall",
                "where": {"data.eventName": ["StopInstance", "StopInstances"]},
            },
            "select": {"event_resource": True},
        }
    )

    answer = fleet_world.event(SAMPLES["snapshot_on_event/actiontrail_api_call.json"])

    assert answer["status"] == "ok"
    assert new_snapshots(fleet_world) == sorted({"d-bp1web20000000000sys", *SPOT})


@pytest.mark.parametrize("sample", LEAVES_DISKS)
def test_a_sample_about_disks_that_cannot_all_have_one_fails(
    fleet_world: World, sample: str
) -> None:
    """Those that can have one do; the run raises, and each of the others has its reason."""
    with pytest.raises(RunFailedError):
        start(fleet_world, sample, SAMPLES[sample])

    assert new_snapshots(fleet_world) == sorted(LEAVES_DISKS[sample])
    left = [one for one in fleet_world.recorded("disk") if one["status"] == "failed"]
    assert left
    assert all(one["code"] and one["reason"] for one in left)


@pytest.mark.parametrize("sample", sorted(REJECTED))
def test_a_sample_with_mistakes_is_rejected_with_all_of_them(
    fleet_world: World, sample: str
) -> None:
    """Nothing of it is done."""
    with pytest.raises(InvalidEventError, match=r"1\d problems"):
        start(fleet_world, sample, SAMPLES[sample])

    assert fleet_world.writes() == []


@pytest.mark.parametrize("sample", sorted(SAMPLES.keys() - REJECTED))
def test_a_sample_delivered_again_adds_nothing(fleet_world: World, sample: str) -> None:
    """D1, D4: an hour later, with tokens forgotten at once, each snapshot is listed."""
    fleet_world.cloud.ecs_settings.token_memory_s = 0
    _outcome(fleet_world, sample, SAMPLES[sample])
    before = new_snapshots(fleet_world)

    fleet_world.clock.advance(3600)
    _outcome(fleet_world, sample, SAMPLES[sample])

    assert new_snapshots(fleet_world) == before


# --- mutations of them, and bytes ----------------------------------------------------------------


def _outcome(world: World, sample: str, event: Any) -> str:
    """
    Start a function and hold what always holds; returns how it ended.

    Whatever else is raised is a mistake, and passes through.
    """
    recorded, written = len(world.records), len(world.writes())
    try:
        answer = start(world, sample, event)
    except InvalidEventError as rejection:
        _hold_rejection(rejection)
        assert any(one["record"] == "rejected" for one in world.records[recorded:])
        # Of a list the good ones ran; see the last test.
        if not (isinstance(event, list) or "list" in sample):
            assert len(world.writes()) == written
        return "rejected"
    except RunFailedError:
        assert any(one["record"] in ("part_started", "disk") for one in world.records[recorded:])
        return "failed"
    # Events of other snapshots, of which there are thousands, leave no record.
    silent = sample.startswith("record_completion/") and answer["status"] == "no_match"
    assert silent or len(world.records) > recorded
    assert answer["status"] in ("ok", "partially_failed", "failed", "no_match", "disabled")
    if answer["status"] in ("ok", "partially_failed", "failed"):
        assert answer["runs"]
    return str(answer["status"])


def _hold_rejection(rejection: InvalidEventError) -> None:
    assert rejection.problems
    assert all(one.path and one.rule for one in rejection.problems)
    assert len(str(rejection).splitlines()) >= 1 + len(rejection.problems)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["", " ", "nightly", "nightly-production", "i-bp1web00000000000001", WEB_DATA, "\ud800"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=5,
)
KEYS = sorted(
    {key for sample in SAMPLES.values() for key in json.loads(sample) if isinstance(key, str)}
    | {"policy", "disk_ids", "dry_run", "snapshot", "select", "name", "resourceId", "diskId"}
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container with each of its keys or places."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *_places(value[key])]
    return found


@st.composite
def mutations(draw: st.DrawFn, samples: list[str]) -> tuple[str, Any]:
    """Draw a sample with up to three changes: a part gone, replaced, added, or moved."""
    sample = draw(st.sampled_from(samples))
    event = deepcopy(json.loads(SAMPLES[sample]))
    for _ in range(draw(st.integers(0, 3))):
        places = _places(event)
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(["drop", "replace", "replace", "add", "move", "payload"]))
        if change == "drop":
            del holder[key]
        elif change == "replace":
            holder[key] = draw(values)
        elif change == "payload" and isinstance(event, dict):
            event["payload"] = json.dumps(draw(values))
        elif isinstance(holder, dict):
            new = draw(st.sampled_from(KEYS) | st.text(max_size=10))
            holder[new] = holder.pop(key) if change == "move" else draw(values)
        else:
            holder.append(draw(values))
    return sample, event


@given(mutations(sorted(SAMPLES)))
@settings(max_examples=120, deadline=None)
def test_whatever_a_sample_becomes_a_handler_works_or_rejects_it(mutated: tuple[str, Any]) -> None:
    """A wrong event raises InvalidEventError, nothing else, and then nothing was written."""
    sample, event = mutated
    with TemporaryDirectory() as folder, demo(Path(folder)) as world:
        outcome = _outcome(world, sample, event)

        if outcome in NOTHING_DONE and not isinstance(event, list):
            assert new_snapshots(world) == []


@given(function=st.sampled_from(sorted(STARTS)), event=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_come_a_handler_rejects_them(function: str, event: bytes) -> None:
    """Arbitrary bytes raise InvalidEventError and nothing else."""
    with TemporaryDirectory() as folder, demo(Path(folder)) as world:
        assert _outcome(world, f"{function}/any", event) == "rejected"
        assert world.writes() == []


@given(
    sample=st.sampled_from(sorted(SAMPLES)),
    place=st.integers(0, 600),
    length=st.integers(0, 3),
    new=st.binary(max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_of_a_sample_change_a_handler_works_or_rejects_it(
    sample: str, place: int, length: int, new: bytes
) -> None:
    """A sample that was damaged on its way is an event of its own, or none."""
    text = SAMPLES[sample]
    damaged = text[:place] + new + text[place + length :]
    with TemporaryDirectory() as folder, demo(Path(folder)) as world:
        outcome = _outcome(world, sample, damaged)

        if outcome in NOTHING_DONE and "list" not in sample:
            assert new_snapshots(world) == []


@given(
    st.lists(
        mutations(
            ["snapshot_on_event/instance_stopped.json", "snapshot_on_event/spot_interruption.json"]
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=20, deadline=None)
def test_of_a_list_of_events_each_is_judged_alone(mutated: list[tuple[str, Any]]) -> None:
    """A list comes to what its events come to alone: the bad ones cost no good one anything."""
    events = [event for _, event in mutated]
    for number, event in enumerate(events):
        if isinstance(event, dict) and "id" in event:
            # Those of one id are one event; here are several.
            event["id"] = f"{event['id']}-{number}"
    with TemporaryDirectory() as folder, demo(Path(folder)) as world:
        _outcome(world, "snapshot_on_event/list", events)
        together = new_snapshots(world)
    alone = set()
    for event in events:
        if isinstance(event, dict) and "source" in event:
            with TemporaryDirectory() as folder, demo(Path(folder)) as world:
                _outcome(world, "snapshot_on_event/alone", event)
                alone.update(new_snapshots(world))

    assert set(together) == alone
