"""Records as the table that a statement reads, and DuckDB's values as the texts of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import duckdb

Type = Literal["text", "long", "double"]
TIME_ZONE = "Asia/Shanghai"
TABLE = "log"
TYPES: Mapping[Type, str] = {"text": "VARCHAR", "long": "BIGINT", "double": "DOUBLE"}
_ROWS_PER_INSERT = 50_000


def fill(
    connection: duckdb.DuckDBPyConnection,
    columns: Mapping[str, Type],
    records: Iterable[Mapping[str, str]],
) -> None:
    """
    Make the table of a statement.

    Args:
        connection: An empty database.
        columns: The fields that the statement reads.
        records: What the search found.

    """
    connection.execute(f"SET TimeZone = '{TIME_ZONE}'")
    named: Mapping[str, Type] = {"__time__": "long", **columns}
    kinds = {name: TYPES[kind] for name, kind in named.items()}
    listed = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    connection.execute(f"CREATE TABLE {TABLE} ({listed})")
    # As JSON, because DuckDB looks for libraries anew with each value that it takes from Python.
    values: list[list[str | int | float | None]] = [[] for _ in kinds]
    for record in records:
        for column, (name, kind) in zip(values, kinds.items(), strict=True):
            column.append(_value(record.get(name), kind))
    lists = ", ".join(f"""unnest(from_json(?, '["{kind}"]'))""" for kind in kinds.values())
    for start in range(0, len(values[0]), _ROWS_PER_INSERT):
        part = [json.dumps(column[start : start + _ROWS_PER_INSERT]) for column in values]
        connection.execute(f"INSERT INTO {TABLE} SELECT {lists}", part)


def _value(text: str | None, kind: str) -> str | int | float | None:
    """Return a field's value; what is no number has none, as in the service."""
    if text is None or kind == "VARCHAR":
        return text
    if not re.fullmatch(r"-?\d+(?:\.\d*)?", text, re.ASCII):
        return None
    return float(text) if kind == "DOUBLE" else int(float(text))


def text_of(value: Any) -> str:  # noqa: ANN401 - any value of DuckDB
    """Return a value as SLS writes it in an answer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return json.dumps(list(value), default=str)
    return str(value)
