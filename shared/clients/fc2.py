"""
FC 2.0, API 2016-08-15, through `aliyun-fc2`. The SDK is loaded when the class is first used.

One call for each method; never retries. The SDK logs the headers of a rejected request, including
the token and the signature, so its loggers are replaced. It also cannot read an error that is not
JSON, so answers are read here. Errors are redacted and raised outside the handler of the SDK's
exception, because Function Compute also prints the cause and the context of an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import requests

from shared.clients.fc_answers import (
    MAX_CONNECT_TIMEOUT_S,
    NOT_DONE,
    TRIGGERS_PER_PAGE,
    Place,
    Trigger,
    code_and_message,
    delay_header,
    no_answer,
    rejection,
    request_id_of,
    triggers_page,
)
from shared.runtime.context import FunctionName


def _discard(*_: object, **__: object) -> None:
    """Discard a log message of the SDK."""


_SILENCE = SimpleNamespace(debug=_discard, info=_discard, warning=_discard, error=_discard)


class Fc2:
    """The interface to FC 2.0; see `fc_answers.Sdk`."""

    def __init__(self, runtime: Place) -> None:
        """Load the SDK and replace its loggers."""
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
    ) -> str:
        """Submit one asynchronous invocation; return its request id."""
        headers = {"x-fc-invocation-type": "Async", **delay_header(delay_s)}
        if invocation_id:
            # Enables task mode for this request, if the function lacks it ("InvokeFunction").
            headers["x-fc-stateful-async-invocation-enable"] = "true"
            headers["x-fc-stateful-async-invocation-id"] = invocation_id
        answer = self._call(
            "InvokeFunction",
            timeout_s,
            "invoke_function",
            function.service,
            function.name,
            payload=payload,
            headers=headers,
        )
        return request_id_of(answer.headers)

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
        return triggers_page(answer.data)

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
                allow_redirects=False,  # a redirect would send the token to its target
            )
            if answer.status_code >= NOT_DONE:
                raise rejection(action, *code_and_message(answer.content), answer.status_code, key)
            return answer

        client._do_request = send  # noqa: SLF001 - all methods send with it
        try:
            return getattr(client, method)(*args, **more)
        except self._errors as exc:
            error = no_answer(action, exc, key)
        raise error
