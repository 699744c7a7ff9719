"""
The RAM actions that the code calls, read from `ecs.py` and `sls.py` in `shared/clients/`.

Every function imports both; `NEVER_CALLS` lists what a function does not call. Never reads a
role, and never decides whether a path needs a permission: tests run each function with roles
that lack one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared import clients

BESIDES = {"ecs:CreateSnapshot": "ecs:TagResources"}
"""The additional action of a call, because it sends tags: assumed, not documented."""
WRITES_RECORDS = "log:PostLogStoreLogs"
HANDS_OVER = frozenset({"snapshot_on_event", "snapshot_on_schedule"})
"""The functions that start their own next part: `fc:InvokeFunction` on themselves."""

NEVER_CALLS = {
    "record_completion": frozenset({"ecs:DescribeInstances"}),
    "resume_runs": frozenset(
        {
            "ecs:CreateSnapshot",
            "ecs:DescribeDisks",
            "ecs:DescribeInstances",
            "ecs:DescribeSnapshots",
            "ecs:TagResources",
        }
    ),
}
"""By function the actions that it does not call, so that its role does not allow them."""
BESIDES_OTHERS = {
    "resume_runs": frozenset({"log:GetLogStoreLogs", "fc:ListTriggers", "fc:InvokeFunction"}),
}
"""By function the actions that only it calls: it reads records, and starts the others."""


@cache
def called_actions(clients_folder: Path | None = None) -> frozenset[str]:
    """
    Return the actions that the code calls, as a RAM policy names them.

    Args:
        clients_folder: The folder of `ecs.py` and `sls.py`; None is the project's own.

    """
    folder = clients_folder or Path(clients.__file__).parent
    calls = {f"ecs:{action}" for action in _calls(folder / "ecs.py", "_call") if action}
    calls |= {BESIDES[action] for action in calls & BESIDES.keys()}
    if any(True for _ in _calls(folder / "sls.py", "put_logs")):
        calls.add(WRITES_RECORDS)
    return frozenset(calls)


def _calls(path: Path, method: str) -> Iterator[str]:
    """Return the first argument of each call of a method; empty if it is not a text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == method:
            first = node.args[0] if node.args else None
            value = first.value if isinstance(first, ast.Constant) else None
            yield value if isinstance(value, str) else ""
