"""A second service of the RPC style needs its operations alone; all else is the common protocol."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pytest

from emulator.account import Account
from emulator.clock import ManualClock
from emulator.credentials import AccessKey
from emulator.faults import Fault
from emulator.operation import Operation, Parameters
from emulator.ram.policies import Need
from emulator.rpc import RpcCall, RpcService
from emulator.rpc.service import Act
from emulator.wire import Response
from tests.emulator.ecs.conftest import KEY, START
from tests.emulator.rpc.signed_requests import request_of, signed

ROLE_KEY = AccessKey(access_key_id="STS.role", access_key_secret="secret", role="worker")


def check(call: RpcCall) -> Act:
    return lambda: {"AccountId": call.service.account.account_id, "Said": call.params["Word"]}


def needs(call: RpcCall, _: Act) -> Iterable[Need]:
    yield Need(action="sts:GetCallerIdentity", resource=call.params["Word"])


class Sts(RpcService):
    """One operation, of a version of its own."""

    NAME = "sts"
    VERSION = "2015-04-01"
    OPERATIONS: ClassVar[Mapping[str, Operation[RpcCall, Act]]] = {
        "GetCallerIdentity": Operation(
            name="GetCallerIdentity",
            action="sts:GetCallerIdentity",
            check=check,
            needs=needs,
            parameters=Parameters(
                required=("Word",),
                honoured=frozenset({"Word"}),
                rejected=frozenset({"Other"}),
            ),
        )
    }


@pytest.fixture
def sts() -> Sts:
    account = Account(clock=ManualClock(START), seed=1)
    account.keys.add(KEY)
    account.keys.add(ROLE_KEY)
    account.ram.add_role("worker", [])
    return Sts(account, "cn-hangzhou")


def ask(sts: Sts, action: str = "GetCallerIdentity", **params: str) -> Response:
    given = {"Action": action, "Version": Sts.VERSION, "Format": "JSON", "Word": "yes", **params}
    key = ROLE_KEY if given.pop("Role", "") else KEY
    return sts.handle(request_of(signed(given, key=key, Version=given["Version"])))


def code_of(response: Response) -> Any:
    return json.loads(response.body)["Code"]


def test_a_call_is_answered_and_recorded(sts: Sts) -> None:
    """With the request id, which no operation has to add."""
    answer = json.loads(ask(sts).body)

    (call,) = sts.account.calls.all()
    assert answer == {
        "RequestId": call.request_id,
        "AccountId": "1234567890123456",
        "Said": "yes",
    }
    assert (call.service, call.action, call.params, call.status) == (
        "sts",
        "GetCallerIdentity",
        {"Word": "yes"},
        200,
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"action": "AssumeRole"}, "InvalidAction.NotFound"),
        ({"Version": "2014-05-26"}, "InvalidVersion"),
        ({"Word": ""}, "MissingParameter"),
        ({"Other": "1"}, "Emulator.NotImplemented"),
        ({"Bogus": "1"}, "Emulator.UnknownParameter"),
        ({"Role": "worker"}, "Forbidden.RAM"),
    ],
)
def test_what_is_wrong_is_rejected_by_the_common_rules(
    sts: Sts, params: dict[str, str], code: str
) -> None:
    """Operation, version, parameters, permissions: an operation checks none of them itself."""
    response = ask(sts, **params)

    assert code_of(response) == code
    assert [call.code for call in sts.account.calls.all()] == [code]


def test_a_fault_meets_a_valid_call(sts: Sts) -> None:
    """By the name of the service; its answer has the common form, with the time to wait."""
    sts.account.faults.add(
        Fault(
            kind="error",
            service="sts",
            code="Throttling",
            status=400,
            retry_after_ms=20,
        )
    )
    response = ask(sts)

    assert (response.status, code_of(response)) == (400, "Throttling")
    assert response.headers["x-acs-retry-after"] == "20"
    assert code_of_success(ask(sts)) == "yes"


def code_of_success(response: Response) -> Any:
    return json.loads(response.body)["Said"]
