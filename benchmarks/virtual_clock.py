"""
A clock whose time passes only while every thread of the process waits.

So minutes of waiting take no real time, and a slow or busy machine does not change the results:
computing takes no time here. A thread waits if its innermost frame is one of the waits of CPython's
`threading` and `concurrent.futures`.
"""

from __future__ import annotations

import heapq
import sys
import threading
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import thread as pools
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from random import Random
from types import FrameType

_LOOK_AGAIN_S = 0.00005


class VirtualClock:
    """Time, waiting and chance, for the code under test and the emulator."""

    def __init__(self, start: datetime, *, seed: int = 0) -> None:
        """`start`: the first time; `seed`: equal seeds give equal random numbers."""
        self._start = start
        self._passed_s = 0.0
        self._chance = Random(seed)  # noqa: S311 - jitter, not a secret
        self._order = count()
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        """Return how many seconds have passed."""
        return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        if seconds <= 0:
            return
        woken = threading.Event()
        with self._lock:
            due = self._passed_s + seconds
            heapq.heappush(self._sleepers, (due, next(self._order), woken))
        woken.wait()

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        with self._lock:
            return self._chance.random()

    @contextmanager
    def running(self) -> Iterator[None]:
        """
        Let time pass until the block ends; no thread may be asleep then.

        Of the threads that exist already only the caller's counts.
        """
        end = threading.Event()
        others = {one.ident for one in threading.enumerate()} - {threading.get_ident()}
        thread = threading.Thread(target=self._run, args=(end, others), name="time", daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _run(self, end: threading.Event, others: set[int | None]) -> None:
        others.add(threading.get_ident())
        while not end.is_set():
            if self._sleepers and _all_wait(others):
                with self._lock:
                    due, _, woken = heapq.heappop(self._sleepers)
                    self._passed_s = max(self._passed_s, due)
                woken.set()
            else:
                time.sleep(_LOOK_AGAIN_S)


def _all_wait(others: AbstractSet[int | None]) -> bool:
    frames = sys._current_frames()  # noqa: SLF001 - documented, for purposes like this
    return all(ident in others or _waits(frame) for ident, frame in frames.items())


def _waits(frame: FrameType) -> bool:
    """
    Return whether a thread waits for a notification that has not been sent yet.

    Reads the locals of the two waits only: CPython 3.11 may crash when it reads those of a function
    with closures which another thread is just entering.
    """
    if frame.f_code is threading.Condition.wait.__code__:
        held = frame.f_locals
        return "waiter" in held and held["waiter"] in held["self"]._waiters  # noqa: SLF001 - see above
    if frame.f_code is pools._worker.__code__:  # noqa: SLF001 - see above
        return bool(frame.f_locals["work_queue"].empty())
    return False
