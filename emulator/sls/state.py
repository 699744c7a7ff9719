"""
Projects, logstores and what was written to them; knows nothing of HTTP.

Every write is kept twice: its log group in a shard, as PullLogs gives it, and its logs one by
one, as a query finds them. Safe to share between threads: every method takes the one lock.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from emulator.sls.errors import SlsError, logstore_not_exist, project_not_exist, unauthorized
from emulator.sls.index import Index

# CreateProject and CreateLogstore, parameters projectName and logstoreName.
_PROJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_LOGSTORE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{1,61})[a-z0-9]")
Document = dict[str, object]
_NS_PER_S = 1_000_000_000
_HASHES = 2**128
_DEFAULT_SHARDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One entry of a log group."""

    time_s: int
    time_ns: int
    """The part below a second."""
    contents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """What one PutLogs carries."""

    logs: tuple[Log, ...]
    topic: str
    source: str
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A log group in a shard."""

    group: LogGroup
    received_at: datetime


@dataclass(slots=True, kw_only=True)
class Shard:
    """One shard of a logstore: a part of all MD5 hashes, and what came there, in order."""

    id: int
    begin_key: str
    """Included; 32 hexadecimal digits."""
    end_key: str
    """Not included, but for the last of all."""
    packets: list[Packet] = field(default_factory=list)


def _shards(count: int) -> tuple[Shard, ...]:
    edges = [f"{_HASHES * n // count:032x}" for n in range(count)] + [f"{_HASHES - 1:032x}"]
    return tuple(Shard(id=n, begin_key=edges[n], end_key=edges[n + 1]) for n in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One log entry as a logstore keeps it."""

    log: Log
    group: LogGroup
    """The write that it came with."""
    indexed: bool
    """Whether the logstore had an index when it arrived; a query sees no others."""

    @property
    def at_ns(self) -> int:
        """The entry's own instant, in nanoseconds since 1970."""
        return self.log.time_s * _NS_PER_S + self.log.time_ns

    @property
    def fields(self) -> dict[str, str]:
        """
        What a query shows: contents, then `__tag__:…`, `__source__`, `__topic__`, `__time__`.

        Of a field that a log has twice, the last.
        """
        return {
            **dict(self.log.contents),
            **{f"__tag__:{key}": value for key, value in self.group.tags},
            "__source__": self.group.source,
            "__topic__": self.group.topic,
            "__time__": str(self.log.time_s),
        }


@dataclass(slots=True, kw_only=True)
class Logstore:
    """A logstore, its settings as they were sent, and its records in order of arrival."""

    name: str
    settings: dict[str, object]
    created_at: datetime
    index: Index | None
    index_changed_at: datetime = field(init=False)
    changed_at: datetime = field(init=False)
    records: list[Record] = field(default_factory=list)
    shards: tuple[Shard, ...] = field(init=False)
    write_count: int = 0

    def __post_init__(self) -> None:
        """Make the shards, which stay as many as they are."""
        self.index_changed_at = self.changed_at = self.created_at
        count = self.settings.get("shardCount", _DEFAULT_SHARDS)
        self.shards = _shards(count if isinstance(count, int) else _DEFAULT_SHARDS)

    def shard_for(self, key: str | None) -> Shard:
        """Return the shard whose hashes have the key in them; without a key, each in its turn."""
        if key is None:
            return self.shards[self.write_count % len(self.shards)]
        return self.shards[
            bisect_right([shard.begin_key for shard in self.shards], key.lower()) - 1
        ]


@dataclass(slots=True, kw_only=True)
class Project:
    """A project, its logstores, dashboards and jobs by name."""

    name: str
    description: str
    created_at: datetime
    logstores: dict[str, Logstore] = field(default_factory=dict)
    dashboards: dict[str, Document] = field(default_factory=dict)
    jobs: dict[str, Document] = field(default_factory=dict)


