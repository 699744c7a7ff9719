"""
The resource on which an operation needs its permission.

Source: Log Service, "Action list" (2021), and the resources that errors of the service
name. Reads a valid call; decides nothing.
"""

from __future__ import annotations

import re

from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.sls.operations import Call, Checked


def need(action: str, call: Call, checked: Checked) -> Need:
    """
    Return the permission on what a call is about: a Logstore, a dashboard, a job, the project.

    Its region is the host's; on loopback no region is named, and only a pattern with `*` in
    that place covers it.
    """
    account = f"acs:log:{call.region_id}:{call.account_id}"
    project, name = checked.params["project"] or "*", checked.params.get("name", "*")
    if "ResourceRecord" in action:
        # Of all regions ("Use resource groups for fine-grained access control").
        resource = f"acs:log:*:{call.account_id}:resource/{name}"
    elif action.endswith("Project"):
        resource = f"{account}:project/{project}"
    elif action.endswith(("Dashboard", "Job", "Jobs", "Alert", "Alerts")):
        kind = re.sub(r"^log:[A-Z][a-z]+|s$", "", action).lower()
        resource = f"{account}:project/{project}/{kind}/{name}"
    else:
        resource = f"{account}:project/{project}/logstore/{checked.params['logstore'] or '*'}"
    return Need(
        action=action,
        resource=resource,
        context={REQUESTED_REGION: call.region_id},
    )
