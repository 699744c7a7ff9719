"""A fleet file becomes the state of a cloud, or a list of everything that is wrong with it."""

from datetime import timedelta
from pathlib import Path

import pytest

import emulator
from emulator import Cloud, EcsSettings, ManualClock
from emulator.fleet import load, parse
from emulator.problems import FleetError
from tests.emulator.sls.conftest import NOW

DEMO = Path(emulator.__file__).parent / "fleets" / "demo.yaml"
REGION = "regions: {cn-hangzhou: "


def filled(text: str) -> Cloud:
    fleet = parse(text)
    cloud = Cloud(regions=fleet.regions, clock=ManualClock(NOW))
    fleet.fill(cloud)
    return cloud


def problems(text: str) -> list[str]:
    with pytest.raises(FleetError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_makes_instances_with_what_is_said_of_them() -> None:
    """The rest is as ECS makes them: running, started once, no lock."""
    cloud = filled("""
regions:
  cn-hangzhou:
    instances:
      - id: i-bp1web00000000000001
        name: web-1
        status: Stopped
        ever_started: false
        tags: {env: prod}
        locks: [security]
      - id: i-bp1web00000000000002
""")

    first, second = cloud.ecs().instances.values()
    assert (first.instance_id, first.name, first.status) == (
        "i-bp1web00000000000001",
        "web-1",
        "Stopped",
    )
    assert (first.ever_started, first.tags, first.locks) == (False, {"env": "prod"}, ("security",))
    assert (second.status, second.ever_started, second.locks) == ("Running", True, ())


def test_makes_disks_attached_or_not() -> None:
    """A disk with an instance is in use, one without is available."""
    cloud = filled("""
regions:
  cn-hangzhou:
    instances: [{id: i-bp1web00000000000001}]
    disks:
      - {id: d-bp1a000, instance: i-bp1web00000000000001, type: system, size_gib: 100}
      - {id: d-bp1b000, ever_attached: false, category: cloud_ssd, tags: {snapshot: never}}
""")

    attached, loose = cloud.ecs().disks.values()
    assert (attached.status, attached.type, attached.size_gib) == ("In_use", "system", 100)
    assert attached.instance_id == "i-bp1web00000000000001"
    assert (loose.status, loose.ever_attached, loose.category) == ("Available", False, "cloud_ssd")
    assert loose.tags == {"snapshot": "never"}


def test_makes_snapshots_one_by_one_and_by_number() -> None:
    """`snapshots: N` is N manual ones, one a day until yesterday."""
    cloud = filled("""
regions:
  cn-hangzhou:
    disks:
      - {id: d-bp1a000, snapshots: 3}
      - {id: d-bp1b000, snapshot_in_progress: true}
    snapshots:
      - {id: s-bp1a000, disk: d-bp1b000, type: auto, created_at: 2026-02-01T00:00:00Z}
      - {disk: d-bp1b000, status: failed}
""")

    made = list(cloud.ecs().snapshots.values())
    numbered = [s.created_at for s in made if s.disk_id == "d-bp1a000"]
    assert sorted(numbered) == [NOW - timedelta(days=days) for days in (3, 2, 1)]
    assert {(s.snapshot_type, s.status) for s in made if s.disk_id == "d-bp1b000"} == {
        ("auto", "accomplished"),
        ("user", "failed"),
        ("user", "progressing"),
    }
    assert cloud.ecs().snapshots["s-bp1a000"].created_at == NOW - timedelta(days=28)


def test_keeps_regions_apart() -> None:
    """Each region has its own disks, in the order of the file."""
    cloud = filled("""
regions:
  cn-shanghai: {disks: [{id: d-uf6a000}]}
  cn-hangzhou: {disks: [{id: d-bp1a000}]}
""")

    assert cloud.regions == ("cn-shanghai", "cn-hangzhou")
    assert list(cloud.ecs("cn-hangzhou").disks) == ["d-bp1a000"]


def test_changes_the_settings_it_names_and_no_other() -> None:
    """Null is for ever."""
    ecs_settings = EcsSettings(token_memory_s=60, listing_lag_s=5)

    parse(
        "ecs_settings: {token_memory_s: null, snapshot_duration_s: 2.5}\nregions: {cn-hangzhou: {}}"
    ).apply_settings(ecs_settings)

    assert ecs_settings == EcsSettings(
        token_memory_s=None, listing_lag_s=5, snapshot_duration_s=2.5
    )


def test_names_account_and_log_store() -> None:
    """Where the records of the functions belong."""
    fleet = parse("""
account_id: "1234567890123456"
sls: {project: backup-demo, logstore: snap_shots}
regions: {cn-hangzhou: }
""")

    assert (fleet.account_id, fleet.sls_project, fleet.sls_logstore) == (
        "1234567890123456",
        "backup-demo",
        "snap_shots",
    )


def test_names_every_problem_at_once() -> None:
    """`path: value: rule`, one line for each."""
    found = problems("""
account_id: 12
sls: {project: backup-demo}
ecs_settings: {listing_lag_s: -1}
regions:
  cn-hangzhou:
    instances: [{id: web-1}]
    disks: [{id: d-bp1a000, size_gib: 0}]
""")

    assert found == [
        "account_id: 12: must be 16 digits in quotes",
        "sls.logstore: None: is required: 3 to 63 of a-z, 0-9, - and _",
        "ecs_settings.listing_lag_s: -1: must be seconds, 0 or more",
        (
            "regions.cn-hangzhou.instances[0].id: 'web-1': must be an id such as"
            " i-bp1web00000000000001"
        ),
        "regions.cn-hangzhou.disks[0].size_gib: 0: must be a whole number of GiB",
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- a list", "fleet"),
        ("a: [", "fleet"),
        ("a: \0", "fleet"),
        ("", "regions"),
        ("regions: []", "regions"),
        ("regions: {}", "regions"),
        ("regions: {hangzhou: {}}", "regions.hangzhou"),
        ("regions: {1: {}}", "regions"),
        (REGION + "3}", "regions.cn-hangzhou"),
        (REGION + "{disks: {}}}", "regions.cn-hangzhou.disks"),
        (REGION + "{disks: [7]}}", "regions.cn-hangzhou.disks[0]"),
        (REGION + "{instances: [{}]}}", "regions.cn-hangzhou.instances[0].id"),
        (REGION + "{disks: [{id: d-bp1a000, type: root}]}}", "regions.cn-hangzhou.disks[0].type"),
        (
            "ecs_settings: {max_calls_per_minute: -1}\n" + REGION + "{}}",
            "ecs_settings.max_calls_per_minute",
        ),
        (
            "ecs_settings: {max_calls_per_minute: {DescribeDisks: many}}\n" + REGION + "{}}",
            "ecs_settings.max_calls_per_minute",
        ),
        (
            "ecs_settings: {throttling_code: Busy}\n" + REGION + "{}}",
            "ecs_settings.throttling_code",
        ),
        (
            "ecs_settings: {throttling_status: 500}\n" + REGION + "{}}",
            "ecs_settings.throttling_status",
        ),
        (
            "ecs_settings: {other_calls_from: 2026-03-01}\n" + REGION + "{}}",
            "ecs_settings.other_calls_from",
        ),
        (
            REGION + "{disks: [{id: d-bp1a000, tags: {env: 1}}]}}",
            "regions.cn-hangzhou.disks[0].tags",
        ),
        (
            REGION + "{disks: [{id: d-bp1a000, locks: [rain]}]}}",
            "regions.cn-hangzhou.disks[0].locks",
        ),
        (
            REGION + "{disks: [{id: d-bp1a000, snapshots: true}]}}",
            "regions.cn-hangzhou.disks[0].snapshots",
        ),
        (
            REGION + "{snapshots: [{disk: d-bp1a000}]}}",
            "regions.cn-hangzhou.snapshots[0].disk",
        ),
        (
            REGION + "{disks: [{id: d-bp1a000, created_at: 2026-03-01T00:00:00}]}}",
            "regions.cn-hangzhou.disks[0].created_at",
        ),
    ],
)
def test_says_where_a_value_breaks_a_rule(text: str, path: str) -> None:
    """Wrong kinds, values out of range, references to nothing."""
    found = problems(text)

    assert any(problem.startswith(f"{path}: ") for problem in found)


