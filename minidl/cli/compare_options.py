"""The options that ``minidl compare`` alone has, and how they are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from minidl.optim import BatchSize

__all__ = [
    "EXAMPLES",
    "add_compared",
    "add_problems",
    "add_protocol",
    "batch_size",
    "one_of",
    "several",
]

Group = argparse._ArgumentGroup
EXAMPLES = """\
Compare optimizers: how many epochs each needs to converge, and how sure that is.

Every optimizer is trained at every learning rate of a grid. Some seeds choose the target and each
optimizer's learning rate; other seeds judge. Two verdicts are given of each pair: "swap the flag",
at one learning rate; and "tuned against tuned", each at its own best.

examples:
  minidl compare --quick                            gd, momentum and nag on moons
  minidl compare --quick --dataset circles --optimizers momentum,nag
  minidl compare --quick --lr 0.1                   nothing is tuned: the flag is swapped, once
  minidl compare --problems moons,circles --profile --out study.json
  minidl compare --from study.json --plot study.png
"""


def add_problems(p: Group) -> None:
    """Add the option for several problems."""
    p.add_argument(
        "--problems",
        metavar="NAMES",
        type=_problems,
        help="instead of --dataset several of them, such as moons,circles,iris",
    )


def add_compared(parser: argparse.ArgumentParser) -> None:
    """Add what is compared, but for the data."""
    p = parser.add_argument_group("what is compared")
    p.add_argument(
        "--optimizers",
        metavar="NAMES",
        type=_names,
        help="such as momentum,nag; see minidl list (default: gd,momentum,nag, and then"
        " batch,stochastic,gd, which differ in batch size)",
    )
    p.add_argument(
        "--batch-size",
        metavar="ROWS",
        type=_batch_sizes,
        help="rows per update, or full; several such as full,32 are compared one after the other"
        " (default: 32)",
    )


def add_protocol(p: argparse.ArgumentParser) -> None:
    """Add how it is compared, and what comes of it."""
    _protocol(p.add_argument_group("how"))
    _rates(p.add_argument_group("learning rates"))
    _outcome(p.add_argument_group("what comes of it"))


def _protocol(p: Group) -> None:
    p.add_argument(
        "--quick",
        action="store_true",
        help="smaller defaults: 60 epochs, 12 seeds, 4 for tuning, 8 learning rates",
    )
    p.add_argument(
        "--target",
        default="gap:0.1",
        help="what counts as converged. gap:0.1: all but 10 %% of the way from the first training"
        " loss to the best found. Or loss:0.05, accuracy:0.97, both of the training rows, or"
        " validation-accuracy:0.95 (default: gap:0.1)",
    )
    p.add_argument(
        "--sustained",
        metavar="EPOCHS",
        type=int,
        default=3,
        help="for how many epochs in a row the target must hold (default: 3)",
    )
    p.add_argument("--epochs", type=int, help="budget of each run, which it uses up (default: 400)")
    p.add_argument(
        "--seeds",
        type=_seeds,
        help="how many seeds judge, or which: 3,5,8 (and 3, for seed 3 alone; default: 20)",
    )
    p.add_argument(
        "--tuning-seeds",
        metavar="SEEDS",
        type=_seeds,
        help="how many other seeds settle the target and what is tuned, or which (default: 10)",
    )
    p.add_argument(
        "--jobs", type=int, default=-1, help="processes (default: -1, one for each processor)"
    )


def _rates(p: Group) -> None:
    p.add_argument(
        "--tune",
        metavar="WHAT",
        type=_tune,
        help="what is chosen for each optimizer: lr, or lr,momentum, or none (default: lr, or none"
        " if --lr is one number)",
    )
    p.add_argument(
        "--lr",
        metavar="RATES",
        type=_numbers,
        help="learning rates to choose from, such as 0.03,0.1,0.3; or one for all (default: twelve"
        " from 2^-8 to 2^3, and more while an end is best; 0.1 with --tune none)",
    )
    p.add_argument(
        "--momentum",
        type=_numbers,
        help="of optimizers that have it (default: 0.9; with --tune lr,momentum a choice of"
        " 0.5,0.9,0.95,0.99)",
    )


def _outcome(p: Group) -> None:
    p.add_argument(
        "--out",
        metavar="FILE",
        help="write every curve as JSON. Each finished block is kept in FILE.part, so the same"
        " command goes on after a kill. - prints the JSON, and nothing else",
    )
    p.add_argument(
        "--from",
        metavar="FILE",
        dest="source",
        help="print what a file of --out says, without training",
    )
    p.add_argument("--plot", metavar="FILE", help="draw it (.png, .svg, .pdf; needs matplotlib)")
    p.add_argument(
        "--profile", action="store_true", help="sum up several problems in one more table"
    )
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.add_argument(
        "--fail-on-diverge",
        action="store_true",
        help="exit with 3 if a run that judges diverges, at the chosen rate",
    )
    p.add_argument(
        "--fail-under-target",
        action="store_true",
        help="exit with 4 if one of those misses the target",
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _names(text: str) -> list[str]:
    return _once(text, several(text, "names such as momentum,nag", str))


def _problems(text: str) -> list[str]:
    return _once(text, several(text, "data sets or files such as moons,circles", str))


def _tune(text: str) -> str:
    return ",".join(sorted(_words(text.lower())))  # lr comes before momentum


def several(text: str, what: str, of: Callable[[str], Any], gaps: bool = True) -> list[Any]:
    """Return what stands between commas, each read by `of`, or tell what was expected.

    With `gaps` nothing may stand between two of them, or behind the last.
    """
    try:
        found = [of(word) for word in (_words(text) if gaps else text.split(","))]
    except ValueError:
        found = []
    if not found:
        raise argparse.ArgumentTypeError(f"expected {what}: got {text!r}")
    return found


def _once(text: str, found: list[Any]) -> list[Any]:
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"expected each once: got {text!r}")
    return found


def _numbers(text: str) -> float | list[float]:
    found = several(text, "a number, or several such as 0.03,0.1,0.3", float)
    return found if "," in text else float(found[0])


def _seeds(text: str) -> int | list[int]:
    found = several(text, "a number of seeds, or a list such as 3,5,8", int)
    return found if "," in text else int(found[0])


def one_of(text: str, what: str, of: Callable[[str], Any]) -> Any:
    """Return the only one."""
    found = several(text, what, of)
    if len(found) > 1:
        raise argparse.ArgumentTypeError(f"expected {what}: got {text!r}")
    return found[0]


def batch_size(word: str) -> BatchSize:
    """Return a number of rows, or "full"."""
    return "full" if word.lower() == "full" else int(word)


def _batch_sizes(text: str) -> Sequence[BatchSize]:
    what = "a number of rows, or full, or several such as full,32"
    return _once(text, several(text, what, batch_size))
