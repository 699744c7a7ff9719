"""
GetHistograms: how many records a query finds, in each part of a time range.

Source: Log Service API reference, "GetHistograms": the range is divided evenly, and the same
range always in the same way. How finely is not documented: here in 60 parts at most, of whole
seconds. The generated SDKs ask at `/index?type=histogram`, all others at the logstore itself.
"""

from __future__ import annotations

import json
from collections import Counter

from emulator.sls.errors import not_implemented
from emulator.sls.operations import Answer, Call, Checked
from emulator.sls.reading import NS_PER_S, prepared

_MAX_PARTS = 60
_KNOWN = frozenset({"from", "to", "fromNs", "toNs", "topic", "query", "accurate"})


def get_histograms(call: Call) -> Checked:
    """Count what a query finds, in parts of the range that together are all of it."""
    search = prepared(call, call.query(_KNOWN))
    first_s = search.range.from_ns // NS_PER_S
    # A part of a second at the end is one more.
    last_s = -(-search.range.to_ns // NS_PER_S)
    step_s = -(-(last_s - first_s) // _MAX_PARTS)

    if search.sql:
        raise not_implemented("SQL: the emulator counts what a search finds.")

    def effect() -> Answer:
        found = search.found()
        counts = Counter((record.log.time_s - first_s) // step_s for record in found)
        parts = [
            {
                "from": start_s,
                "to": min(start_s + step_s, last_s),
                "count": counts[n],
                "progress": "Complete",
            }
            for n, start_s in enumerate(range(first_s, last_s, step_s))
        ]
        return Answer(
            body=json.dumps(parts).encode(),
            headers={
                "Content-Type": "application/json",
                "x-log-progress": "Complete",
                "x-log-count": str(len(found)),
            },
        )

    return Checked(params=search.params, effect=effect)