@pytest.mark.parametrize(
    ("text", "path", "keys"),
    [
        (
            "region: {}\nregions: {cn-hangzhou: {}}",
            "region",
            "account_id, sls, ecs_settings, regions",
        ),
        (REGION + "{disk: []}}", "regions.cn-hangzhou.disk", "instances, disks, snapshots"),
        ("ecs_settings: {lag: 1}\n" + REGION + "{}}", "ecs_settings.lag", "listing_lag_s"),
    ],
)
def test_rejects_unknown_keys_and_names_the_known(text: str, path: str, keys: str) -> None:
    """A typing mistake would be an empty fleet."""
    (problem,) = problems(text)

    assert problem.startswith(f"{path}: ")
    assert keys in problem


def test_plain_values_are_those_of_yaml_1_2() -> None:
    """`on` and 22:30 are texts, and a number is the one that YAML 1.2 has; instants stay."""
    fleet = parse(
        """
        regions:
          cn-hangzhou:
            disks: [{id: d-0001, size_gib: 0x1F, tags: {a: on, b: 22:30, c: 1_000},
                     created_at: 2026-03-01T08:00:00Z},
                    {id: d-0002, size_gib: 0777}, {id: d-0003, size_gib: 0o17}]
        ecs_settings: {token_memory_s: 1e3, manual_snapshot_quota: +12}
        """
    )
    cloud = Cloud()
    fleet.fill(cloud)
    disks = cloud.ecs("cn-hangzhou").disks

    assert [disk.size_gib for disk in disks.values()] == [31, 777, 15]
    assert disks["d-0001"].tags == {"a": "on", "b": "22:30", "c": "1_000"}
    assert (fleet.ecs_settings["token_memory_s"], fleet.ecs_settings["manual_snapshot_quota"]) == (
        1000,
        12,
    )


