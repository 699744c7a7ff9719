"""A callable in the place of a package: FC treats it as any other function."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from emulator import Cloud, ManualClock
from emulator.fc.bootstrap import FCContext
from emulator.fc.callables import EndedError
from emulator.fc.instance import End

START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(clock=ManualClock(START))


def test_a_callable_gets_event_and_context_and_its_answer_is_the_functions(cloud: Cloud) -> None:
    """Name, time limit and a key of its own for each execution, which the cloud knows."""
    keys = []

    def handler(event: bytes, context: FCContext) -> object:
        keys.append(context.credentials.access_key_id)
        return {"event": event.decode(), "name": context.function.name}

    function = cloud.fc().add_function("f", handler, timeout=77)

    first, _ = cloud.fc().invoke(function, b"1"), cloud.fc().invoke(function, b"2")

    assert first.ok
    assert json.loads(first.body) == {"event": "1", "name": "f"}
    assert len(set(keys)) == 2
    assert all(cloud.keys.find(key) for key in keys)


def test_an_exception_is_answered_as_that_of_a_process(cloud: Cloud) -> None:
    """Message and class, as for code that runs in an instance."""

    def handler(_event: bytes, _context: FCContext) -> object:
        raise ValueError("no")

    result = cloud.fc().invoke(cloud.fc().add_function("f", handler))

    assert result.error_type == "UnhandledInvocationError"
    assert json.loads(result.body)["errorType"] == "ValueError"


@pytest.mark.parametrize(
    ("end", "kind"),
    [("exited", "FunctionUnhandledError"), ("timeout", "FunctionTimeoutError")],
)
def test_a_callable_says_when_fc_would_have_ended_it(cloud: Cloud, end: End, kind: str) -> None:
    """Such an execution is delivered again like any that failed."""
    ends = [end]

    def handler(_event: bytes, _context: FCContext) -> object:
        if ends:
            raise EndedError(ends.pop())
        return "done"

    function = cloud.fc().add_function("f", handler)
    cloud.fc().submit(function)
    cloud.run_until(START + timedelta(minutes=5))

    [invocation] = cloud.fc().invocations
    assert invocation.status == "Succeeded"
    assert [result.kind for result in invocation.results] == [kind, ""]
