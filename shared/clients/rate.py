"""
Learns from a server's answers how fast one API may be called.

ECS counts calls in minutes of its own and documents neither when these begin nor the quota
("API throttling": a call throttled in minute T is served again in T + 1). Nothing here depends
on that; a sliding minute and a token bucket are handled in the same way:

- A throttled answer pauses all calls. One probe at a time finds out whether the server accepts
  calls again.
- When it does, the rate becomes 98 % of what was served since the last pause.
- After a minute without throttling the rate rises by a tenth. Each raise that ends in
  throttling doubles the wait before the next one.

State and decisions only: no clock, no threads, no waiting. Instants are in seconds of one clock
that never runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 60.0
MAX_RETRY_AFTER_S = 60.0
"""The length of a throttling window; a longer wait is ignored as a mistake."""

_HEADROOM = 0.98
"""The share of the measured quota to use, because calls are never spread evenly."""
_MAX_DECREASE = 0.5
_INCREASE = 1.1
_MIN_PER_MINUTE = 6.0
_BUSY_SHARE = 0.8
"""A rate that is used less than this is not raised."""
_MAX_PATIENCE_S = 16 * WINDOW_S

_MAX_BURST_S = 0.5
"""How much unused time is made up for; more would exceed the burst that a token bucket allows."""

_MIN_GAP_S, _GAP_S, _LONG_GAP_S = 0.2, 6.0, 30.0
"""Between probes: the least, the most within a window, and the most after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Permission to start one call at `start` or later; void after the next pause begins."""

    start: float
    pauses: int
    """The number of pauses so far."""
    is_probe: bool = False
    """The pause lasts at least until this call is answered."""


def valid_retry_after_s(retry_after_s: float | None) -> float:
    """Return the wait that the server asked for; 0 if there is none, or it is out of bounds."""
    if retry_after_s is None or not 0 < retry_after_s <= MAX_RETRY_AFTER_S:
        return 0.0
    return retry_after_s


class Rate:
    """The rate of one API, in calls per minute, and its pauses."""

    def __init__(self, *, calls_per_minute: int) -> None:
        self.per_minute = self._max_per_minute = float(calls_per_minute)
        self.is_paused = False
        self._due = float("-inf")
        self._pauses = 0
        # The calls served since the last pause or review, and in the period before that, which is
        # empty after a pause.
        self._since: float | None = None
        self._served = self._served_before = 0
        self._before_s = 0.0
        self._patience_s = WINDOW_S
        """The time without throttling after which the rate is raised."""
        self._was_raised = False
        # During a pause:
        self._paused_at = self._probe_at = 0.0
        self._is_probing = False
        self._failed_probes = 0
        self._window: float | None = None
        """When one of the server's minutes began; None if not known."""

    def ask(self, now: float) -> Ticket | None:
        """
        Reserve the next call; None during a pause while another call probes.

        Pass a ticket that is not used to `give_back`.
        """
        if self.is_paused:
            if self._is_probing:
                return None
            self._is_probing = True
            return Ticket(start=max(now, self._probe_at), pauses=self._pauses, is_probe=True)
        self._review(now)
        self._due = max(self._due, now - self._max_late_s) + 60 / self.per_minute
        return Ticket(start=max(now, self._due), pauses=self._pauses)

    def is_valid(self, ticket: Ticket, now: float) -> bool:
        """Return whether the call may start now; if not, ask for a new ticket."""
        if ticket.pauses != self._pauses:
            return False
        if ticket.is_probe and now < self._probe_at:
            # A late answer asked for a longer wait.
            self._is_probing = False
            return False
        return True

    def is_late(self, ticket: Ticket, now: float) -> bool:
        """Return whether the call would start so late that late calls can add up to a burst."""
        return not ticket.is_probe and now - ticket.start > self._max_late_s

    @property
    def _max_late_s(self) -> float:
        """The unused time that is made up for: at least one call."""
        return max(_MAX_BURST_S, 60 / self.per_minute)

    def give_back(self, ticket: Ticket) -> None:
        """Take back a ticket that is not used, so that another call can probe."""
        if ticket.is_probe and ticket.pauses == self._pauses:
            self._is_probing = False

    def resumes_in_s(self, now: float) -> float:
        """Return for how long the server is expected to throttle; 0 without a pause."""
        if not self.is_paused:
            return 0.0
        if self._window is None:
            return max(self._probe_at, self._paused_at + WINDOW_S, now) - now
        return self._next_window_s(now)

    def on_served(self, ticket: Ticket, now: float) -> None:
        """Count a call that was not throttled; if it was the probe, end the pause."""
        self._served += 1
        if ticket.is_probe and ticket.pauses == self._pauses:
            self._resume(now)

    def on_no_answer(self, ticket: Ticket) -> None:
        """Count a call whose answer was lost; a pause continues."""
        self._served += 1
        self.give_back(ticket)

    def on_throttled(
        self, ticket: Ticket, now: float, *, retry_after_s: float | None, chance: float
    ) -> None:
        """
        Begin a pause, or continue it.

        Args:
            ticket: The ticket of the call.
            now: When the answer came.
            retry_after_s: The wait that the server asked for; ignored if out of bounds.
            chance: From 0 up to 1.

        """
        asked_s = valid_retry_after_s(retry_after_s)
        if ticket.pauses != self._pauses:
            # Sent before this pause: it only contains how long to wait.
            if asked_s:
                self._probe_at = max(self._probe_at, now + asked_s)
            return
        self._is_probing = False
        if self.is_paused:
            self._failed_probes += 1
        else:
            self.is_paused = True
            self._pauses += 1
            self._paused_at = now
            self._failed_probes = 0
        self._probe_at = now + max(self._gap_s(now, chance), asked_s)

    def _gap_s(self, now: float, chance: float) -> float:
        """Return the time to the next probe: soon, then the server's next minute, then growing."""
        if self._window is not None and self._failed_probes == 1:
            return self._next_window_s(now) + chance * _MIN_GAP_S
        paused_s = now - self._paused_at
        longest_s = _GAP_S if paused_s < WINDOW_S + _GAP_S else min(_LONG_GAP_S, paused_s / 4)
        top_s = min(longest_s, 2.0 ** min(self._failed_probes, 10))
        # A token bucket has the next token after one interval.
        least_s = max(_MIN_GAP_S, 60 / self.per_minute)
        return least_s + chance * max(0.0, top_s - least_s)

    def _next_window_s(self, now: float) -> float:
        return WINDOW_S - (now - (self._window or 0.0)) % WINDOW_S

    def _resume(self, now: float) -> None:
        was_expected = self._window is not None and self._failed_probes <= 1
        if now - self._paused_at > _GAP_S and not was_expected:
            self._window = now
        self.is_paused = self._is_probing = False
        self._due = now
        self._lower(now)

    def _lower(self, now: float) -> None:
        """Lower the rate to what was served, and restart the count."""
        served = self._served + self._served_before
        elapsed_s = now - self._start(now) + self._before_s
        measured = served * 60 / elapsed_s if elapsed_s else 0.0
        lower = max(min(measured, self.per_minute) * _HEADROOM, self.per_minute * _MAX_DECREASE)
        self.per_minute = max(lower, min(_MIN_PER_MINUTE, self._max_per_minute))
        if self._was_raised:
            self._patience_s = min(2 * self._patience_s, _MAX_PATIENCE_S)
        self._was_raised = False
        self._served_before, self._before_s = 0, 0.0
        self._since, self._served = now, 0

    def _review(self, now: float) -> None:
        """Raise the rate if it was used, and nothing was throttled for long enough."""
        elapsed_s = now - self._start(now)
        if elapsed_s < self._patience_s:
            return
        is_busy = self._served * 60 / elapsed_s >= self.per_minute * _BUSY_SHARE
        if is_busy and self.per_minute < self._max_per_minute:
            if self._was_raised:
                # The last raise caused no throttling.
                self._patience_s = WINDOW_S
            self.per_minute = min(self._max_per_minute, self.per_minute * _INCREASE)
            self._was_raised = True
        self._served_before, self._before_s = self._served, elapsed_s
        self._since, self._served = now, 0

    def _start(self, now: float) -> float:
        if self._since is None:
            self._since = now
        return self._since
