"""
Logging of the libraries, at LOG_LEVEL and without secrets.

The functions write records and log nothing. The SDKs and urllib3 log, at DEBUG each connection
and request. Each log record is redacted when it is made, including the texts of exceptions, so
neither the formatter nor the handler matters.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

from shared.runtime.context import Credentials


def begin(level: str, credentials: Credentials) -> None:
    """
    Set up logging for one invocation; a second call replaces level and credentials.

    Args:
        level: The level of the root logger.
        credentials: Their secrets appear in no message.

    """
    logging.getLogger().setLevel(level)
    factory = logging.getLogRecordFactory()
    others = factory.others if isinstance(factory, _Redacting) else factory
    logging.setLogRecordFactory(_Redacting(others, credentials))


class _Redacting:
    """Makes log records by the factory that was set before, of FC or a tracer, and redacts them."""

    def __init__(self, others: Callable[..., logging.LogRecord], credentials: Credentials) -> None:
        self.others = others
        self._credentials = credentials

    def __call__(self, *args: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401 - those of LogRecord
        """Return a log record without secrets, before any handler receives it."""
        record = self.others(*args, **more)
        message = self._redacted(_message(record))
        record.msg, record.args = message, None
        if type(record).getMessage is not logging.LogRecord.getMessage:
            # A subclass would format its message again.
            record.getMessage = lambda: message  # type: ignore[method-assign] # of this record only
        if record.exc_info:
            text = "".join(traceback.format_exception(*record.exc_info))
            # Formatters use exc_text if it is set, and ignore exc_info.
            record.exc_text, record.exc_info = self._redacted(text).rstrip("\n"), None
        if record.stack_info:
            record.stack_info = self._redacted(record.stack_info)
        return record

    def _redacted(self, text: str) -> str:
        """Return a text without secrets, in ASCII, which every stream can encode."""
        return self._credentials.redacted(text).encode("ascii", "backslashreplace").decode()


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):
        # The arguments do not fit the message: logging would print them to stderr, unredacted.
        return f"{record.msg} {record.args!r}"
