"""
The only module that imports the SLS SDK: writes to one Logstore, and searches it.

Each call is one request. The SDK's loops are not used, because they retry ten times at intervals
of a second, and repeat an incomplete query forever.
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
"""The most records in one answer of GetLogs."""
SOURCE = "snapshot-automation"

Record = dict[str, str]
"""One log entry: its fields, all as texts."""
Batch = Sequence[tuple[int, Record]]
"""Records, each with its Unix time in seconds."""


class SlsError(Exception):
    """
    One call to SLS failed.

    `transient` means that a retry may succeed. `code` is the service's; empty if it sent none.
    """

    def __init__(self, message: str, *, transient: bool, code: str = "") -> None:
        super().__init__(message)
        self.transient = transient
        self.code = code


_OK = 200
_TOO_MANY = 429
_REJECTIONS = range(400, 500)
_THROTTLED = frozenset(
    {
        *("WriteQuotaExceed", "ReadQuotaExceed", "MetaOperationQpsLimitExceeded"),
        *("ShardWriteQuotaExceed", "ShardReadQuotaExceed", "ExceedQuota"),
    }
)
"""
Too many calls or bytes in this moment, with status 403.

Sources: Log Service API reference, "Common error codes" (the first three); "Handle resource
throttling errors" (the shard's); RetriableErrors of aliyun-log-java-producer (ExceedQuota).
`ProjectQuotaExceed` and the like, a number of resources, are final.
"""


class _Client(LogClient):  # type: ignore[misc] # the SDK is untyped
    """The SDK's client without its retries."""

    credentials: Credentials

    def _sendRequest(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, N802 - the SDK's own signature
        try:
            return super()._sendRequest(*args, **kwargs)
        except LogException as exc:
            # The SDK's loop catches only the SDK's exception, so `SlsError` ends the loop. The SDK
            # reports status 200 if no answer came.
            status = "no answer" if exc.resp_status == _OK else exc.resp_status
            message = self.credentials.redacted(str(exc.get_error_message()))
            code = self.credentials.redacted(str(exc.get_error_code()))
            transient = _is_transient(exc.resp_status, code)
        # Outside the handler, because a traceback would also show the SDK's exception, which is
        # not redacted.
        raise SlsError(f"{code} ({status}): {message}", transient=transient, code=code)

    def get_logs_once(self, project: str, logstore: str, params: Mapping[str, str]) -> _Answer:
        """Call GetLogs once; the SDK's method repeats an incomplete query forever."""
        path = f"/logstores/{logstore}"
        return cast("_Answer", self._send("GET", project, None, path, dict(params), {}))


def _is_transient(http_status: int, code: str) -> bool:
    return http_status not in _REJECTIONS or http_status == _TOO_MANY or code in _THROTTLED


_Answer = tuple[Any, Mapping[str, str]]
"""The body's JSON, and the headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The records of one search; repeat the search if it is not `complete`."""

    records: tuple[Record, ...]
    complete: bool


class Logstore:
    """One Logstore; safe to share between threads."""

    def __init__(self, target: LogTarget, client: _Client, session: CuttableSession) -> None:
        self._target = target
        self._client = client
        self._session = session

    def abandon(self) -> None:
        """Make the current call and all later ones fail; from any thread."""
        self._session.cut_off()

    def write(self, batch: Batch) -> None:
        """
        Write one batch.

        Raises:
            SlsError: SLS may not have received it.

        """
        items = [LogItem(timestamp=at, contents=list(record.items())) for at, record in batch]
        target = self._target
        self._client.put_logs(PutLogsRequest(target.project, target.logstore, "", SOURCE, items))

    def search(
        self, query: str, *, since_s: int, until_s: int, offset: int = 0, newest_first: bool = False
    ) -> Page:
        """
        Return one page of the records that match a query, by their time, then their arrival.

        Source: Log Service API reference, "GetLogs".

        Args:
            query: Words, fields and operators; no SQL.
            since_s: The first second, in Unix time.
            until_s: The second after the last one.
            offset: How many records to skip.
            newest_first: Reverse the order.

        Raises:
            SlsError: No usable answer came.

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
        if not isinstance(answer, list) or not all(isinstance(record, dict) for record in answer):
            raise SlsError("BadResponse: the answer is not a list of records", transient=True)
        found = [{str(key): str(value) for key, value in record.items()} for record in answer]
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
        source=SOURCE,  # without a source the SDK looks up its own address in the DNS
    )
    session = CuttableSession()
    client._session = session  # noqa: SLF001 - no public way
    client.credentials = credentials
    client.timeout = (CONNECT_TIMEOUT_S, read_timeout_s)
    if target.endpoint.startswith("http://"):
        # For loopback with a port the SDK would look up <project>.127.0.0.1. This sends the project
        # in the Host header, as the SDK does for a bare address.
        client._isRowIp = True  # noqa: SLF001 - no public way
    return Logstore(target, client, session)
