"""
`ecsnap setup`: what the account lacks, as a diff; with `--apply` it is made.

Checks both files and the credentials before the first call. Prints no secret.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from cli.account import sts
from cli.account.access import AccessError, access_of
from cli.account.errors import AccountError
from cli.check import check
from cli.console import print_line
from cli.deployment.file import NAME
from cli.deployment.model import Notify
from cli.deployment.notify_keys import EXAMPLES, filled_in_problem
from cli.deployment.project import Project, ProjectError, read_project, write_templates
from cli.deployment.variables import VARIABLE, MissingVariableError, filled_in
from cli.setup import account_id
from cli.setup.destroy import deployed_functions, function_things, kept, marked_things
from cli.setup.runner import Summary, go_through
from cli.setup.steps import SIGNS, Mark, Step, Thing
from cli.setup.target import Target, target_of
from cli.setup.things import all_things
from shared.runtime.redaction import redacted

_COLOURS: Mapping[Mark, str | None] = {
    "same": None,
    "used": None,
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "problem": "red",
}
_VERBS: Sequence[tuple[Mark, str, str]] = (
    ("create", "created", "create"),
    ("update", "corrected", "correct"),
    ("delete", "deleted", "delete"),
)
ACTIVATE = (
    "once for each account, activate in the console: Function Compute (fc.console.aliyun.com), "
    "Log Service (sls.console.aliyun.com), Simple Message Queue (mns.console.aliyun.com), "
    "EventBridge (eventbridge.console.aliyun.com)"
)


class SetupError(Exception):
    """Nothing can be compared; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a command works on."""

    project: Project
    target: Target
    writes_account_id: bool
    """Whether `deployment.yaml` still has the placeholder."""


def setup(
    console: Console,
    policies: Path,
    *,
    apply: bool,
    messages: Console,
    env: Mapping[str, str] = os.environ,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """
    Compare the account with the files; with `apply`, correct it.

    Args:
        console: Receives a line for each thing.
        policies: The policy file; `deployment.yaml` is in its folder.
        apply: Whether to change anything.
        messages: Receives problems of the files and the credentials.
        env: The environment variables, with the credentials.
        sleep: Waits before a call is repeated.

    Returns:
        Whether nothing is left to be corrected by hand.

    """
    try:
        aim = aim_of(policies, env, messages, sleep=sleep)
        if apply and aim.writes_account_id:
            account = aim.target.deployment.account_id
            account_id.write_account_id(policies.parent / NAME, account)
    except (SetupError, account_id.AccountError) as exc:
        print_line(messages, str(exc), "red")
        return False
    account = aim.target.deployment.account_id
    note = ""
    if aim.writes_account_id:
        note = f"; {'written' if apply else 'will be written'} into {NAME}"
    print_line(console, f"  account {account}, region {aim.target.deployment.region}{note}")
    if apply:
        for line in write_templates(read_project(policies)):
            print_line(console, f"  {line}")
    secrets = _secrets(aim.project.deployment.notify, env)
    summary = go_through(
        all_things(aim.target),
        apply=apply,
        show=lambda thing, step: _show(console, thing, step, secrets),
    )
    _conclude(console, summary, apply=apply)
    return not summary.failed


def destroy(
    console: Console,
    policies: Path,
    *,
    functions: bool,
    confirmed: Callable[[], bool],
    messages: Console,
    env: Mapping[str, str] = os.environ,
) -> bool:
    """
    Delete what a deployment owns, and print what stays.

    Args:
        console: Receives a line for each thing.
        policies: The policy file; `deployment.yaml` is in its folder.
        functions: Whether the functions are deleted too; without it they must be gone.
        confirmed: Asks, after everything was listed.
        messages: Receives problems.
        env: The environment variables, with the credentials.

    Returns:
        Whether nothing is left to be deleted.

    """
    try:
        target = aim_of(policies, env, messages).target
        if not functions:
            _reject_functions(target)
    except SetupError as exc:
        print_line(messages, str(exc), "red")
        return False
    things = [*(function_things(target) if functions else ()), *marked_things(target)]
    listed = go_through(things, apply=False, show=lambda thing, step: _show(console, thing, step))
    for line in kept(target):
        print_line(console, f"  stays: {line}")
    if listed.failed:
        print_line(console, "nothing was deleted, because not everything could be read", "red")
        return False
    if not listed.changes:
        print_line(console, "nothing to delete", "green")
        return True
    if not confirmed():
        print_line(messages, "nothing was deleted", "yellow")
        return False
    failures: list[tuple[Thing, Step]] = []
    done = go_through(
        things,
        apply=True,
        show=lambda thing, step: failures.append((thing, step)) if step.why else None,
    )
    for thing, step in failures:
        _show(console, thing, step)
    print_line(console, f"{done.marks['delete']} deleted", "green")
    return not done.failed


def _reject_functions(target: Target) -> None:
    try:
        there = deployed_functions(target)
    except AccountError as exc:
        raise SetupError(f"{exc}; nothing was deleted") from exc
    if there:
        raise SetupError(
            f"{', '.join(there)}: deployed, and would run without a role; delete them first, or "
            "add --functions"
        )


def aim_of(
    policies: Path,
    env: Mapping[str, str],
    messages: Console,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Aim:
    """
    Return what to work on, after both files, the environment and the caller were checked.

    Raises:
        SetupError: Something of them cannot be used.

    """
    found = check(policies)
    for warning in found.warnings:
        print_line(messages, f"warning: {warning}", "yellow")
    problems = list(found.problems)
    if not found.has_deployment:
        problems.append(f"{policies.name}: no {NAME} in its folder, so nothing can be set up")
    if problems:
        raise SetupError("\n".join(problems))
    try:
        project = read_project(policies)
        access = replace(access_of(env, region=project.deployment.region), sleep=sleep)
        caller = sts.account_id(access)
        deployment = filled_in(project.deployment, env, account_id=caller)
        writes = account_id.checked(deployment.account_id, caller)
    except (ProjectError, AccessError, MissingVariableError, account_id.AccountError) as exc:
        raise SetupError(str(exc)) from exc
    except AccountError as exc:
        raise SetupError(f"{exc}; nothing was read or changed") from exc
    if unusable := _unusable(deployment.notify):
        raise SetupError("\n".join(unusable))
    return Aim(
        project=project,
        target=target_of(access, replace(deployment, account_id=caller), project.policies),
        writes_account_id=writes,
    )


def _show(console: Console, thing: Thing, step: Step, secrets: Sequence[str] = ()) -> None:
    why = f": {step.why}" if step.why else ""
    line = f"{SIGNS[step.mark]} {thing.name}{why}"
    print_line(console, redacted(line, secrets), _COLOURS[step.mark])
    for change in step.changes:
        colour = "red" if change.startswith("-") else "green"
        print_line(console, f"    {redacted(change, secrets)}", colour)


def _secrets(notify: Notify | None, env: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return what must not be printed: the values of the variables in webhooks.

    Args:
        notify: As the file has it, with its variables.
        env: The environment variables.

    """
    hooks = [getattr(notify, name) for name in EXAMPLES] if notify else []
    texts = [text for hook in hooks if hook for text in (hook.url, hook.secret or "")]
    names = {match["name"] for text in texts for match in VARIABLE.finditer(text)}
    return tuple(value for name in names if name and (value := env.get(name, "")))


def _unusable(notify: Notify | None) -> list[str]:
    """Return what is wrong with the addresses of webhooks once they are filled in."""
    hooks = [(name, getattr(notify, name)) for name in EXAMPLES] if notify else []
    return [
        f"{NAME}: notify.{name}.url: {rule}, once its variables are filled in"
        for name, hook in hooks
        if hook is not None and (rule := filled_in_problem(hook.url))
    ]


def _conclude(console: Console, summary: Summary, *, apply: bool) -> None:
    if summary.failed:
        count = len(summary.failed)
        print_line(console, f"{count} of these need attention, see the lines with !", "red")
        print_line(console, ACTIVATE)
    if not summary.changes:
        if not summary.failed:
            print_line(console, "nothing to change", "green")
        return
    done = [
        f"{summary.marks[mark]} {past if apply else f'to {verb}'}"
        for mark, past, verb in _VERBS
        if summary.marks[mark]
    ]
    print_line(console, ", ".join(done), "green")
    if apply:
        print_line(console, "next: make package, then s deploy or make deploy-fun, then smoke")
    else:
        if not summary.failed:
            print_line(console, ACTIVATE)
        print_line(console, "nothing was changed; `ecsnap setup --apply` does it")
