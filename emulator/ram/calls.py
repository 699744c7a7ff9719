"""What the operations of RAM have in common: the state they act on, names, instants, pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from emulator.account import Account
from emulator.ram.entities import Policy, PolicyKey, PolicyType, Role
from emulator.ram.errors import invalid, malformed_document, not_exist
from emulator.ram.policies import PolicyError, statements
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.errors import invalid_parameter
from emulator.rpc.service import Act

MAX_DOCUMENT_LENGTH = 6144
"""Of a policy (RAM, "CreatePolicy", PolicyDocument)."""
MAX_DESCRIPTION_LENGTH = 1024
_ROLE_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}")
_POLICY_NAME = re.compile(r"[A-Za-z0-9-]{1,128}")
_DEFAULT_PAGE, _MAX_PAGE = 100, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RamCall:
    """One call: the account, and its parameters."""

    account: Account
    params: read.Params

    @property
    def now(self) -> datetime:
        """Return the instant by the cloud's clock."""
        return self.account.clock.now()

    def role(self) -> Role:
        """Return the role of RoleName; raises EntityNotExist.Role."""
        name = self.params["RoleName"]
        found = self.account.ram.roles.get(name)
        if found is None:
            raise not_exist("Role", name)
        return found

    def policy_key(self) -> PolicyKey:
        """Return the type and the name of a policy; without a type it is the account's own."""
        kind = self.params.get("PolicyType", "Custom")
        if kind not in ("System", "Custom"):
            raise invalid("PolicyType", "it is System or Custom")
        typed: PolicyType = "System" if kind == "System" else "Custom"
        return typed, self.params["PolicyName"]

    def policy(self) -> Policy:
        """Return the policy that the parameters name; raises EntityNotExist.Policy."""
        key = self.policy_key()
        found = self.account.ram.policies.get(key)
        if found is None:
            raise not_exist("Policy", key[1])
        return found


def locked(check: Callable[[RamCall], Callable[[], Answer]]) -> Callable[[RamCall], Act]:
    """
    Return an operation that is checked and carried out in one, under the lock.

    So permissions and faults come before what there is: a caller without permissions does not
    learn which roles exist.
    """

    def checked(call: RamCall) -> Act:
        def effect() -> Answer:
            with call.account.ram.lock:
                return check(call)()

        return effect

    return checked


def role_name(params: read.Params) -> str:
    """Return a name for a new role."""
    name = params["RoleName"]
    if not _ROLE_NAME.fullmatch(name):
        raise invalid("RoleName", "it is 1 to 64 letters, digits, '.' and '-'")
    return name


def policy_name(params: read.Params) -> str:
    """Return a name for a new policy."""
    name = params["PolicyName"]
    if not _POLICY_NAME.fullmatch(name):
        raise invalid("PolicyName", "it is 1 to 128 letters, digits and '-'")
    return name


def description(params: read.Params, name: str = "Description") -> str:
    """Return a description."""
    text = params.get(name, "")
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise invalid(name, f"it has at most {MAX_DESCRIPTION_LENGTH} characters")
    return text


def document(params: read.Params) -> str:
    """Return a policy's document."""
    text = params["PolicyDocument"]
    if len(text) > MAX_DOCUMENT_LENGTH:
        raise invalid("PolicyDocument.Length", f"it has at most {MAX_DOCUMENT_LENGTH} characters")
    try:
        statements(json.loads(text))
    except PolicyError as exc:
        raise malformed_document("; ".join(str(exc).splitlines())) from exc
    except ValueError as exc:
        raise malformed_document(f"no JSON: {exc}") from exc
    return text


def page(params: read.Params, items: Sequence[Mapping[str, object]], key: str, one: str) -> Answer:
    """Return a part of a listing: `MaxItems` (1 to 1000), and `Marker` to go on from."""
    most = read.integer(params, "MaxItems") or _DEFAULT_PAGE
    if not 1 <= most <= _MAX_PAGE:
        raise invalid("MaxItems", f"it is 1 to {_MAX_PAGE}")
    marker = params.get("Marker", "0")
    if not marker.isdecimal():
        raise invalid_parameter("Marker", "it is that of the answer before")
    end = int(marker) + most
    answer: dict[str, object] = {key: {one: list(items[int(marker) : end])}, "IsTruncated": False}
    return answer if end >= len(items) else {**answer, "IsTruncated": True, "Marker": str(end)}


def instant(at: datetime) -> str:
    """Return an instant as this API writes it."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
