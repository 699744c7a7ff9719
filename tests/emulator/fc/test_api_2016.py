"""API 2016-08-15 on the wire: services, functions, triggers, errors in its own envelope."""

import base64
import hashlib
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator import Cloud, Fault
from emulator.fc import FcService
from emulator.fc.errors import FcError
from emulator.fc.operations import V2, V3, Call
from emulator.fc.routes import OPERATIONS, FcOperation
from emulator.wire import Request, Response
from tests.emulator.fc.conftest import ECHO, LOG, Send

SERVICE: dict[str, Any] = {
    "serviceName": "backups",
    "role": "acs:ram::1234567890123456:role/backups",
    "logConfig": {"project": LOG[0], "logstore": LOG[1]},
}
TIMER: dict[str, Any] = {
    "triggerName": "nightly",
    "triggerType": "timer",
    "triggerConfig": {"cronExpression": "0 0 2 * * *", "enable": True, "payload": "p"},
}
FUNCTIONS = "/services/backups/functions"
FUNCTION = f"{FUNCTIONS}/echo"


def zipped(**files: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return base64.b64encode(packed.getvalue()).decode()


def function(**fields: Any) -> dict[str, Any]:
    return {
        "functionName": "echo",
        "runtime": "python3.10",
        "handler": "index.handler",
        "code": {"zipFile": zipped(index=ECHO)},
        **fields,
    }


def read(response: Response) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(response.body)
    return document


def code(response: Response) -> tuple[int, str]:
    return response.status, read(response)["ErrorCode"]


@pytest.fixture
def deployed(send: Send) -> Send:
    """A service with a function and a timer."""
    assert send("POST", "/services", SERVICE).status == 200
    assert send("POST", FUNCTIONS, function()).status == 200
    assert send("POST", f"{FUNCTION}/triggers", TIMER).status == 200
    return send


def test_what_was_made_can_be_seen_changed_and_deleted(deployed: Send) -> None:
    """A service, its function, and that one's trigger; from the outside in and back."""
    send = deployed
    assert read(send("GET", "/services/backups"))["role"].endswith("role/backups")
    assert read(send("GET", FUNCTION))["memorySize"] == 128
    assert read(send("GET", f"{FUNCTION}/triggers/nightly"))["triggerConfig"]["payload"] == "p"

    assert read(send("PUT", "/services/backups", {"description": "new"}))["description"] == "new"
    assert read(send("PUT", FUNCTION, {"memorySize": 256}))["memorySize"] == 256
    off = {"triggerConfig": {"cronExpression": "@every 1h", "enable": False}}
    assert not read(send("PUT", f"{FUNCTION}/triggers/nightly", off))["triggerConfig"]["enable"]

    for path in (f"{FUNCTION}/triggers/nightly", FUNCTION, "/services/backups"):
        assert send("DELETE", path).status == 204
        assert send("GET", path).status == 404


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/services/nobody", "ServiceNotFound"),
        ("/services/nobody/functions/echo", "ServiceNotFound"),
        ("/services/backups/functions/nobody", "FunctionNotFound"),
        ("/services/backups/functions/nobody/triggers", "FunctionNotFound"),
        (f"{FUNCTION}/triggers/nobody", "TriggerNotFound"),
        (f"{FUNCTION}/async-invoke-config", "AsyncConfigNotExists"),
    ],
)
def test_what_is_not_there_is_named(deployed: Send, path: str, said: str) -> None:
    """Deploying tools decide by these between making and changing."""
    assert code(deployed("GET", path)) == (404, said)


def test_nothing_is_made_twice(deployed: Send) -> None:
    """409; the first one stays as it is."""
    send = deployed
    assert code(send("POST", "/services", SERVICE)) == (409, "ServiceAlreadyExists")
    assert code(send("POST", FUNCTIONS, function(timeout=9))) == (409, "FunctionAlreadyExists")
    assert code(send("POST", f"{FUNCTION}/triggers", TIMER)) == (409, "TriggerAlreadyExists")
    assert read(send("GET", FUNCTION))["timeout"] == 3


