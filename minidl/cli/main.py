"""Run a command: results go to standard output, progress and errors to standard error."""

from argparse import Namespace
from collections.abc import Callable, Collection, Sequence

from minidl.cli.output import FAILED, failed, flushed, say, showing_all_letters, without_closed
from minidl.errors import ArgumentError, MinidlError, TableError, UnknownNameError

WRONG, INTERRUPTED = 2, 130
# Options that are not spelled like the argument they are passed to.
SPELLINGS = {"n": "--rows", "loss": "--target-loss", "accuracy": "--target-accuracy"}
SPELLINGS |= {"patience": "--early-stopping", "batchings": "--batch-sizes"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; ``minidl --help`` lists the codes.

    `arguments` are the words after ``minidl``, by default those of the process.

    Examples
    --------
    >>> main(["list", "losses"])  # doctest: +ELLIPSIS
    mean_squared_error ...
    0
    """
    interrupted: Callable[[int], int] = int  # the exit code, given that of Ctrl-C
    try:
        from minidl.cli.signals import SIGNALS

        interrupted = SIGNALS.exit_code
        with without_closed() as closed, showing_all_letters(), SIGNALS:
            try:
                code = _command(arguments)
            except SystemExit as end:  # of argparse, which has printed the help or an error
                raise SystemExit(flushed(int(end.code or 0), closed)) from None
            return SIGNALS.exit_code(flushed(code, closed))
    except KeyboardInterrupt:
        return interrupted(INTERRUPTED)


def _command(arguments: Sequence[str] | None) -> int:
    """Run a command; return its exit code, also if it is interrupted or nobody reads it."""
    from minidl.cli.options import parse

    try:
        try:
            options = parse(arguments)
        except OSError as error:  # of the help or the version, without a buffer
            return failed(error)
        return _run(options)
    except KeyboardInterrupt:
        say("minidl: interrupted")
        return INTERRUPTED
    except BrokenPipeError as error:  # the reader, such as head, has closed the pipe
        return failed(error)


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
        return command(options)
    except BrokenPipeError:
        raise
    except (MinidlError, OSError) as error:
        say(f"minidl {options.command}: error: {message(error, options.flags)}")
        return WRONG if isinstance(error, (ArgumentError, UnknownNameError)) else FAILED


def message(error: Exception, flags: Collection[str]) -> str:
    """Return the message of an error, with an option in place of the argument's name."""
    if isinstance(error, TableError):
        return error.typed
    if not isinstance(error, ArgumentError) or error.argument is None:
        return str(error)
    default = "--" + error.argument.replace("_", "-")
    options = (SPELLINGS.get(error.argument, default), default)
    return next((error.named(option) for option in options if option in flags), str(error))
