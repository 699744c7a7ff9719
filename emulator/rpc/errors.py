"""
The errors that the gateway in front of every RPC service answers with.

    RpcError            a documented code of the gateway
      forbidden         … for a role whose policies do not allow the call
      not_implemented   the emulator's own: codes that begin with "Emulator."

A code that begins with "Emulator." never comes from a real cloud.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.errors import ServiceError
from emulator.ram import Decision


class RpcError(ServiceError):
    """A request to a service of the RPC style was rejected."""

    access_denied: Mapping[str, str] | None = None
    """The AccessDeniedDetail of the answer; None if it has none."""


def not_implemented(what: str, known: str) -> RpcError:
    """Reject what the service documents and the emulator does not do."""
    return RpcError(
        400, "Emulator.NotImplemented", f"The emulator does not implement {what}. {known}"
    )


def unknown_parameter(name: str, action: str, known: str) -> RpcError:
    """Reject a parameter that the documentation does not have; the real service ignores it."""
    return RpcError(
        400, "Emulator.UnknownParameter", f"{action} documents no parameter {name}. {known}"
    )


def forbidden(decision: Decision, account_id: str) -> RpcError:
    """
    Learnt from the common error codes, and from AccessDeniedDetail in the models of SDKs.

    The message names neither action nor resource; the detail names the action.
    """
    error = RpcError(
        403,
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource,"
        " or this API doesn't support RAM.",
    )
    error.access_denied = {
        "AuthAction": decision.need.action,
        "AuthResource": decision.need.resource,
        "AuthPrincipalType": "AssumedRoleUser",
        "AuthPrincipalDisplayName": f"{decision.role}:session",
        "AuthPrincipalOwnerId": account_id,
        "NoPermissionType": decision.kind,
        "PolicyType": "AccountLevelIdentityBasedPolicy",
    }
    return error


def unreadable(why: str) -> RpcError:
    """Reject a request that is no request to the service at all."""
    return RpcError(400, "Emulator.UnreadableRequest", why)


def two_values(name: str, one: str, other: str) -> RpcError:
    """Reject a parameter that says two things."""
    return unreadable(
        f"The parameter {name} came with two values, {one!r} and {other!r}: which one counts is"
        " not documented; send one of them."
    )


def missing(name: str) -> RpcError:
    """Learnt from DeleteSnapshot's table of error codes; used for every operation."""
    return RpcError(
        400,
        "MissingParameter",
        f"The input parameter {name} that is mandatory for processing this request is not"
        " supplied.",
    )


def invalid_parameter(name: str, rule: str) -> RpcError:
    """Learnt from the common error codes; the form with the name behind it is unconfirmed."""
    return RpcError(
        400, f"InvalidParameter.{name}", f"The specified parameter {name} is not valid: {rule}."
    )


def invalid_version(version: str, known: str) -> RpcError:
    """Learnt from the gateway's error codes."""
    return RpcError(
        400,
        "InvalidVersion",
        f"Specified parameter Version is not valid: {version!r}; here it is {known}.",
    )


def unknown_action(action: str, known: str) -> RpcError:
    """Learnt from the gateway's error codes."""
    return RpcError(
        404,
        "InvalidAction.NotFound",
        "Specified api is not found, please check your url and method."
        f" The emulator has no {action!r}; it has {known}.",
    )
