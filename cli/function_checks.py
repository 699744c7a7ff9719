"""
The check of one function in a template against the function's folder.

A deployment reports these mistakes late or never: a missing handler, an invalid timer
expression, a Logstore that the role may not write to. Never compares templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cli.cloud_facts import ecs_hosts
from cli.permissions import BESIDES_OTHERS, HANDS_OVER, NEVER_CALLS, called_actions
from cli.template_model import FC_API, Function
from cli.yaml_lines import file_line
from shared.errors import Problems
from shared.recovery.cron import CronError, read_expression
from shared.runtime.settings import (
    VARIABLES,
    Settings,
    is_loopback,
    settings_of,
)
from shared.validation import nearest

RUNTIMES = ("python3.10", "python3.12")
"""The runtimes of Function Compute ("Runtimes") on which this code runs."""
RAM_POLICY = "ram-policy.json"
MAX_VARIABLES_BYTES = 4096
"""For all variables of a function together (Function Compute, "Environment variables")."""
_ALLOW = "add a statement with Effect Allow"
_WHY_FC_API = "the API through which a run starts its next part"
_DECIDED_BY_THE_OPERATOR = ("max_retries", "max_event_age_s", "on_failure", "task_mode", "role")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One function in one template, as messages name it."""

    template: str
    function: str
    declared: Function
    region: str
    """The region of the template's functions; empty if it is not known."""

    def at(self, what: str = "") -> str:
        """Return the place of a field of the function; of the function itself without a field."""
        return f"{file_line(self.template, self.declared.line(what))}: {self.function}"


def function_problems(
    place: Place, folder: Path, *, fc_api: str, starts: Sequence[str] = ()
) -> Iterator[str]:
    """
    Yield the problems of a function's deployment.

    Args:
        place: The function in a template.
        folder: The function's folder in `functions/`.
        fc_api: The API to which the template deploys.
        starts: The other functions that it starts, as `Function.resource` has them.

    """
    declared, at = place.declared, place.at
    if declared.code != f"build/{folder.name}":
        must_be = f"must be 'build/{folder.name}', which `make package` writes"
        yield f"{at('code')}: code: {declared.code!r}: {must_be}"
    for what in _DECIDED_BY_THE_OPERATOR:
        if getattr(declared, what) is None:
            yield f"{at(what)}: {what}: not set; set it instead of relying on the default of FC"
    if declared.runtime not in RUNTIMES:
        must_be = f"must be one of {', '.join(RUNTIMES)}"
        yield f"{at('runtime')}: runtime: {declared.runtime!r}: {must_be}"
    yield from _handler(place, folder)
    for timer, trigger in declared.timers.items():
        if problem := cron_problem(trigger.cron):
            yield f"{at(f'timers.{timer}')}: timer '{timer}': {trigger.cron!r}: {problem}"
    for rule in declared.rules or ():
        sources = sorted({f"acs.{kind.partition(':')[0]}" for kind in rule.types})
        if sorted(rule.sources) != sources:
            where = at(f"rules.{rule.name}")
            yield f"{where}: {rule.name}: source: {list(rule.sources)}: must be {sources}"
    yield from _log(place)
    yield from _variables(place, folder, fc_api)
    yield from _arns(place)
    if folder.is_dir():
        yield from _permissions(place, folder / RAM_POLICY, starts)


def cron_problem(expression: object) -> str | None:
    """Return the rule that a timer's expression breaks, None if `resume_runs` and FC read it."""
    if not isinstance(expression, str):
        return "must be a text"
    try:
        read_expression(expression)
    except CronError as exc:
        return str(exc)
    return None


def remarks(place: Place) -> Iterator[str]:
    """Yield what is allowed, but is probably a mistake."""
    for timer, trigger in place.declared.timers.items():
        if trigger.enabled is not True:
            where = place.at(f"timers.{timer}")
            yield f"{where}: timer '{timer}': not enabled, so its policies do not run"
    for rule in place.declared.rules or ():
        if rule.enabled is not True:
            yield f"{place.at(f'rules.{rule.name}')}: {rule.name}: not enabled, so no event arrives"
    settings, _, found = settings_at(place)
    yield from (f"{variable(place, problem.path)}: {problem.rule}" for problem in found)
    yield from _hosts_elsewhere(place, settings)
    for name in place.declared.environment:
        if name in VARIABLES:
            continue
        if str(name).startswith("ALIBABA_CLOUD_"):
            text = "overrides the credentials of the role; remove it"
            yield f"{variable(place, name)}: {text}"
        elif close := get_close_matches(str(name).upper(), VARIABLES, n=1, cutoff=0.85):
            yield f"{variable(place, name)}: unknown variable; did you mean '{close[0]}'?"


