"""Starts the command, and ends it on Ctrl+C: also while what it consists of is still loaded."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit status after Ctrl+C, as shells have it: 128 and the number of the signal."""


def run() -> None:
    """Run the command; Ctrl+C ends it with 130 and one line."""
    try:
        from cli.app import app  # noqa: PLC0415 - a tenth of a second, in which Ctrl+C may come

        app()
    except KeyboardInterrupt:
        _say_so()
        sys.exit(INTERRUPTED)
    except SystemExit as exc:
        if exc.code == INTERRUPTED:
            _say_so()
        raise


def _say_so() -> None:
    sys.stderr.write("interrupted\n")


if __name__ == "__main__":
    run()
