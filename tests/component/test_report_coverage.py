"""report_coverage: one record for each disk and one for the account, whatever the account is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator import Fault
from emulator.wire import Request, Response
from shared.errors import InvalidEventError, RunFailedError
from tests.component.parts import Parts, with_continuations
from tests.component.world import PROD, World, environment, policy
from tests.component.world import world as make_world

HOUR_S = 3600
TIMERS = {"nightly": {"cron": "0 0 2 * * *"}}
DAILY = policy(max_age_hours=26)
SAMPLES = Path(__file__).parents[2] / "events" / "report_coverage"
LONG_AGO_S = 40 * 24 * HOUR_S


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        arrange(made)
        yield made


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    with with_continuations(world) as found:
        yield found


def arrange(world: World, *policies: Any, **top: Any) -> None:
    world.policies(*(policies or (DAILY,)), **{"timers": TIMERS, **top})


def more_than_a_part(world: World) -> list[str]:
    """Add more disks than two calls a minute can read in a part."""
    arrange(world, limits={"max_calls_per_minute": 2})
    world.timeout_s = 150
    return world.disks(900)


def by_disk(world: World) -> dict[str, dict[str, str]]:
    records = world.recorded("coverage")
    assert len({one["disk_id"] for one in records}) == len(records)
    return {one["disk_id"]: one for one in records}


def total(world: World) -> dict[str, str]:
    (record,) = world.recorded("coverage_total")
    return record


def test_each_disk_has_a_record_with_its_state(world: World) -> None:
    """And what ECS says of it: nothing of it comes from records."""
    old = world.disk(name="db", size_gib=100, encrypted=True, auto_snapshot_policy_id="sp-1")
    never, stray = world.disk(), world.disk(tags={"env": "test"})
    spared = world.disk(tags={"snapshot": "never"})
    arrange(world, report={"exclude_tags": {"snapshot": "never"}})
    world.clock.advance(LONG_AGO_S)
    world.ecs.fail_next(never)
    world.tick()
    world.clock.advance(2 * HOUR_S)
    for kind in ("auto", "user"):
        world.ecs.add_snapshot(old, snapshot_type=kind, stored_bytes=1024**3)
    answer = world.report()

    found = by_disk(world)
    assert {disk: one["status"] for disk, one in found.items()} == {
        old: "protected",
        never: "overdue",
        stray: "unprotected",
        spared: "excluded",
    }
    (ours,) = [one for one in world.ecs.snapshots.values() if one.disk_id == old and one.tags]
    assert found[old].items() >= {
        ("disk_name", "db"),
        ("region", "cn-hangzhou"),
        ("policies", "nightly"),
        ("tags", '{"env": "prod"}'),
        ("snapshot_id", ours.snapshot_id),
        ("age_hours", "2.0"),
        ("max_age_hours", "26"),
        ("snapshots", "1"),
        ("snapshots_native", "1"),
        ("snapshots_other", "1"),
        ("held_bytes", str(2 * 1024**3 + ours.stored_bytes)),
        ("size_gib", "100"),
        ("encrypted", "true"),
        ("native_policy", "sp-1"),
        ("deployment", "test"),
        ("function", "report_coverage"),
    }
    assert found[never]["reason"] == "no good snapshot is known"
    assert answer["status"] == "ok"
    assert total(world).items() >= {
        ("status", "ok"),
        ("disks", "4"),
        ("count_protected", "1"),
        ("count_overdue", "1"),
        ("count_unprotected", "1"),
        ("count_excluded", "1"),
        ("count_not_supported", "0"),
        ("by_policy", '{"nightly": {"overdue": 1, "protected": 1}}'),
        ("run_id", answer["report"]),
    }


def test_a_report_by_timer_is_named_after_its_time(world: World) -> None:
    """Delivered twice it is the same report; a request is a new one each time."""
    world.disk()
    event = {"triggerName": "report", "triggerTime": world.minute, "payload": ""}
    first, again = world.report(event), world.report(event)
    asked = world.report()

    assert first["report"] == again["report"] != asked["report"]
    record = world.recorded("coverage_total")[0]
    assert record["trigger_id"] == f"timer/report/{world.minute}"
    assert record["trigger_time"] == world.minute


def test_a_pause_does_not_hide_its_consequences(world: World) -> None:
    """Nothing is written to ECS anyway."""
    disk = world.disk()
    world.clock.advance(LONG_AGO_S)
    with environment(SNAPSHOTS_PAUSED="true"):
        world.report()

    assert by_disk(world)[disk]["status"] == "overdue"
    assert world.writes() == []


def test_every_region_of_the_policies_is_reported(world: World) -> None:
    """One after the other; another region is nobody's business."""
    arrange(world, policy(regions=["cn-hangzhou", "cn-beijing"], max_age_hours=26))
    here = world.disk()
    there = world.cloud.ecs("cn-beijing").add_disk(tags=PROD).disk_id
    world.cloud.ecs("cn-shanghai").add_disk(tags=PROD)
    world.report()

    assert {disk: one["region"] for disk, one in by_disk(world).items()} == {
        here: "cn-hangzhou",
        there: "cn-beijing",
    }
    assert total(world)["disks"] == "2"


