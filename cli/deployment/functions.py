"""
The functions as they are meant to be deployed, from both files: one source for both templates.

Pure: `s_template` and `fun_template` write what this returns; `cli.smoke` and `cli.setup` compare
the account with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cli.deployment.model import Deployment, FunctionSettings, Vpc
from cli.deployment.names import FOLDERS, Names
from cli.deployment.triggers import EventTrigger, TimerTrigger, triggers_of
from shared.policies.policy import PolicyFile
from shared.runtime.settings import FUNCTION_VARIABLES, FcApi

HANDLER = "index.handler"
DEFAULT_MEMORY_MB = 128
DISK_MB = 512
"""The smallest that FC offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is the same in each deployment of a function."""

    description: str
    service: str
    """The description of its service in FC 2.0."""
    timeout_s: int
    max_retries: int = 3
    max_event_age_s: int = 86_400


_FUNCTIONS: Mapping[str, _Facts] = {
    "snapshot_on_schedule": _Facts(
        description="Takes snapshots when a timer fires",
        service="ECS disk snapshots from timers",
        timeout_s=7200,
    ),
    "snapshot_on_event": _Facts(
        description="Takes snapshots when EventBridge sends an event about an instance or a disk",
        service="ECS disk snapshots from events",
        timeout_s=600,
    ),
    "record_completion": _Facts(
        description="Records how snapshots ended, and attempts failed ones again",
        service="How ECS disk snapshots ended",
        timeout_s=600,
    ),
    # The next pass does what one left, so FC neither delivers its event again nor keeps it.
    "resume_runs": _Facts(
        description="Restarts unfinished runs, and catches up timers that did not fire",
        service="ECS disk snapshots that were begun and not ended",
        timeout_s=300,
        max_retries=0,
        max_event_age_s=600,
    ),
    # A part writes each disk anew when it is delivered again, so once is enough.
    "report_coverage": _Facts(
        description="Reports which disks are protected, overdue, or without protection",
        service="Which ECS disks have snapshots",
        timeout_s=7200,
        max_retries=1,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function as it is meant to be deployed; texts may contain variables."""

    folder: str
    """Its logical name."""
    name: str
    """Its name in Function Compute."""
    service: str
    service_description: str
    description: str
    role: str
    """The name of its role."""
    role_arn: str
    runtime: str
    memory_mb: int
    cpu: float
    timeout_s: int
    max_retries: int
    max_event_age_s: int
    project: str
    logstore: str
    queue_arn: str
    environment: Mapping[str, str]
    """Without `SNAPSHOTS_FC_API` and the names of other functions, which depend on the API."""
    vpc: Vpc | None
    internet_access: bool | None
    resource_group_id: str | None
    tags: Mapping[str, str]
    timers: tuple[TimerTrigger, ...]
    events: tuple[EventTrigger, ...]

    @property
    def code(self) -> str:
        """Return the folder that `make package` writes, from the project's own."""
        return f"build/{self.folder}"


def functions_of(deployment: Deployment, policies: PolicyFile) -> tuple[Function, ...]:
    """Return all functions, in the order in which the templates have them."""
    return tuple(_function(folder, deployment, policies) for folder in FOLDERS)


def _function(folder: str, deployment: Deployment, policies: PolicyFile) -> Function:
    names, facts = Names(deployment=policies.deployment), _FUNCTIONS[folder]
    settings = settings_of(folder, deployment)
    memory_mb = memory_mb_of(folder, deployment)
    timers, events = triggers_of(folder, policies)
    return Function(
        folder=folder,
        name=names.function(folder),
        service=names.service(folder),
        service_description=facts.service,
        description=facts.description,
        role=names.role(folder),
        role_arn=f"acs:ram::{deployment.account_id}:role/{names.role(folder)}",
        runtime=deployment.runtime,
        memory_mb=memory_mb,
        cpu=settings.cpu or _cpu_for(memory_mb),
        timeout_s=settings.timeout_s or facts.timeout_s,
        max_retries=facts.max_retries,
        max_event_age_s=facts.max_event_age_s,
        project=project_of(deployment),
        logstore=deployment.log.logstore,
        queue_arn=f"acs:mns:{deployment.region}:{deployment.account_id}:"
        f"/queues/{queue_of(deployment, names)}/messages",
        environment={**_generated(deployment), **settings.environment},
        vpc=settings.vpc,
        internet_access=settings.internet_access,
        resource_group_id=settings.resource_group_id,
        tags=settings.tags,
        timers=timers,
        events=events,
    )