def _hosts_elsewhere(place: Place, settings: Settings) -> Iterator[str]:
    """Name hosts of other regions, known by their names; only SLS may be in another region."""
    hosts = [("ECS_ENDPOINT", of, host) for of, host in settings.ecs_endpoints.items()]
    hosts.append(("SNAPSHOTS_FC_ENDPOINT", place.region, settings.fc_endpoint))
    for name, of, host in hosts:
        named = [
            region
            for region in ecs_hosts()
            if re.search(rf"(?<![a-z0-9]){region}(?![a-z0-9])", host)
        ]
        if of not in ecs_hosts():
            # The region of the functions is checked at its own place.
            if of not in ("", place.region):
                rule = f"unknown region{nearest(of, ecs_hosts())}"
                yield f"{variable(place, name)}: {rule}"
        elif named and of not in named:
            yield f"{variable(place, name)}: the host belongs to another region"


def settings_at(place: Place) -> tuple[Settings, Problems, Problems]:
    """Return a function's settings, their problems, and their warnings."""
    found, slight = Problems(), Problems()
    texts = _texts(place.declared)
    return settings_of(texts, region=place.region, problems=found, remarks=slight), found, slight


def variable(place: Place, name: str) -> str:
    """Return the place of a variable, also of one that is missing."""
    return f"{place.at(f'environment.{name}')}: environment.{name}"


def _texts(declared: Function) -> dict[str, str]:
    """Return the variables that are texts; the schema reports the others."""
    return {name: value for name, value in declared.environment.items() if isinstance(value, str)}


def _variables(place: Place, folder: Path, fc_api: str) -> Iterator[str]:
    """Check a function's variables as it does at its start; yields no value of a variable."""
    texts, (settings, found, _) = _texts(place.declared), settings_at(place)
    yield from (f"{variable(place, problem.path)}: {problem.rule}" for problem in found)
    if FC_API not in place.declared.environment:
        yield f"{variable(place, FC_API)}: is required; set it to '{fc_api}', {_WHY_FC_API}"
    elif settings.fc_api not in (None, fc_api):
        yield f"{variable(place, FC_API)}: must be '{fc_api}', {_WHY_FC_API}"
    loopback = {
        "ECS_ENDPOINT": any(map(is_loopback, settings.ecs_endpoints.values())),
        "SLS_ENDPOINT": is_loopback(settings.sls_endpoint),
        "SNAPSHOTS_FC_ENDPOINT": is_loopback(settings.fc_endpoint),
    }
    for name in (name for name, wrong in loopback.items() if wrong):
        yield f"{variable(place, name)}: loopback address; remove it, nothing listens there in FC"
    size = sum(len(text.encode()) for pair in texts.items() for text in pair)
    if size > MAX_VARIABLES_BYTES:
        rule = f"{size} bytes: must be at most {MAX_VARIABLES_BYTES} in total"
        yield f"{place.at('environment')}: environment: {rule}"
    policies = settings.policies_path
    named = "POLICIES_FILE" in texts and not policies.is_relative_to(_PACKAGED)
    inside = policies.relative_to(_CODE) if policies.is_relative_to(_CODE) else policies
    if named and not (inside.suffix == ".json" and (folder / inside).is_file()):
        rule = f"must be a packaged JSON file; put it into functions/{folder.name}/ or remove this"
        yield f"{variable(place, 'POLICIES_FILE')}: {rule}"


_CODE = Path("/code")
"""Where Function Compute unpacks a function's code, and what its working directory is."""
_PACKAGED = _CODE / "policies.json"
_QUEUE = re.compile(
    r"/(?:queues/[A-Za-z0-9][A-Za-z0-9-]{0,254}|topics/[A-Za-z0-9][A-Za-z0-9-]{0,254})/messages"
)


