"""Standard output and error, which may be closed, full, or unable to show a letter."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

FAILED, CLOSED = 1, 141  # 141: as of a tool that SIGPIPE has ended, 128 + 13
TOLERANT = ("backslashreplace", "replace", "ignore", "namereplace", "xmlcharrefreplace")


def say(text: str) -> None:
    """Print a line on standard error, if that is possible."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr)


def failed(error: OSError) -> int:
    """Return the exit code after printing has failed; a reader that has gone needs no message."""
    _discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return CLOSED
    say(f"minidl: error: cannot write to standard output: {error.strerror or error}")
    return FAILED


def flushed(code: int, closed: bool) -> int:
    """Return an exit code, of success only if all that was printed has been written."""
    if closed:
        say("minidl: error: cannot write to standard output: it is closed")
        code = code or FAILED
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or failed(error)
    try:
        sys.stderr.flush()
    except OSError:  # of progress and messages
        _discard(sys.stderr)
    return code


@contextlib.contextmanager
def showing_all_letters() -> Iterator[None]:
    r"""Let a letter that an encoding lacks be printed as an escape, such as ``\u4e2d``."""
    with contextlib.ExitStack() as after:
        for stream in (sys.stdout, sys.stderr):
            errors = getattr(stream, "errors", None)
            if errors not in (None, *TOLERANT) and hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
                after.callback(stream.reconfigure, errors=errors)
        yield


@contextlib.contextmanager
def without_closed() -> Iterator[bool]:
    """Put the null device in place of closed streams; yield whether standard output is closed.

    Otherwise the next file to be opened would be given their numbers.
    """
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    if closed:
        while (number := os.open(os.devnull, os.O_RDWR)) < 3:
            pass
        os.close(number)
    with contextlib.ExitStack() as after:
        for name in closed:
            null = after.enter_context(open(os.devnull, "r+"))
            setattr(sys, name, null)
            after.callback(setattr, sys, name, None)
        yield "stdout" in closed


def _discard(stream: Any) -> None:
    """Send what a stream still holds to the null device, or Python would try again at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
