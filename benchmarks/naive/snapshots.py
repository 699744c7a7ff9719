"""Two naive ways to create many snapshots: a loop, and threads with retries."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from Tea.exceptions import TeaException

THREADS, TRIES, PAUSE_S = 32, 10, 1.0


def in_a_loop(key: Any, disk_ids: Sequence[str], region: str) -> None:  # noqa: ANN401 - a key pair
    """Request one snapshot after another, as the SDK's sample does; errors are only printed."""
    client = _client(key, region)
    for disk_id in disk_ids:
        _take(client, disk_id, uuid.uuid4().hex)


def in_threads(
    key: Any,  # noqa: ANN401 - a key pair
    disk_ids: Sequence[str],
    region: str,
    *,
    sleep: Callable[[float], None],
) -> None:
    """Request snapshots in 32 threads, with ten tries each, a second apart."""
    client = _client(key, region)

    def persist(disk_id: str) -> None:
        token = uuid.uuid4().hex
        for _ in range(TRIES):
            if _take(client, disk_id, token):
                return
            sleep(PAUSE_S)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(persist, disk_ids))


def _client(key: Any, region: str) -> Client:  # noqa: ANN401 - a key pair
    config = Config(
        access_key_id=key.access_key_id, access_key_secret=key.access_key_secret, region_id=region
    )
    return Client(config)


def _take(client: Client, disk_id: str, token: str) -> bool:
    request = models.CreateSnapshotRequest(disk_id=disk_id, client_token=token)
    try:
        client.create_snapshot_with_options(request, RuntimeOptions())
    except TeaException:
        return False
    return True
