"""The RAM endpoint of the account, which has no regions."""

from __future__ import annotations

from emulator.account import Account
from emulator.errors import ServiceError
from emulator.ram.errors import no_permission
from emulator.ram.operations import OPERATIONS, VERSION
from emulator.ram.roles import Decision
from emulator.rpc import RpcService


class RamService(RpcService):
    """RAM's own API; the state is the account's `ram`. Safe to share between threads."""

    NAME = "ram"
    VERSION = VERSION
    OPERATIONS = OPERATIONS

    def __init__(self, account: Account) -> None:
        super().__init__(account, "")

    def _denied(self, decision: Decision) -> ServiceError:
        return no_permission(decision, self.account.account_id)
