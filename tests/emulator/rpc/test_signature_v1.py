"""
The older RPC style: HMAC-SHA1 among the parameters, XML unless told otherwise.

`tests/data/rpc-requests.json` holds requests as two clients made and signed them; what is sent
otherwise is signed here, by the description and not by the emulator's code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from emulator import Cloud, stub, xml
from emulator.credentials import AccessKey
from emulator.faults import Fault
from emulator.wire import Request, Response
from tests.emulator.ecs.conftest import KEY, REGION, START, Bench
from tests.emulator.rpc.signed_requests import request_of, signed

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent.parent / "data" / "rpc-requests.json").read_text()
)
RECORDED_KEYS = (
    AccessKey(access_key_id="LTAI5tRecorded", access_key_secret="recorded-secret"),
    AccessKey(
        access_key_id="STS.Recorded",
        access_key_secret="recorded-secret",
        security_token="recorded/token+1=",
    ),
)
STS = AccessKey(
    access_key_id="STS.abc",
    access_key_secret="sts-secret",
    security_token="to/ken+",
    expires_at=START + timedelta(hours=1),
)


def ask(bench: Bench, action: str, *, key: AccessKey = KEY, **params: str) -> Response:
    """Send a signed GET; `params` may hold common ones, too."""
    return bench.ecs.handle(request_of(signed({"Action": action}, key=key, **params)))


def root_of(response: Response) -> ET.Element:
    assert response.headers["content-type"] == "text/xml;charset=utf-8"
    return ET.fromstring(response.body)  # noqa: S314 - our own


def code_of(response: Response) -> str:
    """The error code of an answer; empty if it has none."""
    return root_of(response).findtext("Code") or ""


# --- as clients sign -----------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda r: f"{r['client'][:6]} {r['method']}")
def test_what_real_clients_signed_is_accepted_and_carried_out(
    bench: Bench, recorded: dict[str, Any]
) -> None:
    """aliyun-python-sdk-core and apache-libcloud, byte for byte; each with the form it asks for."""
    for key in RECORDED_KEYS:
        bench.keys.add(key)
    for number in (1, 2):
        bench.ecs.add_disk(disk_id=f"d-bp1recorded00000000{number}")
    url = urlsplit(recorded["target"])
    query = tuple(parse_qsl(url.query, keep_blank_values=True))

    response = bench.ecs.handle(
        request_of({}, method=recorded["method"], query=query, headers=recorded["headers"])
    )

    assert response.status == 200, response.body
    assert (response.body[:1] == b"{") == (dict(query)["Format"] == "JSON")
    assert bench.calls.all()[-1].action == dict(query)["Action"]


def test_what_was_asked_arrives(bench: Bench) -> None:
    """Common parameters are not the operation's; no key or signature is in the notes."""
    disk = bench.ecs.add_disk().disk_id

    response = ask(
        bench, "CreateSnapshot", DiskId=disk, Description="a b+c*d~e/ü&=", RegionId=REGION
    )

    (snapshot,) = bench.ecs.snapshots.values()
    assert root_of(response).findtext("SnapshotId") == snapshot.snapshot_id
    assert snapshot.description == "a b+c*d~e/ü&="
    assert set(bench.calls.all()[-1].params) == {"DiskId", "Description", "RegionId"}


def test_parameters_of_a_form_are_signed_too(bench: Bench) -> None:
    """POST: those of the body count like those of the query, and the method is signed."""
    disk = bench.ecs.add_disk().disk_id
    form = signed({"Action": "CreateSnapshot", "DiskId": disk}, method="POST")
    headers = {"content-type": "application/x-www-form-urlencoded"}

    response = bench.ecs.handle(
        request_of({}, method="POST", headers=headers, body=urlencode(form).encode())
    )

    assert root_of(response).findtext("SnapshotId") in bench.ecs.snapshots


def twice(query: Mapping[str, str], form: Mapping[str, str], told: Mapping[str, str]) -> Request:
    """A POST with these in the query and those in the body, signed over `told`."""
    common = signed({"Action": "DescribeDisks", **told}, method="POST")
    return request_of(
        {},
        method="POST",
        query=tuple(query.items()),
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=urlencode({**common, **form}).encode(),
    )


def test_one_region_in_query_and_body_is_one_region(bench: Bench) -> None:
    """aliyun-python-sdk-core sends RegionId in both, and signs the union of the two."""
    disk = bench.ecs.add_disk().disk_id
    region = {"RegionId": REGION}

    response = bench.ecs.handle(twice(region, region, region))

    assert root_of(response).findtext("Disks/Disk/DiskId") == disk
    assert bench.calls.all()[-1].params == region


