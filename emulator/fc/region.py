"""
One region's FC: what there is, what waits, and how an invocation is carried out.

Never reads or writes the wire; operations do that, and `service` calls them.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from emulator.account import Account
from emulator.clock import Clock
from emulator.fc import logs, timers
from emulator.fc.asynchronous import AsyncQueue, Delivery, Invocation, delivery
from emulator.fc.errors import FcError
from emulator.fc.execution import Executor
from emulator.fc.results import Result
from emulator.fc.settings import FcSettings
from emulator.fc.state import Function, State, Trigger
from emulator.oss import OssService
from emulator.sls import SlsService
from emulator.smq import SmqService

RUN = "Run"
"""The action that a fault names to keep FC from reaching a function, however it was called."""
Spawn = Callable[[Callable[[], None]], None]


class FcRegion:
    """What an operation needs; `state` is touched only under `lock`."""

    def __init__(
        self,
        account: Account,
        region_id: str,
        *,
        sls: SlsService,
        oss: OssService,
        smq: SmqService,
    ) -> None:
        self.account = account
        self.region_id = region_id
        self.sls = sls
        self.oss = oss
        self.smq = smq
        self.settings = FcSettings()
        self.state = State()
        self.lock = threading.RLock()
        self.invocations: list[Invocation] = []
        """Every invocation that reached a function, or waits for it, in order."""
        self.deliveries: list[Delivery] = []
        """What destinations were sent, in order."""
        self.executor = Executor(account, region_id, self.settings)
        self.queue = AsyncQueue(
            clock=account.clock,
            settings=self.settings,
            execute=self._execute,
            deliver=self._deliver,
        )

    @property
    def clock(self) -> Clock:
        """The account's clock."""
        return self.account.clock

    def arn(self, function: Function, *, trigger: Trigger | None = None) -> str:
        """Return the ARN of a function, or of a trigger of it."""
        service = f"services/{function.service_name}/" if function.service else ""
        arn = (
            f"acs:fc:{self.region_id}:{self.account.account_id}:{service}functions/{function.name}"
        )
        return arn if trigger is None else f"{arn}/triggers/{trigger.name}"

    def invoke(self, function: Function, event: bytes, *, request_id: str) -> Result:
        """
        Let a function handle an event now, and return what it says.

        Raises:
            FcError: FC could not run it.

        """
        invocation = self.invocation(
            function, event, caller="InvokeFunction", request_id=request_id
        )
        invocation.asynchronous = False
        invocation.attempt_count = 1
        with self.lock:
            self.invocations.append(invocation)
        try:
            result = self._execute(invocation)
        except FcError as exc:
            invocation.status, invocation.rejection = "Failed", str(exc)
            raise
        invocation.results.append(result)
        invocation.status = "Succeeded" if result.ok else "Failed"
        return result

    def invocation(
        self, function: Function, event: bytes, *, caller: str, request_id: str | None = None
    ) -> Invocation:
        """Return a new invocation, due now; `submit` takes it in."""
        now = self.clock.now()
        return Invocation(
            request_id=request_id or self.account.ids.request().lower(),
            function=function,
            event=event,
            caller=caller,
            submitted_at=now,
            due_at=now,
        )

    def submit(self, invocation: Invocation) -> None:
        """Take an asynchronous invocation in; `tick` carries it out."""
        with self.lock:
            self.invocations.append(invocation)
        self.queue.submit(invocation)

    def next_due(self) -> datetime | None:
        """Return when there is something to do; None is never, as things are."""
        with self.lock:
            timer = timers.next_due(self.state.functions())
        return min(filter(None, (timer, self.queue.next_due())), default=None)

    def tick(self, spawn: Spawn = lambda work: work()) -> bool:
        """
        Fire the timers and try the invocations that are due by now.

        Args:
            spawn: Gets each attempt; by default it is made at once, one after the other.

        Returns:
            Whether there was anything.

        Raises:
            FcError: The emulator cannot run a function (there is no Python for it).

        """
        now = self.clock.now()
        with self.lock:
            fired = list(timers.take_due(self.state.functions(), now))
        for function, trigger, event in fired:
            self.submit(self.invocation(function, event, caller=f"timer/{trigger.name}"))
        due = self.queue.take_due(now)
        for invocation in due:
            spawn(partial(self.queue.attempt, invocation))
        return bool(due)

    def _execute(self, invocation: Invocation) -> Result:
        function = invocation.function
        params = {"functionName": function.name, "serviceName": function.service_name or ""}
        fault = self.account.faults.take(
            service="fc", region=self.region_id, action=RUN, params=params
        )
        if fault is not None:
            raise FcError(fault.status, fault.code, fault.message)
        result = self.executor.run(function, invocation.event, request_id=invocation.request_id)
        logs.write(
            self.sls,
            function,
            result,
            request_id=invocation.request_id,
            asynchronous=invocation.asynchronous,
        )
        return result

    def _deliver(self, invocation: Invocation) -> None:
        arn = self.arn(invocation.function)
        sent = delivery(invocation, function_arn=arn, now=self.clock.now())
        of_timer = invocation.caller.startswith("timer/")
        if sent is None or (of_timer and not self.settings.timers_have_destinations):
            return
        role = invocation.function.role.rpartition("role/")[2]
        known = role if self.account.ram.has_role(role) else None
        body = json.dumps(sent.body)
        if self.settings.base64_destinations:
            body = base64.b64encode(body.encode()).decode()
        self.smq.deliver(sent.destination, body, role=known)
        with self.lock:
            self.deliveries.append(sent)
