"""The command line: ``minidl train``, ``minidl compare`` and ``minidl list``.

Results go to standard output, progress and errors to standard error. Exit codes: 0 success, 1 the
work failed (such as a file that cannot be read), 2 the command was wrong, 130 interrupted; and
when asked for, 3 diverged and 4 target not reached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from minidl.errors import ArgumentError, MinidlError, UnknownNameError

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
    from minidl.cli.parser import parse

    options = parse(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("minidl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (ArgumentError, UnknownNameError) as error:
        print(f"minidl {options.command}: error: {error}", file=sys.stderr)
        return WRONG
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MinidlError, OSError) as error:
        print(f"minidl {options.command}: error: {error}", file=sys.stderr)
        return FAILED
