"""The naive function: it imports each SDK as the SDK's samples do."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

import fc2
from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi import models as open_api_models
from alibabacloud_tea_util import models as util_models
from aliyun.log import LogClient, LogItem, PutLogsRequest


def handler(event: bytes, context: Any) -> dict[str, Any]:  # noqa: ANN401 - the runtime's own class
    """Take a snapshot of each disk of the request, and log it."""
    request = json.loads(event)
    key_id = os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    secret = os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    endpoint = dict(part.split("=", 1) for part in os.environ["ECS_ENDPOINT"].split(","))
    config = open_api_models.Config(access_key_id=key_id, access_key_secret=secret)
    config.endpoint = endpoint[context.region].removeprefix("http://")
    config.protocol = "http"
    ecs = EcsClient(config)
    fc2.Client(endpoint=os.environ["SLS_ENDPOINT"], accessKeyID=key_id, accessKeySecret=secret)
    log = LogClient(os.environ["SLS_ENDPOINT"], key_id, secret, source="naive")
    log._isRowIp = True  # noqa: SLF001 - for an address with a port
    snapshot_ids = []
    for disk_id in request["disk_ids"]:
        create = ecs_models.CreateSnapshotRequest(
            disk_id=disk_id, client_token=uuid.uuid4().hex, snapshot_name=f"naive-{disk_id}"
        )
        answer = ecs.create_snapshot_with_options(create, util_models.RuntimeOptions())
        snapshot_ids.append(answer.body.snapshot_id)
    item = LogItem(timestamp=int(time.time()), contents=[("snapshots", json.dumps(snapshot_ids))])
    project, logstore = os.environ["SLS_PROJECT"], os.environ["SLS_LOGSTORE"]
    log.put_logs(PutLogsRequest(project, logstore, "", "naive", [item]))
    return {"status": "ok", "snapshot_ids": snapshot_ids}
