"""
A policy file, checked and merged with its defaults.

The file becomes a `PolicyFile`, or one error that names all of its problems. An inline
policy, which a timer's payload or a direct request brings along, meets the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from shared.errors import InvalidPolicyError, Problems
from shared.identity import MAX_ATTEMPTS
from shared.policies.policy import (
    DIRECT,
    STATUS,
    Conditions,
    Limits,
    Policy,
    PolicyFile,
    comparable,
    too_many_disks,
)
from shared.policies.selection import (
    DISK_TYPES,
    KNOWN_CATEGORIES,
    Select,
    TagChoice,
)
from shared.policies.snapshot_settings import check_snapshot_settings, merged_with
from shared.validation import (
    MAX_DISK_NAME_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    check_choice,
    check_choices,
    check_flag,
    check_ids,
    check_keys,
    check_listed_tag_key,
    check_mapping,
    check_name,
    check_patterns,
    check_region,
    check_required,
    check_texts,
    check_whole_number,
    nearest,
)
from shared.wildcards import fits_everything

LIMIT_RANGES = {
    "max_calls_per_minute": (1, 100_000),
    "max_in_flight": (1, 64),
    "max_disks": (1, 1_000_000),
    # FC keeps an event for 24 hours, and may be told to keep it for 7 days.
    "max_slot_age_hours": (1, 168),
}


KNOWN_EVENT_TYPES = (
    "ebs:Disk:NoSnapshot",
    "ecs:ActionTrail:AliyunServiceEvent",
    "ecs:ActionTrail:ApiCall",
    "ecs:ActionTrail:ConsoleOperation",
    "ecs:Disk:ConvertToPostpaidCompleted",
    "ecs:Disk:DiskOperationCompleted",
    "ecs:Disk:ErrorDetected",
    "ecs:Disk:OverduePaymentRelease",
    "ecs:Disk:Stalled",
    "ecs:Instance:AutoReactivateCompleted",
    "ecs:Instance:BurstablePerformanceRestricted",
    "ecs:Instance:InstanceFailure.Reboot",
    "ecs:Instance:LiveMigrationAcrossDDH",
    "ecs:Instance:PerformanceModeChange",
    "ecs:Instance:PreemptibleInstanceInterruption",
    "ecs:Instance:Security.TpmAlert",
    "ecs:Instance:StateChange",
    "ecs:Instance:SurplusCreditIncurCharge",
    "ecs:Instance:SystemFailure.Delete",
    "ecs:Instance:SystemFailure.Reboot",
    "ecs:Instance:SystemFailure.Redeploy",
    "ecs:Instance:SystemFailure.Stop",
    "ecs:Instance:SystemMaintenance.CleanReleasedDisks",
    "ecs:Instance:SystemMaintenance.IsolateErrorDisk",
    "ecs:Instance:SystemMaintenance.ReInitErrorDisk",
    "ecs:Instance:SystemMaintenance.Reboot",
    "ecs:Instance:SystemMaintenance.RebootAndIsolateErrorDisk",
    "ecs:Instance:SystemMaintenance.RebootAndReInitErrorDisk",
    "ecs:Instance:SystemMaintenance.Redeploy",
    "ecs:Instance:SystemMaintenance.Stop",
    "ecs:Instance:VSwitchChanged",
    "ecs:Snapshot:CreateSnapshotCompleted",
    "ecs:Snapshot:CreateSnapshotInitiated",
    "ecs:Snapshot:SnapshotDeleted",
)
"""
EventBridge, "ECS events" and "ActionTrail events" (and one of EBS).

