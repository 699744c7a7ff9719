"""
The FC of one region: requests of both APIs in, answers out.

The order of the checks is that of `emulator.service`. What was accepted to run later runs when
`tick` is called.
"""

from __future__ import annotations

from datetime import datetime

from emulator.account import Account
from emulator.credentials import AccessKey
from emulator.errors import ServiceError
from emulator.fc import answers, routes, signature
from emulator.fc.asynchronous import Delivery, Invocation
from emulator.fc.errors import access_denied, precondition_failed, unknown_parameter
from emulator.fc.fixtures import Fixtures
from emulator.fc.operations import V2, Api, Call, Checked
from emulator.fc.region import FcRegion, Spawn
from emulator.fc.settings import FcSettings
from emulator.oss import OssService
from emulator.rpc import signature_v3
from emulator.service import Exchange, Service
from emulator.sls import SlsService
from emulator.smq import SmqService
from emulator.wire import Request, Response


class FcService(Service, Fixtures):
    """One region's functions; safe to share between threads."""

    NAME = "fc"

    def __init__(
        self,
        account: Account,
        region_id: str,
        *,
        sls: SlsService,
        oss: OssService,
        smq: SmqService,
    ) -> None:
        super().__init__(account)
        self.region = FcRegion(account, region_id, sls=sls, oss=oss, smq=smq)
        self._nonces = signature_v3.Nonces()

    @property
    def settings(self) -> FcSettings:
        """What FC leaves undocumented; change it at any time."""
        return self.region.settings

    @property
    def invocations(self) -> list[Invocation]:
        """Every invocation so far, in order."""
        with self.region.lock:
            return list(self.region.invocations)

    @property
    def deliveries(self) -> list[Delivery]:
        """What destinations were sent, in order."""
        with self.region.lock:
            return list(self.region.deliveries)

    def next_due(self) -> datetime | None:
        """Return when a timer or a waiting invocation is due; None is never."""
        return self.region.next_due()

    def tick(self, spawn: Spawn = lambda work: work()) -> bool:
        """Do what is due by now; see `FcRegion.tick`."""
        return self.region.tick(spawn)

    def close(self) -> None:
        """End every instance; a later invocation starts a new one."""
        self.region.executor.close()

    def handle(self, request: Request) -> Response:
        """Answer one request; a rejection is an answer too."""
        request_id = self.account.ids.request().lower()
        api = routes.api_of(request)
        exchange = Exchange(request_id=request_id, region=self.region.region_id)

        def rejection(error: ServiceError) -> Response:
            return answers.rejection(error, api=api, request_id=request_id)

        def answer() -> Response:
            checked = self._checked(request, api, exchange)

            def effect() -> Response:
                return answers.success(checked.effect(), request_id=request_id)

            return self._carry_out(exchange, effect, rejection)

        return self._serve(exchange, answer, rejection)

    def _checked(self, request: Request, api: Api, exchange: Exchange) -> Checked:
        """Return a call whose signer, parameters and permissions are good."""
        found = routes.find(request)
        if found is None:
            raise routes.unknown(request)
        operation, names = found
        exchange.action = operation.name
        exchange.params = names
        key = self._authenticate(request, api)
        call = Call(
            request=request,
            request_id=exchange.request_id,
            api=api,
            region=self.region,
            names=names,
        )
        call.check_query(operation.parameters.honoured)
        checked = operation.check(call)
        exchange.params = checked.params
        _check_match(operation, call)
        self._check_permissions(
            key,
            lambda: operation.needs(call, checked),
            lambda decision: access_denied(decision.need.action, decision.need.resource),
        )
        return checked

    def _authenticate(self, request: Request, api: Api) -> AccessKey:
        keys, now = self.account.keys, self.account.clock.now()
        if api == V2:
            return signature.verify_fc(request, keys=keys, now=now)
        return signature.verify_acs3(request, keys=keys, nonces=self._nonces, now=now)


def _check_match(operation: routes.FcOperation, call: Call) -> None:
    """Hold If-Match to the ETag of what is to be changed; without it, anything is."""
    wanted = call.request.headers.get("if-match")
    getter = routes.getter_of(operation)
    if wanted is None:
        return
    if getter is None:
        raise unknown_parameter(f"header if-match: {operation.name} changes nothing that is there.")
    document = getter.check(call).effect().document or {}
    if wanted.strip('"') != answers.etag(document):
        raise precondition_failed()
