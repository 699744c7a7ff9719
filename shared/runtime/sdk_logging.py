"""
What libraries log: as much as LOG_LEVEL asks for, and never a secret.

The functions themselves log nothing, they record. What is logged is the SDKs' and urllib3's:
at DEBUG each connection and request. Whoever formats a message, and wherever it goes, it is
redacted when it comes to be, the texts of exceptions included.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

from shared.runtime.context import Credentials


def begin(level: str, credentials: Credentials) -> None:
    """
    Let libraries log for one invocation; the next one begins anew, with its own credentials.

    Args:
        level: The least that the root logger lets pass.
        credentials: What no message may hold.

    """
    logging.getLogger().setLevel(level)
    factory = logging.getLogRecordFactory()
    others = factory.others if isinstance(factory, _Redacting) else factory
    logging.setLogRecordFactory(_Redacting(others, credentials))


class _Redacting:
    """Makes records as whoever was there before does, the runtime or a tracer, and redacts them."""

    def __init__(self, others: Callable[..., logging.LogRecord], credentials: Credentials) -> None:
        self.others = others
        self._credentials = credentials

    def __call__(self, *args: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401 - those of LogRecord
        """Return a record without what it must not hold, before any handler sees it."""
        record = self.others(*args, **more)
        message = self._shown(_message(record))
        record.msg, record.args = message, None
        if type(record).getMessage is not logging.LogRecord.getMessage:
            # A class of its own would put its message together once more.
            record.getMessage = lambda: message  # type: ignore[method-assign] # of this one alone
        if record.exc_info:
            said = "".join(traceback.format_exception(*record.exc_info))
            # Formatters write the text where there is one, and look no further.
            record.exc_text, record.exc_info = self._shown(said).rstrip("\n"), None
        if record.stack_info:
            record.stack_info = self._shown(record.stack_info)
        return record

    def _shown(self, text: str) -> str:
        """Return a text without secrets, in characters that every stream can carry."""
        return self._credentials.redacted(text).encode("ascii", "backslashreplace").decode()


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):
        # Arguments that do not fit: logging would print them to stderr, as they are.
        return f"{record.msg} {record.args!r}"
