"""The STS endpoint of the account; all regions have the same here."""

from __future__ import annotations

from emulator.account import Account
from emulator.errors import ServiceError
from emulator.ram.errors import no_permission
from emulator.ram.roles import Decision
from emulator.rpc import RpcService
from emulator.sts.operations import OPERATIONS, VERSION


class StsService(RpcService):
    """STS; safe to share between threads."""

    NAME = "sts"
    VERSION = VERSION
    OPERATIONS = OPERATIONS

    def __init__(self, account: Account) -> None:
        super().__init__(account, "")

    def _denied(self, decision: Decision) -> ServiceError:
        return no_permission(decision, self.account.account_id)
