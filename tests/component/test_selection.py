"""Which disks a policy selects: by tag, id, instance, type or event, to the last page, once."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import RunFailedError
from tests.component.parts import with_continuations
from tests.component.world import World, policy

REGION_2 = "cn-shanghai"


def planned(world: World, **parts: Any) -> set[str]:
    """Tick with a policy that is a dry run; returns the disks that it selects."""
    world.policies(policy(dry_run=True, allow_empty=True, **parts))
    before = len(world.recorded("disk"))
    world.tick()
    records = world.recorded("disk")[before:]
    ids = [one["disk_id"] for one in records if one["status"] == "planned"]
    assert len(ids) == len(set(ids))
    return set(ids)


def selected(world: World, **select: Any) -> set[str]:
    return planned(world, select=select)


# --- tags ----------------------------------------------------------------------------------------


def test_tags_are_anded_and_their_values_are_ored(world: World) -> None:
    """Values of one key are OR, keys are AND."""
    mysql = world.disk(tags={"env": "prod", "role": "mysql"})
    postgres = world.disk(tags={"env": "prod", "role": "postgresql", "more": "x"})
    world.disk(tags={"env": "prod", "role": "web"})
    world.disk(tags={"env": "test", "role": "mysql"})
    world.disk(tags={"role": "mysql"})
    world.disk(tags={})

    assert selected(world, tags={"env": "prod", "role": ["mysql", "postgresql"]}) == {
        mysql,
        postgres,
    }


def test_a_tag_is_matched_whole_and_in_its_own_case(world: World) -> None:
    """A value that only begins alike is another one."""
    disk_id = world.disk(tags={"env": "prod"})
    world.disk(tags={"env": "production"})
    world.disk(tags={"env": "Prod"})
    world.disk(tags={"Env": "prod"})
    world.disk(tags={"env": ""})

    assert selected(world, tags={"env": "prod"}) == {disk_id}
    assert selected(world, tags={"env": ["prod", "none"]}) == {disk_id}


def test_tags_of_the_instance_mean_all_of_its_disks(world: World) -> None:
    """With `tags_of: instance` a disk's own tags do not count."""
    instance = world.ecs.add_instance(tags={"role": "mysql"})
    other = world.ecs.add_instance(tags={"role": "web"})
    wanted = {world.disk(instance_id=instance.instance_id, tags={}) for _ in range(3)}
    world.disk(instance_id=other.instance_id, tags={"role": "mysql"})
    world.disk(instance_id=None, tags={"role": "mysql"})

    assert selected(world, tags={"role": "mysql"}, tags_of="instance") == wanted
    assert selected(world, tags={"role": ["mysql", "x"]}, tags_of="instance") == wanted


def test_an_excluding_tag_wins_over_everything_else(world: World) -> None:
    """`exclude_tags` excludes a disk by any of its keys, whatever else selects it."""
    keep = world.disk()
    out = world.disk(tags={"env": "prod", "snapshot": "never"})
    other = world.disk(tags={"env": "prod", "scratch": "1"})
    exclude = {"snapshot": ["never", "no"], "scratch": "1"}

    assert selected(world, tags={"env": "prod"}, exclude_tags=exclude) == {keep}
    assert selected(world, all=True, exclude_tags=exclude) == {keep}
    assert selected(world, disk_ids=[keep, out, other], exclude_tags=exclude) == {keep}


def test_a_tag_of_the_instance_excludes_where_the_tags_are_looked_for(world: World) -> None:
    """With `tags_of: instance` either may keep a disk out."""
    good = world.ecs.add_instance(tags={"role": "mysql"})
    bad = world.ecs.add_instance(tags={"role": "mysql", "snapshot": "never"})
    keep = world.disk(instance_id=good.instance_id, tags={})
    world.disk(instance_id=good.instance_id, tags={"snapshot": "never"})
    world.disk(instance_id=bad.instance_id, tags={})

    assert selected(
        world,
        tags={"role": "mysql"},
        tags_of="instance",
        exclude_tags={"snapshot": "never"},
    ) == {keep}


SCALING = "acs:autoscaling:scalingGroupId"


def test_disks_are_chosen_and_left_out_by_tags_of_services(world: World) -> None:
    """N4: users can read `acs:` tags and not write them; ECS is not asked to filter by them."""
    scaled = world.ecs.add_instance(tags={SCALING: "asg-1"})
    of_group = world.disk(instance_id=scaled.instance_id, tags={SCALING: "asg-1", "env": "prod"})
    other = world.disk()

    assert selected(world, tags={SCALING: "asg-1"}) == {of_group}
    assert selected(world, tags={SCALING: "*"}, tags_of="instance") == {of_group}
    assert selected(world, tags={"env": "prod"}, exclude_tags={SCALING: "*"}) == {other}
    sent = [call.params for call in world.cloud.calls.all()]
    assert not any(str(value).startswith("acs:") for one in sent for value in one.values())


