"""
The SQL behind the `|` of a query: a stated subset, carried out by DuckDB.

Source: Log Service, "SQL syntax and functions" and "Date and time functions" (current_timezone is
Asia/Shanghai there). The dialect of the service is Presto's, and sqlglot translates it. Whatever is
not in the subset is rejected by its name. No cast is guessed: what the index has as text is a text,
and an operator or a function that wants a number rejects it, as in Presto.

Never searches: it gets the records that the part before the `|` found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from emulator.sls.errors import SlsError, not_implemented, parameter_invalid
from emulator.sls.sql_rows import TABLE, TYPES, Type, fill, text_of

MAX_ROWS = 100
"""Rows of an answer without LIMIT ("LIMIT clause")."""
_RESERVED: Mapping[str, Type] = {"__time__": "long", "__topic__": "text", "__source__": "text"}
_NOW = "CURRENT_TIMESTAMP"
"""How `now()` is written for DuckDB, whose own clock is not the cloud's."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_SYNTAX: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.From, exp.Table, exp.Subquery, exp.TableAlias, exp.Where, exp.Group),
    *(exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Distinct, exp.Star, exp.Paren),
    *(exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Tuple),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In),
    *(exp.Is, exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg),
    *(exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.DPipe, exp.Var),
)
_FUNCTIONS: Mapping[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.CountIf: "count_if",
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
    exp.ArgMax: "max_by",
    exp.ArgMin: "min_by",
    exp.ApproxDistinct: "approx_distinct",
    exp.Round: "round",
    exp.Abs: "abs",
    exp.Coalesce: "coalesce",
    exp.Nullif: "nullif",
    exp.Greatest: "greatest",
    exp.Concat: "concat",
    exp.Lower: "lower",
    exp.Length: "length",
    exp.Substring: "substr",
    exp.UnixToTime: "from_unixtime",
    exp.TimeToUnix: "to_unixtime",
    exp.TimestampTrunc: "date_trunc",
    exp.TimeToStr: "date_format",
    exp.FromISO8601Timestamp: "from_iso8601_timestamp",
    exp.RegexpLike: "regexp_like",
    exp.CurrentTimestamp: "now",
}
"""The functions of the subset, as Presto calls them."""
FUNCTIONS = tuple(sorted(set(_FUNCTIONS.values())))
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
_ALIKE = (exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest)


