"""
The check that policies, both templates, functions and sample events match.

`cli.function_checks` checks a single function, and `cli.policy_checks` what policies require of
the templates and of the cloud. Never prints the value of a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.build_check import missing_from_build, outdated_build
from cli.function_checks import Place, function_problems, remarks, settings_at, variable
from cli.policy_checks import (
    PolicyPlaces,
    idle_rules,
    idle_timers,
    impossible_events,
    other_regions,
    rules,
    timers,
    unknown_region,
    unsure_host,
)
from cli.template_files import TemplateError, lines_of, load_fun, load_s
from cli.template_model import FUN, OF_THE_API, RESUMES, Function, S, TimerTrigger
from cli.template_schema import schema_problems
from cli.templates import read_fun, read_s
from cli.yaml_lines import file_line
from shared.errors import Problems
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import drafted
from shared.runtime.json_yaml import read_policies
from shared.runtime.settings import FUNCTION_VARIABLES

_READERS = {FUN: (load_fun, "template", read_fun), S: (load_s, "s", read_s)}
"""By template its loader, its schema and its reader."""
_APIS = {FUN: "2.0", S: "3.0"}
PLACEHOLDER = "1234567890123456"
"""The account in the templates of the repository, which does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The results of a check, one message each."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed, but is probably a mistake."""
    placeholders: tuple[str, ...] = ()
    """The places of `PLACEHOLDER`: a problem before a deployment or a call."""
    templates: bool
    """Whether there were templates to check."""


@dataclass(slots=True)
class _Found:
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    placeholders: list[str] = field(default_factory=list)


def check(policies_path: Path, *, built: bool = False) -> Findings:
    """
    Check a policy file, and the project in its folder.

    Args:
        policies_path: The file; templates, `functions/` and `events/` are read from its folder.
            Without templates there only the file itself is checked; one template without the
            other is a problem.
        built: Whether `build/` and the account are checked too, as before a deployment.

    """
    root = policies_path.parent
    there = [name for name in _READERS if (root / name).exists()]
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
    if there:
        _check_project(root, file, named, found, built=built, is_valid=not problems)
    else:
        _check_regions(file, {}, named, found)
        if built:
            rule = f"no {FUN} and {S} in its folder, so nothing can be deployed"
            found.problems.append(f"{policies_path.name}: {rule}")
    if built:
        found.problems += outdated_build(root, raw, policies_path.name)
        found.problems += found.placeholders
    return Findings(
        problems=tuple(_merged(found.problems)),
        warnings=tuple(_merged(found.warnings)),
        placeholders=tuple(found.placeholders),
        templates=bool(there),
    )


_OF_A_FUNCTION = re.compile(r"(\S+ line \d+): (\w+): (.+)", re.DOTALL)


def _merged(messages: Iterable[str]) -> Iterator[str]:
    """Merge equal messages about several functions on one line into one, with all names."""
    merged: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        found = _OF_A_FUNCTION.fullmatch(message)
        place, function, text = found.groups() if found else ("", "", message)
        merged.setdefault((place, text), []).append(function)
    for (place, text), functions in merged.items():
        yield f"{place}: {', '.join(dict.fromkeys(functions))}: {text}" if place else text


def _check_project(
    root: Path, file: PolicyFile, named: PolicyPlaces, found: _Found, *, built: bool, is_valid: bool
) -> None:
    """Check the templates, and the policies against the templates that could be read."""
    templates = _read(root, found.problems)
    region = _region(templates.get(S, {}), found.problems)
    places = [
        Place(template=name, function=function, declared=declared, region=region)
        for name, functions in templates.items()
        for function, declared in functions.items()
    ]
    hosts: dict[str, str] = {}
    for place in places:
        hosts |= settings_at(place)[0].ecs_endpoints
        found.warnings += remarks(place)
    own = [(f"{place.at('region')}: region", region) for place in places if place.declared.region]
    _check_regions(file, hosts, named, found, own[:1])
    found.problems += other_regions(file.policies, region, named)
    if templates.keys() == _READERS.keys():
        found.problems += _disagreements(root, templates, places)
        for name, functions in templates.items():
            found.problems += timers(name, file, named, functions)
            # Not with an invalid policy file, because its other policies may be missing here.
            found.problems += idle_timers(name, file, functions) if is_valid else ()
        found.problems += rules(file, named, templates[S])
        found.problems += idle_rules(file, templates[S]) if is_valid else ()
    for place in places if built else ():
        found.problems += missing_from_build(place.at("code"), root, place.declared)
    for name in templates:
        found.placeholders += _placeholders([place for place in places if place.template == name])


def _read(root: Path, problems: list[str]) -> dict[str, dict[str, Function]]:
    templates = {}
    for name, (load, schema, read) in _READERS.items():
        path = root / name
        if not path.exists():
            problems.append(f"{name}: missing; keep both templates or neither")
            continue
        try:
            lines = lines_of(path)
            misfits = [
                (lines.at(found.path), found) for found in schema_problems(load(path), schema)
            ]
            misfits.sort(key=lambda found: found[0] or 0)
            problems += [f"{file_line(name, line)}: {misfit}" for line, misfit in misfits]
            templates[name] = read(path)
        except TemplateError as exc:
            problems.append(str(exc))
    return templates