def test_wildcards_choose_and_leave_out(world: World) -> None:
    """A pattern is never sent to ECS, whose own filter is exact: nothing that fits is lost."""
    web = {world.disk(tags={"role": f"web-{number}"}) for number in range(3)}
    star = world.disk(tags={"role": "*"})
    empty = world.disk(tags={"role": ""})
    world.disk(tags={"Role": "web-1"})

    assert selected(world, tags={"role": "web-*"}) == web
    assert selected(world, tags={"role": "*"}) == {*web, star, empty}
    assert selected(world, tags={"role": r"\*"}) == {star}
    assert selected(world, tags={"role": "*"}, exclude_tags={"role": ["web-?", ""]}) == {star}


def test_disks_are_chosen_by_name(world: World) -> None:
    """DescribeDisks, DiskName; together with all other conditions."""
    first = world.disk(name="db-1", tags={"env": "prod"})
    second = world.disk(name="db-2", tags={"env": "test"})
    world.disk(name="web-1")
    world.disk()

    assert selected(world, disk_names="db-*") == {first, second}
    assert selected(world, disk_names=["db-*", "x"], tags={"env": "prod"}) == {first}


# --- types, categories, ids ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("types", "number"), [(["system"], 1), (["data"], 2), (["system", "data"], 3), ("data", 2)]
)
def test_disk_types_narrow_a_selection(world: World, types: Any, number: int) -> None:
    """One of them, or both; a text alone is a list of one."""
    world.disks(2)
    world.disk(type="system")

    assert len(selected(world, tags={"env": "prod"}, disk_types=types)) == number
    assert len(selected(world, disk_types=types)) == number


def test_categories_narrow_a_selection(world: World) -> None:
    """The service's own names for the kinds of disk."""
    essd = world.disk()
    auto = world.disk(category="cloud_auto")
    world.disk(category="cloud_efficiency")

    assert selected(world, categories="cloud_essd") == {essd}
    assert selected(world, categories=["cloud_essd", "cloud_auto"]) == {essd, auto}
    assert selected(world, all=True, categories=["cloud_auto"]) == {auto}


def test_ids_and_everything_else_have_to_agree(world: World) -> None:
    """Every condition that is given must hold."""
    first, second = world.disks(2)
    instance_id = world.ecs.disks[first].instance_id
    other = world.disk(tags={"env": "test"})

    assert selected(world, disk_ids=[first, other]) == {first, other}
    assert selected(world, disk_ids=[first, other], tags={"env": "prod"}) == {first}
    assert selected(world, instance_ids=[instance_id]) == {first, second}
    assert selected(world, instance_ids=[instance_id], disk_ids=[first, other]) == {first}


def test_all_means_every_disk_of_the_region(world: World) -> None:
    """Attached or not, tagged or not."""
    disks = {*world.disks(3), world.disk(instance_id=None), world.disk(tags={})}

    assert selected(world, all=True) == disks


# --- the event's resource ------------------------------------------------------------------------

ON_ANY: dict[str, Any] = {
    "name": "any",
    "on": {"event": ["ecs:Instance:StateChange", "ecs:Disk:Stalled", "acs:x"]},
    "select": {"event_resource": True},
}


@pytest.mark.parametrize("key", ["resourceId", "instanceId", "ecsInstanceId"])
def test_an_instance_is_meant_in_all_spellings_of_its_id(world: World, key: str) -> None:
    """All disks of the instance that an event is about, and no other."""
    world.policies(ON_ANY)
    first, second = world.disks(2)
    world.disk()
    data = {key: world.ecs.disks[first].instance_id, "state": "Stopped"}

    world.event(world.cloud_event("ecs:Instance:StateChange", data))

    assert world.outcomes.keys() == {first, second}
    assert len(world.ecs.snapshots) == 2


@pytest.mark.parametrize("key", ["resourceId", "diskId"])
def test_a_disk_is_meant_in_all_spellings_of_its_id(world: World, key: str) -> None:
    """The disk alone, also where the event names its instance beside it."""
    world.policies(ON_ANY)
    first, _ = world.disks(2)
    data = {key: first, "ecsInstanceId": world.ecs.disks[first].instance_id}

    world.event(world.cloud_event("ecs:Disk:Stalled", data))

    assert world.outcomes.keys() == {first}
    assert len(world.ecs.snapshots) == 1