# --- more than one part --------------------------------------------------------------------------


@pytest.mark.parametrize("snapshots", [0, 3])
def test_a_report_goes_on_in_parts_and_writes_each_disk_once(
    world: World, parts: Parts, snapshots: int
) -> None:
    """At two calls a minute an hour is not enough for 900 disks, however the snapshots are read."""
    made = more_than_a_part(world)
    for disk in made[:2]:
        for _ in range(snapshots):
            world.ecs.add_snapshot(disk)

    answer = world.report()
    parts.run_all()

    assert answer["status"] == "continued"
    assert parts.raised == []
    assert len(parts.all) > 1
    assert set(by_disk(world)) == set(made)
    assert total(world).items() >= {
        ("disks", "900"),
        ("status", "ok"),
        ("snapshots_other", str(2 * snapshots)),
    }
    assert {one["run_id"] for one in world.recorded("coverage")} == {answer["report"]}


def test_snapshots_that_take_longer_than_a_part_are_read_disk_by_disk(
    world: World, parts: Parts
) -> None:
    """A listing of all of them would begin anew in each part."""
    arrange(world, limits={"max_calls_per_minute": 6})
    made = world.disks(60)
    for disk in made:
        for _ in range(50):
            world.ecs.add_snapshot(disk)
    world.timeout_s = 300

    world.report()
    parts.run_all()

    assert set(by_disk(world)) == set(made)
    assert {one["snapshots_other"] for one in by_disk(world).values()} == {"50"}
    calls = world.cloud.calls.of("DescribeSnapshots")
    assert {call.params.get("DiskId") for call in calls} == set(made)
    assert len(parts.all) >= 60 / (300 / 60 * 6)


def test_a_throttled_listing_of_all_snapshots_is_given_up_for_the_other_way(
    world: World, parts: Parts
) -> None:
    """Others may use up the rate that was counted on."""
    made = world.disks(20)
    for disk in made:
        for _ in range(20):
            world.ecs.add_snapshot(disk)
    world.timeout_s = 60
    world.fault(
        "error", action="DescribeSnapshots", code="Throttling", status=400, skip=1, times=30
    )

    assert world.report()["status"] == "continued"
    world.cloud.faults.clear()
    parts.run_all()

    assert parts.links[0]["by_disk"] is True
    assert set(by_disk(world)) == set(made)
    assert total(world)["snapshots_other"] == "400"


def test_a_part_without_time_for_a_single_disk_says_so_and_does_not_go_on(
    world: World, parts: Parts
) -> None:
    """Or it would start itself for ever."""
    arrange(world, limits={"max_calls_per_minute": 1})
    for disk in world.disks(3):
        for _ in range(60):
            world.ecs.add_snapshot(disk)
    world.timeout_s = 30
    with pytest.raises(RunFailedError, match="no time for a single disk"):
        world.report()

    assert parts.all == []
    assert "limits.max_calls_per_minute" in total(world)["reason"]


def test_a_part_that_cannot_be_started_fails_the_report(world: World) -> None:
    """Without FC's API in the settings nothing can follow."""
    more_than_a_part(world)
    with pytest.raises(RunFailedError, match="SNAPSHOTS_FC_API"):
        world.report()

    assert total(world)["status"] == "failed"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    made=st.lists(
        st.tuples(
            st.sampled_from([PROD, {}, {"snapshot": "never"}]),
            st.lists(st.sampled_from(["user", "auto", "ours"]), max_size=3),
        ),
        max_size=40,
    ),
    timeout_s=st.sampled_from([60, 150, 600]),
    rate=st.sampled_from([4, 20, 600]),
)
def test_the_account_is_the_sum_of_its_disks(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[dict[str, str], list[str]]],
    timeout_s: int,
    rate: int,
) -> None:
    """Whatever the disks and the rate are, and into however many parts the report falls."""
    with make_world(tmp_path_factory.mktemp("world")) as world, with_continuations(world) as parts:
        arrange(world, report={"exclude_tags": {"snapshot": "never"}})
        ids = [world.disk(tags=tags) for tags, _ in made]
        if any("ours" in kinds for _, kinds in made):
            wanted = [disk for disk, (_, kinds) in zip(ids, made, strict=True) if "ours" in kinds]
            world.schedule({"key": "now", "disk_ids": wanted})
            world.clock.advance(HOUR_S)
        for disk, (_, kinds) in zip(ids, made, strict=True):
            for kind in kinds:
                if kind != "ours":
                    world.ecs.add_snapshot(disk, snapshot_type=kind)
        arrange(
            world,
            report={"exclude_tags": {"snapshot": "never"}},
            limits={"max_calls_per_minute": rate},
        )
        world.timeout_s = timeout_s
        world.report()
        parts.run_all()

        found = by_disk(world)
        assert set(found) == set(ids)
        counted = Counter(one["status"] for one in found.values())
        whole = total(world)
        assert {
            key.removeprefix("count_"): int(value)
            for key, value in whole.items()
            if key.startswith("count_") and value != "0"
        } == counted
        for key in ("snapshots", "snapshots_native", "snapshots_other", "held_bytes"):
            assert int(whole[key]) == sum(int(one[key]) for one in found.values()), key
        assert int(whole["snapshots"]) == sum("ours" in kinds for _, kinds in made)


