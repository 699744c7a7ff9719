"""
The only module of the command that imports the SDK of SLS: what a set-up makes in a project.

The SDK signs and sends. Its own methods are not used, because they add retries at intervals of a
second, and objects that lose unknown fields of an answer. What is not there is None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aliyun.log import LogClient
from aliyun.log.logexception import LogException

from cli.account.access import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Access
from cli.account.errors import AccountError, RejectedError, converted, repeated
from shared.clients.no_redirects import NoRedirectSession

Body = Mapping[str, Any]
RECORDS_REGION = "cn-shanghai"
"""The region whose endpoint serves the records of who is notified (the vendor's alerting CLI)."""
_OK = 200
_INCOMPLETE_TRIES = 5
_DENIED = frozenset({"Unauthorized", "Forbidden", "AccessDenied"})
_MISSING = frozenset(
    {
        *("ProjectNotExist", "LogStoreNotExist", "IndexConfigNotExist", "DashboardNotExist"),
        *("JobNotExist", "ResourceNotExist", "ResourceRecordNotExist"),
    }
)
"""Codes of what is not there (Terraform's provider)."""
_THROTTLED = frozenset({"WriteQuotaExceed", "ReadQuotaExceed", "MetaOperationQpsLimitExceeded"})
"""With status 403 (Log Service API reference, "Common error codes")."""


def exists_already(error: AccountError) -> bool:
    """Return whether a creation was rejected because of its name."""
    return error.code.endswith("AlreadyExist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as it is in the account."""

    description: str
    owner: str
    """The id of its account; empty if the service does not return it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of a resource of the account, such as an action policy."""

    record_id: str
    tag: str
    value: Body


class _Client(LogClient):  # type: ignore[misc] # the SDK is untyped
    """The SDK's client without its retries."""

    def _sendRequest(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, N802 - the SDK's own signature
        try:
            return super()._sendRequest(*args, **kwargs)
        except LogException as exc:
            status, code, text = exc.resp_status, exc.get_error_code(), exc.get_error_message()
        # Not the SDK's exception, which its loop catches, and not with it as the cause. The SDK
        # has status 200 if no answer came.
        raise RejectedError(0 if status == _OK else int(status), str(code), str(text))


class SlsClient:
    """Projects of one region, and the account's records of who is notified."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = _connect(access, access.region)
        self._records = _connect(access, RECORDS_REGION)

    def project(self, name: str) -> Project | None:
        """Return a project."""
        found = self._call("GET", "GetProject", name, "/")
        if found is None:
            return None
        return Project(
            description=str(found.get("description") or ""), owner=str(found.get("owner") or "")
        )

    def create_project(self, name: str, description: str) -> None:
        """Create a project."""
        body = {"projectName": name, "description": description}
        self._call("POST", "CreateProject", name, "/", body)

    def delete_project(self, name: str) -> None:
        """Delete a project with everything in it."""
        self._call("DELETE", "DeleteProject", name, "/")

    def retention_days(self, project: str, logstore: str) -> int | None:
        """Return how long a Logstore keeps its records."""
        found = self._call("GET", "GetLogStore", project, f"/logstores/{logstore}")
        return None if found is None else int(found["ttl"])

    def create_logstore(self, project: str, logstore: str, *, retention_days: int) -> None:
        """Create a Logstore in which SQL works, with shards that split by themselves."""
        body = {
            "logstoreName": logstore,
            "ttl": retention_days,
            "shardCount": 2,
            "autoSplit": True,
            "maxSplitShard": 64,
            "mode": "standard",
        }
        self._call("POST", "CreateLogStore", project, "/logstores", body, of=logstore)

    def set_retention_days(self, project: str, logstore: str, days: int) -> None:
        """Change how long a Logstore keeps its records."""
        body = {"logstoreName": logstore, "ttl": days}
        self._call("PUT", "UpdateLogStore", project, f"/logstores/{logstore}", body)

    def index(self, project: str, logstore: str) -> Body | None:
        """Return the index of a Logstore."""
        found: Body | None = self._call("GET", "GetIndex", project, f"/logstores/{logstore}/index")
        return found

    def put_index(self, project: str, logstore: str, index: Body, *, exists: bool) -> None:
        """Create or replace the index of a Logstore."""
        method, action = ("PUT", "UpdateIndex") if exists else ("POST", "CreateIndex")
        self._call(method, action, project, f"/logstores/{logstore}/index", index)

    def dashboard(self, project: str, name: str) -> Body | None:
        """Return a dashboard."""
        found: Body | None = self._call("GET", "GetDashboard", project, f"/dashboards/{name}")
        return found

    def put_dashboard(self, project: str, dashboard: Body, *, exists: bool) -> None:
        """Create or replace a dashboard, under the name that it has."""
        name = dashboard["dashboardName"]
        if exists:
            self._call("PUT", "UpdateDashboard", project, f"/dashboards/{name}", dashboard)
        else:
            self._call("POST", "CreateDashboard", project, "/dashboards", dashboard, of=name)

    def delete_dashboard(self, project: str, name: str) -> None:
        """Delete a dashboard."""
        self._call("DELETE", "DeleteDashboard", project, f"/dashboards/{name}")

    def alerts(self, project: str) -> Sequence[Body] | None:
        """Return all alerts of a project; None without the project."""
        query = {"jobType": "Alert", "offset": "0", "size": "500"}
        found = self._call("GET", "ListJobs", project, "/jobs", query=query)
        return None if found is None else list(found.get("results") or [])

    def put_alert(self, project: str, alert: Body, *, exists: bool) -> None:
        """Create or replace an alert, under the name that it has."""
        name = alert["name"]
        if exists:
            self._call("PUT", "UpdateJob", project, f"/jobs/{name}", alert)
        else:
            self._call("POST", "CreateJob", project, "/jobs", alert, of=name)

    def delete_alert(self, project: str, name: str) -> None:
        """Delete an alert."""
        self._call("DELETE", "DeleteJob", project, f"/jobs/{name}")

    def records(self, resource: str, record_ids: Sequence[str]) -> Mapping[str, Record]:
        """Return those of some records of a resource that exist, by id; at most 200."""
        query = {"ids": ",".join(record_ids), "offset": "0", "size": str(len(record_ids))}
        path = f"/resources/{resource}/records"
        found = self._call("GET", "ListResourceRecords", None, path, query=query, of=resource)
        records = [
            Record(
                record_id=str(item["id"]),
                tag=str(item.get("tag") or ""),
                value=json.loads(item["value"]),
            )
            for item in (found or {}).get("items") or []
        ]
        return {record.record_id: record for record in records}

    def put_record(self, resource: str, record: Record) -> None:
        """Create or replace a record."""
        one = {"id": record.record_id, "tag": record.tag, "value": json.dumps(record.value)}
        path = f"/resources/{resource}/records"
        body = {"records": [one]}
        self._call("PUT", "UpsertResourceRecord", None, path, body, of=record.record_id)

    def delete_record(self, resource: str, record_id: str) -> None:
        """Delete a record."""
        path, query = f"/resources/{resource}/records", {"ids": record_id}
        self._call("DELETE", "DeleteResourceRecord", None, path, query=query, of=record_id)

    def rows(
        self, project: str, logstore: str, query: str, *, since_s: int, until_s: int
    ) -> list[dict[str, str]]:
        """
        Return the rows of a query with SQL.

        Args:
            project: The project.
            logstore: The Logstore.
            query: A search, and SQL behind `|`, which limits the rows itself.
            since_s: The first second, in Unix time.
            until_s: The second after the last.

        Raises:
            AccountError: Also with the code Incomplete, if SLS calculated with a part of the
                records only: the figures would be too small.

        """
        body = {"from": since_s, "to": until_s, "query": query, "topic": "", "line": 100}
        for _ in range(_INCOMPLETE_TRIES):
            path = f"/logstores/{logstore}/logs"
            answer = self._call("POST", "GetLogStoreLogs", project, path, body, of=logstore)
            if answer["meta"].get("progress") == "Complete":
                return list(answer["data"])
        raise AccountError(
            "Incomplete: SLS read a part of the records only; ask for a shorter time",
            action="log:GetLogStoreLogs",
            resource=logstore,
            code="Incomplete",
        )

    def _call(
        self,
        method: str,
        action: str,
        project: str | None,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        of: str = "",
    ) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of an answer; None if what a request reads is not there."""
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {} if raw is None else {"Content-Type": "application/json"}
        headers["x-log-bodyrawsize"] = str(len(raw or b""))
        client = self._records if project is None else self._client
        resource = of or path.rpartition("/")[2] or project or ""

        def once() -> Any:  # noqa: ANN401 - the same
            try:
                return client._send(method, project, raw, path, dict(query or {}), headers)[0]  # noqa: SLF001 - no public way
            except RejectedError as exc:
                error = converted(
                    exc,
                    self._access.credentials,
                    action=f"log:{action}",
                    resource=resource,
                    denied=_DENIED,
                    # What was just made may not be known everywhere for some seconds.
                    throttled=_THROTTLED | (_MISSING if method in ("POST", "PUT") else set()),
                )
            raise error

        try:
            return repeated(once, sleep=self._access.sleep)
        except AccountError as exc:
            if method == "GET" and exc.code in _MISSING:
                return None
            raise


def _connect(access: Access, region: str) -> _Client:
    key = access.credentials
    endpoint = access.endpoints.get("SLS", f"https://{region}.log.aliyuncs.com")
    client = _Client(
        endpoint,
        key.access_key_id,
        key.access_key_secret,
        securityToken=key.security_token,
        source="ecsnap",  # without a source the SDK looks up its own address in the DNS
    )
    client._session = NoRedirectSession()  # noqa: SLF001 - no public way
    client.timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    if endpoint.startswith("http://"):
        # For loopback with a port the SDK would look up <project>.127.0.0.1. This sends the project
        # in the Host header, as the SDK does for a bare address.
        client._isRowIp = True  # noqa: SLF001 - no public way
    return client
