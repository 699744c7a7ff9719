"""Records get to SLS or to stdout, each of them, and a failing SLS costs little."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.clients.sls import Batch, SlsError
from shared.records.outcome import Record
from shared.records.recorder import (
    FLUSH_BUDGET_S,
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_LINE_CHARACTERS,
    MAX_TRIES,
    MAX_WAITING,
    SEND_AFTER_RECORDS,
    Recorder,
    Sink,
)
from shared.runtime.context import Credentials
from tests.clocks import NOON, FakeClock

PROMISED_S = 10.0
"""What a failing SLS may cost a run in all."""


class FakeSink:
    """Keeps what it is given; `fail` may raise first, or wait."""

    def __init__(self, fail: Callable[[int], None] = lambda _: None) -> None:
        self.batches: list[Batch] = []
        self.calls = 0
        self._fail = fail

    def __call__(self, batch: Batch) -> None:
        self.calls += 1
        self._fail(self.calls)
        self.batches.append(batch)

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for _, record in batch]


def recorder(sink: Sink | None, out: io.StringIO | None = None, **about: Any) -> Recorder:
    return Recorder(
        sink, clock=FakeClock(), common={"function": "f"}, out=out or io.StringIO(), **about
    )


def printed(out: io.StringIO) -> list[Record]:
    """What is on stdout, one JSON line each."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def numbers(records: list[Record]) -> list[int]:
    return [int(record["n"]) for record in records if "n" in record]


def reject(_: int) -> None:
    raise SlsError("Unauthorized (401): no", transient=False)


def break_down(_: int) -> None:
    raise SlsError("InternalServerError (500): no", transient=True)


# --- SLS is well -----------------------------------------------------------------------------


def test_leaving_the_recorder_gets_everything_out() -> None:
    """A handler that has returned has no thread any more."""
    sink = FakeSink()

    with recorder(sink) as records:
        for n in range(10):
            records.add({"n": str(n)})

    assert numbers(sink.records) == list(range(10))


def test_a_flush_returns_when_everything_so_far_is_there() -> None:
    """A run's start is recorded before its first snapshot is requested."""
    sink = FakeSink()

    with recorder(sink) as records:
        records.add({"n": "0"})
        records.flush()

        assert numbers(sink.records) == [0]


def test_a_record_has_the_common_fields_and_its_instant() -> None:
    """Its own fields win; the second in which it was made goes along."""
    sink, out = FakeSink(), io.StringIO()

    with recorder(sink, out) as records:
        records.add({"status": "created"})
        records.add({"function": "mine"})

    ((at, first), (_, second)) = sink.batches[0]
    assert at == int(NOON.timestamp())
    assert first == {"function": "f", "at": "2026-03-01T12:00:00Z", "status": "created"}
    assert second["function"] == "mine"
    assert out.getvalue() == ""


def test_a_full_batch_goes_out_while_the_run_continues() -> None:
    """A killed run shows how far it came."""
    arrived = threading.Event()
    sink = FakeSink(lambda _: arrived.set())

    with recorder(sink) as records:
        for n in range(SEND_AFTER_RECORDS):
            records.add({"n": str(n)})

        assert arrived.wait(timeout=10)


def test_a_slow_sls_delays_no_add() -> None:
    """Only a flush waits for SLS."""
    go = threading.Event()
    sink = FakeSink(lambda _: _wait(go))

    with recorder(sink) as records:
        for n in range(3 * SEND_AFTER_RECORDS):
            records.add({"n": str(n)})
        assert sink.batches == []
        go.set()

    assert numbers(sink.records) == list(range(3 * SEND_AFTER_RECORDS))


def _wait(event: threading.Event) -> None:
    assert event.wait(timeout=30)


@settings(max_examples=10)
@given(sizes=st.lists(st.integers(0, 8000), min_size=1, max_size=30), times=st.integers(1, 100))
@example(sizes=[0], times=2 * MAX_BATCH_RECORDS + 1)
@example(sizes=[8000], times=1000)
def test_no_batch_is_ever_larger_than_a_call_takes(sizes: list[int], times: int) -> None:
    """PutLogs: 4,096 records and 3 MB, whatever the records are."""
    go = threading.Event()
    sink = FakeSink(lambda _: _wait(go))
    sent = [{"n": str(n), "text": "x" * size} for n, size in enumerate(sizes * times)]

    with recorder(sink) as records:
        for count, record in enumerate(sent, start=1):
            if count > MAX_WAITING:
                go.set()  # until then all of them wait for the first batch
            records.add(record)
        go.set()

    assert numbers(sink.records) == list(range(len(sent)))
    for batch in sink.batches:
        assert 1 <= len(batch) <= MAX_BATCH_RECORDS
        assert sum(len(k) + len(v) for _, record in batch for k, v in record.items()) <= (
            MAX_BATCH_BYTES
        )


