"""
The bytes of an event, parsed into triggers.

Does no I/O and knows no policies: `routing` decides what a trigger runs.

Sources: Function Compute, "Timer trigger" and "Trigger event formats"; EventBridge,
"Event overview" (events of the same source and id are the same event) and "ECS events".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from shared.errors import Problems
from shared.identity import TriggerId
from shared.rules import check_mapping
from shared.runtime.clock import parse_instant
from shared.runtime.json_yaml import parse_json
from shared.triggers.continuation import KEY, Link, read_link
from shared.triggers.direct_request import DIRECT_FORM, DIRECT_KEYS, read_direct
from shared.triggers.event_resources import resources_of
from shared.triggers.trigger import Event, Timer, Trigger
from shared.validation import check_keys, check_required, text_at

Kind = Literal["timer", "event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The content of an invocation's event; each event of a list is checked alone."""

    triggers: tuple[Trigger, ...] = ()
    """The valid triggers in their order, each trigger id once."""
    drafts: tuple[Trigger, ...] = ()
    """The valid parts of the others, to find what else is wrong with them."""
    problems: Problems = field(default_factory=Problems)
    link: Link | None = None
    """Which part of which run this is; None unless another invocation started it."""


MAX_EVENTS = 1_000
"""In one list. An ECS event has at least 300 bytes, so an asynchronous payload holds fewer."""


def parse_trigger(event: bytes, *, kind: Kind, account_id: str, region: str) -> Parsed:
    """
    Parse the event of an invocation.

    Args:
        event: The bytes from Function Compute.
        kind: What the function takes, besides direct requests, which both functions take.
        account_id: The function's own account; empty if it is not known.
        region: The function's own region; empty if it is not known.

    """
    problems = Problems()
    value = parse_json(event, "event", problems)
    if problems:
        return Parsed(problems=problems)
    link, items = None, [("", value)]
    if isinstance(value, Mapping) and KEY in value:
        check_keys(value, (KEY, "event"), "", problems)
        link, items = read_link(value[KEY], problems), [("event.", value.get("event"))]
    if isinstance(value, list):
        items = _events_in(value, kind, problems)
    triggers: dict[TriggerId, Trigger] = {}
    drafts: list[Trigger] = []
    for prefix, item in items:
        found = Problems()
        trigger = _one(item, prefix, kind, account_id, region, found)
        if trigger is not None and not found:
            triggers.setdefault(trigger.trigger_id, trigger)
        elif trigger is not None:
            drafts.append(trigger)
        problems.extend(found)
    if link is not None and problems:
        # A continuation is one run of one event: neither half is of use without the other.
        drafts, triggers = [*drafts, *triggers.values()], {}
    return Parsed(
        triggers=tuple(triggers.values()),
        drafts=tuple(drafts),
        problems=problems,
        link=link,
    )


def _events_in(value: list[Any], kind: Kind, problems: Problems) -> list[tuple[str, Any]]:
    """Return the events of a list, each with its path; none if a list is not allowed here."""
    rule = ""
    if kind == "timer" or not value:
        rule = "must be one event; snapshot_on_event also takes a list that is not empty"
    elif len(value) > MAX_EVENTS:
        rule = f"has {len(value)} events; must have at most {MAX_EVENTS}"
    if rule:
        problems.add("event", value, rule)
        return []
    return [(f"[{number}].", item) for number, item in enumerate(value)]


_TIMER = "a timer's event (triggerName, triggerTime)"
_EVENT = "a CloudEvent (specversion, id, source, type, time, data)"


def _one(
    item: object, prefix: str, kind: Kind, account_id: str, region: str, problems: Problems
) -> Trigger | None:
    where = prefix.rstrip(".") or "event"
    if not isinstance(item, Mapping):
        problems.add(where, item, f"must be {_TIMER}, {_EVENT} or {DIRECT_FORM}")
        return None
    if "triggerName" in item or "triggerTime" in item:
        if kind == "timer":
            return _timer(item, prefix, problems)
        problems.add(where, item, "is a timer's event; send it to snapshot_on_schedule")
    elif "specversion" in item or ("source" in item and "type" in item):
        if kind == "event":
            return _event(item, prefix, account_id, region, problems)
        problems.add(where, item, "is a CloudEvent; send it to snapshot_on_event")
    elif item.keys() & DIRECT_KEYS:
        if not prefix.startswith("["):
            return read_direct(item, problems)
        problems.add(where, item, "is a direct request; send it alone, not in a list")
    elif "content" in item and "product" in item:
        problems.add(where, item, "is in CloudMonitor's format; send it through EventBridge")
    else:
        problems.add(where, item, f"must be {_TIMER}, {_EVENT} or {DIRECT_FORM}")
    return None


