"""
Does everything that has to agree, agree: policies, both templates, functions and events.

A timer that no policy names fails every time it fires; an event type that the rule's
pattern lacks never arrives, and nobody is told. Both are found here, before a deployment.
What one function's deployment says by itself is `cli.deployment`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cli.built import not_built
from cli.deployment import disabled, wrong_alone
from cli.schemas import schema_problems
from cli.templates import Function, TemplateError, load_fun, load_s, read_fun, read_s
from shared.completion import COMPLETED
from shared.errors import InvalidPolicyError
from shared.parsing import read_policies
from shared.policy import PolicyFile
from shared.policy_file import load_policies
from shared.routing import route
from shared.runtime import utc
from shared.settings import FUNCTION_VARIABLES
from shared.trigger import parse_trigger
from shared.validation import Problems

ON_SCHEDULE, ON_END, RESUMES = "snapshot_on_schedule", "record_completion", "resume_runs"
FUN, S = "template.yml", "s.yaml"
_READERS = {FUN: (load_fun, "template", read_fun), S: (load_s, "s", read_s)}
"""How each is loaded, which schema it must fit, and how it is read."""
_APIS = {FUN: "2.0", S: "3.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a check found, one message each."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed and should still be looked at."""
    templates: bool
    """Whether there were templates to look at."""


def check(policies_path: Path, *, built: bool = False) -> Findings:
    """
    Check a policy file, and the project beside it.

    Args:
        policies_path: The file; templates, `functions/` and `events/` are looked for beside it.
            Without templates there only the file itself is checked; one of the two alone is a
            problem.
        built: Whether what the templates deploy has to be there by now.

    """
    root = policies_path.parent
    there = [name for name in _READERS if (root / name).exists()]
    problems = Problems()
    try:
        file = load_policies(read_policies(policies_path, problems), problems)
    except InvalidPolicyError as exc:
        return Findings(problems=tuple(map(str, exc.problems)), templates=bool(there))
    if not there:
        return Findings(warnings=file.warnings, templates=False)
    templates, found = _read(root)
    if templates.keys() == _READERS.keys():
        found += _disagreements(root, file, templates)
    if built:
        for name, functions in templates.items():
            for function, says in functions.items():
                found += not_built(f"{name}: {function}", root, says)
    warnings = [*file.warnings]
    for name, functions in templates.items():
        for function, says in functions.items():
            warnings += disabled(f"{name}: {function}", says)
    return Findings(problems=tuple(found), warnings=tuple(warnings), templates=True)


def _read(root: Path) -> tuple[dict[str, dict[str, Function]], list[str]]:
    templates, problems = {}, []
    for name, (load, schema, read) in _READERS.items():
        if not (root / name).exists():
            problems.append(f"{name}: is missing beside the other template: keep both or neither")
            continue
        try:
            problems += [f"{name}: {one}" for one in schema_problems(load(root / name), schema)]
            templates[name] = read(root / name)
        except TemplateError as exc:
            problems.append(str(exc))
    return templates, problems


def _disagreements(
    root: Path, file: PolicyFile, templates: Mapping[str, Mapping[str, Function]]
) -> Iterator[str]:
    folders = _folders(root / "functions")
    yield from _sets("events/", _folders(root / "events"), "functions/", folders)
    for name, functions in templates.items():
        yield from _sets(name, set(functions), "functions/", folders)
        for function, says in functions.items():
            folder = root / "functions" / function
            started = functions.keys() & FUNCTION_VARIABLES.keys() if function == RESUMES else ()
            starts = [functions[one].resource for one in sorted(started)]
            where = f"{name}: {function}"
            yield from wrong_alone(where, folder, says, fc_api=_APIS[name], starts=starts)
        yield from _timers(name, file, functions)
        yield from _started(name, functions)
    yield from _event_types(file, templates[S])
    fun, s = templates[FUN], templates[S]
    for function in sorted(fun.keys() & s.keys()):
        for what, (one, other) in fun[function].differences(s[function]).items():
            yield f"{function}: {what}: {FUN} says {one!r}, {S} {other!r}"


def _folders(path: Path) -> set[str]:
    if not path.is_dir():
        return set()
    return {item.name for item in path.iterdir() if item.is_dir() and any(item.glob("*.*"))}


def _sets(one: str, these: set[str], other: str, those: set[str]) -> Iterator[str]:
    for name in sorted(these ^ those):
        has, lacks = (one, other) if name in these else (other, one)
        yield f"{name}: is in {has} and not in {lacks}"


def _started(name: str, functions: Mapping[str, Function]) -> Iterator[str]:
    """Hold the names by which `resume_runs` starts functions against those that they have."""
    if RESUMES not in functions:
        return
    for function, variable in FUNCTION_VARIABLES.items():
        value = functions[RESUMES].starts.get(function)
        is_called = functions[function].deployed_as if function in functions else value
        if value != is_called:
            yield (
                f"{is_called}: is in {name} and not what {RESUMES} starts: {variable} is {value!r}:"
                f" must be '{is_called}'"
            )


def _timers(name: str, file: PolicyFile, functions: Mapping[str, Function]) -> Iterator[str]:
    timers = functions[ON_SCHEDULE].timers if ON_SCHEDULE in functions else {}
    wanted = {policy.timer for policy in file.policies if policy.timer}
    for timer in sorted(wanted - timers.keys()):
        yield f"{name}: no timer '{timer}': its policies would never run"
    for timer in sorted(wanted & timers.keys()):
        if timers[timer].payload:
            yield f"{name}: timer '{timer}' has a payload, which runs in place of its policies"
    for timer in sorted(timers.keys() - wanted):
        if not timers[timer].payload:
            yield f"{name}: no policy is on timer '{timer}': it would fail each time"
    for timer, trigger in timers.items():
        yield from _payload(f"{name}: timer '{timer}'", timer, trigger.payload, file)


def _payload(where: str, timer: str, payload: object, file: PolicyFile) -> Iterator[str]:
    """Check a payload as the function will: the policy that it names, or that it is."""
    now = datetime.now(timezone.utc)
    event = {"triggerName": timer, "triggerTime": utc(now), "payload": payload}
    parsed = parse_trigger(json.dumps(event).encode(), kind="timer", account_id="", region="")
    yield from (f"{where}: {problem}" for problem in parsed.problems)
    for trigger in (*parsed.triggers, *parsed.drafts) if payload else ():
        _, problems = route(trigger, file, region="cn-hangzhou", now=now)
        yield from (f"{where}: {problem}" for problem in problems)


def _event_types(file: PolicyFile, functions: Mapping[str, Function]) -> Iterator[str]:
    ends = functions[ON_END].rules or () if ON_END in functions else None
    if ends is not None and [rule.types for rule in ends] != [(COMPLETED,)]:
        yield f"{S}: {ON_END}: its rule's pattern must have the one type '{COMPLETED}'"
    others = [says for name, says in functions.items() if name != ON_END]
    rules = [rule for says in others for rule in says.rules or ()]
    has = {kind for rule in rules for kind in rule.types}
    wanted = {kind for policy in file.policies for kind in policy.event_types}
    for kind in sorted(wanted - has):
        yield f"{S}: the rule's pattern lacks '{kind}': its policies would never run"
    for kind in sorted(has - wanted):
        yield f"{S}: no policy is on events of type '{kind}': leave it out of the pattern"
