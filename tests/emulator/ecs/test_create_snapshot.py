"""CreateSnapshot: what it makes, and which parameters it accepts (operation page, parameters)."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest
from alibabacloud_ecs20140526 import models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.ecs import create_snapshot
from emulator.ecs.errors import EcsError
from tests.emulator.ecs.conftest import REGION, START, Bench
from tests.emulator.ecs.rejections import rejected


def test_the_sdk_gets_the_id_of_a_snapshot_that_carries_what_was_asked(bench: Bench) -> None:
    """A snapshot has the request's name, description, tags, retention and group from its start."""
    disk = bench.ecs.add_disk(type="system", size_gib=20, resource_group_id="rg-1")

    answer = bench.client().create_snapshot(
        models.CreateSnapshotRequest(
            disk_id=disk.disk_id,
            snapshot_name="nightly-1",
            description="made by a test",
            retention_days=7,
            resource_group_id="rg-1",
            client_token="t-1",
            tag=[
                models.CreateSnapshotRequestTag(key="app", value="shop"),
                models.CreateSnapshotRequestTag(key="empty", value=""),
            ],
        )
    )

    snapshot = bench.ecs.snapshots[answer.body.snapshot_id]
    assert answer.body.request_id
    assert (snapshot.name, snapshot.description) == ("nightly-1", "made by a test")
    assert snapshot.tags == {"app": "shop", "empty": ""}
    assert snapshot.released_at == START + timedelta(days=7)
    assert (snapshot.disk_id, snapshot.disk_type, snapshot.disk_size_gib) == (
        disk.disk_id,
        "system",
        20,
    )
    assert (snapshot.resource_group_id, snapshot.snapshot_type) == ("rg-1", "user")


def test_needs_a_disk_id(bench: Bench) -> None:
    """DiskId is required."""
    with rejected(400, "MissingParameter", "DiskId"):
        bench.call("CreateSnapshot")


@pytest.mark.parametrize("name", ["ab", "Ab", "汉字", "é1", "a" + "-" * 127, "a:_.-9", "aut"])
def test_accepts_names_that_follow_the_rule(bench: Bench, name: str) -> None:
    """SnapshotName: 2 to 128, a letter first, letters, digits and ``:_.-``."""
    disk = bench.ecs.add_disk()

    snapshot_id = bench.create(disk.disk_id, SnapshotName=name)

    assert bench.ecs.snapshots[snapshot_id].name == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "a" * 129, "1ab", "_ab", "a b", "a/b", "auto", "auto-1", "http://a", "https://a"],
)
def test_rejects_names_that_break_the_rule(bench: Bench, name: str) -> None:
    """SnapshotName: what breaks the rule is 400 InvalidSnapshotName.Malformed."""
    disk = bench.ecs.add_disk()

    with rejected(400, "InvalidSnapshotName.Malformed"):
        bench.create(disk.disk_id, SnapshotName=name)
    assert bench.ecs.snapshots == {}


@settings(deadline=None)
@given(st.text(max_size=140) | st.text(alphabet=string.ascii_letters + ":_.-0 ", max_size=140))
def test_any_text_is_a_name_by_the_rule_or_rejected(name: str) -> None:
    """SnapshotName: whatever the text, the documented rule alone decides."""
    allowed = (
        2 <= len(name) <= 128
        and name[0].isalpha()
        and not any(name.startswith(p) for p in ("auto", "http://", "https://"))
        and all(c.isalpha() or c in "0123456789:_.-" for c in name)
    )
    params = {"DiskId": "d-1", "SnapshotName": name}

    if allowed:
        assert create_snapshot.wanted_from(params).name == name
    else:
        with pytest.raises(EcsError, match=r"InvalidSnapshotName\.Malformed"):
            create_snapshot.wanted_from(params)


@pytest.mark.parametrize("text", ["ab", "x" * 256, "ends with http://"])
def test_accepts_descriptions_that_follow_the_rule(bench: Bench, text: str) -> None:
    """Description: 2 to 256, not beginning with http:// or https://."""
    disk = bench.ecs.add_disk()

    snapshot_id = bench.create(disk.disk_id, Description=text)

    assert bench.ecs.snapshots[snapshot_id].description == text


@pytest.mark.parametrize("text", ["", "a", "x" * 257, "http://a", "https://a"])
def test_a_bad_description_is_rejected_with_404(bench: Bench, text: str) -> None:
    """Description: the documented status of InvalidDescription.Malformed is 404."""
    disk = bench.ecs.add_disk()

    with rejected(404, "InvalidDescription.Malformed"):
        bench.create(disk.disk_id, Description=text)


@pytest.mark.parametrize("days", ["1", "65536"])
def test_retention_is_counted_from_creation(bench: Bench, days: str) -> None:
    """RetentionDays: 1 to 65536."""
    disk = bench.ecs.add_disk()

    snapshot_id = bench.create(disk.disk_id, RetentionDays=days)

    assert bench.ecs.snapshots[snapshot_id].released_at == START + timedelta(days=int(days))


