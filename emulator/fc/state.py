"""
Services, functions and triggers of one region; knows nothing of HTTP.

A function of FC 2.0 lives in a service, one of FC 3.0 has none; otherwise they are
the same here. Callers hold the region's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from emulator.fc.callables import Handler
from emulator.fc.errors import (
    already_exists,
    function_not_found,
    service_not_found,
    trigger_not_found,
)
from emulator.fc.packages import Code

LATEST = "LATEST"
Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where a function's output goes."""

    project: str
    logstore: str
    request_metrics: bool = False
    """Whether each execution leaves a record of how it went."""


@dataclass(slots=True, kw_only=True)
class Service:
    """A service of FC 2.0: the role and the log of its functions."""

    name: str
    service_id: str
    settings: Document
    """The settings of its creation, under the API's names, as they are returned."""
    created_at: datetime
    modified_at: datetime
    role: str = ""
    log: LogTarget | None = None


@dataclass(slots=True, kw_only=True)
class Trigger:
    """What invokes a function by itself."""

    name: str
    type: str
    trigger_id: str
    config: Document
    settings: Document
    created_at: datetime
    modified_at: datetime
    next_at: datetime | None = None
    """When a timer fires next; None is never."""

    @property
    def enabled(self) -> bool:
        """Whether it does anything; timers and EventBridge have different words for it."""
        return bool(self.config.get("enable", self.config.get("triggerEnable", True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncConfig:
    """How asynchronous invocations of a function go; the defaults are the service's own."""

    max_age_s: int = 86400
    max_retries: int = 3
    on_success: str = ""
    on_failure: str = ""
    task_mode: bool = False


@dataclass(slots=True, kw_only=True)
class Function:
    """A function, its code, and what belongs to it."""

    name: str
    service: Service | None
    function_id: str
    code: Code
    settings: Document
    created_at: datetime
    modified_at: datetime
    runtime: str
    handler: str
    initializer: str = ""
    initializer_timeout_s: int = 3
    timeout_s: int = 3
    memory_mb: int = 128
    environment: dict[str, str] = field(default_factory=dict)
    own_role: str = ""
    own_log: LogTarget | None = None
    generation: int = 0
    """Rises with each update; instances of an earlier one serve no more."""
    triggers: dict[str, Trigger] = field(default_factory=dict)
    async_config: AsyncConfig | None = None
    async_config_at: tuple[datetime, datetime] | None = None
    """When the configuration was made, and when it was last changed."""
    deleted: bool = False
    call: Handler | None = None
    """In place of the code: a callable of this process."""

    @property
    def role(self) -> str:
        """The ARN of the role that it runs with; empty is none."""
        return self.service.role if self.service else self.own_role

    @property
    def log(self) -> LogTarget | None:
        """Where its output goes."""
        return self.service.log if self.service else self.own_log

    @property
    def service_name(self) -> str | None:
        """The service's name; None is FC 3.0."""
        return self.service.name if self.service else None

    def trigger(self, name: str) -> Trigger:
        """Return a trigger; raises TriggerNotFound."""
        if name not in self.triggers:
            raise trigger_not_found(name, self.name)
        return self.triggers[name]


class State:
    """Everything in one region of one account."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self._functions: dict[tuple[str | None, str], Function] = {}

    def service(self, name: str) -> Service:
        """Return a service; raises ServiceNotFound."""
        if name not in self.services:
            raise service_not_found(name)
        return self.services[name]

    def function(self, service: str | None, name: str) -> Function:
        """Return a function; raises ServiceNotFound or FunctionNotFound."""
        if service is not None:
            self.service(service)
        if (service, name) not in self._functions:
            raise function_not_found(name, service)
        return self._functions[service, name]

    def functions_of(self, service: str | None) -> dict[str, Function]:
        """Return a service's functions by name; None is those of FC 3.0."""
        return {name: f for (of, name), f in self._functions.items() if of == service}

    def functions(self) -> Iterable[Function]:
        """Return all functions."""
        return list(self._functions.values())

    def add_service(self, service: Service) -> None:
        """Add a service; raises ServiceAlreadyExists."""
        if service.name in self.services:
            raise already_exists("Service", service.name)
        self.services[service.name] = service

    def add_function(self, function: Function) -> None:
        """Add a function; raises FunctionAlreadyExists."""
        key = function.service_name, function.name
        if key in self._functions:
            raise already_exists("Function", function.name)
        self._functions[key] = function

    def drop_function(self, function: Function) -> None:
        """Take a function away."""
        function.deleted = True
        del self._functions[function.service_name, function.name]
