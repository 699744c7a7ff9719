"""
The ids of the instances and disks that an event names.

Sources: EventBridge, "ECS events" and "ActionTrail events".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.errors import Problems
from shared.rules import check_mapping
from shared.validation import DISK_ID, INSTANCE_ID

_RESOURCE_KEYS = {
    **dict.fromkeys(("resourceId", "resourceIds"), None),
    **dict.fromkeys(("instanceId", "instanceIds", "ecsInstanceId", "ecsInstanceIds"), "instance"),
    **dict.fromkeys(("diskId", "diskIds"), "disk"),
}
"""Keys of an event's data that contain ids, and of what; None where the id's prefix shows it."""
_IDS = {"instance": INSTANCE_ID, "disk": DISK_ID}
_REFERENCED = "referencedResources"
_REFERENCED_TYPES = {"ACS::ECS::Instance": "instance", "ACS::ECS::Disk": "disk"}
"""ActionTrail's events list all resources of a call by their types."""


def resources_of(
    data: Mapping[str, Any], path: str, problems: Problems
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Return the ids of the instances and of the disks in an event's data, each once, in their order.

    Args:
        data: The event's ``data``; every known spelling of its keys counts.
        path: Its place, for messages.
        problems: Takes the ids that are invalid; ids of other resources are ignored.

    """
    found: dict[str, list[str]] = {"instance": [], "disk": []}
    for where, value, of in _named_ids(data, path, problems):
        kind = of or _kind_of(str(value))
        if kind is None:
            continue  # another kind of resource, such as a network interface
        resource_id = _IDS[kind].read(value, where, problems)
        if resource_id is not None:
            found[kind].append(resource_id)
    return tuple(dict.fromkeys(found["instance"])), tuple(dict.fromkeys(found["disk"]))


def _kind_of(value: str) -> str | None:
    if value.startswith("d-"):
        return "disk"
    return "instance" if value.startswith("i-") else None


def _named_ids(
    data: Mapping[str, Any], path: str, problems: Problems
) -> Iterator[tuple[str, object, str | None]]:
    """Yield the path, the value and the resource type of each id, valid or not."""
    named = [(f"{path}.{key}", data.get(key), kind) for key, kind in _RESOURCE_KEYS.items()]
    if data.get(_REFERENCED):
        at = f"{path}.{_REFERENCED}"
        by_type = check_mapping(data[_REFERENCED], at, problems)
        named += [(f"{at}.{of}", by_type.get(of), kind) for of, kind in _REFERENCED_TYPES.items()]
    for where, value, kind in named:
        items = (
            [(f"{where}[{number}]", item) for number, item in enumerate(value)]
            if isinstance(value, list)
            else [(where, value)]
        )
        # Some events have an empty id for a resource that does not apply to them.
        yield from ((at, item, kind) for at, item in items if item not in (None, ""))
