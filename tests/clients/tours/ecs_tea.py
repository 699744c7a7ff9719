"""alibabacloud-ecs20140526: every operation of the emulator's ECS, and one rejection."""

import json
import os
import re
from typing import Any

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client

try:
    from alibabacloud_tea_openapi.models import Config
except ImportError:
    # Version 1 has a core of its own, which signs the older way.
    from alibabacloud_tea_rpc.models import Config

REGION = os.environ["REGION_ID"]


def call(action: str, **fields: Any) -> Any:
    """Return the body of an operation's answer; in version 1 the answer is one."""
    words = re.sub("([A-Z])", r"_\1", action).lower().removeprefix("_")
    request = getattr(models, f"{action}Request")()
    # Version 1 wants a region from every operation, later ones not from these.
    if hasattr(request, "region_id"):
        request.region_id = REGION
    for name, value in fields.items():
        setattr(request, name, value)
    answer = getattr(client, words)(request)
    return getattr(answer, "body", answer)


protocol, _, endpoint = os.environ["ECS_ENDPOINT"].partition("://")
client = Client(
    Config(
        access_key_id=os.environ["ACCESS_KEY_ID"],
        access_key_secret=os.environ["ACCESS_KEY_SECRET"],
        region_id=REGION,
        endpoint=endpoint,
        protocol=protocol,
    )
)
regions = call("DescribeRegions").regions.region
instances = call("DescribeInstances").instances.instance
pages = [call("DescribeDisks", page_size=1, page_number=number).disks.disk for number in (1, 2)]
disk_id = pages[0][0].disk_id
made = models.CreateSnapshotRequestTag(key="made", value="1")
snapshot_id = call(
    "CreateSnapshot", disk_id=disk_id, client_token="tour-1", retention_days=1, tag=[made]
).snapshot_id
resource = {"resource_type": "snapshot", "resource_id": [snapshot_id]}
call("TagResources", **resource, tag=[models.TagResourcesRequestTag(key="tour", value="2")])
tags = call("ListTagResources", **resource).tag_resources.tag_resource
listed = call("DescribeSnapshots", snapshot_ids=json.dumps([snapshot_id])).snapshots.snapshot
call("DeleteSnapshot", snapshot_id=snapshot_id)
try:
    call("DeleteSnapshot", snapshot_id=snapshot_id)
    rejected = ""
except Exception as error:  # noqa: BLE001 - each version has a class of its own for it
    rejected = vars(error)["code"]

print(
    json.dumps(
        {
            "regions": [one.region_id for one in regions],
            "instances": [one.instance_id for one in instances],
            "disks": [one.disk_id for page in pages for one in page],
            "snapshot_of": listed[0].source_disk_id,
            "tags": {one.tag_key: one.tag_value for one in tags},
            "rejected": rejected,
        }
    )
)
