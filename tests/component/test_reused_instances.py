"""One instance handles one invocation after another: nothing of one continues in the next."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.clients.sls import Batch, SlsError, connect
from shared.records.recorder import Recorder
from shared.runtime.context import Credentials, LogTarget
from tests.clocks import FakeClock
from tests.component.world import environment, world_over_http


class Dripping:
    """A server that answers a byte at a time, and never to the end: no read takes too long."""

    def __init__(self, *, headers_only: bool) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._headers_only = headers_only
        self.calls = 0
        self.gone = threading.Event()
        """Set when a client that was being answered went away."""
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._ended.is_set():
            connection, _ = self._socket.accept()
            with connection:
                if not self._ended.is_set():
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        self.calls += 1
        connection.recv(65536)
        try:
            if not self._headers_only:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not self._ended.wait(0.01):
                connection.sendall(b"x")
        except OSError:
            self.gone.set()

    def close(self) -> None:
        self._ended.set()
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()


@contextmanager
def dripping(*, headers_only: bool) -> Iterator[Dripping]:
    server = Dripping(headers_only=headers_only)
    try:
        yield server
    finally:
        server.close()


def senders() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "records"]


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_call_that_hangs_does_not_outlive_its_recorder(*, headers_only: bool) -> None:
    """N10: it is cut off, also in the middle of an answer without an end."""
    out = io.StringIO()
    with dripping(headers_only=headers_only) as server:
        target = LogTarget(endpoint=server.url, project="p", logstore="l")
        logstore = connect(target, Credentials(access_key_id="id", access_key_secret="secret"))
        recorder = Recorder(
            logstore.write,
            clock=FakeClock(),
            common={},
            abandon=logstore.abandon,
            out=out,
            budget_s=0.3,
        )
        with recorder as records:
            records.add({"n": "1"})

        assert senders() == []
        assert server.gone.wait(10)
        assert server.calls == 1
    assert [json.loads(line).get("n") for line in out.getvalue().splitlines()] == [None, "1"]


def test_a_sink_that_comes_back_late_is_not_asked_again() -> None:
    """N10: what cannot be cut off, such as a look-up of a name, at least does nothing more."""
    go_on, out, calls = threading.Event(), io.StringIO(), []

    def sink(batch: Batch) -> None:
        calls.append(batch)
        go_on.wait(10)
        raise SlsError("InternalServerError (500): no", transient=True)

    recorder = Recorder(sink, clock=FakeClock(), common={}, out=out, budget_s=0.1)
    with recorder as records:
        records.add({"n": "1"})
    (left,) = senders()
    printed = out.getvalue()
    go_on.set()
    left.join(10)

    assert not left.is_alive()
    assert len(calls) == 1
    assert out.getvalue() == printed


def test_after_an_invocation_that_hung_the_next_is_as_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """N10: of the one all records are printed, of the other all are in SLS, and none is mixed."""
    with world_over_http(tmp_path) as world, dripping(headers_only=True) as server:
        first, second = world.disks(2)
        # By this clock no time passes: so long may SLS take in all.
        world.timeout_s = 4
        with environment(SLS_ENDPOINT=server.url):
            world.schedule({"key": "one", "disk_ids": [first]})
        assert senders() == []
        printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        world.schedule({"key": "two", "disk_ids": [second]})

        assert server.calls == 1
        kinds = ["sls_write_failed", "part_started", "disk", "part_finished"]
        assert [one["record"] for one in printed] == kinds
        assert capsys.readouterr().out == ""
        assert [one["record"] for one in world.records] == kinds[1:]
        assert {one["trigger_id"] for one in world.records} == {"direct/two"}
