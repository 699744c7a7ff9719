"""
Triggers: what the functions are meant to have, and what they have.

The tools that deploy create and change triggers, and leave those that the files no longer name:
they go on firing. Fun creates no trigger of EventBridge: `deploy-fun` does, with what is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from cli.account.fc import FcAccount, Trigger
from cli.deployment.functions import Function
from cli.deployment.triggers import EventTrigger
from cli.setup.steps import SAME, Step, Thing
from cli.setup.target import TOOL_NAMES, Target, deployed_name
from shared.runtime.context import FunctionName

EVENTBRIDGE, TIMER = "eventbridge", "timer"
_OURS = (TIMER, EVENTBRIDGE)
"""The types that the files can name; a trigger of another type is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerState:
    """How the triggers of a deployed function differ from those that it is meant to have."""

    stale: tuple[str, ...] = ()
    """Names of those that the files do not have."""
    missing: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    """Of events, which are always meant to be on; a timer may be off by `enabled: false`."""


def trigger_state(function: Function, found: Sequence[Trigger]) -> TriggerState:
    """Compare the triggers of a function."""
    events = {event.name for event in function.events}
    wanted = events | {timer.name for timer in function.timers}
    there = {trigger.name: trigger for trigger in found}
    return TriggerState(
        stale=tuple(
            sorted(
                name
                for name, trigger in there.items()
                if name not in wanted and trigger.type in _OURS
            )
        ),
        missing=tuple(sorted(wanted - set(there))),
        disabled=tuple(sorted(n for n in events & set(there) if not there[n].is_enabled)),
    )


def event_trigger(event: EventTrigger) -> Trigger:
    """Return a trigger of EventBridge as Function Compute takes it."""
    return Trigger(
        name=event.name,
        type=EVENTBRIDGE,
        description=event.description,
        config={
            "triggerEnable": True,
            # As in s.yaml: the vendor's pages disagree on which value is which.
            "asyncInvocationType": True,
            "eventSourceConfig": {"eventSourceType": "Default"},
            "eventRuleFilterPattern": event.pattern,
        },
    )


def put_event_triggers(fc: FcAccount, function: Function, name: FunctionName) -> Iterator[str]:
    """Create or correct the triggers of EventBridge of a deployed function; yield what was done."""
    there = {trigger.name: trigger for trigger in fc.triggers(name) or ()}
    for event in function.events:
        wanted, found = event_trigger(event), there.get(event.name)
        if found is None:
            fc.create_trigger(name, wanted)
            yield f"{function.name}: trigger {event.name}: created"
        elif not found.config.items() >= wanted.config.items():
            fc.update_trigger(name, wanted)
            yield f"{function.name}: trigger {event.name}: updated"
        else:
            yield f"{function.name}: trigger {event.name}: as it is meant to be"


def stale_trigger_things(target: Target) -> Iterator[Thing]:
    """Yield the triggers of each deployed function that the files no longer name."""
    for tool in target.deployment.tools:
        fc = target.fc[tool]
        for function in target.functions:
            name = deployed_name(function, tool)
            yield Thing(
                name=f"old triggers of {function.name} ({TOOL_NAMES[tool]})",
                look=partial(_stale, fc, function, name),
                is_quiet=True,
            )


def _stale(fc: FcAccount, function: Function, name: FunctionName) -> Step:
    found = fc.triggers(name)
    state = TriggerState() if found is None else trigger_state(function, found)
    stale = state.stale
    if not stale:
        return SAME
    if state.missing:
        # A renamed timer: without the old one and before the new one, nothing would fire.
        listed, missing = ", ".join(stale), ", ".join(state.missing)
        return Step(mark="used", why=f"{listed}: removed by the first setup after {missing} exists")
    lines = tuple(f"- {trigger}" for trigger in stale)
    return Step(mark="delete", changes=lines, act=_deletion(fc, name, stale))


def _deletion(fc: FcAccount, name: FunctionName, triggers: Sequence[str]) -> Callable[[], None]:
    def act() -> None:
        for trigger in triggers:
            fc.delete_trigger(name, trigger)

    return act
