"""
When a call may start: call rate, retries, calls in flight and deadline.

Every ECS call goes through one `Pacer`, which asks `shared.clients.rate` when the call may start
and reports its result. Never knows what the calls do. Clock, sleep and chance are parameters.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from shared.clients.backoff import MAX_CALLS, backoff_s
from shared.clients.ecs_errors import (
    EcsError,
    EcsRejectedError,
    error_action,
    is_throttled,
)
from shared.clients.rate import Rate, Ticket
from shared.runtime.clock import Clock

T = TypeVar("T")

_DAY_S = 86_400.0
_MIN_THROTTLED_CALLS = 20
_THROTTLED_CALL_S = 6.0


class OutOfTimeError(Exception):
    """The deadline came before a call could start; the call was not made."""

    def __init__(self, api: str) -> None:
        super().__init__(f"no time left for {api}")


class SteadyClock:
    """A clock that ignores backward jumps of another, so that no wait and no deadline moves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._behind_s = 0.0
        self._last = clock.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds that never run backwards, even if the other clock does."""
        with self._lock:
            now = self._clock.monotonic() + self._behind_s
            self._behind_s += max(0.0, self._last - now)
            self._last = max(self._last, now)
            return self._last

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._clock.sleep(seconds)

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        return self._clock.random()


class Pacer:
    """
    Starts the calls of all runs in one region; safe to share between threads.

    Each API has its own rate, because ECS counts each API. The limit on calls in flight is for
    all of them.
    """

    def __init__(
        self, *, clock: Clock, deadline: float, calls_per_minute: int, max_in_flight: int = 16
    ) -> None:
        """
        Start without any call.

        Args:
            clock: Time, waiting and chance.
            deadline: In the clock's monotonic seconds; no call starts at or after it.
            calls_per_minute: The highest rate of each API; throttling lowers it.
            max_in_flight: The most calls at once.

        """
        self.clock: Clock = SteadyClock(clock)
        self.deadline = deadline
        self.calls: Counter[str] = Counter()
        """The number of calls started, by API."""
        self.throttled: Counter[str] = Counter()
        """The number of throttled calls, by API."""
        self.show_life: Callable[[], None] = lambda: None
        """Called after each failed call of `call_with_retries`, which may take long."""
        self._calls_per_minute = calls_per_minute
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._rates: dict[str, Rate] = {}
        self._changed = threading.Condition()
        """Guards all of the state; notified whenever a call or a wait has ended."""

    @property
    def time_is_up(self) -> bool:
        """Return whether the deadline has come."""
        return self.clock.monotonic() >= self.deadline

    @property
    def max_throttled_calls(self) -> int:
        """The most throttled calls for one disk or page, by the time that is left."""
        left_s = min(_DAY_S, max(0.0, self.deadline - self.clock.monotonic()))
        return _MIN_THROTTLED_CALLS + int(left_s / _THROTTLED_CALL_S)

    def wait_hint_s(self, api: str | None = None) -> float:
        """
        Return in how many seconds the server is expected to accept calls of an API again.

        0 if it does not throttle the API now; with None the longest wait of all APIs.
        """
        with self._changed:
            now = self.clock.monotonic()
            rates = [rate for name, rate in self._rates.items() if api in (None, name)]
            return max((rate.resumes_in_s(now) for rate in rates), default=0.0)

    def call_once(
        self, api: str, call: Callable[[], T], *, before: Callable[[], None] | None = None
    ) -> T:
        """
        Make a call as soon as the rate and the number of calls in flight permit it.

        Args:
            api: The operation, which has its own rate.
            call: Its result is returned, and its exception raised; the rate learns from both.
            before: Runs right before the call, or more than once; if it raises, no call is made.

        Raises:
            OutOfTimeError: The call could start only after the deadline, and was not made.

        """
        ticket = self._admit(api, before)
        error: BaseException | None = None
        try:
            return call()
        except BaseException as exc:
            error = exc
            raise
        finally:
            self._settle(api, ticket, error)

    def call_with_retries(self, api: str, call: Callable[[], T]) -> T:
        """
        Make a call that changes nothing, and retry transient errors and throttling.

        Raises:
            EcsError: An error that is not retried, the last of too many retries, or throttling
                until the deadline.
            OutOfTimeError: The deadline came before an answer.

        """
        failures, throttled, max_throttled = 0, 0, self.max_throttled_calls
        last: EcsError | None = None
        while True:
            try:
                return self.call_once(api, call)
            except OutOfTimeError as exc:
                if last is not None and is_throttled(last):
                    raise last from exc
                raise
            except EcsError as exc:
                last = exc
            self.show_life()
            if is_throttled(last):
                throttled += 1
                if throttled > max_throttled:
                    raise last
            else:
                failures += 1
                self._back_off(api, last, failures)

    def _back_off(self, api: str, error: EcsError, failures: int) -> None:
        """Wait before the next call, or raise if there is none."""
        status, after = 0, None
        if isinstance(error, EcsRejectedError):
            status, after = error.http_status, error.retry_after_s
        action = error_action(error.code, status)
        if failures >= MAX_CALLS.get(action, 0):
            raise error
        delay = backoff_s(action, failures, retry_after_s=after, chance=self.clock.random())
        if self.clock.monotonic() + delay >= self.deadline:
            raise OutOfTimeError(api) from error
        self.clock.sleep(delay)

    # --- before and after a call ---------------------------------------------------------------

    def _admit(self, api: str, before: Callable[[], None] | None) -> Ticket:
        """Wait until a call may start, and count it as in flight."""
        may_be_late = False
        while True:
            ticket = self._ticket(api)
            try:
                self._wait_until(ticket.start)
                if before is not None:
                    before()
                if self._start(api, ticket, may_be_late=may_be_late):
                    return ticket
                # Only once, because `before` may take long each time.
                may_be_late = True
            except BaseException:
                self._give_back(api, ticket)
                raise

    def _start(self, api: str, ticket: Ticket, *, may_be_late: bool) -> bool:
        """Start a call; False if its ticket is no longer valid, or too late."""
        with self._changed:
            while self._in_flight >= self._max_in_flight:
                self._changed.wait()
            now = self.clock.monotonic()
            if now >= self.deadline:
                raise OutOfTimeError(api)
            rate = self._rates[api]
            # The wait is over, even if the clock stands still.
            if not rate.is_valid(ticket, max(now, ticket.start)):
                return False
            if rate.is_late(ticket, now) and not may_be_late:
                return False
            self._in_flight += 1
            self.calls[api] += 1
            return True

    def _ticket(self, api: str) -> Ticket:
        with self._changed:
            rate = self._rates.setdefault(api, Rate(calls_per_minute=self._calls_per_minute))
            while not self.time_is_up:
                ticket = rate.ask(self.clock.monotonic())
                if ticket is None:
                    # Another call probes for all.
                    self._changed.wait()
                elif ticket.start < self.deadline:
                    return ticket
                else:
                    rate.give_back(ticket)
                    break
            # Calls that wait for a probe that is not made have to check the deadline themselves.
            self._changed.notify_all()
            raise OutOfTimeError(api)

    def _wait_until(self, start: float) -> None:
        pause = start - self.clock.monotonic()
        if pause > 0:
            self.clock.sleep(pause)

    def _give_back(self, api: str, ticket: Ticket) -> None:
        with self._changed:
            self._rates[api].give_back(ticket)
            self._changed.notify_all()

    def _settle(self, api: str, ticket: Ticket, error: BaseException | None) -> None:
        with self._changed:
            self._in_flight -= 1
            rate, now = self._rates[api], self.clock.monotonic()
            if error is not None and not isinstance(error, EcsRejectedError):
                rate.on_no_answer(ticket)
            elif error is not None and is_throttled(error):
                self.throttled[api] += 1
                after_s, chance = error.retry_after_s, self.clock.random()
                rate.on_throttled(ticket, now, retry_after_s=after_s, chance=chance)
            else:
                rate.on_served(ticket, now)
            self._changed.notify_all()