Another is let through with a warning.
"""
CREATION_EVENTS = "ecs:Snapshot:CreateSnapshot"


_TOP_KEYS = ("deployment", "limits", "defaults", "policies")
_POLICY_KEYS = (
    "name", "enabled", "on", "regions", "select", "snapshot", "allow_empty", "dry_run",
    "repeat_failed",
)  # fmt: skip
_DEFAULT_KEYS = (
    "enabled", "regions", "select", "snapshot", "allow_empty", "dry_run", "repeat_failed",
)  # fmt: skip
_DEFAULT_SELECT_KEYS = ("tags_of", "exclude_tags", "disk_types", "categories")
_SELECT_KEYS = tuple(field.name for field in fields(Select))


def load_policies(raw: object, found: Problems | None = None) -> PolicyFile:
    """
    Check what a policy file holds.

    Args:
        raw: The file's content as plain values.
        found: Problems that reading it already had.

    Raises:
        InvalidPolicyError: With all problems, `found` included.

    """
    problems = found or Problems()
    file = drafted(raw, problems)
    if problems:
        raise InvalidPolicyError(problems)
    return file


def drafted(raw: object, problems: Problems) -> PolicyFile:
    """
    Return a policy file as far as it could be read, to find what else is wrong with it.

    Each policy keeps its place; what is wrong in it is left out, and added to the problems.
    """
    if not problems or raw is not None:
        raw = check_mapping(raw, "policies.yaml", problems)
    content = raw if isinstance(raw, Mapping) else {}
    check_keys(content, _TOP_KEYS, "", problems)
    if content or not problems:
        if check_required(content, "deployment", "", "name this installation", problems):
            check_name(content["deployment"], "deployment", problems)
        check_required(content, "policies", "", "list the policies", problems)
    limits = _limits(content.get("limits"), problems)
    defaults = _defaults(content.get("defaults"), problems)
    policies = _policies(content.get("policies", []), defaults, limits, problems)
    warnings = [warning for policy in policies for warning in policy.warnings]
    if not policies and not problems:
        warnings.append("policies: there are none, so nothing will ever run")
    return PolicyFile(
        deployment=str(content.get("deployment")),
        limits=limits,
        defaults=defaults,
        policies=policies,
        warnings=tuple(warnings),
    )


def _limits(raw: object, problems: Problems) -> Limits:
    given = check_mapping(raw, "limits", problems) if raw is not None else {}
    check_keys(given, tuple(LIMIT_RANGES), "limits", problems)
    good = {}
    for key, limits in LIMIT_RANGES.items():
        before = len(problems)
        if key in given:
            check_whole_number(given[key], f"limits.{key}", problems, limits)
        if key in given and len(problems) == before:
            good[key] = given[key]
    return Limits(**good)


def _defaults(raw: object, problems: Problems) -> Mapping[str, Any]:
    given = check_mapping(raw, "defaults", problems) if raw is not None else {}
    check_keys(given, _DEFAULT_KEYS, "defaults", problems)
    before = len(problems)
    _check_flags(given, "defaults", problems)
    _check_repeats(given, "defaults", problems)
    _regions(given.get("regions"), "defaults.regions", problems)
    if given.get("select") is not None:
        select = check_mapping(given["select"], "defaults.select", problems)
        # What to take is each policy's own to say; defaults can only narrow it.
        check_keys(select, _DEFAULT_SELECT_KEYS, "defaults.select", problems)
        narrowing = {key: select[key] for key in _DEFAULT_SELECT_KEYS if key in select}
        _selection(narrowing, "defaults.select", problems)
    check_snapshot_settings(given.get("snapshot"), "policy", "defaults.snapshot", problems, [])
    # With mistakes of their own they would be reported once more for each policy.
    return given if len(problems) == before else {}


def _policies(
    raw: object, defaults: Mapping[str, Any], limits: Limits, problems: Problems
) -> tuple[Policy, ...]:
    if not isinstance(raw, list):
        problems.add("policies", raw, "must be a list of policies")
        return ()
    policies = tuple(
        _draft(item, defaults, f"policies[{number}]", problems, inline=False)
        for number, item in enumerate(raw)
    )
    # As they were given: a policy with a mistake elsewhere has a name all the same.
    names = [item.get("name") if isinstance(item, Mapping) else None for item in raw]
    for number, name in enumerate(names):
        if isinstance(name, str) and name in names[:number]:
            rule = "must be the name of one policy only"
            problems.add(f"policies[{number}].name", name, rule)
    for number, policy in enumerate(policies):
        path = f"policies[{number}].select.disk_ids"
        too_many_disks(policy.select, limits, path, problems)
    return policies


def policy_of(
    raw: object,
    defaults: Mapping[str, Any],
    path: str,
    problems: Problems,
    *,
    inline: bool = False,
) -> Policy | None:
    """
    Check one policy and merge it with the defaults.

    Args:
        raw: The policy as plain values.
        defaults: What holds where the policy says nothing.
        path: Where it stands, for messages.
        problems: Takes what is wrong.
        inline: It came with a trigger, which is its `on`.

    Returns:
        The policy, or None if anything is wrong with it.

    """
    before = len(problems)
    policy = _draft(raw, defaults, path, problems, inline=inline)
    return policy if len(problems) == before else None


def _draft(
    raw: object, defaults: Mapping[str, Any], path: str, problems: Problems, *, inline: bool
) -> Policy:
    """Return a policy as far as it could be read; of what is none an empty one."""
    warnings: list[str] = []
    given = check_mapping(raw, path, problems)
    if not isinstance(raw, Mapping):
        return Policy(name="", select=Select())
    check_keys(given, _POLICY_KEYS, path, problems)
    name = _policy_name(given, path, problems, inline=inline)
    merged = merged_with(defaults, given)
    _check_flags(merged, path, problems)
    _check_repeats(merged, path, problems)
    if inline and given.get("repeat_failed"):
        rule = "is for policies of the file: from a failed snapshot only their names are known"
        problems.add(f"{path}.repeat_failed", given["repeat_failed"], rule)
    timer, types, where = _on(given, path, problems, warnings, inline=inline)
    regions = _regions(merged.get("regions"), f"{path}.regions", problems)
    select = _select(merged, path, problems)
    if select.event_resource and (not types or regions):
        at, rule = f"{path}.select.event_resource", "needs a policy on events, of the own region"
        problems.add(at, True, rule)  # noqa: FBT003 - the value that stands there
    warnings += [
        f"{path}.select.categories: '{category}' is not a known category of disks"
        for category in select.categories
        if category not in KNOWN_CATEGORIES
    ]
    # A name that is wrong itself has been reported: judge the rest with a good one.
    snapshot = check_snapshot_settings(
        merged.get("snapshot"), name or "policy", f"{path}.snapshot", problems, warnings
    )
    return Policy(
        name=name,
        enabled=merged.get("enabled") is not False,
        timer=timer,
        event_types=types,
        where=where,
        regions=regions,
        select=select,
        snapshot=snapshot,
        allow_empty=merged.get("allow_empty") is True,
        dry_run=merged.get("dry_run") is True,
        repeat_failed=merged.get("repeat_failed") or 0,
        warnings=tuple(warnings),
    )


def _policy_name(given: Mapping[str, Any], path: str, problems: Problems, *, inline: bool) -> str:
    """Return a policy's name, empty if it is not a good one."""
    before = len(problems)
    if check_required(given, "name", path, "it is part of every snapshot's identity", problems):
        check_name(given["name"], f"{path}.name", problems)
    if given.get("name") == DIRECT and not inline:
        problems.add(f"{path}.name", DIRECT, "is the name of direct requests: choose another")
    return str(given["name"]) if len(problems) == before else ""


