"""
The FC of one region: requests of both APIs in, answers out.

Order for every request: which operation, who signs, are the parameters good, may the
key do it, does a fault happen, and only then the effect. Every request is noted in
`Calls`. What was accepted to run later runs when `tick` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from emulator import call_log, faulty
from emulator.clock import Clock
from emulator.credentials import AccessKey, AccessKeys
from emulator.ecs import signing
from emulator.faults import Fault, Faults
from emulator.fc import answers, permissions, routes, signature
from emulator.fc.asynchronous import Delivery, Invocation
from emulator.fc.errors import FcError, access_denied, precondition_failed, unknown_parameter
from emulator.fc.fixtures import Fixtures
from emulator.fc.operations import V2, Api, Call, Checked
from emulator.fc.region import FcRegion, Spawn
from emulator.fc.settings import FcSettings
from emulator.ids import Ids
from emulator.oss import OssService
from emulator.ram import Ram
from emulator.sls import SlsService
from emulator.wire import Request, Response

_UNKNOWN = "Unknown"


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What is known of a request so far; for the note of it."""

    action: str = _UNKNOWN
    params: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


class FcService(Fixtures):
    """One region's functions; safe to share between threads."""

    def __init__(  # noqa: PLR0913 - what every service needs, and what functions do
        self,
        *,
        region_id: str,
        account_id: str,
        clock: Clock,
        keys: AccessKeys,
        ram: Ram,
        faults: Faults,
        ids: Ids,
        calls: call_log.CallLog,
        sls: SlsService,
        oss: OssService,
        key_of: Callable[[str, float], AccessKey],
        upload_key: Callable[[str, float], AccessKey],
    ) -> None:
        self.region = FcRegion(
            region_id=region_id,
            account_id=account_id,
            clock=clock,
            faults=faults,
            ids=ids,
            sls=sls,
            oss=oss,
            key_of=key_of,
            upload_key=upload_key,
        )
        self._clock = clock
        self._keys = keys
        self._ram = ram
        self._faults = faults
        self._ids = ids
        self._calls = calls
        self._nonces = signing.Nonces()

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
        """Answer one request; refusals are answers too."""
        request_id = self._ids.request().lower()
        api = routes.api_of(request)
        seen = _Seen()
        try:
            response = self._carry_out(request, api, request_id, seen)
        except FcError as exc:
            seen.code = exc.code
            response = answers.refusal(exc, api=api, request_id=request_id)
        self._note(seen, response, request_id)
        return response

    def _carry_out(self, request: Request, api: Api, request_id: str, seen: _Seen) -> Response:
        found = routes.find(request)
        if found is None:
            raise routes.unknown(request)
        operation, names = found
        seen.action = operation.name
        seen.params = names
        key = self._authenticate(request, api)
        call = Call(
            request=request, request_id=request_id, api=api, region=self.region, names=names
        )
        call.check_query(operation.query)
        checked = operation.check(call)
        seen.params = dict(checked.params)
        _check_match(operation, call)
        refusal = self._ram.refusal(key, [permissions.need(operation.name, call)])
        if refusal is not None:
            raise access_denied(refusal.need.action, refusal.need.resource)
        fault = self._faults.take(
            service="fc",
            region=self.region.region_id,
            action=operation.name,
            params=checked.params,
        )
        if fault is None:
            return answers.success(checked.effect(), request_id=request_id)
        return self._meet(fault, checked, api, request_id, seen)

    def _authenticate(self, request: Request, api: Api) -> AccessKey:
        now = self._clock.now()
        if api == V2:
            return signature.verify_fc(request, keys=self._keys, now=now)
        return signature.verify_acs3(request, keys=self._keys, nonces=self._nonces, now=now)

    def _meet(
        self, fault: Fault, checked: Checked, api: Api, request_id: str, seen: _Seen
    ) -> Response:
        if fault.kind == "slow":
            response = answers.success(checked.effect(), request_id=request_id)
            return replace(response, delay_s=fault.delay_s)
        if fault.after_effect:
            # Done or refused: the client cannot know.
            with suppress(FcError):
                checked.effect()
        seen.code = faulty.noted_code(fault)
        response = answers.fault(fault, api=api, request_id=request_id)
        return replace(response, delay_s=fault.delay_s)

    def _note(self, seen: _Seen, response: Response, request_id: str) -> None:
        self._calls.add(
            call_log.Call(
                service="fc",
                region=self.region.region_id,
                action=seen.action,
                params=seen.params,
                at=self._clock.now(),
                status=response.status,
                code=seen.code,
                request_id=request_id,
            )
        )


def _check_match(operation: routes.Operation, call: Call) -> None:
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
