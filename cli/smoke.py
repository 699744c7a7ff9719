"""
A dry run of each deployed function: whether it starts, may read ECS, and can write records.

Sends a direct request with `dry_run` to every function of a template, through the clients of
Function Compute. `record_completion` accepts none, so it gets the event of a snapshot that does
not exist, and records it. Creates no snapshot.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.check import check
from cli.console import print_line
from cli.fc_invokers import Deployed, Fc2Invoker, Fc3Invoker, FcInvoker, NoAnswerError
from cli.template_files import TemplateError, load_fun, load_s
from cli.template_model import FUN, ON_END, RESUMES, S
from cli.templates import read_fun, read_s
from shared.completions.decision import ACCOMPLISHED, COMPLETED
from shared.entrypoints.invocation import PAUSED
from shared.errors import Problems
from shared.policies.policy_file import load_policies
from shared.runtime.clock import SYSTEM_CLOCK, utc
from shared.runtime.json_yaml import read_policies
from shared.runtime.redaction import redacted
from shared.runtime.settings import address_of, is_loopback
from shared.validation import nearest

KEY, SECRET, TOKEN = (
    f"ALIBABA_CLOUD_{name}" for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
)


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
) -> bool:
    """
    Invoke each function, and print its answer.

    Args:
        console: Receives a line for each function.
        policies: The policy file; the templates are in its folder.
        fun: Whether the functions were deployed with Fun, to FC 2.0.
        endpoint: The address of Function Compute; None is the default of the region.
        policy: The policy of the dry run; None is the first that needs no event.
        strict: Whether the status of an answer has to be ``ok``.
        messages: Receives the reason why nothing was invoked; None is the same console.

    Returns:
        Whether every function answered. Skipped and failed disks depend on the account, not on
        the deployment, so they count only if `strict`. A paused function counts as no answer.

    """
    messages = messages or console
    found = check(policies)
    for warning in found.warnings:
        print_line(messages, f"warning: {warning}", "yellow")
    try:
        address = _address(endpoint)
        # The account of an emulator may be the placeholder.
        local = address is not None and is_loopback(address)
        _raise_problems([*found.problems, *(() if local else found.placeholders)])
        places = _deployed_by_fun(policies.parent) if fun else _deployed_by_s(policies.parent)
        name = _policy(policies, policy)
        keys = _keys()
        invoker: FcInvoker = Fc2Invoker(address, keys) if fun else Fc3Invoker(address, keys)
        hidden = _variables(policies.parent / (FUN if fun else S))
    except (SmokeError, TemplateError) as exc:
        print_line(messages, str(exc), "red")
        return False
    all_answered = True
    for place in places:
        try:
            answer = invoker.invoke(place, json.dumps(_event(place, name)).encode())
            status, line = _status_and_line(answer)
        except NoAnswerError as exc:
            status, line = "", str(exc)
        fine = status == "ok" if strict else status not in ("", PAUSED)
        colour = "green" if status == "ok" else "yellow" if fine else "red"
        shown = _hiding(hidden, redacted(line, keys[1:]))
        print_line(console, f"{place.function}: {shown}", colour)
        all_answered = all_answered and fine
    return all_answered


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


def _variables(template: Path) -> dict[str, str]:
    """
    Return the names of the functions' variables by their values, which must not be printed.

    Short values, which occur in any text, and values that a template has elsewhere are left out.
    """
    functions = read_fun(template) if template.name == FUN else read_s(template)
    open_ = {text for declared in functions.values() for text in (*declared.log, *functions)}
    return {
        form: str(name)
        for declared in functions.values()
        for name, value in declared.environment.items()
        for form in _forms(str(value).strip())
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
    if place.folder == RESUMES:
        return {"dry_run": True}
    if place.folder != ON_END:
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


def _keys() -> tuple[str, str, str]:
    given = [os.environ.get(name, "").strip() for name in (KEY, SECRET, TOKEN)]
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


def _deployed_by_s(root: Path) -> list[Deployed]:
    return [
        Deployed(
            folder=folder,
            function=declared["functionName"],
            service=None,
            account_id=_account(declared["role"]),
            region=declared["region"],
        )
        for folder, resource in load_s(root / S)["resources"].items()
        for declared in (resource["props"],)
    ]


def _deployed_by_fun(root: Path) -> list[Deployed]:
    # A template of Fun contains no region; Fun reads it from REGION.
    region = os.environ.get("REGION") or _deployed_by_s(root)[0].region
    return [
        Deployed(
            folder=function,
            function=function,
            service=service,
            account_id=_account(declared["Properties"]["Role"]),
            region=region,
        )
        for service, declared in load_fun(root / FUN)["Resources"].items()
        for function in declared
        if function not in ("Type", "Properties")
    ]


def _account(role: str) -> str:
    return role.split(":")[3]
