"""
What the real service leaves undocumented, as settings; README.md has a table made of this.

Defaults are lenient, except for permissions, where they are strict: a role with enough permissions
for a strict service has enough for any. Tests run the other readings too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class EcsSettings:
    """Settings of one cloud; may be changed while it runs."""

    token_memory_s: float | None = None
    """How long ECS remembers a ClientToken after its first use; none: for ever, 0: not at all."""
    listing_lag_s: float = 0.0
    """How long after its creation a snapshot is still missing from DescribeSnapshots."""
    tag_listing_cap: int = 1000
    """How many resources a listing filtered by tag can show in all (SDK docs of `Tag.N`)."""
    snapshot_duration_s: float = 30.0
    """How long a snapshot is in progress before it is accomplished."""
    manual_snapshot_quota: int = 256
    """Manual snapshots a disk may have (CreateSnapshot, operation description)."""
    create_snapshot_with_tags_needs_tag_resources: bool = True
    """Whether a role needs ecs:TagResources too if CreateSnapshot has tags."""
    max_calls_per_minute: int | Mapping[str, int] | None = None
    """
    How often each operation may be called in a minute of the server, in each region: one number
    for all, or in Python and in a fleet file also numbers by operation; none: no limit.
    """
    throttling_phase_s: float = 0.0
    """At which second of the clock's minute the server's own minutes begin."""
    throttling_code: str = "Throttling"
    """The code of a throttled call; Throttling.User and Throttling.Api were seen too."""
    throttling_status: int = 403
    """The status of a throttled call: 400, 403 or 429, depending on the document."""
    throttling_tells_retry_after: bool = False
    """Whether x-acs-retry-after (ms) of a throttled call tells when the next minute begins."""
    other_calls_per_minute: int = 0
    """How many of each minute's calls another tool of the same account takes."""
    other_calls_from: datetime | None = None
    """From which instant on the other tool takes them; none: always."""
