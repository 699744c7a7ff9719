"""
Records read from SLS: all pages of a search, or an error with what to fix.

A page that SLS reports as incomplete is read again, so a partial answer is never taken for a
complete one. Records that a function printed because SLS failed are in its log, in the same
Logstore, and are found too. Never writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.clients.sls import Page, SlsError, connect
from shared.errors import ReconcileError
from shared.records.outcome import Record
from shared.runtime.clock import Clock
from shared.runtime.context import Credentials, LogTarget

READ_TIMEOUT_S = 10.0
"""Longer than for a write, because a search takes SLS longer."""
MAX_TRIES = 4
RETRY_DELAY_S = 0.5
"""The delay before a page is first retried; doubled before each further retry."""

_FIXES = {
    "IndexConfigNotExist": "create the Logstore's index: see docs/deployment.md",
    "LogStoreNotExist": "create the Logstore named in SLS_LOGSTORE",
    "ProjectNotExist": "create the project named in SLS_PROJECT",
    "Unauthorized": "allow log:GetLogStoreLogs on the Logstore: see ram-policy.json",
    "ParameterInvalid": "add a full-text index to the Logstore: see docs/deployment.md",
}


class Reader:
    """Searches one Logstore."""

    def __init__(
        self,
        target: LogTarget,
        credentials: Credentials,
        *,
        deployment: str,
        clock: Clock,
        deadline: float,
    ) -> None:
        """
        Prepare; nothing is called yet.

        Args:
            target: The Logstore.
            credentials: Of a role that may `log:GetLogStoreLogs` on it.
            deployment: Other deployments' records are left out here: they may share the
                Logstore, and an SLS search for words also finds names that contain this one.
                A record without a deployment is left out too.
            clock: Waits between retries.
            deadline: In the clock's monotonic seconds; no search is started after it.

        """
        self._logstore = connect(target, credentials, read_timeout_s=READ_TIMEOUT_S)
        self._deployment = deployment
        self._clock = clock
        self._deadline = deadline

    def records(self, query: str, *, since: datetime, until: datetime) -> Iterator[Record]:
        """
        Yield the records of this deployment that a query finds, oldest first.

        Raises:
            ReconcileError: SLS could not be read to the last page, so the records are incomplete.

        """
        offset = 0
        while page := self._page(query, since, until, offset=offset).records:
            for log in page:
                yield from self._own(log)
            offset += len(page)

    def start_of_run(
        self, run_id: str, request_id: str, *, since: datetime, until: datetime
    ) -> Record:
        """
        Return the start of a run that an invocation recorded, its event included.

        Raises:
            ReconcileError: SLS could not be read, or no longer contains the record.

        """
        page = self._page(f"{run_id} and {STARTED}", since, until, newest_first=True)
        for record in (record for log in page.records for record in self._own(log)):
            about = (record.get("record"), record.get("run_id"), record.get("request_id", ""))
            if about == (STARTED, run_id, request_id) and "event" in record:
                return record
        raise ReconcileError(f"{_CANNOT}; the start of run {run_id} is not found again")

    def newest_of_run(self, run_id: str, *, since: datetime, until: datetime) -> Record | None:
        """
        Return the latest record about a run, as far as one page holds it; None if none.

        Raises:
            ReconcileError: SLS could not be read.

        """
        page = self._page(run_id, since, until, newest_first=True)
        found = (record for log in page.records for record in self._own(log))
        # A record that only contains the id, such as of a failed restart, is about another subject.
        return next((record for record in found if record.get("run_id") == run_id), None)

    def _own(self, log: Record) -> Iterator[Record]:
        return (
            record for record in records_in(log) if record.get("deployment") == self._deployment
        )

    def _page(
        self,
        query: str,
        since: datetime,
        until: datetime,
        *,
        offset: int = 0,
        newest_first: bool = False,
    ) -> Page:
        problem = "the function's time ran out"
        for attempt in range(MAX_TRIES):
            if attempt:
                self._clock.sleep(RETRY_DELAY_S * 2 ** (attempt - 1))
            if self._clock.monotonic() >= self._deadline:
                break
            try:
                page = self._logstore.search(
                    query,
                    since_s=int(since.timestamp()),
                    until_s=int((until + timedelta(seconds=1)).timestamp()),
                    offset=offset,
                    newest_first=newest_first,
                )
            except SlsError as exc:
                problem = str(exc)
                if not exc.transient:
                    hint = _FIXES.get(exc.code, "")
                    raise ReconcileError("; ".join(filter(None, [_CANNOT, problem, hint]))) from exc
                continue
            if page.complete:
                return page
            problem = "SLS reports its answer as incomplete"
        raise ReconcileError(f"{_CANNOT}; {problem}")


STARTED = "part_started"
_CANNOT = "the records in SLS cannot be read"


def records_in(log: Record) -> Iterator[Record]:
    """
    Yield the records in one log entry: itself, or those that a function printed as JSON lines.

    A line that FC cut, at 32 KB, contains none.
    """
    if "record" in log:
        yield log
        return
    for line in log.get("message", "").splitlines():
        if not line.lstrip().startswith("{"):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "record" in value:
            yield {str(key): str(part) for key, part in value.items()}
