"""The options of train and compare that modify optimizers: clipping, decay, restarts, schedules."""

import argparse
from typing import Any

from minidl.cli import values
from minidl.optim.named import MODIFIERS, SCHEDULES

Group = argparse._ArgumentGroup


def add_modifiers(p: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    add = p.add_argument_group("changes of any optimizer").add_argument
    text = "how the learning rate changes during the run: " + ", ".join(SCHEDULES)
    add("--schedule", metavar="NAME", help=f"{text} (default: it does not)")
    text = "shorten gradients with a larger Euclidean norm to this one"
    add("--clip-norm", metavar="NORM", type=values.number, help=text)
    text = "bring each partial derivative into [-VALUE, VALUE]"
    add("--clip-value", metavar="VALUE", type=values.number, help=text)
    text = "shrink all weights by lr * DECAY in each step, outside the gradient"
    add("--weight-decay", metavar="DECAY", type=values.number, help=text)
    text = "clear the velocity when a step goes uphill (gradient) or the loss rises (function)"
    add("--restart", metavar="WHEN", help=text)


def modifiers_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, as arguments of a Trainer or of compare."""
    names = (*MODIFIERS, "schedule")
    return {name: v for name in names if (v := getattr(options, name)) is not None}
