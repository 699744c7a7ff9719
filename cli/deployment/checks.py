"""
Rules of `deployment.yaml` that concern several keys, the policies, or facts of the cloud.

Each yields a key's path with what is wrong there. Never prints the value of a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cli.cloud_facts import ecs_hosts
from cli.deployment.functions import (
    GENERATED,
    Function,
    functions_of,
    project_of,
    settings_of,
    variables_of,
)
from cli.deployment.model import Deployment
from cli.deployment.variables import has_variable
from shared.errors import Problems
from shared.policies.policy import PolicyFile
from shared.runtime.settings import VARIABLES, Settings, is_loopback
from shared.runtime.settings import settings_of as read_variables
from shared.validation import nearest

MAX_VARIABLES_BYTES = 4096
"""For all variables of a function together (Function Compute, "Environment variables")."""
_MAX_PROJECT = 63
_GB_PER_CPU = (1, 4)
"""Memory in GB for each vCPU (Function Compute, "CreateFunction", cpu)."""
_S_ONLY = {"cpu": "vCPU", "resource_group_id": "a resource group", "tags": "tags"}
"""Settings that FC 2.0 or Fun does not have."""


class Remark(NamedTuple):
    """What is wrong at a key, or probably is."""

    path: str
    rule: str


def problems(deployment: Deployment, policies: PolicyFile) -> Iterator[Remark]:
    """Yield what keeps a deployment from working."""
    functions = functions_of(deployment, policies)
    yield from _project_name(deployment)
    for function in functions:
        yield from _overridden(function.folder, deployment)
        yield from _memory_for_cpu(function, deployment)
        yield from _variables(function, functions, deployment)


def warnings(deployment: Deployment, policies: PolicyFile) -> Iterator[Remark]:
    """Yield what is allowed, but is probably a mistake."""
    for function in functions_of(deployment, policies):
        folder = function.folder
        for key, what in _S_ONLY.items() if "fun" in deployment.tools else ():
            if getattr(settings_of(folder, deployment), key):
                rule = f"Fun cannot set {what}, so template.yml has none; set it in the console"
                yield Remark(_path(folder, key, deployment), rule)
        known = _plain(function.environment)
        slight = Problems()
        region = deployment.region
        settings = read_variables(known, region=region, problems=Problems(), remarks=slight)
        for name, rule in _hosts_elsewhere(settings, region):
            yield Remark(_variable_path(folder, name, deployment), rule)
        for problem in slight:
            yield Remark(_variable_path(folder, problem.path, deployment), problem.rule)
        for name in function.environment:
            hint = nearest(str(name).upper(), VARIABLES)
            if name not in VARIABLES and hint:
                rule = f"unknown variable{hint}"
                yield Remark(_variable_path(folder, name, deployment), rule)


def _project_name(deployment: Deployment) -> Iterator[Remark]:
    project = project_of(deployment)
    if not has_variable(project) and len(project) > _MAX_PROJECT:
        rule = f"'{project}': must be at most {_MAX_PROJECT} characters; choose a shorter name"
        yield Remark("log.project", rule)


def _overridden(folder: str, deployment: Deployment) -> Iterator[Remark]:
    for name in settings_of(folder, deployment).environment:
        if name in GENERATED:
            rule = f"must not be set here, because it follows from {GENERATED[name]}"
            yield Remark(_path(folder, f"environment.{name}", deployment), rule)


def _memory_for_cpu(function: Function, deployment: Deployment) -> Iterator[Remark]:
    low, high = _GB_PER_CPU
    cpu, memory_gb = function.cpu, function.memory_mb / 1024
    if not low * cpu <= memory_gb <= high * cpu:
        rule = (
            f"{cpu} with memory_mb {function.memory_mb}: must be {low} to {high} GB of memory for "
            "each vCPU"
        )
        yield Remark(_path(function.folder, "cpu", deployment), rule)


def _variables(
    function: Function, functions: tuple[Function, ...], deployment: Deployment
) -> Iterator[Remark]:
    """Check a function's variables as it does at its start; yields no value of a variable."""
    variables = variables_of(function, functions, "3.0")
    known, found = _plain(variables), Problems()
    settings = read_variables(known, region=deployment.region, problems=found)
    for problem in found:
        yield Remark(_variable_path(function.folder, problem.path, deployment), problem.rule)
    for name in _loopback_hosts(settings):
        rule = "loopback address; remove it, because nothing listens there in FC"
        yield Remark(_variable_path(function.folder, name, deployment), rule)
    if "POLICIES_FILE" in known and not _is_packaged(settings, function):
        rule = (
            f"must be a packaged JSON file; put it into functions/{function.folder}/ or remove this"
        )
        yield Remark(_variable_path(function.folder, "POLICIES_FILE", deployment), rule)
    size = sum(len(text.encode()) for pair in known.items() for text in pair)
    if size > MAX_VARIABLES_BYTES:
        rule = f"{size} bytes: must be at most {MAX_VARIABLES_BYTES} in total"
        yield Remark(_path(function.folder, "environment", deployment), rule)


