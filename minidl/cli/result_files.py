"""Files before words: every command writes its files, each though another failed, then prints."""

import contextlib
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import NamedTuple

from minidl.cli.output import FAILED, failed, say
from minidl.cli.signals import INTERRUPTED, SIGNALS
from minidl.errors import MinidlError
from minidl.files import atomic_write

PICTURES = ("plot", "report", "stability")  # may take long, so a signal ends each of them
Writers = Mapping[str, Callable[[], None]]


class Written(NamedTuple):
    """The options whose files are missing, and the exit code for that, 0 if there are none."""

    failed: set[str]
    code: int


def write_all(options: Namespace, writers: Writers) -> Written:
    """Call what writes each requested file; print errors, and return the options that failed.

    An error that no file explains is raised when all have been tried.
    """
    unwritten, unexpected, code = set(), [], 0
    for name, write in writers.items():
        if getattr(options, name) in (None, "-"):
            continue
        try:
            with SIGNALS.once() if name in PICTURES else contextlib.nullcontext():
                write()
            continue
        except (MinidlError, OSError) as error:
            code = FAILED
            say(f"minidl {options.command}: error: --{name}: {error}")
        except KeyboardInterrupt:
            code = code or INTERRUPTED
            say(f"minidl {options.command}: --{name}: interrupted, so it is not written")
        except Exception as error:
            unexpected.append(error)
        unwritten.add(name)
    if unexpected:
        raise unexpected[0]
    return Written(unwritten, code)


def printed(show: Callable[[], None]) -> int:
    """Print the result; return the exit code, 0 only if all of it was written."""
    try:
        show()
        sys.stdout and sys.stdout.flush()
    except OSError as error:
        return failed(error)
    return 0


def write_text(file: str, text: str) -> None:
    """Write a text file, which is replaced."""
    with atomic_write(file, "w") as stream:
        stream.write(text)