@given(name=st.sampled_from(["RegionId", "ZoneId", "Status"]), value=st.text("ab/+ü", min_size=1))
def test_any_parameter_may_come_twice_with_one_value(name: str, value: str) -> None:
    """What it then says of the value is the operation's affair: the signature is good."""
    cloud = Cloud(access_key=KEY)
    same = {name: value}

    code = code_of(cloud.ecs().handle(twice(same, same, same)))

    assert code not in ("SignatureDoesNotMatch", "Emulator.UnreadableRequest")


@pytest.mark.parametrize("name", ["RegionId", "DiskIds", "Timestamp"])
def test_two_values_for_one_name_are_rejected_by_name(bench: Bench, name: str) -> None:
    """Which one counts is not documented, so neither does."""
    response = bench.ecs.handle(twice({name: "one"}, {name: "two"}, {}))

    assert code_of(response) == "Emulator.UnreadableRequest"
    message = root_of(response).findtext("Message") or ""
    assert message.startswith(f"The parameter {name} came with two values, 'one' and 'two'")


def test_the_central_host_reads_the_region_in_a_form_too() -> None:
    """Node's pop-core puts every parameter of a POST into the body."""
    with stub() as cloud:
        cloud.ecs("cn-hangzhou")
        cloud.ecs("cn-shanghai").add_disk(disk_id="d-1")
        form = signed(
            {"Action": "DescribeDisks", "RegionId": "cn-shanghai"},
            key=cloud.access_key,
            method="POST",
        )

        answer = requests.post("https://ecs.aliyuncs.com/", data=form, timeout=5)

    assert ET.fromstring(answer.content).findtext("Disks/Disk/DiskId") == "d-1"  # noqa: S314 - our own


def test_the_server_and_the_stub_accept_it() -> None:
    """At the central host the parameter RegionId says which region is meant."""
    with stub() as cloud:
        cloud.ecs("cn-shanghai").add_disk(disk_id="d-1")
        params = signed(
            {"Action": "DescribeDisks", "RegionId": "cn-shanghai"}, key=cloud.access_key
        )

        answer = requests.get("https://ecs.aliyuncs.com/", params=params, timeout=5)

    assert ET.fromstring(answer.content).findtext("Disks/Disk/DiskId") == "d-1"  # noqa: S314 - our own


@given(st.text(max_size=30))
def test_any_text_is_encoded_as_the_description_says(text: str) -> None:
    """Whatever characters: the signatures of both calculations agree."""
    cloud = Cloud()
    params = signed({"Action": "DescribeDisks", "Bogus": text or "x"}, key=cloud.access_key)

    assert code_of(cloud.ecs().handle(request_of(params))) == "Emulator.UnknownParameter"


# --- and as nobody may ---------------------------------------------------------------------------

Change = Callable[[dict[str, str]], object]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p.update(RegionId="cn-shanghai"), "SignatureDoesNotMatch"),
        (lambda p: p.update(More="1"), "SignatureDoesNotMatch"),
        (lambda p: p.pop("RegionId"), "SignatureDoesNotMatch"),
        (lambda p: p.update(Action="DescribeInstances"), "SignatureDoesNotMatch"),
        (lambda p: p.update(SignatureNonce="1"), "SignatureDoesNotMatch"),
        (lambda p: p.update(Signature="AAAA"), "SignatureDoesNotMatch"),
        (lambda p: p.update(Signature="ü"), "SignatureDoesNotMatch"),
        (lambda p: p.update(AccessKeyId="LTAI-nobody"), "InvalidAccessKeyId.NotFound"),
        (lambda p: p.update(SecurityToken="x"), "InvalidSecurityToken.MismatchWithAccessKey"),
        (lambda p: p.update(SignatureMethod="HMAC-SHA256"), "Emulator.NotImplemented"),
        (lambda p: p.update(SignatureType="BEARERTOKEN"), "Emulator.NotImplemented"),
        (lambda p: p.update(SignatureVersion="2.0"), "InvalidParameter.SignatureVersion"),
        (lambda p: p.update(Timestamp="today"), "InvalidTimeStamp.Format"),
        *(
            (lambda p, name=name: p.pop(name), "MissingParameter")
            for name in (
                *("Action", "Version", "AccessKeyId", "Signature", "SignatureMethod"),
                *("SignatureVersion", "SignatureNonce", "Timestamp"),
            )
        ),
    ],
)
def test_a_request_that_was_changed_is_rejected(bench: Bench, change: Change, code: str) -> None:
    """Every parameter is part of the signature, and every common one is needed."""
    params = signed({"Action": "DescribeDisks", "RegionId": REGION})
    change(params)

    assert code_of(bench.ecs.handle(request_of(params))) == code


