"""`ecsnap failures`: what Function Compute could not carry out, and sending it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cli.account.access import Access, AccessError, access_of
from cli.account.errors import AccountError
from cli.account.smq_messages import MAX_PEEKED, NO_QUEUE, QueueMessage, QueueMessages
from cli.console import Output, print_json, print_line
from cli.deployment.functions import queue_of
from cli.deployment.model import PLACEHOLDER
from cli.deployment.names import FOLDERS
from cli.deployment.project import Project, ProjectError, read_project
from cli.deployment.variables import MissingVariableError, filled_in
from cli.failures.event import Reader
from cli.failures.evidence import evidence
from cli.failures.message import Failure, failure_of
from cli.failures.replay import MAX_SENT, Outcome, Read, Replay
from cli.failures.tables import details, failures_table, outcomes_table
from cli.fc_starter import FcStarter
from cli.history.runs import parsed_since
from cli.history.source import READER_POLICY, SourceError, source_of
from cli.progress import progress
from shared.runtime.clock import SYSTEM_CLOCK, Clock
from shared.validation import nearest

_Result = TypeVar("_Result")
OPERATOR_POLICY = "docs/operator-policy.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which messages are meant."""

    policies: Path
    """The policy file; `deployment.yaml` is in its folder."""
    ids: Sequence[str] = ()
    """The ids of messages or of their invocations, or the beginnings of them; empty for all."""
    function: str | None = None
    """Only events of this function."""
    wait: str = "2m"
    """How long to wait for the runs to start."""
    fun: bool = False
    """The functions were deployed with Fun, to FC 2.0."""
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """The environment variables, with the credentials."""
    clock: Clock = SYSTEM_CLOCK

    def means(self, failure: Failure) -> bool:
        """Return whether a failure is meant."""
        if self.function not in (None, failure.folder):
            return False
        return not self.ids or any(failure.is_named(one) for one in self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The queue of a deployment, and how its messages are read."""

    project: Project
    access: Access
    account_id: str
    queue: QueueMessages
    reader: Reader

    def read(self, message: QueueMessage) -> Read:
        failure = failure_of(message, self.project.names)
        return Read(failure=failure, meaning=self.reader.meaning(failure))


def show(question: Question, output: Output) -> bool:
    """
    Print what is in the failure queue, without receiving it; one message in full by its id.

    Returns:
        Whether the queue could be read, and each id was found.

    """
    try:
        place = _place(question, services=("SMQ",), policy=READER_POLICY)
        shown = [place.read(message) for message in _asked(place.queue.peek)]
    except SourceError as exc:
        print_line(output.messages, str(exc), "red")
        return False
    rows = [row for row in shown if question.means(row.failure)]
    has_more = len(shown) >= MAX_PEEKED
    if output.as_json:
        documents = [_document(row) for row in rows]
        print_json(output.console, {"failures": documents, "more": has_more})
    elif question.ids:
        for row in rows:
            for line in details(row):
                print_line(output.console, line)
    else:
        if rows:
            output.console.print(failures_table(rows, output.console.width))
        print_line(output.console, _count(rows))
    if has_more:
        text = (
            f"SMQ shows the first {MAX_PEEKED} messages only, and there may be more; --replay sends"
            " all, and CloudMonitor counts them (ActiveMessages)"
        )
        print_line(output.messages, text, "yellow")
    return _found(question, [row.failure for row in shown], output)


def _count(rows: Sequence[Read]) -> str:
    text = f"{len(rows)} {'failure' if len(rows) == 1 else 'failures'}"
    obstacles = sum(bool(row.obstacle) for row in rows)
    if not obstacles:
        return text
    return f"{text}, {obstacles} of which --replay does not send; `ecsnap failures ID` says why"


def replay(question: Question, output: Output) -> bool:
    """
    Send events of the failure queue again; delete a message only after its run has started.

    Returns:
        Whether every event that was meant has started.

    """
    try:
        wait_s = parsed_since(question.wait, "--wait").total_seconds()
        place = _place(question, services=("FC", "SLS", "SMQ"), policy=OPERATOR_POLICY)
        source = source_of(
            question.policies,
            question.env,
            now=question.clock.now(),
            sleep=question.clock.sleep,
        )
        with progress(output.messages) as report:
            report("reading")
            run = Replay(
                queue=place.queue,
                read=place.read,
                starter=FcStarter(
                    access=place.access,
                    account_id=place.account_id,
                    names=place.project.names,
                    clock=question.clock,
                    fun=question.fun,
                ),
                trace=lambda ids, since: evidence(source, ids, clock=question.clock, since=since),
                clock=question.clock,
                wait_s=wait_s,
                progress=report,
            )
            try:
                _asked(lambda: run.run(question.means))
            except KeyboardInterrupt:
                _show_outcomes(run, output)
                raise
    except SourceError as exc:
        print_line(output.messages, f"{exc}; nothing was sent", "red")
        return False
    _show_outcomes(run, output)
    found = _found(question, [outcome.read.failure for outcome in run.outcomes], output)
    return found and all(outcome.status == "started" for outcome in run.outcomes)


def _show_outcomes(run: Replay, output: Output) -> None:
    if output.as_json:
        documents = [_outcome_document(outcome) for outcome in run.outcomes]
        print_json(output.console, {"failures": documents, "more": run.has_more})
    else:
        if run.outcomes:
            output.console.print(outcomes_table(run.outcomes, output.console.width))
        counts = [sum(one.is_deleted is state for one in run.outcomes) for state in (True, False)]
        line = f"{counts[0]} started and deleted from the queue, {counts[1]} left in it"
        print_line(output.console, line)
    if run.has_more:
        text = f"there may be more messages; one command sends at most {MAX_SENT}: run it again"
        print_line(output.messages, text, "yellow")


def _document(row: Read) -> dict[str, object]:
    return {**row.failure.document(), **row.meaning.document(), "obstacle": row.obstacle}


def _outcome_document(outcome: Outcome) -> dict[str, object]:
    return {
        **_document(outcome.read),
        "outcome": outcome.status,
        "reason": outcome.reason,
        "replay_request_id": outcome.request_id,
        "deleted": outcome.is_deleted,
    }


def _found(question: Question, failures: Sequence[Failure], output: Output) -> bool:
    """Print the ids that no message has; return whether there is none."""
    unknown = [one for one in question.ids if not any(f.is_named(one) for f in failures)]
    for one in unknown:
        hint = nearest(one, [failure.id for failure in failures])
        line = f"'{one}': no such message can be received now{hint}"
        print_line(output.messages, line, "red")
    return not unknown


def _place(question: Question, *, services: Sequence[str], policy: str) -> _Place:
    """Return the queue of the deployment; raises SourceError with all that is wrong."""
    if question.function is not None and question.function not in FOLDERS:
        hint = nearest(question.function, FOLDERS)
        known = ", ".join(FOLDERS)
        raise SourceError(f"--function: '{question.function}': must be one of {known}{hint}")
    try:
        project = read_project(question.policies)
        region = project.deployment.region
        access = access_of(question.env, region=region, services=services, policy=policy)
        deployment = filled_in(project.deployment, question.env)
    except (ProjectError, AccessError, MissingVariableError) as exc:
        raise SourceError(str(exc)) from exc
    account_id = deployment.account_id
    if account_id == PLACEHOLDER and "SMQ" not in access.endpoints:
        raise SourceError(
            "deployment.yaml: account_id: placeholder, so the host of the queue is not known; run "
            "`ecsnap setup --apply`, which writes it"
        )
    access = replace(access, sleep=question.clock.sleep)
    return _Place(
        project=project,
        access=access,
        account_id=account_id,
        queue=QueueMessages(
            access, account_id=account_id, queue=queue_of(deployment, project.names)
        ),
        reader=Reader(
            policies=project.policies,
            region=region,
            account_id="" if account_id == PLACEHOLDER else account_id,
            now=question.clock.now(),
        ),
    )


def _asked(ask: Callable[[], _Result]) -> _Result:
    """Return an answer of the queue; raises SourceError."""
    try:
        return ask()
    except AccountError as exc:
        makes_it = "; run `ecsnap setup --apply`, which makes the queue"
        hint = makes_it if exc.code == NO_QUEUE else ""
        raise SourceError(f"{exc}{hint}") from exc
