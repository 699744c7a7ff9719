"""
Where the records of a deployment are, and how to ask for them.

Reads both files and the environment; never decides what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cli.account.access import AccessError, access_of
from cli.account.errors import AccountError
from cli.account.sls import SlsClient
from cli.deployment.functions import project_of
from cli.deployment.model import PLACEHOLDER
from cli.deployment.project import ProjectError, read_project
from cli.deployment.variables import MissingVariableError, filled_in
from shared.runtime.settings import is_loopback

READER_POLICY = "docs/reader-policy.json"
_NULL = "null"
"""How SLS writes that a row has no value."""
_NOT_SET_UP = frozenset({"ProjectNotExist", "LogStoreNotExist", "IndexConfigNotExist"})
_UNKNOWN_FIELD = "can not be resolved"


class SourceError(Exception):
    """Nothing can be read; the message names every problem, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The records of one deployment."""

    deployment: str
    project: str
    logstore: str
    sls: SlsClient
    now: datetime
    policies: Sequence[str] = ()
    """The names of the policies in the file; records may have those of earlier ones."""

    def rows(self, query: str, since: timedelta) -> list[dict[str, str]]:
        """
        Return the rows of a query over the time up to now; what has no value is an empty text.

        Raises:
            SourceError: They cannot be read.

        """
        until_s = int(self.now.timestamp()) + 1
        since_s = until_s - int(since.total_seconds())
        try:
            rows = self.sls.rows(
                self.project, self.logstore, query, since_s=since_s, until_s=until_s
            )
        except AccountError as exc:
            if exc.code in _NOT_SET_UP or _UNKNOWN_FIELD in str(exc):
                raise SourceError(f"{exc}; run `ecsnap setup --apply`, which makes it") from exc
            raise SourceError(str(exc)) from exc
        return [
            {name: "" if value == _NULL else value for name, value in row.items()} for row in rows
        ]


def instant_of(seconds: str) -> datetime:
    """Return the instant of a row's Unix time."""
    return datetime.fromtimestamp(int(seconds), timezone.utc)


def source_of(
    policies: Path, env: Mapping[str, str], *, now: datetime, sleep: Callable[[float], None]
) -> Source:
    """
    Return the records of the deployment of a policy file and the `deployment.yaml` beside it.

    Args:
        policies: The policy file.
        env: The environment variables, with the credentials.
        now: The instant up to which records are read.
        sleep: Waits before a call is repeated.

    Raises:
        SourceError: The files or the environment cannot be used.

    """
    try:
        project = read_project(policies)
        access = access_of(
            env, region=project.deployment.region, services=("SLS",), policy=READER_POLICY
        )
        deployment = filled_in(project.deployment, env)
    except (ProjectError, AccessError, MissingVariableError) as exc:
        raise SourceError(str(exc)) from exc
    # The account of an emulator may be the placeholder.
    is_local = is_loopback(access.endpoints.get("SLS", ""))
    if deployment.account_id == PLACEHOLDER and not (deployment.log.project or is_local):
        raise SourceError(
            "deployment.yaml: account_id: placeholder, so the log project is not known; run "
            "`ecsnap setup --apply`, which writes it"
        )
    return Source(
        deployment=project.policies.deployment,
        project=project_of(deployment),
        logstore=deployment.log.logstore,
        sls=SlsClient(replace(access, sleep=sleep)),
        now=now,
        policies=[policy.name for policy in project.policies.policies],
    )
