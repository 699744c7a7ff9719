"""
The SLS of one account, for all regions: requests in, answers out.

The order of the checks is that of `emulator.service`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from emulator.account import Account
from emulator.errors import ServiceError
from emulator.service import Exchange, Service
from emulator.sls import reading, routes, signature
from emulator.sls.alerting import Firing, evaluate
from emulator.sls.errors import SlsError, denied, envelope, not_implemented
from emulator.sls.index import EVERYTHING
from emulator.sls.limits import Limits
from emulator.sls.operations import Call, Checked
from emulator.sls.state import Document, Log, LogGroup, Logstore, Project, Projects
from emulator.wire import Request, Response


class SlsService(Service):
    """Projects, logstores and their records; safe to share between threads."""

    NAME = "sls"

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.limits = Limits()
        self._projects = Projects()

    def create_project(self, name: str) -> None:
        """Make a project; raises SlsError if it exists or the name is malformed."""
        self._projects.add_project(
            Project(name=name, description="", created_at=self.account.clock.now())
        )

    def reserve_project(self, name: str) -> None:
        """Let a project of that name be another account's."""
        self._projects.foreign.add(name)

    def dashboards(self, project: str) -> dict[str, Document]:
        """Return a project's dashboards by name, as they were sent."""
        return self._projects.project(project).dashboards

    def alerts(self, project: str) -> dict[str, Document]:
        """Return a project's alerts by name, as they were sent."""
        return self._projects.project(project).jobs

    def query(
        self, project: str, logstore: str, query: str, from_s: int, to_s: int
    ) -> list[dict[str, str]]:
        """
        Return what GetLogs answers, at most 100 records or the rows of the SQL; no call is noted.

        Args:
            project: Its name.
            logstore: Its name.
            query: A search, and SQL behind `|`.
            from_s: The first second, in Unix time.
            to_s: The second after the last.

        Raises:
            SlsError: As GetLogs.

        """
        now = self.account.clock.now()
        return reading.rows(self._projects, project, logstore, query, from_s, to_s, now=now)

    def firing(self, project: str) -> dict[str, Firing]:
        """Return the alerts of a project that fire by the records of now; raises SlsError."""
        now = self.account.clock.now()
        found = {
            name: evaluate(alert, self.query, now=now)
            for name, alert in sorted(self.alerts(project).items())
        }
        return {name: firing for name, firing in found.items() if firing}

    def resource_records(self, resource: str) -> dict[str, Document]:
        """Return the account's records of a resource such as `sls.common.user`, by id."""
        return self._projects.resource_records(resource)

    def create_logstore(self, project: str, logstore: str, *, indexed: bool = True) -> None:
        """Make a logstore, unlike CreateLogStore with an index of every field."""
        self._projects.add_logstore(
            project,
            Logstore(
                name=logstore,
                settings={},
                created_at=self.account.clock.now(),
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
        now = self.account.clock.now()
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
        """Answer one request; a rejection is an answer too."""
        # The service's request ids are 24 hexadecimal digits.
        request_id = self.account.ids.request().replace("-", "")[:24]
        exchange = Exchange(request_id=request_id)

        def rejection(error: ServiceError) -> Response:
            return Response(
                status=error.status,
                body=envelope(error.code, error.message),
                headers={"Content-Type": "application/json", "x-log-requestid": request_id},
            )

        def answer() -> Response:
            checked = self._checked(request, exchange)
            effect = partial(_answer, checked, request_id)
            return self._carry_out(exchange, effect, rejection)

        return self._serve(exchange, answer, rejection)

    def _checked(self, request: Request, exchange: Exchange) -> Checked:
        """Return a call whose signer, parameters and permissions are good."""
        project, region_id = routes.project_and_region(request.host)
        found = routes.find(request, project)
        if found is None:
            raise not_implemented(
                f"{request.method} {request.path}: the emulator's SLS knows {routes.known()}."
            )
        operation = found.operation
        exchange.action = operation.name
        exchange.params = dict(request.query)
        account = self.account
        key = signature.verify(request, keys=account.keys, clock=account.clock, region_id=region_id)
        call = Call(
            request=request,
            project=project,
            region_id=region_id,
            logstore=found.logstore,
            shard=found.shard,
            name=found.name,
            record=found.record,
            projects=self._projects,
            clock=account.clock,
            limits=self.limits,
            account_id=account.account_id,
        )
        checked = operation.check(call)
        exchange.params = checked.params
        self._check_permissions(
            key,
            lambda: operation.needs(call, checked),
            lambda decision: denied(decision.need.action, decision.need.resource),
        )
        return checked


def _answer(checked: Checked, request_id: str) -> Response:
    answer = checked.effect()
    headers = {**answer.headers, "x-log-requestid": request_id}
    return Response(status=200, body=answer.body, headers=headers)