def settings_of(folder: str, deployment: Deployment) -> FunctionSettings:
    """Return a function's settings: its own over those of all; mappings are merged by key."""
    of_all, own = (deployment.functions.get(name, FunctionSettings()) for name in ("all", folder))
    merged: dict[str, Any] = {}
    for field in fields(FunctionSettings):
        ours, its = getattr(of_all, field.name), getattr(own, field.name)
        if isinstance(ours, Mapping):
            merged[field.name] = {**ours, **its}
        else:
            merged[field.name] = ours if its is None else its
    return FunctionSettings(**merged)


def memory_mb_of(folder: str, deployment: Deployment) -> int:
    """Return the memory of a function."""
    return settings_of(folder, deployment).memory_mb or DEFAULT_MEMORY_MB


def project_of(deployment: Deployment) -> str:
    """
    Return the log project.

    Its default contains the account and the region, because a name must be unique over all accounts
    of a region (SLS, "CreateProject").
    """
    given = deployment.log.project
    return given or f"snapshot-automation-{deployment.account_id}-{deployment.region}"


def queue_of(deployment: Deployment, names: Names) -> str:
    """Return the queue for what Function Compute could not carry out."""
    return deployment.queue or names.queue


def _cpu_for(memory_mb: int) -> float:
    """Return vCPU for a size of memory: FC wants 1 to 4 GB of memory for each vCPU."""
    return max(1, math.ceil(memory_mb / 1024 / 2 * 20)) / 20


def _generated(deployment: Deployment) -> dict[str, str]:
    """Return the variables that follow from other keys of the file."""
    hosts = deployment.hosts
    ecs = [f"{region}={host}" if region else host for region, host in hosts.ecs.items()]
    variables = {
        "SLS_PROJECT": project_of(deployment),
        "SLS_LOGSTORE": deployment.log.logstore,
        "SLS_ENDPOINT": hosts.sls,
        "ECS_ENDPOINT": ",".join(ecs),
        "SNAPSHOTS_FC_ENDPOINT": hosts.fc,
    }
    return {name: value for name, value in variables.items() if value}


GENERATED = {
    "SLS_PROJECT": "log.project",
    "SLS_LOGSTORE": "log.logstore",
    "SLS_ENDPOINT": "hosts.sls",
    "ECS_ENDPOINT": "hosts.ecs",
    "SNAPSHOTS_FC_ENDPOINT": "hosts.fc",
    "SNAPSHOTS_FC_API": "tools",
    **dict.fromkeys(FUNCTION_VARIABLES.values(), "deployment in policies.yaml"),
}
"""Variables that `deployment.yaml` must not set, and the key that each follows from."""


def variables_of(function: Function, functions: Sequence[Function], api: FcApi) -> dict[str, str]:
    """
    Return all variables of a function on one API.

    Args:
        function: The function.
        functions: All of its deployment: `resume_runs` starts some of them by their names.
        api: The API decides how functions are named. FC reserves names that begin with ``FC_``.

    """
    variables = {**function.environment, "SNAPSHOTS_FC_API": api}
    if function.folder == "resume_runs":
        for other in functions:
            if other.folder in FUNCTION_VARIABLES:
                variables[FUNCTION_VARIABLES[other.folder]] = deployed_as(other, api)
    return variables


def deployed_as(function: Function, api: FcApi) -> str:
    """Return the name by which an API knows a function: SERVICE/FUNCTION on FC 2.0."""
    return f"{function.service}/{function.name}" if api == "2.0" else function.name