def test_what_has_something_in_it_is_not_deleted(deployed: Send) -> None:
    """A service with functions, a function with triggers."""
    assert code(deployed("DELETE", "/services/backups")) == (409, "ServiceNotEmpty")
    assert code(deployed("DELETE", FUNCTION)) == (409, "FunctionNotEmpty")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"runtime": "python3.11"}, "the emulator runs python3.9, python3.10, python3.12"),
        ({"handler": "handler"}, "such as index.handler"),
        ({"timeout": 0}, "1 to 86400"),
        ({"timeout": "60"}, "1 to 86400"),
        ({"memorySize": 100}, "128 to 32768 in steps of 64"),
        ({"environmentVariables": {"FC_MINE": "1"}}, "FC_MINE"),
        ({"environmentVariables": {"MINE": 1}}, "an object of texts (MINE)"),
        ({"environmentVariables": {"MINE": "x" * 4096}}, "4096 bytes"),
        ({"instanceConcurrency": 2}, "one request at a time"),
        ({"functionName": "2nd"}, "not beginning with a digit"),
        ({"code": {"ossBucketName": "b", "ossObjectName": "o"}}, "bucket does not exist: 'b'"),
        ({"code": {"ossBucketName": "b"}}, "either ossBucketName and ossObjectName or zipFile"),
        ({"code": {"zipFile": "x", "ossBucketName": "b", "ossObjectName": "o"}}, "either oss"),
        ({"code": {"zipFile": 1}}, "each a text"),
        ({"code": {"zipFile": "", "checksum": "1"}}, "either ossBucketName and ossObjectName or"),
        ({"code": {}}, "code is required"),
        ({"code": {"tarFile": "x"}}, "an object with checksum, ossBucketName, ossObjectName, zip"),
        ({"timeout": 1.5}, "1 to 86400"),
        ({"code": {"zipFile": "not base64!"}}, "not base64"),
        ({"code": {"zipFile": base64.b64encode(b"no zip").decode()}}, "not a zip file"),
        ({"code": None}, "code is required"),
        ({"vpcConfig": {"vpcId": "vpc-1"}}, "vpcConfig: {'vpcId': 'vpc-1'}: the emulator has"),
        ({"colour": "red"}, "colour: unknown to the emulator, which knows code, cpu"),
        (
            {"instanceLifecycleConfig": {"preStop": {"handler": "a.b"}}},
            "preStop: the emulator calls none",
        ),
    ],
)
def test_a_wrong_field_is_rejected_with_its_rule(
    send: Send, fields: dict[str, Any], said: str
) -> None:
    """Nothing is accepted and ignored, and nothing is made."""
    send("POST", "/services", SERVICE)

    rejected = send("POST", FUNCTIONS, function(**fields))

    assert rejected.status == 400
    assert said in read(rejected)["ErrorMessage"]
    assert read(send("GET", FUNCTIONS)) == {"functions": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        *("timeout", "memorySize", "code", "environmentVariables", "instanceLifecycleConfig"),
        *("triggerConfig", "logConfig", "role", "destinationConfig", "vpcConfig", "description"),
        *("maxAsyncRetryAttempts", "statefulInvocation", "qualifier", "handler", "runtime"),
    ]
)


@given(fields=st.dictionaries(FIELDS, JSON, max_size=3))
@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_whatever_a_field_is_there_is_an_answer(send: Send, fields: dict[str, Any]) -> None:
    """Taken or rejected with a code: never an accident of the emulator's own."""
    send("POST", "/services", SERVICE)
    send("POST", FUNCTIONS, function())
    for method, path, body in (
        ("POST", "/services", {**SERVICE, "serviceName": "other", **fields}),
        ("PUT", FUNCTION, fields),
        ("POST", f"{FUNCTION}/triggers", {**TIMER, **fields}),
        ("PUT", f"{FUNCTION}/async-invoke-config", fields),
    ):
        answer = send(method, path, body)
        assert answer.status in (200, 400, 404, 409)
        assert answer.status == 200 or read(answer)["ErrorCode"]


