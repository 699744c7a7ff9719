"""
`ecsnap emulator`: an emulator as a process, set up and with the functions deployed, for `--local`.

The functions run from this checkout, on this Python, with the endpoints of the emulator only.
"""

from __future__ import annotations

import os
import signal
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cli.account.access import KEY, SECRET, access_of
from cli.console import print_line
from cli.deployment.functions import HANDLER, Function, functions_of, variables_of
from cli.deployment.project import Project, ProjectError, read_project
from cli.deployment.variables import MissingVariableError, filled_in
from cli.emulator_session import InvalidFleetError, loaded_fleet
from cli.local import NotRunningError, ready_file, remove_ready_file, running, write_ready_file
from cli.paths import ROOT
from cli.setup.runner import go_through
from cli.setup.target import target_of
from cli.setup.things import all_things
from emulator.cloud import Cloud
from emulator.ecs.settings import EcsSettings
from emulator.fc.state import AsyncConfig
from emulator.server import Address, serve
from shared.coverage.fired import fired_policies

_CODE = """import sys
sys.path[:0] = {paths!r}
from functions.{folder}.index import handler
"""


class _StartError(Exception):
    """The emulator cannot be started; the message names every problem, one a line."""


def run(fleet: Path, policies: Path, *, messages: Console) -> bool:
    """
    Serve an emulator until SIGINT or SIGTERM.

    Args:
        fleet: The file with its resources.
        policies: The policy file; `deployment.yaml` is in its folder.
        messages: Receives what a person needs to know.

    Returns:
        Whether it was started.

    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        with _served(fleet, policies) as regions:
            print_line(messages, f"the emulator is running, with the functions in {regions[0]}")
            print_line(messages, "in another terminal: ecsnap plan --local; Ctrl+C ends this one")
            ended.wait()
    except (_StartError, InvalidFleetError) as exc:
        print_line(messages, str(exc), "red")
        return False
    return True


@contextmanager
def _served(fleet_path: Path, policies: Path) -> Iterator[list[str]]:
    """Serve until the block ends; yields the regions, the functions' own first."""
    try:
        running()
    except NotRunningError:
        pass
    else:
        raise _StartError(f"an emulator is running already; end it, or remove {ready_file()}")
    try:
        project = read_project(policies)
        project = replace(project, deployment=filled_in(project.deployment, os.environ))
    except (ProjectError, MissingVariableError) as exc:
        raise _StartError(str(exc)) from exc
    fleet, settings = loaded_fleet(fleet_path), EcsSettings()
    fleet.apply_settings(settings)
    home = project.deployment.region
    others = (region for one in fired_policies(project.policies) for region in one.policy.regions)
    regions = list(dict.fromkeys([home, *others, *fleet.regions]))
    account_id = project.deployment.account_id
    cloud = Cloud(regions=regions, account_id=account_id, ecs_settings=settings)
    fleet.fill(cloud)
    with serve(cloud) as address:
        variables = _variables(cloud, address, home)
        _set_up(project, variables)
        _deploy(cloud, project, policies.resolve(), variables)
        try:
            write_ready_file(variables)
        except OSError as exc:
            raise _StartError(f"{ready_file()}: cannot be written: {exc.strerror}") from exc
        try:
            yield regions
        finally:
            remove_ready_file(variables)


def _variables(cloud: Cloud, address: Address, home: str) -> dict[str, str]:
    return {
        **address.variables(home),
        "RAM_ENDPOINT": address.ram,
        "STS_ENDPOINT": address.sts,
        "SMQ_ENDPOINT": address.smq[home],
        KEY: cloud.access_key.access_key_id,
        SECRET: cloud.access_key.access_key_secret,
    }


def _set_up(project: Project, variables: Mapping[str, str]) -> None:
    """Make in the emulator what `ecsnap setup --apply` makes; raises _StartError."""
    problems: list[str] = []
    access = access_of(variables, region=project.deployment.region)
    go_through(
        all_things(target_of(access, project.deployment, project.policies)),
        apply=True,
        show=lambda thing, step: (
            problems.append(f"{thing.name}: {step.why}") if step.mark == "problem" else None
        ),
    )
    if problems:
        raise _StartError("\n".join(problems))


def _deploy(cloud: Cloud, project: Project, policies: Path, variables: Mapping[str, str]) -> None:
    """Add the functions with their triggers, as s.yaml deploys them to FC 3.0."""
    functions = functions_of(project.deployment, project.policies)
    fc = cloud.fc(project.deployment.region)
    fc.settings.own_python = True
    addresses = {name: url for name, url in variables.items() if name.endswith("_ENDPOINT")}
    for function in functions:
        environment = {
            **variables_of(function, functions, "3.0"),
            **addresses,
            "SNAPSHOTS_FC_ENDPOINT": variables["FC_ENDPOINT"],
            "POLICIES_FILE": str(policies),
        }
        del environment["FC_ENDPOINT"]
        deployed = fc.add_function(
            function.name,
            _code(function),
            log=(function.project, function.logstore),
            async_config=AsyncConfig(
                max_age_s=function.max_event_age_s,
                max_retries=function.max_retries,
                on_failure=function.queue_arn,
                task_mode=True,
            ),
            runtime=function.runtime,
            handler=HANDLER,
            role=function.role_arn,
            timeout=function.timeout_s,
            memorySize=function.memory_mb,
            environmentVariables=environment,
        )
        for timer in function.timers:
            trigger = fc.add_timer(deployed, timer.name, timer.expression, payload=timer.payload)
            trigger.config["enable"] = timer.enabled
        for event in function.events:
            fc.add_rule(deployed, event.name, event.pattern)


def _code(function: Function) -> str:
    paths = sysconfig.get_paths()
    return _CODE.format(
        paths=list(dict.fromkeys([str(ROOT), paths["purelib"], paths["platlib"]])),
        folder=function.folder,
    )
