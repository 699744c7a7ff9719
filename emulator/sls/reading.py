"""
GetLogs: the records of a time range that a query finds, page by page; no SQL.

Source: Log Service API reference, "GetLogs" (the GET form), and the Python SDK
(logclient.py, `get_log`) for the form it uses by default: a POST of the same
parameters as JSON to `/logstores/<logstore>/logs`, answered with `meta` and
`data`, compressed when Accept-Encoding asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emulator.sls import compression
from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, reject_unknown
from emulator.sls.operations import Answer, Call, Checked, boolean, whole_number
from emulator.sls.search import search
from emulator.sls.state import Record

NS_PER_S = 1_000_000_000
_MAX_LINES = 100
_KNOWN = frozenset(
    {
        *("from", "to", "topic", "query", "line", "offset", "reverse"),
        # Sent by the Python SDK with every query.
        *("fromNs", "toNs", "powerSql", "accurate", "forward"),
    }
)
_KNOWN_IN_A_BODY = _KNOWN | {"isAccurate", "highlight"}
_Form = Callable[[Call, list[dict[str, str]]], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of time."""

    from_ns: int
    """Included."""
    to_ns: int
    """Not included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A query that was found good."""

    range: Range
    params: Mapping[str, str]
    found: Callable[[], list[Record]]
    """Returns what the query finds, by second and then by arrival."""


def get_logs(call: Call) -> Checked:
    """Check a query as GET; answered with a list of logs, the rest in headers."""
    return _get(call, call.query(_KNOWN), _as_list)


def get_logs_v2(call: Call) -> Checked:
    """Check a query as POST; answered with `meta` and `data`."""
    call.query(frozenset())
    given = call.json_body()
    reject_unknown(given, _KNOWN_IN_A_BODY)
    if boolean("highlight", given.get("highlight", False)):
        raise not_implemented("highlight: the emulator marks nothing in its answers.")
    return _get(call, given, _as_document)


def prepared(call: Call, given: Mapping[str, object]) -> Search:
    """
    Check what GetLogs and GetHistograms have in common.

    Raises:
        SlsError: A parameter is missing or wrong, the query cannot be read, or there is no index.

    """
    logstore = call.projects.logstore(call.project, call.logstore)
    # Search and ordering are always exact, and there is no scan to page through: only checked.
    for name in ("accurate", "isAccurate", "forward"):
        boolean(name, given.get(name, False))
    within = Range(from_ns=_instant(given, "from"), to_ns=_instant(given, "to"))
    if within.from_ns >= within.to_ns:
        raise SlsError(
            400, "InvalidTimeRange", "Request time range is invalid: from is not before to."
        )
    if logstore.index is None:
        raise SlsError(400, "IndexConfigNotExist", "Logstore without index config.")
    is_found = search(str(given.get("query") or ""), logstore.index)
    topic = str(given.get("topic") or "")

    def found() -> list[Record]:
        records = [
            record
            for record in call.projects.records(call.project, call.logstore)
            # Only what was indexed on arrival is found.
            if record.indexed
            and within.from_ns <= record.at_ns < within.to_ns
            and topic in ("", record.group.topic)
            and is_found(record.fields)
        ]
        # Not by nanosecond: the Python SDK fills that part in with its own clock's (LogItem).
        return sorted(records, key=lambda record: record.log.time_s)

    params = {name: str(value) for name, value in given.items()}
    params |= {"project": call.project, "logstore": call.logstore}
    return Search(range=within, params=params, found=found)


def _get(call: Call, given: Mapping[str, object], answer: _Form) -> Checked:
    call.projects.logstore(call.project, call.logstore)
    if boolean("powerSql", given.get("powerSql", False)):
        raise not_implemented("powerSql: the emulator has no SQL.")
    line_count = _bounded(given, "line", "InvalidLine", default=_MAX_LINES, most=_MAX_LINES)
    offset = _bounded(given, "offset", "InvalidOffset", default=0, most=None)
    is_reversed = boolean("reverse", given.get("reverse", False), "InvalidReverse")
    query = prepared(call, given)

    def effect() -> Answer:
        found = query.found()[:: -1 if is_reversed else 1]
        page = found[offset : offset + line_count]
        return answer(call, [record.fields for record in page])

    return Checked(params=query.params, effect=effect)


def _instant(given: Mapping[str, object], name: str) -> int:
    if name not in given:
        raise parameter_invalid(f"{name} is missing.")
    nanoseconds = whole_number(f"{name}Ns", given.get(f"{name}Ns", 0))
    return whole_number(name, given[name]) * NS_PER_S + nanoseconds


def _bounded(
    given: Mapping[str, object], name: str, code: str, *, default: int, most: int | None
) -> int:
    value = whole_number(name, given.get(name, default))
    if value < 0 or (most is not None and value > most):
        limit = "" if most is None else f" and {most}"
        raise SlsError(400, code, f"{name} is invalid: {value} is not between 0{limit}.")
    return value


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
            # A client of before 0.9 reads it; mode 0 is a search of an index.
            "x-log-query-info": json.dumps({"mode": 0}),
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
    body, headers = compression.compressed(body, call.request.headers.get("accept-encoding", ""))
    return Answer(body=body, headers=headers | {"Content-Type": "application/json"})
