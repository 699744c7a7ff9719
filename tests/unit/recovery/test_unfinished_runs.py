"""Which runs began and did not end, whatever order their records come in."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identity import RunKey
from shared.policies.policy_file import load_policies
from shared.records.outcome import Record
from shared.recovery.restart_plan import plan_restart
from shared.recovery.unfinished_runs import (
    MAX_DOUBLINGS,
    MAX_EVENT_CHARS,
    STALE_AFTER,
    TIMEOUT_GRACE,
    RunHistory,
    UnfinishedRun,
)
from shared.runtime.clock import utc

UTC = timezone.utc
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVENT = {"triggerName": "t", "triggerTime": utc(NOON), "payload": ""}
RUN_ID = RunKey(
    deployment="test",
    policy="p",
    region="cn-hangzhou",
    trigger_id=("timer", "t", utc(NOON)),
    trigger_time=NOON,
)


def unfinished_runs(records: Iterable[Record]) -> list[UnfinishedRun]:
    history = RunHistory()
    for one in records:
        history.add(one)
    return history.unfinished_runs()


def record(kind: str, *, after: timedelta = timedelta(0), **fields: str) -> Record:
    return {
        "record": kind,
        "at": utc(NOON + after),
        "function": "snapshot_on_schedule",
        "request_id": "r-1",
        "policy": "p",
        "run_id": RUN_ID.run_id,
        "trigger_time": utc(NOON),
        "dry_run": "false",
        **fields,
    }


def start(*, after: timedelta = timedelta(0), **fields: str) -> Record:
    return record("part_started", after=after, event=json.dumps(EVENT), **fields)


def end(status: str = "ok", *, after: timedelta = timedelta(0), **fields: str) -> Record:
    return record("part_finished", after=after, status=status, **fields)


def only(*records: Record) -> UnfinishedRun:
    (one,) = unfinished_runs(records)
    return one


# --- open or not ---------------------------------------------------------------------------------

ENDED = [
    end("ok"),
    end("skipped"),
    end("no_match"),
    end("failed", code="NoDisksMatched"),
    end("failed", code="Forbidden.RAM", count_failed="3"),
    end("failed", code="TooManyParts", count_failed="3"),
    end("partially_failed", count_failed="1", count_created="4", count_deferred="0"),
]
NOT_ENDED = [
    end("continued", count_deferred="5"),
    end("continued"),
    end("partially_failed", count_deferred="1", count_created="4"),
    end("failed", code="ContinuationFailed"),
    end("failed", code="DeadlineExceeded"),
    end("failed", code="ServiceUnavailable"),
    end("failed", code="Throttling.User"),
    end("failed", code="UnknownOutcome"),
]


@pytest.mark.parametrize("ended", ENDED)
def test_a_run_that_ended_is_not_open_however_it_ended(ended: Record) -> None:
    """A failure that an operator has to solve is not restarted."""
    assert unfinished_runs([start(), ended]) == []


@pytest.mark.parametrize("ended", NOT_ENDED)
def test_a_run_that_has_to_continue_is_unfinished(ended: Record) -> None:
    """L13: continued, with disks left, or not started because of a transient error."""
    assert only(start(), ended).run_id == RUN_ID.run_id


happenings = st.lists(
    st.tuples(st.integers(0, 1000), st.sampled_from([None, *ENDED, *NOT_ENDED])),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[0],
)


@given(happened=happenings, shuffled=st.randoms(use_true_random=False))
def test_a_run_is_open_if_its_last_start_is_later_than_its_last_real_end(
    happened: list[tuple[int, Record | None]], shuffled: Any
) -> None:
    """Whatever order the records come in, and however often SLS holds one."""
    starts = [at for at, what in happened if what is None]
    ends = [at for at, what in happened if what in ENDED]
    records = [
        start(after=at * MINUTE) if what is None else {**what, "at": utc(NOON + at * MINUTE)}
        for at, what in happened
    ]
    doubled = [*records, *records]
    shuffled.shuffle(doubled)

    expected = bool(starts) and max(starts) > max(ends, default=-1)
    assert [one.run_id for one in unfinished_runs(doubled)] == [RUN_ID.run_id] * expected
    assert unfinished_runs(doubled) == unfinished_runs(records)


def test_records_of_one_instant_count_in_the_order_of_their_arrival() -> None:
    """A second delivery that begins in the instant in which the first ended is open."""
    assert unfinished_runs([start(), end()]) == []
    assert len(unfinished_runs([start(), end(), start()])) == 1


def test_a_dry_run_does_not_end_the_run_that_it_was_tried_on() -> None:
    """A direct request may be tried with its key first; both are the same run."""
    dry = end(after=MINUTE, dry_run="true")

    assert only(start(), start(dry_run="true"), dry).started["dry_run"] == "false"


def test_a_dry_run_that_was_killed_opens_nothing() -> None:
    """It took nothing; started again, it would take snapshots if its policy is real by now."""
    assert unfinished_runs([start(dry_run="true")]) == []
    assert unfinished_runs([start(), end(), start(dry_run="true", after=MINUTE)]) == []


def test_an_end_alone_and_records_of_other_kinds_open_nothing() -> None:
    """Nor does one without a run, or a time that can be read."""
    broken = [{**start(), "run_id": ""}, {**start(), "at": "today"}, {**start(), "record": "disk"}]

    assert unfinished_runs([end("continued"), record("run_resumed"), *broken]) == []


# --- when a run is stale -------------------------------------------------------------------------


def test_a_run_is_dead_when_nothing_is_recorded_or_its_time_is_over() -> None:
    """Whichever comes first; the time is the one that the run itself recorded."""
    long, short = start(ends_at=utc(NOON + HOUR)), start(ends_at=utc(NOON + MINUTE))

    assert only(long).stale_at(NOON) == NOON + STALE_AFTER
    assert only(long).stale_at(NOON + HOUR) == NOON + HOUR + TIMEOUT_GRACE
    assert only(short).stale_at(NOON) == NOON + MINUTE + TIMEOUT_GRACE
    assert only(start()).stale_at(NOON + HOUR) == NOON + HOUR + STALE_AFTER


def test_what_came_after_a_start_makes_its_time_meaningless() -> None:
    """A continued part, or a restarted run, has a time of its own."""
    first = start(ends_at=utc(NOON + MINUTE))
    handed, resumed = end("continued", after=MINUTE), record("run_resumed", after=MINUTE)

    assert only(first, handed).stale_at(NOON + MINUTE) == NOON + MINUTE + STALE_AFTER
    assert only(first, resumed).stale_at(NOON + MINUTE) == NOON + MINUTE + 2 * STALE_AFTER


def test_each_time_the_wait_is_doubled_and_a_day_is_enough_for_a_few() -> None:
    """T10: a run that kills every run is not started at every pass."""
    at, starts = NOON, 0
    records = [start()]
    while at < NOON + timedelta(hours=25):
        one = only(*records)
        at = one.stale_at(one.last_at)
        records.append({**record("run_resumed", chain=one.chain), "at": utc(at)})
        starts += 1

    assert starts == MAX_DOUBLINGS + 1
    assert len({one["chain"] for one in records[1:]}) == starts


def test_two_passes_at_one_time_name_a_start_alike_and_the_next_pass_does_not() -> None:
    """FC accepts each id once; a start that was accepted and never ran must get another id."""
    first = only(start())
    resumed = record("run_resumed", after=MINUTE, chain=first.chain)

    assert first.chain == only(start(), start()).chain
    assert only(start(), resumed).chain != first.chain


def test_a_failure_is_recorded_once_until_something_happens() -> None:
    """One record, and one alarm."""
    failure = record("resume_failed", after=MINUTE, status="failed")
    later = start(after=HOUR)

    assert only(start(), failure).restart_failure_recorded
    assert not only(start(), failure, later).restart_failure_recorded
    assert not only(start(), {**failure, "status": "deferred"}).restart_failure_recorded


# --- starting it again ---------------------------------------------------------------------------


def policies(**parts: Any) -> Any:
    one = {"name": "p", "on": {"timer": "t"}, "select": {"all": True}, **parts}
    return load_policies({"deployment": "test", "policies": [one]})


def given_back(one: UnfinishedRun, file: Any = None, *, now: datetime = NOON + HOUR) -> Any:
    return plan_restart(one, file or policies(), account_id="1", region="cn-hangzhou", now=now)


def test_a_run_is_started_again_with_its_own_event() -> None:
    """Its run is made anew and must be the same: a record by itself starts nothing."""
    found = given_back(only(start()))

    assert found.run_key == RUN_ID
    assert found.content == EVENT


def test_of_several_regions_the_one_of_the_run_is() -> None:
    """The others have runs of their own, which may have ended."""
    found = given_back(only(start()), policies(regions=["cn-shanghai", "cn-hangzhou"]))

    assert found.run_key == RUN_ID


@pytest.mark.parametrize(
    ("spoilt", "file", "code", "status"),
    [
        (start(), policies(name="q"), "CannotRestart", "failed"),
        (start(), policies(enabled=False), "Disabled", "skipped"),
        (start(), policies(dry_run=True), "DryRun", "skipped"),
        (start(), policies(regions=["cn-shanghai"]), "CannotRestart", "failed"),
        (start(run_id="0" * 32), policies(), "CannotRestart", "failed"),
        (start(function="theirs"), policies(), "UnknownFunction", "failed"),
        ({**start(), "event": "{"}, policies(), "CannotRestart", "failed"),
        ({**start(), "event": "[]"}, policies(), "CannotRestart", "failed"),
        (start(function="snapshot_on_event"), policies(), "CannotRestart", "failed"),
    ],
)
def test_what_cannot_be_started_again_has_a_reason(
    spoilt: Record, file: Any, code: str, status: str
) -> None:
    """L1: with whether an operator has to act."""
    found = given_back(only(spoilt), file)

    assert (found.run_key, found.code, found.status) == (None, code, status)
    assert found.reason


def test_nothing_older_than_a_run_may_be_is_started_plan_restart() -> None:
    """Its token may be forgotten, and its snapshot deleted: a second one could be created."""
    limit = NOON + timedelta(hours=25)

    assert given_back(only(start()), now=limit).run_key == RUN_ID
    assert given_back(only(start()), now=limit + MINUTE).code == "RunExpired"


def test_nothing_is_started_again_whose_snapshots_may_be_deleted() -> None:
    """D4: ECS deletes them by their retention, and then the run seems to have created none."""
    file = policies(snapshot={"retention_days": 1})
    limit = NOON + timedelta(hours=23)

    assert given_back(only(start()), file, now=limit).run_key == RUN_ID
    found = given_back(only(start()), file, now=limit + MINUTE)
    assert (found.run_key, found.code) == (None, "RunExpired")
    assert "retention_days: 1" in found.reason


def test_a_direct_request_is_as_old_as_its_first_start() -> None:
    """It has no instant of its own."""
    event = json.dumps({"key": "k", "policy": "p"})
    run_key = RunKey(
        deployment="test",
        policy="p",
        region="cn-hangzhou",
        trigger_id=("direct", "k"),
        trigger_time=None,
    )
    first = {**start(run_id=run_key.run_id), "event": event, "trigger_time": ""}
    second = {**first, "at": utc(NOON + 20 * HOUR)}

    assert given_back(only(first, second), now=NOON + 24 * HOUR).run_key == run_key
    assert given_back(only(first, second), now=NOON + 26 * HOUR).code == "RunExpired"


@given(st.dictionaries(st.sampled_from([*start(), "part"]), st.text(max_size=20)))
def test_whatever_a_record_holds_it_is_judged(strange: dict[str, str]) -> None:
    """L4: a forged record keeps no other run from its restart."""
    other = start(run_id="f" * 32)

    found = unfinished_runs([{**start(), **strange}, other])

    assert "f" * 32 in {one.run_id for one in found}
    for one in found:
        assert given_back(one).reason or given_back(one).run_key


# --- many records --------------------------------------------------------------------------------


def test_of_runs_that_ended_hardly_anything_is_kept() -> None:
    """L5: a pass reads the records of 27 hours, in a function of 128 MB."""
    number = 2_000
    history = RunHistory()
    tracemalloc.start()
    try:
        for one in range(number):
            history.add({**start(run_id=f"{one:032x}"), "event": "x" * 1_000})
            history.add(end(run_id=f"{one:032x}"))
        size_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert history.unfinished_runs() == []
    assert size_bytes / number < 300


def test_events_of_open_runs_are_kept_up_to_a_bound() -> None:
    """L5: hundreds of open runs may have an event of 128 KB each; those beyond are read again."""
    history = RunHistory()
    number = MAX_EVENT_CHARS // 100_000 + 20
    for one in range(number):
        history.add({**start(run_id=f"{one:032x}"), "event": "x" * 100_000})

    found = history.unfinished_runs()
    assert len(found) == number
    held = [one for one in found if "event" in one.started]
    assert sum(len(one.started["event"]) for one in held) <= MAX_EVENT_CHARS + 100_000
    assert 0 < len(held) < number


def test_room_for_events_comes_back_when_runs_end() -> None:
    """What ended needs no event; a day of short runs is no outage."""
    history = RunHistory()
    for one in range(3 * MAX_EVENT_CHARS // 100_000):
        history.add({**start(run_id=f"{one:032x}"), "event": "x" * 100_000})
        history.add(end(run_id=f"{one:032x}"))
    history.add({**start(run_id="f" * 32), "event": "x" * 100_000})

    assert [len(one.started["event"]) for one in history.unfinished_runs()] == [100_000]
