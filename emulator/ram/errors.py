"""
What RAM and STS reject with.

    RamError            a documented code of RAM
      no_permission     … for a role whose policies do not allow the call

Source of the codes: the error tables of the RAM API reference (2015-05-01).
"""

from __future__ import annotations

from emulator.ram.roles import Decision
from emulator.rpc.errors import RpcError, forbidden


class RamError(RpcError):
    """A request to RAM or STS was rejected."""


def not_exist(kind: str, name: str) -> RamError:
    """Reject what is about a thing that is not there; `kind` is Role, Policy, Role.Policy, …."""
    noun = kind.replace(".", " ").lower()
    return RamError(404, f"EntityNotExist.{kind}", f"The {noun} does not exist: {name}.")


def already_exists(kind: str, name: str) -> RamError:
    """Reject a second thing of one name."""
    noun = kind.replace(".", " ").lower()
    return RamError(409, f"EntityAlreadyExists.{kind}", f"The {noun} already exists: {name}.")


def limit_exceeded(kind: str, most: int) -> RamError:
    """Reject one thing more than there may be."""
    noun = kind.replace(".", " ").lower()
    return RamError(
        409, f"LimitExceeded.{kind}", f"The count of {noun}s is beyond the limit {most}."
    )


def delete_conflict(kind: str, why: str) -> RamError:
    """Reject the deletion of what something else needs."""
    return RamError(409, f"DeleteConflict.{kind}", f"{why}.")


def malformed_document(why: str) -> RamError:
    """Reject a document that cannot be used."""
    return RamError(400, "MalformedPolicyDocument", f"The policy document is invalid: {why}")


def invalid(name: str, rule: str) -> RamError:
    """Reject a value that breaks a rule."""
    return RamError(400, f"InvalidParameter.{name}", f"The parameter {name} is invalid: {rule}.")


def no_permission(decision: Decision, account_id: str) -> RamError:
    """Reject what a role's policies do not allow."""
    error = RamError(
        403,
        "NoPermission",
        "You are not authorized to do this action. You should be authorized by RAM.",
    )
    error.access_denied = forbidden(decision, account_id).access_denied
    return error
