"""One function that runs beside the caller, in a thread that never keeps the process alive."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Starts a function at once."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._value: list[T] = []
        self._error: BaseException | None = None
        # A daemon: after Ctrl-C, or when the caller failed, nobody waits for its answer.
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value.append(self._act())
        except BaseException as exc:  # noqa: BLE001 - raised where the result is asked for
            self._error = exc

    def result(self) -> T:
        """Return what the function returned, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value[0]
