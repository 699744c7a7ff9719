"""A valid policy file: every key is read, and merged with the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.errors import Problems
from shared.policies.event_types import KNOWN_EVENT_TYPES
from shared.policies.policy import Limits, Policy, PolicyFile
from shared.policies.policy_file import load_policies
from shared.policies.selection import Select
from shared.policies.snapshot_settings import SnapshotSettings
from shared.runtime.json_yaml import read_policies
from tests.unit.builders import NIGHTLY, policies

ROOT = Path(__file__).parent.parent.parent.parent
STATE = "ecs:Instance:StateChange"


def one(policy: dict[str, Any], **top: Any) -> Policy:
    (loaded,) = policies({**NIGHTLY, **policy}, **top).policies
    return loaded


def test_keys_that_are_missing_have_defaults() -> None:
    """The smallest policy: a name, a timer, a selection."""
    assert one({}) == Policy(
        name="nightly",
        enabled=True,
        timer="nightly",
        event_types=(),
        where=(),
        regions=(),
        select=Select(tags=(("env", ("prod",)),)),
        snapshot=SnapshotSettings(name="{policy}-{disk_id}-{trigger_id}"),
        allow_empty=False,
        dry_run=False,
        retry_failed_snapshots=0,
    )


def test_every_key_of_a_policy_is_read() -> None:
    """No key is accepted and ignored."""
    policy = one(
        {
            "enabled": False,
            "on": {"event": [STATE], "where": {"data.state": ["Stopped", "Deleted"], "data.n": 1}},
            "select": {
                "tags": {"env": ["prod", "stage"], "team": "web"},
                "tags_of": "instance",
                "exclude_tags": {"snapshot": "never"},
                "disk_ids": ["d-1"],
                "instance_ids": ["i-1"],
                "disk_types": ["system", "data"],
                "categories": "cloud_essd",
                "event_resource": True,
            },
            "snapshot": {
                "name": "n-{disk_id}",
                "description": "de",
                "retention_days": 7,
                "tags": {"a": "b", "c": ""},
                "resource_group_id": "rg-1",
            },
            "allow_empty": True,
            "dry_run": True,
            "retry_failed_snapshots": 3,
        }
    )

    assert policy == Policy(
        name="nightly",
        enabled=False,
        event_types=(STATE,),
        where=(("data.state", ("Stopped", "Deleted")), ("data.n", (1,))),
        select=Select(
            tags=(("env", ("prod", "stage")), ("team", ("web",))),
            tags_of="instance",
            exclude_tags=(("snapshot", ("never",)),),
            disk_ids=("d-1",),
            instance_ids=("i-1",),
            disk_types=("system", "data"),
            categories=("cloud_essd",),
            event_resource=True,
        ),
        snapshot=SnapshotSettings(
            name="n-{disk_id}",
            description="de",
            retention_days=7,
            tags=(("a", "b"), ("c", "")),
            resource_group_id="rg-1",
        ),
        allow_empty=True,
        dry_run=True,
        retry_failed_snapshots=3,
    )
    assert one({"regions": ["cn-beijing", "cn-shanghai"]}).regions == ("cn-beijing", "cn-shanghai")
    assert one({"select": {"all": True}}).select == Select(all=True)


def test_a_policy_is_laid_over_the_defaults_key_by_key() -> None:
    """Mappings merge, everything else is replaced; null takes a default away."""
    defaults = {
        "enabled": False,
        "regions": ["cn-beijing"],
        "dry_run": True,
        "select": {"exclude_tags": {"snapshot": "never"}, "disk_types": ["data"]},
        "snapshot": {"retention_days": 14, "description": "default", "tags": {"a": "1", "b": "1"}},
    }

    policy = one(
        {
            "enabled": True,
            "regions": ["cn-shanghai"],
            "snapshot": {"retention_days": None, "tags": {"b": "2", "c": "2"}},
        },
        defaults=defaults,
    )

    assert (policy.enabled, policy.dry_run, policy.regions) == (True, True, ("cn-shanghai",))
    assert policy.select == Select(
        tags=(("env", ("prod",)),),
        exclude_tags=(("snapshot", ("never",)),),
        disk_types=("data",),
    )
    assert policy.snapshot == SnapshotSettings(
        description="default", tags=(("a", "1"), ("b", "2"), ("c", "2"))
    )


def test_limits_have_defaults() -> None:
    """A file without limits is limited all the same."""
    assert policies().limits == Limits(
        max_calls_per_minute=600, max_in_flight=16, max_disks=10_000, max_trigger_age_hours=25
    )
    assert policies(limits={"max_disks": 5}).limits == Limits(max_disks=5)


def test_a_policy_is_found_by_its_name() -> None:
    """None for an unknown name."""
    file = policies()

    assert file.named("nightly") is file.policies[0]
    assert file.named("hourly") is None


def test_deprecated_settings_are_allowed_with_a_warning() -> None:
    """CreateSnapshot: "This parameter is no longer used"; snapshot_type becomes category."""
    file = policies({**NIGHTLY, "snapshot": {"snapshot_type": "Flash"}})
    instant = {"instant_access": True, "instant_access_retention_days": 3}
    other = policies({**NIGHTLY, "snapshot": instant})

    assert file.policies[0].snapshot.category == "Flash"
    assert file.warnings == ("policies[0].snapshot.snapshot_type: deprecated by ECS; leave it out",)
    assert other.policies[0].snapshot.instant_access is True
    assert other.policies[0].snapshot.instant_access_retention_days == 3
    assert len(other.warnings) == 2


def test_an_event_type_that_is_new_is_allowed_with_a_warning() -> None:
    """L2: a misspelt type would never fire; the nearest one that exists is suggested."""
    event = {"on": {"event": "ecs:Instance:StateChanged"}}

    (warning,) = policies({**NIGHTLY, **event}).warnings

    assert warning.startswith("policies[0].on.event: 'ecs:Instance:StateChanged' is not a known")
    assert warning.endswith("did you mean 'ecs:Instance:StateChange'?")


@pytest.mark.parametrize("kind", [k for k in KNOWN_EVENT_TYPES if ":CreateSnapshot" not in k])
def test_known_event_types_have_no_warning(kind: str) -> None:
    """EventBridge, "ECS events"."""
    assert policies({**NIGHTLY, "on": {"event": kind}}).warnings == ()


def test_the_file_that_ships_is_good() -> None:
    """Five worked examples, none of them with a warning."""
    file = load_policies(read_policies(ROOT / "policies.yaml", Problems()))

    assert isinstance(file, PolicyFile)
    assert len(file.policies) == 5
    assert file.warnings == ()


def test_the_longest_name_that_fits_is_good() -> None:
    """A template is judged with the longest disk id there is: 64 characters."""
    assert one({"snapshot": {"name": "{disk_id}" + "x" * 64}}).snapshot.name.endswith("x")


def test_a_wildcard_where_none_is_read_is_warned_of() -> None:
    """L2: an event's value is compared as it is, and hardly ever contains a star."""
    on = {"event": "ecs:Instance:StateChange", "where": {"data.state": ["Stopped", "S*"]}}

    (warning,) = policies({**NIGHTLY, "on": on}).warnings

    assert warning == (
        "policies[0].on.where.data.state: 'S*' is compared as it is, "
        "because only tags and disk names have wildcards"
    )