def _region(functions: Mapping[str, Function], problems: list[str]) -> str:
    """Return the region of the functions: only one, because they start one another."""
    regions = {
        str(declared.region): function
        for function, declared in functions.items()
        if declared.region
    }
    for region, function in [*regions.items()][1:]:
        line = functions[function].line("region")
        other, of = next(iter(regions.items()))
        rule = f"must be {other}, the region of {of}, because the functions start one another"
        problems.append(f"{file_line(S, line)}: {function}: region: '{region}': {rule}")
    return next(iter(regions), "")


def _check_regions(
    file: PolicyFile,
    hosts: Mapping[str, str],
    named: PolicyPlaces,
    found: _Found,
    own: Sequence[tuple[str, str]] = (),
) -> None:
    """Check the regions of the policies, and the region of the functions with its place."""
    used = [
        (named.at(f"policies[{number}].regions"), region)
        for number, policy in enumerate(file.policies)
        for region in policy.regions
    ]
    for where, region in (*own, *used):
        if unknown := unknown_region(region, hosts):
            found.problems.append(f"{where}: {unknown}")
        elif unsure := unsure_host(region, hosts):
            found.warnings.append(f"{where}: {unsure}")


def _placeholders(places: list[Place]) -> Iterator[str]:
    """Name the lines with the placeholder account: one message for each template."""
    lines = {
        (place.template, arn.line or 0)
        for place in places
        for arn in place.declared.arns
        if arn.account_id == PLACEHOLDER
    }
    if lines:
        template, line = min(lines)
        more = f", and on {len(lines) - 1} more lines" if len(lines) > 1 else ""
        rule = "placeholder; replace it with the id of your account"
        yield f"{file_line(template, line or None)}{more}: account {PLACEHOLDER}: {rule}"


def _disagreements(
    root: Path, templates: Mapping[str, Mapping[str, Function]], places: list[Place]
) -> Iterator[str]:
    folders = _folders(root / "functions")
    samples = _folders(root / "events")
    for name in sorted(folders - samples):
        yield f"events/{name}: missing; add a sample event for each folder in functions/"
    for name in sorted(samples - folders):
        yield f"events/{name}: functions/{name} is missing; add it or remove the sample events"
    for name, functions in templates.items():
        for function in sorted(folders - functions.keys()):
            yield f"{name}: {function}: missing; add each function in functions/ to the template"
        for function in sorted(functions.keys() - folders):
            rule = f"functions/{function} is missing; add it or remove the function here"
            yield f"{file_line(name, functions[function].line(''))}: {function}: {rule}"
        for place in (place for place in places if place.template == name):
            folder = root / "functions" / place.function
            started = functions.keys() & FUNCTION_VARIABLES if place.function == RESUMES else ()
            starts = [functions[other].resource for other in sorted(started)]
            yield from function_problems(place, folder, fc_api=_APIS[name], starts=starts)
            yield from _of_another_account(place, places[0])
            if place.function == RESUMES:
                yield from _started(place, functions)
    fun, s = templates[FUN], templates[S]
    for function in sorted(fun.keys() & s.keys()):
        yield from _differences(function, fun[function], s[function])


def _of_another_account(place: Place, first: Place) -> Iterator[str]:
    own, its = first.declared.account_id, place.declared.account_id
    if own and its and own != its:
        rule = f"must be {own}, the account of {first.function} in {first.template}"
        yield f"{place.at('role')}: role: account {its}: {rule}"


def _started(place: Place, functions: Mapping[str, Function]) -> Iterator[str]:
    """Compare the names by which `resume_runs` starts functions with their names in FC."""
    for function, name in FUNCTION_VARIABLES.items():
        deployed_as = functions[function].deployed_as if function in functions else ""
        if deployed_as and place.declared.environment.get(name) != deployed_as:
            rule = "must be" if name in place.declared.environment else "is required; set it to"
            why = f"the name of {function} in {place.template}, so that {RESUMES} can start it"
            yield f"{variable(place, name)}: {rule} '{deployed_as}', {why}"


def _differences(function: str, fun: Function, s: Function) -> Iterator[str]:
    for what, (one, other) in fun.differences(s).items():
        here, there = file_line(FUN, fun.line(what)), file_line(S, s.line(what))
        yield f"{function}: {what}: {here} has {one!r}, {there} has {other!r}; make them equal"
    for what in ("timers", "environment"):
        mine, its = getattr(fun, what), getattr(s, what)
        for name in sorted({*mine, *its}.difference(OF_THE_API)):
            where = f"{what}.{name}"
            here, there = file_line(FUN, fun.line(where)), file_line(S, s.line(where))
            if name not in its or name not in mine:
                has, lacks = (here, S) if name in mine else (there, FUN)
                yield f"{function}: {where}: in {has}, but not in {lacks}; add or remove it"
            elif mine[name] != its[name]:
                differ = f"{here} and {there} have different values"
                if isinstance(mine[name], TimerTrigger):
                    differ = f"{here} has {mine[name]}, {there} has {its[name]}"
                yield f"{function}: {where}: {differ}; make them equal"


def _folders(path: Path) -> set[str]:
    if not path.is_dir():
        return set()
    return {item.name for item in path.iterdir() if item.is_dir() and any(item.glob("*.*"))}
