"""
Intercepts the calls of real processes: identifies the process, and kills it by the seed.

The emulator identifies a process by its key; FC kills the process during its call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator import Cloud
from emulator.credentials import AccessKey
from emulator.wire import Request, Response
from tests.chaos.interceptor import signed, snapshot_id_of
from tests.chaos.scenario import Scenario
from tests.chaos.stage import LOG

_GONE = Response(status=0, body=b"", transport="drop")
Handle = Callable[[Request], Response]


@dataclass(slots=True, kw_only=True)
class Visit:
    """What one process did since it began to handle an event."""

    key: AccessKey
    calls: int = 0
    killed: bool = False
    snapshot_ids: list[str] = field(default_factory=list)
    in_sls: list[Mapping[str, str]] = field(default_factory=list)


class ProcessInterceptor:
    """Wraps every service; remembers the snapshot ids that each process received."""

    def __init__(self, cloud: Cloud, scenario: Scenario) -> None:
        self.signatures: set[str] = set()
        self.calm = False
        """Whether no further process is killed."""
        self._cloud = cloud
        self._kills = scenario.kills
        self._executor = cloud.fc().region.executor
        self._visits: dict[str, Visit] = {}
        self._calls: dict[str, int] = {}
        """The processes, in the order of their first calls."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        for service in (cloud.ecs(), cloud.fc()):
            service.handle = self._guarded(service.handle)  # type: ignore[assignment, method-assign] # wraps it
        cloud.sls.handle = self._sls(cloud.sls.handle)  # type: ignore[assignment, method-assign] # wraps it

    def left(self, instance_id: str) -> Visit:
        """Return what a process did, and forget it before its next event."""
        with self._lock:
            no_key = AccessKey(access_key_id="", access_key_secret="")
            return self._visits.pop(instance_id, Visit(key=no_key))

    def _guarded(self, handle: Handle) -> Handle:
        def guarded(request: Request) -> Response:
            visit, response = self._carried_out(handle, request)
            creates = request.headers.get("x-acs-action") == "CreateSnapshot"
            if creates and response.status == 200 and response.transport == "answer":
                created = snapshot_id_of(response.body)
                visit.snapshot_ids += [created] if created and not response.delay_s else []
            return response

        return guarded

    def _sls(self, handle: Handle) -> Handle:
        def guarded(request: Request) -> Response:
            with self._writing:
                before = len(self._cloud.sls.records(*LOG))
                visit, response = self._carried_out(handle, request)
                written = self._cloud.sls.records(*LOG)[before:]
            visit.in_sls += [one for one in written if "record" in one]
            return response

        return guarded

    def _carried_out(self, handle: Handle, request: Request) -> tuple[Visit, Response]:
        """Carry out a call; if its process is killed, its answer is lost."""
        who, signature = signed(request)
        instance = self._executor.instance_of(who)
        key = self._cloud.keys.find(who)
        assert key is not None
        with self._lock:
            self.signatures.add(signature)
            # A process that was ended during its call is no longer known.
            name = instance.instance_id if instance else f"gone {who}"
            visit = self._visits.setdefault(name, Visit(key=key))
            visit.calls += 1
            self._calls[who] = self._calls.get(who, 0) + 1
            number = list(self._calls).index(who)
            kill = self._kills[number] if number < len(self._kills) and not self.calm else None
            dies = kill is not None and kill.call == self._calls[who] and instance is not None
            visit.killed = visit.killed or dies
        if instance is None or kill is None or not dies:
            return visit, handle(request)
        if kill.after_effect:
            handle(request)
        instance.kill()
        return visit, _GONE
