"""SIGTERM and SIGHUP are answered like Ctrl-C, and none of them loses a model."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

from minidl.training.interrupts import interrupt, is_running

INTERRUPTED, CLOSED = 130, 141
ENDING = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class Signals:
    """A context in which a signal that ends a program raises KeyboardInterrupt.

    A run that is training first finishes its step. While :meth:`held`, a signal is only noted, so
    that a second one cannot end the command before the model is saved. Signals that are ignored,
    as with nohup, or that the program handles itself, stay so.
    """

    def __init__(self) -> None:
        self.number = 0  # of the first signal
        self.holding = self.ending = False  # whether signals are noted, and after one are
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.number, self._before = 0, {}
        self.holding = self.ending = False
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                handler = signal.getsignal(number)
                if handler in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = signal.signal(number, self._answer)
        return self

    def _answer(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        if number != signal.SIGINT and is_running():
            interrupt()
        elif not self.holding:
            self.holding = self.ending
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Only note signals outside the steps of a run, which they still end."""
        self.holding = True
        try:
            yield
        finally:
            self.holding = False

    @contextlib.contextmanager
    def once(self) -> Iterator[None]:
        """Let the first signal raise KeyboardInterrupt, and only note further ones from then on."""
        previous, self.holding, self.ending = self.holding, False, True
        try:
            yield
        finally:
            self.holding, self.ending = previous, False

    def exit_code(self, code: int) -> int:
        """Return 128 + the number of the signal, unless the command has failed otherwise."""
        signalled = self.number and code in (0, INTERRUPTED, CLOSED)
        return 128 + self.number if signalled else code

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


SIGNALS = Signals()  # of the process