class Projects:
    """All projects of one cloud; names are unique over all regions, as in the service."""

    def __init__(self) -> None:
        self.foreign: set[str] = set()
        """Names of projects of other accounts."""
        self._projects: dict[str, Project] = {}
        self._resource_records: dict[str, dict[str, Document]] = {}
        self._lock = threading.Lock()

    def add_project(self, project: Project) -> Project:
        """Add a project; raises ProjectAlreadyExist or ParameterInvalid (its name)."""
        if not _PROJECT_NAME.fullmatch(project.name):
            raise SlsError(400, "ParameterInvalid", f"project name {project.name} is invalid")
        with self._lock:
            if project.name in self._projects or project.name in self.foreign:
                raise SlsError(400, "ProjectAlreadyExist", f"Project {project.name} already exist.")
            self._projects[project.name] = project
        return project

    def add_logstore(self, project: str, logstore: Logstore) -> Logstore:
        """Add a logstore; raises LogStoreAlreadyExist, LogStoreInfoInvalid, ProjectNotExist."""
        if not _LOGSTORE_NAME.fullmatch(logstore.name):
            raise SlsError(400, "LogStoreInfoInvalid", f"store name {logstore.name} is invalid")
        home = self.project(project)
        with self._lock:
            if logstore.name in home.logstores:
                raise SlsError(
                    400, "LogStoreAlreadyExist", f"logstore {logstore.name} already exists"
                )
            home.logstores[logstore.name] = logstore
        return logstore

    def project(self, name: str) -> Project:
        """Return a project; raises ProjectNotExist, or Unauthorized for another account's."""
        with self._lock:
            found = self._projects.get(name)
            if name in self.foreign:
                raise unauthorized(f"no authority on the project {name}")
        if found is None:
            raise project_not_exist(name)
        return found

    def logstore(self, project: str, name: str) -> Logstore:
        """Return a logstore; raises ProjectNotExist or LogStoreNotExist."""
        home = self.project(project)
        with self._lock:
            found = home.logstores.get(name)
        if found is None:
            raise logstore_not_exist(name)
        return found

    def resource_records(self, resource: str) -> dict[str, Document]:
        """Return the account's records of a resource, by id."""
        with self._lock:
            return self._resource_records.setdefault(resource, {})

    def logstore_names(self, project: str) -> list[str]:
        """Return the project's logstores, sorted."""
        home = self.project(project)
        with self._lock:
            return sorted(home.logstores)

    def project_list(self) -> list[Project]:
        """Return all projects, sorted by name."""
        with self._lock:
            return [self._projects[name] for name in sorted(self._projects)]

    def remove_project(self, name: str) -> None:
        """Remove a project with everything in it; raises ProjectNotExist."""
        self.project(name)
        with self._lock:
            self._projects.pop(name, None)

    def remove_logstore(self, project: str, name: str) -> None:
        """Remove a logstore with everything in it; raises ProjectNotExist, LogStoreNotExist."""
        self.logstore(project, name)
        home = self.project(project)
        with self._lock:
            home.logstores.pop(name, None)

    def change(self, logstore: Logstore, settings: Mapping[str, object], *, at: datetime) -> None:
        """Change the settings that are named; the others stay."""
        with self._lock:
            logstore.settings = {**logstore.settings, **settings}
            logstore.changed_at = at

    def append(
        self, logstore: Logstore, group: LogGroup, *, at: datetime, key: str | None = None
    ) -> None:
        """Add a log group that arrives now, all of it, to the shard that its key means."""
        is_indexed = logstore.index is not None
        records = [Record(log=log, group=group, indexed=is_indexed) for log in group.logs]
        with self._lock:
            logstore.shard_for(key).packets.append(Packet(group=group, received_at=at))
            logstore.write_count += 1
            logstore.records.extend(records)

    def packets(self, shard: Shard) -> list[Packet]:
        """Return what a shard holds, in order of arrival."""
        with self._lock:
            return list(shard.packets)

    def records(self, project: str, logstore: str) -> list[Record]:
        """Return what a logstore holds, in order of arrival."""
        store = self.logstore(project, logstore)
        with self._lock:
            return list(store.records)
