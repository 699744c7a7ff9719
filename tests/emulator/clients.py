"""The real SDKs' clients, pointed at the emulator."""

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.utils_models import Config
from aliyun.log import LogClient

from emulator.credentials import AccessKey


def ecs_client(
    key: AccessKey,
    *,
    region_id: str = "cn-hangzhou",
    url: str | None = None,
    network: str | None = None,
) -> EcsClient:
    """Return a client of the region's own address, or of `http://127.0.0.1:PORT`."""
    config = Config(
        access_key_id=key.access_key_id,
        access_key_secret=key.access_key_secret,
        security_token=key.security_token,
        region_id=region_id,
        network=network,
    )
    if url is not None:
        config.protocol, _, config.endpoint = url.partition("://")
    return EcsClient(config)


def sls_client(key: AccessKey, url: str = "https://cn-hangzhou.log.aliyuncs.com") -> LogClient:
    """Return a client of an SLS endpoint; on loopback the project travels in Host only."""
    client = LogClient(
        url,
        key.access_key_id,
        key.access_key_secret,
        securityToken=key.security_token,
        source="test",
    )
    if "//127.0.0.1" in url:
        # The SDK sees an IP address only where no scheme and port stand around it.
        vars(client)["_isRowIp"] = True
    return client


def disk_ids(client: EcsClient, region_id: str = "cn-hangzhou") -> list[str]:
    """Return what DescribeDisks shows on its first page."""
    answer = client.describe_disks(models.DescribeDisksRequest(region_id=region_id))
    return [disk.disk_id for disk in answer.body.disks.disk]
