"""
FC 3.0, API 2023-03-30, through `alibabacloud_fc20230330`. The SDK is loaded with the class.

One call for each method; never retries. Errors are redacted and raised outside the handler of the
SDK's exception, because Function Compute also prints the cause and the context of an exception.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from shared.clients.fc_answers import (
    MAX_CONNECT_TIMEOUT_S,
    NOT_DONE,
    TRIGGERS_PER_PAGE,
    Place,
    Trigger,
    delay_header,
    no_answer,
    rejection,
    request_id_of,
    triggers_page,
)
from shared.clients.fc_errors import FcError
from shared.clients.no_redirects import NoRedirectSession
from shared.runtime.context import FunctionName


class Fc3:
    """The interface to FC 3.0; see `fc_answers.Sdk`."""

    def __init__(self, runtime: Place) -> None:
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
        self._rejection = AlibabaCloudException
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

        def call_api(params: Any, request: Any, options: Any) -> Any:  # noqa: ANN401 - the SDK is untyped
            answer = ask(params, request, options)
            if params.action == "ListTriggers":
                # The SDK's models turn an answer without a listing into an empty one.
                triggers_page(answer.get("body"))
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
    ) -> str:
        """Submit one asynchronous invocation; return its request id."""
        headers = self._models.InvokeFunctionHeaders(
            common_headers=delay_header(delay_s),
            x_fc_async_task_id=invocation_id or None,
            x_fc_invocation_type="Async",
        )
        request = self._models.InvokeFunctionRequest(body=io.BytesIO(payload))
        invoke = self._client.invoke_function_with_options
        answer = self._call("InvokeFunction", timeout_s, invoke, function.name, request, headers)
        status = int(answer.status_code)
        if status >= NOT_DONE:
            # The SDK treats every status below 400 as a success.
            raise rejection("InvokeFunction", "", "not accepted", status, self._credentials)
        return request_id_of(answer.headers or {})

    def triggers(
        self, function: FunctionName, *, next_token: str, timeout_s: float
    ) -> tuple[list[Trigger], str]:
        """Return one page of triggers, and the token of the next."""
        request = self._models.ListTriggersRequest(
            limit=TRIGGERS_PER_PAGE, next_token=next_token or None
        )
        listed = self._client.list_triggers_with_options
        answer = self._call("ListTriggers", timeout_s, listed, function.name, request, {})
        return triggers_page(answer.body.to_map())

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
        if not isinstance(exc, self._rejection):
            return no_answer(action, exc, self._credentials)
        fields = exc.data if isinstance(exc.data, Mapping) else {}
        # The SDK sets a field that is not in the answer to the text "None".
        code = "" if exc.code in (None, "None") else str(exc.code)
        message = str(fields.get("Message") or "")
        return rejection(action, code, message, int(exc.status_code or 0), self._credentials)


def set_host(client: Any, region: str) -> None:  # noqa: ANN401 - the SDK is untyped
    """
    Set the host of a client of FC 3.0: from the SDK's table, else made from the region.

    For a region that is not in its table, the SDK uses a host of FC 2.0. One entry of the table
    ends in a tab.
    """
    table = client._endpoint_map  # noqa: SLF001 - no public way
    client._endpoint = table.get(region, f"fcv3.{region}.aliyuncs.com").strip()  # noqa: SLF001 - the same
