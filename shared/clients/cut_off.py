"""
HTTP sessions whose calls another thread can end, also while they wait for an answer.

The timeout of `requests` restarts with each byte, so a server that sends a byte now and then keeps
a call open forever. Python cannot end a thread, but it can shut down the thread's connections.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from shared.clients.no_redirects import NoRedirectSession


class _Connections:
    """The connections of one session; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._is_cut = False

    def add(self, connection: HTTPConnection) -> None:
        with self._lock:
            if not self._is_cut:
                self._open.add(connection)
                return
        connection.close()
        raise OSError("the session was cut off")

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            connections = list(self._open)
        for connection in connections:
            if isinstance(connection.sock, socket.socket):
                with contextlib.suppress(OSError):  # closed by now
                    connection.sock.shutdown(socket.SHUT_RDWR)


def _pools(connections: _Connections) -> dict[str, type[HTTPConnectionPool]]:
    """Return connection pools by scheme; each new connection is added to `connections`."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            connections.add(self)
            super().connect()
            connections.add(self)  # because `cut` could not shut it down without a socket

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            connections.add(self)
            super().connect()
            connections.add(self)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": Pool, "https": SecurePool}


class _Adapter(HTTPAdapter):
    def __init__(self, connections: _Connections) -> None:
        self._pools = _pools(connections)
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as `requests` has it
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:  # noqa: ANN401 - as `requests` has it
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


class CuttableSession(NoRedirectSession):
    """A session that can be cut off: its current calls fail then, and so do later ones."""

    def __init__(self) -> None:
        super().__init__()
        self._connections = _Connections()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(self._connections))

    def cut_off(self) -> None:
        """End the session, from any thread; a second call has no effect."""
        self._connections.cut()
