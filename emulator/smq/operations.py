"""
CreateQueue, GetQueueAttributes, SetQueueAttributes, DeleteQueue.

Source: SMQ API reference (2022-01-19); fields are those of alibabacloud_mns_open20220119 1.4.1.
That a queue of the same name and settings is answered with success is the rule of the older API
("CreateQueue", 204); the codes are those that Terraform's provider looks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from emulator.operation import Operation, Parameters
from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.rpc import RpcCall
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import RpcError, invalid_parameter
from emulator.rpc.service import Act
from emulator.smq.state import BOUNDS, DEFAULTS, Queue

VERSION = "2022-01-19"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,119}")
_NOT_HERE = frozenset(
    {
        *("DlqPolicy", "EnableLogging", "EnableSSE", "KmsKeyId", "QueueType"),
        *("SseAlgorithm", "SseType", "TenantRateLimitPolicy"),
    }
)


def _create(call: RpcCall) -> Callable[[], Answer]:
    service, params = call.service, call.params
    name = params["QueueName"]
    if not _NAME.fullmatch(name):
        raise invalid_parameter("QueueName", "1 to 120 letters, digits and '-'")
    settings = {**DEFAULTS, **_settings(params)}
    tags = {tag.key or "": tag.value or "" for tag in read.tags(params)}

    def effect() -> Answer:
        now = service.account.clock.now()
        with service.lock:
            there = service.queues.get(name)
            if there is not None and there.settings != settings:
                raise RpcError(
                    409, "QueueAlreadyExist", f"The queue {name} exists with other attributes."
                )
            if there is None:
                service.queues[name] = Queue(
                    name=name, settings=settings, tags=tags, created_at=now, changed_at=now
                )
        return _success({"Code": 200, "Message": "", "Success": True})

    return effect


def _get(call: RpcCall) -> Callable[[], Answer]:
    queue = _queue(call)
    answer = _success(
        {
            "QueueName": queue.name,
            "QueueType": "normal",
            **queue.settings,
            # Deprecated: the service's own counts are in CloudMonitor.
            "ActiveMessages": 0,
            "LoggingEnabled": False,
            "CreateTime": int(queue.created_at.timestamp()),
            "LastModifyTime": int(queue.changed_at.timestamp()),
            "Tags": [{"TagKey": key, "TagValue": value} for key, value in queue.tags.items()],
        }
    )
    return lambda: answer


def _set(call: RpcCall) -> Callable[[], Answer]:
    queue, settings = _queue(call), _settings(call.params)

    def effect() -> Answer:
        with call.service.lock:
            queue.settings |= settings
            queue.changed_at = call.service.account.clock.now()
        return _success({"Code": 200, "Message": "", "Success": True})

    return effect


def _delete(call: RpcCall) -> Callable[[], Answer]:
    queue = _queue(call)

    def effect() -> Answer:
        with call.service.lock:
            call.service.queues.pop(queue.name, None)
        return _success({"Code": 200, "Message": "", "Success": True})

    return effect


def _queue(call: RpcCall) -> Queue:
    name = call.params["QueueName"]
    with call.service.lock:
        found: Queue | None = call.service.queues.get(name)
    if found is None:
        raise RpcError(404, "QueueNotExist", f"The queue does not exist: {name}.")
    return found


def _settings(params: read.Params) -> dict[str, int]:
    settings = {}
    for name, (low, high) in BOUNDS.items():
        value = read.integer(params, name)
        if value is not None:
            if not low <= value <= high:
                raise invalid_parameter(name, f"{low} to {high}")
            settings[name] = value
    return settings


def _success(data: Mapping[str, object]) -> Answer:
    return {"Code": 200, "Status": "Success", "Success": True, "Message": "", "Data": data}


def _operation(
    name: str,
    check: Callable[[RpcCall], Callable[[], Answer]],
    *,
    honoured: frozenset[str] = frozenset(),
    rejected: frozenset[str] = frozenset(),
) -> Operation[RpcCall, Act]:
    def needs(call: RpcCall, _act: Act) -> Iterator[Need]:
        region, account = call.service.region_id, call.service.account
        yield Need(
            action=f"mns:{name}",
            resource=f"acs:mns:{region}:{account.account_id}:/queues/{call.params['QueueName']}",
            context={REQUESTED_REGION: region},
        )

    def checked(call: RpcCall) -> Act:
        # Only now, because permissions and faults come before what there is.
        def effect() -> Answer:
            return check(call)()

        return effect

    return Operation(
        name=name,
        action=f"mns:{name}",
        check=checked,
        needs=needs,
        parameters=Parameters(
            required=("QueueName",),
            honoured=honoured | {"QueueName"},
            rejected=rejected,
        ),
    )


_TAGS = frozenset({"Tag.N.Key", "Tag.N.Value"})
OPERATIONS: Mapping[str, Operation[RpcCall, Act]] = {
    operation.name: operation
    for operation in (
        _operation("CreateQueue", _create, honoured=frozenset(BOUNDS) | _TAGS, rejected=_NOT_HERE),
        _operation("GetQueueAttributes", _get, rejected=frozenset({"Tag"})),
        _operation("SetQueueAttributes", _set, honoured=frozenset(BOUNDS), rejected=_NOT_HERE),
        _operation("DeleteQueue", _delete),
    )
}
