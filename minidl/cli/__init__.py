"""The command line: ``minidl train``, ``minidl compare`` and ``minidl list``.

Results go to standard output, progress and errors to standard error. Exit codes: 0 success, 1 the
work failed (such as a file that cannot be read), 2 the command was wrong, 130 interrupted; and
when asked for, 3 diverged and 4 target not reached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from minidl.errors import ArgumentError, MinidlError, UnknownNameError

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["main"]

FAILED, WRONG, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``minidl``; those of the process by default.

    Examples
    --------
    >>> main(["list", "losses"])  # doctest: +ELLIPSIS
    mean_squared_error ...
    0
    """
    try:
        from minidl.cli.parser import parse

        options = parse(arguments)
        return _run(options)
    except KeyboardInterrupt:
        print("minidl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: Namespace) -> int:
    """Run a command; say what is wrong with it, or with its files, in a sentence."""
    from minidl.cli.parser import options_of
    from minidl.cli.wording import as_typed

    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except (MinidlError, OSError) as error:
        text = str(error)
        if isinstance(error, MinidlError):
            text = as_typed(text, options_of(options.parser))
        print(f"minidl {options.command}: error: {text}", file=sys.stderr)
        return WRONG if isinstance(error, (ArgumentError, UnknownNameError)) else FAILED
