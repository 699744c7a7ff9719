"""
Which slots were begun and not ended, and by when nobody can be at work on one any more.

From the records alone, in whatever order they come and however often. A start without an end
is a run that was killed, or is at work; one that was handed over waits for its next part; one
that ended with something still to do waits for whoever comes back. All three are left alone
while that may still happen by itself: starting one twice does no harm, and costs calls. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Disposition, disposition
from shared.outcomes import INTERRUPTED, NOT_HANDED_OVER, OUT_OF_TIME, Record
from shared.planning import Slot
from shared.policy import PolicyFile, max_age, max_age_kept, too_old
from shared.routing import Run, route
from shared.runtime import parse_instant
from shared.trigger import Kind, parse_trigger
from shared.validation import Problems

QUIET = timedelta(minutes=10)
"""After so long without a record of its slot a run counts as dead."""
OVERDUE = timedelta(minutes=2)
"""So long after a run's last possible moment it does, too."""
MAX_DOUBLINGS = 7
"""Each time that it was started again, a slot is given twice the time: 21 hours in all."""

STARTED, FINISHED, RESUMED, NOT_RESUMED = (
    "run_started",
    "run_finished",
    "resumed",
    "not_resumed",
)
CONTINUED, DEFERRED = "continued", "deferred"
KINDS: Mapping[str, Kind] = {"snapshot_on_schedule": "timer", "snapshot_on_event": "event"}
"""What starts the functions whose runs have slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSlot:
    """A slot that somebody began and nobody has ended."""

    slot_id: str
    started: Record
    """Its latest start: with what it can be started again."""
    why: str
    began_at: datetime
    """Of its occurrence or, where that has none, of its first start."""
    last_at: datetime
    """Of the latest of its records that are known here; or when its next part is due, if later."""
    ends_at: datetime | None
    """When FC ends its last run at the latest; None if that is not known, or something came after
    its start."""
    resumed: int
    """How often it was started again."""
    told: bool
    """Whether it is on record that nobody can start it again, and nothing came since."""

    def dead_at(self, last_at: datetime) -> datetime:
        """
        Return from when on nobody is at work on it.

        Args:
            last_at: When the latest record of it was made, whatever that is about.

        """
        doubled = 1 << min(self.resumed, MAX_DOUBLINGS)
        quiet = last_at + QUIET * doubled
        if self.ends_at is None:
            return quiet
        return min(quiet, max(last_at, self.ends_at) + OVERDUE * doubled)

    @property
    def chain(self) -> str:
        """Name this start: the same for two looks at one time, another for the next."""
        about = json.dumps([self.slot_id, self.started.get("request_id"), self.resumed])
        return f"resumed-{self.resumed + 1}-{hashlib.sha256(about.encode()).hexdigest()[:24]}"


@dataclass(slots=True)
class _Slot:
    """The records of one slot, in the order of their time."""

    starts: list[tuple[datetime, int, Record]] = field(default_factory=list)
    ends: list[tuple[datetime, int, Record]] = field(default_factory=list)
    resumed: list[tuple[datetime, int, Record]] = field(default_factory=list)
    told: list[tuple[datetime, int, Record]] = field(default_factory=list)


def open_slots(records: Iterable[Record]) -> list[OpenSlot]:
    """Return the slots that have not ended, oldest first; a dry run opens none and ends none."""
    slots: dict[str, _Slot] = {}
    for number, record in enumerate(records):
        at, slot_id = parse_instant(record.get("at")), record.get("slot")
        kind = record.get("record")
        if at is None or not slot_id or kind not in (STARTED, FINISHED, RESUMED, NOT_RESUMED):
            continue
        if record.get("dry_run") == "true":
            continue
        slot = slots.setdefault(slot_id, _Slot())
        if kind == NOT_RESUMED and record.get("status") == DEFERRED:
            continue  # the next look was to try again
        part = {STARTED: slot.starts, FINISHED: slot.ends, RESUMED: slot.resumed}
        part.get(kind, slot.told).append((at, number, record))
    found = (_opened(slot_id, slot) for slot_id, slot in slots.items())
    return sorted((one for one in found if one), key=lambda one: (one.began_at, one.slot_id))


def _opened(slot_id: str, slot: _Slot) -> OpenSlot | None:
    """Return a slot if its latest start is later than its latest real end."""
    if not slot.starts:
        return None
    start, end = max(slot.starts), max(slot.ends, default=None)
    final = max((one for one in slot.ends if _is_final(one[2])), default=None)
    if final is not None and final > start:
        return None
    last = max([*slot.starts, *slot.ends, *slot.resumed])
    why = _KILLED
    if end is not None and end > start:
        why = _NOT_CONTINUED if end[2].get("status") == CONTINUED else _LEFT
    told = max(slot.told, default=None)
    return OpenSlot(
        slot_id=slot_id,
        started=start[2],
        why=why,
        began_at=parse_instant(start[2].get("occurred_at")) or min(slot.starts)[0],
        last_at=max(last[0], _next_at(end) or last[0]),
        ends_at=parse_instant(start[2].get("ends_at")) if last is start else None,
        resumed=len({one[2].get("chain") for one in slot.resumed}),
        told=told is not None and told > last,
    )


_KILLED = "its run did not end"
_LEFT = "its run ended with something still to do, and nobody went on"
_NOT_CONTINUED = "what it was handed over to did not begin"


def _next_at(end: tuple[datetime, int, Record] | None) -> datetime | None:
    """Return when the part is due to which a run was handed over; None where it was not."""
    if end is None or end[2].get("status") != CONTINUED:
        return None
    return parse_instant(end[2].get("next_at"))


def _is_final(end: Record) -> bool:
    """
    Say whether a run ended for good.

    Not so where it was handed over, where disks are left to come back to, and where what kept it
    from beginning passes by itself: FC gives up after its few deliveries, ECS may be down for
    longer.
    """
    code = end.get("code", "")
    passes = bool(code) and disposition(code) in (Disposition.RETRY, Disposition.WAIT)
    left = end.get("count_deferred", "0") not in ("", "0")
    cut_short = code in (OUT_OF_TIME, NOT_HANDED_OVER, INTERRUPTED)
    return not (end.get("status") == CONTINUED or left or passes or cut_short)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What starts a slot again, or why nothing can."""

    slot: Slot | None
    content: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    reason: str = ""
    status: str = "failed"
    """``failed``: a person has to look. ``skipped``: nothing is wrong. ``deferred``: the next look
    tries again."""


