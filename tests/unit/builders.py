"""Records for the tests, each defaulting to the boring case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.clients.ecs_errors import EcsRejectedError, EcsUnknownError
from shared.clients.ecs_types import Disk, Instance, Snapshot
from shared.errors import Problem, Problems
from shared.identity import RunKey, tracking_tags
from shared.policies.policy import PolicyFile
from shared.policies.policy_file import load_policies
from shared.policies.snapshot_settings import SnapshotSettings
from shared.triggers.trigger import Direct, Event, Timer
from tests.clocks import NOON

REGION = "cn-hangzhou"
ACCOUNT_ID = "1234567890123456"


def found(check: Callable[..., object], *args: Any, **more: Any) -> list[str]:
    """Return the rules that a value breaks: `check(value, …, path, problems)`."""
    problems = Problems()
    check(*args, "it", problems, **more)
    return [problem.rule for problem in problems]


def lines(problems: Iterable[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def run_key(**about: Any) -> RunKey:
    return RunKey(
        **{
            "deployment": "main",
            "policy": "nightly",
            "region": REGION,
            "trigger_id": ("timer", "nightly", "2026-03-01T12:00:00Z"),
            "trigger_time": NOON,
            **about,
        }
    )


def settings(**about: Any) -> SnapshotSettings:
    return SnapshotSettings(**about)


def disk(disk_id: str = "d-1", **about: Any) -> Disk:
    return Disk(
        disk_id=disk_id,
        **{
            "name": "",
            "status": "In_use",
            "type": "data",
            "category": "cloud_essd",
            "instance_ids": ("i-1",),
            "tags": {},
            "locks": (),
            **about,
        },
    )


def instance(instance_id: str = "i-1", **about: Any) -> Instance:
    return Instance(
        instance_id=instance_id, **{"status": "Running", "tags": {}, "locks": (), **about}
    )


def snapshot(
    snapshot_id: str = "s-1",
    *,
    of: str = "d-1",
    in_run: RunKey | None = None,
    attempt: int = 1,
    **about: Any,
) -> Snapshot:
    """A snapshot as a run of the run makes it."""
    tags = dict(tracking_tags(in_run or run_key(), of, attempt=attempt))
    return Snapshot(
        snapshot_id=snapshot_id,
        **{"disk_id": of, "status": "accomplished", "tags": tags, **about},
    )


def rejected(code: str, http_status: int = 403, retry_after_s: float | None = None) -> Exception:
    return EcsRejectedError(
        action="CreateSnapshot",
        code=code,
        message="no",
        http_status=http_status,
        request_id="R-1",
        retry_after_s=retry_after_s,
    )


def unknown() -> Exception:
    return EcsUnknownError(action="CreateSnapshot", reason="connection dropped")


NIGHTLY: dict[str, Any] = {
    "name": "nightly",
    "on": {"timer": "nightly"},
    "select": {"tags": {"env": "prod"}},
}


def policies(*of: Mapping[str, Any], **top: Any) -> PolicyFile:
    return load_policies({"deployment": "main", "policies": list(of or [NIGHTLY]), **top})


def timer(name: str = "nightly", **about: Any) -> Timer:
    return Timer(name=name, **{"trigger_time": NOON, "content": {}, **about})


def event(**about: Any) -> Event:
    """An instance that was stopped."""
    return Event(
        **{
            "source": "acs.ecs",
            "event_id": "e-1",
            "type": "ecs:Instance:StateChange",
            "trigger_time": NOON,
            "instance_ids": ("i-1",),
            "disk_ids": (),
            "content": {"data": {"resourceId": "i-1", "state": "Stopped"}},
            **about,
        }
    )


def direct(key: str = "k-1", **about: Any) -> Direct:
    return Direct(key=key, **{"content": {}, **about})


def cloud_event(data: Any = None, **about: Any) -> dict[str, Any]:
    """The same event as it arrives."""
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "acs.ecs",
        "type": "ecs:Instance:StateChange",
        "time": "2026-03-01T20:00:00+08:00",
        "aliyunaccountid": ACCOUNT_ID,
        "aliyunregionid": REGION,
        "aliyunpublishtime": "2026-03-01T20:00:00PRC",
        "data": {"resourceId": "i-1", "state": "Stopped"} if data is None else data,
        **about,
    }


def tick(**about: Any) -> dict[str, Any]:
    """A timer's event as it arrives."""
    return {"triggerName": "nightly", "triggerTime": "2026-03-01T12:00:00Z", **about}


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
