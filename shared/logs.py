"""
What libraries log: as much as LOG_LEVEL asks for, and never a secret.

The functions themselves log nothing, they record. What is logged is the SDKs' and urllib3's:
at DEBUG each connection and request. Whoever formats a message, and wherever it goes, it is
redacted when it comes to be, the texts of exceptions included.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from shared.runtime import Credentials


def begin(level: str, credentials: Credentials) -> None:
    """
    Let libraries log for one invocation; the next one begins anew, with its own credentials.

    Args:
        level: The least that the root logger lets pass.
        credentials: What no message may hold.

    """
    logging.getLogger().setLevel(level)

    def record(*args: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401 - those of LogRecord
        return _redacted(logging.LogRecord(*args, **more), credentials)

    logging.setLogRecordFactory(record)


def _redacted(record: logging.LogRecord, credentials: Credentials) -> logging.LogRecord:
    """Take what a message holds out of it, before any handler sees it."""
    record.msg, record.args = credentials.redacted(_message(record)), None
    if record.exc_info:
        said = "".join(traceback.format_exception(*record.exc_info))
        # Formatters write the text where there is one, and look no further.
        record.exc_text, record.exc_info = credentials.redacted(said).rstrip("\n"), None
    if record.stack_info:
        record.stack_info = credentials.redacted(record.stack_info)
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, LookupError):
        # Arguments that do not fit: logging would print them to stderr, as they are.
        return f"{record.msg} {record.args!r}"
