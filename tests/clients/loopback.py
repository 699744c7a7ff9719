"""
Run a script with every `*.localhost` on this machine's loopback address.

    python tests/clients/loopback.py <script> [argument ...]

Clients of SLS put the project in front of the endpoint, as in `backup-project.localhost`.
systemd-resolved and macOS resolve such a name; a bare C library does not.
"""

import runpy
import socket
import sys
from functools import wraps

_resolve = socket.getaddrinfo


@wraps(_resolve)
def _on_loopback(host, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
    name = host.decode() if isinstance(host, bytes) else host
    return _resolve(
        "127.0.0.1" if name and name.endswith(".localhost") else host, *arguments, **named
    )


socket.getaddrinfo = _on_loopback
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
