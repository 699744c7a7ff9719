"""What libraries log: down to the level of LOG_LEVEL, and never a secret."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.runtime import sdk_logging
from shared.runtime.context import Credentials

CREDENTIALS = Credentials(
    access_key_id="id", access_key_secret="very+secret/key", security_token="CAIS+token/token=="
)
SECRETS = (CREDENTIALS.access_key_secret, str(CREDENTIALS.security_token))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the root logger's handlers write, as a library's own handler would."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    level, handler = root.level, logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root.addHandler(handler)
    yield handler.stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


def test_a_message_has_no_secret_whoever_puts_it_together(log: io.StringIO) -> None:
    """In the text, in its arguments, and in arguments that do not fit."""
    sdk_logging.begin("DEBUG", CREDENTIALS)
    library = logging.getLogger("library")

    for secret in SECRETS:
        library.debug(f"headers {{'x-fc-security-token': '{secret}'}}")
        library.error("headers %s", {"token": secret})
        library.error("%d of %s", secret, secret)
        library.error("nothing to fill in", secret)

    written = log.getvalue()
    assert len(written.splitlines()) == 8
    assert written.count("***") >= 8
    for secret in SECRETS:
        assert secret not in written


def test_an_exception_has_no_secret_nor_has_its_cause(log: io.StringIO) -> None:
    """Formatters write the whole chain."""
    sdk_logging.begin("ERROR", CREDENTIALS)

    failed = RuntimeError(SECRETS[1])
    failed.__cause__ = ValueError(SECRETS[0])

    logging.getLogger("library").error("went wrong", exc_info=failed, stack_info=True)

    written = log.getvalue()
    assert "RuntimeError: ***" in written
    assert "ValueError: ***" in written
    assert not any(secret in written for secret in SECRETS)


@pytest.mark.parametrize(
    ("level", "expected"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("CRITICAL", 0)]
)
def test_only_so_much_is_logged_as_is_requested(
    log: io.StringIO, level: str, expected: int
) -> None:
    """LOG_LEVEL is the root logger's."""
    sdk_logging.begin(level, CREDENTIALS)

    for number in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger("library").log(number, "message")

    assert len(log.getvalue().splitlines()) == expected


def test_the_next_invocation_begins_with_its_own_credentials(log: io.StringIO) -> None:
    """An instance serves one after the other, and the role's key changes."""
    sdk_logging.begin("INFO", CREDENTIALS)
    other = Credentials(access_key_id="id", access_key_secret="another+secret")
    sdk_logging.begin("INFO", other)

    logging.getLogger("library").info(other.access_key_secret)

    assert log.getvalue() == "INFO ***\n"


def test_what_made_records_before_still_does(log: io.StringIO) -> None:
    """A tracer's factory, or the runtime's: its fields are there, and its text is redacted too."""

    class Traced(logging.LogRecord):
        trace_id = "t-1"

        def getMessage(self) -> str:  # noqa: N802 - of LogRecord
            return f"[{self.trace_id}] {super().getMessage()} {SECRETS[0]}"

    logging.setLogRecordFactory(Traced)
    for _ in range(3):
        sdk_logging.begin("INFO", CREDENTIALS)
    seen: list[logging.LogRecord] = []

    def see(record: logging.LogRecord) -> bool:
        seen.append(record)
        return True

    logging.getLogger().handlers[-1].addFilter(see)

    logging.getLogger("library").info("headers %s", SECRETS[1])

    assert type(seen[0]) is Traced
    assert log.getvalue() == "INFO [t-1] headers *** ***\n"
    assert not any(secret in log.getvalue() for secret in SECRETS)


def test_invocations_do_not_pile_up(log: io.StringIO) -> None:
    """An instance serves thousands: each redacts its own, beside whoever was there at first."""
    calls: list[str] = []

    def tracer(*args: Any, **more: Any) -> logging.LogRecord:
        calls.append("traced")
        return logging.LogRecord(*args, **more)

    logging.setLogRecordFactory(tracer)
    for _ in range(2000):
        sdk_logging.begin("INFO", CREDENTIALS)

    logging.getLogger("library").info("once")

    assert calls == ["traced"]
    assert log.getvalue() == "INFO once\n"


def test_a_stream_that_takes_only_ascii_takes_every_message(log: io.StringIO) -> None:
    """N10: logging would drop the line, and print a traceback in its place."""
    sdk_logging.begin("INFO", CREDENTIALS)

    logging.getLogger("library").info("磁盘… \ud800")

    assert log.getvalue() == "INFO \\u78c1\\u76d8\\u2026 \\ud800\n"
