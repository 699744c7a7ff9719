"""
Which right each operation needs, and on which resource.

Source: Log Service, "Action list" (2021), and the resources that refusals of the service
name. Reads a call that was found good; decides nothing.
"""

from __future__ import annotations

from emulator.ram.policies import REQUESTED_REGION, Need
from emulator.sls.operations import Call, Checked

_ACTIONS = {
    "CreateIndex": "log:CreateIndex",
    "CreateLogStore": "log:CreateLogStore",
    "CreateProject": "log:CreateProject",
    "DeleteIndex": "log:DeleteIndex",
    "DeleteLogStore": "log:DeleteLogStore",
    "DeleteProject": "log:DeleteProject",
    "GetCursor": "log:GetCursorOrData",
    "GetCursorTime": "log:GetCursorOrData",
    "GetHistograms": "log:GetLogStoreHistogram",
    "GetIndex": "log:GetIndex",
    "GetLogStore": "log:GetLogStore",
    "GetLogs": "log:GetLogStoreLogs",
    "GetProject": "log:GetProject",
    "ListLogStore": "log:ListLogStores",
    "ListProject": "log:ListProject",
    "ListShards": "log:ListShards",
    "PullLogs": "log:GetCursorOrData",
    "PutLogs": "log:PostLogStoreLogs",
    "UpdateIndex": "log:UpdateIndex",
    "UpdateLogStore": "log:UpdateLogStore",
}
_OF_THE_PROJECT = ("CreateProject", "DeleteProject", "GetProject", "ListProject")


def need(operation: str, call: Call, checked: Checked) -> Need:
    """
    Return the right that a call needs.

    Its region is the host's; on loopback no region is named, and only a pattern with `*` in
    that place covers it.
    """
    project = checked.params["project"] or "*"
    resource = f"acs:log:{call.region_id}:{call.account_id}:project/{project}"
    if operation not in _OF_THE_PROJECT:
        resource += f"/logstore/{checked.params['logstore'] or '*'}"
    return Need(
        action=_ACTIONS[operation],
        resource=resource,
        context={REQUESTED_REGION: call.region_id},
    )
