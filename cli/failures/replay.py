"""
Sends the events of the failure queue again, and deletes a message once its run has started.

While it works, nobody else receives the messages that it holds; what it could not settle it lets
go. A process that is killed leaves its messages in the queue, where they can be received again when
their time is over. Sending an event twice is harmless, because a run's identity is its event's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from cli.account.errors import AccountError
from cli.account.smq_messages import MAX_HIDDEN_S, QueueMessage, QueueMessages
from cli.failures.event import Meaning
from cli.failures.evidence import Evidence
from cli.failures.message import Failure
from cli.fc_starter import not_started
from cli.history.source import SourceError
from cli.progress import Report, no_report
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.runtime.clock import Clock

MAX_SENT = 256
"""How many events are sent by one command."""
MAX_RECEIVED = 2000
POLL_S = 5.0
"""Between two looks for the records."""
SPARE_S = 600
"""How much longer than it waits a message is held: for sending, and for deleting."""

Status = Literal["started", "rejected", "not_started", "not_sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A message, and what its event asks for."""

    failure: Failure
    meaning: Meaning

    @property
    def obstacle(self) -> str:
        """Return why the event is not sent again; empty if it is."""
        return self.failure.problem or self.meaning.objection


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one message."""

    read: Read
    status: Status
    reason: str = ""
    request_id: str = ""
    """Of the new invocation."""
    is_deleted: bool = False


class Starter(Protocol):
    """Starts a function; see `FcStarter`."""

    def start(self, folder: str, event: bytes, *, invocation_id: str) -> str:
        """Return the request id of the invocation; raises FcError."""


class Trace(Protocol):
    """Looks for the records of invocations; see `evidence`."""

    def __call__(self, request_ids: Collection[str], since: timedelta) -> Mapping[str, Evidence]:
        """Return what is known of them; raises SourceError."""


@dataclass(slots=True)
class _Held:
    """A message that nobody else receives for a while."""

    read: Read
    receipt: str


@dataclass(slots=True)
class _Sending:
    """One event with all its messages: the queue may hold the same one several times."""

    messages: list[_Held]
    request_id: str = ""


@dataclass(slots=True, kw_only=True)
class Replay:
    """One replay, from the first message to the last."""

    queue: QueueMessages
    read: Callable[[QueueMessage], Read]
    starter: Starter
    trace: Trace
    clock: Clock
    wait_s: float
    outcomes: list[Outcome] = field(default_factory=list)
    has_more: bool = False
    """Whether messages were left that this command did not look at."""
    progress: Report = no_report
    _others: list[str] = field(default_factory=list)
    """Receipts of messages that are not to be sent."""
    _sendings: dict[tuple[str, str], _Sending] = field(default_factory=dict)

    def run(self, is_chosen: Callable[[Failure], bool]) -> None:
        """
        Send again what is chosen; `outcomes` has a line for each of its messages.

        Raises:
            AccountError: A message could not be received or held; nothing was sent.
            SourceError: The records cannot be read; nothing was sent.

        """
        # Without the records no message could ever be deleted.
        self.trace(["none"], timedelta())
        try:
            self._take(is_chosen)
            self._let_go(self._others)
            sent_at = self.clock.now()
            self._send()
            self._wait(sent_at)
        finally:
            self._give_up("the command was stopped before that was known")
            self._let_go(self._others)

    def _take(self, is_chosen: Callable[[Failure], bool]) -> None:
        """Receive what is visible now, and hold what is to be sent."""
        seen: set[str] = set()
        held_s = min(MAX_HIDDEN_S, int(self.wait_s) + SPARE_S)
        for number in range(1, MAX_RECEIVED + 1):
            message = self.queue.receive()
            if message is None:
                return
            self._others.append(message.receipt)
            if message.message_id in seen:
                continue  # the time for which it was hidden is over
            seen.add(message.message_id)
            self.progress("reading", number)
            read = self.read(message)
            if is_chosen(read.failure):
                self._hold(read, message.receipt, held_s)
            if sum(len(one.messages) for one in self._sendings.values()) >= MAX_SENT:
                break
        self.has_more = True

    def _hold(self, read: Read, receipt: str, held_s: int) -> None:
        if read.obstacle:
            self.outcomes.append(Outcome(read=read, status="not_sent", reason=read.obstacle))
            return
        longer = self.queue.hide(receipt, held_s)
        self._others.remove(receipt)
        if longer is None:
            text = "somebody else received it meanwhile"
            self.outcomes.append(Outcome(read=read, status="not_sent", reason=text))
            return
        key = (read.failure.folder, read.meaning.event)
        self._sendings.setdefault(key, _Sending([])).messages.append(_Held(read, longer))

    def _send(self) -> None:
        for number, (key, sending) in enumerate(list(self._sendings.items()), start=1):
            self.progress("sending", number, len(self._sendings))
            folder, event = key
            id_ = invocation_id(sending.messages[0].read.failure)
            try:
                sending.request_id = self.starter.start(folder, event.encode(), invocation_id=id_)
            except DuplicateInvocationError:
                reason = "FC has it, and its answer was lost; see what came of it before you repeat"
                self._settle(key, "not_started", reason)
            except FcError as exc:
                self._settle(key, "not_sent", not_started(exc))

    def _wait(self, sent_at: datetime) -> None:
        """Delete the messages whose runs have started, until all have or the time is over."""
        ends = self.clock.monotonic() + self.wait_s
        open_: list[tuple[str, str]] = []
        while self._sendings:
            try:
                found = self.trace(self._request_ids(), self.clock.now() - sent_at)
            except SourceError as exc:
                self._give_up(f"its records cannot be read: {exc}")
                return
            for key, sending in list(self._sendings.items()):
                about = found.get(sending.request_id)
                if about is not None:
                    self._settle(key, "started" if about.has_started else "rejected", about.reason)
            open_ = list(self._sendings)
            if not open_ or self.clock.monotonic() >= ends:
                break
            self.progress(f"waiting for {len(open_)} to start")
            self.clock.sleep(POLL_S)
        self._give_up("no record of it yet: it may start later, or fail again as a new message")

    def _request_ids(self) -> list[str]:
        return [sending.request_id for sending in self._sendings.values() if sending.request_id]

    def _give_up(self, reason: str) -> None:
        for key, sending in list(self._sendings.items()):
            self._settle(key, "not_started" if sending.request_id else "not_sent", reason)

    def _settle(self, key: tuple[str, str], status: Status, reason: str) -> None:
        """Record what came of an event; delete its messages if its run has started."""
        sending = self._sendings.pop(key)
        for held in sending.messages:
            is_deleted, why = False, reason
            if status == "started":
                is_deleted, why = self._deleted(held)
            if not is_deleted:
                self._others.append(held.receipt)
            self.outcomes.append(
                Outcome(
                    read=held.read,
                    status=status,
                    reason=why,
                    request_id=sending.request_id,
                    is_deleted=is_deleted,
                )
            )

    def _deleted(self, held: _Held) -> tuple[bool, str]:
        """Delete a message; return whether that is certain, and why not."""
        harmless = "it may be received again, and then takes no second snapshot"
        try:
            if self.queue.delete(held.receipt):
                return True, ""
        except AccountError as exc:
            return False, f"not deleted: {exc}; {harmless}"
        return False, f"not deleted, because its time was over; {harmless}"

    def _let_go(self, receipts: list[str]) -> None:
        """Let others receive messages; what cannot be done, time does."""
        try:
            for receipt in receipts:
                self.queue.hide(receipt, 1)
        except AccountError:
            return
        finally:
            self._others = []


def invocation_id(failure: Failure) -> str:
    """
    Return the id of the task, which FC accepts once: another one for each receipt of a message.

    The same call made again, because its answer was lost, so starts nothing twice. After a process
    was killed, the next one has to be able to send the event, so the id may not stay the same.
    """
    digest = hashlib.sha256(failure.message_id.encode()).hexdigest()[:32]
    return f"replay-{digest}-{failure.received}"
