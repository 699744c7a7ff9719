"""
A dry run of each deployed function: whether it starts, may read ECS, and can write records.

Sends a direct request with `dry_run` to every function of the deployment, through the clients of
Function Compute. `record_completion` accepts none, so it gets the event of a snapshot that does not
exist, and records it. Creates no snapshot. Then compares the triggers with the files.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.account.access import KEY, SECRET, TOKEN, access_of
from cli.account.fc import Fc2Account, Fc3Account, FcAccount
from cli.check import check
from cli.console import print_line
from cli.deployment.functions import Function, variables_of
from cli.deployment.model import Deployment
from cli.deployment.project import Project, ProjectError, read_project
from cli.deployment.variables import MissingVariableError, filled_in
from cli.fc_invokers import Deployed, Fc2Invoker, Fc3Invoker, FcInvoker, NoAnswerError
from cli.trigger_check import check_triggers
from shared.clients.ecs_types import ACCOMPLISHED
from shared.completions.decision import COMPLETED
from shared.coverage.link import TRIAL
from shared.entrypoints.invocation import PAUSED
from shared.errors import Problems
from shared.policies.policy_file import load_policies
from shared.runtime.clock import SYSTEM_CLOCK, utc
from shared.runtime.json_yaml import read_policies
from shared.runtime.redaction import redacted
from shared.runtime.settings import FcApi, address_of, is_loopback
from shared.validation import nearest


class SmokeError(Exception):
    """Something is missing or invalid, so no function can be invoked."""


def smoke(
    console: Console,
    policies: Path,
    *,
    fun: bool,
    endpoint: str | None,
    policy: str | None,
    strict: bool = False,
    messages: Console | None = None,
    env: Mapping[str, str] = os.environ,
) -> bool:
    """
    Invoke each function, and print its answer.

    Args:
        console: Receives a line for each function.
        policies: The policy file; `deployment.yaml` is in its folder.
        fun: Whether the functions were deployed with Fun, to FC 2.0.
        endpoint: The address of Function Compute; None is the default of the region.
        policy: The policy of the dry run; None is the first that needs no event.
        strict: Whether the status of an answer has to be ``ok``.
        messages: Receives the reason why nothing was invoked; None is the same console.
        env: The environment variables, with the credentials.

    Returns:
        Whether every function answered, and has its triggers. Skipped and failed disks depend on
        the account, not on the deployment, so they count only if `strict`, and so do triggers that
        the files do not have. A paused function counts as no answer.

    """
    messages = messages or console
    found = check(policies)
    for warning in found.warnings:
        print_line(messages, f"warning: {warning}", "yellow")
    try:
        address = _address(endpoint)
        # The account of an emulator may be the placeholder.
        local = address is not None and is_loopback(address)
        _raise_problems([*found.problems, *found.stale, *(() if local else found.placeholders)])
        project = read_project(policies)
        project = replace(project, deployment=filled_in(project.deployment, env))
        places = [
            _deployed(function, project.deployment, fun=fun) for function in project.functions
        ]
        name = _policy(policies, policy)
        keys = _keys(env)
        invoker: FcInvoker = Fc2Invoker(address, keys) if fun else Fc3Invoker(address, keys)
        hidden = _variables(project.functions, "2.0" if fun else "3.0")
    except (SmokeError, ProjectError, MissingVariableError) as exc:
        print_line(messages, str(exc), "red")
        return False
    all_answered = True
    answering: list[Function] = []
    for function, place in zip(project.functions, places, strict=True):
        try:
            answer = invoker.invoke(place, json.dumps(_event(place, name)).encode())
            status, line = _status_and_line(answer)
            answering.append(function)
        except NoAnswerError as exc:
            status, line = "", str(exc)
        fine = status == "ok" if strict else status not in ("", PAUSED)
        colour = "green" if status == "ok" else "yellow" if fine else "red"
        shown = _hiding(hidden, redacted(line, keys[1:]))
        print_line(console, f"{place.function}: {shown}", colour)
        all_answered = all_answered and fine
    has_triggers = check_triggers(
        console, _fc(project, address, env, fun=fun), answering, fun=fun, strict=strict
    )
    return all_answered and has_triggers


def _fc(project: Project, address: str | None, env: Mapping[str, str], *, fun: bool) -> FcAccount:
    at = {**env, "FC_ENDPOINT": address or ""}
    access = access_of(at, region=project.deployment.region, services=("FC",))
    return Fc2Account(access, project.deployment.account_id) if fun else Fc3Account(access)


def _raise_problems(problems: Sequence[str]) -> None:
    if problems:
        raise SmokeError("\n".join(problems))


def _address(endpoint: str | None) -> str | None:
    if not (endpoint or "").strip():
        return None
    address = address_of(endpoint or "")
    if address is None:
        rule = "must be a host, https://HOST[:PORT], or http:// on loopback"
        raise SmokeError(f"--fc-endpoint (FC_ENDPOINT): {rule}, because requests carry credentials")
    return address


def _variables(functions: Sequence[Function], api: FcApi) -> dict[str, str]:
    """
    Return the names of the functions' variables by their values, which must not be printed.

    Short values, which occur in any text, and names that are printed anyway are left out.
    """
    open_ = {
        text
        for function in functions
        for text in (function.project, function.logstore, function.folder, function.name)
    }
    return {
        form: name
        for function in functions
        for name, value in variables_of(function, functions, api).items()
        for form in _forms(value.strip())
        if len(form) >= _SHOWN_LENGTH and form not in open_
    }


_SHOWN_LENGTH = 6


def _forms(value: str) -> Iterator[str]:
    """Return the forms of a value in messages: as it is, and a host without its scheme."""
    yield value
    if address := address_of(value):
        yield address.rpartition("://")[2]


def _hiding(variables: Mapping[str, str], line: str) -> str:
    for value in sorted(variables, key=len, reverse=True):
        line = line.replace(value, f"${variables[value]}")
    return line


def _event(place: Deployed, policy: str) -> dict[str, Any]:
    """Return an event for which a function does everything except create a snapshot."""
    key = f"smoke-{uuid.uuid4()}"
    if place.folder == "resume_runs":
        return {"dry_run": True}
    if place.folder == "report_coverage":
        return dict(TRIAL)
    if place.folder != "record_completion":
        return {"key": key, "policy": policy, "dry_run": True}
    return {
        "specversion": "1.0",
        "id": key,
        "source": "acs.ecs",
        "type": COMPLETED,
        "time": utc(SYSTEM_CLOCK.now()),
        "aliyunaccountid": place.account_id,
        "aliyunregionid": place.region,
        "data": {"result": ACCOMPLISHED, "snapshotId": f"s-{key}"},
    }


def _status_and_line(body: bytes) -> tuple[str, str]:
    """Return the status of a function's answer, empty if it is invalid, and a line to print."""
    try:
        answer = json.loads(body)
        status, runs = answer["status"], [_run(run) for run in answer["runs"]]
        line = "; ".join([status, *runs, *filter(None, [answer.get("reason")])])
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", f"unexpected answer: {body[:200].decode(errors='replace')}"
    return status, line


