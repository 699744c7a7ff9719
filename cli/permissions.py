"""
Which actions the code calls, read from `ecs.py` and `sls.py` of `shared/clients/`.

Every function can reach all of both; what one never calls is said in `NEVER_CALLS`. Never looks
at a role, and never asks whether some path needs a right: tests do, by running each with a role
that lacks one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared import clients

BESIDES = {"ecs:CreateSnapshot": "ecs:TagResources"}
"""What a call needs besides its own action, since it sends tags: assumed, not documented."""
WRITES_RECORDS = "log:PostLogStoreLogs"
HANDS_OVER = frozenset({"snapshot_on_event", "snapshot_on_schedule"})
"""The functions that start themselves again for what is left: `fc:InvokeFunction` on each."""

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
"""By function what it has no use for, and no right to: one lists no instances, one calls no ECS."""
BESIDES_OTHERS = {
    "resume_runs": frozenset({"log:GetLogStoreLogs", "fc:ListTriggers", "fc:InvokeFunction"}),
}
"""By function what it calls, and no other does: it reads records, and starts the others."""


@cache
def called_actions(doors: Path | None = None) -> frozenset[str]:
    """
    Return the actions that the code calls, as a RAM policy names them.

    Args:
        doors: The folder of `ecs.py` and `sls.py`; None is the project's own.

    """
    doors = doors or Path(clients.__file__).parent
    calls = {f"ecs:{action}" for action in _calls(doors / "ecs.py", "_call") if action}
    calls |= {BESIDES[action] for action in calls & BESIDES.keys()}
    if any(True for _ in _calls(doors / "sls.py", "put_logs")):
        calls.add(WRITES_RECORDS)
    return frozenset(calls)


def _calls(path: Path, method: str) -> Iterator[str]:
    """Return the first argument of each call of a method; empty where it is no text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == method:
            first = node.args[0] if node.args else None
            value = first.value if isinstance(first, ast.Constant) else None
            yield value if isinstance(value, str) else ""
