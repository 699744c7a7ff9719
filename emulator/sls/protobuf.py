"""
Log groups from and to bytes: the protobuf messages of PutLogs and PullLogs, built at import.

Source: Log Service API reference, "Data encoding"; field 4 of Log (Time_ns)
from the Python SDK's descriptor. Text fields are declared as bytes, so that a
value that is not UTF-8 reaches the check that names it. The client's own
generated module is not used: an emulator that decodes with the client's code
agrees with the client's mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from emulator.sls.errors import SlsError
from emulator.sls.state import Log, LogGroup

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "emulator.sls"


def decode(body: bytes) -> LogGroup:
    """
    Return the log group in a body that is not compressed any more.

    Raises:
        SlsError: PostBodyInvalid, or InvalidEncoding for text that is not UTF-8.

    """
    message = _LOG_GROUP()
    try:
        message.ParseFromString(body)
    except DecodeError as exc:
        raise SlsError(
            400, "PostBodyInvalid", f"Protobuffer content cannot be parsed: {exc}"
        ) from exc
    missing = message.FindInitializationErrors()
    if missing:
        raise SlsError(
            400, "PostBodyInvalid", f"Protobuffer content cannot be parsed: no {missing}"
        )
    return LogGroup(
        logs=tuple(_log(log) for log in message.Logs),
        topic=_text(message.Topic),
        source=_text(message.Source),
        tags=tuple((_text(tag.Key), _text(tag.Value)) for tag in message.LogTags),
    )


def encode(groups: Iterable[LogGroup]) -> bytes:
    """Return a LogGroupList, the body of a PullLogs answer."""
    message = _LOG_GROUP_LIST()
    for group in groups:
        into = message.logGroupList.add(Topic=group.topic.encode(), Source=group.source.encode())
        for log in group.logs:
            entry = into.Logs.add(Time=log.time_s)
            if log.time_ns:
                entry.Time_ns = log.time_ns
            _add_pairs(entry.Contents, log.contents)
        _add_pairs(into.LogTags, group.tags)
    return bytes(message.SerializeToString())


def _add_pairs(into: Any, pairs: Iterable[tuple[str, str]]) -> None:  # noqa: ANN401 - see `_log`
    for key, value in pairs:
        into.add(Key=key.encode(), Value=value.encode())


def _log(message: Any) -> Log:  # noqa: ANN401 - a class made at run time has no static type
    return Log(
        time_s=message.Time,
        time_ns=message.Time_ns,
        contents=tuple((_text(pair.Key), _text(pair.Value)) for pair in message.Contents),
    )


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise SlsError(400, "InvalidEncoding", f"Non-UTF8 characters are in logs: {exc}") from exc


def _classes() -> tuple[Any, Any]:
    """Return the classes of LogGroup and LogGroupList."""
    file = descriptor_pb2.FileDescriptorProto(
        name="emulator_sls.proto", package=_PACKAGE, syntax="proto2"
    )
    pair = file.message_type.add(name="Pair")
    _add(pair, "Key", 1, _Field.LABEL_REQUIRED, _Field.TYPE_BYTES)
    _add(pair, "Value", 2, _Field.LABEL_REQUIRED, _Field.TYPE_BYTES)
    log = file.message_type.add(name="Log")
    _add(log, "Time", 1, _Field.LABEL_REQUIRED, _Field.TYPE_UINT32)
    _add(log, "Contents", 2, _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE, "Pair")
    _add(log, "Time_ns", 4, _Field.LABEL_OPTIONAL, _Field.TYPE_FIXED32)
    group = file.message_type.add(name="LogGroup")
    _add(group, "Logs", 1, _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE, "Log")
    for number, name in ((2, "Reserved"), (3, "Topic"), (4, "Source"), (5, "MachineUUID")):
        _add(group, name, number, _Field.LABEL_OPTIONAL, _Field.TYPE_BYTES)
    _add(group, "LogTags", 6, _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE, "Pair")
    groups = file.message_type.add(name="LogGroupList")
    _add(groups, "logGroupList", 1, _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE, "LogGroup")
    # A pool of its own: the default one may hold a client's messages of the same names.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in ("LogGroup", groups.name))
    one, several = map(message_factory.GetMessageClass, found)
    return one, several


def _add(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    label: _Field.Label.ValueType,
    kind: _Field.Type.ValueType,
    of: str = "",
) -> None:
    field = message.field.add(name=name, number=number, label=label, type=kind)
    if of:
        field.type_name = f".{_PACKAGE}.{of}"


_LOG_GROUP, _LOG_GROUP_LIST = _classes()
