"""
How fast one API may be called, learnt from what its server answers.

State and decisions only, as functions of the instants that they are told: no clock, no
threads, no waiting. ECS counts calls in minutes of its own ("throttled in minute T, callable
again in T + 1", API throttling); where those begin, and how many calls one has, it does not
say. So: a throttled answer closes the gate for all; one call at a time finds out whether it
is open again, and with it when the server's minute begins; what that minute took before is the
quota. A server that counts otherwise (a sliding minute, a bucket) is met as well, only
less exactly.

Never knows what is called. All instants are in seconds of one clock that never runs backwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_S = 60.0
MAX_RETRY_AFTER_S = 60.0
"""Windows last a minute: who asks for more is mistaken, or it is not for this run."""

_HEADROOM = 0.98
"""The share of a quota that is aimed at: calls are never spread with perfect evenness."""
_DECREASE = 0.5
"""No closing lowers the rate below this share of it, whatever was counted."""
_BLIND_DECREASE = 0.7
"""Where a server's minutes do not fit, its quota cannot be counted."""
_INCREASE = 1.1
_BUSY_SHARE = 0.8
"""A rate that is not made use of is not raised."""
_MAX_PATIENCE_S = 16 * WINDOW_S
_LEAST_PER_MINUTE = 6.0

_FIRST_GAP_S, _GAP_S, _LONG_GAP_S = 1.0, 6.0, 30.0
"""Between probes: at first, in a window whose end is not known, and when it seems to have none."""
_LEAST_GAP_S = 0.2
_PRECISE_S = 1.0
"""A beginning that is known as well as this is waited for, not looked for."""
_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Leave to make one call, not before an instant; it lapses when the gate closes."""

    start: float
    era: int
    probe: bool = False
    """On this call depends whether the gate opens again."""


def valid_retry_after_s(retry_after_s: float | None) -> float:
    """Return for how long the server asked to wait; 0 where it did not, or not in earnest."""
    if retry_after_s is None or not 0 < retry_after_s <= MAX_RETRY_AFTER_S:
        return 0.0
    return retry_after_s


class Rate:
    """One API's rate, in calls a minute, and its gate."""

    def __init__(self, *, calls_per_minute: int) -> None:
        self.per_minute = float(calls_per_minute)
        self.closed = False
        self._ceiling = float(calls_per_minute)
        self._due = float("-inf")
        self._era = 0
        self._served: deque[float] = deque()
        """When the calls of the last two minutes started that were not throttled."""
        self._raised_at = float("-inf")
        self._patience_s = WINDOW_S
        self._raised = False
        """Whether the last change was a raise."""
        # While closed:
        self._since = 0.0
        self._probe_at = 0.0
        self._probing = False
        self._failed_probes = 0
        self._shut_at = 0.0
        """So late the server was seen to refuse."""
        # A beginning of a server's minute lies between these two.
        self._window: tuple[float, float] | None = None
        self._opened_at = float("-inf")
        """Of the call that found the gate open: nothing was served shortly before."""

    # --- before a call -------------------------------------------------------------------------

    def ask(self, now: float) -> Ticket | None:
        """
        Reserve the next call; None where another one is to find out first if the gate is open.

        A ticket that is not used has to be given back: see `lapse`.
        """
        if self.closed:
            if self._probing:
                return None
            self._probing = True
            return Ticket(start=max(now, self._probe_at), era=self._era, probe=True)
        self._raise(now)
        interval_s = 60 / self.per_minute
        # Up to a second's worth may start at once, and one always; no more is saved up.
        unused_s = max(1.0, interval_s)
        self._due = max(self._due, now - unused_s) + interval_s
        return Ticket(start=max(now, self._due), era=self._era)

    def holds(self, ticket: Ticket, now: float) -> bool:
        """Say whether a call may start now; if not, its ticket has lapsed: ask again."""
        if ticket.era != self._era:
            return False
        if ticket.probe and now < self._probe_at:
            # A late answer asked for more time.
            self._probing = False
            return False
        return True

    def lapse(self, ticket: Ticket) -> None:
        """Take back a ticket that nobody will use."""
        if ticket.probe and ticket.era == self._era:
            self._probing = False

    def opens_in_s(self, now: float) -> float:
        """Return for how long the server is expected to refuse; 0 where it does not."""
        if not self.closed:
            return 0.0
        if self._window is not None:
            return _next_after(self._window, now)[1] - now
        return max(self._probe_at, self._since + WINDOW_S, now) - now

    # --- after it ------------------------------------------------------------------------------

    def passed(self, ticket: Ticket, sent_at: float, now: float) -> None:
        """Take in an answer that was none about too many calls."""
        self._count(sent_at, now)
        if ticket.probe and ticket.era == self._era:
            self._open(sent_at, now)

    def unanswered(self, ticket: Ticket, sent_at: float, now: float) -> None:
        """Take in that no answer came: of a closed gate another call has to find out."""
        self._count(sent_at, now)
        self.lapse(ticket)

    def _count(self, sent_at: float, now: float) -> None:
        self._served.append(sent_at)
        while self._served and self._served[0] < now - 2 * WINDOW_S:
            self._served.popleft()

    def throttled(
        self,
        ticket: Ticket,
        sent_at: float,
        now: float,
        *,
        retry_after_s: float | None,
        chance: float,
    ) -> None:
        """
        Take in that there were too many calls.

        Args:
            ticket: The call's.
            sent_at: When the call started.
            now: When its answer came.
            retry_after_s: What the server asked to wait; what cannot be meant is ignored.
            chance: From 0 up to 1.

        """
        asked_s = valid_retry_after_s(retry_after_s)
        if ticket.era != self._era:
            # Sent before the gate closed. It says no more than how long to wait.
            if self.closed:
                self._shut(sent_at, asked_s)
                self._probe_at = max(self._probe_at, now + asked_s if asked_s else 0.0)
            return
        if self.closed:
            self._failed_probes += 1
            self._probing = False
        else:
            self._close(now)
        self._shut(sent_at, asked_s)
        self._probe_at = max(self._next_probe(now, chance), now + asked_s)

    # --- the gate ------------------------------------------------------------------------------

    def _close(self, now: float) -> None:
        self.closed = True
        self._era += 1
        self._since = now
        self._failed_probes = 0
        self._probing = False
        self._shut_at = float("-inf")

    def _shut(self, sent_at: float, asked_s: float) -> None:
        """Note that the server was closed; until when, if it said so."""
        told = sent_at + asked_s - _PRECISE_S if asked_s else sent_at
        self._shut_at = max(self._shut_at, sent_at, told)

    def _next_probe(self, now: float, chance: float) -> float:
        """Return when to look again: at the server's next minute, or after a growing gap."""
        if self._window is not None and self._failed_probes <= 1:
            low, high = _next_after(self._window, now)
            if high - low > _PRECISE_S and self._failed_probes == 0:
                # In the middle: whatever the answer, the beginning is known twice as well.
                middle = max(low, now) + (high - max(low, now)) / 2
                return max(middle, now + _LEAST_GAP_S)
            return max(high, now + _LEAST_GAP_S) + chance * _LEAST_GAP_S
        closed_s = now - self._since
        longest_s = _GAP_S if closed_s < WINDOW_S + _GAP_S else min(_LONG_GAP_S, closed_s / 4)
        top_s = min(longest_s, _FIRST_GAP_S * 2.0 ** min(self._failed_probes, 10))
        return now + _LEAST_GAP_S + chance * (top_s - _LEAST_GAP_S)

    def _open(self, sent_at: float, now: float) -> None:
        found = (min(self._shut_at, now), now)
        fits = self._window is None or _overlap(found, _near(self._window, now))
        window = found
        if self._window is not None and fits:
            low, high = _near(self._window, now)
            window = (max(low, found[0]), min(high, found[1]))
            if window[0] > window[1]:
                window = found
        self._window = window
        self._lower(window, now, fits=fits)
        self.closed = False
        self._probing = False
        self._due = now
        self._opened_at = sent_at

    # --- the rate ------------------------------------------------------------------------------

    def _lower(self, window: tuple[float, float], now: float, *, fits: bool) -> None:
        """Go slower: at what the server's last minute took, where that can be told."""
        if fits:
            low, high = window[0] - WINDOW_S, window[1] - WINDOW_S
            begun = self._opened_at if self._opened_at >= low - _TOLERANCE_S else (low + high) / 2
            quota = sum(begun <= at < begun + WINDOW_S for at in self._served)
            slower = max(quota * _HEADROOM, self.per_minute * _DECREASE)
            slower = min(slower, self.per_minute * _HEADROOM)
        else:
            slower = self.per_minute * _BLIND_DECREASE
        self.per_minute = max(slower, min(_LEAST_PER_MINUTE, self._ceiling))
        if self._raised:
            self._patience_s = min(self._patience_s * 2, _MAX_PATIENCE_S)
        self._raised = False
        self._raised_at = now

    def _raise(self, now: float) -> None:
        """Go a little faster, where nothing was throttled for long and all of it was used."""
        if self.per_minute >= self._ceiling or now - self._raised_at < self._patience_s:
            return
        busy = sum(at >= now - WINDOW_S for at in self._served)
        self._raised_at = now
        if busy >= self.per_minute * _BUSY_SHARE:
            if self._raised:
                # The last raise did no harm.
                self._patience_s = WINDOW_S
            self.per_minute = min(self._ceiling, self.per_minute * _INCREASE)
            self._raised = True


def _near(window: tuple[float, float], now: float) -> tuple[float, float]:
    """Return the beginning of a minute that lies the least away from `now`."""
    low, high = window
    shift = round((now - (low + high) / 2) / WINDOW_S) * WINDOW_S
    return low + shift, high + shift


def _next_after(window: tuple[float, float], now: float) -> tuple[float, float]:
    """Return the next beginning of a minute that may still lie ahead."""
    low, high = window
    shift = (now - high) // WINDOW_S * WINDOW_S + WINDOW_S
    return low + shift, high + shift


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] + _TOLERANCE_S and other[0] <= one[1] + _TOLERANCE_S
