"""What can be typed. Every option, its default and its help stand here, and nothing is done."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence

from minidl import __version__
from minidl.cli import commands, compare_options, comparing
from minidl.cli.compare_options import EXAMPLES, batch_size, one_of, several
from minidl.optim import TABLE, BatchSize

__all__ = ["options_of", "parse", "parser"]

COMMANDS = {"train": commands.train, "compare": comparing.compare, "list": commands.list_names}

# What one command calls otherwise than the next one does.
ELSEWHERE: dict[str, dict[str, str]] = {
    "train": {"--out": "--json", "--target": "--target-loss", "--seeds": "--seed"},
    "compare": {
        "--json": "--out",
        "--target-loss": "--target loss:VALUE",
        "--target-accuracy": "--target accuracy:VALUE",
    },
    "list": {},
}
EPILOG = """exit codes:
  0    success
  1    the work failed, for instance a file that cannot be read
  2    the command was wrong
  3    a run diverged (with --fail-on-diverge)
  4    the target was not reached (with --fail-under-target)
  130  interrupted with Ctrl-C; what was finished is kept and printed
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; what is none is refused with the nearest one, and the exit code 2."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options, unknown = parser().parse_known_args(words)
    options.words = words
    if unknown:
        typed = unknown[0].split("=")[0]
        near = difflib.get_close_matches(typed, options_of(options.parser), n=1)
        if other := ELSEWHERE[options.command].get(typed):
            near = [other]
        hint = f". Did you mean {near[0]!r}?" if near else ""
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return options


def options_of(p: argparse.ArgumentParser) -> list[str]:
    """Return all options of a command, such as ``--lr``."""
    return re.findall(r"--[a-z0-9-]+", p.format_usage())


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="minidl",
        allow_abbrev=False,
        description="Train toy networks and compare optimizers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"minidl {__version__}")
    sub = top.add_subparsers(dest="command", required=True, metavar="train | compare | list")
    for name, what, add_options in (
        ("train", "train one network and report its loss", _train),
        ("compare", "compare optimizers: epochs to converge, over seeds", _compare),
        ("list", "list what can be named in options", _list),
    ):
        command = sub.add_parser(
            name,
            allow_abbrev=False,
            help=what,
            description=EXAMPLES if name == "compare" else f"{what[0].upper()}{what[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=COMMANDS[name], parser=command)
        add_options(command)
    return top


def _train(p: argparse.ArgumentParser) -> None:
    _data(p)
    names = ", ".join(entry.name for entry in TABLE)
    p.add_argument("--optimizer", metavar="NAME", default="nag", help=f"{names} (default: nag)")
    _step(p)
    _network(p)
    p.add_argument(
        "--initializer",
        metavar="NAME",
        help="of the weights, see minidl list (default: what suits the activation)",
    )
    p.add_argument("--dropout", type=float, default=0.0, help="rate in [0, 1) (default: 0)")
    p.add_argument("--l2", type=float, default=0.0, help="strength of the penalty (default: 0)")
    p.add_argument("--epochs", type=int, default=100, help="how many at most (default: 100)")
    p.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    _target(p, "stop at")
    p.add_argument("--json", metavar="FILE", help="write settings and history; - prints only JSON")
    p.add_argument("--csv", metavar="FILE", help="write the history as a table")
    p.add_argument("--save", metavar="FILE", help="write the model and its inputs' scale (.npz)")
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.add_argument("--fail-on-diverge", action="store_true", help="exit with 3 if the run diverges")
    p.add_argument(
        "--fail-under-target", action="store_true", help="exit with 4 if the target is not reached"
    )


def _compare(p: argparse.ArgumentParser) -> None:
    compare_options.add_compared(p)
    _data(p, several=True)
    _network(p)
    compare_options.add_protocol(p)


def _list(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", nargs="?", choices=list(commands.LISTS), help="all of them by default")


def _data(p: argparse.ArgumentParser, several: bool = False) -> None:
    group = p.add_argument_group("data")
    group.add_argument(
        "--dataset",
        metavar="NAME",
        default=None if several else "moons",  # to tell whether it was typed
        help="see minidl list; or a CSV or NPZ file (default: moons)",
    )
    if several:
        compare_options.add_problems(group)
    group.add_argument("--rows", type=int, help="how many to generate (default: 1000)")
    group.add_argument("--noise", type=float, help="of a generated set (default: its own)")
    group.add_argument(
        "--test-size",
        metavar="SHARE",
        type=float,
        default=0.25,
        help="share held out (default: 0.25)",
    )
    group.add_argument(
        "--target-column",
        metavar="COLUMN",
        type=_column,
        help="of a file: name, or position from 0, -1 being the last"
        " (default: target, label, class or y)",
    )
    group.add_argument(
        "--task", help="of a file: classification or regression (default: what the target says)"
    )


def _step(p: argparse.ArgumentParser) -> None:
    p.add_argument("--lr", type=float, default=0.1, help="learning rate (default: 0.1)")
    p.add_argument(
        "--momentum", type=float, default=0.9, help="of optimizers that have it (default: 0.9)"
    )
    p.add_argument(
        "--batch-size",
        metavar="ROWS",
        type=_batch_size,
        help="rows per update, or full (default: the optimizer's, see minidl list)",
    )


def _network(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("network")
    group.add_argument(
        "--hidden",
        metavar="WIDTHS",
        type=_widths,
        default=(16, 16),
        help="of the hidden layers, or none (default: 16,16)",
    )
    group.add_argument(
        "--activation", metavar="NAME", default="tanh", help="see minidl list (default: tanh)"
    )
    group.add_argument(
        "--loss", metavar="NAME", help="see minidl list (default: what suits the task)"
    )


def _target(p: argparse.ArgumentParser, what: str) -> None:
    group = p.add_mutually_exclusive_group()
    group.add_argument(
        "--target-loss", metavar="LOSS", type=float, help=f"{what} this training loss"
    )
    group.add_argument(
        "--target-accuracy",
        metavar="SHARE",
        type=float,
        help=f"{what} this training accuracy, from 0 to 1",
    )


def _widths(text: str) -> tuple[int, ...]:
    if text.strip().lower() in ("", "none"):
        return ()
    return tuple(several(text, "widths such as 16,16, or none", int, gaps=False))


def _batch_size(text: str) -> BatchSize:
    found: BatchSize = one_of(text, "a number of rows, or full", batch_size)
    return found


def _column(text: str) -> str | int:
    return int(text) if re.fullmatch("-?[0-9]+", text) else text
