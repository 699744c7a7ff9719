"""
The check that policies, `deployment.yaml` and the templates match, before anything is deployed.

`cli.policy_checks` checks the policies, and `cli.deployment.checks` what `deployment.yaml` gives
the functions. Never prints the value of a variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.build_check import missing_from_build, outdated_build
from cli.deployment import checks
from cli.deployment.file import NAME, DeploymentFile, read_deployment
from cli.deployment.functions import functions_of
from cli.deployment.model import PLACEHOLDER, Deployment
from cli.deployment.project import stale_templates, templates_of
from cli.policy_checks import (
    PolicyPlaces,
    disabled_timers,
    idle_timers,
    impossible_events,
    other_regions,
    timers,
    unknown_region,
    unsure_host,
)
from shared.errors import Problems
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import drafted
from shared.runtime.json_yaml import read_policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The results of a check, one message each."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed, but is probably a mistake."""
    placeholders: tuple[str, ...] = ()
    """The place of `PLACEHOLDER`: a problem before a deployment or a call."""
    stale: tuple[str, ...] = ()
    """Templates that `make templates` has to write anew: a problem except to that command."""
    has_deployment: bool
    """Whether there was a `deployment.yaml` to check."""


@dataclass(slots=True)
class _Found:
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    placeholders: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


def check(policies_path: Path, *, built: bool = False) -> Findings:
    """
    Check a policy file, and the project in its folder.

    Args:
        policies_path: The file; `deployment.yaml`, the templates and `build/` are read from its
            folder. Without a `deployment.yaml` there only the file itself is checked.
        built: Whether `build/` and the account are checked too, as before a deployment.

    """
    root = policies_path.parent
    problems = Problems()
    raw = read_policies(policies_path, problems)
    named = PolicyPlaces(policies_path, raw)
    file = drafted(raw, problems)
    found = _Found()
    found.problems += map(named.problem, problems)
    if more := len(problems) - len(found.problems):
        found.problems.append(f"{policies_path.name}: … and {more} more")
    found.warnings += map(named.remark, file.warnings)
    found.problems += impossible_events(file.policies, named)
    found.problems += timers(file, named)
    # Not with an invalid policy file, because its other policies may be missing here.
    found.problems += () if problems else idle_timers(file, named)
    found.warnings += disabled_timers(file, named)
    has_deployment = (root / NAME).exists()
    if has_deployment:
        _check_project(root, file, named, found, built=built, is_valid=not problems)
    else:
        _check_regions(file, {}, named, found)
        if built:
            rule = f"no {NAME} in its folder, so nothing can be deployed"
            found.problems.append(f"{policies_path.name}: {rule}")
    if built:
        found.problems += outdated_build(root, raw, policies_path.name)
        found.problems += found.placeholders
    return Findings(
        problems=tuple(dict.fromkeys(found.problems)),
        warnings=tuple(dict.fromkeys(found.warnings)),
        placeholders=tuple(found.placeholders),
        stale=tuple(found.stale),
        has_deployment=has_deployment,
    )


def _check_project(
    root: Path, file: PolicyFile, named: PolicyPlaces, found: _Found, *, built: bool, is_valid: bool
) -> None:
    """Check `deployment.yaml`, and what follows from it and the policies."""
    read = read_deployment(root / NAME)
    found.problems += read.problems
    deployment = read.deployment
    if deployment is None:
        _check_regions(file, {}, named, found)
        return
    _check_regions(file, deployment.hosts.ecs, named, found)
    found.warnings += _unsure_region(deployment, read)
    found.problems += other_regions(file.policies, deployment.region, named)
    found.problems += _placed(checks.problems(deployment, file), read)
    found.warnings += _placed(checks.warnings(deployment, file), read)
    if deployment.account_id == PLACEHOLDER:
        rule = "placeholder; `ecsnap setup --apply` writes the id of your account here"
        found.placeholders.append(f"{read.places.at('account_id')}: {PLACEHOLDER}: {rule}")
    if is_valid:
        found.stale += _stale(root, deployment, file)
    if built:
        for function in functions_of(deployment, file):
            found.problems += missing_from_build(root, function)


def _placed(remarks: Iterable[checks.Remark], read: DeploymentFile) -> Iterator[str]:
    for path, rule in remarks:
        yield f"{read.places.at(path)}: {rule}"


def _unsure_region(deployment: Deployment, read: DeploymentFile) -> Iterator[str]:
    hosts = deployment.hosts.ecs
    if "" not in hosts and (unsure := unsure_host(deployment.region, hosts)):
        yield f"{read.places.at('region')}: {unsure}"


def _stale(root: Path, deployment: Deployment, file: PolicyFile) -> Iterator[str]:
    """Name the templates that differ from what both files give."""
    for name, text in stale_templates(root, templates_of(deployment, file)).items():
        if text is None:
            why = "belongs to a tool that tools in deployment.yaml does not name"
            yield f"{name}: {why}; run `make templates`, which removes it"
        else:
            why = "out of date" if (root / name).exists() else "missing"
            yield f"{name}: {why}; run `make templates`, which writes it"


def _check_regions(
    file: PolicyFile, hosts: Mapping[str, str], named: PolicyPlaces, found: _Found
) -> None:
    """Check the regions of the policies."""
    for number, policy in enumerate(file.policies):
        where = named.at(f"policies[{number}].regions")
        for region in policy.regions:
            if unknown := unknown_region(region, hosts):
                found.problems.append(f"{where}: {unknown}")
            elif unsure := unsure_host(region, hosts):
                found.warnings.append(f"{where}: {unsure}")
