"""
GetLogs: the records of a time range that a query finds, page by page, or the rows of its SQL.

Source: Log Service API reference, "GetLogs" (the GET form), and the Python SDK
(logclient.py, `get_log`) for the form it uses by default: a POST of the same
parameters as JSON to `/logstores/<logstore>/logs`, answered with `meta` and
`data`, compressed when Accept-Encoding asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from emulator.sls import compression
from emulator.sls.errors import SlsError, not_implemented, parameter_invalid, reject_unknown
from emulator.sls.index import Index
from emulator.sls.operations import Answer, Call, Checked, boolean, whole_number
from emulator.sls.search import search
from emulator.sls.sql import Statement, split, statement
from emulator.sls.sql_rows import Type
from emulator.sls.state import Projects, Record

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
_Rows = list[dict[str, str]]


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
    sql: Statement | None = None
    """What calculates rows of it; None where the query has no SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What an answer has."""

    rows: _Rows
    query: str
    """The part before the SQL."""
    sql: str
    """Empty if there is none."""


_Form = Callable[[Call, _Found], Answer]


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
    call.projects.logstore(call.project, call.logstore)
    # Search and ordering are always exact, and there is no scan to page through: only checked.
    for name in ("accurate", "isAccurate", "forward"):
        boolean(name, given.get(name, False))
    within = Range(from_ns=_instant(given, "from"), to_ns=_instant(given, "to"))
    query, topic = str(given.get("query") or ""), str(given.get("topic") or "")
    params = {name: str(value) for name, value in given.items()}
    params |= {"project": call.project, "logstore": call.logstore}
    return _search(
        call.projects, call.project, call.logstore, query, within, topic=topic, params=params
    )


def rows(
    projects: Projects,
    project: str,
    logstore: str,
    query: str,
    from_s: int,
    to_s: int,
    *,
    now: datetime,
) -> _Rows:
    """Return what GetLogs answers: at most 100 records, or the rows of the SQL."""
    within = Range(from_ns=from_s * NS_PER_S, to_ns=to_s * NS_PER_S)
    asked = _search(projects, project, logstore, query, within)
    found = asked.found()
    if asked.sql:
        return asked.sql.rows((record.fields for record in found), now=now)
    return [record.fields for record in found[:_MAX_LINES]]


def _search(
    projects: Projects,
    project: str,
    logstore: str,
    query: str,
    within: Range,
    *,
    topic: str = "",
    params: Mapping[str, str] | None = None,
) -> Search:
    index = projects.logstore(project, logstore).index
    if within.from_ns >= within.to_ns:
        raise SlsError(
            400, "InvalidTimeRange", "Request time range is invalid: from is not before to."
        )
    if index is None:
        raise SlsError(400, "IndexConfigNotExist", "Logstore without index config.")
    words, sql = split(query)
    is_found = search(words, index)

    def found() -> list[Record]:
        records = [
            record
            for record in projects.records(project, logstore)
            # Only what was indexed on arrival is found.
            if record.indexed
            and within.from_ns <= record.at_ns < within.to_ns
            and topic in ("", record.group.topic)
            and is_found(record.fields)
        ]
        # Not by nanosecond: the Python SDK fills that part in with its own clock's (LogItem).
        return sorted(records, key=lambda record: record.log.time_s)

    checked = _statement(sql, index) if sql else None
    return Search(range=within, params=params or {}, found=found, sql=checked)


def _statement(sql: str, index: Index) -> Statement:
    fields: dict[str, Type] = {
        name: "long" if kind.type == "long" else "double" if kind.type == "double" else "text"
        for name, kind in index.keys.items()
        if kind.has_sql
    }
    return statement(sql, fields, "text" if index.every else None)


def _get(call: Call, given: Mapping[str, object], answer: _Form) -> Checked:
    call.projects.logstore(call.project, call.logstore)
    if boolean("powerSql", given.get("powerSql", False)):
        raise not_implemented("powerSql: the emulator has no dedicated SQL.")
    line_count = _bounded(given, "line", "InvalidLine", default=_MAX_LINES, most=_MAX_LINES)
    offset = _bounded(given, "offset", "InvalidOffset", default=0, most=None)
    is_reversed = boolean("reverse", given.get("reverse", False), "InvalidReverse")
    query = prepared(call, given)

    words, sql = split(str(given.get("query") or ""))

    def effect() -> Answer:
        found = query.found()
        if query.sql:
            # LIMIT in the statement is what `line` and `offset` are to a search.
            fields = (record.fields for record in found)
            rows = query.sql.rows(fields, now=call.clock.now())
        else:
            page = found[:: -1 if is_reversed else 1][offset : offset + line_count]
            rows = [record.fields for record in page]
        return answer(call, _Found(rows=rows, query=words.strip(), sql=sql))

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


def _as_list(_call: Call, found: _Found) -> Answer:
    logs = found.rows
    return Answer(
        body=json.dumps(logs).encode(),
        headers={
            "Content-Type": "application/json",
            "x-log-progress": "Complete",
            "x-log-count": str(len(logs)),
            "x-log-processed-rows": str(len(logs)),
            "x-log-elapsed-millisecond": "0",
            "x-log-has-sql": str(bool(found.sql)).lower(),
            "x-log-where-query": quote(found.query),
            "x-log-agg-query": quote(found.sql),
            # A client of before 0.9 reads it; mode 0 is a search of an index.
            "x-log-query-info": json.dumps({"mode": 0}),
        },
    )


def _as_document(call: Call, found: _Found) -> Answer:
    logs = found.rows
    meta = {
        "progress": "Complete",
        "count": len(logs),
        "processedRows": len(logs),
        "elapsedMillisecond": 0,
        "hasSQL": bool(found.sql),
        "whereQuery": found.query,
        "aggQuery": found.sql,
        "isAccurate": True,
        "keys": sorted({name for log in logs for name in log}),
        "terms": [],
    }
    body = json.dumps({"meta": meta, "data": logs}).encode()
    body, headers = compression.compressed(body, call.request.headers.get("accept-encoding", ""))
    return Answer(body=body, headers=headers | {"Content-Type": "application/json"})
