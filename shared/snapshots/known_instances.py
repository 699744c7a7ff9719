"""The instances that were listed while the disks of a run are selected. Never lists anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shared.clients.ecs_types import Disk, Instance
from shared.policies.selection import Select, has_all

MAX_KNOWN_INSTANCES = 10_000
"""How many are kept at most where the policy names none: listings come by instance."""


class KnownInstances:
    """Instances by id, each with what the selection of disks needs; equal ones are kept once."""

    def __init__(self, select: Select) -> None:
        """Begin with none; of tags only those that `select` asks about are kept."""
        self._select = select
        asked = [*select.tags, *select.exclude_tags] if select.tags_of == "instance" else []
        self._keys = frozenset(key for key, _ in asked)
        self._known: dict[str, Instance] = {}
        self._ids: dict[str, str] = {}
        self._same: dict[object, Instance] = {}

    def __contains__(self, instance_id: object) -> bool:
        """Return whether an instance is known."""
        return instance_id in self._known

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of the known instances."""
        return iter(self._known)

    def forget_many(self) -> None:
        """Forget all instances if they are many; they may be listed again."""
        if len(self._known) > MAX_KNOWN_INSTANCES:
            self._known, self._ids, self._same = {}, {}, {}

    def learn(self, found: Iterable[Instance]) -> None:
        """Add instances as they are listed."""
        for instance in found:
            tags = {key: value for key, value in instance.tags.items() if key in self._keys}
            about = (instance.status, instance.locks, tuple(sorted(tags.items())))
            judged = replace(instance, instance_id="", tags=tags)
            self._known[self.same_id(instance.instance_id)] = self._same.setdefault(about, judged)

    def same_id(self, instance_id: str) -> str:
        """Return the one text that is kept for an instance's id."""
        return self._ids.setdefault(instance_id, instance_id)

    def of(self, disk: Disk) -> list[Instance]:
        """Return the known instances that a disk is attached to."""
        return [
            self._known[instance_id]
            for instance_id in disk.instance_ids
            if instance_id in self._known
        ]

    def has_tags(self, instance_id: str) -> bool:
        """Return whether a known instance has all tags of the selection."""
        return has_all(self._known[instance_id].tags, self._select.tags)
