"""
The only door to the FC SDKs: `aliyun-fc2` for FC 2.0, `alibabacloud_fc20230330` for FC 3.0.

One call for each method; never tries again. Each SDK is loaded when its class is first used.

What leaves here holds no secret. The SDK of FC 2.0 writes the headers of a refused request
to the root logger, token and signature included, and stumbles over an answer that is no
JSON: it has no logger here, and answers are read here. No exception of an SDK is the cause
or context of ours, for Function Compute prints those too.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Protocol

import requests

from shared.clients.ecs_errors import is_throttling
from shared.clients.fc_errors import DuplicateInvocationError, FcError
from shared.clients.no_redirects import NoRedirectSession
from shared.runtime.context import Credentials, FunctionName, Runtime

TRIGGERS_PER_PAGE = 20
MAX_CONNECT_TIMEOUT_S = 2.0

Trigger = Mapping[str, Any]
"""``triggerName``, ``triggerType``, ``triggerConfig`` (an object, or one as JSON)."""


class Sdk(Protocol):
    """What is asked of either SDK; every method raises `FcError`."""

    def invoke(
        self,
        function: FunctionName,
        payload: bytes,
        *,
        invocation_id: str,
        delay_s: int,
        timeout_s: float,
    ) -> None:
        """Submit one asynchronous invocation; where the id is empty, FC makes one."""

    def triggers(
        self, function: FunctionName, *, next_token: str, timeout_s: float
    ) -> tuple[list[Trigger], str]:
        """Return one page of triggers, and the token of the next; empty after the last."""


class Fc2:
    """API 2016-08-15, through `aliyun-fc2`."""

    def __init__(self, runtime: Runtime) -> None:
        """Load the SDK, without its logging."""
        import fc2.auth  # noqa: PLC0415 - not part of every cold start
        import fc2.client  # noqa: PLC0415 - the same

        fc2.auth.logging = fc2.client.logging = _SILENCE
        self._sdk = fc2.client
        self._errors = (OSError, ValueError, fc2.FcError)
        self._credentials = runtime.credentials
        self._endpoint = (
            runtime.fc_endpoint or f"https://{runtime.account_id}.{runtime.region}.fc.aliyuncs.com"
        ).rstrip("/")

    def invoke(
        self,
        function: FunctionName,
        payload: bytes,
        *,
        invocation_id: str,
        delay_s: int,
        timeout_s: float,
    ) -> None:
        """Submit one asynchronous invocation."""
        headers = {"x-fc-invocation-type": "Async", **_delay(delay_s)}
        if invocation_id:
            # For this request alone, where the function is not in task mode ("InvokeFunction").
            headers["x-fc-stateful-async-invocation-enable"] = "true"
            headers["x-fc-stateful-async-invocation-id"] = invocation_id
        self._call(
            "InvokeFunction",
            timeout_s,
            "invoke_function",
            function.service,
            function.name,
            payload=payload,
            headers=headers,
        )

    def triggers(
        self, function: FunctionName, *, next_token: str, timeout_s: float
    ) -> tuple[list[Trigger], str]:
        """Return one page of triggers, and the token of the next."""
        answer = self._call(
            "ListTriggers",
            timeout_s,
            "list_triggers",
            function.service,
            function.name,
            limit=TRIGGERS_PER_PAGE,
            nextToken=next_token or None,
        )
        return _page(answer.data)

    def _call(self, action: str, timeout_s: float, method: str, *args: str, **more: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        key = self._credentials
        client = self._sdk.Client(
            endpoint=self._endpoint,
            accessKeyID=key.access_key_id,
            accessKeySecret=key.access_key_secret,
            securityToken=key.security_token or "",
        )

        def send(
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
                timeout=(min(MAX_CONNECT_TIMEOUT_S, timeout_s), timeout_s),
                allow_redirects=False,  # they would take the token along
            )
            if answer.status_code >= _NOT_DONE:
                raise _refused(action, *_said(answer.content), answer.status_code, key)
            return answer

        client._do_request = send  # noqa: SLF001 - what all of its methods send with
        try:
            return getattr(client, method)(*args, **more)
        except self._errors as exc:
            error = _unanswered(action, exc, key)
        raise error


class Fc3:
    """API 2023-03-30, through `alibabacloud_fc20230330`."""

    def __init__(self, runtime: Runtime) -> None:
        """Load the SDK."""
        from alibabacloud_fc20230330 import models  # noqa: PLC0415 - not part of every cold start
        from alibabacloud_fc20230330.client import Client  # noqa: PLC0415 - the same
        from alibabacloud_tea_openapi.exceptions import AlibabaCloudException  # noqa: PLC0415
        from alibabacloud_tea_openapi.utils_models import Config  # noqa: PLC0415
        from darabonba import core  # noqa: PLC0415
        from darabonba.runtime import RuntimeOptions  # noqa: PLC0415
        from Tea.exceptions import TeaException  # noqa: PLC0415

        core.Session = NoRedirectSession
        self._models, self._options = models, RuntimeOptions
        self._refusal = AlibabaCloudException
        self._errors = (TeaException, OSError, ValueError)
        self._credentials = key = runtime.credentials
        protocol, _, host = (runtime.fc_endpoint or "https://").partition("://")
        self._client = Client(
            Config(
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
                security_token=key.security_token,
                region_id=runtime.region,
                endpoint=host or None,
                protocol=protocol,
            )
        )
        if not host:
            set_host(self._client, runtime.region)
        ask = self._client.call_api

        def call_api(params: Any, request: Any, options: Any) -> Any:  # noqa: ANN401 - the SDK's own
            answer = ask(params, request, options)
            if params.action == "ListTriggers":
                # The SDK's models make an empty listing of an answer that holds none.
                _page(answer.get("body"))
            return answer

        self._client.call_api = call_api

    def invoke(
        self,
        function: FunctionName,
        payload: bytes,
        *,
        invocation_id: str,
        delay_s: int,
        timeout_s: float,
    ) -> None:
        """Submit one asynchronous invocation."""
        headers = self._models.InvokeFunctionHeaders(
            common_headers=_delay(delay_s),
            x_fc_async_task_id=invocation_id or None,
            x_fc_invocation_type="Async",
        )
        request = self._models.InvokeFunctionRequest(body=io.BytesIO(payload))
        invoke = self._client.invoke_function_with_options
        answer = self._call("InvokeFunction", timeout_s, invoke, function.name, request, headers)
        status = int(answer.status_code)
        if status >= _NOT_DONE:
            # To the SDK whatever is below 400 is a success.
            raise _refused("InvokeFunction", "", "not accepted", status, self._credentials)

    def triggers(
        self, function: FunctionName, *, next_token: str, timeout_s: float
    ) -> tuple[list[Trigger], str]:
        """Return one page of triggers, and the token of the next."""
        request = self._models.ListTriggersRequest(
            limit=TRIGGERS_PER_PAGE, next_token=next_token or None
        )
        listed = self._client.list_triggers_with_options
        answer = self._call("ListTriggers", timeout_s, listed, function.name, request, {})
        return _page(answer.body.to_map())

    def _call(self, action: str, timeout_s: float, method: Any, *args: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
        options = self._options(
            read_timeout=int(timeout_s * 1000),
            connect_timeout=int(min(MAX_CONNECT_TIMEOUT_S, timeout_s) * 1000),
        )
        try:
            return method(*args, options)
        except self._errors as exc:
            error = self._translated(action, exc)
        raise error

    def _translated(self, action: str, exc: Any) -> FcError:  # noqa: ANN401 - an SDK exception
        if not isinstance(exc, self._refusal):
            return _unanswered(action, exc, self._credentials)
        said = exc.data if isinstance(exc.data, Mapping) else {}
        # For a field that the answer does not have, the SDK puts the text "None".
        code = "" if exc.code in (None, "None") else str(exc.code)
        message = str(said.get("Message") or "")
        return _refused(action, code, message, int(exc.status_code or 0), self._credentials)


def _nothing(*_: object, **__: object) -> None:
    """Take what the SDK of FC 2.0 would log."""


_SILENCE = SimpleNamespace(debug=_nothing, info=_nothing, warning=_nothing, error=_nothing)
_NOT_DONE, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 300, 409, 429, 500
_MAX_MESSAGE = 400


def set_host(client: Any, region: str) -> None:  # noqa: ANN401 - the SDK is untyped
    """
    Let a client of FC 3.0 call a region's own host: the SDK's table, or else made from the id.

    The SDK's rule for regions that its table lacks names a host of FC 2.0, and one entry of
    the table ends in a tabulator.
    """
    table = client._endpoint_map  # noqa: SLF001 - no public way
    client._endpoint = table.get(region, f"fcv3.{region}.aliyuncs.com").strip()  # noqa: SLF001 - the same


def _delay(delay_s: int) -> dict[str, str]:
    return {"x-fc-async-delay": str(delay_s)} if delay_s else {}


def _said(body: bytes) -> tuple[str, str]:
    """Return the code and the message of an error's body; empty ones if it has none."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, Mapping):
        return "", body.decode(errors="replace")
    # The reference shows either spelling.
    code = said.get("ErrorCode") or said.get("errorCode")
    return str(code or ""), str(said.get("ErrorMessage") or said.get("errorMessage") or "")


def _page(answer: object) -> tuple[list[Trigger], str]:
    page = answer if isinstance(answer, Mapping) else {}
    triggers = page.get("triggers")
    if not isinstance(triggers, list) or not all(isinstance(one, Mapping) for one in triggers):
        # A listing that is not there is not an empty one.
        raise FcError(action="ListTriggers", code="UnreadableAnswer", message="it holds no listing")
    return triggers, str(page.get("nextToken") or "")


def _refused(
    action: str, code: str, message: str, http_status: int, credentials: Credentials
) -> FcError:
    taken = http_status == _CONFLICT and action == "InvokeFunction"
    kind = DuplicateInvocationError if taken else FcError
    return kind(
        action=action,
        code=credentials.redacted(code) or f"Http{http_status}",
        message=credentials.redacted(message)[:_MAX_MESSAGE],
        http_status=http_status,
        transient=http_status >= _SERVER_ERROR or http_status == _TOO_MANY or is_throttling(code),
    )


def _unanswered(action: str, exc: Exception, credentials: Credentials) -> FcError:
    return FcError(
        action=action,
        code="NoAnswer",
        message=credentials.redacted(f"{type(exc).__name__}: {exc}")[:_MAX_MESSAGE],
        transient=True,
    )
