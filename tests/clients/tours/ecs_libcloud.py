"""apache-libcloud, a client of another house: HMAC-SHA1, XML answers, page numbers."""

import json
import os
from urllib.parse import urlsplit

from libcloud.compute.drivers.ecs import ECSDriver

address = urlsplit(os.environ["ECS_ENDPOINT"])
driver = ECSDriver(
    os.environ["ACCESS_KEY_ID"],
    os.environ["ACCESS_KEY_SECRET"],
    region=os.environ["REGION_ID"],
    secure=False,
    host=address.hostname,
    port=address.port,
)
regions = driver.list_locations()
nodes = driver.list_nodes()
volumes = driver.list_volumes()
snapshot = driver.create_volume_snapshot(volumes[0], name="tour-snapshot")
(listed,) = driver.list_volume_snapshots(volumes[0])
driver.destroy_volume_snapshot(snapshot)
try:
    driver.destroy_volume_snapshot(snapshot)
    rejected = ""
except Exception as error:  # noqa: BLE001 - it has no class for it
    rejected = str(error)

print(
    json.dumps(
        {
            "regions": [one.id for one in regions],
            "instances": [one.id for one in nodes],
            "disks": [one.id for one in volumes],
            "snapshot_of": listed.extra["source_disk_id"],
            "rejected": "InvalidSnapshotId.NotFound"
            if "InvalidSnapshotId" in rejected
            else rejected,
        }
    )
)
