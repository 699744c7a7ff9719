"""
Whether the run of an event that was sent again has started: what its records say.

A record of the new invocation is the proof, because from then on `resume_runs` can restart the run;
what Function Compute says of the invocation is none, as it may lose it before the first record.
Only `record_completion` may succeed without a record, for a snapshot of somebody else: there the
request metrics of Function Compute count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cli.history.source import Source
from shared.runtime.clock import Clock

MARGIN = timedelta(minutes=5)
"""How far the clocks of the functions may be from that of the command."""
_AT_ONCE = 50
_ROWS = (
    "select coalesce(request_id, requestId) as id, record, max(coalesce(reason, '')) as reason, "
    "max(coalesce(functionName, '')) as name, max(coalesce(hasFunctionError, '')) as error "
    "from log group by coalesce(request_id, requestId), record limit 10000"
)
_REFUSED = ("rejected", "paused", "disabled")
"""Records of an invocation that did nothing with its event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of an invocation."""

    has_started: bool
    reason: str = ""
    """Why the function did nothing with the event."""


def evidence(
    source: Source, request_ids: Collection[str], *, clock: Clock, since: timedelta
) -> Mapping[str, Evidence]:
    """
    Return what is known of some invocations; one that left no trace is not in it.

    Args:
        source: The records.
        request_ids: Of the invocations.
        clock: Time.
        since: How long ago the first of them was sent.

    Raises:
        SourceError: The records cannot be read.

    """
    found: dict[str, Evidence] = {}
    now = replace(source, now=clock.now() + MARGIN)
    for ids in _slices(sorted(request_ids)):
        search = " or ".join(f'request_id: "{one}" or requestId: "{one}"' for one in ids)
        rows = now.rows(f"{search} | {_ROWS}", since + 2 * MARGIN)
        for one in ids:
            judged = judged_by([row for row in rows if row["id"].lower() == one.lower()])
            if judged is not None:
                found[one] = judged
    return found


def judged_by(rows: Sequence[Mapping[str, str]]) -> Evidence | None:
    """Return what the records of one invocation say; None if they prove nothing yet."""
    records = {row["record"]: row for row in rows if row["record"]}
    if set(records) - set(_REFUSED):
        return Evidence(has_started=True)
    for kind in _REFUSED:
        if kind in records:
            return Evidence(has_started=False, reason=f"{kind}: {records[kind]['reason']}")
    done = any(
        row["error"] == "false" and row["name"].startswith("record_completion") for row in rows
    )
    return Evidence(has_started=True) if done else None


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