def split(query: str) -> tuple[str, str]:
    """Return the search statement of a query, and its SQL; empty if it has none."""
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|\|', query):
        if match[0] == "|":
            return query[: match.start()], query[match.end() :].strip()
    return query, ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that was found good."""

    sql: str
    """For DuckDB."""
    columns: Mapping[str, Type]
    """The fields that it reads."""

    def rows(self, records: Iterable[Mapping[str, str]], *, now: datetime) -> list[dict[str, str]]:
        """
        Return the rows of an answer; every value is a text, as in the service.

        Args:
            records: What the search found.
            now: The instant of `now()`.

        Raises:
            SlsError: A value cannot be calculated with.

        """
        connection = duckdb.connect(":memory:")
        try:
            fill(connection, self.columns, records)
            cursor = connection.execute(self.sql.replace(_NOW, f"TIMESTAMPTZ '{now.isoformat()}'"))
            names = [column[0] for column in cursor.description or ()]
            found = cursor.fetchmany(MAX_ROWS if not _has_limit(self.sql) else 1_000_000)
        except duckdb.Error as exc:
            raise _invalid(str(exc).splitlines()[0]) from exc
        finally:
            connection.close()
        return [dict(zip(names, map(text_of, row), strict=True)) for row in found]


def statement(sql: str, fields: Mapping[str, Type], every: Type | None) -> Statement:
    """
    Check a statement.

    Args:
        sql: The part behind the `|`.
        fields: The fields that the index has for analysis, by name.
        every: The type of all other fields; None if the index has no others.

    Raises:
        SlsError: ParameterInvalid for what is no statement or reads an unknown field,
            Emulator.NotImplemented for what is not in the subset.

    """
    try:
        tree = sqlglot.parse_one(sql, read="presto")
    except SqlglotError as exc:
        raise _invalid(str(exc).splitlines()[0]) from exc
    _check_subset(tree)
    aliases = {alias.alias for alias in tree.find_all(exp.Alias)}
    for select in tree.find_all(exp.Select):
        if select.args.get("from_") is None:
            select.set("from_", exp.From(this=exp.Table(this=exp.to_identifier(TABLE))))
    columns = _columns(tree, aliases, fields, every)
    typed = _check_types(tree, columns)
    prepared = Statement(sql=typed.sql(dialect="duckdb"), columns=columns)
    # What its types do not allow is rejected without a record, too.
    prepared.rows((), now=_EPOCH)
    return prepared


def _check_subset(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Select):
        raise not_implemented(f"{tree.key}: the emulator's SQL has SELECT only.")
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            raise _unknown_function(node.name)
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise not_implemented("*: the emulator's SQL wants each column by its name.")
        if type(node) in _FUNCTIONS or isinstance(node, _SYNTAX):
            continue
        if isinstance(node, exp.Func):
            raise _unknown_function(node.sql_name().lower())
        raise not_implemented(f"{node.key}: not in the subset of SQL that the emulator has.")
    for table in tree.find_all(exp.Table):
        if table.name != TABLE:
            raise not_implemented(f"FROM {table.name}: the emulator's SQL reads from {TABLE} only.")


def _columns(
    tree: exp.Expr,
    aliases: set[str],
    fields: Mapping[str, Type],
    every: Type | None,
) -> dict[str, Type]:
    columns: dict[str, Type] = {}
    for column in tree.find_all(exp.Column):
        name = column.name
        kind = _RESERVED.get(name) or fields.get(name) or (None if name in aliases else every)
        if kind is None and name not in aliases:
            known = ", ".join(sorted(fields)) or "no field"
            raise _invalid(
                f"column '{name}' can not be resolved: the index has {known} for analysis"
            )
        if kind is not None:
            columns[name] = kind
    return columns


def _check_types(tree: exp.Expr, columns: Mapping[str, Type]) -> exp.Expr:
    """
    Reject a number where a text is, and the reverse: DuckDB would convert one, Presto does not.

    Returns the statement with its types, from which division of whole numbers follows.
    """
    named: Mapping[str, Type] = {"__time__": "long", **columns}
    schema: dict[str, object] = {TABLE: {name: TYPES[kind] for name, kind in named.items()}}
    typed = annotate_types(_qualified(tree, named), schema=schema, dialect="presto")
    for node in typed.walk():
        if isinstance(node, (*_COMPARISONS, *_ALIKE)):
            kinds = {_kind(one) for one in _operands(node)} - {""}
            if len(kinds) > 1:
                raise _invalid(f"'{node.sql()}': a number and a varchar are mixed; cast one")
        if isinstance(node, (exp.Concat, exp.DPipe)) and any(
            _kind(one) == "number" for one in _operands(node)
        ):
            raise _invalid(f"'{node.sql()}': a number is no varchar; cast it")
    return typed


def _qualified(tree: exp.Expr, fields: Collection[str]) -> exp.Expr:
    """Return a statement whose fields name their table, so that they have types."""
    copied = tree.copy()
    for select in copied.find_all(exp.Select):
        source = select.args["from_"].this
        if not isinstance(source, exp.Table):
            continue
        aliases = {alias.alias for alias in select.expressions if isinstance(alias, exp.Alias)}
        for column in select.find_all(exp.Column):
            inner = column.find_ancestor(exp.Select)
            # ORDER BY means a column of the answer first.
            is_output = column.name in aliases and column.find_ancestor(exp.Order) is not None
            if inner is select and column.name in fields and not is_output:
                column.set("table", exp.to_identifier(TABLE))
    return copied


def _operands(node: exp.Expr) -> list[exp.Expr]:
    """Return the parts of a node that have to be of one kind."""
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        return [*branches, *filter(None, [node.args.get("default")])]
    if isinstance(node, exp.If):
        return [part for name in ("true", "false") if (part := node.args.get(name)) is not None]
    return [part for part in node.iter_expressions() if not isinstance(part, exp.Null)]


def _kind(node: exp.Expr) -> str:
    if node.type is None:
        return ""
    if node.is_type(*exp.DataType.NUMERIC_TYPES):
        return "number"
    return "text" if node.is_type(*exp.DataType.TEXT_TYPES) else ""


def _has_limit(sql: str) -> bool:
    return sqlglot.parse_one(sql, read="duckdb").args.get("limit") is not None


def _unknown_function(name: str) -> SlsError:
    return not_implemented(f"{name}: the emulator's SQL has {', '.join(FUNCTIONS)}.")


def _invalid(why: str) -> SlsError:
    return parameter_invalid(f"SQL: {why.rstrip('.')}.")
