"""Run a command: results go to standard output, progress and errors to standard error."""

import os
import sys
from argparse import Namespace
from collections.abc import Collection, Sequence

from minidl.errors import ArgumentError, MinidlError, TableError, UnknownNameError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
# Options that are not spelled like the argument they are passed to.
SPELLINGS = {"n": "--rows", "loss": "--target-loss", "accuracy": "--target-accuracy"}
SPELLINGS["patience"] = "--early-stopping"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; ``minidl --help`` lists the codes.

    `arguments` are the words after ``minidl``, by default those of the process.

    Examples
    --------
    >>> main(["list", "losses"])  # doctest: +ELLIPSIS
    mean_squared_error ...
    0
    """
    try:
        from minidl.cli.options import parse

        return _run(parse(arguments))
    except KeyboardInterrupt:
        print("minidl: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: Namespace) -> int:
    """Run a command, or print its error; only ``compare`` imports the comparison and SciPy."""
    if options.command == "train":
        from minidl.cli.train import train as command
    elif options.command == "predict":
        from minidl.cli.predict import predict as command
    elif options.command == "compare":
        from minidl.cli.compare import compare as command
    elif options.command == "paths":
        from minidl.cli.paths import paths as command
    elif options.command == "doctor":
        from minidl.cli.doctor import doctor as command
    elif options.command == "conform":
        from minidl.cli.conform import report as command
    else:
        from minidl.cli.listing import list_names as command
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except (MinidlError, OSError) as error:
        print(f"minidl {options.command}: error: {_message(error, options.flags)}", file=sys.stderr)
        return WRONG if isinstance(error, (ArgumentError, UnknownNameError)) else FAILED


def _message(error: Exception, flags: Collection[str]) -> str:
    """Return the message of an error, with an option in place of the argument's name."""
    if isinstance(error, TableError):
        return error.typed
    if not isinstance(error, ArgumentError) or error.argument is None:
        return str(error)
    default = "--" + error.argument.replace("_", "-")
    options = (SPELLINGS.get(error.argument, default), default)
    return next((error.named(option) for option in options if option in flags), str(error))
