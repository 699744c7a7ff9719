"""
The endpoint of one RPC service in one region: requests in, answers out.

The order of the checks is that of `emulator.service`; the quota comes after the permissions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from emulator.account import Account
from emulator.credentials import AccessKey
from emulator.errors import ServiceError
from emulator.operation import Operation
from emulator.ram import Decision
from emulator.rpc import answers, params, signature_v1, signature_v3
from emulator.rpc.answers import Answer
from emulator.rpc.envelope import COMMON, Envelope, envelope_of
from emulator.rpc.errors import forbidden, unknown_action
from emulator.service import Exchange, Service
from emulator.wire import Request, Response

Act = Callable[[], Answer]
"""Carries out a valid call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcCall:
    """A signed request to an operation, with its parameters."""

    service: Any
    """The service, a subclass of `RpcService`."""
    params: params.Params
    key: AccessKey
    """Whose call it is."""


class RpcService(Service):
    """The base of the services of the RPC style; safe to share between threads."""

    VERSION: ClassVar[str]
    OPERATIONS: ClassVar[Mapping[str, Operation[RpcCall, Act]]]
    """By name."""

    def __init__(self, account: Account, region_id: str) -> None:
        super().__init__(account)
        self.region_id = region_id
        self._nonces = signature_v3.Nonces()

    def handle(self, request: Request) -> Response:
        """Answer one request; a rejection is an answer too."""
        envelope = envelope_of(request)
        exchange = Exchange(
            request_id=self.account.ids.request(),
            region=self.region_id,
            action=envelope.action,
            params={name: value for name, value in request.query if name not in COMMON},
        )
        host = request.host or f"{self.NAME}.{self.region_id}.aliyuncs.com"

        def rejection(error: ServiceError) -> Response:
            return answers.rejection(
                error, envelope=envelope, request_id=exchange.request_id, host=host
            )

        def answer() -> Response:
            act = self._checked(request, envelope, exchange)
            effect = partial(_answer, act, envelope, exchange.request_id)
            return self._carry_out(exchange, effect, rejection)

        return self._serve(exchange, answer, rejection)

    def _checked(self, request: Request, envelope: Envelope, exchange: Exchange) -> Act:
        """Return what carries out a call whose signer, parameters and permissions are good."""
        account = self.account
        authenticate = (signature_v1 if envelope.is_rpc else signature_v3).authenticate
        key = authenticate(request, keys=account.keys, nonces=self._nonces, now=account.clock.now())
        exchange.params = params.decode(request, envelope, self._current_name)
        params.check_envelope(envelope, self.VERSION)
        operation = self.OPERATIONS.get(envelope.action)
        if operation is None:
            raise unknown_action(envelope.action, ", ".join(sorted(self.OPERATIONS)))
        params.check_names(operation.name, operation.parameters, exchange.params)
        call = RpcCall(service=self, params=exchange.params, key=key)
        act = operation.check(call)
        self._check_permissions(
            key,
            lambda: operation.needs(call, act),
            self._denied,
        )
        self._check_quota(operation.name)
        return act

    def _current_name(self, action: str, name: str) -> str:
        """Return the name of an operation's parameter today; the base knows no older names."""
        _ = action
        return name

    def _denied(self, decision: Decision) -> ServiceError:
        """Return the rejection of a call that a role's policies do not allow."""
        return forbidden(decision, self.account.account_id)

    def _check_quota(self, action: str) -> None:
        """Raise a ServiceError if the action is throttled; the base has no quota."""


def _answer(act: Act, envelope: Envelope, request_id: str) -> Response:
    return answers.success(act(), envelope=envelope, request_id=request_id)
