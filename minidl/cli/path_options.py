"""The options of ``minidl paths``."""

import argparse
from collections.abc import Sequence

from minidl.cli import values
from minidl.paths import SURFACES

PATHS = """\
Show how optimizers move on a loss surface: a name, or a formula of x and y.

Printed are how often each crosses the minimum, how far it overshoots and how
many steps it needs. On quadratics, the numbers that theory predicts for
gradient descent, momentum and NAG stand below those that were measured. --plot
draws the paths; of NAG also the two halves of its first steps: along the
velocity to the look-ahead point, then the correction by the gradient there.

examples:
  minidl paths                               gd, momentum and nag in a valley
  minidl paths --surface rosenbrock --plot banana.png
  minidl paths --surface "50*x**2 + y**2/2" --optimizers momentum,nag
  minidl paths --surface "x**2/2" --start 1 --lr 0.1 --steps 40 --plot x.png
  minidl paths --stability map.png           where each of them diverges
"""
# Options of other programs, and what they are here.
OTHER_WORDS = dict.fromkeys(["--function", "--formula", "--problem", "--dataset"], "--surface")
OTHER_WORDS |= dict.fromkeys(["--x0", "--init", "--initial", "--point"], "--start")
OTHER_WORDS |= dict.fromkeys(
    ["--epochs", "--iterations", "--iters", "--max-iter", "--n-steps"], "--steps"
)
SIGNED = ("--surface", "--start")  # whose value may begin with a minus


def add_paths(p: argparse.ArgumentParser) -> None:
    """Add the options of ``minidl paths``."""
    add = p.add_argument
    text = f"""{", ".join(SURFACES)}, or a formula such as "50*x**2 + y**2/2", with + - * / **
        and functions such as exp, log, sin, sqrt, abs, tanh, max (default: valley)"""
    add("--surface", metavar="SURFACE", default="valley", help=text)
    text = """such as momentum,nag, see minidl list, or classes in files: my_file.py:MyAdam; a
        surface has no rows, so all batch sizes are one (default: gd,momentum,nag)"""
    names = values.different("names such as momentum,nag")
    default = ["gd", "momentum", "nag"]
    add("--optimizers", metavar="NAMES", type=names, default=default, help=text)
    text = """learning rate of all of them (default: half of 1/L, where L is the largest curvature
        that a path meets)"""
    add("--lr", type=values.number, help=text)
    text = "momentum, where used (default: 0.9; of rmsprop 0)"
    add("--momentum", type=values.number, help=text)
    text = "where they start, x,y such as -4,1 (default: the usual start of the surface; 1 or 1,1)"
    add("--start", metavar="POINT", type=_point, help=text)
    text = "number of steps (default: 100, on rosenbrock 1000)"
    add("--steps", type=values.integer, help=text)
    text = "draw the paths (.png, .svg, .pdf and others; needs matplotlib)"
    add("--plot", metavar="FILE", help=text)
    text = """draw where gradient descent, momentum and NAG converge, oscillate and diverge, with
        these runs marked (needs matplotlib)"""
    add("--stability", metavar="FILE", help=text)


def _point(text: str) -> list[float]:
    """Return the coordinates of a point."""
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        message = f"must be one or two numbers such as -4,1, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def with_signs(words: Sequence[str]) -> list[str]:
    """Return words with ``--start -4,1`` as ``--start=-4,1``, which argparse needs.

    >>> with_signs(["paths", "--start", "-4,1", "--steps", "9"])
    ['paths', '--start=-4,1', '--steps', '9']
    """
    joined: list[str] = []
    for word in words:
        signed = word.startswith("-") and not word.startswith("--")
        if joined and joined[-1] in SIGNED and signed:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
