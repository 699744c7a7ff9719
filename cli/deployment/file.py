"""
`deployment.yaml`, checked: the record, and every problem with its line.

Never calls a service, and never reads the environment: variables stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.cloud_facts import ecs_hosts
from cli.deployment.keys import FILE
from cli.deployment.model import (
    Deployment,
    FunctionSettings,
    Hosts,
    Log,
    Notify,
    Vpc,
    Webhook,
)
from cli.yaml_lines import Lines, file_line
from shared.errors import Problem, Problems
from shared.rules import check_mapping
from shared.runtime.json_yaml import read_policies
from shared.validation import nearest

NAME = "deployment.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFile:
    """A file as it was read."""

    deployment: Deployment | None
    """None if it has problems."""
    problems: tuple[str, ...]
    """One line each, with file and line."""
    places: Places


class Places:
    """The places of the parts of a file, as messages name them."""

    def __init__(self, path: Path) -> None:
        """Read the lines of a file, which may be missing."""
        self._name = path.name
        self._lines = Lines(path.read_bytes() if path.is_file() else b"")

    def at(self, path: str) -> str:
        """Return the place of a path such as ``functions.all.vpc``, and the path."""
        if path.startswith(self._name):
            whole = path == self._name
            return file_line(path, self._lines.broken_at) if whole else path
        place = file_line(self._name, self._lines.at_text(path))
        return f"{place}: {path}" if path else place

    def problem(self, problem: Problem) -> str:
        """Return a problem in one line."""
        return f"{self.at(problem.path)}{str(problem)[len(problem.path) :]}"


def read_deployment(path: Path) -> DeploymentFile:
    """Return the content of a file; a file that is missing has one problem."""
    problems = Problems()
    raw = read_policies(path, problems)
    places = Places(path)
    given: Mapping[str, Any] = {}
    if isinstance(raw, Mapping):
        given = FILE.read(raw, "", problems) or {}
        _check_region(given, problems)
    elif not problems:
        check_mapping(raw, path.name, problems)
    return DeploymentFile(
        deployment=None if problems else deployment_of(given),
        problems=tuple(places.problem(problem) for problem in problems),
        places=places,
    )


def _check_region(given: Mapping[str, Any], problems: Problems) -> None:
    """Check that the region of the functions exists, unless its host is given."""
    region = given.get("region")
    hosts = (given.get("hosts") or {}).get("ecs") or {}
    if region and region not in ecs_hosts() and "" not in hosts and region not in hosts:
        problems.add("region", region, f"unknown region{nearest(region, ecs_hosts())}")


def deployment_of(given: Mapping[str, Any]) -> Deployment:
    """Return the record of a valid file, given as `Section.read` returns it."""
    values = _given(given)
    functions = {
        name: _function(_given(settings))
        for name, settings in _given(values.pop("functions", {})).items()
    }
    records: dict[str, Any] = {
        name: record(**_given(values.pop(name)))
        for name, record in (("log", Log), ("hosts", Hosts))
        if name in values
    }
    notify = values.pop("notify", None)
    return Deployment(
        **values, **records, functions=functions, notify=_notify(_given(notify)) if notify else None
    )


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are not null: null takes the default."""
    return {name: value for name, value in values.items() if value is not None}


def _function(given: dict[str, Any]) -> FunctionSettings:
    vpc = given.pop("vpc", None)
    return FunctionSettings(**given, vpc=Vpc(**vpc) if vpc else None)


def _notify(given: dict[str, Any]) -> Notify:
    fields: dict[str, Any] = {
        name: Webhook(**_given(value)) if isinstance(value, Mapping) else value
        for name, value in given.items()
    }
    return Notify(**fields)