def _loopback_hosts(settings: Settings) -> Iterator[str]:
    """Yield the variables with a host that nothing listens on in FC."""
    if any(map(is_loopback, settings.ecs_endpoints.values())):
        yield "ECS_ENDPOINT"
    if is_loopback(settings.sls_endpoint):
        yield "SLS_ENDPOINT"
    if is_loopback(settings.fc_endpoint):
        yield "SNAPSHOTS_FC_ENDPOINT"


def _hosts_elsewhere(settings: Settings, region: str) -> Iterator[tuple[str, str]]:
    """Yield variables with another region's host, known by its name; SLS may be elsewhere."""
    hosts = [("ECS_ENDPOINT", of, host) for of, host in settings.ecs_endpoints.items()]
    hosts.append(("SNAPSHOTS_FC_ENDPOINT", region, settings.fc_endpoint))
    for name, of, host in hosts:
        named = [known for known in ecs_hosts() if _names(host, known)]
        if of not in ecs_hosts() and of != region:
            yield name, f"'{of}': unknown region{nearest(of, ecs_hosts())}"
        elif named and of not in named:
            yield name, "the host belongs to another region"


def _names(host: str, region: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){region}(?![a-z0-9])", host) is not None


_CODE = Path("/code")
"""Where Function Compute unpacks a function's code, and what its working directory is."""
FUNCTIONS = Path(__file__).parent.parent.parent / "functions"


def _is_packaged(settings: Settings, function: Function) -> bool:
    policies = settings.policies_path
    if policies.is_relative_to(_CODE / "policies.json"):
        return True
    inside = policies.relative_to(_CODE) if policies.is_relative_to(_CODE) else policies
    return inside.suffix == ".json" and (FUNCTIONS / function.folder / inside).is_file()


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose values are known before a deployment."""
    return {name: value for name, value in variables.items() if not has_variable(value)}


_HOSTS = {
    "SLS_ENDPOINT": "hosts.sls",
    "ECS_ENDPOINT": "hosts.ecs",
    "SNAPSHOTS_FC_ENDPOINT": "hosts.fc",
}


def _variable_path(folder: str, name: str, deployment: Deployment) -> str:
    """Return the path of the key that a variable comes from."""
    if name in _HOSTS and name not in settings_of(folder, deployment).environment:
        return _HOSTS[name]
    return _path(folder, f"environment.{name}", deployment)


def _path(folder: str, key: str, deployment: Deployment) -> str:
    """Return the path of a function's setting: its own if it has one, or that of all."""
    first, _, name = key.partition(".")
    own = deployment.functions.get(folder)
    value = getattr(own, first) if own else None
    has_own = name in value if isinstance(value, Mapping) and name else value not in (None, {})
    return f"functions.{folder if has_own else 'all'}.{key}"
