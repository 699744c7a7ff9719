"""
Intercepts the calls of deliveries to the services: identifies, kills and delays deliveries.

Wraps the `handle` of each service. It changes no answer: it passes on the calls of living
deliveries, ends those of dead ones, and remembers the answers.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace

from emulator import Cloud
from emulator.wire import Request, Response
from tests.chaos.clock import ChaosClock
from tests.chaos.delivery import Delivery, KilledError

Handle = Callable[[Request], Response]
_WHO = re.compile(r"(?:Credential=|LOG |FC )([^,:]+)")
_SIGNATURE = re.compile(r"(?:Signature=|:)([^,:=\s]+=*)$")
_GATE_S = 20.0
"""The longest wait at the barrier, in real time, so that every seed ends."""
_ENDED = Response(status=401, body=b'{"errorCode":"Ended","errorMessage":"The process ended."}')


class Barrier:
    """Blocks deliveries until all of them have arrived, or have ended."""

    def __init__(self, parties: int) -> None:
        self._missing = parties
        self._arrived: set[int] = set()
        self._changed = threading.Condition()

    def arrive(self, delivery: Delivery, *, wait: bool) -> None:
        """Count a delivery as arrived, once."""
        with self._changed:
            if delivery.number not in self._arrived:
                self._arrived.add(delivery.number)
                self._missing -= 1
                self._changed.notify_all()
            if wait and not self._changed.wait_for(lambda: self._missing <= 0, timeout=_GATE_S):
                # It stays open, because the missing deliveries will not arrive.
                self._missing = 0
                self._changed.notify_all()

    def pass_by(self) -> None:
        """Count an expected delivery that FC did not run as arrived."""
        with self._changed:
            self._missing -= 1
            self._changed.notify_all()


class Interceptor:
    """Wraps every service of an emulator; safe to share between threads."""

    def __init__(self, cloud: Cloud, clock: ChaosClock, *, log: tuple[str, str]) -> None:
        self.signatures: set[str] = set()
        """Every signature that was seen."""
        self.barrier = Barrier(0)
        self._cloud = cloud
        self._clock = clock
        self._log = log
        self._deliveries: dict[str, Delivery] = {}
        self._writing = threading.Lock()
        for region in cloud.regions:
            ecs, fc = cloud.ecs(region), cloud.fc(region)
            ecs.handle = self._guarded(ecs.handle)  # type: ignore[assignment, method-assign] # wraps it
            fc.handle = self._guarded(fc.handle)  # type: ignore[assignment, method-assign] # wraps it
        cloud.sls.handle = self._sls(cloud.sls.handle)  # type: ignore[assignment, method-assign] # wraps it

    def let_in(self, delivery: Delivery) -> None:
        """Register a delivery, to identify its calls by its key."""
        self._deliveries[delivery.key.access_key_id] = delivery

    def _asking(self, request: Request) -> Delivery:
        who, signature = signed(request)
        self.signatures.add(signature)
        return self._deliveries[who]

    def _guarded(self, handle: Handle) -> Handle:
        def guarded(request: Request) -> Response:
            delivery = self._asking(request)
            creates = request.headers.get("x-acs-action") == "CreateSnapshot"
            if creates and not delivery.dead:
                self.barrier.arrive(delivery, wait=True)
            self._clock.asked_by(delivery)
            response = self._carried_out(delivery, handle, request)
            if response is None:
                raise KilledError
            if creates and response.status == 200 and response.transport == "answer":
                created = snapshot_id_of(response.body)
                # The client ends before a slow answer; its key identifies it.
                delivery.snapshot_ids += [created] if created and not response.delay_s else []
            return response

        return guarded

    def _sls(self, handle: Handle) -> Handle:
        def guarded(request: Request) -> Response:
            delivery = self._asking(request)
            # The recorder waits in real time.
            self._clock.asked_by(None)
            with self._writing:
                before = len(self._cloud.sls.records(*self._log))
                response = self._carried_out(delivery, handle, request)
                written = self._cloud.sls.records(*self._log)[before:]
                delivery.in_sls += [one for one in written if "record" in one]
            # A process that ended prints nothing either; this way its thread ends soon.
            return _ENDED if response is None else response

        return guarded

    def _carried_out(self, delivery: Delivery, handle: Handle, request: Request) -> Response | None:
        """Carry out a call, or end its delivery and return None."""
        delivery.check_time()
        if delivery.dead:
            return None
        number = delivery.next_call()
        if number == delivery.expires_at_call:
            self._cloud.keys.add(replace(delivery.key, expires_at=self._clock.now()))
        dies = delivery.kill is not None and number == delivery.kill.call
        if dies and delivery.kill is not None and not delivery.kill.after_effect:
            delivery.die("killed")
            return None
        response = handle(request)
        if dies:
            delivery.die("killed")
        return None if delivery.dead else response


def signed(request: Request) -> tuple[str, str]:
    """Return the id of the key that a request is signed with, and the signature."""
    given = request.headers.get("authorization", "")
    signature, who = _SIGNATURE.search(given), _WHO.search(given)
    if signature is None or who is None:
        raise AssertionError(f"unknown form of signature: {given!r}")
    return who.group(1), signature.group(1)


def snapshot_id_of(body: bytes) -> str:
    """Return the snapshot that an answer names; empty if it names none."""
    try:
        return str(json.loads(body).get("SnapshotId", ""))
    except ValueError:
        return ""
