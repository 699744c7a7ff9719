"""The tables of the documents, read as the tests compare them with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
RECORDS, TROUBLESHOOTING = "records.md", "troubleshooting.md"
CONFIGURATION, POLICIES = "configuration.md", "policies.md"


@cache
def text_of(document: str) -> str:
    """Return the text of a file in docs/."""
    return (DOCS / document).read_text(encoding="utf-8")


def section(document: str, heading: str) -> str:
    """Return what follows a heading, up to the next heading of the same or a higher level."""
    level = heading.index(" ")
    after = f"\n{text_of(document)}".split(f"\n{heading}\n")[1]
    return re.split(rf"\n#{{1,{level}}} ", after, maxsplit=1)[0]


def rows(document: str, heading: str) -> list[list[str]]:
    """Return the cells of all tables below a heading, without the lines that head a table."""
    lines = section(document, heading).splitlines()
    heads = {number - 1 for number, line in enumerate(lines) if re.fullmatch(r"[|\s:-]+", line)}
    found = [
        line
        for number, line in enumerate(lines)
        if line.startswith("|") and number not in heads and number - 1 not in heads
    ]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found]


def quoted(cell: str) -> list[str]:
    """Return the texts in a cell that are marked as code."""
    return re.findall(r"`([^`]+)`", cell)


def first_cells(document: str, heading: str) -> list[str]:
    """Return the texts that are marked as code in the first cells of the tables."""
    return [text for cells in rows(document, heading) for text in quoted(cells[0])]


# --- records ---------------------------------------------------------------------------------

_OF_ALL = ("record", "at", "function", "request_id", "account_id", "deployment", "version")


def undocumented(records: Iterable[Mapping[str, str]]) -> set[str]:
    """Return what records contain and docs/records.md does not list: fields and statuses."""
    found: set[str] = set()
    for record in records:
        if not {"record", "version", "function"} <= record.keys():
            continue  # not a record of a function
        kind = record["record"]
        if kind not in fields_by_kind():
            found.add(kind)
            continue
        for name in (one for one in record if not one.startswith("__")):  # SLS adds its own
            if not any(_fits(name, known) for known in fields_by_kind()[kind]):
                found.add(f"{kind}.{name}")
        if "status" in record and record["status"] not in statuses_of(kind):
            found.add(f"{kind}.status: {record['status']}")
    return found


@cache
def fields_by_kind() -> Mapping[str, frozenset[str]]:
    """Return by record kind the fields that docs/records.md gives it."""
    table = rows(RECORDS, "## Record kinds")
    kinds = {quoted(cells[0])[0]: quoted(cells[3]) for cells in table if len(cells) == 4}
    others = {quoted(cells[0])[0] for cells in table if len(cells) == 2}
    of_all = others & set(_OF_ALL)
    of_run = others - of_all
    text = section(RECORDS, "## Record kinds").split("are about a\nrun")[0]
    about_runs = quoted(text.rpartition("\n\n")[2])
    return {
        kind: frozenset(own) | of_all | (of_run if kind in about_runs else frozenset())
        for kind, own in kinds.items()
    }


@cache
def statuses_of(kind: str) -> frozenset[str]:
    """Return the statuses that docs/records.md lists for a record kind."""
    if kind == "disk":
        return frozenset(first_cells(RECORDS, "### Disks"))
    if kind == "part_finished":
        return frozenset(first_cells(RECORDS, "### Runs"))
    other = rows(RECORDS, "### Other records")
    found = {one for cells in other if kind in quoted(cells[1]) for one in quoted(cells[0])}
    # Such a record's status is its kind.
    return frozenset(found | {kind})


def _fits(name: str, known: str) -> bool:
    """Return whether a field is documented; a part in capitals means any text."""
    return fnmatchcase(name, re.sub(r"[A-Z]+$", "*", known))


# --- the code --------------------------------------------------------------------------------


@cache
def modules() -> tuple[ast.Module, ...]:
    """Return all modules of shared/, parsed."""
    paths = sorted((ROOT / "shared").rglob("*.py"))
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in paths)


@cache
def texts_in_code() -> frozenset[str]:
    """Return every text and every keyword's name in shared/."""
    found: set[str] = set()
    for node in (node for module in modules() for node in ast.walk(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return frozenset(found)


@cache
def codes_in_code() -> frozenset[str]:
    """
    Return every text of shared/ that can be a code: of the form of one, and set as one or named.

    Set are the texts in what is assigned to `code`, passed as `code` or, to the methods that record
    a timer, as the second argument; names stand for their texts.
    """
    nodes = (node for module in modules() for node in ast.walk(module))
    values = (value for node in nodes for value in _codes_set_by(node))
    texts = {text for value in values for text in _texts(value)} | {*_constants().values()}
    return frozenset(text for text in texts if _CODE.fullmatch(text))


_CODE = re.compile(r"([A-Z][a-z]+)+(\.([A-Z][A-Za-z]+)+)*")


def _codes_set_by(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.keyword) and node.arg == "code":
        yield node.value
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _ABOUT_TIMERS:
        yield from node.args[1:2]
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            pairs: list[tuple[ast.AST, ast.AST]] = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = [*zip(target.elts, node.value.elts, strict=True)]
            for name, value in pairs:
                if "code" in (getattr(name, "id", ""), getattr(name, "attr", "")):
                    yield value


_ABOUT_TIMERS = ("_timer_invalid", "_record_failure")


def _texts(value: ast.AST) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Name) and node.id in _constants():
            yield _constants()[node.id]


@cache
def _constants() -> Mapping[str, str]:
    """Return the texts of shared/ that have a name, by it."""
    found: dict[str, str] = {}
    for node in (node for module in modules() for node in module.body):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        text = value.value if isinstance(value, ast.Constant) else None
        if isinstance(target, ast.Name) and isinstance(text, str):
            found[target.id] = text
    return found
