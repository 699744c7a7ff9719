"""
What `--destroy` deletes: everything that bears the mark of the deployment, and its functions.

The log and the snapshots stay: they are what a deployment was for. So does the role of EventBridge,
which other deployments and tools may use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cli.account.fc import FcAccount
from cli.deployment.functions import Function
from cli.setup.monitoring import monitoring_to_delete
from cli.setup.queue import TAG
from cli.setup.roles import EVENTBRIDGE_ROLE
from cli.setup.steps import SAME, Step, Thing
from cli.setup.target import TOOL_NAMES, Target, deployed_name
from shared.runtime.context import FunctionName


def deployed_functions(target: Target) -> list[str]:
    """Return the functions that exist, of all tools; raises AccountError."""
    return [
        f"{function.name} ({TOOL_NAMES[tool]})"
        for tool, fc in target.fc.items()
        for function in target.functions
        if fc.triggers(deployed_name(function, tool)) is not None
    ]


def function_things(target: Target) -> Iterator[Thing]:
    """Yield the functions of all tools; each loses its triggers first, so that none fires."""
    for tool, fc in target.fc.items():
        for function in target.functions:
            name = deployed_name(function, tool)
            yield Thing(
                name=f"function {function.name} ({TOOL_NAMES[tool]})",
                look=partial(_function, fc, name),
                is_quiet=True,
            )


def marked_things(target: Target) -> Iterator[Thing]:
    """Yield what `setup` made, in the order in which it can go."""
    yield from monitoring_to_delete(target)
    for function in target.functions:
        yield Thing(
            name=f"role '{function.role}'", look=partial(_role, target, function), is_quiet=True
        )
        yield Thing(
            name=f"policy '{function.role}'", look=partial(_policy, target, function), is_quiet=True
        )
    yield Thing(name=f"queue '{target.queue}'", look=partial(_queue, target), is_quiet=True)


def kept(target: Target) -> tuple[str, ...]:
    """Return what stays, one line each."""
    return (
        f"log project '{target.project}' with the Logstore '{target.logstore}' and its records",
        "every snapshot that was created",
        f"the service-linked role '{EVENTBRIDGE_ROLE}'",
    )


def _function(fc: FcAccount, name: FunctionName) -> Step:
    triggers = fc.triggers(name)
    if triggers is None:
        return SAME

    def act() -> None:
        for trigger in triggers:
            fc.delete_trigger(name, trigger.name)
        fc.delete_function(name)

    return Step(
        mark="delete",
        changes=tuple(f"- trigger {trigger.name}" for trigger in triggers),
        act=act,
    )


def _role(target: Target, function: Function) -> Step:
    found = target.ram.role(function.role)
    if found is None or found.description != target.mark:
        return SAME

    def act() -> None:
        for kind, policy in target.ram.attached(function.role):
            target.ram.detach(function.role, kind, policy)
        target.ram.delete_role(function.role)

    return Step(mark="delete", act=act)


def _policy(target: Target, function: Function) -> Step:
    found = target.ram.policy(function.role)
    if found is None or found.description != target.mark:
        return SAME
    return Step(mark="delete", act=partial(target.ram.delete_policy, function.role))


def _queue(target: Target) -> Step:
    found = target.smq.queue(target.queue)
    if found is None or found.tags.get(TAG) != target.policies.deployment:
        return SAME
    return Step(mark="delete", act=partial(target.smq.delete, target.queue))
