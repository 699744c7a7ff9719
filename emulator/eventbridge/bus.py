"""
The default event bus of every region: events in, invocations of functions out.

A function's EventBridge trigger is a rule; its pattern decides. A trigger whose
`asyncInvocationType` is true hands its events to FC, which retries as the function's
configuration says; any other is EventBridge's own to retry. (Documents disagree on
which value is which; `async_type` turns it round.)
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from emulator.ecs import EcsService
from emulator.eventbridge import watch
from emulator.eventbridge.events import Event
from emulator.eventbridge.pattern import parse
from emulator.fc import FcService
from emulator.fc.state import Function, Trigger
from emulator.fc.triggers import EVENTBRIDGE
from emulator.ids import Ids


@dataclass(slots=True, kw_only=True)
class BusSettings:
    """What EventBridge leaves undocumented; may be changed while it runs."""

    deliveries: int = 1
    """How often each event is delivered: at least once is what is promised."""
    async_type: bool = True
    """The value of `asyncInvocationType` that means asynchronous."""
    max_retries: int = 3
    """How often a synchronous delivery is tried again (BACKOFF_RETRY, of custom sources)."""
    retry_delay_s: float = 15.0
    """How long it waits for that; documented are 10 to 20 s."""


Regions = Callable[[], Iterable[tuple[EcsService, FcService]]]


class EventBridge:
    """The default bus of all regions; safe to share between threads."""

    def __init__(self, *, ids: Ids, regions: Regions) -> None:
        self.settings = BusSettings()
        self._ids = ids
        self._regions = regions
        self._events: list[Event] = []
        self._lock = threading.Lock()

    @property
    def events(self) -> list[Event]:
        """Every event so far, in order, wanted or not."""
        with self._lock:
            return list(self._events)

    def publish(self, event: Mapping[str, object], *, region_id: str) -> int:
        """Take an event in; returns how many invocations it makes, which `tick` carries out."""
        with self._lock:
            self._events.append(dict(event))
        fcs = [fc for ecs, fc in self._regions() if ecs.region_id == region_id]
        return sum(self._deliver(fc, event) for fc in fcs)

    def next_due(self) -> datetime | None:
        """Return when something happens by itself; None is never, as things are."""
        due = [watch.next_due(ecs) for ecs, _ in self._regions()]
        return min(filter(None, due), default=None)

    def collect(self) -> bool:
        """Publish what happened in ECS since the last time; whether there was anything."""
        anything = False
        for ecs, _ in self._regions():
            for event in watch.collect(ecs, new_id=lambda: self._ids.request().lower()):
                self.publish(event, region_id=ecs.region_id)
                anything = True
        return anything

    def warn_of_missing_snapshots(self) -> list[Event]:
        """Publish EBS's warning for each attached disk without a snapshot; return the events."""
        found = []
        for ecs, _ in self._regions():
            for event in watch.without_snapshot(ecs, new_id=lambda: self._ids.request().lower()):
                self.publish(event, region_id=ecs.region_id)
                found.append(event)
        return found

    def _deliver(self, fc: FcService, event: Mapping[str, object]) -> int:
        region = fc.region
        count = 0
        with region.lock:
            wanted = list(_wanted(region.state.functions(), event))
        for function, trigger in wanted:
            for _ in range(self.settings.deliveries):
                invocation = region.invocation(
                    function, json.dumps(event).encode(), caller=f"{EVENTBRIDGE}/{trigger.name}"
                )
                if trigger.config.get("asyncInvocationType", False) != self.settings.async_type:
                    invocation.max_retries = self.settings.max_retries
                    invocation.retry_delay_s = self.settings.retry_delay_s
                region.submit(invocation)
                count += 1
        return count


def _wanted(
    functions: Iterable[Function], event: Mapping[str, object]
) -> Iterator[tuple[Function, Trigger]]:
    for function in functions:
        for trigger in function.triggers.values():
            if trigger.type != EVENTBRIDGE or not trigger.enabled:
                continue
            if parse(trigger.config["eventRuleFilterPattern"]).matches(event):
                yield function, trigger
