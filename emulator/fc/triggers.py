"""
Triggers of both APIs: timers and EventBridge.

Source: the API references, "CreateTrigger" and its neighbours. In 2016-08-15 the
configuration is an object, in 2023-03-30 a JSON text. A Default event source is the
bus `default`, where the events of cloud services are.
"""

from __future__ import annotations

import json
import uuid

from emulator.eventbridge.pattern import PatternError
from emulator.eventbridge.pattern import parse as parse_pattern
from emulator.fc import cron, fields, timers
from emulator.fc.errors import FcError, already_exists, invalid_argument, not_implemented
from emulator.fc.operations import V3, Answer, Call, Checked, check_qualifier, done, page
from emulator.fc.region import FcRegion
from emulator.fc.services import instant
from emulator.fc.state import Document, Function, Trigger

EVENTBRIDGE = "eventbridge"
_MAX_PAYLOAD_BYTES = 128 * 1024
_MAX_TRIGGERS = 50
_UPDATE_RULES: dict[str, fields.Rule] = {
    "description": fields.a_text,
    "invocationRole": fields.a_role,
    "qualifier": fields.a_text,
    "triggerConfig": lambda value: None if isinstance(value, (dict, str)) else "an object",
}
_RULES: dict[str, fields.Rule] = {
    **_UPDATE_RULES,
    "triggerName": fields.a_name,
    "triggerType": fields.a_text,
}
_EMPTY = frozenset(("sourceArn",))


def _a_schedule(value: object) -> str | None:
    try:
        cron.parse(str(value))
    except cron.ScheduleError as exc:
        return f"a schedule; {exc}"
    return None


def _a_payload(value: object) -> str | None:
    small = isinstance(value, str) and len(value.encode()) <= _MAX_PAYLOAD_BYTES
    return None if small else f"a text of at most {_MAX_PAYLOAD_BYTES} bytes"


def _a_pattern(value: object) -> str | None:
    try:
        parse_pattern(value)
    except PatternError as exc:
        return f"an event pattern; {exc}"
    return None


def _a_default_source(value: object) -> str | None:
    kind = value.get("eventSourceType") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        return "an object with eventSourceType"
    if kind != "Default":
        raise not_implemented(
            f"eventSourceConfig.eventSourceType: {kind!r}: the emulator has Default only."
        )
    rest = {name: one for name, one in value.items() if name != "eventSourceType"}
    return None if fields.is_empty(rest) else "without parameters: a Default source has none"


_TIMER: dict[str, fields.Rule] = {
    "cronExpression": _a_schedule,
    "enable": fields.a_flag,
    "payload": _a_payload,
}
_EVENTS: dict[str, fields.Rule] = {
    "triggerEnable": fields.a_flag,
    "asyncInvocationType": fields.a_flag,
    "eventRuleFilterPattern": _a_pattern,
    "eventSourceConfig": _a_default_source,
}


_EVENT_DRIVEN: Document = {
    "eventSinkConfig": {"deliveryOption": {"mode": "event-driven", "eventSchema": "CloudEvents"}},
    "runOptions": {"mode": "event-driven"},
}
"""What a trigger on a Default source does; fc3's schema asks for both fields."""


def create_trigger(call: Call) -> Checked:
    """Make a trigger; a timer counts from now."""
    function = call.function()
    body = call.json_body()
    _check_type(body)
    fields.required(body, "triggerName", "triggerType", "triggerConfig")
    given = fields.checked(body, _RULES, empty=_EMPTY)
    check_qualifier(str(given.get("qualifier", "")))
    name, kind = str(given["triggerName"]), str(given["triggerType"])
    config = checked_config(kind, given.pop("triggerConfig"))
    trigger = new_trigger(call.region, name, kind, config, settings=given)

    def effect() -> Answer:
        add(call.region, function, trigger)
        return Answer(document=_shown(call, function, trigger))

    return Checked(params={**call.params, "triggerName": name}, effect=effect)


def new_trigger(
    region: FcRegion, name: str, kind: str, config: Document, *, settings: Document
) -> Trigger:
    """Return a trigger that is nowhere yet; its configuration has been checked."""
    now = region.clock.now()
    return Trigger(
        name=name,
        type=kind,
        trigger_id=str(uuid.UUID(region.account.ids.request())),
        config=config,
        settings=settings,
        created_at=now,
        modified_at=now,
    )