def _run(run: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in sorted(run["counts"].items()))
    why = ": ".join(filter(None, [run.get("code"), run.get("reason")]))
    about = " in ".join(filter(None, [run["policy"], run["region"]]))
    return ": ".join(filter(None, [about, counts, why]))


def _keys(env: Mapping[str, str]) -> tuple[str, str, str]:
    given = [env.get(name, "").strip() for name in (KEY, SECRET, TOKEN)]
    missing = [name for name, value in zip((KEY, SECRET), given, strict=False) if not value]
    if missing:
        raise SmokeError(
            f"{' and '.join(missing)}: not set; set the key of a user with fc:InvokeFunction"
        )
    return given[0], given[1], given[2]


def _policy(path: Path, wanted: str | None) -> str:
    """Return the policy of the dry run."""
    problems = Problems()
    policies = load_policies(read_policies(path, problems), problems).policies
    names = [policy.name for policy in policies]
    if wanted is not None:
        if wanted not in names:
            known = f"known are {', '.join(names)}{nearest(wanted, names)}"
            raise SmokeError(f"--policy: '{wanted}': no such policy in {path.name}; {known}")
        return wanted
    for policy in policies:
        if policy.enabled and not policy.select.event_resource:
            return policy.name
    raise SmokeError(
        f"{path.name}: no dry run possible, because every policy needs an event or is disabled"
    )


def _deployed(function: Function, deployment: Deployment, *, fun: bool) -> Deployed:
    return Deployed(
        folder=function.folder,
        function=function.name,
        service=function.service if fun else None,
        account_id=deployment.account_id,
        region=deployment.region,
    )
