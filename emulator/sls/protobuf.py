"""
Bytes to log groups: the protobuf messages of PutLogs, built at import.

Source: Log Service API reference, "Data encoding"; field 4 of Log (Time_ns)
from the Python SDK's descriptor. Text fields are declared as bytes, so that a
value that is not UTF-8 reaches the check that names it. The client's own
generated module is not used: an emulator that decodes with the client's code
agrees with the client's mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from emulator.sls.errors import SlsError

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "emulator.sls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One entry of a log group, decoded."""

    time_s: int
    time_ns: int
    """The part below a second."""
    contents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """What one PutLogs carries, decoded."""

    logs: tuple[Log, ...]
    topic: str
    source: str
    tags: tuple[tuple[str, str], ...]


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


def _log_group_class() -> Any:  # noqa: ANN401 - a class made at run time has no static type
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
    # A pool of its own: the default one may hold a client's messages of the same names.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.LogGroup"))


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


_LOG_GROUP = _log_group_class()
