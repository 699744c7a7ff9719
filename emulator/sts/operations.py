"""
GetCallerIdentity and AssumeRole.

Source: STS API reference (2015-04-01); fields are those of alibabacloud_sts20150401 1.2.0. That
GetCallerIdentity needs no permission is on its page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from emulator.account import Account
from emulator.credentials import AccessKey
from emulator.operation import Operation, Parameters
from emulator.ram.calls import instant
from emulator.ram.errors import RamError, invalid, not_exist
from emulator.ram.policies import Need
from emulator.rpc import RpcCall
from emulator.rpc import params as read
from emulator.rpc.answers import Answer
from emulator.rpc.service import Act

VERSION = "2015-04-01"
_MIN_S, _DEFAULT_S = 900, 3600
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_SESSION = "session"


def _get_caller_identity(call: RpcCall) -> Callable[[], Answer]:
    account: Account = call.service.account
    answer = _identity(account, call.key)
    return lambda: answer


def _identity(account: Account, key: AccessKey) -> Answer:
    account_id = account.account_id
    if key.role is None:
        return {
            "AccountId": account_id,
            "Arn": f"acs:ram::{account_id}:root",
            "IdentityType": "Account",
            "PrincipalId": account_id,
            "UserId": account_id,
        }
    with account.ram.lock:
        role = account.ram.roles.get(key.role)
    role_id = role.role_id if role else ""
    return {
        "AccountId": account_id,
        "Arn": f"acs:ram::{account_id}:assumed-role/{key.role}/{_SESSION}",
        "IdentityType": "AssumedRoleUser",
        "PrincipalId": f"{role_id}:{_SESSION}",
        "RoleId": role_id,
    }


def _assume_role(call: RpcCall) -> Callable[[], Answer]:
    account: Account = call.service.account
    prefix, name = f"acs:ram::{account.account_id}:role/", _role_name(call)
    session = call.params["RoleSessionName"]
    if not _SESSION_NAME.fullmatch(session):
        raise invalid("RoleSessionName", "it is 2 to 64 letters, digits, '.', '@', '-' and '_'")
    with account.ram.lock:
        roles = {role.name.lower(): role for role in account.ram.roles.values()}
    role = roles.get(name.lower())
    if role is None:
        raise not_exist("Role", call.params["RoleArn"])
    if not role.trusts("RAM", {f"acs:ram::{account.account_id}:root"}):
        raise RamError(
            403,
            "NoPermission",
            "You are not authorized to do this action. The role does not trust the caller.",
        )
    lasts_s = read.integer(call.params, "DurationSeconds") or _DEFAULT_S
    if not _MIN_S <= lasts_s <= role.max_session_s:
        raise invalid("DurationSeconds", f"it is {_MIN_S} to {role.max_session_s}")

    def effect() -> Answer:
        expires_at = account.clock.now() + timedelta(seconds=lasts_s)
        key = account.temporary_key(expires_at, role=role.name)
        return {
            "AssumedRoleUser": {
                "Arn": f"{prefix.replace(':role/', ':assumed-role/')}{role.name}/{session}",
                "AssumedRoleId": f"{role.role_id}:{session}",
            },
            "Credentials": {
                "AccessKeyId": key.access_key_id,
                "AccessKeySecret": key.access_key_secret,
                "SecurityToken": key.security_token,
                "Expiration": instant(expires_at),
            },
        }

    return effect


def _role_name(call: RpcCall) -> str:
    prefix, arn = f"acs:ram::{call.service.account.account_id}:role/", call.params["RoleArn"]
    if not arn.startswith(prefix):
        raise invalid("RoleArn", f"it begins with {prefix}")
    return arn[len(prefix) :]


def _assume_role_needs(call: RpcCall, _act: Act) -> Iterator[Need]:
    account_id = call.service.account.account_id
    yield Need(action="sts:AssumeRole", resource=f"acs:ram:*:{account_id}:role/{_role_name(call)}")


OPERATIONS: Mapping[str, Operation[RpcCall, Act]] = {
    "GetCallerIdentity": Operation(
        name="GetCallerIdentity",
        action="sts:GetCallerIdentity",
        check=_get_caller_identity,
        needs=lambda _call, _act: (),
    ),
    "AssumeRole": Operation(
        name="AssumeRole",
        action="sts:AssumeRole",
        check=_assume_role,
        needs=_assume_role_needs,
        parameters=Parameters(
            required=("RoleArn", "RoleSessionName"),
            honoured=frozenset({"RoleArn", "RoleSessionName", "DurationSeconds"}),
            rejected=frozenset({"Policy", "ExternalId", "SourceIdentity"}),
        ),
    ),
}
