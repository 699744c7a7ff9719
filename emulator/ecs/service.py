"""
The ECS endpoint of one region: requests in, answers out.

The order of the checks is that of `emulator.service`; the quota comes after the permissions. What
an operation does is in the module of its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from emulator.account import Account
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
from emulator.ecs.errors import forbidden, unknown_action
from emulator.ecs.fixtures import Fixtures
from emulator.ecs.region import Region
from emulator.ecs.settings import EcsSettings
from emulator.ecs.specs import Spec
from emulator.ecs.throttling import Throttle
from emulator.errors import ServiceError
from emulator.faults import Fault
from emulator.service import Exchange, Service
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
class _Exchange(Exchange):
    """A request to ECS on its way."""

    request: Request
    host: str
    envelope: Envelope


class EcsService(Service, Fixtures):
    """One region's ECS; safe to share between threads."""

    NAME = "ecs"

    def __init__(
        self,
        account: Account,
        region_id: str,
        ecs_settings: EcsSettings,
        region_ids: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        Service.__init__(self, account)
        Fixtures.__init__(self, account, region_id, ecs_settings, region_ids)
        self._nonces = signing.Nonces()
        self._throttle = Throttle(ecs_settings)

    def handle(self, request: Request) -> Response:
        """Answer one request; a rejection is an answer too."""
        envelope = envelope_of(request)
        exchange = _Exchange(
            request_id=self.ids.request(),
            region=self.region_id,
            action=envelope.action,
            params={name: value for name, value in request.query if name not in COMMON},
            request=request,
            host=request.host or f"ecs.{self.region_id}.aliyuncs.com",
            envelope=envelope,
        )

        def rejection(error: ServiceError) -> Response:
            return answers.rejection(
                error, envelope=envelope, request_id=exchange.request_id, host=exchange.host
            )

        def answer() -> Response:
            act = self._checked(exchange)

            def effect() -> Response:
                return answers.success(act(), envelope=envelope, request_id=exchange.request_id)

            return self._carry_out(exchange, effect, rejection)

        return self._serve(exchange, answer, rejection)

    def _checked(self, exchange: _Exchange) -> Act:
        """Return what carries out a call whose signer, parameters and permissions are good."""
        envelope, account = exchange.envelope, self.account
        authenticate = rpc_signing.authenticate if envelope.is_rpc else signing.authenticate
        key = authenticate(
            exchange.request, keys=account.keys, nonces=self._nonces, now=self.clock.now()
        )
        exchange.params = params.decode(exchange.request, envelope)
        act = self._prepare(envelope, exchange.params)
        self._check_permissions(
            key,
            lambda: permissions.needs(self, envelope.action, exchange.params),
            lambda decision: forbidden(decision, account.account_id),
        )
        self._throttle.check(envelope.action, self.clock.now())
        return act

    def _prepare(self, envelope: Envelope, given: params.Params) -> Act:
        params.check_envelope(envelope)
        if envelope.action not in _OPERATIONS:
            raise unknown_action(envelope.action, ", ".join(sorted(_OPERATIONS)))
        spec, prepare = _OPERATIONS[envelope.action]
        params.check_names(spec, given)
        return prepare(self, given)

    def _slowly(self, fault: Fault, effect: Callable[[], Response], exchange: Exchange) -> Response:
        """Keep the token in process until the answer is out, by the emulator's clock."""
        response = effect()
        until = self.clock.now() + timedelta(seconds=fault.delay_s)
        with self.lock:
            self.tokens.hold(exchange.params.get("ClientToken", ""), until)
        return response
