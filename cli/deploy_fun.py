"""
`ecsnap deploy-fun`: the deployment to FC 2.0, with Fun, and what Fun cannot do.

Fun fills in no variables and has no trigger of EventBridge. So it gets a template with the values,
and the triggers are made after it, over Function Compute's own API.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console

from cli.account import sts
from cli.account.access import Access, AccessError, access_of
from cli.account.errors import AccountError
from cli.account.fc import Fc2Account
from cli.check import check
from cli.console import print_line
from cli.deployment.fun_template import NAME, fun_document
from cli.deployment.functions import Function, functions_of
from cli.deployment.project import ProjectError, read_project
from cli.deployment.variables import MissingVariableError, filled_in
from cli.setup.account_id import AccountError as OtherAccountError
from cli.setup.account_id import checked
from cli.setup.target import deployed_name
from cli.setup.triggers import put_event_triggers

Run = Callable[[Path, Mapping[str, str]], int]
"""Runs Fun in a folder with variables; returns its exit status."""


class DeployError(Exception):
    """Nothing was deployed; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """What is deployed, and where."""

    access: Access
    account_id: str
    functions: tuple[Function, ...]
    """With their variables filled in."""
    build: Path
    """The folder with their packages."""
    env: Mapping[str, str]
    """The environment variables, which Fun gets too."""


def deploy_fun(
    console: Console,
    policies: Path,
    *,
    messages: Console,
    run: Run | None = None,
    env: Mapping[str, str] = os.environ,
) -> bool:
    """
    Check, and deploy all functions with Fun, and their triggers of EventBridge.

    Args:
        console: Receives a line for each trigger.
        policies: The policy file; `deployment.yaml` and `build/` are in its folder.
        messages: Receives problems.
        run: Runs Fun; None is the command `fun`.
        env: The environment variables, with the credentials.

    Returns:
        Whether everything was deployed.

    """
    found = check(policies, built=True)
    for warning in found.warnings:
        print_line(messages, f"warning: {warning}", "yellow")
    if problems := [*found.problems, *found.stale]:
        print_line(messages, "\n".join(problems), "red")
        return False
    try:
        return deploy_built(console, deployable(policies, env), messages=messages, run=run)
    except DeployError as exc:
        print_line(messages, str(exc), "red")
        return False


def deployable(policies: Path, env: Mapping[str, str] = os.environ) -> Deployable:
    """
    Return what both files and the environment mean; the account is that of the credentials.

    Raises:
        DeployError: Something of them cannot be used.

    """
    try:
        project = read_project(policies)
        if "fun" not in project.deployment.tools:
            raise DeployError("deployment.yaml: tools: has no fun; add it, or use `s deploy`")
        access = access_of(env, region=project.deployment.region, services=("FC", "STS"))
        caller = sts.account_id(access)
        deployment = filled_in(project.deployment, env, account_id=caller)
        checked(deployment.account_id, caller)
    except (
        AccessError,
        AccountError,
        MissingVariableError,
        OtherAccountError,
        ProjectError,
    ) as exc:
        raise DeployError(str(exc)) from exc
    return Deployable(
        access=access,
        account_id=caller,
        functions=functions_of(deployment, project.policies),
        build=policies.parent / "build",
        env=env,
    )


def deploy_built(
    console: Console, what: Deployable, *, messages: Console, run: Run | None = None
) -> bool:
    """Deploy packages that were checked; see `deploy_fun`."""
    _write_template(what.build, what.functions)
    status = (run or _run_fun)(what.build, _variables(what.access, what.account_id, what.env))
    if status:
        print_line(messages, f"fun: exit status {status}; triggers of EventBridge: not made", "red")
        return False
    fc = Fc2Account(what.access, what.account_id)
    done = [_put(console, messages, fc, function) for function in what.functions]
    return all(done)


def _write_template(build: Path, functions: tuple[Function, ...]) -> None:
    """Write the template with its values beside the packages; Fun takes paths from there."""
    # Fun would deploy what an earlier `fun build` left there.
    for folder in (build / ".fun", build.parent / ".fun"):
        shutil.rmtree(folder, ignore_errors=True)
    text = yaml.safe_dump(fun_document(functions, build=""), sort_keys=False, allow_unicode=True)
    (build / NAME).write_text(text, encoding="utf-8")


def _variables(access: Access, account_id: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Fun reads (Funcraft, docs/usage/env.md)."""
    key = access.credentials
    variables = {
        **env,
        "ACCOUNT_ID": account_id,
        "REGION": access.region,
        "ACCESS_KEY_ID": key.access_key_id,
        "ACCESS_KEY_SECRET": key.access_key_secret,
        "SECURITY_TOKEN": key.security_token or "",
        # Its schema is from 2021 and rejects the runtimes of today; `check` is stricter.
        "IGNORE_TPL_VALIDATION": "1",
    }
    if "FC" in access.endpoints:
        variables["FC_ENDPOINT"] = access.endpoints["FC"]
    return variables


def _run_fun(folder: Path, variables: Mapping[str, str]) -> int:
    command = ["fun", "deploy", "-y", "-t", NAME]
    try:
        return subprocess.run(command, cwd=folder, env=variables, check=False).returncode  # noqa: S603 - a fixed command
    except OSError as exc:
        raise DeployError(
            f"fun: {exc.strerror}; install it with `npm install -g @alicloud/fun`"
        ) from exc


def _put(console: Console, messages: Console, fc: Fc2Account, function: Function) -> bool:
    try:
        for line in put_event_triggers(fc, function, deployed_name(function, "fun")):
            print_line(console, line)
    except AccountError as exc:
        print_line(messages, f"{function.name}: {exc}", "red")
        return False
    return True
