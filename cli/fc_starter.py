"""
Starts deployed functions asynchronously, for commands that send them an event.

`shared.clients.fc` makes the calls, as for the functions themselves. Never waits for a function.
"""

from __future__ import annotations

from dataclasses import dataclass

from cli.account.access import Access
from cli.deployment.names import Names
from shared.clients.fc import Fc
from shared.clients.fc_errors import FcError
from shared.runtime.clock import Clock
from shared.runtime.context import Credentials, FunctionName
from shared.runtime.settings import FcApi

START_S = 30.0
"""How long starting a function may take, with its tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the functions are, as `Fc` needs it."""

    credentials: Credentials
    region: str
    account_id: str
    fc_endpoint: str | None
    fc_api: FcApi | None
    clock: Clock
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FcStarter:
    """The functions of one deployment."""

    access: Access
    account_id: str
    names: Names
    clock: Clock
    fun: bool
    """They were deployed with Fun, to FC 2.0."""

    def start(self, folder: str, event: bytes, *, invocation_id: str) -> str:
        """
        Start a function, and return the request id of the invocation.

        Args:
            folder: The function, by the name of its folder.
            event: What it gets.
            invocation_id: In task mode FC accepts each id once.

        Raises:
            DuplicateInvocationError: FC has this id already.
            FcError: It was not started, as far as is known.

        """
        place = _Place(
            credentials=self.access.credentials,
            region=self.access.region,
            account_id=self.account_id,
            fc_endpoint=self.access.endpoints.get("FC"),
            fc_api="2.0" if self.fun else "3.0",
            clock=self.clock,
            ends=self.clock.monotonic() + START_S,
        )
        service = self.names.service(folder) if self.fun else ""
        name = FunctionName(service=service, name=self.names.function(folder))
        return Fc(place).start(name, event, invocation_id=invocation_id)


def not_started(error: FcError) -> str:
    """Return why a function was not started, with the setting that holds FC's host."""
    hint = "" if error.http_status else "; check the network; FC_ENDPOINT sets the host"
    return f"{error}{hint}"