def test_code_that_would_leave_its_folder_is_rejected(send: Send) -> None:
    """An entry such as ../index.py."""
    send("POST", "/services", SERVICE)

    rejected = send("POST", FUNCTIONS, function(code={"zipFile": zipped(**{"../index": ECHO})}))

    assert "outside" in read(rejected)["ErrorMessage"]


def test_a_logstore_that_does_not_exist_is_rejected(send: Send) -> None:
    """Its records would be lost without a word."""
    lost = {**SERVICE, "logConfig": {"project": "nowhere", "logstore": "records"}}

    assert "project 'nowhere'" in read(send("POST", "/services", lost))["ErrorMessage"]


def test_fields_that_are_sent_empty_or_capitalized_pass(send: Send) -> None:
    """Funcraft 3.6.24 sends both."""
    service = {
        **SERVICE,
        "vpcConfig": {"vpcId": "", "vSwitchIds": [], "securityGroupId": ""},
        "nasConfig": {"UserId": -1, "GroupId": -1, "MountPoints": []},
    }
    made = function(InstanceLifecycleConfig={"preStop": {"handler": ""}}, customDNS=None)

    assert send("POST", "/services", service).status == 200
    assert send("POST", FUNCTIONS, made).status == 200


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"cronExpression": "nonsense"}, "a schedule"),
        ({"cronExpression": "0 0 2 * *"}, "5 fields"),
        ({"enable": True}, "cronExpression is required"),
        ({"cronExpression": "@every 1m", "payload": {"a": 1}}, "a text"),
        ({"cronExpression": "@every 1m", "colour": "red"}, "colour: unknown"),
    ],
)
def test_a_timer_that_would_never_fire_is_rejected(
    deployed: Send, config: dict[str, Any], said: str
) -> None:
    """L2: nothing, and no error, is the worst answer."""
    rejected = deployed(
        "POST", f"{FUNCTION}/triggers", {**TIMER, "triggerName": "t", "triggerConfig": config}
    )

    assert rejected.status == 400
    assert said in read(rejected)["ErrorMessage"]


@pytest.mark.parametrize("fixed", [{"triggerType": "oss"}, {"triggerName": "weekly"}])
def test_a_trigger_stays_what_it_is(deployed: Send, fixed: dict[str, str]) -> None:
    """An update may repeat its name and type, and not change them."""
    same = {"triggerType": "timer", "triggerName": "nightly"}
    path = f"{FUNCTION}/triggers/nightly"

    assert deployed("PUT", path, same).status == 200
    assert code(deployed("PUT", path, {**same, **fixed})) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("oss", {"events": ["oss:ObjectCreated:*"], "filter": {"key": {"prefix": "a"}}}),
        ("http", {"authType": "anonymous", "methods": ["GET"], "disableURLInternet": False}),
        ("log", {"sourceConfig": {"logstore": "x"}, "enable": True}),
        ("teapot", {}),
        (["timer"], {}),
    ],
)
def test_a_trigger_of_another_type_is_rejected_by_its_type(
    deployed: Send, kind: object, config: dict[str, Any]
) -> None:
    """Not by a field that every trigger of this type has, such as its source and its role."""
    trigger = {
        "triggerName": "t",
        "triggerType": kind,
        "sourceArn": "acs:oss:cn-hangzhou:1:bucket",
        "invocationRole": "acs:ram::1:role/r",
        "triggerConfig": config,
    }

    rejected = deployed("POST", f"{FUNCTION}/triggers", trigger)

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert read(rejected)["ErrorMessage"] == (
        f"triggerType: {kind!r}: the emulator has timer and eventbridge only."
    )