def _arns(place: Place) -> Iterator[str]:
    """Name resources of another region or account, which the function cannot reach."""
    own = {"region": place.region, "account": place.declared.account_id}
    for arn in dict.fromkeys(place.declared.arns):
        where = f"{file_line(place.template, arn.line)}: {place.function}: {arn.text!r}"
        for what, its in (("region", arn.region), ("account", arn.account_id)):
            if its and own[what] and its != own[what]:
                yield f"{where}: {what} {its}: must be {own[what]}, the {what} of the function"
        if arn.service == "mns" and not _QUEUE.fullmatch(arn.resource):
            rule = "must end in /queues/NAME/messages or /topics/NAME/messages"
            yield f"{where}: {rule}"


def _handler(place: Place, folder: Path) -> Iterator[str]:
    declared, where = place.declared, place.at("handler")
    module, _, function = str(declared.handler).rpartition(".")
    if not module or not function:
        rule = "must be FILE.FUNCTION, such as index.handler"
        yield f"{where}: handler: {declared.handler!r}: {rule}"
    elif folder.is_dir() and not (folder / f"{module}.py").is_file():
        rule = f"functions/{folder.name}/{module}.py is missing"
        yield f"{where}: handler: {declared.handler!r}: {rule}"


def _log(place: Place) -> Iterator[str]:
    if None in place.declared.log:
        rule = "set project and Logstore, because FC otherwise discards what the function prints"
        yield f"{place.at('log')}: log: not set; {rule}"
        return
    texts = _texts(place.declared)
    for name, value in zip(("SLS_PROJECT", "SLS_LOGSTORE"), place.declared.log, strict=True):
        if texts.get(name, "").strip() not in ("", value):
            rule = f"must be {value!r}, as in the log configuration of the function"
            yield f"{variable(place, name)}: {rule}"


def _permissions(place: Place, path: Path, starts: Sequence[str]) -> Iterator[str]:
    """Compare the actions that the function calls with those that its role allows."""
    declared, where = place.declared, place.at("role")
    file = f"functions/{path.parent.name}/{path.name}"
    try:
        statements = json.loads(path.read_bytes())["Statement"]
        allowed = [*_allowed(statements, place.region, declared.account_id)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
        yield f"{file}: cannot be read: {type(exc).__name__}: {exc}"
        return
    project, logstore = declared.log
    wanted = [("log:PostLogStoreLogs", f"project/{project}/logstore/{logstore}")]
    if declared.on_failure is not None:
        wanted.append(("mns:SendMessage", _resource(str(declared.on_failure))))
    wanted += [("fc:InvokeFunction", resource) for resource in starts]
    if path.parent.name in HANDS_OVER:
        wanted.append(("fc:InvokeFunction", declared.resource))
    for action, resource in wanted:
        if not any(fnmatchcase(action, may) and fnmatchcase(resource, on) for may, on in allowed):
            yield f"{where}: {file}: {action} on '{resource}' is not allowed; {_ALLOW}"
    # The tests check the resources: they run each function with its own role.
    calls = called_actions() - NEVER_CALLS.get(path.parent.name, frozenset())
    calls |= BESIDES_OTHERS.get(path.parent.name, frozenset())
    for action in sorted(calls - {action for action, _ in wanted}):
        if not any(fnmatchcase(action, may) for may, _ in allowed):
            yield f"{where}: {file}: {action}, which the code calls, is not allowed; {_ALLOW}"


def _allowed(
    statements: list[Mapping[str, Any]], region: str, account_id: str
) -> Iterator[tuple[str, str]]:
    """Return the actions that are allowed in a region and account, each with its resources."""
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    # acs:service:region:account:resource, or the star alone.
                    parts = resource.split(":", 4)
                    of_region, of_account = parts[2:4] if len(parts) == len(_PARTS) else ("", "")
                    if _meant(region, of_region) and _meant(account_id, of_account):
                        yield action, parts[-1]


_PARTS = ("acs", "service", "region", "account", "resource")


def _meant(own: str, pattern: str) -> bool:
    return not own or not pattern or fnmatchcase(own, pattern)


def _listed(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    return [value] if isinstance(value, str) else list(value)


def _resource(arn: str) -> str:
    """Return the part after the account in ``acs:service:region:account:resource``."""
    return arn.split(":", 4)[-1]