def test_the_method_is_part_of_the_signature(bench: Bench) -> None:
    """The rejection shows the text that the server signed, where clients look for it."""
    params = signed({"Action": "DescribeDisks", "RegionId": REGION}, method="POST")

    root = root_of(bench.ecs.handle(request_of(params)))

    assert root.findtext("Code") == "SignatureDoesNotMatch"
    assert "calculation. server string to sign is:GET&%2F&AccessKeyId" in (
        root.findtext("Message") or ""
    )


def test_a_nonce_is_used_once(bench: Bench) -> None:
    """400 SignatureNonceUsed: a request cannot be replayed."""
    request = request_of(signed({"Action": "DescribeDisks", "RegionId": REGION}))

    assert [code_of(bench.ecs.handle(request)) for _ in range(2)] == ["", "SignatureNonceUsed"]


def test_temporary_keys_come_with_their_token(bench: Bench) -> None:
    """SecurityToken belongs to the key pair, and ends at its time."""
    bench.keys.add(STS)
    assert code_of(ask(bench, "DescribeDisks", key=STS, RegionId=REGION)) == ""
    without = ask(bench, "DescribeDisks", key=STS, RegionId=REGION, SecurityToken="")
    assert code_of(without) == "MissingSecurityToken"

    bench.clock.advance(3600)

    late = ask(bench, "DescribeDisks", key=STS, RegionId=REGION)
    assert code_of(late) == "InvalidSecurityToken.Expired"


def test_only_its_own_version_is_served(bench: Bench) -> None:
    """Version is 2014-05-26."""
    assert code_of(ask(bench, "DescribeDisks", RegionId=REGION, Version="2016-03-14")) == (
        "InvalidVersion"
    )


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["JSON", "json"])
def test_json_is_answered_where_it_is_asked_for(bench: Bench, form: str) -> None:
    """The gateway's default is XML."""
    response = ask(bench, "DescribeDisks", RegionId=REGION, Format=form)

    assert json.loads(response.body)["Disks"] == {"Disk": []}


def test_another_form_is_rejected(bench: Bench) -> None:
    """There are two."""
    assert code_of(ask(bench, "DescribeDisks", RegionId=REGION, Format="YAML")) == (
        "InvalidParameter.Format"
    )


def test_xml_nests_as_json_does(bench: Bench) -> None:
    """An element for each name; of a list one for each item; booleans in words."""
    instance = bench.ecs.add_instance().instance_id
    for number in (1, 2):
        bench.ecs.add_disk(
            disk_id=f"d-{number}", instance_id=instance, tags={"a": "<&>", "b": ""}, locks=("x",)
        )

    root = root_of(ask(bench, "DescribeDisks", RegionId=REGION))

    assert root.tag == "DescribeDisksResponse"
    assert [one.text for one in root.findall("Disks/Disk/DiskId")] == ["d-1", "d-2"]
    disk = root.find("Disks/Disk")
    assert disk is not None
    assert disk.findtext("Encrypted") == "false"
    assert disk.findtext("Size") == "40"
    assert disk.findtext("OperationLocks/OperationLock/LockReason") == "x"
    assert [one.text for one in disk.findall("Tags/Tag/TagValue")] == ["<&>", None]


def test_errors_are_xml_too(bench: Bench) -> None:
    """`Error`, with the envelope's elements."""
    root = root_of(ask(bench, "DeleteSnapshot", SnapshotId="s-none"))

    assert root.tag == "Error"
    assert [one.tag for one in root] == ["RequestId", "HostId", "Code", "Message", "Recommend"]


def test_so_are_faults_and_rejections_of_rights(bench: Bench) -> None:
    """What a fault answers with has the form that was asked for."""
    bench.faults.add(Fault(kind="error", code="Throttling", status=400))
    assert code_of(ask(bench, "DescribeDisks", RegionId=REGION)) == "Throttling"

    bound = AccessKey(access_key_id="LTAI-bound", access_key_secret="s", role="worker")
    bench.keys.add(bound)
    bench.ram.add_role("worker", [])
    root = root_of(ask(bench, "DescribeDisks", key=bound, RegionId=REGION))
    assert root.findtext("AccessDeniedDetail/AuthAction") == "ecs:DescribeDisks"


@given(st.dictionaries(st.sampled_from("ABC"), st.text() | st.booleans() | st.lists(st.text())))
def test_whatever_is_answered_can_be_read_as_xml(content: dict[str, Any]) -> None:
    """Control characters, of which XML has none, become U+FFFD."""
    root = ET.fromstring(xml.document("Answer", content))  # noqa: S314 - our own

    assert {one.tag for one in root} == {name for name, value in content.items() if value != []}
