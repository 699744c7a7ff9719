"""
Which permission each operation needs, and on which resource.

Source: Function Compute, "RAM policies": the action has the operation's name, resources
are services, functions, triggers. Reads a call that was found good; decides nothing.
"""

from __future__ import annotations

from emulator.fc.operations import Call
from emulator.ram.policies import REQUESTED_REGION, Need


def need(operation: str, call: Call) -> Need:
    """Return the permission that a call needs; what is made or listed is `*` in its place."""
    region = call.region
    resource = f"acs:fc:{region.region_id}:{region.account.account_id}:{_resource(operation, call)}"
    return Need(
        action=f"fc:{operation}",
        resource=resource,
        context={REQUESTED_REGION: region.region_id},
    )


def _resource(operation: str, call: Call) -> str:
    parts = []
    if call.service is not None or operation.endswith(("Service", "Services")):
        parts.append(f"services/{call.service or '*'}")
    if "function" in call.names or operation.endswith(("Function", "Functions")):
        parts.append(f"functions/{call.names.get('function', '*')}")
    if operation.endswith(("Trigger", "Triggers")):
        parts.append(f"triggers/{call.names.get('trigger', '*')}")
    return "/".join(parts) or "*"
