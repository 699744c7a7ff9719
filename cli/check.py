"""
Does everything that has to agree, agree: policies, both templates, functions and events.

A timer that no policy names fails every time it fires; an event type that the rule's
pattern lacks never arrives, and nobody is told. Both are found here, before a deployment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.templates import Function, TemplateError, read_fun, read_s
from shared.errors import InvalidPolicyError
from shared.parsing import read_policies
from shared.policy import PolicyFile
from shared.policy_file import load_policies
from shared.validation import Problems

ON_SCHEDULE, ON_EVENT = "snapshot_on_schedule", "snapshot_on_event"


def check(policies_path: Path) -> tuple[list[str], list[str]]:
    """
    Check a policy file, and the project beside it.

    Args:
        policies_path: The file; templates, `functions/` and `events/` are looked for beside it,
            and without templates there only the file itself is checked.

    Returns:
        What is wrong, and what is allowed and should still be looked at.

    """
    root = policies_path.parent
    problems = Problems()
    try:
        file = load_policies(read_policies(policies_path, problems), problems)
    except InvalidPolicyError as exc:
        return [str(problem) for problem in exc.problems], []
    if not (root / "s.yaml").exists():
        return [], list(file.warnings)
    try:
        templates = {
            "template.yml": read_fun(root / "template.yml"),
            "s.yaml": read_s(root / "s.yaml"),
        }
    except TemplateError as exc:
        return [str(exc)], list(file.warnings)
    return [*_disagreements(root, file, templates)], list(file.warnings)


def _disagreements(
    root: Path, file: PolicyFile, templates: Mapping[str, Mapping[str, Function]]
) -> Iterator[str]:
    folders = _folders(root / "functions")
    yield from _sets("events/", _folders(root / "events"), "functions/", folders)
    for name, functions in templates.items():
        yield from _sets(name, set(functions), "functions/", folders)
        for function, says in functions.items():
            yield from _alone(f"{name}: {function}", function, says)
        yield from _timers(name, file, functions)
    yield from _event_types(file, templates["s.yaml"])
    fun, s = templates["template.yml"], templates["s.yaml"]
    for function in sorted(fun.keys() & s.keys()):
        for what, (one, other) in fun[function].differences(s[function]).items():
            yield f"{function}: {what}: template.yml says {one!r}, s.yaml {other!r}"


def _folders(path: Path) -> set[str]:
    return {item.name for item in path.iterdir() if item.is_dir() and any(item.glob("*.*"))}


def _sets(one: str, these: set[str], other: str, those: set[str]) -> Iterator[str]:
    for name in sorted(these ^ those):
        has, lacks = (one, other) if name in these else (other, one)
        yield f"{name}: is in {has} and not in {lacks}"


def _alone(where: str, function: str, says: Function) -> Iterator[str]:
    """Check what a template says of one function by itself."""
    if says.code != f"build/{function}":
        yield f"{where}: code is {says.code!r}: must be 'build/{function}', what is packaged"
    for what in ("max_retries", "max_event_age_s", "on_failure", "role"):
        if getattr(says, what) is None:
            yield f"{where}: {what} is not set: FC's default is not the operator's decision"


def _timers(name: str, file: PolicyFile, functions: Mapping[str, Function]) -> Iterator[str]:
    has = set(functions[ON_SCHEDULE].timers) if ON_SCHEDULE in functions else set()
    wanted = {policy.timer for policy in file.policies if policy.timer}
    for timer in sorted(wanted - has):
        yield f"{name}: no timer '{timer}': its policies would never run"
    for timer in sorted(has - wanted):
        yield f"{name}: no policy is on timer '{timer}': it would fail each time"


def _event_types(file: PolicyFile, functions: Mapping[str, Function]) -> Iterator[str]:
    says = functions.get(ON_EVENT)
    has = set(says.event_types or ()) if says else set()
    wanted = {kind for policy in file.policies for kind in policy.event_types}
    for kind in sorted(wanted - has):
        yield f"s.yaml: the rule's pattern lacks '{kind}': its policies would never run"
    for kind in sorted(has - wanted):
        yield f"s.yaml: no policy is on events of type '{kind}': leave it out of the pattern"
