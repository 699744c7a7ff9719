"""
What the service rejects with: one exception, and a constructor for each family of rejections.

    EcsError            a documented code of the service, or of the gateway before it
      .of(code)         … from CreateSnapshot's own table (`codes`)
      missing, …        … from the tables of the other operations and of the gateway
      forbidden         … for a role whose policies do not allow the call
      not_implemented   the emulator's own rejections: codes that begin with "Emulator."

A code that begins with "Emulator." never comes from a real cloud.
"""

from __future__ import annotations

from emulator.ecs.codes import CREATE_SNAPSHOT
from emulator.rpc.errors import RpcError

_FIRST_ROW = {row.code: row for row in reversed(CREATE_SNAPSHOT)}


class EcsError(RpcError):
    """A request to ECS was rejected."""

    @classmethod
    def of(cls, code: str, detail: str = "") -> EcsError:
        """Return the code as CreateSnapshot documents it; `detail` is added behind."""
        row = _FIRST_ROW[code]
        message = detail if row.message == "%s" else f"{row.message} {detail}".rstrip()
        return cls(row.status, code, message)


def invalid_client_token() -> EcsError:
    """Learnt from RunInstances; unconfirmed for CreateSnapshot, whose table has no such row."""
    return EcsError(
        400, "InvalidClientToken.ValueNotSupported", "The ClientToken provided is invalid."
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