def _check_flags(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    for key in ("enabled", "allow_empty", "dry_run"):
        if given.get(key) is not None:
            check_flag(given[key], f"{path}.{key}", problems)


def _check_repeats(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    if given.get("repeat_failed") is not None:
        limits = (0, MAX_ATTEMPTS - 1)
        check_whole_number(given["repeat_failed"], f"{path}.repeat_failed", problems, limits)


# --- on ----------------------------------------------------------------------------------------


def _on(
    policy: Mapping[str, Any], path: str, problems: Problems, warnings: list[str], *, inline: bool
) -> tuple[str | None, tuple[str, ...], Conditions]:
    raw, rule = policy.get("on"), "must have either timer: NAME or event: [TYPES]"
    if (raw is None and inline) or not check_required(policy, "on", path, rule, problems):
        return None, (), ()
    path = f"{path}.on"
    given = check_mapping(raw, path, problems)
    check_keys(given, ("timer", "event", "where"), path, problems)
    if ("timer" in given) == ("event" in given):
        problems.add(path, raw, rule)
    if "timer" in given:
        timer = given["timer"]
        if not isinstance(timer, str) or not timer:
            problems.add(f"{path}.timer", timer, "must be the name of a timer trigger")
        if "where" in given:
            problems.add(f"{path}.where", given["where"], "is for events only")
        return timer if isinstance(timer, str) else None, (), ()
    if "event" not in given:
        return None, (), ()
    types = check_texts(given["event"], f"{path}.event", problems)
    for kind in types:
        _check_event_type(kind, f"{path}.event", problems, warnings)
    where = _where(given.get("where"), f"{path}.where", problems, warnings)
    return None, types, where


def _check_event_type(kind: str, path: str, problems: Problems, warnings: list[str]) -> None:
    if kind.startswith(CREATION_EVENTS):
        problems.add(path, kind, "would start itself: every snapshot sends such an event")
    if kind.endswith(":Scheduled"):
        rule = "is CloudMonitor's name; EventBridge's has no ':Scheduled', see where: " + STATUS
        problems.add(path, kind, rule)
    elif kind not in KNOWN_EVENT_TYPES:
        hint = nearest(kind, KNOWN_EVENT_TYPES)
        warnings.append(f"{path}: '{kind}' is not a known event type{hint}")


def _where(raw: object, path: str, problems: Problems, warnings: list[str]) -> Conditions:
    given = check_mapping(raw, path, problems) if raw is not None else {}
    conditions = []
    for key, wanted in given.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        before = len(problems)
        if not values or not all(isinstance(value, str | int | float) for value in values):
            problems.add(f"{path}.{key}", wanted, "must be a value or a list of values")
        if not isinstance(key, str) or not all(key.split(".")):
            problems.add(f"{path}.{key}", key, "must be a path into the event, such as data.state")
        warnings += [
            f"{path}.{key}: '{value}' is compared as it stands: wildcards are for tags and names"
            for value in values
            if isinstance(value, str) and {"*", "?"} & {*value}
        ]
        if len(problems) == before:
            conditions.append((str(key), tuple(map(comparable, values))))
    return tuple(conditions)


# --- select and regions ------------------------------------------------------------------------


def _regions(raw: object, path: str, problems: Problems) -> tuple[str, ...]:
    if raw is None:
        return ()
    regions = check_texts(raw, path, problems)
    for region in regions:
        check_region(region, path, problems)
    return regions


_WHAT_TO_TAKE = ("tags", "disk_ids", "disk_names", "instance_ids", "event_resource")


def _select(policy: Mapping[str, Any], path: str, problems: Problems) -> Select:
    rule = "name disks by tag, id, type or event, or all of them by all: true"
    if not check_required(policy, "select", path, rule, problems):
        return Select()
    raw, path = policy["select"], f"{path}.select"
    given = check_mapping(raw, path, problems) if raw is not None else {}
    check_keys(given, _SELECT_KEYS, path, problems)
    found = Problems()
    select = _selection(given, path, found)
    _check_not_empty(given, select, path, problems)
    problems.extend(found)
    return select


def _selection(given: Mapping[str, Any], path: str, problems: Problems) -> Select:
    """Check what a selection says, whether or not it says enough."""
    given = {key: value for key, value in given.items() if value is not None}
    for key in ("event_resource", "all"):
        if key in given:
            check_flag(given[key], f"{path}.{key}", problems)
    tags_of = given.get("tags_of", "disk")
    check_choice(tags_of, ("disk", "instance"), f"{path}.tags_of", problems)
    types, categories = given.get("disk_types"), given.get("categories")
    names: tuple[str, ...] = ()
    if "disk_names" in given:
        at = f"{path}.disk_names"
        names = check_patterns(given["disk_names"], MAX_DISK_NAME_LENGTH, at, problems)
    every_name = any(map(fits_everything, names))
    return Select(
        tags=_tag_choices(given.get("tags"), f"{path}.tags", problems),
        tags_of=tags_of,
        exclude_tags=_tag_choices(given.get("exclude_tags"), f"{path}.exclude_tags", problems),
        disk_ids=_ids(given, "disk", path, problems),
        disk_names=() if every_name else names,
        instance_ids=_ids(given, "instance", path, problems),
        disk_types=()
        if types is None
        else check_choices(types, DISK_TYPES, f"{path}.disk_types", problems),
        categories=()
        if categories is None
        else check_texts(categories, f"{path}.categories", problems),
        event_resource=given.get("event_resource") is True,
        all=given.get("all") is True or every_name,
    )


def _check_not_empty(
    given: Mapping[str, Any], select: Select, path: str, problems: Problems
) -> None:
    narrowing = {*_WHAT_TO_TAKE, "disk_types", "categories"}
    named = {key for key in narrowing if given.get(key) not in (False, None)}
    if select.all:
        said = "all" if given.get("all") is True else "disk_names"
        both = sorted(named.intersection(_WHAT_TO_TAKE) - {said})
        if both:
            problems.add(
                f"{path}.{said}", given[said], f"means every disk: leave out {', '.join(both)}"
            )
    elif not named:
        rule = "selects nothing by tag, id, name, type or event; every disk is `all: true`"
        problems.add(path, dict(given), rule)


def _ids(given: Mapping[str, Any], kind: str, path: str, problems: Problems) -> tuple[str, ...]:
    key = f"{kind}_ids"
    return check_ids(given[key], kind, f"{path}.{key}", problems) if key in given else ()


def _tag_choices(raw: object, path: str, problems: Problems) -> tuple[TagChoice, ...]:
    if raw is None:
        return ()
    given = check_mapping(raw, path, problems)
    if not given:
        problems.add(path, raw, "must name at least one tag")
    choices = []
    for key, value in given.items():
        check_listed_tag_key(key, f"{path}.{key}", problems)
        values = check_patterns(value, MAX_TAG_VALUE_LENGTH, f"{path}.{key}", problems)
        choices.append((str(key), values))
    return tuple(choices)
