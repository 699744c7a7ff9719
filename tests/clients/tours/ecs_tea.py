"""alibabacloud-ecs20140526: every operation of the local cloud's ECS, and one refusal."""

import json
import os

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.models import Config

REGION = os.environ["REGION_ID"]

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
regions = client.describe_regions(models.DescribeRegionsRequest()).body.regions.region
instances = client.describe_instances(models.DescribeInstancesRequest(region_id=REGION)).body
pages = [
    client.describe_disks(
        models.DescribeDisksRequest(region_id=REGION, page_size=1, page_number=number)
    ).body.disks.disk
    for number in (1, 2)
]
disk_id = pages[0][0].disk_id
snapshot_id = client.create_snapshot(
    models.CreateSnapshotRequest(
        disk_id=disk_id,
        client_token="tour-1",
        retention_days=1,
        tag=[models.CreateSnapshotRequestTag(key="made", value="1")],
    )
).body.snapshot_id
client.tag_resources(
    models.TagResourcesRequest(
        region_id=REGION,
        resource_type="snapshot",
        resource_id=[snapshot_id],
        tag=[models.TagResourcesRequestTag(key="tour", value="2")],
    )
)
tags = client.list_tag_resources(
    models.ListTagResourcesRequest(
        region_id=REGION, resource_type="snapshot", resource_id=[snapshot_id]
    )
).body.tag_resources.tag_resource
(snapshot,) = client.describe_snapshots(
    models.DescribeSnapshotsRequest(region_id=REGION, snapshot_ids=json.dumps([snapshot_id]))
).body.snapshots.snapshot
delete = models.DeleteSnapshotRequest(snapshot_id=snapshot_id)
client.delete_snapshot(delete)
try:
    client.delete_snapshot(delete)
    refused = ""
except Exception as error:  # noqa: BLE001 - each version has a class of its own for it
    refused = vars(error)["code"]

print(
    json.dumps(
        {
            "regions": [one.region_id for one in regions],
            "instances": [one.instance_id for one in instances.instances.instance],
            "disks": [one.disk_id for page in pages for one in page],
            "snapshot_of": snapshot.source_disk_id,
            "tags": {one.tag_key: one.tag_value for one in tags},
            "refused": refused,
        }
    )
)
