"""
What the real service leaves undocumented, as settings that a test turns.

Every default is the mild reading, but for rights, where it is the strict one: a role
that is granted enough for it is granted enough. Tests run the other readings too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class EcsSettings:
    """Settings of one cloud; may be changed while it runs."""

    token_memory_s: float | None = None
    """How long a ClientToken is remembered after its first use; None is for ever, 0 not at all."""
    listing_lag_s: float = 0.0
    """How long after its creation a snapshot is still missing from DescribeSnapshots."""
    tag_listing_cap: int = 1000
    """How many resources a listing filtered by tag can show in all (SDK docs of `Tag.N`)."""
    snapshot_duration_s: float = 30.0
    """How long a snapshot is progressing before it is accomplished."""
    manual_snapshot_quota: int = 256
    """Manual snapshots a disk may have (CreateSnapshot, operation description)."""
    create_snapshot_with_tags_needs_tag_resources: bool = True
    """Whether a role needs ecs:TagResources too where CreateSnapshot has tags; not documented."""
    max_calls_per_minute: int | Mapping[str, int] | None = None
    """
    How often each ECS operation may be called in a minute of the server, in each region.

    One number for all, or by operation (those that are not named: as often as one likes);
    None throttles nothing.
    """
    throttling_phase_s: float = 0.0
    """At which second of the clock's minute the server's own minutes begin."""
    throttling_code: str = "Throttling"
    """Seen too: Throttling.User, Throttling.Api."""
    throttling_status: int = 403
    """400, 403 or 429, depending on the document."""
    throttling_tells_retry_after: bool = False
    """Whether the refusal says in x-acs-retry-after (ms) when the next minute begins."""
    other_calls_per_minute: int = 0
    """How many of each minute's calls another tool of the same account takes."""
    other_calls_from: datetime | None = None
    """From when on it does; None is always."""
