"""
What every service does with a request, whatever the form of its protocol.

A service finds out which operation a request means, who signed it, and whether its parameters
are valid. Then its role's permissions are checked, a fault that waits for the call happens, and
only then is the call carried out. Each request is recorded in the account's call log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from emulator import faulty
from emulator.account import Account
from emulator.call_log import Call
from emulator.credentials import AccessKey
from emulator.errors import ServiceError
from emulator.faults import Fault
from emulator.ram import Decision
from emulator.ram.policies import Need
from emulator.wire import Response

UNKNOWN = "Unknown"
"""The action in the call log of a request that means no operation."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through a service, as far as it was understood."""

    request_id: str
    region: str = ""
    """Empty in a service of all regions."""
    action: str = UNKNOWN
    params: Mapping[str, str] = field(default_factory=dict)
    """The parameters by which faults are matched, and which the call log contains."""
    code: str = ""


class Service:
    """The base of all services."""

    NAME: ClassVar[str]
    """As faults and the call log name the service."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def _serve(
        self,
        exchange: Exchange,
        answer: Callable[[], Response],
        rejection: Callable[[ServiceError], Response],
    ) -> Response:
        """Return the answer, or the form of the error that it raised; record the call."""
        at = self.account.clock.now()
        try:
            response = answer()
        except ServiceError as error:
            exchange.code = error.code
            response = _with_retry_after(rejection(error), error.retry_after_ms)
        self.account.calls.add(
            Call(
                service=self.NAME,
                region=exchange.region,
                action=exchange.action,
                params=dict(exchange.params),
                at=at,
                status=response.status,
                code=exchange.code,
                request_id=exchange.request_id,
            )
        )
        return response

    def _check_permissions(
        self,
        key: AccessKey,
        needs: Callable[[], Iterable[Need]],
        denied: Callable[[Decision], ServiceError],
    ) -> None:
        """Raise `denied` of the first need that the key's role does not allow."""
        if key.role is None:
            return
        decision = self.account.ram.first_denied(key, list(needs()))
        if decision is not None:
            raise denied(decision)

    def _carry_out(
        self,
        exchange: Exchange,
        effect: Callable[[], Response],
        rejection: Callable[[ServiceError], Response],
    ) -> Response:
        """Return the answer of a valid call, or what a waiting fault puts in its place."""
        fault = self.account.faults.take(
            service=self.NAME,
            region=exchange.region,
            action=exchange.action,
            params=exchange.params,
        )
        if fault is None:
            return effect()
        if fault.kind == "slow":
            return replace(self._slowly(fault, effect, exchange), delay_s=fault.delay_s)
        if fault.after_effect:
            # Carried out or rejected: the client cannot know.
            with suppress(ServiceError):
                effect()
        exchange.code = faulty.noted_code(fault)
        response = faulty.without_envelope(fault)
        if response is None:
            error = ServiceError(fault.status, fault.code, fault.message)
            response = _with_retry_after(rejection(error), fault.retry_after_ms)
        return replace(response, delay_s=fault.delay_s)

    def _slowly(self, fault: Fault, effect: Callable[[], Response], exchange: Exchange) -> Response:
        """Return the answer of a call whose answer is late."""
        _ = fault, exchange
        return effect()


def _with_retry_after(response: Response, retry_after_ms: int | None) -> Response:
    if retry_after_ms is None:
        return response
    headers = {**response.headers, "x-acs-retry-after": str(retry_after_ms)}
    return replace(response, headers=headers)