def add(region: FcRegion, function: Function, trigger: Trigger) -> None:
    """Give a function a trigger; a timer counts from now."""
    with region.lock:
        if trigger.name in function.triggers:
            raise already_exists("Trigger", trigger.name)
        if len(function.triggers) >= _MAX_TRIGGERS:
            raise invalid_argument(f"a function has at most {_MAX_TRIGGERS} triggers")
        function.triggers[trigger.name] = trigger
        _start(region, trigger)


def get_trigger(call: Call) -> Checked:
    """Show a trigger."""
    function, trigger = _named(call)
    return done(call, _shown(call, function, trigger))


def list_triggers(call: Call) -> Checked:
    """List a function's triggers by name."""
    function = call.function()
    with call.region.lock:
        shown = {name: _shown(call, function, one) for name, one in function.triggers.items()}
    return page(call, shown, "triggers")


def update_trigger(call: Call) -> Checked:
    """Change what the body names; a timer counts anew."""
    function, trigger = _named(call)
    fixed = {"triggerName": trigger.name, "triggerType": trigger.type}
    body = fields.unchanged(call.json_body(), **fixed)
    given = fields.checked(body, _UPDATE_RULES, empty=_EMPTY)
    check_qualifier(str(given.get("qualifier", "")))
    config = trigger.config
    if "triggerConfig" in given:
        config = checked_config(trigger.type, given.pop("triggerConfig"))

    def effect() -> Answer:
        with call.region.lock:
            trigger.settings = {**trigger.settings, **given}
            trigger.config = config
            trigger.modified_at = call.region.clock.now()
            _start(call.region, trigger)
        return Answer(document=_shown(call, function, trigger))

    return Checked(params=call.params, effect=effect)


def delete_trigger(call: Call) -> Checked:
    """Delete a trigger."""
    function, trigger = _named(call)

    def effect() -> Answer:
        with call.region.lock:
            function.triggers.pop(trigger.name, None)
        return Answer(status=204)

    return Checked(params=call.params, effect=effect)


def _start(region: FcRegion, trigger: Trigger) -> None:
    if trigger.type == timers.TIMER:
        timers.start(trigger, region.clock.now())


def checked_config(kind: str, given: object) -> Document:
    """Return a trigger's configuration, object or text, held to its rules."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as exc:
            raise invalid_argument(f"triggerConfig is not JSON: {exc}") from exc
    if not isinstance(given, dict):
        raise invalid_argument("triggerConfig is not an object")
    if kind == timers.TIMER:
        fields.required(given, "cronExpression")
        return fields.checked(given, _TIMER)
    if kind == EVENTBRIDGE:
        fields.required(given, "eventRuleFilterPattern", "eventSourceConfig")
        return fields.checked(given, _EVENTS, defaults=_EVENT_DRIVEN)
    raise _unknown_type(kind)


def _check_type(body: Document) -> None:
    """Reject a type that there is not before a field that only that type has."""
    kind = body.get("triggerType") or timers.TIMER
    if kind not in (timers.TIMER, EVENTBRIDGE):
        raise _unknown_type(kind)


def _unknown_type(kind: object) -> FcError:
    return not_implemented(
        f"triggerType: {kind!r}: the emulator has {timers.TIMER} and {EVENTBRIDGE} only."
    )


def _named(call: Call) -> tuple[Function, Trigger]:
    function = call.function()
    with call.region.lock:
        return function, function.trigger(call.names["trigger"])


def _shown(call: Call, function: Function, trigger: Trigger) -> Document:
    document: Document = {
        "description": "",
        "qualifier": "LATEST",
        "invocationRole": "",
        "sourceArn": "",
        **trigger.settings,
        "triggerConfig": trigger.config,
        "triggerId": trigger.trigger_id,
        "createdTime": instant(trigger.created_at),
        "lastModifiedTime": instant(trigger.modified_at),
    }
    if call.api == V3:
        # An object goes in as text, and comes out as text.
        text = json.dumps(trigger.config)
        arn = call.region.arn(function)
        return {**document, "triggerConfig": text, "targetArn": arn, "status": "CREATED"}
    return document
