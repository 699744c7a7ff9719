"""
How a test puts functions and triggers into a region, without asking the service.

Functions are those of FC 3.0, or of FC 2.0 where they are in a service. Unlike the
service's, they have time and memory enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emulator.fc import functions, packages, triggers
from emulator.fc.callables import Handler
from emulator.fc.packages import Code
from emulator.fc.region import FcRegion
from emulator.fc.results import Result
from emulator.fc.state import AsyncConfig, Document, Function, LogTarget, Service, Trigger
from emulator.fc.timers import TIMER

ROLE = "acs:ram::1234567890123456:role/function"


class Fixtures:
    """A region whose functions can be arranged."""

    region: FcRegion

    def add_service(
        self, name: str, *, role: str = ROLE, log: tuple[str, str] | None = None
    ) -> Service:
        """Add a service of FC 2.0; `log` is a project and a Logstore."""
        now = self.region.clock.now()
        service = Service(
            name=name,
            service_id=name,
            settings={"serviceName": name, "role": role},
            created_at=now,
            modified_at=now,
            role=role,
            log=_log(log),
        )
        with self.region.lock:
            self.region.state.add_service(service)
        return service

    def add_function(
        self,
        name: str,
        code: Path | Code | str | Handler,
        *,
        service: Service | None = None,
        log: tuple[str, str] | None = None,
        async_config: AsyncConfig | None = None,
        **settings: object,
    ) -> Function:
        """
        Add a function.

        Args:
            name: Its name.
            code: A folder, a package, the text of its only file, index.py, or a callable of this
                process that runs in place of a package.
            service: Its service; None is a function of FC 3.0.
            log: A project and a Logstore, for FC 3.0.
            async_config: None is the defaults.
            settings: Fields of CreateFunction under their own names, such as `timeout`.

        """
        defaults: Document = {
            "functionName": name,
            "runtime": "python3.10",
            "handler": "index.handler",
            "timeout": 60,
            "memorySize": 512,
            "role": ROLE,
        }
        function = functions.new_function(
            self.region, {**defaults, **settings}, _code(code), service=service
        )
        function.call = code if callable(code) else None
        function.own_log = _log(log)
        function.async_config = async_config
        with self.region.lock:
            self.region.state.add_function(function)
        return function

    def add_timer(
        self, function: Function, name: str, expression: str, *, payload: str = ""
    ) -> Trigger:
        """Add a timer: from now on it invokes the function at the times of an expression."""
        config = {"cronExpression": expression, "enable": True, "payload": payload}
        return self._add(function, name, TIMER, config)

    def add_rule(self, function: Function, name: str, pattern: str) -> Trigger:
        """Add a rule: an event that the pattern matches invokes the function asynchronously."""
        config = {
            "triggerEnable": True,
            "asyncInvocationType": True,
            "eventRuleFilterPattern": pattern,
            "eventSourceConfig": {"eventSourceType": "Default"},
        }
        return self._add(function, name, triggers.EVENTBRIDGE, config)

    def invoke(self, function: Function, event: bytes = b"{}") -> Result:
        """Invoke a function now, as a synchronous InvokeFunction does."""
        return self.region.invoke(
            function, event, request_id=self.region.account.ids.request().lower()
        )

    def submit(self, function: Function, event: bytes = b"{}") -> None:
        """Invoke a function at the next `tick`, as an asynchronous InvokeFunction does."""
        self.region.submit(self.region.invocation(function, event, caller="InvokeFunction"))

    def _add(
        self, function: Function, name: str, kind: str, config: Mapping[str, object]
    ) -> Trigger:
        checked = triggers.checked_config(kind, dict(config))
        trigger = triggers.new_trigger(
            self.region, name, kind, checked, settings={"triggerName": name, "triggerType": kind}
        )
        triggers.add(self.region, function, trigger)
        return trigger


def _code(code: Path | Code | str | Handler) -> Code:
    if isinstance(code, Path):
        return packages.from_folder(code)
    if isinstance(code, str):
        return packages.from_text(code)
    return code if isinstance(code, Code) else packages.from_text("# a callable\n")


def _log(log: tuple[str, str] | None) -> LogTarget | None:
    return LogTarget(project=log[0], logstore=log[1]) if log else None