def test_an_empty_trigger_is_rejected(deployed: Send) -> None:
    """As Funcraft sends for types that it does not know."""
    assert code(deployed("POST", f"{FUNCTION}/triggers", {})) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/services/backups", {"description": "changed"}),
        (FUNCTION, {"timeout": 9}),
        (f"{FUNCTION}/triggers/nightly", {"description": "changed"}),
    ],
)
def test_a_change_is_held_to_the_state_that_was_seen(
    cloud: Cloud, deployed: Send, path: str, change: dict[str, Any]
) -> None:
    """fc2: answers have an ETag, changes and deletions may have If-Match."""
    seen = deployed("GET", path).headers["Etag"]
    cloud.run_until(cloud.clock.now() + timedelta(seconds=5))

    changed = deployed("PUT", path, change, headers={"if-match": seen})
    stale = deployed("PUT", path, change, headers={"if-match": seen})
    stale_deletion = deployed("DELETE", path, headers={"if-match": seen})

    assert changed.status == 200
    assert changed.headers["Etag"] == deployed("GET", path).headers["Etag"] != seen
    assert code(stale) == (412, "PreconditionFailed")
    assert stale_deletion.status in (409, 412)
    again = deployed("PUT", path, change, headers={"if-match": f'"{changed.headers["Etag"]}"'})
    assert again.status == 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.route.version} {one.name}")
def test_a_parameter_that_no_operation_reads_is_rejected(
    cloud: Cloud, fc: FcService, operation: FcOperation
) -> None:
    """Of whatever operation: before it looks at anything else."""
    call = Call(
        request=Request(method="GET", host="fc", path="/", query=(("colour", "red"),)),
        request_id="id",
        api=V2 if operation.route.version == V2 else V3,
        region=fc.region,
        names={},
    )

    with pytest.raises(FcError, match="query parameter colour: the emulator knows"):
        call.check_query(operation.parameters.honoured)
    assert cloud.calls.all() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/services"), ("PUT", FUNCTION), ("DELETE", f"{FUNCTION}/triggers/nightly")],
)
def test_so_is_one_of_a_change(deployed: Send, method: str, path: str) -> None:
    """Nothing is changed."""
    before = deployed("GET", FUNCTION).body

    rejected = deployed(method, path, {}, query={"dryRun": "true"})

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert deployed("GET", FUNCTION).body == before
    assert deployed("GET", f"{FUNCTION}/triggers/nightly").status == 200


def test_a_condition_that_means_nothing_is_rejected(deployed: Send) -> None:
    """There is nothing to compare with when something is made or listed."""
    listed = deployed("GET", "/services", headers={"if-match": "x"})

    assert code(listed) == (400, "Emulator.UnknownParameter")


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (
            {"x-fc-async-task-id": "slot-1", "x-fc-invocation-type": "Async"},
            "header x-fc-async-task-id: unknown to the emulator",
        ),
        ({"x-fc-invocation-typ": "Async"}, "x-fc-invocation-typ: unknown to the emulator"),
        ({"x-fc-async-delay": "5"}, "x-fc-async-delay: only for x-fc-invocation-type Async"),
        ({"x-fc-stateful-async-invocation-id": "slot-1"}, "only for x-fc-invocation-type Async"),
    ],
)
def test_a_header_that_would_be_ignored_is_rejected_by_name(
    fc: FcService, deployed: Send, headers: dict[str, str], said: str
) -> None:
    """A task's id under the other API's name would let one event run twice."""
    rejected = deployed("POST", f"{FUNCTION}/invocations", b"{}", headers=headers)

    assert rejected.status == 400
    assert said in read(rejected)["ErrorMessage"]
    assert fc.invocations == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-fc-account-id": "1234567890123456", "x-fc-trace-id": "t"},
        {"x-fc-log-type": "None", "x-fc-invocation-type": "Async", "x-fc-async-delay": "5"},
    ],
)
def test_headers_that_clients_send_by_themselves_pass(
    deployed: Send, headers: dict[str, str]
) -> None:
    """fc2 for Node sends the account's id, fc3 a log type of None."""
    assert deployed("POST", f"{FUNCTION}/invocations", b"{}", headers=headers).status in (200, 202)


