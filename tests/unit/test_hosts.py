"""Which host is called for a region: made from its id, or of the table; and who answers there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from hypothesis import given
from hypothesis import strategies as st

from cli.cloud_facts import ecs_hosts
from emulator import hosts
from shared.clients.ecs import Ecs
from shared.clients.fc3 import Fc3
from shared.runtime.clock import SYSTEM_CLOCK
from shared.runtime.context import Credentials, Runtime, runtime_of
from shared.runtime.settings import is_loopback

KEY = Credentials(access_key_id="id", access_key_secret="secret")
TABLE = {region: host for region, host in ecs_hosts().items() if host}
REGIONS = st.sampled_from(sorted(ecs_hosts())) | st.from_regex(
    r"[a-z]{2}-[a-z0-9]{1,12}(-[a-z0-9]{1,8}){0,3}", fullmatch=True
)


def runtime_in(region: str) -> Runtime:
    env = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
        "FC_REGION": region,
        "SNAPSHOTS_FC_API": "3.0",
    }
    return runtime_of("f", SimpleNamespace(), clock=SYSTEM_CLOCK, env=env)


def host_of(region: str, endpoint: str | None = None) -> str:
    ecs = Ecs(region, KEY, endpoint=endpoint, read_timeout_s=1, max_in_flight=1)
    host: str = ecs._client._endpoint
    return host


@given(region=REGIONS)
def test_every_regions_host_is_made_from_its_id_or_stands_in_the_table(region: str) -> None:
    """N1: no region that the table lacks goes to the host of another, or to a central one."""
    assert host_of(region) == TABLE.get(region, f"ecs.{region}.aliyuncs.com")


def test_the_table_is_the_sdks() -> None:
    """N1: a new version of the SDK that sends a region elsewhere is noticed here."""
    config = Config(access_key_id="id", access_key_secret="secret", region_id="cn-hangzhou")

    assert Client(config)._endpoint_map == TABLE


@given(region=REGIONS, network=st.sampled_from(["ecs", "ecs-vpc"]))
def test_the_operators_host_wins(region: str, network: str) -> None:
    """ECS_ENDPOINT, for the regions of the table too."""
    host = f"{network}.{region}.aliyuncs.com"

    assert host_of(region, f"https://{host}") == host


@given(region=REGIONS)
def test_every_region_has_a_host_of_fc_3_that_is_its_own(region: str) -> None:
    """N1: the SDK's table, without its tabulator; else made from the id, and never FC 2.0's."""
    host: Any = Fc3(runtime_in(region))._client._endpoint

    assert host in (f"fcv3.{region}.aliyuncs.com", f"{region}.fc.aliyuncs.com")
    assert hosts.find(host) == hosts.Place("fc", region)


@pytest.mark.parametrize("region", ["me-central-1", "cn-shanghai-finance-1", "cn-hangzhou-finance"])
def test_some_regions_host_of_fc_3_has_another_form(region: str) -> None:
    """As the SDK's table has them."""
    assert Fc3(runtime_in(region))._client._endpoint == f"{region}.fc.aliyuncs.com"


def test_a_region_is_no_local_cloud() -> None:
    """Whose other regions would have to be named."""
    assert not any(is_loopback(f"https://{host_of(region)}") for region in ecs_hosts())
