"""
The only door to the SLS SDK: one Logstore, written to and searched.

The SDK's own loops, ten attempts a second apart and a query asked again for ever, are not
ours to wait for: each call here is one request, and its failure an `SlsError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aliyun.log import LogClient, LogItem, PutLogsRequest
from aliyun.log.logexception import LogException

from shared.clients.cut_off import CuttableSession
from shared.runtime.context import Credentials, LogTarget

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 3.0
MAX_PAGE_RECORDS = 100
"""GetLogs: the most that one answer may hold."""
SOURCE = "snapshot-automation"

Record = dict[str, str]
"""One log entry: its fields, all of them texts."""
Batch = Sequence[tuple[int, Record]]
"""Records with the second, since 1970, in which each was made."""


class SlsError(Exception):
    """
    One call to SLS failed.

    `transient` says whether another try may help; `code` is the service's own, empty if it
    sent none.
    """

    def __init__(self, message: str, *, transient: bool, code: str = "") -> None:
        super().__init__(message)
        self.transient = transient
        self.code = code


_OK = 200
_REFUSALS = range(400, 500)


class _Client(LogClient):  # type: ignore[misc] # the SDK is untyped
    """The SDK's client, each of whose calls is tried once."""

    credentials: Credentials

    def _sendRequest(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, N802 - the SDK's own signature
        try:
            return super()._sendRequest(*args, **kwargs)
        except LogException as exc:
            # The SDK's loop catches its own exception only: ours ends it. Without an answer the
            # SDK says 200.
            transient = exc.resp_status not in _REFUSALS
            status = "no answer" if exc.resp_status == _OK else exc.resp_status
            message = self.credentials.redacted(str(exc.get_error_message()))
            code = self.credentials.redacted(str(exc.get_error_code()))
        # Not where it was caught: a traceback would show the SDK's own, which is not redacted.
        raise SlsError(f"{code} ({status}): {message}", transient=transient, code=code)

    def get_logs_once(self, project: str, logstore: str, params: Mapping[str, str]) -> _Answer:
        """Ask GetLogs: the SDK's own method asks again, for ever, for what is incomplete."""
        path = f"/logstores/{logstore}"
        return cast("_Answer", self._send("GET", project, None, path, dict(params), {}))


_Answer = tuple[Any, Mapping[str, str]]
"""The body's JSON, and the headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one search found; not `complete`: it has to be asked for again."""

    records: tuple[Record, ...]
    complete: bool


class Logstore:
    """One Logstore; safe to share between threads."""

    def __init__(self, target: LogTarget, client: _Client, session: CuttableSession) -> None:
        self._target = target
        self._client = client
        self._session = session

    def abandon(self) -> None:
        """Let the call that is under way fail, and all that would follow; from any thread."""
        self._session.cut_off()

    def write(self, batch: Batch) -> None:
        """
        Write one batch.

        Raises:
            SlsError: It may not have got there.

        """
        items = [LogItem(timestamp=at, contents=list(record.items())) for at, record in batch]
        target = self._target
        self._client.put_logs(PutLogsRequest(target.project, target.logstore, "", SOURCE, items))

    def search(
        self, query: str, *, since_s: int, until_s: int, offset: int = 0, newest_first: bool = False
    ) -> Page:
        """
        Return one page of the records that a query finds, by their second, then arrival.

        Source: Log Service API reference, "GetLogs".

        Args:
            query: Words, fields and operators; no SQL.
            since_s: The first second, since 1970, that counts.
            until_s: The first that counts no more.
            offset: How many records to pass over.
            newest_first: The other way round.

        Raises:
            SlsError: There is no answer that can be used.

        """
        answer, headers = self._client.get_logs_once(
            self._target.project,
            self._target.logstore,
            {
                "type": "log",
                "from": str(since_s),
                "to": str(until_s),
                "query": query,
                "offset": str(offset),
                "line": str(MAX_PAGE_RECORDS),
                "reverse": "true" if newest_first else "false",
            },
        )
        if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
            raise SlsError("BadResponse: the answer is no list of records", transient=True)
        found = [{str(key): str(value) for key, value in one.items()} for one in answer]
        progress = next(
            (value for name, value in headers.items() if name.lower() == "x-log-progress"), ""
        )
        return Page(records=tuple(found), complete=progress == "Complete")


def connect(
    target: LogTarget, credentials: Credentials, *, read_timeout_s: float = READ_TIMEOUT_S
) -> Logstore:
    """Return a Logstore; nothing is called yet."""
    client = _Client(
        target.endpoint,
        credentials.access_key_id,
        credentials.access_key_secret,
        securityToken=credentials.security_token,
        source=SOURCE,  # without one the SDK asks the DNS for its own address
    )
    session = CuttableSession()
    client._session = session  # noqa: SLF001 - no public way
    client.credentials = credentials
    client.timeout = (CONNECT_TIMEOUT_S, read_timeout_s)
    if target.endpoint.startswith("http://"):
        # Loopback with a port: the SDK would look <project>.127.0.0.1 up; this way the
        # project travels in the Host header, as it does for a bare address.
        client._isRowIp = True  # noqa: SLF001 - no public way
    return Logstore(target, client, session)
