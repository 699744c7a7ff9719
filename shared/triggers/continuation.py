"""
Starts the next part of a run: an asynchronous invocation of the same function.

The payload contains the run, its event and the disks that are left. Existing snapshots and the
selection still decide: a payload that is lost, delivered twice or forged can do no more than
the event itself or a direct request. Never decides what is left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.clients.ecs_types import is_usable_id
from shared.clients.fc import MAX_DELAY_S, MAX_PAYLOAD_BYTES, Fc
from shared.clients.fc_errors import DuplicateInvocationError
from shared.errors import Problems
from shared.identity import RunKey
from shared.records.outcome import STATUSES
from shared.rules import Text, WholeNumber, check_mapping
from shared.runtime.clock import parse_instant, utc
from shared.runtime.context import FunctionName
from shared.validation import NAME, REGION, check_keys

KEY = "continuation"
"""The key of an event that starts a later part."""

MAX_PARTS = 1_000_000
"""High enough never to be reached: a run ends by its age."""
MAX_LEFT = 3000
"""How many disks a payload may name; if more are left, the next part selects them again."""
MAX_REASON = 2000
"""In characters."""
VANISHED = "vanished"
"""Counted like a status: the skipped disks that no longer existed."""

Left = Mapping[str, tuple[str, ...]]
"""The disks that are left, by the code with which they were deferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What each part of a run passes on to the next one, besides the run itself."""

    began_at: datetime | None = None
    """When the first part began; None in the first part."""
    due_at: datetime | None = None
    """When this part is due; None for at once."""
    pause_s: int = 0
    """How long this part was delayed for busy disks; the next delay is twice as long."""
    ask_at: datetime | None = None
    """When the busy disks are due, if this part is due earlier for others."""
    left: Left | None = None
    """The disks that the parts before left; None if unknown, or too many to name."""
    unknown: frozenset[str] = frozenset()
    """Those of them that may have a snapshot, because an answer was lost."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many disks ended with each status in the parts before."""
    reason: str = ""
    """One failed disk and its code; empty if none failed."""

    @property
    def left_ids(self) -> frozenset[str] | None:
        """Return the disks that are left; None if any disk may be."""
        if self.left is None:
            return None
        return frozenset(disk_id for ids in self.left.values() for disk_id in ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Which part of which run an invocation is."""

    deployment: str
    policy: str
    region: str
    run_id: str
    part: int
    """Counted from 1."""
    chain: str
    """The FC request id of the first part's invocation."""
    so_far: Chain = field(default_factory=Chain)

    @property
    def invocation_id(self) -> str:
        """
        Return the id of this part's invocation; FC rejects a second one with the same id.

        At most 128 letters, digits, ``_`` and ``-``, a letter or ``_`` first ("Asynchronous
        tasks"). It contains the chain, so that a run that is restarted later has other ids.
        """
        digest = hashlib.sha256(json.dumps([self.run_id, self.part, self.chain]).encode())
        return f"part-{self.part}-{digest.hexdigest()[:32]}"


def read_link(value: object, problems: Problems) -> Link:
    """
    Parse the value of `KEY` in an event.

    Whether it is a run of the event under the current policies is checked in `routing`.
    """
    path = KEY
    content = check_mapping(value, path, problems)
    names = ("deployment", "policy", "region", "run_id", "part", "chain")
    check_keys(content, (*names, *_SO_FAR), path, problems)
    for name in ("deployment", "policy"):
        NAME.read(content.get(name), f"{path}.{name}", problems)
    REGION.read(content.get("region"), f"{path}.region", problems)
    for name, rule in (("run_id", _RUN_ID), ("chain", _CHAIN)):
        rule.read(content.get(name), f"{path}.{name}", problems)
    part = WholeNumber(1, MAX_PARTS).read(content.get("part"), f"{path}.part", problems)
    return Link(
        deployment=str(content.get("deployment")),
        policy=str(content.get("policy")),
        region=str(content.get("region")),
        run_id=str(content.get("run_id")),
        part=part or 0,
        chain=str(content.get("chain")),
        so_far=_read_so_far(content, path, problems),
    )


def _read_so_far(content: Mapping[str, Any], path: str, problems: Problems) -> Chain:
    pause_s = content.get("pause_s", 0)
    WholeNumber(0, MAX_DELAY_S).read(pause_s, f"{path}.pause_s", problems)
    instants = {name: _instant(content, name, path, problems) for name in _INSTANTS}
    counts = check_mapping(content.get("counts", {}), f"{path}.counts", problems)
    check_keys(counts, (*STATUSES, VANISHED), f"{path}.counts", problems)
    for name, number in counts.items():
        WholeNumber(0, _MOST_DISKS).read(number, f"{path}.counts.{name}", problems)
    given = content.get("left")
    left = None if given is None else check_mapping(given, f"{path}.left", problems)
    for code, ids in (left or {}).items():
        _check_disks(ids, f"{path}.left.{code}", problems)
    reason = content.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON:
        problems.add(f"{path}.reason", reason, f"must be a text, {MAX_REASON} characters at most")
    unknown = content.get("unknown", [])
    _check_disks(unknown, f"{path}.unknown", problems)
    if problems:
        return Chain()
    return Chain(
        began_at=instants["began_at"],
        due_at=instants["due_at"],
        pause_s=pause_s,
        ask_at=instants["ask_at"],
        left=None if left is None else {code: tuple(ids) for code, ids in left.items()},
        unknown=frozenset(unknown),
        counts=dict(counts),
        reason=reason,
    )


def _instant(
    content: Mapping[str, Any], name: str, path: str, problems: Problems
) -> datetime | None:
    if content.get(name) is None:
        return None
    moment = parse_instant(content[name])
    if moment is None:
        problems.add(f"{path}.{name}", content[name], "must be an ISO 8601 time with its zone")
    return moment


def _check_disks(ids: object, path: str, problems: Problems) -> None:
    if not isinstance(ids, list) or len(ids) > MAX_LEFT:
        problems.add(path, ids, f"must be a list of disk ids, {MAX_LEFT} at most")
        return
    for number, disk_id in enumerate(ids):
        # Any id that ECS lists is accepted, because an unusual one must not end the run.
        if not isinstance(disk_id, str) or not is_usable_id(disk_id):
            problems.add(f"{path}[{number}]", disk_id, "must be the id of a disk as ECS lists it")


_INSTANTS = ("began_at", "due_at", "ask_at")
_SO_FAR = (*_INSTANTS, "pause_s", "left", "unknown", "counts", "reason")
_MOST_DISKS = 10_000_000
_RUN_ID = Text(form=r"[0-9a-f]{32}", rule="must be 32 hexadecimal digits")
_CHAIN = Text(form=r"[0-9A-Za-z_.:-]{1,128}", rule="must be a request id of Function Compute")


def payload_of(link: Link, event: Mapping[str, Any]) -> bytes:
    """
    Return the event that starts a part of a run.

    Args:
        link: Which part; part 1 starts the run, or restarts it.
        event: The event of the run: a timer's, a CloudEvent or a direct request.

    """
    about = {
        "deployment": link.deployment,
        "policy": link.policy,
        "region": link.region,
        "run_id": link.run_id,
        "part": link.part,
        "chain": link.chain,
        **_shown(link.so_far),
    }
    return json.dumps({KEY: about, "event": event}, separators=(",", ":"), sort_keys=True).encode()


def _shown(so_far: Chain) -> dict[str, object]:
    """Return the values to pass on, without the empty ones."""
    shown: dict[str, object] = {
        "began_at": utc(so_far.began_at) if so_far.began_at else None,
        "due_at": utc(so_far.due_at) if so_far.due_at else None,
        "ask_at": utc(so_far.ask_at) if so_far.ask_at else None,
        "pause_s": so_far.pause_s or None,
        "left": so_far.left,
        "unknown": sorted(so_far.unknown) or None,
        "counts": dict(so_far.counts) or None,
        "reason": so_far.reason[:MAX_REASON] or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def link_of(run_key: RunKey, *, part: int, chain: str, so_far: Chain | None = None) -> Link:
    """Return the link of a part of a run."""
    return Link(
        deployment=run_key.deployment,
        policy=run_key.policy,
        region=run_key.region,
        run_id=run_key.run_id,
        part=part,
        chain=chain,
        so_far=so_far or Chain(),
    )


class ContinuationStarter:
    """Starts parts of runs, each in its own invocation."""

    def __init__(self, fc: Fc, function: FunctionName) -> None:
        self._fc = fc
        self._function = function

    def takes(self, link: Link, event: Mapping[str, Any]) -> bool:
        """Return whether a part can be started: its event may be too large for a payload."""
        return len(payload_of(_short(link), event)) <= MAX_PAYLOAD_BYTES

    def start(self, link: Link, event: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """
        Start a part, which then runs asynchronously and at least once.

        A second call for the same part has no effect. Where a payload would be too large, it
        names no disks, and the part selects them again.

        Raises:
            FcError: FC did not accept it.

        """
        payload, name = payload_of(link, event), link.invocation_id
        if len(payload) > MAX_PAYLOAD_BYTES:
            payload = payload_of(_short(link), event)
        try:
            self._fc.start(self._function, payload, invocation_id=name, delay_s=delay_s)
        except DuplicateInvocationError:
            # The id contains the chain, so the same part was accepted before: its answer was
            # lost, or this invocation is the second delivery of one event.
            return


def _short(link: Link) -> Link:
    """
    Return a link that names no disk, so that the next part selects them again.

    If no disk is left, the link keeps that, because the next part then only reports.
    """
    if link.so_far.left == {}:
        return replace(link, so_far=replace(link.so_far, unknown=frozenset()))
    return replace(link, so_far=replace(link.so_far, left=None, unknown=frozenset(), counts={}))