def test_an_async_config_is_put_as_a_whole(deployed: Send) -> None:
    """What a second one does not name goes back to its default."""
    path = "/services/backups.LATEST/functions/echo/async-invoke-config"
    queue = {"destination": "acs:mns:cn-hangzhou:1:/queues/q/messages"}
    first = {"maxAsyncRetryAttempts": 1, "DestinationConfig": {"OnFailure": queue}}

    assert read(deployed("PUT", path, first))["destinationConfig"]["onFailure"] == {
        "destination": queue["destination"]
    }
    second = read(deployed("PUT", path, {"maxAsyncEventAgeInSeconds": 60}))

    assert second["maxAsyncRetryAttempts"] == 3
    assert second["destinationConfig"] == {"onSuccess": None, "onFailure": None}
    assert deployed("DELETE", path).status == 204


@pytest.mark.parametrize(
    "config",
    [
        {"maxAsyncRetryAttempts": 9},
        {"maxAsyncEventAgeInSeconds": 0},
        {"destinationConfig": {"onFailure": {"destination": "somewhere"}}},
        {"asyncTask": True},
    ],
)
def test_a_wrong_async_config_is_rejected(deployed: Send, config: dict[str, Any]) -> None:
    """Out of range, no ARN, the other API's word."""
    assert deployed("PUT", f"{FUNCTION}/async-invoke-config", config).status == 400


def test_listings_have_pages(send: Send) -> None:
    """`limit`, `prefix`, and a token to go on from."""
    for name in ("a-1", "a-2", "a-3", "b-1"):
        send("POST", "/services", {"serviceName": name})

    first = read(send("GET", "/services", query={"limit": "2", "prefix": "a"}))
    rest = {"prefix": "a", "nextToken": first["nextToken"]}
    second = read(send("GET", "/services", query=rest))

    names = [one["serviceName"] for one in (*first["services"], *second["services"])]
    assert names == ["a-1", "a-2", "a-3"]
    assert "nextToken" not in second
    assert send("GET", "/services", query={"limit": "0"}).status == 400
    assert send("GET", "/services", query={"colour": "red"}).status == 400


def test_an_invocation_answers_what_the_function_says(deployed: Send) -> None:
    """With the end of its log, where that is asked for."""
    answer = deployed(
        "POST", f"{FUNCTION}/invocations", b"hello", headers={"x-fc-log-type": "Tail"}
    )

    assert (answer.status, answer.body) == (200, b"hello")
    assert "X-Fc-Error-Type" not in answer.headers
    request_id = answer.headers["X-Fc-Request-Id"]
    log = base64.b64decode(answer.headers["X-Fc-Log-Result"]).decode()
    assert re.fullmatch(
        rf"FC Invoke Start RequestId: {request_id}\nFC Invoke End RequestId: {request_id}\n\n"
        r"Duration: \d+\.\d\d ms, Billed Duration: \d+ ms,"
        r" Memory Size: 128 MB, Max Memory Used: \d+\.\d\d MB",
        log,
    )
    assert int(answer.headers["X-Fc-Max-Memory-Usage"]) > 0


def test_a_functions_error_is_an_answer_too(deployed: Send) -> None:
    """Status 200, and a header: InvokeFunction."""
    deployed("PUT", FUNCTION, {"code": {"zipFile": zipped(index="import nowhere")}})

    answer = deployed(
        "POST", f"{FUNCTION}/invocations", b"hello", headers={"x-fc-log-type": "Tail"}
    )

    assert answer.status == 200
    assert answer.headers["X-Fc-Error-Type"] == "UnhandledInvocationError"
    assert read(answer)["errorType"] == "ModuleNotFoundError"
    log = base64.b64decode(answer.headers["X-Fc-Log-Result"]).decode()
    request_id = answer.headers["X-Fc-Request-Id"]
    assert f"FC Invoke End RequestId: {request_id}, Error: Unhandled function error\n" in log


