"""Ctrl-C waits until a run is between two steps, where it can be continued exactly."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_running: list["Interrupts"] = []  # of the main thread, the innermost last


def is_running() -> bool:
    """Return whether the main thread is in a run, which :func:`interrupt` lets finish its step."""
    return bool(_running)


def interrupt() -> None:
    """Let another signal, such as SIGTERM, have the effect of Ctrl-C on the innermost run."""
    _running[-1]._press(signal.SIGINT, None)


class Interrupts:
    """A context in which Ctrl-C waits until :meth:`check` raises KeyboardInterrupt.

    A second Ctrl-C, and one in a custom callback, does not wait. Nothing changes outside the main
    thread, where Python handles no signals, and in programs that ignore Ctrl-C.
    """

    def __init__(self) -> None:
        self.pressed = False
        self.waits = True
        self._handler: Any = None  # that of the program, to which Ctrl-C is passed on

    def __enter__(self) -> Self:
        self.pressed, self.waits = False, True
        if threading.current_thread() is threading.main_thread():
            _running.append(self)
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._press)
        return self

    def _press(self, number: int, frame: FrameType | None) -> None:
        repeated, self.pressed = self.pressed, True
        if repeated or not self.waits:
            self.check()

    def run(self, function: Callable[..., object], *arguments: object) -> object:
        """Run custom code, in which Ctrl-C does not wait, because it may take long."""
        self.check()
        self.waits = False
        try:
            return function(*arguments)
        finally:
            self.waits = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C has been pressed."""
        if self.pressed:
            self.pressed = False
            if self._handler is not None:
                self._handler(signal.SIGINT, None)
            raise KeyboardInterrupt  # if the program's handler has raised nothing

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        if self in _running:
            _running.remove(self)
        try:
            if error is None:
                self.check()
        finally:
            self._handler = None