def test_many_threads_may_record() -> None:
    """The run's threads and its own share it."""
    sink = FakeSink()

    with recorder(sink) as records:

        def add() -> None:
            for n in range(200):
                records.add({"n": str(n)})

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(numbers(sink.records)) == sorted(list(range(200)) * 4)


# --- SLS is not ------------------------------------------------------------------------------


def test_without_a_log_store_records_go_to_stdout_at_once() -> None:
    """One JSON line each; Function Compute keeps them as the function's log."""
    out = io.StringIO()

    with recorder(None, out) as records:
        records.add({"n": "0", "reason": "名\ud800"})
        assert numbers(printed(out)) == [0]

    assert printed(out)[0]["reason"] == "名\\ud800"


@pytest.mark.parametrize("fail", [reject, break_down])
def test_what_sls_does_not_take_goes_to_stdout(fail: Callable[[int], None]) -> None:
    """L3: no record is lost, later ones included; a first record contains the reason."""
    sink, out = FakeSink(fail), io.StringIO()

    with recorder(sink, out) as records:
        records.add({"n": "0"})
        records.add({"n": "1"})
        records.flush()
        records.add({"n": "2"})

    note, *rest = printed(out)
    assert note["record"] == "sls_write_failed"
    assert note["function"] == "f"
    assert note["records"] == "2"
    assert "no" in note["reason"]
    assert numbers(rest) == [0, 1, 2]


def test_a_rejection_is_not_tried_again_and_a_breakdown_is_once() -> None:
    """The SDK's own loop makes ten attempts; the recorder makes few."""
    rejecting, broken = FakeSink(reject), FakeSink(break_down)

    for sink in (rejecting, broken):
        with recorder(sink) as records:
            records.add({"n": "0"})

    assert (rejecting.calls, broken.calls) == (1, MAX_TRIES)


def test_a_breakdown_that_passes_costs_nothing() -> None:
    """The second try is the same batch."""

    def once(call: int) -> None:
        if call == 1:
            break_down(call)

    sink, out = FakeSink(once), io.StringIO()

    with recorder(sink, out) as records:
        records.add({"n": "0"})

    assert numbers(sink.records) == [0]
    assert out.getvalue() == ""


def test_whatever_else_a_client_raises_the_records_are_not_lost() -> None:
    """L4, L9: an unexpected error in the SDK does not end the run."""

    def trip(_: int) -> None:
        raise RuntimeError("odd")

    out = io.StringIO()

    with recorder(FakeSink(trip), out) as records:
        records.add({"n": "0"})

    assert printed(out)[0]["reason"] == "RuntimeError: odd"
    assert numbers(printed(out)) == [0]


def test_after_a_failure_sls_is_left_alone() -> None:
    """A run pays once: nothing is sent any more, and nothing waits."""
    sink, out = FakeSink(reject), io.StringIO()

    with recorder(sink, out) as records:
        for n in range(3):
            records.add({"n": str(n)})
            records.flush()

    assert sink.calls == 1
    assert numbers(printed(out)) == [0, 1, 2]


def test_an_sls_that_hangs_costs_its_budget_once_and_no_record() -> None:
    """However often a run flushes: the time is counted over all of it."""
    go = threading.Event()
    sink, out = FakeSink(lambda _: _wait(go)), io.StringIO()
    started = time.monotonic()

    with recorder(sink, out, budget_s=0.2) as records:
        for n in range(5):
            records.add({"n": str(n)})
            records.flush()
        took_s = time.monotonic() - started
        go.set()

    assert 0.2 <= took_s < 2
    assert printed(out)[0]["reason"] == "no answer within 0.2 s"
    assert numbers(printed(out)) == list(range(5))


def test_an_sls_that_stumbles_each_time_costs_its_budget_in_all() -> None:
    """A good answer in between does not start the count again."""
    out = io.StringIO()

    def stumble(call: int) -> None:
        if call % 2:
            raise SlsError("InternalServerError (500): no", transient=True)

    sink = FakeSink(stumble)

    with recorder(sink, out, budget_s=0.8) as records:
        for n in range(20):
            records.add({"n": str(n)})
            records.flush()

    # Each stumble costs half a second until the next try: the second one is beyond the budget.
    assert sink.calls <= 4
    assert sorted({*numbers(sink.records), *numbers(printed(out))}) == list(range(20))


