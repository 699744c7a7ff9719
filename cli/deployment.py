"""
What a template says of one function, held against the function's own folder.

Each is a mistake that a deployment reports late or never: a handler that is not there, a
timer that cannot be parsed, a log that the role may not write to. Never compares templates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cli.rights import BESIDES_OTHERS, HANDS_OVER, NEVER_CALLS, called_actions
from cli.templates import FC_API, Function
from shared.cron import CronError, read_expression

RUNTIMES = ("python3.10", "python3.12")
"""What Function Compute offers (Function Compute, "Runtimes") and this code runs on."""
RAM_POLICY = "ram-policy.json"
_DECIDED_BY_THE_OPERATOR = ("max_retries", "max_event_age_s", "on_failure", "task_mode", "role")


def wrong_alone(
    where: str, folder: Path, says: Function, *, fc_api: str, starts: Sequence[str] = ()
) -> Iterator[str]:
    """
    Name what is wrong with a function's deployment.

    Args:
        where: The template and the function, for what is said.
        folder: The function's own in `functions/`.
        says: What the template says.
        fc_api: Which API the template deploys to.
        starts: The other functions that it starts, as `Function.resource` has them.

    """
    if says.code != f"build/{folder.name}":
        yield f"{where}: code is {says.code!r}: must be 'build/{folder.name}', what is packaged"
    for what in _DECIDED_BY_THE_OPERATOR:
        if getattr(says, what) is None:
            yield f"{where}: {what} is not set: FC's default is not the operator's decision"
    if says.runtime not in RUNTIMES:
        yield f"{where}: runtime is {says.runtime!r}: must be one of {', '.join(RUNTIMES)}"
    yield from _handler(where, folder, says)
    for timer, trigger in says.timers.items():
        if problem := cron_problem(trigger.cron):
            yield f"{where}: timer '{timer}': {trigger.cron!r}: {problem}"
    for rule in says.rules or ():
        sources = sorted({f"acs.{kind.partition(':')[0]}" for kind in rule.types})
        if sorted(rule.sources) != sources:
            yield f"{where}: {rule.name}: source is {list(rule.sources)}: must be {sources}"
    yield from _log(where, says)
    yield from _api(where, says, fc_api)
    if folder.is_dir():
        yield from _permissions(where, folder / RAM_POLICY, says, starts)


def cron_problem(expression: object) -> str | None:
    """Return the rule that a timer's expression breaks, None if `resume_runs` and FC read it."""
    if not isinstance(expression, str):
        return "must be a text"
    try:
        read_expression(expression)
    except CronError as exc:
        return str(exc)
    return None


def disabled(where: str, says: Function) -> Iterator[str]:
    """Name the triggers that are not on: allowed, and their policies never run."""
    for timer, trigger in says.timers.items():
        if trigger.enabled is not True:
            yield f"{where}: timer '{timer}' is not enabled: its policies do not run"
    for rule in says.rules or ():
        if rule.enabled is not True:
            yield f"{where}: {rule.name} is not enabled: no event arrives"


def _handler(where: str, folder: Path, says: Function) -> Iterator[str]:
    module, _, function = str(says.handler).rpartition(".")
    if not module or not function:
        yield f"{where}: handler is {says.handler!r}: must be FILE.FUNCTION, such as index.handler"
    elif folder.is_dir() and not (folder / f"{module}.py").is_file():
        yield f"{where}: handler is {says.handler!r}: no functions/{folder.name}/{module}.py"


def _log(where: str, says: Function) -> Iterator[str]:
    if None in says.log:
        yield f"{where}: log is not set: FC would keep nothing of what the function prints"
        return
    for name, value in zip(("SLS_PROJECT", "SLS_LOGSTORE"), says.log, strict=True):
        if says.environment.get(name, value) != value:
            yield f"{where}: {name} is {says.environment[name]!r}, the function's log {value!r}"


def _api(where: str, says: Function, fc_api: str) -> Iterator[str]:
    if says.fc_api != fc_api:
        yield f"{where}: {FC_API} is {says.fc_api!r}: must be '{fc_api}', to hand over what is left"


def _permissions(where: str, path: Path, says: Function, starts: Sequence[str]) -> Iterator[str]:
    """Hold what the function calls and writes to against what its role may."""
    shown = f"functions/{path.parent.name}/{path.name}"
    try:
        statements = json.loads(path.read_bytes())["Statement"]
        allowed = [*_allowed(statements)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
        yield f"{shown}: cannot be read: {type(exc).__name__}: {exc}"
        return
    project, logstore = (
        says.environment.get(name, value)
        for name, value in zip(("SLS_PROJECT", "SLS_LOGSTORE"), says.log, strict=True)
    )
    wanted = [("log:PostLogStoreLogs", f"project/{project}/logstore/{logstore}")]
    if says.on_failure is not None:
        wanted.append(("mns:SendMessage", _resource(str(says.on_failure))))
    wanted += [("fc:InvokeFunction", resource) for resource in starts]
    if path.parent.name in HANDS_OVER:
        wanted.append(("fc:InvokeFunction", says.resource))
    for action, resource in wanted:
        if not any(fnmatchcase(action, may) and fnmatchcase(resource, on) for may, on in allowed):
            yield f"{where}: {shown} allows no {action} on '{resource}'"
    # On which resources, the tests hold: they run each function with its own role.
    calls = called_actions() - NEVER_CALLS.get(path.parent.name, frozenset())
    calls |= BESIDES_OTHERS.get(path.parent.name, frozenset())
    for action in sorted(calls - {action for action, _ in wanted}):
        if not any(fnmatchcase(action, may) for may, _ in allowed):
            yield f"{where}: {shown} allows no {action}, which the code calls"


def _allowed(statements: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield action, _resource(resource)


def _listed(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    return [value] if isinstance(value, str) else list(value)


def _resource(arn: str) -> str:
    """Return what stands behind the account in ``acs:service:region:account:resource``."""
    return arn.split(":", 4)[-1]