def test_an_asynchronous_invocation_is_accepted_and_runs_later(
    cloud: Cloud, fc: FcService, deployed: Send
) -> None:
    """202 and no body; after its delay."""
    later = {"x-fc-invocation-type": "Async", "x-fc-async-delay": "60"}

    accepted = deployed("POST", f"{FUNCTION}/invocations", b"hello", headers=later)
    cloud.run_until(cloud.clock.now() + timedelta(seconds=59))
    waiting = fc.invocations[-1].status
    cloud.run_until(cloud.clock.now() + timedelta(seconds=1))

    assert (accepted.status, accepted.body) == (202, b"")
    assert waiting == "Enqueued"
    assert fc.invocations[-1].status == "Succeeded"
    assert fc.invocations[-1].results[0].body == b"hello"


def test_task_mode_can_be_had_for_one_request(deployed: Send) -> None:
    """Where the function is not in it: the id of that request is taken from then on."""
    named = {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": "job-1"}
    task = named | {"x-fc-stateful-async-invocation-enable": "true"}

    answers = [
        deployed("POST", f"{FUNCTION}/invocations", b"", headers=headers).status
        for headers in (named, named, task)
    ]
    other = task | {"x-fc-stateful-async-invocation-id": "job-2"}
    answers += [
        deployed("POST", f"{FUNCTION}/invocations", b"", headers=other).status for _ in range(2)
    ]

    assert answers == [202, 202, 409, 202, 409]


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"x-fc-invocation-type": "Maybe"}, b"", "Sync, Async"),
        ({"x-fc-log-type": "Head"}, b"", "None, Tail"),
        ({"x-fc-invocation-type": "Async", "x-fc-async-delay": "3601"}, b"", "0 to 3600"),
        (
            {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": "1st"},
            b"",
            "beginning with a letter",
        ),
        (
            {
                "x-fc-invocation-type": "Async",
                "x-fc-stateful-async-invocation-enable": "perhaps",
            },
            b"",
            "false, true",
        ),
        ({"x-fc-invocation-type": "Async"}, b"x" * 131073, "payload size exceeds"),
    ],
)
def test_a_wrong_invocation_is_rejected(
    deployed: Send, headers: dict[str, str], body: bytes, said: str
) -> None:
    """Before anything runs."""
    rejected = deployed("POST", f"{FUNCTION}/invocations", body, headers=headers)

    assert rejected.status == 400
    assert said in read(rejected)["ErrorMessage"]


@pytest.mark.parametrize(
    ("qualifier", "said"), [("1", "VersionNotFound"), ("prod", "AliasNotFound")]
)
def test_there_is_no_version_but_the_latest(deployed: Send, qualifier: str, said: str) -> None:
    """Nothing here makes versions or aliases."""
    path = f"/services/backups.{qualifier}/functions/echo/invocations"

    assert code(deployed("POST", path, b"")) == (404, said)
    assert deployed("POST", path.replace(qualifier, "LATEST"), b"").status == 200


