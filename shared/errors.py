"""
What this project raises on purpose; each exception is an instruction to its reader.

    SnapshotAutomationError
    ├── InvalidEventError       the event or request is invalid: fix it; a retry does not help
    ├── InvalidPolicyError      policies.yaml is invalid: fix it and deploy
    ├── InvalidSettingsError    an environment variable of the function is missing or invalid
    ├── UnexpectedError         a fault of this project whose text contained a secret
    ├── RunFailedError          the run left disks without a snapshot: FC delivers it again
    ├── ReconcileError          a reconciliation pass left something undone: the next goes on
    ├── EcsError                one call to ECS failed: see `clients.ecs_errors`
    │   ├── EcsRejectedError     ECS answered with an error code
    │   ├── EcsUnknownError     no readable answer: what was asked may have been done
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
"""In the place of a problem's value: nothing stands there, or it may be a secret."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where, what stands there, what the rule is."""

    path: str
    value: object
    rule: str

    def __str__(self) -> str:
        """Return ``path: value: rule``, each cut to a readable length; the value if any."""
        shown = [] if self.value is NO_VALUE else [_shown(self.value)]
        parts = [_cut(self.path, _MAX_PATH), *shown, _cut(self.rule, _MAX_RULE)]
        # A path may hold a key that UTF-8 cannot carry; a log must be able to.
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
    """Yield what `repr` would return, piece by piece, as much as somebody takes."""
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
        yield f"a number of {value.bit_length()} bits"  # Python refuses to write long ones out
    else:
        yield repr(value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes) else value)


MAX_LISTED = 100
"""So many problems are listed of one input, and the others counted."""


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
    """The base of everything that this project raises on purpose."""

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Let it say nothing that `redacted` takes out of a text."""
        self.args = tuple(redacted(one) if isinstance(one, str) else one for one in self.args)
        for name, value in vars(self).items():
            if isinstance(value, str):
                setattr(self, name, redacted(value))


class _ProblemsError(SnapshotAutomationError):
    """An input with problems; says all of them, one a line."""

    what = "input"

    def __init__(self, problems: Iterable[Problem], *, also: str = "") -> None:
        self.problems = tuple(islice(problems, MAX_LISTED))
        # Those of `validation` count also what they do not hold.
        count = len(problems) if isinstance(problems, Sized) else len(self.problems)
        lines = [f"{self.what}: {count} problem{'' if count == 1 else 's'}"]
        lines += [f"  {problem}" for problem in self.problems]
        if count > len(self.problems):
            lines.append(f"  … and {count - len(self.problems)} more")
        super().__init__("\n".join([*lines, also] if also else lines))

    def redact(self, redacted: Callable[[str], str]) -> None:
        """Let it say nothing that `redacted` takes out of a text, nor its problems."""
        super().redact(redacted)
        self.problems = tuple(
            Problem(
                redacted(one.path),
                one.value if redacted(shown := repr(one.value)) == shown else redacted(shown),
                redacted(one.rule),
            )
            for one in self.problems
        )


class InvalidEventError(_ProblemsError):
    """The event or request cannot be carried out as it is; nothing of it was done."""

    what = "invalid event"


class InvalidPolicyError(_ProblemsError):
    """The policy file cannot be used; nothing was done."""

    what = "invalid policies"


class InvalidSettingsError(_ProblemsError):
    """The function's environment cannot be used; nothing was done."""

    what = "invalid settings"


class UnexpectedError(SnapshotAutomationError):
    """What nobody raised on purpose, and would have shown a secret: its type, and what it said."""


class RunFailedError(SnapshotAutomationError):
    """A run ended with disks that should have a snapshot and do not; running it again is safe."""


class ReconcileError(SnapshotAutomationError):
    """A look for what has to be started again could not be had, or leaves something to a person."""
