"""``minidl conform``: which rule an optimizer in a file implements, as a report."""

import argparse
import io
import json
import sys
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from types import FunctionType
from typing import Any, TextIO

from minidl import optim
from minidl.errors import ArgumentError, UnknownNameError
from minidl.identification.conform import Report, conform
from minidl.optim import source

PATIENCE = 2.0  # seconds without a line


def report(options: argparse.Namespace) -> int:
    """Print the report on an optimizer; return 0 if it conforms, 1 if not."""
    if options.expected is not None:
        optim.lookup(options.expected)  # raises before any code is run
    progress = Progress(sys.stderr)
    printed = io.StringIO()  # what the file's code prints is not in the report
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            step = _load(options.optimizer)
            result = conform(step, options.expected, options.optimizer, progress.on_run)
    except ArgumentError as error:
        if error.__cause__ is None:  # not an error in the file
            raise
        result = Report(options.optimizer, "", "", False, None, {}, str(error))
    print(json.dumps(result.to_dict(), indent=2) if options.json else result)
    return int(not result.conforms)


class Progress:
    """Lines about the runs of a slow optimizer, on the standard error of the command."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream, self.told_at = stream, time.monotonic()

    def on_run(self, done: int, of: int) -> None:
        """Say how many runs are done, if nothing was said for a while."""
        if self.stream is None or time.monotonic() - self.told_at < PATIENCE:
            return
        self.told_at = time.monotonic()
        with suppress(OSError, ValueError):
            print(f"minidl: {done} of {of} runs", file=self.stream, flush=True)


def _load(place: str) -> Any:
    """Return a class or function of a file, or an optimizer by its name."""
    if not source.is_place(place):
        return optim.lookup(place).optimizer
    if place.endswith(".py"):
        place += f":{_only(place)}"
    module, name = source.load(place)
    names = _defined(module)
    if name not in names and not hasattr(module, name):
        raise UnknownNameError(f"optimizer in {place.rpartition(':')[0]}", name, names)
    return getattr(module, name)


def _only(file: str) -> str:
    """Return the only class or function in a file that may be an optimizer."""
    names = _defined(source.load(f"{file}:")[0])
    if len(names) != 1:
        hint = f"Name one: {file}:{names[0] if names else 'CLASS'}."
        raise ArgumentError(f"{file} defines {len(names)} classes and functions", hint=hint)
    return names[0]


def _defined(module: Any) -> list[str]:
    """Return the names of the classes and functions that a module defines."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, (type, FunctionType)) and value.__module__ == module.__name__
    ]
