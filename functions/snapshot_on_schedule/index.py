"""Creates snapshots when a timer fires, and on direct requests."""

from __future__ import annotations

from typing import Any

from shared.runtime import lazy_imports

with lazy_imports.importing():
    from shared.entrypoints.take_snapshots import respond
    from shared.runtime.clock import Clock


def handler(event: bytes, context: Any, *, clock: Clock | None = None) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """
    Handle a timer's event or a direct request; Function Compute calls it as ``index.handler``.

    What is returned and raised: `shared.entrypoints.take_snapshots.respond`.
    `clock` is for tests.
    """
    return respond(event, context, function="snapshot_on_schedule", kind="timer", clock=clock)
