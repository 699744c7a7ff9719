"""
Carries out one invocation: finds or starts an instance, asks it, keeps its log.

An instance serves one request at a time and is used again, the last used first;
after an update of its function it serves no more.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass

from emulator.account import Account
from emulator.credentials import AccessKey
from emulator.fc import callables
from emulator.fc.callables import Handler
from emulator.fc.errors import role_not_assumed
from emulator.fc.instance import Instance
from emulator.fc.interpreters import interpreter
from emulator.fc.packages import Code
from emulator.fc.results import Result, result
from emulator.fc.settings import FcSettings
from emulator.fc.state import LATEST, Function
from emulator.ram.roles import UnknownRoleError

_PATH = "/usr/local/bin:/usr/bin:/bin"
_LISTEN_PORT = "9000"


@dataclass(slots=True, kw_only=True)
class _Running:
    """An instance, what it was started for, and with which key."""

    instance: Instance
    generation: int
    code: Code
    """Its folder stays as long as an instance runs in it, also after an update."""
    key: AccessKey


class Executor:
    """The instances of all functions of one region; safe to share between threads."""

    def __init__(self, account: Account, region_id: str, settings: FcSettings) -> None:
        self._account = account
        self._region_id = region_id
        self._settings = settings
        self._idle: dict[str, list[_Running]] = {}
        self._all: dict[Instance, str] = {}
        self._lock = threading.Lock()
        # The net under those who forget to close: no process outlives the cloud.
        self._end = weakref.finalize(self, _close, self._all)

    @property
    def idle_pids(self) -> list[int]:
        """The processes that are frozen now."""
        with self._lock:
            return [running.instance.pid for all_of in self._idle.values() for running in all_of]

    def instance_of(self, access_key_id: str) -> Instance | None:
        """Return the instance that signs with a key: whoever sees its call may end it there."""
        with self._lock:
            return next((one for one, key in self._all.items() if key == access_key_id), None)

    def run(self, function: Function, event: bytes, *, request_id: str) -> Result:
        """
        Let the function handle one event.

        Raises:
            FcError: There is no Python for its runtime, or FC may not take its role.

        """
        if function.call is not None:
            return self._call(function, function.call, event, request_id=request_id)
        running = self._take_idle(function)
        cold = running is None
        if running is None:
            running = self._start(function)
            failed = self._initialize(function, running, request_id)
            if failed is not None:
                self._discard(running)
                return failed
        return self._ask(function, running, event, request_id=request_id, cold=cold)

    def _call(
        self, function: Function, handler: Handler, event: bytes, *, request_id: str
    ) -> Result:
        key = self._key(function)
        head = self._head(function, key, function.handler, request_id, initializes=False)
        reply = callables.ask(handler, head, event, now=self._account.clock.now)
        instance_id = self._account.ids.resource("c")
        return result(
            reply, timeout_s=function.timeout_s, log=b"", instance_id=instance_id, cold=True
        )

    def _key(self, function: Function) -> AccessKey:
        try:
            return self._account.function_key(function.role, self._settings.credentials_last_s)
        except UnknownRoleError as exc:
            raise role_not_assumed(str(exc)) from exc

    def forget(self, function: Function) -> None:
        """End the function's idle instances: it was changed or deleted."""
        with self._lock:
            idle = self._idle.pop(function.function_id, [])
        for running in idle:
            self._discard(running)

    def close(self) -> None:
        """End every instance; a new one starts where one is needed."""
        with self._lock:
            idle = [running for all_of in self._idle.values() for running in all_of]
            self._idle.clear()
            busy = self._all.keys() - {running.instance for running in idle}
        for running in idle:
            self._discard(running)
        for instance in busy:
            # The thread that asks it has its pipes in use.
            instance.kill()

    def _take_idle(self, function: Function) -> _Running | None:
        while True:
            with self._lock:
                idle = self._idle.get(function.function_id)
                running = idle.pop() if idle else None
            if running is None:
                return None
            if running.generation == function.generation and running.instance.alive:
                return running
            self._discard(running)

    def _start(self, function: Function) -> _Running:
        python = interpreter(function.runtime, own=self._settings.own_python)
        key = self._key(function)
        instance_id = self._account.ids.resource("c")
        code, generation = function.code, function.generation
        instance = Instance(
            instance_id=instance_id,
            python=python,
            code=code.folder(),
            environment=self._environment(function, code, key, instance_id),
        )
        with self._lock:
            self._all[instance] = key.access_key_id
        return _Running(instance=instance, generation=generation, code=code, key=key)

    def _initialize(self, function: Function, running: _Running, request_id: str) -> Result | None:
        """Run the initializer if there is one; a result is its failure."""
        if not function.initializer:
            return None
        reply = running.instance.ask(
            self._head(function, running.key, function.initializer, request_id, initializes=True),
            b"",
            timeout_s=function.initializer_timeout_s,
            memory_mb=function.memory_mb,
        )
        if reply.ok:
            return None
        return result(
            reply,
            timeout_s=function.initializer_timeout_s,
            log=reply.output,
            instance_id=running.instance.instance_id,
            cold=True,
            initializing=True,
        )

    def _ask(
        self, function: Function, running: _Running, event: bytes, *, request_id: str, cold: bool
    ) -> Result:
        reply = running.instance.ask(
            self._head(function, running.key, function.handler, request_id, initializes=False),
            event,
            timeout_s=function.timeout_s,
            memory_mb=function.memory_mb,
        )
        changes = running.code.changes()
        if changes or reply.end != "answered" or reply.broken:
            self._discard(running)
        else:
            self._put_back(function, running)
        if changes:
            running.code.restore()
        return result(
            reply,
            timeout_s=function.timeout_s,
            log=reply.output,
            instance_id=running.instance.instance_id,
            cold=cold,
            code_changes=changes,
        )

    def _put_back(self, function: Function, running: _Running) -> None:
        with self._lock:
            if running.instance in self._all and not function.deleted:
                self._idle.setdefault(function.function_id, []).append(running)
                return
        self._discard(running)

    def _discard(self, running: _Running) -> None:
        running.instance.close()
        with self._lock:
            self._all.pop(running.instance, None)

    def _head(
        self,
        function: Function,
        key: AccessKey,
        call: str,
        request_id: str,
        *,
        initializes: bool,
    ) -> dict[str, object]:
        log = function.log
        return {
            "request_id": request_id,
            "call": call,
            "initializes": initializes,
            "runtime": function.runtime,
            "context": {
                "region": self._region_id,
                "account_id": self._account.account_id,
                "function": {
                    "name": function.name,
                    "handler": function.handler,
                    "memory": function.memory_mb,
                    "timeout": function.timeout_s,
                },
                "service": {
                    "name": function.service_name or "",
                    "log_project": log.project if log else "",
                    "log_store": log.logstore if log else "",
                    "qualifier": LATEST,
                    "version_id": LATEST,
                },
                "credentials": _credentials(key),
            },
        }

    def _environment(
        self, function: Function, code: Code, key: AccessKey, instance_id: str
    ) -> dict[str, str]:
        """Return the variables that the service sets ("Environment variables"), then its own."""
        version = "FC_FUNCTION_VERSION" if function.runtime == "python3.12" else "FC_VER_ID"
        credentials = _credentials(key)
        return {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            **self._settings.environment,
            **function.environment,
            "FC_FUNC_CODE_PATH": str(code.folder()),
            "FC_ACCOUNT_ID": self._account.account_id,
            "FC_FUNCTION_HANDLER": function.handler,
            "FC_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "FC_FUNCTION_NAME": function.name,
            "FC_REGION": self._region_id,
            "FC_CUSTOM_LISTEN_PORT": _LISTEN_PORT,
            "FC_INSTANCE_ID": instance_id,
            version: LATEST,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": credentials["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": credentials["access_key_secret"],
            "ALIBABA_CLOUD_SECURITY_TOKEN": credentials["security_token"],
        }


def _credentials(key: AccessKey) -> dict[str, str]:
    return {
        "access_key_id": key.access_key_id,
        "access_key_secret": key.access_key_secret,
        "security_token": key.security_token or "",
    }


def _close(instances: dict[Instance, str]) -> None:
    for instance in instances:
        instance.close()
