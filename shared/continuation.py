"""
Hands what is left of a slot to a fresh asynchronous invocation of the same function.

What is handed over is the slot and the event that made it, never a list of disks: what is
left, the next part learns from the ledger. So a payload that is lost, comes twice or is
made up by somebody can do no more than the event itself. Never decides what is left.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import DuplicateInvocationError
from shared.fc import MAX_PAYLOAD_BYTES, Fc
from shared.planning import Slot
from shared.runtime import FunctionName
from shared.validation import (
    Problems,
    check_keys,
    check_mapping,
    check_name,
    check_region,
    check_whole_number,
)

KEY = "continuation"
"""The key by which an event is known as one of these."""

MAX_PARTS = 24
"""
How many parts a slot may take, then the rest is failed.

Of a function that may run for two hours these are two days; of one of a minute, with
its reserve, about 10,000 disks at 600 calls a minute.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Which part of which chain an invocation is; `slot_id` is the slot that it goes on with."""

    deployment: str
    policy: str
    region: str
    slot_id: str
    part: int
    """Counted from 1."""
    chain: str
    """The FC request id of the invocation with which it began."""

    @property
    def invocation_id(self) -> str:
        """
        Return the id of the invocation that carries this part out.

        FC refuses a second one ("Asynchronous tasks": a letter or ``_`` first, at most 128
        letters, digits, ``_`` and ``-``). The chain is in it: a slot that is started
        again later is no second one.
        """
        digest = hashlib.sha256(json.dumps([self.slot_id, self.part, self.chain]).encode())
        return f"part-{self.part}-{digest.hexdigest()[:32]}"


def read_link(value: object, problems: Problems) -> Link:
    """
    Read what an event says under `KEY`.

    Whether the slot is one that the event and the policies make is `routing`'s to say.
    """
    path = KEY
    content = check_mapping(value, path, problems)
    names = ("deployment", "policy", "region", "slot", "part", "chain")
    check_keys(content, names, path, problems)
    for name in ("deployment", "policy"):
        check_name(content.get(name), f"{path}.{name}", problems)
    check_region(content.get("region"), f"{path}.region", problems)
    for name, form, rule in (("slot", _SLOT, "32 hexadecimal digits"), ("chain", _CHAIN, _AN_ID)):
        if not isinstance(content.get(name), str) or not form.fullmatch(content[name]):
            problems.add(f"{path}.{name}", content.get(name), f"must be {rule}")
    part = content.get("part")
    check_whole_number(part, f"{path}.part", problems, (1, MAX_PARTS))
    return Link(
        deployment=str(content.get("deployment")),
        policy=str(content.get("policy")),
        region=str(content.get("region")),
        slot_id=str(content.get("slot")),
        part=part if isinstance(part, int) else 0,
        chain=str(content.get("chain")),
    )


_SLOT = re.compile(r"[0-9a-f]{32}")
_CHAIN = re.compile(r"[0-9A-Za-z_.:-]{1,128}")
_AN_ID = "a request id of Function Compute"


def payload_of(link: Link, event: Mapping[str, Any]) -> bytes:
    """
    Return the event that lets a function carry out a part of a slot.

    Args:
        link: Which part; 1 begins the slot, or begins it again.
        event: What made the slot: a timer's event, a CloudEvent or a direct request.

    """
    about = {
        "deployment": link.deployment,
        "policy": link.policy,
        "region": link.region,
        "slot": link.slot_id,
        "part": link.part,
        "chain": link.chain,
    }
    return json.dumps({KEY: about, "event": event}, separators=(",", ":"), sort_keys=True).encode()


def link_of(slot: Slot, *, part: int, chain: str) -> Link:
    """Return the link that names a part of a slot."""
    return Link(
        deployment=slot.deployment,
        policy=slot.policy,
        region=slot.region,
        slot_id=slot.slot_id,
        part=part,
        chain=chain,
    )


class Continuer:
    """Starts parts in invocations of their own."""

    def __init__(self, fc: Fc, function: FunctionName) -> None:
        self._fc = fc
        self._function = function

    def takes(self, link: Link, event: Mapping[str, Any]) -> bool:
        """Say whether a part can be handed over; an event may be too large for it."""
        return len(payload_of(link, event)) <= MAX_PAYLOAD_BYTES

    def start(self, link: Link, event: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """
        Start a part; it runs in its own time, at least once.

        Raises:
            FcError: It was not accepted.

        """
        payload, name = payload_of(link, event), link.invocation_id
        try:
            self._fc.start(self._function, payload, invocation_id=name, delay_s=delay_s)
        except DuplicateInvocationError:
            # The id holds the chain: this very part was accepted before, and only its answer
            # was lost, or this invocation is the second delivery of one event.
            return
