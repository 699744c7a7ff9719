"""
The errors that FC answers with, as exceptions.

    FcError             status, code and message of the answer's envelope

Codes and statuses come from Function Compute's "Error codes" (2016-08-15 and
2023-03-30). Where they have no code for a case, the nearest one is used, and
BEHAVIOUR.md says so. A code that begins with `Emulator.` never comes from a
real cloud.
"""

from __future__ import annotations

from emulator.errors import ServiceError


class FcError(ServiceError):
    """A request to FC was rejected; each API version has its own envelope for it."""


def invalid_argument(message: str) -> FcError:
    """Reject a parameter, or a body that cannot be used."""
    return FcError(400, "InvalidArgument", message)


def not_implemented(message: str) -> FcError:
    """Reject what the service can do and the emulator cannot."""
    return FcError(400, "Emulator.NotImplemented", message)


def unknown_parameter(message: str) -> FcError:
    """Reject a parameter that would otherwise be ignored."""
    return FcError(400, "Emulator.UnknownParameter", message)


def precondition_failed() -> FcError:
    """Reject to change what is not as the caller saw it."""
    return FcError(412, "PreconditionFailed", "the resource to be modified has been changed")


def access_denied(action: str, resource: str) -> FcError:
    """Reject what the key's role may not do; the form of the message was not confirmed."""
    return FcError(
        403, "AccessDenied", f"the caller is not authorized to perform '{action}' on '{resource}'"
    )


def role_not_assumed(why: str) -> FcError:
    """Reject an invocation whose role FC may not take; code and status are ours."""
    return FcError(403, "AccessDenied", f"FC cannot assume the role of the function: {why}")


def service_not_found(service: str) -> FcError:
    """Return the error of a service that does not exist."""
    return FcError(404, "ServiceNotFound", f"service '{service}' does not exist")


def function_not_found(function: str, service: str | None) -> FcError:
    """Return the error of a function that does not exist; FC 3.0 has no services."""
    where = "" if service is None else f" in service '{service}'"
    return FcError(404, "FunctionNotFound", f"function '{function}' does not exist{where}")


def trigger_not_found(trigger: str, function: str) -> FcError:
    """Return the error of a trigger that does not exist."""
    return FcError(
        404, "TriggerNotFound", f"trigger '{trigger}' does not exist in function '{function}'"
    )


def already_exists(kind: str, name: str) -> FcError:
    """Reject to make a thing twice; the kind is Service, Function or Trigger."""
    return FcError(409, f"{kind}AlreadyExists", f"{kind.lower()} '{name}' already exists")


def not_empty(kind: str, name: str, of: str) -> FcError:
    """Reject to delete what still has something in it."""
    return FcError(409, f"{kind}NotEmpty", f"{kind.lower()} '{name}' has active {of}")
