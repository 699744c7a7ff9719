"""
A policy file, checked and merged with its defaults.

The file becomes a `PolicyFile`, or one error that names all of its problems. An inline
policy, from a timer's payload, and the disks of a direct request meet the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.errors import InvalidPolicyError, Problems
from shared.policies.event_types import KNOWN_EVENT_TYPES
from shared.policies.policy import (
    DIRECT,
    Conditions,
    Limits,
    Policy,
    PolicyFile,
    Report,
    Timer,
    comparable,
)
from shared.policies.policy_keys import FILE, INLINE_POLICY
from shared.policies.policy_rules import FILE_RULES, ON_REQUEST, POLICY_RULES, SNAPSHOT_RULES
from shared.policies.selection import KNOWN_CATEGORIES, Select
from shared.policies.snapshot_settings import DEPRECATED, SNAPSHOT, settings_of
from shared.rules import check_mapping, join
from shared.validation import nearest
from shared.wildcards import fits_everything


def load_policies(raw: object, found: Problems | None = None) -> PolicyFile:
    """
    Check the content of a policy file.

    Args:
        raw: The file's content as plain values.
        found: Problems of reading it.

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
    Return the valid part of a policy file, to find what else is wrong with it.

    Each policy keeps its place. Invalid keys are left out, and added to the problems.
    """
    given: Mapping[str, Any] = {}
    if isinstance(raw, Mapping):
        given = FILE.read(raw, "", problems) or {}
    elif raw is not None or not problems:
        check_mapping(raw, "policies.yaml", problems)
    defaults = dict(given.get("defaults") or {})
    if _broken_rules(SNAPSHOT_RULES, {"snapshot": defaults.get("snapshot")}, "defaults", problems):
        del defaults["snapshot"]  # else every policy would report the same problem again
    policies = tuple(
        _policy(policy, defaults, f"policies[{number}]", problems)
        for number, policy in enumerate(given.get("policies", ()))
    )
    warnings = [warning for policy in policies for warning in policy.warnings]
    if not policies and not problems:
        warnings.append("policies: empty list, so nothing ever runs; add a policy")
    file = PolicyFile(
        deployment=str(given.get("deployment")),
        limits=Limits(**given.get("limits") or {}),
        defaults=defaults,
        timers={name: _timer(timer) for name, timer in (given.get("timers") or {}).items()},
        policies=policies,
        report=_report(given.get("report") or {}),
        warnings=tuple(warnings),
    )
    for rule in FILE_RULES:
        rule(file, problems)
    return file


def inline_policy(
    raw: object, defaults: Mapping[str, Any], path: str, problems: Problems
) -> Policy | None:
    """
    Return the policy of a timer's payload, merged with the defaults; None for an invalid one.

    Args:
        raw: The policy as plain values.
        defaults: Those of the policy file.
        path: Its place, for messages.
        problems: Takes what is wrong.

    """
    before = len(problems)
    given = INLINE_POLICY.read(raw, path, problems) or {}
    policy = _policy(given, defaults, path, problems)
    if given.get("retry_failed_snapshots"):
        rule = "is for policies of the file, because a failed snapshot names no inline policy"
        problems.add(
            f"{path}.retry_failed_snapshots",
            given["retry_failed_snapshots"],
            f"{rule}; leave it out",
        )
    return policy if len(problems) == before else None


def direct_policy(
    select: Mapping[str, Any], snapshot: object, defaults: Mapping[str, Any], problems: Problems
) -> Policy | None:
    """
    Return the policy of a direct request for disks; None for an invalid one.

    Args:
        select: Which disks, as `Section.read` returns it. The defaults narrow it as they narrow
            a policy, but for disks that are named by id. Without any key it is invalid, because
            it would mean every disk.
        snapshot: The request's ``snapshot``, laid over that of the defaults; None for none.
        defaults: Those of the policy file.
        problems: Takes what is wrong.

    """
    before = len(problems)
    settings = {} if snapshot is None else SNAPSHOT.read(snapshot, "snapshot", problems)
    given = {"name": DIRECT, "select": select, "snapshot": settings}
    inherited = ("snapshot",) if "disk_ids" in select else ("snapshot", "select")
    below = {key: defaults.get(key) for key in inherited}
    policy = _policy(given, below, "", problems)
    return policy if select and len(problems) == before else None


def _report(given: Mapping[str, Any]) -> Report:
    return Report(exclude_tags=tuple((given.get("exclude_tags") or {}).items()))


def _timer(given: Mapping[str, Any]) -> Timer:
    return Timer(**{key: value for key, value in given.items() if value is not None})


def _policy(
    given: Mapping[str, Any], defaults: Mapping[str, Any], path: str, problems: Problems
) -> Policy:
    """Return the record of a policy, given as `Section.read` returns it."""
    merged = _merged(defaults, given)
    _broken_rules(POLICY_RULES, merged, path, problems)
    on = merged.get("on") or {}
    own = (
        "name",
        "enabled",
        "regions",
        "allow_empty",
        "dry_run",
        "retry_failed_snapshots",
        "max_age_hours",
    )
    return Policy(
        **{"name": "", **{key: merged[key] for key in own if merged.get(key) is not None}},
        timer=on.get("timer"),
        event_types=on.get("event", ()),
        on_request=on.get(ON_REQUEST, False),
        where=_conditions(on.get("where") or {}),
        select=_select(merged.get("select") or {}),
        snapshot=settings_of(merged.get("snapshot") or {}),
        warnings=tuple(_warnings(merged, path)),
    )


def _broken_rules(
    rules: Sequence[Any], policy: Mapping[str, Any], path: str, problems: Problems
) -> bool:
    """Apply rules of `policy_rules`; return whether any is broken."""
    before = len(problems)
    for rule in rules:
        rule(policy, path, problems)
    return len(problems) > before


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over defaults: mappings key by key, everything else as a whole."""
    merged = dict(defaults)
    for key, value in given.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _merged(below, value) if both and below is not None else value
    return merged


def _conditions(where: Mapping[str, Sequence[object]]) -> Conditions:
    return tuple((path, tuple(map(comparable, values))) for path, values in where.items())


def _select(given: Mapping[str, Any]) -> Select:
    fields = {key: value for key, value in given.items() if value is not None}
    for key in ("tags", "exclude_tags"):
        fields[key] = tuple(fields.get(key, {}).items())
    if any(map(fits_everything, fields.get("disk_names", ()))):
        fields |= {"all": True, "disk_names": ()}
    return Select(**fields)


def _warnings(policy: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield what is allowed in a merged policy and probably a mistake."""
    on = policy.get("on") or {}
    for kind in on.get("event", ()):
        if kind not in KNOWN_EVENT_TYPES:
            hint = nearest(kind, KNOWN_EVENT_TYPES)
            yield f"{path}.on.event: '{kind}' is not a known event type{hint}"
    for key, values in (on.get("where") or {}).items():
        for value in values:
            if isinstance(value, str) and {"*", "?"} & {*value}:
                rule = "is compared as it is, because only tags and disk names have wildcards"
                yield f"{path}.on.where.{key}: '{value}' {rule}"
    for category in (policy.get("select") or {}).get("categories") or ():
        if category not in KNOWN_CATEGORIES:
            yield f"{path}.select.categories: '{category}' is not a known category of disks"
    for key in DEPRECATED:
        if (policy.get("snapshot") or {}).get(key) is not None:
            yield f"{join(path, 'snapshot')}.{key}: deprecated by ECS; leave it out"