@pytest.mark.parametrize("days", ["0", "-1", "65537", "1.5", "", "seven", "٣"])
def test_rejects_retention_out_of_range(bench: Bench, days: str) -> None:
    """RetentionDays: anything but 1 to 65536 is InvalidRetentionDays.Malformed."""
    disk = bench.ecs.add_disk()

    with rejected(400, "InvalidRetentionDays.Malformed"):
        bench.create(disk.disk_id, RetentionDays=days)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "InvalidTagKey.Malformed"),
        ("k" * 129, "InvalidTagKey.Malformed"),
        ("aliyun-x", "InvalidTagKey.Malformed"),
        ("acs:x", "InvalidTagKey.Malformed"),
        ("see http://x", "InvalidTagKey.Malformed"),
        ("see https://x", "InvalidTagKey.Malformed"),
    ],
)
def test_rejects_bad_tag_keys(bench: Bench, key: str, code: str) -> None:
    """Tag.N.Key: 1 to 128, no aliyun, acs: or URL."""
    disk = bench.ecs.add_disk()

    with rejected(400, code):
        bench.create(disk.disk_id, **{"Tag.1.Key": key, "Tag.1.Value": "v"})


@pytest.mark.parametrize("value", ["v" * 129, "acs:x", "see http://x", "see https://x"])
def test_rejects_bad_tag_values(bench: Bench, value: str) -> None:
    """Tag.N.Value: at most 128, no acs: in front and no URL."""
    disk = bench.ecs.add_disk()

    with rejected(400, "InvalidTagValue.Malformed"):
        bench.create(disk.disk_id, **{"Tag.1.Key": "k", "Tag.1.Value": value})


def test_a_tag_key_comes_once(bench: Bench) -> None:
    """Tag.N.Key: the same key twice is Duplicate.TagKey."""
    disk = bench.ecs.add_disk()

    with rejected(400, "Duplicate.TagKey"):
        bench.create(disk.disk_id, **{"Tag.1.Key": "k", "Tag.2.Key": "k"})


def test_a_snapshot_has_at_most_twenty_tags(bench: Bench) -> None:
    """Tag.N: 20 are accepted, 21 are QuotaExceed.Tags."""
    disk = bench.ecs.add_disk()
    tags = {f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)}

    with rejected(403, "QuotaExceed.Tags"):
        bench.create(disk.disk_id, **tags)
    del tags["Tag.21.Key"]
    snapshot_id = bench.create(disk.disk_id, **tags)

    assert len(bench.ecs.snapshots[snapshot_id].tags) == 20


def test_category_is_standard_or_flash(bench: Bench) -> None:
    """Category: anything else is 403 InvalidSnapshotCategory.Malformed."""
    disk = bench.ecs.add_disk()

    with rejected(403, "InvalidSnapshotCategory.Malformed"):
        bench.create(disk.disk_id, Category="Archive")
    snapshot_id = bench.create(disk.disk_id, Category="Flash")

    assert bench.ecs.snapshots[snapshot_id].category == "flash"


@pytest.mark.parametrize("instant", ["true", "false"])
def test_category_and_instant_access_exclude_each_other(bench: Bench, instant: str) -> None:
    """Category: it cannot be specified together with InstantAccess."""
    disk = bench.ecs.add_disk()

    with rejected(403, "InvalidCategoryAndInstantAccess.Malformed"):
        bench.create(disk.disk_id, Category="Standard", InstantAccess=instant)


@pytest.mark.parametrize("days", ["0", "65536", "x"])
def test_rejects_instant_access_days_out_of_range(bench: Bench, days: str) -> None:
    """InstantAccessRetentionDays: 1 to 65535."""
    disk = bench.ecs.add_disk()

    with rejected(403, "InvalidInstantAccessRetentionDays.Malformed"):
        bench.create(disk.disk_id, InstantAccess="true", InstantAccessRetentionDays=days)


def test_instant_access_days_work_only_with_instant_access(bench: Bench) -> None:
    """InstantAccessRetentionDays takes effect only when InstantAccess is true."""
    one, two = bench.ecs.add_disk(), bench.ecs.add_disk()

    without = bench.create(one.disk_id, InstantAccessRetentionDays="3")
    together = bench.create(two.disk_id, InstantAccess="True", InstantAccessRetentionDays="3")

    assert bench.ecs.snapshots[without].released_at is None
    assert bench.ecs.snapshots[together].released_at == START + timedelta(days=3)


def test_instant_access_is_true_or_false(bench: Bench) -> None:
    """InstantAccess: text that is neither is rejected."""
    disk = bench.ecs.add_disk()

    with rejected(400, "InvalidParameter.InstantAccess"):
        bench.create(disk.disk_id, InstantAccess="yes")


def test_a_region_id_has_to_be_the_endpoints_own(bench: Bench) -> None:
    """Not documented for CreateSnapshot, but sent by older SDK cores: the wrong one is rejected."""
    disk = bench.ecs.add_disk()

    with rejected(404, "InvalidRegionId.NotFound", "cn-hangzhou"):
        bench.create(disk.disk_id, RegionId="cn-shanghai")
    assert bench.create(disk.disk_id, RegionId=REGION) in bench.ecs.snapshots


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(text=st.text(min_size=2, max_size=256).filter(lambda t: "http" not in t))
def test_any_text_survives_the_sdks_signature_and_the_wire(bench: Bench, text: str) -> None:
    """Whatever the characters of a description, it arrives as it was sent, signed."""
    disk = bench.ecs.add_disk()

    snapshot_id = bench.create(disk.disk_id, Description=text)

    assert bench.ecs.snapshots[snapshot_id].description == text
