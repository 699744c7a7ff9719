"""Records how a snapshot ended, and asks again for one that failed where its policy says so."""

from __future__ import annotations

from typing import Any

from shared import lean

with lean.importing():
    from shared.completing import respond
    from shared.runtime import Clock


def handler(event: bytes, context: Any, *, clock: Clock | None = None) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """
    Handle events of snapshots that ended; Function Compute calls it as ``index.handler``.

    What is returned and raised: see `shared.completing.respond`. `clock` is for tests.
    """
    return respond(event, context, function="record_completion", clock=clock)
