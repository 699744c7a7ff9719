"""Records how snapshots ended, and retries failed ones if their policy sets a number of retries."""

from __future__ import annotations

from typing import Any

from shared.runtime import lazy_imports

with lazy_imports.importing():
    from shared.entrypoints.record_completion import respond
    from shared.runtime.clock import Clock


def handler(event: bytes, context: Any, *, clock: Clock | None = None) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """
    Handle events of snapshots that ended; Function Compute calls it as ``index.handler``.

    What is returned and raised: `shared.entrypoints.record_completion.respond`.
    `clock` is for tests.
    """
    return respond(event, context, function="record_completion", clock=clock)