def test_the_status_of_a_maintenance_decides_and_not_its_name(world: World) -> None:
    """`data.eventStatus`: of all events of a maintenance, only its announcement matches."""
    world.policies(
        {
            "name": "maintenance",
            "on": {"event": "ecs:Instance:SystemMaintenance.Reboot"},
            "select": {"event_resource": True},
        }
    )
    disk_id = world.disk()
    instance_id = world.ecs.disks[disk_id].instance_id
    answers = {}
    for number, status in enumerate(["Avoided", "Executing", "Executed", "Scheduled", "Canceled"]):
        event = world.cloud_event(
            "ecs:Instance:SystemMaintenance.Reboot",
            {"instanceId": instance_id, "eventStatus": status},
            id=str(number),
        )
        answers[status] = world.event(event)["status"]

    assert [status for status, answer in answers.items() if answer == "ok"] == ["Scheduled"]
    assert len(world.snapshots_of(disk_id)) == 1


def test_where_conditions_are_looked_for_inside_the_event(world: World) -> None:
    """Dotted paths, any of the values; a path that is not there is not met."""
    on = {"event": "ecs:Instance:StateChange", "where": {"data.state": ["Stopped", "Stopping"]}}
    world.policies({**ON_ANY, "on": on})
    disk_id = world.disk()
    instance_id = world.ecs.disks[disk_id].instance_id

    statuses = [
        world.event(
            world.cloud_event("ecs:Instance:StateChange", {"resourceId": instance_id, **data}, id=i)
        )["status"]
        for i, data in (("a", {"state": "Stopped"}), ("b", {"state": "Running"}), ("c", {}))
    ]

    assert statuses == ["ok", "no_match", "no_match"]


# --- pages ---------------------------------------------------------------------------------------


def test_501_disks_are_two_pages_and_all_of_them(world: World) -> None:
    """DescribeDisks shows 500 at a time."""
    disks = world.disks(501)

    assert world.tick()["runs"][0]["counts"] == {"created": 501}

    assert world.outcomes.keys() == set(disks)
    assert len(world.cloud.calls.of("DescribeDisks")) == 2
    assert len(world.ecs.snapshots) == 501


def test_101_instances_are_two_pages_and_all_of_them(world: World) -> None:
    """DescribeInstances shows 100 at a time."""
    disks = set()
    for _ in range(101):
        instance = world.ecs.add_instance(tags={"role": "mysql"})
        disks.add(world.disk(instance_id=instance.instance_id, tags={}))

    assert selected(world, tags={"role": "mysql"}, tags_of="instance") == disks

    calls = world.cloud.calls.of("DescribeInstances")
    assert len(calls) == 2
    assert {call.params["MaxResults"] for call in calls} == {"100"}


def test_101_ids_are_asked_for_in_batches_of_100(world: World) -> None:
    """A call takes at most 100 ids, and never an empty list of them."""
    disks = world.disks(101)

    assert selected(world, disk_ids=disks) == set(disks)

    assert len(world.cloud.calls.of("DescribeDisks")) == 2


def test_nothing_to_ask_for_is_not_asked(world: World) -> None:
    """An empty list of ids means every one in some versions of the documents: it is never sent."""
    world.disk(instance_id=None)

    assert len(selected(world, tags={"env": "prod"})) == 1
    assert selected(world, tags={"role": "absent"}, tags_of="instance") == set()

    sent = [call.params for call in world.cloud.calls.all() if call.service == "ecs"]
    assert not [params for params in sent if "[]" in params.values()]


@pytest.mark.parametrize(
    ("disks", "whole"), [(999, 0), (1000, 3), (1001, 3)], ids=["999", "1000", "1001"]
)
def test_a_listing_by_tag_that_reaches_its_cap_is_made_again_without_the_tag(
    world: World, disks: int, whole: int
) -> None:
    """At most 1,000 come back by tag: then everything is listed, and matched here."""
    ids = {*world.disks(disks)}
    world.disk(tags={"env": "test"})

    assert selected(world, tags={"env": "prod"}) == ids

    calls = world.cloud.calls.of("DescribeDisks")
    assert len([call for call in calls if "Tag.1.Key" not in call.params]) == whole


def test_more_instances_by_tag_than_the_cap_are_all_meant(world: World) -> None:
    """The cap holds for DescribeInstances too."""
    disks = set()
    for _ in range(1001):
        instance = world.ecs.add_instance(tags={"role": "mysql"})
        disks.add(world.disk(instance_id=instance.instance_id, tags={}))

    assert selected(world, tags={"role": "mysql"}, tags_of="instance") == disks


