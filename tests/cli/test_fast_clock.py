"""The clock of the demo: waiting is fast, and nothing else is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from cli.emulator_session import FastClock

SPEED = 10_000.0


def test_waiting_moves_the_clock_by_what_was_waited_for() -> None:
    """In a fraction of the time."""
    clock = FastClock(SPEED)
    before = clock.now()

    clock.sleep(3600)

    assert 3600 <= clock.monotonic() < 3700
    assert 3600 <= (clock.now() - before).total_seconds() < 3700


def test_threads_that_wait_at_the_same_time_wait_once() -> None:
    """As on any clock."""
    clock, together = FastClock(SPEED), Barrier(4)

    def wait(_: int) -> None:
        together.wait()
        clock.sleep(3600)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(wait, range(4)))

    assert 3600 <= clock.monotonic() < 7200


def test_computing_takes_its_real_time() -> None:
    """A slow machine must not bring a function to its deadline: a second was ten minutes once."""
    clock = FastClock(SPEED)

    before, total = clock.monotonic(), sum(range(1_000_000))
    after = clock.monotonic()

    assert total
    assert after - before < SPEED / 100
