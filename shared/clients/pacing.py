"""
How fast, how often, how long: call rate, back-off, calls in flight and time budget.

Every call goes through one `Pacer`, which asks `shared.clients.rate` when it may start and tells it
what became of it. Never knows what it paces. Clock, sleep and chance come from outside.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from shared.clients.backoff import MAX_TRIES, backoff_s
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
_THROTTLED_TRIES = 20
_THROTTLED_TRY_S = 6.0


class OutOfTimeError(Exception):
    """The deadline came before a call could start; it was not made."""

    def __init__(self, api: str) -> None:
        super().__init__(f"no time left for {api}")


class SteadyClock:
    """Goes on where another clock jumps back: no wait grows, and no deadline moves away."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._behind_s = 0.0
        self._last = clock.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds that never run backwards, whatever the clock below does."""
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
    Admits the calls of all runs in one region; safe to share between threads.

    One rate for each API, as ECS counts them; one cap on calls in flight for all of them.
    """

    def __init__(
        self, *, clock: Clock, deadline: float, calls_per_minute: int, max_in_flight: int = 16
    ) -> None:
        """
        Prepare.

        Args:
            clock: Time, waiting and chance.
            deadline: In the clock's monotonic seconds: no call starts at it, or later.
            calls_per_minute: The most, for each API; the server may ask for less.
            max_in_flight: How many calls may be on their way at once.

        """
        self.clock: Clock = SteadyClock(clock)
        self.deadline = deadline
        self.calls: Counter[str] = Counter()
        """How many calls were admitted, by API."""
        self.throttled: Counter[str] = Counter()
        """How many of them were throttled."""
        self.show_life: Callable[[], None] = lambda: None
        """Told of each try of a listing that came to nothing: one may take long."""
        self._calls_per_minute = calls_per_minute
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._rates: dict[str, Rate] = {}
        self._changed = threading.Condition()
        """Holds all of the state together; told whenever a call or a wait has ended."""

    @property
    def time_is_up(self) -> bool:
        """Say whether no call may start any more."""
        return self.clock.monotonic() >= self.deadline

    @property
    def throttled_tries(self) -> int:
        """How often one thing may be throttled in the time that is left; more than ever should."""
        left_s = min(_DAY_S, max(0.0, self.deadline - self.clock.monotonic()))
        return _THROTTLED_TRIES + int(left_s / _THROTTLED_TRY_S)

    def wait_hint_s(self, api: str | None = None) -> float:
        """
        Return in how many seconds the server may let calls through again.

        0 where it throttles nothing at the moment; with None the longest of all APIs.
        """
        with self._changed:
            now = self.clock.monotonic()
            rates = [rate for name, rate in self._rates.items() if api in (None, name)]
            return max((rate.opens_in_s(now) for rate in rates), default=0.0)

    def call_once(
        self, api: str, call: Callable[[], T], *, before: Callable[[], None] | None = None
    ) -> T:
        """
        Make a call when it may start: at the rate, below the cap, and before the deadline.

        Args:
            api: Whose rate it is that counts.
            call: What it returns and raises is returned and raised; from both is learnt how
                fast the next ones may be.
            before: Done after the wait for our turn; what it raises is raised, without the call.

        Raises:
            OutOfTimeError: It could start only after the deadline; it was not made.

        """
        ticket = self._admitted(api, before)
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
        Make a call that changes nothing, and make it again while that may help.

        Raises:
            EcsError: The last refusal, or the first that no retry mends; or it was throttled for
                as long as there was time.
            OutOfTimeError: The deadline came before anything else.

        """
        failures, throttled, throttled_most = 0, 0, self.throttled_tries
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
                if throttled > throttled_most:
                    raise last
            else:
                failures += 1
                self._back_off(api, last, failures)

    def _back_off(self, api: str, error: EcsError, failures: int) -> None:
        """Wait before the next try, or raise if there is none."""
        status, after = 0, None
        if isinstance(error, EcsRejectedError):
            status, after = error.http_status, error.retry_after_s
        asked = error_action(error.code, status)
        if failures >= MAX_TRIES.get(asked, 0):
            raise error
        delay = backoff_s(asked, failures, retry_after_s=after, chance=self.clock.random())
        if self.clock.monotonic() + delay >= self.deadline:
            raise OutOfTimeError(api) from error
        self.clock.sleep(delay)

    # --- before and after a call ---------------------------------------------------------------

    def _admitted(self, api: str, before: Callable[[], None] | None) -> Ticket:
        """Wait until a call may start, with a place among those in flight."""
        may_be_late = False
        while True:
            ticket = self._ticket(api)
            try:
                self._wait_until(ticket.start)
                if before is not None:
                    before()
                if self._start(api, ticket, may_be_late=may_be_late):
                    return ticket
                # Late only once, because `before` may take long each time.
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
                    # Another call probes the gate for all.
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