def test_what_it_does_not_know_it_rejects_and_says_what_it_knows(send: Send) -> None:
    """A path of neither API, and an operation that this API has."""
    rejected = send("GET", "/services/backups/versions")

    assert code(rejected) == (400, "Emulator.NotImplemented")
    assert read(rejected)["ErrorMessage"].startswith(
        "GET /2016-08-15/services/backups/versions: the emulator's FC has CreateService, List"
    )


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/2021-04-06/services", "2021-04-06"),
        ("/2021-04-06/services/s/functions/f/invocations", "2021-04-06"),
        ("/2030-01-01/functions", "2030-01-01"),
        ("/", ""),
    ],
)
def test_another_version_is_rejected_by_its_name(fc: FcService, path: str, version: str) -> None:
    """With those that there are; alibabacloud-fc-open20210406 2.0.12 reads Code and Message."""
    rejected = fc.handle(Request(method="POST", host="fc", path=path))

    assert read(rejected)["Code"] == "Emulator.NotImplemented"
    assert (
        f"API version {version!r}: the emulator's FC has 2016-08-15 and 2023-03-30"
        in (read(rejected)["Message"])
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"authorization": ""}, (400, "MissingRequiredHeader")),
        ({"authorization": "FC nobody:c2lnbmF0dXJl"}, (403, "InvalidAccessKeyID")),
        ({"date": ""}, (400, "MissingRequiredHeader")),
        ({"date": "Mon, 02 Mar 2026 00:00:00 GMT"}, (403, "SignatureNotMatch")),
        ({"x-fc-invocation-type": "Async"}, (403, "SignatureNotMatch")),
        ({"content-md5": "bm90IHRoaXM="}, (403, "SignatureNotMatch")),
        ({"x-fc-security-token": "found"}, (403, "AccessDenied")),
    ],
)
def test_only_a_good_signature_passes(
    send: Send, changed: dict[str, str], said: tuple[int, str]
) -> None:
    """What is signed must be what was sent."""
    assert code(send("GET", "/services", changed=changed)) == said


def test_a_temporary_key_needs_its_token_and_ends(cloud: Cloud, send: Send) -> None:
    """A role's key, as functions have it."""
    key = cloud.temporary_key(expires_at=cloud.clock.now() + timedelta(seconds=60))

    assert send("GET", "/services", key=key).status == 200
    cloud.run_until(cloud.clock.now() + timedelta(seconds=60))
    assert code(send("GET", "/services", key=key)) == (403, "AccessDenied")


def test_a_roles_key_needs_the_operations_right(cloud: Cloud, deployed: Send) -> None:
    """On that function, and no other; nothing happens without."""
    invoke = {
        "Effect": "Allow",
        "Action": "fc:InvokeFunction",
        "Resource": "acs:fc:*:*:services/backups/functions/echo",
    }
    cloud.add_role("invoker", [{"Version": "1", "Statement": [invoke]}])
    key = cloud.assume_role("invoker")

    assert deployed("POST", f"{FUNCTION}/invocations", b"1", key=key).status == 200
    assert code(deployed("DELETE", f"{FUNCTION}/triggers/nightly", key=key)) == (
        403,
        "AccessDenied",
    )
    assert code(deployed("GET", FUNCTIONS, key=key)) == (403, "AccessDenied")
    assert deployed("GET", f"{FUNCTION}/triggers/nightly").status == 200
    assert [one.need.resource.partition("6:")[2] for one in cloud.ram.decisions] == [
        "services/backups/functions/echo",
        "services/backups/functions/echo/triggers/nightly",
        "services/backups/functions/*",
    ]


@pytest.mark.parametrize("form", ["hex", "base64", "base64 of hex"])
def test_a_bodys_digest_is_taken_in_every_form(send: Send, form: str) -> None:
    """The last is Funcraft's."""
    digest = hashlib.md5(b"", usedforsecurity=False)
    forms = {
        "hex": digest.hexdigest(),
        "base64": base64.b64encode(digest.digest()).decode(),
        "base64 of hex": base64.b64encode(digest.hexdigest().encode()).decode(),
    }

    rejected = send("GET", "/services", changed={"content-md5": forms[form]})

    # It is the body's, and was not signed.
    assert "string to sign" in read(rejected)["ErrorMessage"]


def test_a_fault_takes_the_answers_place(cloud: Cloud, send: Send) -> None:
    """After the effect, where it says so; every call is noted."""
    cloud.faults.add(Fault(kind="error", service="fc", action="CreateService", after_effect=True))

    lost = send("POST", "/services", SERVICE)

    assert code(lost) == (500, "InternalError")
    assert send("GET", "/services/backups").status == 200
    noted = [(call.action, call.status, call.code) for call in cloud.calls.all()]
    assert noted == [("CreateService", 500, "InternalError"), ("GetService", 200, "")]
