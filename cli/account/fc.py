"""
Functions and triggers of both versions of Function Compute, for setup, deployment and smoke.

The only module of the command, beside `cli.fc_invokers`, that imports the SDKs. What is not there
is None or empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import fc2.auth
import fc2.client
import requests
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client

from cli.account import rpc
from cli.account.access import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Access
from cli.account.errors import AccountError, RejectedError, converted, repeated
from shared.clients.fc3 import set_host
from shared.clients.fc_answers import code_and_message
from shared.runtime.context import FunctionName

_MISSING = frozenset({"ServiceNotFound", "FunctionNotFound", "TriggerNotFound"})
_DENIED = frozenset({"AccessDenied", "Forbidden"})
_THROTTLED = frozenset({"ResourceThrottled", "ResourceExhausted", "TooManyRequests"})
_PAGE = 50
_REJECTED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts a function, as it is in the account or as it is meant to be."""

    name: str
    type: str
    """``timer``, ``eventbridge`` and others."""
    config: Mapping[str, Any]
    description: str = ""

    @property
    def is_enabled(self) -> bool:
        """Return whether it does anything; timers and EventBridge have different words for it."""
        return bool(self.config.get("enable", self.config.get("triggerEnable", True)))


class FcAccount(Protocol):
    """One of Function Compute's two APIs; every method raises AccountError."""

    def triggers(self, function: FunctionName) -> tuple[Trigger, ...] | None:
        """Return the triggers of a function by name; None without the function."""

    def create_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """Create a trigger."""

    def update_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """Change a trigger's configuration and description."""

    def delete_trigger(self, function: FunctionName, name: str) -> None:
        """Delete a trigger; one that is gone is no error."""

    def delete_function(self, function: FunctionName) -> None:
        """Delete a function without triggers, and its service; what is gone is no error."""


