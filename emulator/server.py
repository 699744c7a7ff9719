"""
For other processes: HTTP on loopback, a port for each service, and in it for each region.

Built on the standard library's `http.server`. Werkzeug's server closes every
connection after one answer (serving.py sends `Connection: close`), and WSGI gives
no hand on the socket, which faults need: "drop" closes it without a byte, "hang"
keeps it open in silence. One thread for each connection, HTTP/1.1, kept alive.
"""

from __future__ import annotations

import ipaddress
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from emulator import request_body
from emulator.clock import SystemClock
from emulator.cloud import Cloud
from emulator.scheduler import Worker
from emulator.wire import Request, Response

LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
_MAX_HANG_S = 60.0
_MAX_BODY_BYTES = 140 * 1024 * 1024
"""A function's code, 100 MB, in base64."""
_Handle = Callable[[Request], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a served cloud answers."""

    ecs: Mapping[str, str]
    """By region: `http://127.0.0.1:PORT`."""
    sls: str
    fc: Mapping[str, str]
    """By region, as with ECS; both API versions."""
    oss: Mapping[str, str]
    """By region; buckets are in the path."""
    ram: str
    sts: str
    smq: Mapping[str, str]
    """By region."""

    def variables(self, region_id: str) -> dict[str, str]:
        """Return the variables with this emulator's addresses for a function of a region."""
        ecs = ",".join(f"{region}={url}" for region, url in self.ecs.items())
        return {"ECS_ENDPOINT": ecs, "SLS_ENDPOINT": self.sls, "FC_ENDPOINT": self.fc[region_id]}


@contextmanager
def serve(cloud: Cloud, *, host: str = LOOPBACK, port: int = 0) -> Iterator[Address]:
    """
    Answer on loopback until the block ends.

    Functions that run meanwhile get the addresses. On the machine's own clock timers
    fire and what waits is carried out; on another one, `cloud.tick` and
    `cloud.run_until` do that. At the end, functions' processes end.

    Args:
        cloud: Its regions are those it has now.
        host: An address of this machine's loopback; any other is rejected.
        port: 0 lets the system choose every port. Otherwise the first region's
            ECS gets this one, the other regions in order the next ones, then SLS,
            then the regions' FC, then their OSS, then RAM and STS, then the regions' SMQ.

    Raises:
        ValueError: The host is not loopback, the cloud has no regions yet, or there are
            not as many ports from this one on.
        OSError: A port cannot be had; its file name is the port's address.

    """
    _reject_outside(host)
    ports = ports_of(cloud, port)
    handles: list[_Handle] = [cloud.ecs(region_id).handle for region_id in cloud.regions]
    handles.append(cloud.sls.handle)
    regions = cloud.regions
    handles += [cloud.fc(region_id).handle for region_id in regions]
    handles += [partial(cloud.oss.handle, region_id=region_id) for region_id in regions]
    handles += [cloud.ram_api.handle, cloud.sts.handle]
    handles += [cloud.smq(region_id).handle for region_id in regions]
    with ExitStack() as stack:
        urls = iter(
            [
                stack.enter_context(_listening(handle, host, number))
                for handle, number in zip(handles, ports, strict=True)
            ]
        )
        address = Address(
            ecs=dict(zip(regions, urls, strict=False)),
            sls=next(urls),
            fc=dict(zip(regions, urls, strict=False)),
            oss=dict(zip(regions, urls, strict=False)),
            ram=next(urls),
            sts=next(urls),
            smq=dict(zip(regions, urls, strict=False)),
        )
        stack.enter_context(_running(cloud, address))
        yield address


@contextmanager
def _running(cloud: Cloud, address: Address) -> Iterator[None]:
    """Run functions, with the addresses of the emulator."""
    for region_id in address.fc:
        cloud.fc(region_id).settings.environment.update(address.variables(region_id))
    worker = Worker(cloud) if isinstance(cloud.clock, SystemClock) else None
    if worker:
        worker.start()
    try:
        yield
    finally:
        if worker:
            worker.stop()
        cloud.close()
        for region_id in address.fc:
            for name in address.variables(region_id):
                cloud.fc(region_id).settings.environment.pop(name, None)


def ports_of(cloud: Cloud, port: int) -> list[int]:
    """
    Return the ports that `serve` will ask for, in its order.

    Raises:
        ValueError: The cloud has no regions yet, or there are not as many ports.

    """
    if not cloud.regions:
        raise ValueError("the cloud has no regions yet: name some, as in Cloud(regions=[...])")
    count = 4 * len(cloud.regions) + 3
    if not port:
        return [0] * count
    if port + count - 1 > MAX_PORT:
        raise ValueError(
            f"port {port}: {count} are needed from there on, and the last there is is {MAX_PORT}"
        )
    return list(range(port, port + count))


def _reject_outside(host: str) -> None:
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"host {host!r}: the emulator listens on loopback addresses only")


@contextmanager
def _listening(handle: _Handle, host: str, port: int) -> Iterator[str]:
    try:
        server = _Server(host, port, handle)
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, f"{host}:{port}") from exc
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        server.hang_up()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # Many clients connect at once; the default of 5 would reject some of them.
    request_queue_size = 256
    # On Linux this frees ports in TIME_WAIT only; it never shares a port with another listener.
    allow_reuse_address = True

    def __init__(self, host: str, port: int, handle: _Handle) -> None:
        self.answer = handle
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _Connection)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host's name that the base class makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, for `hang_up`."""
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)

    def hang_up(self) -> None:
        """End every connection that is still open, so that no thread waits on it."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection; carries requests one after the other."""

    protocol_version = "HTTP/1.1"
    # Otherwise a small answer waits up to 40 ms for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
    # Head and body leave together.
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        """Begin to serve the connection."""
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        """Close the connection; the client may have left first."""
        with suppress(OSError):
            super().finish()
        self.server.closed(self.connection)

    def handle(self) -> None:
        """Serve until either side ends it; a client that breaks off is no error here."""
        with suppress(ConnectionError, BrokenPipeError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing, because the emulator records its calls."""

    def answer(self) -> None:
        """Read one request, let the cloud answer it, and send that."""
        body = self._body()
        if body is None:
            return
        response = self.server.answer(self._request(body))
        if response.delay_s:
            time.sleep(response.delay_s)
        if response.transport == "answer":
            self._send(response)
            return
        self.close_connection = True
        if response.transport == "hang":
            # Readable is: the client has left (or talks on), or the server is ending.
            select.select([self.connection], [], [], _MAX_HANG_S)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer  # noqa: N815 - names that http.server looks for

    def _body(self) -> bytes | None:
        """Return the body; None, and the connection ends, if its length is unknown."""
        try:
            return request_body.read(self.headers, self.rfile, max_bytes=_MAX_BODY_BYTES)
        except request_body.BodyError as exc:
            self.send_error(exc.status, exc.reason)
            return None

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            method=self.command,
            host=re.sub(r":\d*$", "", self.headers.get("Host", "")),
            path=parts.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()
