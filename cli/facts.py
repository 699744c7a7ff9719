"""
What is known of the cloud beyond what the functions need to know: regions.

Tables in `cli/facts/`, each with its source here. Never asks the cloud, never judges.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FACTS = Path(__file__).parent / "facts"


@cache
def ecs_hosts() -> Mapping[str, str]:
    """
    Return every region by its id, with the host that the SDK has for it, empty if it has none.

    Sources: ECS, "Endpoints" (2026-01), with the regions that other products' pages of that name
    add; `_endpoint_map` of alibabacloud_ecs20140526 7.11.8.
    """
    with (FACTS / "regions.csv").open(encoding="utf-8", newline="") as file:
        return {row["region"]: row["ecs_host_of_the_sdk"] for row in csv.DictReader(file)}
