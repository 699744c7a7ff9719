"""
The one account of an emulator: what all services share, and the keys that it gives out.

Never knows a service: a service gets the account, as the one thing that it shares with others.
"""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime, timedelta

from emulator.call_log import CallLog
from emulator.clock import Clock, SystemClock
from emulator.credentials import AccessKey, AccessKeys
from emulator.faults import Faults
from emulator.ids import Ids
from emulator.ram import Ram
from emulator.ram.entities import FUNCTION_COMPUTE

ACCOUNT_ID = "1234567890123456"


class Account:
    """The account; safe to share between threads."""

    def __init__(
        self, account_id: str = ACCOUNT_ID, *, clock: Clock | None = None, seed: int = 0
    ) -> None:
        """
        Create an account.

        Args:
            account_id: Its id, of digits.
            clock: The clock of all its services; None is the machine's.
            seed: Two accounts with one seed give the same ids and keys in the same order.

        """
        self.account_id = account_id
        self.clock = clock or SystemClock()
        self.ids = Ids(seed)
        self.keys = AccessKeys()
        self.ram = Ram(self.clock.now)
        self.faults = Faults()
        self.calls = CallLog()
        self._seed = seed
        self._temporary = itertools.count(1)

    def permanent_key(self) -> AccessKey:
        """Return the key of the account itself, which the seed determines; not known yet."""
        label = f"{self._seed}/permanent"
        return AccessKey(
            access_key_id=f"LTAI5t{_letters(label, 'id')[:18]}",
            access_key_secret=_letters(label, "secret")[:30],
        )

    def temporary_key(
        self, expires_at: datetime | None = None, *, role: str | None = None
    ) -> AccessKey:
        """Return a new STS key of a role, or of the account; None never expires."""
        label = f"{self._seed}/temporary/{next(self._temporary)}"
        return self.keys.add(
            AccessKey(
                access_key_id=f"STS.{_letters(label, 'id')[:24]}",
                access_key_secret=_letters(label, "secret")[:44],
                security_token=f"CAIS{_letters(label, 'token')}",
                expires_at=expires_at,
                role=role,
            )
        )

    def function_key(self, role: str, lasts_s: float) -> AccessKey:
        """
        Return the key that a function with a role signs with; empty without a role.

        Raises:
            UnknownRoleError: Function Compute may not take the role.

        """
        if not role:
            return AccessKey(access_key_id="", access_key_secret="")
        name = role.rpartition("role/")[2]
        is_known = self.ram.has_role(name)
        if is_known or self.ram.needs_known_roles:
            self.ram.check_service(name, FUNCTION_COMPUTE)
        # A role that was never made has no policies that could bind the key.
        expires_at = self.clock.now() + timedelta(seconds=lasts_s)
        return self.temporary_key(expires_at, role=name if is_known else None)

    def upload_key(self, bucket: str, lasts_s: float) -> AccessKey:
        """Return a key that may put objects under the account's id, and do nothing else."""
        allowed = {
            "Effect": "Allow",
            "Action": "oss:PutObject",
            "Resource": f"acs:oss:*:*:{bucket}/{self.account_id}/*",
        }
        role = f"uploads-to-{bucket}"
        self.ram.add_role(role, [{"Version": "1", "Statement": [allowed]}])
        return self.temporary_key(self.clock.now() + timedelta(seconds=lasts_s), role=role)


def _letters(label: str, kind: str) -> str:
    """Return 64 letters and digits, the same for the same arguments."""
    return hashlib.sha256(f"{label}/{kind}".encode()).hexdigest()
