"""
How asynchronous invocations of a function go: setting, showing, removing that.

Source: the API references, "PutAsyncInvokeConfig" (2016-08-15 says
PutFunctionAsyncInvokeConfig) and its neighbours. Task mode is `statefulInvocation`
in the one and `asyncTask` in the other. The largest age is the reference's; tools let
more pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.fc import fields
from emulator.fc.errors import FcError
from emulator.fc.operations import V2, Answer, Call, Checked, check_qualifier, done
from emulator.fc.services import instant
from emulator.fc.state import LATEST, AsyncConfig, Document, Function

_MAX_AGE_S = 604800
_MAX_RETRIES = 8


def _a_destination(value: object) -> str | None:
    if not isinstance(value, dict) or set(value) - {"onSuccess", "onFailure"}:
        return "an object with onSuccess, onFailure"
    for one in value.values():
        if not fields.is_empty(one) and not (
            isinstance(one, dict) and str(one.get("destination", "")).startswith("acs:")
        ):
            return "of objects with destination, an ARN"
    return None


_BOTH: dict[str, fields.Rule] = {
    "destinationConfig": _a_destination,
    "maxAsyncEventAgeInSeconds": fields.a_number(1, _MAX_AGE_S),
    "maxAsyncRetryAttempts": fields.a_number(0, _MAX_RETRIES),
}


def put_config(call: Call) -> Checked:
    """Set the whole configuration; what is not named has its default."""
    function = _named(call)
    given = fields.checked(call.json_body(), {**_BOTH, _task_field(call): fields.a_flag})
    now = call.region.clock.now()

    def effect() -> Answer:
        with call.region.lock:
            made = function.async_config_at[0] if function.async_config_at else now
            function.async_config = _config(given, task_field=_task_field(call))
            function.async_config_at = made, now
        return Answer(document=_shown(call, function))

    return Checked(params=call.params, effect=effect)


def get_config(call: Call) -> Checked:
    """Show the configuration; a function has none until one is set."""
    function = _named(call)
    _required(function)
    return done(call, _shown(call, function))


def delete_config(call: Call) -> Checked:
    """Go back to the defaults."""
    function = _named(call)
    _required(function)

    def effect() -> Answer:
        with call.region.lock:
            function.async_config = function.async_config_at = None
        return Answer(status=204)

    return Checked(params=call.params, effect=effect)


def _named(call: Call) -> Function:
    check_qualifier(call.names.get("service", "").partition(".")[2])
    return call.function()


def _required(function: Function) -> None:
    if function.async_config is None:
        raise FcError(
            404, "AsyncConfigNotExists", f"AsyncConfig for {function.name}:{LATEST} does not exist."
        )


def _task_field(call: Call) -> str:
    return "statefulInvocation" if call.api == V2 else "asyncTask"


def _config(given: Document, *, task_field: str) -> AsyncConfig:
    defaults = AsyncConfig()
    destinations = given.get("destinationConfig", {})
    return AsyncConfig(
        max_age_s=int(str(given.get("maxAsyncEventAgeInSeconds", defaults.max_age_s))),
        max_retries=int(str(given.get("maxAsyncRetryAttempts", defaults.max_retries))),
        on_success=_destination(destinations, "onSuccess"),
        on_failure=_destination(destinations, "onFailure"),
        task_mode=bool(given.get(task_field)),
    )


def _destination(destinations: object, name: str) -> str:
    one = destinations.get(name) if isinstance(destinations, Mapping) else None
    return str(one.get("destination", "")) if isinstance(one, Mapping) else ""


def _shown(call: Call, function: Function) -> Document:
    config = function.async_config or AsyncConfig()
    made_at, changed_at = function.async_config_at or (function.created_at, function.created_at)
    document: Document = {
        "createdTime": instant(made_at),
        "lastModifiedTime": instant(changed_at),
        "maxAsyncEventAgeInSeconds": config.max_age_s,
        "maxAsyncRetryAttempts": config.max_retries,
        "destinationConfig": {
            "onSuccess": {"destination": config.on_success} if config.on_success else None,
            "onFailure": {"destination": config.on_failure} if config.on_failure else None,
        },
        _task_field(call): config.task_mode,
    }
    if call.api == V2:
        names = {"service": function.service_name, "function": function.name, "qualifier": LATEST}
        return {**document, **names}
    return {**document, "functionArn": f"{call.region.arn(function)}/{LATEST}"}
