"""What the parts of a run hand on, and when the next one is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policies.policy import Limits
from shared.records.outcome import Outcome
from shared.snapshots.disk_task import BusyDisks
from shared.snapshots.progress import LAST_PART, Progress
from shared.triggers.continuation import MAX_LEFT, Chain, link_of
from shared.triggers.routing import Run, route
from tests.clocks import NOON
from tests.unit.builders import REGION, direct, policies, timer

HOUR = timedelta(hours=1)
BUSY = "IncorrectDiskStatus.CreatingSnapshot"


def run(*, kind: str = "timer", so_far: Chain | None = None, part: int = 2) -> Run:
    trigger = timer() if kind == "timer" else direct(policy="nightly")
    ((one,), problems) = route(trigger, policies(), region=REGION, now=NOON)
    assert not problems
    if so_far is None:
        return one
    return replace(one, link=link_of(one.run_key, part=part, chain="c", so_far=so_far))


def progress(*, now: Any = NOON, **about: Any) -> Progress:
    return Progress(run(**about), Limits(), now=now)


def outcome(status: Any, disk_id: str = "d-1", code: str = "", **about: Any) -> Outcome:
    return Outcome(disk_id=disk_id, status=status, code=code, reason="so", **about)


def after(one: Progress, *, now: Any = NOON, **about: Any) -> tuple[Chain, int]:
    given_: dict[str, Any] = {
        "pause_s": 5.0,
        "ask_in_s": 4.0,
        "found_busy": True,
        "hint_s": 0.0,
        "listed": True,
    }
    given_ |= about
    busy = BusyDisks(
        pause_s=given_["pause_s"], ask_in_s=given_["ask_in_s"], found=given_["found_busy"]
    )
    return one.next_part(now, busy, hint_s=given_["hint_s"], listed=given_["listed"])


def test_the_delays_double_up_to_an_hour() -> None:
    """L15: and the last part is due ten minutes before the run is too old."""
    so_far, now, delays = Chain(), NOON, []
    while True:
        one = progress(now=now, so_far=so_far)
        if one.is_last_part:
            break
        one.add(outcome("deferred", code=BUSY))
        so_far, delay = after(one, now=now, pause_s=float(so_far.pause_s))
        delays.append(delay)
        now += timedelta(seconds=delay)

    assert delays[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert now == NOON + 25 * HOUR - LAST_PART
    assert len(delays) < 35


@given(
    ages=st.lists(st.floats(0, 4000), min_size=1, max_size=60),
    waits=st.booleans(),
    hint=st.floats(0, 60),
)
def test_whatever_the_parts_take_the_last_one_is_due_before_the_run_is_too_old(
    ages: list[float], hint: float, *, waits: bool
) -> None:
    """T10: a chain ends, and no part of it is due when nothing may be requested any more."""
    so_far, now = Chain(), NOON
    for took in ages:
        one = progress(now=now, so_far=so_far)
        one.add(outcome("deferred", code="DeadlineExceeded" if waits else BUSY))
        end = now + timedelta(seconds=took)
        if not one.can_follow:
            assert one.is_last_part
            return
        so_far, delay = after(one, now=end, hint_s=hint)
        assert 0 <= delay <= 3600
        now = end + timedelta(seconds=delay)
        # One that took too long itself is followed at once, by a part that only ends the run.
        assert now < one.expires_at or delay == 0


def test_what_waits_for_time_alone_continues_at_once_if_something_was_done() -> None:
    """L11: and a part that did nothing at all does not start the next one at once."""
    moving, standing = progress(), progress()
    moving.add(outcome("created", "d-2"))
    for one in (moving, standing):
        one.add(outcome("deferred", code="DeadlineExceeded"))

    assert after(moving)[1] == 0
    assert after(standing)[1] == 60


def test_busy_disks_are_asked_again_at_their_time_however_many_parts_others_take() -> None:
    """L15: a part that others need costs them no call."""
    one = progress()
    one.add(outcome("created", "d-2"))
    one.add(outcome("deferred", "d-3", code="DeadlineExceeded"))
    one.add(outcome("deferred", "d-1", code=BUSY))

    so_far, delay = after(one, pause_s=80.0, ask_in_s=70.5)

    assert (delay, so_far.pause_s, so_far.ask_at) == (0, 80, NOON + timedelta(seconds=71))
    assert progress(so_far=so_far).busy_code("d-1") == BUSY
    assert progress(so_far=so_far).busy_code("d-3") == ""


def test_the_same_is_no_news() -> None:
    """A later part records only what changed."""
    so_far = Chain(left={BUSY: ("d-1", "d-2"), "DeadlineExceeded": ("d-3",)}, counts={"created": 7})
    one = progress(so_far=so_far)

    assert not one.add(outcome("deferred", "d-1", BUSY))
    assert one.add(outcome("deferred", "d-2", "Throttling"))
    assert one.add(outcome("created", "d-3"))
    assert one.in_all == {"created": 8, "deferred": 2}
    assert after(one)[0].left == {BUSY: ("d-1",), "Throttling": ("d-2",)}


def test_more_than_a_payload_holds_is_not_passed_on() -> None:
    """Then the next part selects all disks, and counts them again."""
    one = progress()
    for number in range(MAX_LEFT + 1):
        one.add(outcome("deferred", f"d-{number}", "DeadlineExceeded"))
    one.add(outcome("created", "d-x"))

    so_far, _ = after(one)

    assert (so_far.left, so_far.counts) == (None, {})


def test_a_part_with_nothing_left_only_reports_unless_it_is_sent_later() -> None:
    """T4: FC's own deliveries come within minutes; an hour later an operator tries again."""
    one = progress()
    one.add(outcome("failed", "d-1", "QuotaExceed.Snapshot"))
    so_far = one.report(NOON)

    soon = progress(so_far=so_far, now=NOON + 0.9 * HOUR)
    late = progress(so_far=so_far, now=NOON + 1.1 * HOUR)

    assert (soon.only_reports, soon.status, soon.example) == (
        True,
        "failed",
        "for example d-1: QuotaExceed.Snapshot",
    )
    assert (late.only_reports, late.left_ids, late.in_all) == (False, None, {})


def test_a_direct_requests_age_counts_from_its_first_part() -> None:
    """It has no instant of its own."""
    first = progress(kind="direct", now=NOON)
    first.add(outcome("deferred", code=BUSY))
    so_far, _ = after(first)

    later = progress(kind="direct", so_far=so_far, now=NOON + 26 * HOUR)

    assert later.began_at == NOON
    assert later.is_expired


@pytest.mark.parametrize(
    ("vanished", "others", "lost"), [(2, 0, False), (3, 0, True), (3, 26, False), (3, 25, True)]
)
def test_many_that_vanished_are_a_failure(vanished: int, others: int, *, lost: bool) -> None:
    """L3: three, and more than a tenth; also over several parts."""
    gone = "InvalidDiskId.NotFound"
    one = progress()
    for number in range(others):
        one.add(outcome("created", f"d-{number}"))
    one.add(outcome("skipped", "g-0", gone, calls=1))
    so_far, _ = after(one)
    two = progress(so_far=replace(so_far, left={"DeadlineExceeded": ("g-1",)}))
    for number in range(1, vanished):
        two.add(outcome("skipped", f"g-{number}", gone, calls=1))
    two.add(outcome("skipped", "n-1", gone))  # was gone before this part, so it was not requested

    assert two.has_lost_many == lost