# --- regions -------------------------------------------------------------------------------------


def test_a_policy_over_two_regions_is_a_run_in_each(world: World) -> None:
    """Each region's disks, each region's run; the token of one is never the other's."""
    here = world.disk()
    there = world.cloud.ecs(REGION_2).add_disk(tags={"env": "prod"}).disk_id
    world.policies(policy(regions=["cn-hangzhou", REGION_2]))

    answer = world.tick()

    assert [run["region"] for run in answer["runs"]] == ["cn-hangzhou", REGION_2]
    assert len({run["run_id"] for run in answer["runs"]}) == 2
    assert [s.disk_id for s in world.ecs.snapshots.values()] == [here]
    assert [s.disk_id for s in world.cloud.ecs(REGION_2).snapshots.values()] == [there]
    assert {one["region"] for one in world.recorded("disk")} == {"cn-hangzhou", REGION_2}


def test_another_region_alone_is_not_the_functions_own(world: World) -> None:
    """A policy's regions are in the place of the function's."""
    world.disk()
    world.policies(policy(regions=[REGION_2], allow_empty=True))

    assert world.tick()["runs"][0]["code"] == "NoDisksMatched"
    assert world.writes() == []


# --- what the listing shows to be hopeless -------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "instance", "status", "code"),
    [
        ({"category": "local_ssd_pro"}, {}, "skipped", "DiskCategory.OperationNotSupported"),
        ({"category": "ephemeral_ssd"}, {}, "skipped", "DiskCategory.OperationNotSupported"),
        ({"locks": ("security",)}, {}, "failed", "InstanceLockedForSecurity"),
        ({}, {"locks": ("security",)}, "failed", "InstanceLockedForSecurity"),
    ],
)
def test_a_rejection_that_can_be_foreseen_spends_no_call(
    world: World, about: dict[str, Any], instance: dict[str, Any], status: str, code: str
) -> None:
    """It has the code that the server would answer, and is treated by the same table."""
    good = world.disk()
    bad = world.disk(instance_id=world.ecs.add_instance(**instance).instance_id, **about)

    if status == "failed":
        with pytest.raises(RunFailedError, match="1 created, 1 failed"):
            world.tick()
    else:
        assert world.tick()["runs"][0]["counts"] == {"created": 1, "skipped": 1}

    record = world.record_of(bad)
    assert (record["status"], record["code"], record["calls"]) == (status, code, "0")
    assert world.creates(bad) == []
    assert len(world.snapshots_of(good)) == 1


@pytest.mark.parametrize("status", ["Attaching", "Detaching", "Creating", "ReIniting", "Odd"])
@pytest.mark.parametrize("kind", ["timer", "direct"])
def test_a_state_that_passes_is_waited_for(world: World, status: str, kind: str) -> None:
    """L15: no call while it is listed so in the first part, and the disk is not lost."""
    disk = world.disk(status=status)

    with with_continuations(world) as parts:
        if kind == "timer":
            world.tick()
        else:
            world.schedule({"key": "k-1", "disk_ids": [disk]})
        assert world.creates(disk) == []
        record = world.record_of(disk)
        assert (record["status"], record["code"]) == ("deferred", "IncorrectDiskStatus")
        world.ecs.disks[disk].status = "Available"
        parts.run_all()

    assert world.outcomes[disk]["status"] == "created"
    assert parts.raised == []


def test_a_state_that_only_the_listing_shows_is_asked_about_in_the_next_part(world: World) -> None:
    """ECS decides: a prediction from a listing only saves calls."""
    disk = world.disk(status="Odd")
    answer = world.ecs.handle

    def handle(request: Any) -> Any:
        creates = request.headers.get("x-acs-action") == "CreateSnapshot"
        world.ecs.disks[disk].status = "In_use" if creates else "Odd"
        return answer(request)

    world.ecs.handle = handle  # type: ignore[method-assign] # a listing that is wrong
    with with_continuations(world) as parts:
        world.tick()
        parts.run_all()

    assert world.outcomes[disk]["status"] == "created"
    assert len(parts.all) == 1


@pytest.mark.parametrize("locks", [("financial",), ("Recycling",)])
def test_other_locks_are_left_to_the_server(world: World, locks: tuple[str, ...]) -> None:
    """Only the lock for security is documented to forbid it: a spot instance's end does not."""
    instance = world.ecs.add_instance(locks=locks)
    disk_id = world.disk(instance_id=instance.instance_id)

    world.tick()

    assert len(world.snapshots_of(disk_id)) == 1