# --- what cannot be read -------------------------------------------------------------------------


def test_a_region_that_cannot_be_listed_is_named_and_the_others_are_reported(world: World) -> None:
    """Half a report is no good one: the record and the exception say what is missing."""
    arrange(world, policy(regions=["cn-hangzhou", "cn-beijing"], max_age_hours=26))
    world.disk()
    there = world.cloud.ecs("cn-beijing").add_disk(tags=PROD).disk_id
    world.fault("error", action="DescribeDisks", code="Forbidden.RAM", status=403, times=1)
    with pytest.raises(RunFailedError, match=r"cn-hangzhou: .*Forbidden\.RAM"):
        world.report()

    assert set(by_disk(world)) == {there}
    assert total(world)["status"] == "failed"
    assert "Forbidden.RAM" in total(world)["reason"]


def test_a_passing_error_costs_no_disk(world: World, parts: Parts) -> None:
    """The part is delivered again by Function Compute, with the same event."""
    disk = world.disk()
    world.fault("error", action="DescribeSnapshots", code="InternalError", status=500, times=None)
    with pytest.raises(RunFailedError, match="InternalError"):
        world.report()
    world.cloud.faults.clear()
    world.report()

    assert set(by_disk(world)) == {disk}
    assert parts.all == []


def test_what_snapshots_take_may_be_unknown(world: World) -> None:
    """The states are right all the same, so the report is complete and says what it lacks."""
    disk = world.disk()
    world.fault(
        "error", action="DescribeSnapshotLinks", code="Forbidden.RAM", status=403, times=None
    )
    world.report()

    assert total(world)["status"] == "ok"
    assert "what snapshots take is not known" in total(world)["reason"]

    assert by_disk(world)[disk]["held_bytes"] == ""
    assert by_disk(world)[disk]["status"] == "protected"


def test_a_region_that_does_not_answer_costs_no_other_region(world: World, parts: Parts) -> None:
    """What did not move would not move in a next part either; Function Compute delivers again."""
    regions = ["cn-hangzhou", "cn-beijing", "cn-shanghai"]
    arrange(world, policy(regions=regions, max_age_hours=26))
    disks = {region: world.cloud.ecs(region).add_disk(tags=PROD).disk_id for region in regions}
    world.cloud.faults.add(
        Fault(
            kind="error",
            action="DescribeDisks",
            code="ServiceUnavailable",
            status=503,
            times=None,
            matches=lambda call: call.get("RegionId") == "cn-beijing",
        )
    )
    with pytest.raises(RunFailedError, match=r"cn-beijing: .*ServiceUnavailable"):
        world.report()

    assert set(by_disk(world)) == {disks["cn-hangzhou"], disks["cn-shanghai"]}
    assert "no time" not in total(world)["reason"]
    assert parts.all == []


def test_a_disk_that_is_released_between_two_parts_hides_no_other(
    world: World, parts: Parts
) -> None:
    """A page moves when a disk is gone: what is done is known by id."""
    made = more_than_a_part(world)
    world.report()
    recorded = [one["disk_id"] for one in world.recorded("coverage")]
    for disk in recorded[:3]:
        world.ecs.remove_disk(disk)
    parts.run_all()

    assert set(by_disk(world)) == set(made)
    assert total(world)["disks"] == "900"


