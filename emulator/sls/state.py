"""
Projects, logstores and what was written to them; knows nothing of HTTP.

Safe to share between threads: every method takes the one lock.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from emulator.sls.errors import SlsError, logstore_not_exist, project_not_exist
from emulator.sls.index import Index

# CreateProject and CreateLogstore, parameters projectName and logstoreName.
_PROJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_LOGSTORE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{1,61})[a-z0-9]")
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One log entry as a logstore keeps it."""

    time_s: int
    time_ns: int
    topic: str
    fields: tuple[tuple[str, str], ...]
    """Contents, then `__tag__:…`, `__source__`, `__topic__`, `__time__`, as a query shows them."""
    indexed: bool
    """Whether the logstore had an index when it arrived; a query sees no others."""

    @property
    def at_ns(self) -> int:
        """The entry's own instant, in nanoseconds since 1970."""
        return self.time_s * _NS_PER_S + self.time_ns


@dataclass(slots=True, kw_only=True)
class Logstore:
    """A logstore, its settings as they were sent, and its records in order of arrival."""

    name: str
    settings: dict[str, object]
    created_at: datetime
    index: Index | None
    index_changed_at: datetime = field(init=False)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Date the index it is made with."""
        self.index_changed_at = self.created_at


@dataclass(slots=True, kw_only=True)
class Project:
    """A project and its logstores by name."""

    name: str
    description: str
    created_at: datetime
    logstores: dict[str, Logstore] = field(default_factory=dict)


class Projects:
    """All projects of one cloud; names are unique over all regions, as in the service."""

    def __init__(self) -> None:
        self._projects: dict[str, Project] = {}
        self._lock = threading.Lock()

    def add_project(self, project: Project) -> Project:
        """Add a project; raises ProjectAlreadyExist or ParameterInvalid (its name)."""
        if not _PROJECT_NAME.fullmatch(project.name):
            raise SlsError(400, "ParameterInvalid", f"project name {project.name} is invalid")
        with self._lock:
            if project.name in self._projects:
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
        """Return a project; raises ProjectNotExist."""
        with self._lock:
            found = self._projects.get(name)
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

    def logstore_names(self, project: str) -> list[str]:
        """Return the project's logstores, sorted."""
        home = self.project(project)
        with self._lock:
            return sorted(home.logstores)

    def append(self, logstore: Logstore, records: Iterable[Record]) -> None:
        """Add records at the end, all of them or none."""
        new = list(records)
        with self._lock:
            logstore.records.extend(new)

    def records(self, project: str, logstore: str) -> list[Record]:
        """Return what a logstore holds, in order of arrival."""
        store = self.logstore(project, logstore)
        with self._lock:
            return list(store.records)