class Fc3Account:
    """API 2023-03-30."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = Client(rpc.config_of(access, "FC"))
        if "FC" not in access.endpoints:
            set_host(self._client, access.region)

    def triggers(self, function: FunctionName) -> tuple[Trigger, ...] | None:
        """See `FcAccount`."""
        found: list[Trigger] = []
        token: str | None = None
        while True:
            request = models.ListTriggersRequest(limit=_PAGE, next_token=token)
            listed = self._client.list_triggers_with_options
            answer = self._call("ListTriggers", function, listed, function.name, request)
            if answer is None:
                return None
            found += [_trigger(one.to_map()) for one in answer.body.triggers or []]
            token = answer.body.next_token
            if not token:
                return tuple(found)

    def create_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """See `FcAccount`."""
        body = models.CreateTriggerInput(
            trigger_name=trigger.name,
            trigger_type=trigger.type,
            trigger_config=json.dumps(trigger.config),
            description=trigger.description,
            qualifier="LATEST",
        )
        create = self._client.create_trigger_with_options
        request = models.CreateTriggerRequest(body=body)
        self._call("CreateTrigger", function, create, function.name, request)

    def update_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """See `FcAccount`."""
        body = models.UpdateTriggerInput(
            trigger_config=json.dumps(trigger.config), description=trigger.description
        )
        update = self._client.update_trigger_with_options
        request = models.UpdateTriggerRequest(body=body)
        self._call("UpdateTrigger", function, update, function.name, trigger.name, request)

    def delete_trigger(self, function: FunctionName, name: str) -> None:
        """See `FcAccount`."""
        delete = self._client.delete_trigger_with_options
        self._call("DeleteTrigger", function, delete, function.name, name)

    def delete_function(self, function: FunctionName) -> None:
        """See `FcAccount`."""
        delete = self._client.delete_function_with_options
        self._call("DeleteFunction", function, delete, function.name)

    def _call(self, action: str, function: FunctionName, method: Any, *given: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        """Return an answer; None if the thing is not there."""
        try:
            return rpc.called(
                self._access,
                lambda: method(*given, {}, rpc.options()),
                action=f"fc:{action}",
                resource=function.name,
            )
        except AccountError as exc:
            if exc.code in _MISSING:
                return None
            raise


class Fc2Account:
    """API 2016-08-15, through `aliyun-fc2`, whose retries and logs are not used."""

    def __init__(self, access: Access, account_id: str) -> None:
        quiet = SimpleNamespace(debug=_discard, info=_discard, error=_discard, warning=_discard)
        # The SDK logs the headers of requests, with the token.
        fc2.auth.logging = fc2.client.logging = quiet
        key = access.credentials
        self._access = access
        self._endpoint = access.endpoints.get(
            "FC", f"https://{account_id}.{access.region}.fc.aliyuncs.com"
        )
        self._client = fc2.client.Client(
            endpoint=self._endpoint,
            accessKeyID=key.access_key_id,
            accessKeySecret=key.access_key_secret,
            securityToken=key.security_token or "",
        )
        self._client._do_request = self._send  # noqa: SLF001 - all methods send with it

    def triggers(self, function: FunctionName) -> tuple[Trigger, ...] | None:
        """See `FcAccount`."""
        found: list[Trigger] = []
        token: str | None = None
        while True:
            answer = self._call(
                *("ListTriggers", function, "list_triggers", function.service, function.name),
                limit=_PAGE,
                nextToken=token,
            )
            if answer is None:
                return None
            found += [_trigger(one) for one in answer.data.get("triggers") or []]
            token = answer.data.get("nextToken")
            if not token:
                return tuple(found)

    def create_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """
        See `FcAccount`.

        The SDK wants a source and a role, which a timer and EventBridge do not have: both go out as
        null. That the service accepts that is unverified.
        """
        self._call(
            *("CreateTrigger", function, "create_trigger", function.service, function.name),
            *(trigger.name, trigger.type, dict(trigger.config), None, None),
            qualifier="LATEST",
            description=trigger.description,
        )

    def update_trigger(self, function: FunctionName, trigger: Trigger) -> None:
        """See `FcAccount`."""
        self._call(
            *("UpdateTrigger", function, "update_trigger", function.service, function.name),
            trigger.name,
            triggerConfig=dict(trigger.config),
            description=trigger.description,
        )

    def delete_trigger(self, function: FunctionName, name: str) -> None:
        """See `FcAccount`."""
        place = (function.service, function.name, name)
        self._call("DeleteTrigger", function, "delete_trigger", *place)

    def delete_function(self, function: FunctionName) -> None:
        """See `FcAccount`."""
        place = (function.service, function.name)
        self._call("DeleteFunction", function, "delete_function", *place)
        self._call("DeleteService", function, "delete_service", function.service)

    def _call(
        self,
        action: str,
        function: FunctionName,
        method: str,
        *given: Any,  # noqa: ANN401 - the SDK is untyped
        **more: Any,  # noqa: ANN401 - the SDK is untyped
    ) -> Any:  # noqa: ANN401 - the same
        """Return an answer; None if the thing is not there."""

        def once() -> Any:  # noqa: ANN401 - the same
            try:
                return getattr(self._client, method)(*given, **more)
            except RejectedError as exc:
                rejected = exc
            except (requests.RequestException, ValueError) as exc:
                rejected = RejectedError(0, "NoAnswer", str(exc))
            # Outside the handler, because a traceback would also show the SDK's exception.
            raise converted(
                rejected,
                self._access.credentials,
                action=f"fc:{action}",
                resource=function.name,
                denied=_DENIED,
                throttled=_THROTTLED,
            )

        try:
            return repeated(once, sleep=self._access.sleep)
        except AccountError as exc:
            if exc.code in _MISSING:
                return None
            raise

    def _send(
        self,
        verb: str,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        answer = requests.request(
            verb,
            self._endpoint + path,
            headers=headers,
            params=params,
            data=body,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,  # a redirect would send the token to its target
        )
        if answer.status_code >= _REJECTED:
            code, text = code_and_message(answer.content)
            raise RejectedError(answer.status_code, code, text)
        return answer


def _discard(*_: object, **__: object) -> None:
    """Discard a log message of the SDK."""


def _trigger(given: Mapping[str, Any]) -> Trigger:
    """Return a trigger of an answer; its configuration is an object, or one as JSON."""
    config = given.get("triggerConfig") or {}
    return Trigger(
        name=str(given.get("triggerName")),
        type=str(given.get("triggerType")),
        config=json.loads(config) if isinstance(config, str) else config,
        description=str(given.get("description") or ""),
    )
