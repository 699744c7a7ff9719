"""
The resource on which an operation needs its permission.

Source: Log Service, "Action list" (2021), and the resources that errors of the service
name. Reads a valid call; decides nothing.
"""

from __future__ import annotations

from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.sls.operations import Call, Checked


def need(action: str, call: Call, checked: Checked) -> Need:
    """
    Return the permission on the Logstore that a call is about, or on the project if on none.

    Its region is the host's; on loopback no region is named, and only a pattern with `*` in
    that place covers it.
    """
    project = checked.params["project"] or "*"
    resource = f"acs:log:{call.region_id}:{call.account_id}:project/{project}"
    if not action.endswith("Project"):
        resource += f"/logstore/{checked.params['logstore'] or '*'}"
    return Need(
        action=action,
        resource=resource,
        context={REQUESTED_REGION: call.region_id},
    )