def test_a_disk_whose_snapshots_cannot_be_listed_costs_no_other_disk(
    world: World, parts: Parts
) -> None:
    """It is left out, and named: what is not known is not overdue."""
    arrange(world, limits={"max_calls_per_minute": 6})
    made = world.disks(40)
    for disk in made:
        for _ in range(60):
            world.ecs.add_snapshot(disk)
    bad = made[3]
    world.cloud.faults.add(
        Fault(
            kind="error",
            action="DescribeSnapshots",
            code="InvalidDiskId.NotFound",
            status=404,
            times=None,
            matches=lambda call: call.get("DiskId") == bad,
        )
    )
    world.timeout_s = 300
    world.report()
    parts.run_all()

    assert set(by_disk(world)) == set(made) - {bad}
    assert total(world)["status"] == "failed"
    assert bad in total(world)["reason"]


def test_a_token_that_comes_again_ends_the_listing(world: World, parts: Parts) -> None:
    """Or the same disks would be counted again, in part after part."""
    world.disks(5)
    answer = world.ecs.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        if request.headers.get("x-acs-action") == "DescribeDisks":
            body = {**json.loads(response.body), "NextToken": "same"}
            return Response(status=200, body=json.dumps(body).encode(), headers=response.headers)
        return response

    world.ecs.handle = handle  # type: ignore[method-assign] # a service that misbehaves
    with suppress(RunFailedError):
        world.report()
    parts.run_all()

    assert len(world.recorded("coverage")) <= 10
    assert len(parts.all) <= 1
    assert total(world)["status"] == "failed"


# --- its event -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (b"", "must be JSON"),
        (b"[]", "must be a timer's event, or"),
        ({}, "report"),
        ({"report": "costs"}, "must be 'coverage'"),
        ({"report": "coverage", "region": "cn-beijing"}, "region"),
        ({"report": "coverage", "dry_run": "yes"}, "dry_run"),
        ({"triggerName": "report", "triggerTime": "now"}, "triggerTime"),
        (
            {"triggerName": "report", "triggerTime": "2026-03-01T02:00:00Z", "payload": "x"},
            "this function has no options",
        ),
        ({"continuation": {"part": 0}}, "continuation.part"),
        ({"continuation": []}, "continuation"),
    ],
)
def test_an_event_that_is_none_is_rejected_and_recorded(
    world: World, event: Any, rule: str
) -> None:
    with pytest.raises(InvalidEventError, match=re.escape(rule)):
        world.report(event)

    (record,) = world.recorded("rejected")
    assert record["function"] == "report_coverage"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
LINK = {
    "report": "0" * 32,
    "trigger_id": "direct/r",
    "chain": "r",
    "part": 2,
    "began_at": "2026-03-01T00:00:00Z",
    "region": "cn-hangzhou",
    "token": "",
    "done": [],
    "by_disk": False,
    "tally": {"states": {"overdue": 1}, "sums": {"snapshots": 2}, "policies": {}},
    "problems": [],
    "remarks": [],
}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(key=st.sampled_from(sorted(LINK)), value=json_values)
def test_whatever_a_link_contains_it_is_refused_or_works(
    world: World, key: str, value: Any
) -> None:
    """It may be forged: no other exception, and no write."""
    with suppress(InvalidEventError, RunFailedError):
        world.report({"continuation": {**LINK, key: value}})

    assert world.writes() == []


@pytest.mark.parametrize("sample", ["timer.json", "request.json", "dry_run.json"])
def test_the_samples_work(world: World, sample: str) -> None:
    world.disk()

    assert world.report((SAMPLES / sample).read_bytes())["status"] == "ok"


def test_the_sample_with_mistakes_is_rejected_with_all_of_them(world: World) -> None:
    with pytest.raises(InvalidEventError, match="3 problems"):
        world.report((SAMPLES / "with_mistakes.json").read_bytes())


def test_a_dry_run_makes_each_kind_of_call_and_writes_nothing(world: World) -> None:
    """`ecsnap smoke` sends it: every permission is tried."""
    disk = world.disk()
    world.ecs.add_snapshot(disk)
    answer = world.report({"report": "coverage", "dry_run": True})

    assert (answer["status"], answer["reason"]) == ("ok", "dry run: 1 disks can be read")
    assert world.records == []
    assert {call.action for call in world.cloud.calls.all()} == {
        "DescribeDisks",
        "DescribeInstances",
        "DescribeSnapshotLinks",
        "DescribeSnapshots",
        "DescribeSnapshotsUsage",
    }


def test_a_dry_run_names_what_it_may_not(world: World) -> None:
    world.disk()
    world.fault("error", action="DescribeInstances", code="Forbidden.RAM", status=403)
    answer = world.report({"report": "coverage", "dry_run": True})

    assert answer["status"] == "failed"
    assert "Forbidden.RAM" in answer["reason"]
    json.dumps(answer)
