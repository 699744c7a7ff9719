"""Reports which disks are protected, overdue, or without protection."""

from __future__ import annotations

from typing import Any

from shared.runtime import lazy_imports

with lazy_imports.importing():
    from shared.entrypoints.report_coverage import respond
    from shared.runtime.clock import Clock


def handler(event: bytes, context: Any, *, clock: Clock | None = None) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """
    Handle a timer's event, a request, or a later part; called as ``index.handler``.

    What is returned and raised: `shared.entrypoints.report_coverage.respond`.
    `clock` is for tests.
    """
    return respond(event, context, clock=clock)
