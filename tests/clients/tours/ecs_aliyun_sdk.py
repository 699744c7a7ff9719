"""aliyun-python-sdk-ecs, the older SDK: HMAC-SHA1, and RegionId in the query and in the body."""

import json
import os
from importlib import import_module
from typing import Any

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient

REGION = os.environ["REGION_ID"]

client = AcsClient(os.environ["ACCESS_KEY_ID"], os.environ["ACCESS_KEY_SECRET"], REGION)


def call(action: str, *, in_body: bool = False, **fields: Any) -> Any:
    """Send one request of the SDK's own class, JSON both ways."""
    name = f"{action}Request"
    module = import_module(f"aliyunsdkecs.request.v20140526.{name}")
    request = getattr(module, name)()
    request.set_accept_format("json")
    protocol, _, endpoint = os.environ["ECS_ENDPOINT"].partition("://")
    request.set_protocol_type(protocol)
    request.set_endpoint(endpoint)
    if in_body:
        request.set_method("POST")
        request.add_query_param("RegionId", REGION)
        request.add_body_params("RegionId", REGION)
    for field, value in fields.items():
        getattr(request, f"set_{field}")(value)
    return json.loads(client.do_action_with_exception(request))


regions = call("DescribeRegions")["Regions"]["Region"]
instances = call("DescribeInstances")["Instances"]["Instance"]
pages = [
    call("DescribeDisks", in_body=True, PageSize=1, PageNumber=number)["Disks"]["Disk"]
    for number in (1, 2)
]
disk_id = pages[0][0]["DiskId"]
snapshot_id = call(
    "CreateSnapshot",
    DiskId=disk_id,
    ClientToken="tour-1",
    RetentionDays=1,
    Tags=[{"Key": "made", "Value": "1"}],
)["SnapshotId"]
resource: dict[str, Any] = {"ResourceType": "snapshot", "ResourceIds": [snapshot_id]}
call("TagResources", **resource, Tags=[{"Key": "tour", "Value": "2"}])
tags = call("ListTagResources", **resource)["TagResources"]["TagResource"]
snapshots = call("DescribeSnapshots", SnapshotIds=json.dumps([snapshot_id]))["Snapshots"]
call("DeleteSnapshot", SnapshotId=snapshot_id)
try:
    call("DeleteSnapshot", SnapshotId=snapshot_id)
    rejected = ""
except ServerException as error:
    rejected = error.get_error_code()

print(
    json.dumps(
        {
            "regions": [one["RegionId"] for one in regions],
            "instances": [one["InstanceId"] for one in instances],
            "disks": [one["DiskId"] for page in pages for one in page],
            "snapshot_of": snapshots["Snapshot"][0]["SourceDiskId"],
            "tags": {one["TagKey"]: one["TagValue"] for one in tags},
            "rejected": rejected,
        }
    )
)
