"""The automatic snapshot policies of ECS itself, as the command lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client

from cli.account import rpc
from cli.account.access import Access
from cli.inventory.native import NativePolicy
from shared.runtime.context import Credentials

PER_PAGE = 100
"""The most that DescribeAutoSnapshotPolicyEx returns at once (PageSize)."""


def native_policies(
    credentials: Credentials, region: str, endpoints: Mapping[str, str]
) -> list[NativePolicy]:
    """
    Return the policies of a region.

    Args:
        credentials: The key.
        region: The region.
        endpoints: By region the address of ECS, where it is not the region's own host.

    Raises:
        AccountError: They cannot be listed.

    """
    given = {"ECS": endpoints[region]} if region in endpoints else {}
    access = Access(credentials=credentials, region=region, endpoints=given)
    client = Client(rpc.config_of(access, "ECS"))
    return [_policy(item) for item in _listed(client, access)]


def _listed(client: Client, access: Access) -> Iterator[Any]:
    number, seen = 1, 0
    while True:
        request = models.DescribeAutoSnapshotPolicyExRequest(
            region_id=access.region, page_number=number, page_size=PER_PAGE
        )
        answer = rpc.called(
            access,
            lambda request=request: client.describe_auto_snapshot_policy_ex_with_options(  # type: ignore[misc] # a lambda's default is not typed
                request, rpc.options()
            ),
            action="ecs:DescribeAutoSnapshotPolicyEx",
            resource=access.region,
        )
        found = answer.body.auto_snapshot_policies
        items = getattr(found, "auto_snapshot_policy", None) or []
        yield from items
        seen, number = seen + len(items), number + 1
        if not items or seen >= int(answer.body.total_count or 0):
            return


def _policy(item: Any) -> NativePolicy:  # noqa: ANN401 - an SDK model, untyped
    return NativePolicy(
        policy_id=str(item.auto_snapshot_policy_id),
        name=str(item.auto_snapshot_policy_name or ""),
        hours=_numbers(item.time_points),
        weekdays=_numbers(item.repeat_weekdays),
    )


def _numbers(text: object) -> tuple[int, ...]:
    """Return the numbers of a JSON list of texts; none if it is something else."""
    try:
        found = json.loads(str(text))
        return tuple(int(one) for one in found)
    except (ValueError, TypeError):
        return ()
