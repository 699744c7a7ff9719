"""What every operation has in common: known names only, nothing ignored, all before any effect."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace

import pytest
from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi import utils_models as openapi
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from emulator.ecs.operations import OPERATIONS
from emulator.faults import Fault
from tests.emulator.ecs.conftest import REGION, Bench
from tests.emulator.ecs.rejections import rejected
from tests.emulator.rpc.signed_requests import signed_request

NAMES = list(OPERATIONS)


def good_params(bench: Bench, action: str) -> dict[str, str]:
    """Return the least that an operation accepts."""
    disk = bench.ecs.add_disk()
    snapshot = bench.ecs.add_snapshot(disk.disk_id)
    return {
        "CreateSnapshot": {"DiskId": disk.disk_id},
        "DeleteSnapshot": {"SnapshotId": snapshot.snapshot_id},
        "ListTagResources": {
            "RegionId": REGION,
            "ResourceType": "disk",
            "ResourceId.1": disk.disk_id,
        },
        "TagResources": {
            "RegionId": REGION,
            "ResourceType": "disk",
            "ResourceId.1": disk.disk_id,
            "Tag.1.Key": "k",
            "Tag.1.Value": "v",
        },
    }.get(action, {"RegionId": REGION})


@pytest.mark.parametrize("action", NAMES)
def test_every_parameter_of_the_sdks_model_is_honoured_or_rejected(action: str) -> None:
    """None is missing, so none can be ignored by accident."""
    source = inspect.getsource(getattr(models, f"{action}Request").to_map)
    documented = set(re.findall(r"result\['(\w+)'\]", source))
    parameters = OPERATIONS[action].parameters
    known = {name.split(".")[0] for name in parameters.honoured | parameters.rejected}

    assert documented <= known
    # Older SDK cores add it to every call.
    assert known - documented <= {"RegionId"}


@pytest.mark.parametrize("action", NAMES)
def test_an_unknown_parameter_is_rejected_before_any_effect(bench: Bench, action: str) -> None:
    """The answer says which ones there are."""
    params = good_params(bench, action)
    before = dict(bench.ecs.snapshots)

    with rejected(400, "Emulator.UnknownParameter", "honours"):
        bench.call(action, **params, Bogus="1")
    assert bench.ecs.snapshots == before


@pytest.mark.parametrize(
    ("action", "name"),
    [(one.name, name) for one in OPERATIONS.values() for name in sorted(one.parameters.rejected)],
)
def test_a_documented_parameter_that_is_not_implemented_is_rejected(
    bench: Bench, action: str, name: str
) -> None:
    """It says so, names it, and does nothing."""
    params = good_params(bench, action)
    before = dict(bench.ecs.snapshots)
    sent = name.replace(".N", ".1")

    with rejected(400, "Emulator.NotImplemented", f"does not implement the parameter {sent}"):
        bench.call(action, **params, **{sent: "1"})
    assert bench.ecs.snapshots == before


@pytest.mark.parametrize(
    ("action", "name"),
    [(one.name, name) for one in OPERATIONS.values() for name in one.parameters.required],
)
def test_a_required_parameter_is_required(bench: Bench, action: str, name: str) -> None:
    """400 MissingParameter, also if it is there and empty."""
    params = good_params(bench, action)
    del params[name]

    with rejected(400, "MissingParameter", name):
        bench.call(action, **params)
    with rejected(400, "MissingParameter", name):
        bench.call(action, **params, **{name: ""})


@pytest.mark.parametrize("action", NAMES)
def test_another_region_is_rejected(bench: Bench, action: str) -> None:
    """An endpoint serves its own region."""
    params = good_params(bench, action)

    with rejected(404, "InvalidRegionId.NotFound", REGION):
        bench.call(action, **{**params, "RegionId": "cn-shanghai"})


def test_an_unknown_action_is_told_what_there_is(bench: Bench) -> None:
    """404 InvalidAction.NotFound; the message lists the operations."""
    with rejected(404, "InvalidAction.NotFound", "TagResources"):
        bench.call("CopySnapshot", SnapshotId="s-1")


def test_names_are_case_sensitive(bench: Bench) -> None:
    """`diskid` is not DiskId."""
    disk = bench.ecs.add_disk()

    with rejected(400, "Emulator.UnknownParameter", "diskid"):
        bench.call("CreateSnapshot", DiskId=disk.disk_id, diskid=disk.disk_id)


def test_tags_have_an_older_name(bench: Bench) -> None:
    """Tag.N.key and Tag.N.value, the only names in SDKs of version 1; both at once must agree."""
    disk = bench.ecs.add_disk(tags={"a": "b"})
    old = {"Tag.1.key": "a", "Tag.1.value": "b"}

    snapshot = bench.ecs.snapshots[bench.create(disk.disk_id, **old)]
    assert snapshot.tags == {"a": "b"}
    assert len(bench.listed("DescribeDisks", "Disks", "Disk", **old)) == 1
    assert bench.listed("DescribeDisks", "Disks", "Disk", **{**old, "Tag.1.value": "c"}) == []
    with rejected(400, "Emulator.UnreadableRequest", "Tag.1.Key came with two values"):
        bench.call("DescribeSnapshots", RegionId=REGION, **old, **{"Tag.1.Key": "other"})


def test_newer_operations_never_had_it(bench: Bench) -> None:
    """TagResources and ListTagResources."""
    params = good_params(bench, "ListTagResources")

    with rejected(400, "Emulator.UnknownParameter", "Tag.1.key"):
        bench.call("ListTagResources", **params, **{"Tag.1.key": "a"})


@pytest.mark.parametrize("name", ["Tag.0.Key", "Tag.01.Key", "Tag.Key", "Tag.1.Name", "Tag.1"])
def test_lists_are_counted_from_one(bench: Bench, name: str) -> None:
    """Tag.N.Key: N is 1, 2, …, without zeros in front."""
    disk = bench.ecs.add_disk()

    with rejected(400, "Emulator.UnknownParameter", name):
        bench.create(disk.disk_id, **{name: "k"})


def test_a_form_is_asked_for_in_any_style_of_signature(bench: Bench) -> None:
    """JSON is the default of the newer style; XML is answered where it is asked for."""
    with pytest.raises(UnretryableException, match="<DescribeDisksResponse>"):
        bench.call("DescribeDisks", RegionId=REGION, Format="XML")
    assert bench.call("DescribeDisks", RegionId=REGION, Format="json")["RequestId"]


def _send(
    bench: Bench, version: str, form: dict[str, str] | None = None, **query: str
) -> dict[str, object]:
    params = openapi.Params(
        action="DescribeDisks",
        version=version,
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    request = openapi.OpenApiRequest(query=query, body=form)
    answer: dict[str, dict[str, object]] = bench.client().call_api(
        params, request, RuntimeOptions()
    )
    return answer["body"]


def test_only_its_own_version_is_served(bench: Bench) -> None:
    """x-acs-version is 2014-05-26."""
    with rejected(400, "InvalidVersion", "2014-05-26"):
        _send(bench, "2016-03-14")


def test_parameters_may_come_as_a_form(bench: Bench) -> None:
    """The SDK signs a form body; its fields are parameters like those of the query."""
    assert _send(bench, "2014-05-26", {"RegionId": REGION})["NextToken"] == ""


def test_one_value_may_come_twice_and_two_may_not(bench: Bench) -> None:
    """In the newer style of signature too, where only the query is signed by name."""
    same = _send(bench, "2014-05-26", {"RegionId": REGION}, RegionId=REGION)

    assert same["NextToken"] == ""
    with rejected(400, "Emulator.UnreadableRequest", "RegionId came with two values"):
        _send(bench, "2014-05-26", {"RegionId": REGION}, RegionId="cn-shanghai")


def test_rejections_come_before_faults(bench: Bench) -> None:
    """A fault waits for a request whose parameters are good."""
    bench.faults.add(Fault(kind="error", code="Throttling", status=400))

    with rejected(400, "MissingParameter"):
        bench.call("CreateSnapshot")
    with rejected(400, "Throttling"):
        bench.call("CreateSnapshot", DiskId="d-1")


def test_the_envelope_of_an_error_is_the_gateways(bench: Bench) -> None:
    """RequestId, HostId, Code, Message, Recommend, as JSON, and the id in a header too."""
    request = replace(signed_request(bench), query=())
    response = bench.ecs.handle(request)

    envelope = json.loads(response.body)
    assert list(envelope) == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert envelope["RequestId"] == response.headers["x-acs-request-id"]
    assert envelope["HostId"] == "ecs-cn-hangzhou.aliyuncs.com"
    assert response.headers["content-type"] == "application/json;charset=utf-8"
