"""
What the service refuses with: one exception, and a constructor for each family of refusals.

    EcsError            a documented code of the service, or of the gateway before it
      .of(code)         … from CreateSnapshot's own table (`codes`)
      missing, …        … from the tables of the other operations and of the gateway
      forbidden         … for a role whose policies do not allow the call
      not_implemented   the emulator's own refusals: codes that begin with "Emulator."

A code that begins with "Emulator." never comes from a real cloud.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.ecs.codes import CREATE_SNAPSHOT
from emulator.errors import ServiceError
from emulator.ram import Decision

_FIRST_ROW = {row.code: row for row in reversed(CREATE_SNAPSHOT)}


class EcsError(ServiceError):
    """A request to ECS was rejected."""

    access_denied: Mapping[str, str] | None = None
    """What the envelope's AccessDeniedDetail says; None where it has none."""

    @classmethod
    def of(cls, code: str, detail: str = "") -> EcsError:
        """Return the code as CreateSnapshot documents it; `detail` is added behind."""
        row = _FIRST_ROW[code]
        message = detail if row.message == "%s" else f"{row.message} {detail}".rstrip()
        return cls(row.status, code, message)


def not_implemented(what: str, known: str) -> EcsError:
    """Refuse what the service documents and the emulator does not do."""
    return EcsError(
        400, "Emulator.NotImplemented", f"The emulator does not implement {what}. {known}"
    )


def unknown_parameter(name: str, action: str, known: str) -> EcsError:
    """Refuse a parameter that the documentation does not have; the real service ignores it."""
    return EcsError(
        400, "Emulator.UnknownParameter", f"{action} documents no parameter {name}. {known}"
    )


def forbidden(decision: Decision, account_id: str) -> EcsError:
    """
    Learnt from the common error codes, and from AccessDeniedDetail in the models of SDKs.

    The message names neither action nor resource; the detail names the action.
    """
    error = EcsError(
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


def unreadable(why: str) -> EcsError:
    """Refuse a request that is no ECS request at all."""
    return EcsError(400, "Emulator.UnreadableRequest", why)


def two_values(name: str, one: str, other: str) -> EcsError:
    """Refuse a parameter that says two things."""
    return unreadable(
        f"The parameter {name} came with two values, {one!r} and {other!r}: which one counts is"
        " not documented; send one of them."
    )


def missing(name: str) -> EcsError:
    """Learnt from DeleteSnapshot's table of error codes; used for every operation."""
    return EcsError(
        400,
        "MissingParameter",
        f"The input parameter {name} that is mandatory for processing this request is not"
        " supplied.",
    )


def invalid_parameter(name: str, rule: str) -> EcsError:
    """Learnt from the common error codes; the form with the name behind it is unconfirmed."""
    return EcsError(
        400, f"InvalidParameter.{name}", f"The specified parameter {name} is not valid: {rule}."
    )


def invalid_client_token() -> EcsError:
    """Learnt from RunInstances; unconfirmed for CreateSnapshot, whose table has no such row."""
    return EcsError(
        400, "InvalidClientToken.ValueNotSupported", "The ClientToken provided is invalid."
    )


def invalid_version(version: str) -> EcsError:
    """Learnt from the gateway's error codes."""
    return EcsError(
        400,
        "InvalidVersion",
        f"Specified parameter Version is not valid: {version!r}; here it is 2014-05-26.",
    )


def unknown_action(action: str, known: str) -> EcsError:
    """Learnt from the gateway's error codes."""
    return EcsError(
        404,
        "InvalidAction.NotFound",
        "Specified api is not found, please check your url and method."
        f" The emulator has no {action!r}; it has {known}.",
    )


def dry_run() -> EcsError:
    """Learnt from DescribeSnapshots: a dry run that passed is answered with an error."""
    return EcsError(
        400, "DryRunOperation", "Request validation has been passed with DryRun flag set."
    )


def no_such_snapshot(snapshot_id: str) -> EcsError:
    """Learnt from DeleteSnapshot's table of error codes."""
    return EcsError(
        404,
        "InvalidSnapshotId.NotFound",
        f"The specified snapshot is not found: {snapshot_id}.",
    )


def no_such_region(region_id: str, here: str) -> EcsError:
    """Learnt from TagResources' table of error codes."""
    return EcsError(
        404,
        "InvalidRegionId.NotFound",
        f"The specified RegionId does not exist: {region_id!r}; this endpoint serves {here!r}.",
    )
