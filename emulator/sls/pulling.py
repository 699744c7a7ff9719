"""
Shards, cursors and PullLogs: reading what came in, in order of arrival, without an index.

Source: Log Service API reference, "ListShards", "GetCursor", "GetCursorTime", "PullLogs". A
cursor is a number in base64, and the cursor before it is the number minus one, as the Python
SDK counts (logclient.py, `get_previous_cursor_time`). Nothing expires here, whatever the `ttl`.
"""

from __future__ import annotations

import base64

from emulator.sls import compression, protobuf
from emulator.sls.errors import SlsError, parameter_invalid
from emulator.sls.operations import Answer, Call, Checked, checked, document, whole_number
from emulator.sls.state import Logstore, Packet, Shard

_MAX_COUNT = 1000
_CURSORS_PER_S = 1_000_000_000


def list_shards(call: Call) -> Checked:
    """Describe all shards of a logstore."""
    logstore = call.projects.logstore(call.project, call.logstore)
    call.query(frozenset())
    created_s = int(logstore.created_at.timestamp())
    shards = [
        {
            "shardID": shard.id,
            "status": "readwrite",
            "inclusiveBeginKey": shard.begin_key,
            "exclusiveEndKey": shard.end_key,
            "createTime": created_s,
        }
        for shard in logstore.shards
    ]
    return document(call, shards)


def get_cursor(call: Call) -> Checked:
    """Return the cursor of `begin`, of `end`, or of what came first from a second on."""
    logstore, shard = _shard(call)
    wanted = call.query(frozenset({"from"})).get("from")
    if wanted is None:
        raise parameter_invalid("Parameter From is not valid: it is missing.")
    since_s = None if wanted in ("begin", "end") else whole_number("from", wanted)

    def effect() -> Answer:
        packets = call.projects.packets(shard)
        if since_s is None:
            position = 0 if wanted == "begin" else len(packets)
        else:
            position = _first_since(packets, since_s)
        return document(call, {"cursor": _cursor(logstore, position)}).effect()

    return checked(call, effect)


def get_cursor_time(call: Call) -> Checked:
    """Return the second at which a cursor's packet came; now for a cursor that has none yet."""
    logstore, shard = _shard(call)
    cursor = _required_cursor(call.query(frozenset({"cursor"})))

    def effect() -> Answer:
        packets = call.projects.packets(shard)
        position = _position(logstore, cursor, len(packets))
        at = packets[position].received_at if position < len(packets) else call.clock.now()
        return document(call, {"cursor_time": int(at.timestamp())}).effect()

    return checked(call, effect)


def pull_logs(call: Call) -> Checked:
    """Return log groups from a cursor on: as many as `count`, and none from `end_cursor` on."""
    logstore, shard = _shard(call)
    query = call.query(frozenset({"cursor", "end_cursor", "count"}))
    cursor = _required_cursor(query)
    if "count" not in query:
        raise parameter_invalid("count is missing.")
    count = whole_number("count", query["count"])
    if not 1 <= count <= _MAX_COUNT:
        raise parameter_invalid(f"Parameter Count should be in [1-{_MAX_COUNT}]: {count}.")

    def effect() -> Answer:
        packets = call.projects.packets(shard)
        first = _position(logstore, cursor, len(packets))
        last = len(packets)
        if "end_cursor" in query:
            last = _position(logstore, query["end_cursor"], last)
        pulled = packets[first : min(last, first + count)]
        raw = protobuf.encode(packet.group for packet in pulled)
        body, headers = compression.compressed(raw, call.request.headers.get("accept-encoding", ""))
        headers |= {
            "Content-Type": "application/x-protobuf",
            "x-log-cursor": _cursor(logstore, first + len(pulled)),
            "x-log-count": str(len(pulled)),
        }
        return Answer(body=body, headers=headers)

    return checked(call, effect)


def _shard(call: Call) -> tuple[Logstore, Shard]:
    logstore = call.projects.logstore(call.project, call.logstore)
    number = whole_number("shard", call.shard)
    if not 0 <= number < len(logstore.shards):
        raise SlsError(400, "ShardNotExist", f"Shard {number} does not exist.")
    return logstore, logstore.shards[number]


def _first_since(packets: list[Packet], since_s: int) -> int:
    arrived = (n for n, packet in enumerate(packets) if packet.received_at.timestamp() >= since_s)
    return next(arrived, len(packets))


def _required_cursor(query: dict[str, str]) -> str:
    if "cursor" not in query:
        raise parameter_invalid("Parameter Cursor is not valid: it is missing.")
    return query["cursor"]


def _begin(logstore: Logstore) -> int:
    """Return the number of a shard's first cursor: it has the digits that the service's have."""
    return int(logstore.created_at.timestamp()) * _CURSORS_PER_S


def _cursor(logstore: Logstore, position: int) -> str:
    return base64.b64encode(str(_begin(logstore) + position).encode()).decode()


def _position(logstore: Logstore, cursor: str, end: int) -> int:
    """Return which packet a cursor means; raises InvalidCursor outside of begin to end."""
    try:
        # The Python SDK's own arithmetic leaves a line break behind it.
        bare = cursor.strip().rstrip("=")
        padded = bare + "=" * (-len(bare) % 4)
        number = base64.b64decode(padded, validate=True).decode("ascii")
        position = whole_number("cursor", number) - _begin(logstore)
    except (ValueError, SlsError):
        # Neither base64 nor a number.
        position = -1
    if not 0 <= position <= end:
        raise SlsError(400, "InvalidCursor", f"This cursor is invalid: {cursor}.")
    return position
