"""
The SLS of one account, for all regions: requests in, answers out.

Order for every request: which operation, who signs, are the parameters good, may
the key's role do it, does a fault happen, and only then the effect. Every request
is noted in `Calls`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from emulator import call_log
from emulator.clock import Clock
from emulator.credentials import AccessKeys
from emulator.faults import Fault, Faults
from emulator.faulty import noted_code
from emulator.ids import Ids
from emulator.ram import Ram
from emulator.sls import faulty, permissions, routes, signature
from emulator.sls.errors import SlsError, denied, envelope, not_implemented
from emulator.sls.index import EVERYTHING
from emulator.sls.limits import Limits
from emulator.sls.operations import Call, Checked
from emulator.sls.state import Log, LogGroup, Logstore, Project, Projects
from emulator.wire import Request, Response

_UNKNOWN = "Unknown"


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What is known of a request so far; for the note of it."""

    action: str = _UNKNOWN
    params: dict[str, str] = field(default_factory=dict)
    code: str = ""


class SlsService:
    """Projects, logstores and their records; safe to share between threads."""

    def __init__(
        self,
        *,
        account_id: str,
        clock: Clock,
        keys: AccessKeys,
        ram: Ram,
        faults: Faults,
        ids: Ids,
        calls: call_log.CallLog,
    ) -> None:
        self.limits = Limits()
        self._account_id = account_id
        self._clock = clock
        self._keys = keys
        self._ram = ram
        self._faults = faults
        self._ids = ids
        self._calls = calls
        self._projects = Projects()

    def create_project(self, name: str) -> None:
        """Make a project; raises SlsError if it exists or the name is malformed."""
        self._projects.add_project(Project(name=name, description="", created_at=self._clock.now()))

    def create_logstore(self, project: str, logstore: str, *, indexed: bool = True) -> None:
        """Make a logstore, unlike CreateLogStore with an index of every field."""
        self._projects.add_logstore(
            project,
            Logstore(
                name=logstore,
                settings={},
                created_at=self._clock.now(),
                index=EVERYTHING if indexed else None,
            ),
        )

    def records(self, project: str, logstore: str) -> list[dict[str, str]]:
        """
        Return everything written, in order of arrival, indexed or not.

        Each is the log's own fields and `__time__`, `__topic__`, `__source__`;
        of a field that a log has twice, the last.
        """
        return [record.fields for record in self._projects.records(project, logstore)]

    def write(
        self, project: str, logstore: str, *, topic: str, logs: Sequence[Mapping[str, str]]
    ) -> None:
        """
        Write logs of this moment, as a service of the same cloud does; no call is noted.

        Raises:
            SlsError: There is no such Logstore.

        """
        store = self._projects.logstore(project, logstore)
        now = self._clock.now()
        now_s, now_ns = divmod(round(now.timestamp() * 1e6) * 1000, 10**9)
        entries = tuple(
            Log(time_s=now_s, time_ns=now_ns, contents=tuple(log.items())) for log in logs
        )
        self._projects.append(store, LogGroup(logs=entries, topic=topic, source=""), at=now)

    def has_project(self, project: str) -> bool:
        """Return whether it exists."""
        with suppress(SlsError):
            self._projects.project(project)
            return True
        return False

    def has_logstore(self, project: str, logstore: str) -> bool:
        """Return whether both exist."""
        with suppress(SlsError):
            self._projects.logstore(project, logstore)
            return True
        return False

    def handle(self, request: Request) -> Response:
        """Answer one request; refusals are answers too."""
        # The service's request ids are 24 hexadecimal digits.
        request_id = self._ids.request().replace("-", "")[:24]
        seen = _Seen()
        try:
            response = self._carry_out(request, request_id, seen)
        except SlsError as exc:
            seen.code = exc.code
            response = Response(
                status=exc.status,
                body=envelope(exc.code, exc.message),
                headers={"Content-Type": "application/json", "x-log-requestid": request_id},
            )
        self._note(seen, response, request_id)
        return response

    def _carry_out(self, request: Request, request_id: str, seen: _Seen) -> Response:
        project, region_id = routes.project_and_region(request.host)
        found = routes.find(request, project)
        if found is None:
            raise not_implemented(
                f"{request.method} {request.path}: the local cloud's SLS knows {routes.known()}."
            )
        operation = found.operation
        seen.action = operation.name
        seen.params = dict(request.query)
        key = signature.verify(request, keys=self._keys, clock=self._clock, region_id=region_id)
        call = Call(
            request=request,
            project=project,
            region_id=region_id,
            logstore=found.logstore,
            shard=found.shard,
            projects=self._projects,
            clock=self._clock,
            limits=self.limits,
            account_id=self._account_id,
        )
        checked = operation.check(call)
        seen.params = dict(checked.params)
        refusal = self._ram.refusal(key, [permissions.need(operation.name, call, checked)])
        if refusal is not None:
            raise denied(refusal.need.action, refusal.need.resource)
        fault = self._faults.take(
            service="sls", region="", action=operation.name, params=checked.params
        )
        if fault is None:
            return _effect(checked, request_id)
        return _with_fault(fault, checked, request_id, seen)

    def _note(self, seen: _Seen, response: Response, request_id: str) -> None:
        self._calls.add(
            call_log.Call(
                service="sls",
                region="",
                action=seen.action,
                params=seen.params,
                at=self._clock.now(),
                status=response.status,
                code=seen.code,
                request_id=request_id,
            )
        )


def _effect(checked: Checked, request_id: str) -> Response:
    answer = checked.effect()
    headers = {**answer.headers, "x-log-requestid": request_id}
    return Response(status=200, body=answer.body, headers=headers)


def _with_fault(fault: Fault, checked: Checked, request_id: str, seen: _Seen) -> Response:
    if fault.kind == "slow":
        return replace(_effect(checked, request_id), delay_s=fault.delay_s)
    if fault.after_effect:
        # Done or refused: the client cannot know.
        with suppress(SlsError):
            checked.effect()
    seen.code = noted_code(fault)
    return replace(faulty.answer(fault, request_id), delay_s=fault.delay_s)
