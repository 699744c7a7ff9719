"""
PutLogs: a compressed log group becomes records, all of them or none.

Source: Log Service API reference, "PutLogs" (PostLogStoreLogs) and its table of
error codes.
"""

from __future__ import annotations

from emulator.sls import compression, protobuf
from emulator.sls.errors import SlsError, parameter_invalid
from emulator.sls.limits import Limits
from emulator.sls.operations import Answer, Call, Checked
from emulator.sls.state import LogGroup

_PROTOBUF = "application/x-protobuf"


def put_logs(call: Call) -> Checked:
    """Check a write in load-balanced mode (`/shards/lb`)."""
    call.query(frozenset())
    return _put(call, {})


def put_logs_by_key(call: Call) -> Checked:
    """Check a write in key-hash mode (`/shards/route?key=`)."""
    query = call.query(frozenset({"key"}))
    if "key" not in query:
        raise parameter_invalid(
            "key is missing: it is a hash, which /shards/route finds a shard for."
        )
    return _put(call, query)


def _put(call: Call, params: dict[str, str]) -> Checked:
    logstore = call.projects.logstore(call.project, call.logstore)
    group = protobuf.decode(_raw_body(call))
    _check_group(group, call.limits)
    _check_times(group, call)
    params |= {
        "project": call.project,
        "logstore": call.logstore,
        "topic": group.topic,
        "source": group.source,
        "log_count": str(len(group.logs)),
    }

    def effect() -> Answer:
        call.projects.append(logstore, group, at=call.clock.now(), key=params.get("key"))
        return Answer()

    return Checked(params=params, effect=effect)


def _raw_body(call: Call) -> bytes:
    headers = call.request.headers
    content_type = headers.get("content-type", "")
    if content_type != _PROTOBUF:
        raise SlsError(
            415,
            "InvalidContentType",
            f"Content-Type {content_type} is unsupported: it must be {_PROTOBUF}.",
        )
    raw_size = _raw_size(headers.get("x-log-bodyrawsize"))
    if raw_size > call.limits.max_raw_bytes:
        raise _too_large(f"{raw_size} bytes", call.limits)
    kind = headers.get("x-log-compresstype", "")
    raw = compression.decompress(kind, call.request.body, raw_size)
    if len(raw) != raw_size:
        raise SlsError(
            400,
            "InvalidBodyRawSize",
            f"x-log-bodyrawsize is invalid: it says {raw_size} bytes, the body has {len(raw)}.",
        )
    return raw


def _raw_size(header: str | None) -> int:
    if header is None:
        raise SlsError(
            400,
            "MissingBodyRawSize",
            "x-log-bodyrawsize does not exist in header when it is necessary.",
        )
    if not header.isdecimal():
        raise SlsError(400, "InvalidBodyRawSize", f"x-log-bodyrawsize is invalid: {header!r}.")
    return int(header)


def _check_group(group: LogGroup, limits: Limits) -> None:
    if len(group.logs) > limits.max_logs:
        raise _too_large(f"{len(group.logs)} entries", limits)
    for log in group.logs:
        if not log.contents:
            raise SlsError(400, "PostBodyInvalid", "A log needs at least one pair in Contents.")
        for key, value in log.contents:
            _check_pair(key, value, limits)
    for key, value in group.tags:
        _check_pair(key, value, limits)


def _check_pair(key: str, value: str, limits: Limits) -> None:
    if not 0 < len(key.encode()) <= limits.max_key_bytes:
        raise SlsError(
            400,
            "InvalidKey",
            f"Invalid keys are in logs: {key!r} is not 1 to {limits.max_key_bytes} bytes.",
        )
    if len(value.encode()) > limits.max_value_bytes:
        raise SlsError(
            400,
            "PostBodyTooLarge",
            f"The value of {key!r} is over {limits.max_value_bytes} bytes.",
        )


def _check_times(group: LogGroup, call: Call) -> None:
    if call.limits.log_time_window_s is None:
        return
    past_s, future_s = call.limits.log_time_window_s
    now_s = call.clock.now().timestamp()
    for log in group.logs:
        if not now_s - past_s <= log.time_s <= now_s + future_s:
            raise SlsError(
                400, "PostBodyInvalid", f"The post data time is out of range: {log.time_s}"
            )


def _too_large(found: str, limits: Limits) -> SlsError:
    return SlsError(
        400,
        "PostBodyTooLarge",
        f"Logs must be less than or equal to {limits.max_raw_bytes} bytes and"
        f" {limits.max_logs} entries: these are {found}.",
    )
