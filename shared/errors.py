"""
The exceptions of this project; each class states what its reader has to do.

    SnapshotAutomationError
    ├── InvalidEventError       the event or request is invalid: fix it; a retry does not help
    ├── InvalidPolicyError      policies.yaml is invalid: fix it and deploy
    ├── InvalidSettingsError    an environment variable of the function is missing or invalid
    ├── UnexpectedError         an exception that nothing handles and whose text had a secret
    ├── RunFailedError          the run left disks without a snapshot: FC delivers it again
    ├── ReconcileError          a reconciliation pass left something to the next one
    ├── EcsError                one call to ECS failed: see `clients.ecs_errors`
    │   ├── EcsRejectedError     ECS answered with an error code
    │   ├── EcsUnknownError     no readable answer: ECS may have done what was requested
    │   └── WrongRegionError    the host answers for another region: set ECS_ENDPOINT
    └── FcError                 one call to Function Compute failed: see `clients.fc_errors`
        └── DuplicateInvocationError    FC already has an invocation with that id
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from enum import Enum
from itertools import islice


class _NoValue(Enum):
    """A type of its own, which no input can hold."""

    NO_VALUE = "no value"


NO_VALUE = _NoValue.NO_VALUE
"""The value of a problem that has none, or whose value may be a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that an input breaks: the place, the value found there, the rule."""

    path: str
    value: object
    rule: str

    def __str__(self) -> str:
        """Return ``path: value: rule``, each cut to a readable length."""
        shown = [] if self.value is NO_VALUE else [_shown(self.value)]
        parts = [_cut(self.path, _MAX_PATH), *shown, _cut(self.rule, _MAX_RULE)]
        # A path may contain a key that UTF-8 cannot encode, and every log has to accept the text.
        return ": ".join(parts).encode(errors="backslashreplace").decode()


_MAX_SHOWN = 120
_MAX_PATH = 200
_MAX_RULE = 2_000
"""In characters. What is cut is never written out first: it may be all of a large input."""
_MAX_BITS = 4 * _MAX_SHOWN


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _shown(value: object) -> str:
    if isinstance(value, str) and len(value) + 2 > _MAX_SHOWN:
        return f"{value[:_MAX_SHOWN]!r:.{_MAX_SHOWN}}… ({len(value) + 2} characters)"
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > _MAX_SHOWN:
            return f"{text[:_MAX_SHOWN]}…"
    return text


def _pieces(value: object) -> Iterator[str]:
    """Yield what `repr` would return, piece by piece: the caller stops when it has enough."""
    if isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            yield ", " * bool(number)
            yield from _pieces(item)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield ", " * bool(number)
            yield from _pieces(key)
            yield ": "
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        yield f"a number of {value.bit_length()} bits"  # `repr` raises for long ones
    else:
        yield repr(value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes) else value)


MAX_LISTED = 100
"""How many problems of one input are listed; the others are only counted."""


class Problems:
    """
    The problems of one input; the rules of `validation` add to them.

    Keeps the first `MAX_LISTED` and counts the others, because a large input may have a million.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._count = 0

    def add(self, path: str, value: object, rule: str) -> None:
        """Add one problem."""
        self._take(Problem(path, value, rule))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems found elsewhere, and the number of those that were not kept there."""
        before = self._count
        for problem in problems:
            self._take(problem)
        if isinstance(problems, Problems):
            self._count = before + len(problems)

    def _take(self, problem: Problem) -> None:
        self._count += 1
        if len(self._problems) < MAX_LISTED:
            self._problems.append(problem)

    def __iter__(self) -> Iterator[Problem]:
        """Iterate over the kept problems, in the order in which they were found."""
        return iter(self._problems)

    def __len__(self) -> int:
        """Return how many were found, kept or not."""
        return self._count


class SnapshotAutomationError(Exception):
    """The base of the exceptions of this project."""

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Redact every text of the exception, in place."""
        self.args = tuple(redacted(arg) if isinstance(arg, str) else arg for arg in self.args)
        for name, value in vars(self).items():
            if isinstance(value, str):
                setattr(self, name, redacted(value))


class _ProblemsError(SnapshotAutomationError):
    """An input with problems; the message lists them, one per line."""

    what = "input"

    def __init__(self, problems: Iterable[Problem], *, also: str = "") -> None:
        self.problems = tuple(islice(problems, MAX_LISTED))
        # `Problems` also counts those that it does not keep.
        count = len(problems) if isinstance(problems, Sized) else len(self.problems)
        lines = [f"{self.what}: {count} problem{'' if count == 1 else 's'}"]
        lines += [f"  {problem}" for problem in self.problems]
        if count > len(self.problems):
            lines.append(f"  … and {count - len(self.problems)} more")
        super().__init__("\n".join([*lines, also] if also else lines))

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Redact every text of the exception and of its problems, in place."""
        super().redact(redacted)
        self.problems = tuple(
            Problem(
                redacted(problem.path),
                value if redacted(shown := repr(value)) == shown else redacted(shown),
                redacted(problem.rule),
            )
            for problem in self.problems
            for value in (problem.value,)
        )


class InvalidEventError(_ProblemsError):
    """The event or request is invalid; nothing of it was done."""

    what = "invalid event"


class InvalidPolicyError(_ProblemsError):
    """The policy file is invalid; nothing was done."""

    what = "invalid policies"


class InvalidSettingsError(_ProblemsError):
    """The function's environment variables are missing or invalid; nothing was done."""

    what = "invalid settings"


class UnexpectedError(SnapshotAutomationError):
    """An exception that contained a secret and nothing handled: its class and redacted text."""


class RunFailedError(SnapshotAutomationError):
    """A run ended with disks that should have a snapshot and have none; a second run is safe."""


class ReconcileError(SnapshotAutomationError):
    """A reconciliation pass could not read the records, or left steps undone."""