@pytest.mark.parametrize("number", ["!!int x", "!!int 1.5", "!!int ''"])
def test_rejects_what_is_called_a_number_and_is_none(number: str) -> None:
    """A problem, and no error of another kind."""
    with pytest.raises(FleetError, match="is no whole number"):
        parse(f"ecs_settings: {{manual_snapshot_quota: {number}}}")


def test_rejects_a_key_twice() -> None:
    """YAML would let the second win."""
    (problem,) = problems("regions: {cn-hangzhou: {}}\nregions: {cn-shanghai: {}}")

    assert "key 'regions' twice" in problem


def test_rejects_an_id_twice_and_a_second_system_disk() -> None:
    """Ids are unique; an instance starts from one disk."""
    found = problems("""
regions:
  cn-hangzhou:
    instances: [{id: i-bp1web00000000000001}]
    disks:
      - {id: d-bp1a000, instance: i-bp1web00000000000001, type: system}
      - {id: d-bp1a000, instance: i-bp1web00000000000001, type: system}
""")

    assert [problem.partition(":")[0] for problem in found] == [
        "regions.cn-hangzhou.disks[1].id",
        "regions.cn-hangzhou.disks[1].type",
    ]


def test_rejects_a_disk_that_contradicts_itself() -> None:
    """Attached and never attached; in use by nothing."""
    found = problems("""
regions:
  cn-hangzhou:
    instances: [{id: i-bp1web00000000000001}]
    disks:
      - {id: d-bp1a000, instance: i-bp1web00000000000001, ever_attached: false}
      - {id: d-bp1b000, status: In_use}
""")

    assert [problem.partition(":")[0] for problem in found] == [
        "regions.cn-hangzhou.disks[0].ever_attached",
        "regions.cn-hangzhou.disks[1].status",
    ]


def test_the_demo_has_one_disk_for_each_case() -> None:
    """What the README promises of it."""
    fleet = load(DEMO)
    cloud = Cloud(regions=fleet.regions, clock=ManualClock(NOW))
    fleet.fill(cloud)
    ecs = cloud.ecs("cn-hangzhou")
    disks, instances = ecs.disks, ecs.instances

    def of(instance_id: str) -> list[str]:
        return sorted(d.type for d in disks.values() if d.instance_id == instance_id)

    assert instances["i-bp1spot0000000000001"].status == "Running"
    assert of("i-bp1spot0000000000001") == ["data", "system"]
    assert {i.status for i in instances.values()} == {"Running", "Stopped"}
    assert [i.name for i in instances.values() if not i.ever_started] == ["new-1"]
    assert [i.name for i in instances.values() if "security" in i.locks] == ["locked-1"]
    assert not disks["d-bp1neverattached0001"].ever_attached
    assert disks["d-bp1localdisk00000001"].category == "local_ssd_pro"
    assert [d.disk_id for d in disks.values() if d.tags.get("snapshot") == "never"] == [
        "d-bp1db100000000000tmp"
    ]
    assert [s.disk_id for s in ecs.snapshots.values() if s.status == "progressing"] == [
        "d-bp1inprogress0000001"
    ]
    full = [s for s in ecs.snapshots.values() if s.disk_id == "d-bp1quotafull00000001"]
    assert len(full) == cloud.ecs_settings.manual_snapshot_quota
    assert len(cloud.ecs("cn-shanghai").disks) == len(cloud.ecs("cn-shanghai").instances) == 1
