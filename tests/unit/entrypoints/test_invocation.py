"""What is raised shows no secret, whatever it came from."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from shared.clients.ecs_errors import EcsRejectedError
from shared.entrypoints.invocation import without_secrets
from shared.errors import (
    InvalidEventError,
    Problem,
    RunFailedError,
    UnexpectedError,
)

SECRET = "very+secret/key"


def redacted(text: str) -> str:
    return text.replace(SECRET, "***")


def shown(exc: BaseException) -> str:
    """All that a traceback shows, and all that it holds."""
    return "".join(traceback.format_exception(exc)) + repr(vars(exc)) + repr(exc)


def chained(
    exc: BaseException, cause: BaseException | None, context: BaseException
) -> BaseException:
    exc.__context__ = context
    if cause is not None:
        exc.__cause__ = cause
    return exc


@pytest.mark.parametrize(
    "make",
    [
        lambda: RunFailedError(f"text {SECRET}"),
        lambda: EcsRejectedError(action="A", code=SECRET, message=SECRET, http_status=400),
        lambda: InvalidEventError([Problem(SECRET, {SECRET: [SECRET]}, f"is {SECRET}")]),
        lambda: chained(RunFailedError("x"), ValueError(SECRET), OSError(5, SECRET)),
        lambda: chained(RunFailedError("x"), None, KeyError(SECRET)),
        lambda: chained(
            RunFailedError("x"), chained(OSError(5, "y"), None, ValueError(SECRET)), TypeError()
        ),
        lambda: OSError(5, SECRET, SECRET),
        lambda: UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
        lambda: KeyError(SECRET),
        lambda: SystemExit(SECRET),
    ],
)
def test_nothing_of_an_exception_shows_a_secret(make: Callable[[], BaseException]) -> None:
    """Invariant 6: neither its text, nor what it holds, nor causes and contexts of any depth."""
    assert SECRET in shown(make())

    assert SECRET not in shown(without_secrets(make(), redacted))


def test_what_shows_none_stays_as_it_is() -> None:
    """A traceback stays readable: only secrets are removed."""
    cause = ValueError("why")
    exc = chained(LookupError("x"), cause, cause)
    raised = RunFailedError(f"text {SECRET}")

    assert without_secrets(exc, redacted) is exc
    assert exc.__cause__ is cause
    assert without_secrets(raised, redacted) is raised
    assert str(raised) == "text ***"
    hidden = chained(RunFailedError("y"), None, KeyError("z"))
    hidden.__suppress_context__ = True
    assert without_secrets(hidden, redacted).__suppress_context__


def test_an_unexpected_error_keeps_its_type_in_words() -> None:
    """It cannot be shown as it is."""
    found = without_secrets(LookupError(f"no {SECRET}"), redacted)

    assert isinstance(found, UnexpectedError)
    assert str(found) == "LookupError: no ***"


def test_what_comes_from_itself_ends() -> None:
    """Python lets a chain go in a circle."""
    one, other = ValueError("one"), RunFailedError(SECRET)
    one.__context__, other.__context__ = other, one

    assert SECRET not in shown(without_secrets(one, redacted))
    assert SECRET not in shown(without_secrets(other, redacted))
