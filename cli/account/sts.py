"""The only module of the command that imports the SDK of STS: whose credentials these are."""

from __future__ import annotations

from alibabacloud_sts20150401.client import Client

from cli.account import rpc
from cli.account.access import Access


def account_id(access: Access) -> str:
    """Return the id of the caller's account; raises AccountError."""
    client = Client(rpc.config_of(access, "STS"))
    answer = rpc.called(
        access,
        lambda: client.get_caller_identity_with_options(rpc.options()),
        action="sts:GetCallerIdentity",
        resource="",
    )
    return str(answer.body.account_id)