def _timer(item: Mapping[str, Any], prefix: str, problems: Problems) -> Timer:
    name = text_at(item, "triggerName", prefix, problems)
    trigger_time = _instant(item, "triggerTime", prefix, problems)
    if "key" in item:
        problems.add(f"{prefix}key", item["key"], _NO_KEY)
    policy, inline = _payload(item.get("payload"), f"{prefix}payload", problems)
    return Timer(
        name=name, trigger_time=trigger_time, policy=policy, inline=inline, content=dict(item)
    )


_NO_KEY = "must not be given; a timer's identity is its name and trigger time"


def _payload(
    payload: object, path: str, problems: Problems
) -> tuple[str | None, Mapping[str, Any] | None]:
    """Return the policy's name in a payload (empty for an invalid one), or its inline policy."""
    if payload is None or payload == "":
        return None, None
    if not isinstance(payload, str):
        problems.add(path, payload, "must be a text with JSON in it")
        return "", None
    before = len(problems)
    value = parse_json(payload, path, problems)
    if not isinstance(value, Mapping):
        if len(problems) == before:
            problems.add(path, value, 'must be {"policy": NAME} or a whole policy')
        return "", None
    if "key" in value:
        problems.add(f"{path}.key", value["key"], _NO_KEY)
    if "policy" not in value:
        return None, {key: part for key, part in value.items() if key != "key"}
    check_keys(value, ("policy", "key"), path, problems)
    if isinstance(value["policy"], Mapping):
        return None, value["policy"]
    return text_at(value, "policy", f"{path}.", problems), None


def _event(
    item: Mapping[str, Any], prefix: str, account_id: str, region: str, problems: Problems
) -> Event:
    event_id = text_at(item, "id", prefix, problems)
    source = text_at(item, "source", prefix, problems)
    kind = text_at(item, "type", prefix, problems)
    # Not `aliyunpublishtime`, because its zone has been seen as "PRC" and "Asia/Shanghai".
    trigger_time = _instant(item, "time", prefix, problems)
    if item.get("specversion", "1.0") != "1.0":
        problems.add(f"{prefix}specversion", item["specversion"], "must be '1.0'")
    _same(item, "aliyunaccountid", account_id, f"{prefix}aliyunaccountid", "account", problems)
    _same(item, "aliyunregionid", region, f"{prefix}aliyunregionid", "region", problems)
    _check_subject(item.get("subject"), account_id, region, f"{prefix}subject", problems)
    data: Mapping[str, Any] = {}
    if check_required(
        item, "data", prefix.rstrip("."), "it names the resource and its state", problems
    ):
        data = check_mapping(item["data"], f"{prefix}data", problems)
    wrong = Problems()
    instance_ids, disk_ids = resources_of(data, f"{prefix}data", wrong)
    if not kind.startswith("ecs:Instance:") and disk_ids:
        # An event with both, and not of an instance's type, is about its disks.
        instance_ids = ()
    elif instance_ids:
        disk_ids = ()
    return Event(
        source=source,
        event_id=event_id,
        type=kind,
        trigger_time=trigger_time,
        instance_ids=instance_ids,
        disk_ids=disk_ids,
        resource_problems=tuple(wrong),
        content=item,
    )


_SUBJECT = re.compile(r"acs:ecs:([^:]*):([^:]*):.*")


def _check_subject(
    subject: object, account_id: str, region: str, path: str, problems: Problems
) -> None:
    """Compare an ARN such as ``acs:ecs:cn-hangzhou:1234:instance/i-…``; other forms pass."""
    match = _SUBJECT.fullmatch(subject) if isinstance(subject, str) else None
    for own, its in zip((region, account_id), match.groups() if match else (), strict=False):
        if own and its and own != its:
            problems.add(path, subject, f"must be of the function's own region and account ({own})")


def _same(
    item: Mapping[str, Any], key: str, own: str, path: str, what: str, problems: Problems
) -> None:
    if own and item.get(key) not in (None, "") and str(item[key]) != own:
        problems.add(path, item[key], f"must be the function's own {what}, {own}")


def _instant(item: Mapping[str, Any], key: str, prefix: str, problems: Problems) -> datetime | None:
    rule = "must be an ISO 8601 time with its zone, such as '2026-01-31T02:00:00Z'"
    if not check_required(item, key, prefix.rstrip("."), rule, problems):
        return None
    moment = parse_instant(item[key])
    if moment is None:
        problems.add(f"{prefix}{key}", item[key], rule)
    return moment