def again(one: OpenSlot, file: PolicyFile, *, account_id: str, region: str, now: datetime) -> Again:
    """
    Return what to start a slot again with: made anew from its event, under today's policies.

    So a record that was made up, or of another deployment, starts nothing of its own.

    Args:
        one: The slot.
        file: The policies.
        account_id: The functions' own.
        region: The functions' own.
        now: To judge its age.

    """
    if now - one.began_at > max_age_kept(file.limits, None):
        return _too_old(one, file, None)
    kind = KINDS.get(one.started.get("function", ""))
    if kind is None:
        return Again(slot=None, code="NoFunction", reason="no function of ours has such runs")
    run, problems = _made_again(one, file, kind, account_id=account_id, region=region, now=now)
    if run is None:
        return _not_startable(one, file, problems)
    if now - one.began_at > max_age(file.limits, run.policy):
        return _too_old(one, file, run.policy.snapshot.retention_days)
    if run.dry_run:
        reason = "its policy is a dry run by now, and it was none"
        return Again(slot=None, code="DryRun", reason=reason, status="skipped")
    return Again(slot=run.slot, content=run.content)


def _made_again(
    one: OpenSlot, file: PolicyFile, kind: Kind, *, account_id: str, region: str, now: datetime
) -> tuple[Run | None, Problems]:
    """Return the run that a slot's event makes, whatever its age, and what is wrong with that."""
    event = one.started.get("event", "").encode()
    parsed = parse_trigger(event, kind=kind, account_id=account_id, region=region)
    problems = Problems()
    problems.extend(parsed.problems)
    runs: Sequence[Run] = ()
    for trigger in parsed.triggers:
        runs, found = route(trigger, file, region=region, now=min(now, one.began_at))
        problems.extend(found)
    return next((run for run in runs if run.slot.slot_id == one.slot_id), None), problems


def _not_startable(one: OpenSlot, file: PolicyFile, problems: Problems) -> Again:
    if problems:
        return Again(slot=None, code="NotStartable", reason="; ".join(map(str, problems)))
    policy = file.named(one.started.get("policy", ""))
    if policy is not None and not policy.enabled:
        return Again(
            slot=None, code="Disabled", reason="its policy is switched off", status="skipped"
        )
    reason = "its event makes another slot under today's policies, or none"
    return Again(slot=None, code="NotStartable", reason=reason)


def _too_old(one: OpenSlot, file: PolicyFile, retention_days: int | None) -> Again:
    reason = f"{one.why}, and it is {too_old(file.limits, retention_days)}"
    return Again(slot=None, code="TooOld", reason=reason)
