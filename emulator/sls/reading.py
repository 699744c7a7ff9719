"""
GetLogs: the records of a time range that a query finds, page by page; no SQL.

Source: Log Service API reference, "GetLogs" (the GET form), and the Python SDK
(logclient.py, `get_log`) for the form it uses by default: a POST of the same
parameters as JSON to `/logstores/<logstore>/logs`, answered with `meta` and
`data`, lz4-compressed when Accept-Encoding asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import lz4.block

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, refuse_unknown
from emulator.sls.operations import Answer, Call, Checked, whole_number
from emulator.sls.search import Test, search
from emulator.sls.state import Record

_MAX_LINES = 100
_NS_PER_S = 1_000_000_000
_KNOWN = frozenset(
    {
        *("from", "to", "topic", "query", "line", "offset", "reverse"),
        # Sent by the Python SDK with every query.
        *("fromNs", "toNs", "powerSql", "accurate", "forward"),
    }
)
_BOOLEANS = {"true": True, "false": False}
_Form = Callable[[Call, list[dict[str, str]]], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    from_ns: int
    """Included."""
    to_ns: int
    """Not included."""
    topic: str
    """Empty is every topic."""
    line_count: int
    offset: int
    reverse: bool


def get_logs(call: Call) -> Checked:
    """Check a query as GET; answered with a list of logs, the rest in headers."""
    given = {name: value for name, value in call.request.query if name != "type"}
    return _get(call, given, _as_list)


def get_logs_v2(call: Call) -> Checked:
    """Check a query as POST; answered with `meta` and `data`."""
    return _get(call, call.json_body(), _as_document)


def _get(call: Call, given: Mapping[str, object], answer: _Form) -> Checked:
    logstore = call.projects.logstore(call.project, call.logstore)
    query = _parse(given)
    if logstore.index is None:
        raise SlsError(400, "IndexConfigNotExist", "Logstore without index config.")
    is_found = search(str(given.get("query") or ""), logstore.index)
    params = {name: str(value) for name, value in given.items()}
    params |= {"project": call.project, "logstore": call.logstore}

    def effect() -> Answer:
        records = call.projects.records(call.project, call.logstore)
        return answer(call, _page(records, query, is_found))

    return Checked(params=params, effect=effect)


def _parse(given: Mapping[str, object]) -> _Query:
    refuse_unknown(given, _KNOWN)
    if _boolean("powerSql", given):
        raise not_implemented("powerSql: the local cloud has no SQL.")
    # Search and ordering are always exact, and there is no scan to page through: only checked.
    _boolean("accurate", given)
    _boolean("forward", given)
    query = _Query(
        from_ns=_instant(given, "from"),
        to_ns=_instant(given, "to"),
        topic=str(given.get("topic") or ""),
        line_count=_bounded(given, "line", "InvalidLine", default=_MAX_LINES, most=_MAX_LINES),
        offset=_bounded(given, "offset", "InvalidOffset", default=0, most=None),
        reverse=_boolean("reverse", given),
    )
    if query.from_ns >= query.to_ns:
        raise SlsError(
            400, "InvalidTimeRange", "Request time range is invalid: from is not before to."
        )
    return query


def _instant(given: Mapping[str, object], name: str) -> int:
    if name not in given:
        raise parameter_invalid(f"{name} is missing.")
    nanoseconds = whole_number(f"{name}Ns", given.get(f"{name}Ns", 0))
    return whole_number(name, given[name]) * _NS_PER_S + nanoseconds


def _bounded(
    given: Mapping[str, object], name: str, code: str, *, default: int, most: int | None
) -> int:
    value = whole_number(name, given.get(name, default))
    if value < 0 or (most is not None and value > most):
        limit = "" if most is None else f" and {most}"
        raise SlsError(400, code, f"{name} is invalid: {value} is not between 0{limit}.")
    return value


def _boolean(name: str, given: Mapping[str, object]) -> bool:
    value = given.get(name, False)
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(str(value).lower())
    if found is None:
        code = "InvalidReverse" if name == "reverse" else "ParameterInvalid"
        raise SlsError(400, code, f"{name} is {value!r}, and must be true or false.")
    return found


def _page(records: list[Record], query: _Query, is_found: Test) -> list[dict[str, str]]:
    """Sort by second, then arrival; only what was indexed on arrival is found."""
    found = [
        record
        for record in records
        if record.indexed
        and query.from_ns <= record.at_ns < query.to_ns
        and query.topic in ("", record.topic)
        and is_found(dict(record.fields))
    ]
    # Not by nanosecond: the Python SDK fills that part in with its own clock's (LogItem).
    found.sort(key=lambda record: record.time_s)
    if query.reverse:
        found.reverse()
    return [dict(record.fields) for record in found[query.offset :][: query.line_count]]


def _as_list(_call: Call, logs: list[dict[str, str]]) -> Answer:
    return Answer(
        body=json.dumps(logs).encode(),
        headers={
            "Content-Type": "application/json",
            "x-log-progress": "Complete",
            "x-log-count": str(len(logs)),
            "x-log-processed-rows": str(len(logs)),
            "x-log-elapsed-millisecond": "0",
            "x-log-has-sql": "false",
        },
    )


def _as_document(call: Call, logs: list[dict[str, str]]) -> Answer:
    meta = {
        "progress": "Complete",
        "count": len(logs),
        "processedRows": len(logs),
        "elapsedMillisecond": 0,
        "hasSQL": False,
        "isAccurate": True,
        "keys": sorted({name for log in logs for name in log}),
        "terms": [],
    }
    body = json.dumps({"meta": meta, "data": logs}).encode()
    headers = {"Content-Type": "application/json"}
    if "lz4" not in call.request.headers.get("accept-encoding", ""):
        return Answer(body=body, headers=headers)
    headers |= {"x-log-compresstype": "lz4", "x-log-bodyrawsize": str(len(body))}
    return Answer(body=lz4.block.compress(body, store_size=False), headers=headers)
