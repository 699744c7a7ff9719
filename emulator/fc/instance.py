"""
One instance: an operating system process of its own, frozen between requests.

Starts `bootstrap` under the right Python, isolated (`-I -S -B`): on its path are the
standard library and the package, and nothing is written beside the code. Holds each
request to its time and its memory. Memory is the process's resident size, read from
/proc, so it is watched on Linux only.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_BOOTSTRAP = Path(__file__).parent / "bootstrap.py"
_LENGTHS = struct.Struct(">II")
_LOOK_S = 0.02
"""How often memory and time are checked."""
_CHUNK = 65536
_BYTES_PER_MB = 1024 * 1024

End = Literal["answered", "timeout", "memory", "exited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one request to an instance."""

    end: End
    ok: bool = False
    """Whether the handler returned; only of an answer."""
    broken: bool = False
    """Whether the instance is of no more use, although it answered."""
    body: bytes = b""
    output: bytes = b""
    """What the process wrote to stdout and stderr meanwhile."""
    duration_ms: float = 0.0
    memory_mb: int = 0
    """The largest resident size that the process has had, in MiB."""


@dataclass(slots=True, kw_only=True)
class _Exchange:
    to_send: memoryview
    answer: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    end: End | None = None
    peak_mb: int = 0


class Instance:
    """A process that serves one request at a time; a used one is frozen."""

    def __init__(
        self, *, instance_id: str, python: str, code: Path, environment: Mapping[str, str]
    ) -> None:
        self.instance_id = instance_id
        self._home = Path(tempfile.mkdtemp(prefix="fc-instance-"))
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._output, output = os.pipe()
        private = {"HOME": str(self._home), "TMPDIR": str(self._home), "TZ": "UTC"}
        self._process = subprocess.Popen(  # noqa: S603 - the target's own interpreter
            [python, "-I", "-S", "-B", "-u", str(_BOOTSTRAP), str(requests), str(answers), code],
            cwd=code,
            env={**private, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(requests, answers),
            start_new_session=True,
        )
        for theirs in (requests, answers, output):
            os.close(theirs)
        for mine in (self._requests, self._answers, self._output):
            os.set_blocking(mine, False)
        self._closed = False

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can serve, frozen or not."""
        return not self._closed and self._process.poll() is None

    def ask(
        self, head: Mapping[str, object], body: bytes, *, timeout_s: float, memory_mb: int
    ) -> Reply:
        """
        Let it serve one request; it is thawed before and frozen after.

        An instance that did not answer in its time and memory is dead afterwards.
        """
        started = time.monotonic()
        text = json.dumps(head).encode()
        frame = _LENGTHS.pack(len(text), len(body)) + text + body
        exchange = _Exchange(to_send=memoryview(frame))
        self._signal(signal.SIGCONT)
        self._converse(exchange, deadline=started + timeout_s, memory_mb=memory_mb)
        duration_ms = (time.monotonic() - started) * 1000
        if exchange.end == "answered":
            self._freeze()
        else:
            self._kill()
        self._drain(exchange)
        if exchange.end != "answered":
            self.close()
        return _reply(exchange, duration_ms)

    def kill(self) -> None:
        """End the process only; whoever asks it sees that, and closes it."""
        if not self._closed:
            self._kill()

    def close(self) -> None:
        """End the process and remove what was its own; again is nothing."""
        if self._closed:
            return
        self._closed = True
        self._kill()
        for mine in (self._requests, self._answers, self._output):
            os.close(mine)
        shutil.rmtree(self._home, ignore_errors=True)

    def _converse(self, exchange: _Exchange, *, deadline: float, memory_mb: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_WRITE)
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            while exchange.end is None:
                ready = {int(key.fd) for key, _ in selector.select(_LOOK_S)}
                if self._requests in ready and not self._send(exchange):
                    selector.unregister(self._requests)
                if self._output in ready and not self._read_output(exchange):
                    selector.unregister(self._output)
                if self._answers in ready:
                    self._read_answer(exchange)
                self._watch(exchange, deadline=deadline, memory_mb=memory_mb)

    def _send(self, exchange: _Exchange) -> bool:
        """Send what fits; whether there is more to send."""
        try:
            sent = os.write(self._requests, exchange.to_send[:_CHUNK])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        exchange.to_send = exchange.to_send[sent:]
        return len(exchange.to_send) > 0

    def _read_answer(self, exchange: _Exchange) -> None:
        chunk = _read(self._answers)
        if chunk == b"":
            exchange.end = "exited"
        elif chunk:
            exchange.answer += chunk
            if _is_whole(exchange.answer):
                exchange.end = "answered"

    def _read_output(self, exchange: _Exchange) -> bool:
        """Take what was written; whether there can be more."""
        chunk = _read(self._output)
        exchange.output += chunk or b""
        return chunk != b""

    def _watch(self, exchange: _Exchange, *, deadline: float, memory_mb: int) -> None:
        exchange.peak_mb = max(exchange.peak_mb, self._peak_mb())
        if exchange.peak_mb > memory_mb and exchange.end in (None, "answered"):
            exchange.end = "memory"
        elif exchange.end is None and time.monotonic() > deadline:
            exchange.end = "timeout"

    def _peak_mb(self) -> int:
        with suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return -(-int(line.split()[1]) * 1024 // _BYTES_PER_MB)
        return 0

    def _drain(self, exchange: _Exchange) -> None:
        while chunk := _read(self._output):
            exchange.output += chunk

    def _freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        # Returns once it really stands still, or has ended; takes nothing from `Popen`.
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to what it has started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def _read(descriptor: int) -> bytes | None:
    """Return what is there; empty at the end, None if there is nothing yet."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def _is_whole(answer: bytearray) -> bool:
    if len(answer) < _LENGTHS.size:
        return False
    head_length, body_length = _LENGTHS.unpack_from(answer)
    return len(answer) >= _LENGTHS.size + int(head_length) + int(body_length)


def _reply(exchange: _Exchange, duration_ms: float) -> Reply:
    about: dict[str, bool] = {}
    body = b""
    if exchange.end == "answered":
        head_length, _ = _LENGTHS.unpack_from(exchange.answer)
        split = _LENGTHS.size + head_length
        about = json.loads(exchange.answer[_LENGTHS.size : split])
        body = bytes(exchange.answer[split:])
    return Reply(
        end=exchange.end or "exited",
        ok=about.get("ok", False),
        broken=about.get("broken", False),
        body=body,
        output=bytes(exchange.output),
        duration_ms=duration_ms,
        memory_mb=exchange.peak_mb,
    )
