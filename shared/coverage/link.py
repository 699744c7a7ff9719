"""
Which part of which report an invocation is, and where it goes on.

Pure. A payload that is lost, delivered twice or forged can do no more than write records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.clients.ecs_types import is_usable_id
from shared.coverage.tally import Tally, read_tally
from shared.errors import InvalidEventError, Problems
from shared.rules import Choice, Text, WholeNumber, check_mapping
from shared.runtime.clock import parse_instant
from shared.runtime.json_yaml import parse_json
from shared.validation import FLAG, REGION, check_keys, check_required

KEY = "continuation"
REQUEST = {"report": "coverage"}
"""The event of a person or program that wants a report now."""
TRIAL = {"report": "coverage", "dry_run": True}
"""The event of somebody who only wants to know whether the function works."""
MAX_PARTS = 1_000
"""Far more than any account needs: a report that does not end must not go on for ever."""
MAX_DONE = 1_000
"""More disks than a page has."""
_EITHER = f"must be a timer's event, or {json.dumps(REQUEST)}"
_ID = Text(form=r"[0-9a-f]{32}", rule="must be 32 hexadecimal digits")
_CHAIN = Text(form=r"[0-9A-Za-z_.:-]{1,128}", rule="must be a request id of Function Compute")
_TOKEN = Text(form=r"[ -~]{0,4096}", rule="must be a token as ECS returned it")
_TRIGGER = Text(form=r"[ -~]{1,300}", rule="must be a trigger id as records have it")
_KEYS = (
    *("report", "trigger_id", "chain", "part", "began_at"),
    *("region", "token", "done", "by_disk", "tally", "problems", "remarks"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a part goes on."""

    region: str = ""
    """Empty: with the first region."""
    token: str = ""
    """The page of its disks; empty is the first one."""
    done: frozenset[str] = frozenset()
    """The disks of that page that are done; by id, because a page moves when a disk is released."""
    by_disk: bool = False
    """List the snapshots of each disk by itself: all of them at once take longer than a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of one report."""

    report_id: str
    trigger_id: str
    chain: str
    """The FC request id of the first part's invocation."""
    began_at: str
    """When the first part began."""
    number: int = 1
    place: Place = field(default_factory=Place)
    tally: Tally = field(default_factory=Tally)
    problems: Sequence[str] = ()
    """Why disks are left out so far."""
    remarks: Sequence[str] = ()
    """What could not be read of disks that are not left out."""
    dry_run: bool = False
    """Only try each call; write nothing."""

    @property
    def invocation_id(self) -> str:
        """Return the id of this part's invocation; FC rejects a second one with the same id."""
        digest = hashlib.sha256(json.dumps([self.report_id, self.number, self.chain]).encode())
        return f"coverage-{self.number}-{digest.hexdigest()[:32]}"

    def next(self, place: Place) -> Part:
        """Return the part that goes on at a place."""
        return replace(self, number=self.number + 1, place=place)

    def with_problem(self, reason: str) -> Part:
        """Return the part with one more thing that could not be read."""
        return replace(self, problems=(*self.problems, reason))

    def payload(self) -> bytes:
        """Return the event that starts this part."""
        about = {
            "report": self.report_id,
            "trigger_id": self.trigger_id,
            "chain": self.chain,
            "part": self.number,
            "began_at": self.began_at,
            "region": self.place.region,
            "token": self.place.token,
            "done": sorted(self.place.done),
            "by_disk": self.place.by_disk,
            "tally": self.tally.document(),
            "problems": list(self.problems),
            "remarks": list(self.remarks),
        }
        return json.dumps({KEY: about}, separators=(",", ":"), sort_keys=True).encode()


def read_part(event: bytes, *, deployment: str, request_id: str, now: str) -> Part:
    """
    Return which part an event starts.

    Args:
        event: A timer's event, `REQUEST`, or what `Part.payload` returned.
        deployment: It is part of the report's id.
        request_id: That of the invocation; a request has no other name.
        now: When the invocation began, as text.

    Raises:
        InvalidEventError: It is none of the three.

    """
    problems = Problems()
    value = parse_json(event, "event", problems)
    if not isinstance(value, Mapping):
        problems.add("event", value, _EITHER)
        raise InvalidEventError(problems)
    if KEY in value:
        check_keys(value, (KEY,), "", problems)
        part = _read_link(value[KEY], problems)
    else:
        trigger_id = _trigger_id(value, request_id, problems)
        names = json.dumps([deployment, "coverage", trigger_id])
        part = Part(
            report_id=hashlib.sha256(names.encode()).hexdigest()[:32],
            trigger_id=trigger_id,
            chain=request_id or f"at-{now}",
            began_at=now,
            dry_run=value == TRIAL,
        )
    if problems:
        raise InvalidEventError(problems)
    return part


def _trigger_id(value: Mapping[str, Any], request_id: str, problems: Problems) -> str:
    if "triggerName" not in value:
        check_keys(value, tuple(TRIAL), "", problems)
        if check_required(value, "report", "", _EITHER, problems):
            Choice((REQUEST["report"],)).read(value["report"], "report", problems)
        FLAG.read(value.get("dry_run", False), "dry_run", problems)
        return f"direct/{request_id}"
    check_keys(value, ("triggerName", "triggerTime", "payload"), "", problems)
    if value.get("payload"):
        rule = "must be empty, because this function has no options"
        problems.add("payload", value["payload"], rule)
    name, time = value.get("triggerName"), value.get("triggerTime")
    _TRIGGER.read(name, "triggerName", problems)
    if parse_instant(time) is None:
        problems.add("triggerTime", time, "must be an ISO 8601 time with its zone")
    return f"timer/{name}/{time}"


def _read_link(value: object, problems: Problems) -> Part:
    content = check_mapping(value, KEY, problems)
    check_keys(content, _KEYS, KEY, problems)
    for name, rule in (
        ("report", _ID),
        ("trigger_id", _TRIGGER),
        ("chain", _CHAIN),
        ("region", REGION),
        ("token", _TOKEN),
        ("by_disk", FLAG),
        ("part", WholeNumber(1, MAX_PARTS)),
    ):
        rule.read(content.get(name), f"{KEY}.{name}", problems)
    if parse_instant(content.get("began_at")) is None:
        rule_of_time = "must be an ISO 8601 time with its zone"
        problems.add(f"{KEY}.began_at", content.get("began_at"), rule_of_time)
    tally = read_tally(content.get("tally", {}), f"{KEY}.tally", problems)
    texts = {name: _texts(content, name, problems) for name in ("done", "problems", "remarks")}
    if len(texts["done"]) > MAX_DONE or not all(map(is_usable_id, texts["done"])):
        rule_of_done = f"must be at most {MAX_DONE} ids of disks as ECS lists them"
        problems.add(f"{KEY}.done", content.get("done"), rule_of_done)
    if problems:
        return Part(report_id="", trigger_id="", chain="", began_at="")
    return Part(
        report_id=content["report"],
        trigger_id=content["trigger_id"],
        chain=content["chain"],
        began_at=content["began_at"],
        number=content["part"],
        place=Place(
            region=content["region"],
            token=content["token"],
            done=frozenset(texts["done"]),
            by_disk=content["by_disk"],
        ),
        tally=tally,
        problems=texts["problems"],
        remarks=texts["remarks"],
    )


def _texts(content: Mapping[str, Any], name: str, problems: Problems) -> list[str]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        problems.add(f"{KEY}.{name}", found, "must be a list of texts")
        return []
    return found
