"""
The tables of the emulator's documents: its operations, from their rows, and the settings of ECS.

`cli.reference_tables` writes them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from cli.markdown import listed, table
from emulator.ecs import operations as ecs
from emulator.ecs import settings
from emulator.fc import routes as fc
from emulator.operation import Operation, Parameters
from emulator.options import parser
from emulator.ram import operations as ram
from emulator.sls import routes as sls
from emulator.sls import sql
from emulator.smq import messages as smq_messages
from emulator.smq import operations as smq
from emulator.sts import operations as sts

OWNERS = frozenset({"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"})
_GROUP = re.compile(r"\(\?P<(\w+)>\[\^/\]\+\)")


def _rpc(operations: Mapping[str, Operation[Any, Any]]) -> Callable[[], str]:
    """Return what makes the table of a service of the RPC style."""

    def rows() -> str:
        cells = [_of_parameters(one.name, one.parameters) for one in operations.values()]
        head = ("operation", "required", "also honoured", "documented, not implemented")
        return table(head, cells)

    return rows


def _of_parameters(name: str, known: Parameters) -> tuple[str, ...]:
    rejected = sorted(known.rejected - OWNERS)
    owners = ["owners"] if known.rejected & OWNERS else []
    return (
        f"`{name}`",
        listed(known.required),
        listed(sorted(known.honoured - set(known.required))),
        ", ".join([f"`{one}`" for one in rejected] + owners),
    )


def _sls_operations() -> str:
    return _routes(sls.OPERATIONS)


def _smq_messages() -> str:
    return _routes(smq_messages.OPERATIONS.values())


def _sls_functions() -> str:
    return listed(sql.FUNCTIONS) + "\n"


def _fc_operations() -> str:
    return _routes(fc.OPERATIONS)


def _routes(operations: Iterable[Operation[Any, Any]]) -> str:
    """Return a row for each operation, with all requests that mean it."""
    rows: dict[tuple[str, str], list[str]] = {}
    for one in operations:
        route = one.route
        path = _GROUP.sub(r"<\1>", route.path.pattern)
        query = f"?type={route.kind}" if route.kind else ""
        rows.setdefault((one.name, one.action), []).append(f"`{route.method} {path}{query}`")
    cells = [
        (f"`{name}`", ", ".join(requests), f"`{action}`")
        for (name, action), requests in rows.items()
    ]
    return table(("operation", "request", "action that a role needs"), cells)


def _ecs_settings() -> str:
    meanings = dict(_docstrings(Path(settings.__file__)))
    rows = [
        (f"`{one.name}`", _option(one.name), _default(one.default), meanings[one.name])
        for one in fields(settings.EcsSettings)
    ]
    return table(("setting", "option of `serve`", "default", "meaning"), rows)


def _docstrings(path: Path) -> Iterable[tuple[str, str]]:
    """Yield the fields of the classes of a module, each with the text below it in one line."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        body = node.body if isinstance(node, ast.ClassDef) else []
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                yield ast.unparse(field.target), " ".join(ast.literal_eval(text.value).split())


def _option(name: str) -> str:
    (command,) = parser()._subparsers._group_actions  # type: ignore[union-attr] # noqa: SLF001 - argparse shows its options nowhere else
    for action in command.choices["serve"]._actions:  # type: ignore[index] # noqa: SLF001 - as above
        if action.dest == name:
            return f"`{action.option_strings[0]}`"
    return ""


def _default(value: object) -> str:
    return "none" if value is None else f"`{value}`"


EMULATOR_TABLES: Mapping[str, Callable[[], str]] = {
    "ecs operations": _rpc(ecs.OPERATIONS),
    "ecs settings": _ecs_settings,
    "fc operations": _fc_operations,
    "ram operations": _rpc(ram.OPERATIONS),
    "sls functions": _sls_functions,
    "sls operations": _sls_operations,
    "smq messages": _smq_messages,
    "smq operations": _rpc(smq.OPERATIONS),
    "sts operations": _rpc(sts.OPERATIONS),
}
