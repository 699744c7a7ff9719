"""
The errors that SLS answers with, as exceptions.

    SlsError            status, code and message of the answer's envelope

Codes and statuses come from the Log Service API reference ("Common error
codes" and the table at the end of each operation). Where the reference has no
code for a case, the nearest documented one is used, and BEHAVIOUR.md
says so. A code that begins with `Emulator.` never comes from a real cloud.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from emulator.errors import ServiceError


class SlsError(ServiceError):
    """A request to SLS was rejected; becomes `{"errorCode", "errorMessage"}`."""


def envelope(code: str, message: str) -> bytes:
    """Return the body of an error answer ("Common error codes")."""
    return json.dumps({"errorCode": code, "errorMessage": message}).encode()


def parameter_invalid(message: str) -> SlsError:
    """Reject a parameter or a JSON body that the operation cannot use."""
    return SlsError(400, "ParameterInvalid", message)


def not_implemented(message: str) -> SlsError:
    """Reject what the service can do and the emulator cannot."""
    return SlsError(400, "Emulator.NotImplemented", message)


def unknown_parameter(message: str) -> SlsError:
    """Reject a parameter that would otherwise be ignored."""
    return SlsError(400, "Emulator.UnknownParameter", message)


def reject_unknown(given: Mapping[str, object], known: frozenset[str]) -> None:
    """Raise Emulator.UnknownParameter for what would otherwise be ignored."""
    unknown = sorted(set(given) - known)
    if unknown:
        listed = ", ".join(sorted(known)) or "no parameters here"
        raise unknown_parameter(
            f"{', '.join(unknown)}: unknown to the emulator, which knows {listed}."
        )


def unauthorized(message: str) -> SlsError:
    """Reject an unknown access key, or a token that is missing, wrong or expired."""
    return SlsError(401, "Unauthorized", message)


def denied(action: str, resource: str) -> SlsError:
    """Reject what a role's policies do not allow; code and message as users report them."""
    return SlsError(
        401, "Unauthorized", f"denied by sts or ram, action: {action}, resource: {resource}"
    )


def project_not_exist(project: str) -> SlsError:
    """Return the error of a project that does not exist."""
    return SlsError(404, "ProjectNotExist", f"The Project does not exist : {project}")


def logstore_not_exist(logstore: str) -> SlsError:
    """Return the error of a Logstore that does not exist."""
    return SlsError(404, "LogStoreNotExist", f"logstore {logstore} does not exist.")
