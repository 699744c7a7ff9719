"""
The system policies that there are here: those that functions and their tools use.

Source: Function Compute, "Policies and sample policies" (the network interface's); Funcraft
(src/lib/ram.js), which attaches the other two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


def _document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]})


SYSTEM_POLICIES: Mapping[str, str] = {
    "AliyunECSNetworkInterfaceManagementAccess": _document(
        "ecs:CreateNetworkInterface",
        "ecs:DeleteNetworkInterface",
        "ecs:DescribeNetworkInterfaces",
        "ecs:CreateNetworkInterfacePermission",
        "ecs:DescribeNetworkInterfacePermissions",
        "ecs:DeleteNetworkInterfacePermission",
    ),
    "AliyunFCInvocationAccess": _document("fc:InvokeFunction"),
    "AliyunLogFullAccess": _document("log:*"),
}
"""By name the document of the one version that each has here."""
