"""
What the real service leaves undocumented, as settings that a test turns.

Every default is the mild reading, but for rights, where it is the strict one: a role
that is granted enough for it is granted enough. Tests run the other readings too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Knobs:
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
