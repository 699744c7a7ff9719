"""Restarts unfinished runs, and starts the runs of timers that did not fire."""

from __future__ import annotations

from typing import Any

from shared.runtime import lazy_imports

with lazy_imports.importing():
    from shared.entrypoints.resume_runs import respond
    from shared.runtime.clock import Clock


def handler(event: bytes, context: Any, *, clock: Clock | None = None) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """
    Handle a timer's event, or a request for a dry run; called as ``index.handler``.

    What is returned and raised: `shared.entrypoints.resume_runs.respond`.
    `clock` is for tests.
    """
    return respond(event, context, clock=clock)