def test_a_function_that_is_about_to_end_does_not_wait() -> None:
    """What is not in SLS by then goes to stdout while there is time for that."""
    go, out = threading.Event(), io.StringIO()

    def hang(_: int) -> None:
        go.wait(5)

    sink = FakeSink(hang)

    with recorder(sink, out, time_left=lambda: 0.1) as records:
        records.add({"n": "0"})
    assert numbers(printed(out)) == [0]
    assert sink.batches == []
    go.set()


def test_the_budget_is_less_than_what_is_promised() -> None:
    """SLS that rejects, hangs or is gone costs a run at most 10 s in all."""
    assert FLUSH_BUDGET_S < PROMISED_S


def test_a_run_that_raises_still_has_its_records() -> None:
    """An exception is no reason to forget what was done."""
    sink = FakeSink()

    def run() -> None:
        with recorder(sink) as records:
            records.add({"n": "0"})
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        run()

    assert numbers(sink.records) == [0]


# --- many records --------------------------------------------------------------------------------


class CountingClock(FakeClock):
    """Counts the records; signals when more wait than allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.added = 0
        self.too_many = threading.Event()

    def now(self) -> datetime:
        self.added += 1
        if self.added > MOST_HELD:
            self.too_many.set()
        return super().now()


MOST_HELD = 2 * MAX_WAITING + 1
"""Those that wait, those that are being sent, and the one for which there is no room yet."""


def test_records_that_sls_takes_slowly_are_not_heaped_up() -> None:
    """L5: a second delivery has 100,000 records at once, in a function of 128 MB."""
    clock, held = CountingClock(), []

    def take_slowly(call: int) -> None:
        if call == 1:
            clock.too_many.wait(timeout=0.5)
        held.append(clock.added - sum(map(len, sink.batches)))

    sink = FakeSink(take_slowly)
    with Recorder(sink, clock=clock, common={}, out=io.StringIO()) as records:
        for n in range(3 * MOST_HELD):
            records.add({"n": str(n)})

    assert numbers(sink.records) == list(range(3 * MOST_HELD))
    assert max(held) <= MOST_HELD


def test_who_waits_for_room_waits_within_the_budget() -> None:
    """L5: SLS that hangs costs a run its budget once, and no record, however many there are."""
    out, hangs = io.StringIO(), threading.Event()
    sink = FakeSink(lambda _: _wait(hangs))

    began = time.monotonic()
    with recorder(sink, out, budget_s=0.2) as records:
        for n in range(5 * MAX_WAITING):
            records.add({"n": str(n)})
    took_s = time.monotonic() - began
    hangs.set()

    assert sorted(numbers(printed(out))) == list(range(5 * MAX_WAITING))
    assert took_s < PROMISED_S


TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["磁" * 9000, "📷" * 9000, "x" * 9000]
)


@given(record=st.dictionaries(TEXTS, TEXTS, max_size=9), number=st.integers())
def test_whatever_a_record_holds_it_is_a_line_that_every_stream_and_log_takes(
    record: dict[str, str], number: int
) -> None:
    """N10: half of a surrogate pair, any alphabet, any length; ASCII, and short enough for FC."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)

    with Recorder(None, clock=FakeClock(), common={}, out=out) as records:
        records.add({**record, "n": "before"})
        records.add({"n": number})  # type: ignore[dict-item] # a mistake that a caller may make
        records.add({"n": "after"})

    lines = out.buffer.getvalue().splitlines()
    assert max(map(len, lines)) <= MAX_LINE_CHARACTERS
    assert [json.loads(line)["n"] for line in lines] == ["before", str(number), "after"]


@given(secret=st.sampled_from(["very+secret/key", "CAIS0123456789abcdef"]), where=TEXTS)
def test_whatever_field_a_secret_is_in_no_record_has_it(secret: str, where: str) -> None:
    """Invariant 6: in SLS, on stdout, and in the reason why SLS was given up."""

    def fail(_: int) -> None:
        raise SlsError(f"Unauthorized (401): {secret}", transient=False)

    credentials = Credentials(access_key_id="id", access_key_secret=secret, security_token=None)
    sink, out = FakeSink(), io.StringIO()
    for to in (sink, FakeSink(fail)):
        with recorder(to, out, redacted=credentials.redacted) as records:
            records.add({where or "x": f"said {secret}", "event": json.dumps({"k": secret})})

    assert secret not in out.getvalue()
    assert secret not in repr(sink.records)
    assert out.getvalue().count("***") >= 2
