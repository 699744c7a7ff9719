"""
Rules about keys of a policy file that have to go together.

`check_on`, `check_select` and `check_timer` concern one mapping each, so policies.schema.json has
them too. JSON Schema cannot express the others: they compare a policy with the defaults, with its
own name or with other policies. They get plain values, as `Section.read` returns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import Problems
from shared.policies.name_template import DEFAULT_NAME, longest_name
from shared.policies.policy import PolicyFile, too_many_disks
from shared.rules import join
from shared.validation import SNAPSHOT_NAME, SNAPSHOT_TAGS
from shared.wildcards import fits_everything

# --- one mapping -----------------------------------------------------------------------------

TAKING = ("tags", "disk_ids", "disk_names", "instance_ids", "event_resource")
"""Keys of `select` that choose disks; they exclude ``all``."""
NARROWING = ("disk_types", "categories")
"""Keys of `select` that choose disks, or narrow a choice, ``all`` included."""
ON_REQUEST = "request"
"""The word in place of `on`'s keys, for a policy that only a direct request runs."""
STARTS = f"must be {ON_REQUEST}, or have either timer: NAME or event: [TYPES]"


def check_on(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check that a policy runs on a timer or on events, and has conditions for events only."""
    if ("timer" in given) == ("event" in given):
        problems.add(path, dict(given), STARTS)
    if "timer" in given and "where" in given:
        problems.add(f"{path}.where", given["where"], "is for events only; leave it out")


def check_select(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check that a selection chooses disks, and that one of every disk has no other condition."""
    names = given.get("disk_names")
    patterns = names if isinstance(names, list) else [names]
    named = [key for key in TAKING if given.get(key) not in (False, None)]
    if given.get("all") is True:
        every = "all"
    elif any(isinstance(pattern, str) and fits_everything(pattern) for pattern in patterns):
        every = "disk_names"
    else:
        if not named and all(given.get(key) is None for key in NARROWING):
            rule = "selects no disk; choose by tag, id, name, type or event, or set all: true"
            problems.add(path, dict(given), rule)
        return
    others = [key for key in sorted(named) if key != every]
    if others:
        rule = f"selects every disk; leave out {', '.join(others)}"
        problems.add(f"{path}.{every}", given[every], rule)


CRON_OR_EVERY = "must have either cron: FIELDS or every: INTERVAL"


def check_timer(given: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check that a timer has one expression, and a time zone only for a cron expression."""
    if ("cron" in given) == ("every" in given):
        problems.add(path, dict(given), CRON_OR_EVERY)
    if "every" in given and given.get("timezone") is not None:
        problems.add(f"{path}.timezone", given["timezone"], "is for cron only; leave it out")


# --- a policy, merged with the defaults ------------------------------------------------------


def check_event_resource(policy: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check that an event's resource is selected only on events, which are of one region."""
    on, select = policy.get("on") or {}, policy.get("select") or {}
    if select.get("event_resource") and ("event" not in on or policy.get("regions")):
        rule = "needs on.event, and no regions"
        problems.add(join(path, "select.event_resource"), True, rule)  # noqa: FBT003 - the value


def check_snapshot_name(policy: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check the longest name that a template can give, with the policy's own name in it."""
    template = _snapshot(policy).get("name") or DEFAULT_NAME
    # A policy's invalid name has been reported: judge the template with a valid one.
    name = longest_name(template, policy=policy.get("name") or "policy")
    SNAPSHOT_NAME.read(name, join(path, "snapshot.name"), problems)


def check_snapshot_tags(policy: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check the number of tags, those of the defaults included."""
    tags = _snapshot(policy).get("tags") or {}
    if len(tags) > (SNAPSHOT_TAGS.most or 0):
        problems.add(join(path, "snapshot.tags"), len(tags), SNAPSHOT_TAGS.rule)


def check_snapshot_kind(policy: Mapping[str, Any], path: str, problems: Problems) -> None:
    """Check Category, SnapshotType, InstantAccess and its days, which exclude one another."""
    snapshot, path = _snapshot(policy), join(path, "snapshot")
    instant = snapshot.get("instant_access")
    given = [key for key in ("category", "snapshot_type") if snapshot.get(key) is not None]
    for key in given if instant is not None else ():
        rule = "must not be given together with instant_access; leave both out"
        problems.add(f"{path}.{key}", snapshot[key], rule)
    if len(given) > 1:
        rule = "is the former name of category; give one of them"
        problems.add(f"{path}.snapshot_type", snapshot["snapshot_type"], rule)
    days = snapshot.get("instant_access_retention_days")
    if days is not None and instant is not True:
        rule = "must be given only with instant_access: true"
        problems.add(f"{path}.instant_access_retention_days", days, rule)


def _snapshot(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    return policy.get("snapshot") or {}


SNAPSHOT_RULES = (check_snapshot_name, check_snapshot_tags, check_snapshot_kind)
POLICY_RULES = (check_event_resource, *SNAPSHOT_RULES)


# --- a whole file ----------------------------------------------------------------------------


def check_policy_names(file: PolicyFile, problems: Problems) -> None:
    """Check that no two policies share a name, because they would share their runs."""
    names = [policy.name for policy in file.policies]
    for number, name in enumerate(names):
        if name and name in names[:number]:
            rule = "is already the name of another policy; choose another"
            problems.add(f"policies[{number}].name", name, rule)


def check_disk_counts(file: PolicyFile, problems: Problems) -> None:
    """Check that no policy names more disks than a run may have."""
    for number, policy in enumerate(file.policies):
        path = f"policies[{number}].select.disk_ids"
        too_many_disks(policy.select, file.limits, path, problems)


FILE_RULES = (check_policy_names, check_disk_counts)
