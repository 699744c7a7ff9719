"""
The ECS endpoint of one region: requests in, answers out.

A request is read; its signature, its parameters, its key's rights and its quota are checked,
a fault that waits for it happens, and only then is it carried out; all of it is noted in `Calls`.
What an operation does stands in the module of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from emulator import faulty
from emulator.call_log import Call, CallLog
from emulator.clock import Clock
from emulator.credentials import AccessKey, AccessKeys
from emulator.ecs import (
    answers,
    create_snapshot,
    delete_snapshot,
    describe_disks,
    describe_instances,
    describe_regions,
    describe_snapshots,
    list_tag_resources,
    params,
    permissions,
    rpc_signing,
    signing,
    specs,
    tag_resources,
)
from emulator.ecs.answers import Answer
from emulator.ecs.envelope import COMMON, Envelope, envelope_of
from emulator.ecs.errors import EcsError, forbidden, unknown_action
from emulator.ecs.fixtures import Fixtures
from emulator.ecs.region import Region
from emulator.ecs.settings import EcsSettings
from emulator.ecs.specs import Spec
from emulator.ecs.throttling import Throttle
from emulator.faults import Fault, Faults
from emulator.ids import Ids
from emulator.ram import Ram
from emulator.wire import Request, Response

Act = Callable[[], Answer]

_OPERATIONS: Mapping[str, tuple[Spec, Callable[[Region, params.Params], Act]]] = {
    spec.action: (spec, prepare)
    for spec, prepare in (
        (specs.CREATE_SNAPSHOT, create_snapshot.prepare),
        (specs.DELETE_SNAPSHOT, delete_snapshot.prepare),
        (specs.DESCRIBE_DISKS, describe_disks.prepare),
        (specs.DESCRIBE_INSTANCES, describe_instances.prepare),
        (specs.DESCRIBE_REGIONS, describe_regions.prepare),
        (specs.DESCRIBE_SNAPSHOTS, describe_snapshots.prepare),
        (specs.LIST_TAG_RESOURCES, list_tag_resources.prepare),
        (specs.TAG_RESOURCES, tag_resources.prepare),
    )
}


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """One request on its way through, as far as it was understood."""

    request: Request
    request_id: str
    host: str
    envelope: Envelope
    params: dict[str, str]
    code: str = ""


class EcsService(Fixtures):
    """One region's ECS; safe to share between threads."""

    def __init__(  # noqa: PLR0913 - all that the services of one cloud share
        self,
        *,
        region_id: str,
        account_id: str,
        clock: Clock,
        keys: AccessKeys,
        ram: Ram,
        faults: Faults,
        ecs_settings: EcsSettings,
        ids: Ids,
        calls: CallLog,
        region_ids: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(
            region_id=region_id,
            account_id=account_id,
            clock=clock,
            ecs_settings=ecs_settings,
            ids=ids,
            region_ids=region_ids,
        )
        self._keys = keys
        self._ram = ram
        self._faults = faults
        self._calls = calls
        self._nonces = signing.Nonces()
        self._throttle = Throttle(ecs_settings)

    def handle(self, request: Request) -> Response:
        """Answer one request; refusals are answers too, nothing is raised for them."""
        envelope = envelope_of(request)
        exchange = _Exchange(
            request=request,
            request_id=self.ids.request(),
            host=request.host or f"ecs.{self.region_id}.aliyuncs.com",
            envelope=envelope,
            params={name: value for name, value in request.query if name not in COMMON},
        )
        at = self.clock.now()
        try:
            response = self._answer(exchange)
        except EcsError as error:
            exchange.code = error.code
            response = answers.refusal(
                error, envelope=envelope, request_id=exchange.request_id, host=exchange.host
            )
        self._calls.add(
            Call(
                service="ecs",
                region=self.region_id,
                action=envelope.action,
                params=exchange.params,
                at=at,
                status=response.status,
                code=exchange.code,
                request_id=exchange.request_id,
            )
        )
        return response

    def _answer(self, exchange: _Exchange) -> Response:
        authenticate = (
            rpc_signing.authenticate if exchange.envelope.is_rpc else signing.authenticate
        )
        key = authenticate(
            exchange.request, keys=self._keys, nonces=self._nonces, now=self.clock.now()
        )
        exchange.params = params.decode(exchange.request, exchange.envelope)
        act = self._prepare(exchange)
        self._check_rights(key, exchange)
        self._throttle.check(exchange.envelope.action, self.clock.now())
        fault = self._faults.take(
            service="ecs",
            region=self.region_id,
            action=exchange.envelope.action,
            params=exchange.params,
        )
        if fault is None:
            return answers.success(
                act(), envelope=exchange.envelope, request_id=exchange.request_id
            )
        if fault.kind == "slow":
            return self._answer_slowly(fault, act, exchange)
        return self._meet(fault, act, exchange)

    def _check_rights(self, key: AccessKey, exchange: _Exchange) -> None:
        if key.role is None:
            return
        needs = permissions.needs(self, exchange.envelope.action, exchange.params)
        denied = self._ram.refusal(key, needs)
        if denied is not None:
            raise forbidden(denied, self.account_id)

    def _prepare(self, exchange: _Exchange) -> Act:
        params.check_envelope(exchange.envelope)
        action = exchange.envelope.action
        if action not in _OPERATIONS:
            raise unknown_action(action, ", ".join(sorted(_OPERATIONS)))
        spec, prepare = _OPERATIONS[action]
        params.check_names(spec, exchange.params)
        return prepare(self, exchange.params)

    def _answer_slowly(self, fault: Fault, act: Act, exchange: _Exchange) -> Response:
        """Keep the token in process until the answer is out, by the cloud's clock."""
        answer = act()
        until = self.clock.now() + timedelta(seconds=fault.delay_s)
        with self.lock:
            self.tokens.hold(exchange.params.get("ClientToken", ""), until)
        return answers.success(
            answer,
            envelope=exchange.envelope,
            request_id=exchange.request_id,
            delay_s=fault.delay_s,
        )

    def _meet(self, fault: Fault, act: Act, exchange: _Exchange) -> Response:
        if fault.after_effect:
            # Done or refused: the client cannot know.
            with suppress(EcsError):
                act()
        exchange.code = faulty.noted_code(fault)
        return answers.fault(
            fault,
            envelope=exchange.envelope,
            request_id=exchange.request_id,
            host=exchange.host,
        )
