"""What can be typed. Every option, its default and its help stand here, and nothing is done."""

from __future__ import annotations

import argparse

from minidl import __version__
from minidl.cli import commands
from minidl.optim import TABLE, BatchSize

__all__ = ["parser"]

EPILOG = """exit codes:
  0    success
  1    the work failed, for instance a file that cannot be read
  2    the command was wrong
  3    a run diverged (with --fail-on-diverge)
  4    the target was not reached (with --fail-under-target)
  130  interrupted with Ctrl-C; what was finished is kept and printed
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="minidl",
        description="Train toy networks and compare optimizers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"minidl {__version__}")
    sub = top.add_subparsers(dest="command", required=True, metavar="train | compare | list")
    _train(sub.add_parser("train", help="train one network and report the loss of every epoch"))
    _compare(sub.add_parser("compare", help="race optimizers: epochs to converge, over seeds"))
    _list(sub.add_parser("list", help="list what can be named in options"))
    return top


def _train(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=commands.train)
    _data(p)
    names = ", ".join(entry.name for entry in TABLE)
    p.add_argument("--optimizer", default="nag", help=f"{names} (default: nag)")
    _network(p)
    p.add_argument("--initializer", help="by default what suits the activation; see minidl list")
    p.add_argument("--dropout", type=float, default=0.0, help="rate in [0, 1) (default: 0)")
    p.add_argument("--l2", type=float, default=0.0, help="strength of the penalty (default: 0)")
    p.add_argument("--epochs", type=int, default=100, help="default: 100")
    p.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    _target(p, "stop at")
    p.add_argument("--json", metavar="FILE", help="write settings and history; - prints only JSON")
    p.add_argument("--csv", metavar="FILE", help="write the history as a table")
    p.add_argument("--save", metavar="FILE", help="write the trained model (.npz)")
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.add_argument("--fail-on-diverge", action="store_true", help="exit with 3 if the run diverges")
    p.add_argument(
        "--fail-under-target", action="store_true", help="exit with 4 if the target is not reached"
    )


def _compare(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=commands.compare)
    _data(p)
    p.add_argument(
        "--optimizers", type=_words, help="names, separated by commas (default: all six)"
    )
    _network(p)
    p.add_argument("--epochs", type=int, default=50, help="budget of each run (default: 50)")
    p.add_argument(
        "--seeds", type=_seeds, default=10, help="how many, or a list 3,5,8 (default: 10)"
    )
    _target(p, "count epochs until")
    p.add_argument(
        "--sustained", type=int, default=3, help="epochs in a row the target must hold (default: 3)"
    )
    p.add_argument("--json", metavar="FILE", help="write every curve; - prints only JSON")
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.add_argument("--fail-on-diverge", action="store_true", help="exit with 3 if a run diverges")
    p.add_argument(
        "--fail-under-target", action="store_true", help="exit with 4 if a run misses the target"
    )


def _list(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=commands.list_names)
    p.add_argument("what", choices=list(commands.LISTS), help="what to list")


def _data(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("data")
    group.add_argument("--dataset", default="moons", help="a name or a CSV or NPZ file (moons)")
    group.add_argument("--rows", type=int, help="of a generated set (default: 1000)")
    group.add_argument("--noise", type=float, help="of a generated set")
    group.add_argument(
        "--test-size", type=float, default=0.25, help="share held out (default: .25)"
    )
    group.add_argument("--target-column", type=_column, help="of a file: name, or number from 0")
    group.add_argument("--task", help="of a file: classification or regression")


def _network(p: argparse.ArgumentParser) -> None:
    p.add_argument("--lr", type=float, default=0.1, help="learning rate (default: 0.1)")
    p.add_argument(
        "--momentum", type=float, default=0.9, help="of optimizers that have it (default: 0.9)"
    )
    p.add_argument(
        "--batch-size",
        type=_batch_size,
        help="rows per update, or full (default: its own)",
    )
    group = p.add_argument_group("network")
    group.add_argument(
        "--hidden", type=_widths, default=(16, 16), help='widths, or "none" (default: 16,16)'
    )
    group.add_argument("--activation", default="tanh", help="default: tanh")
    group.add_argument("--loss", help="by default what suits the task")


def _target(p: argparse.ArgumentParser, what: str) -> None:
    group = p.add_mutually_exclusive_group()
    group.add_argument("--target-loss", type=float, help=f"{what} this training loss")
    group.add_argument("--target-accuracy", type=float, help=f"{what} this training accuracy")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _widths(text: str) -> tuple[int, ...]:
    return () if text.strip().lower() in ("", "none") else tuple(map(int, _words(text)))


def _batch_size(text: str) -> BatchSize:
    return "full" if text.strip().lower() == "full" else int(text)


def _seeds(text: str) -> int | list[int]:
    return [int(word) for word in _words(text)] if "," in text else int(text)


def _column(text: str) -> str | int:
    return int(text) if text.lstrip("-").isdigit() else text


# argparse shows these names when the text cannot be read
_widths.__name__ = "widths such as 16,16"
_batch_size.__name__ = "batch size"
_seeds.__name__ = "seeds"
