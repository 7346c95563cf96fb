"""The form of a comparison in a file, which is checked before there is one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.comparison.goal import KINDS
from minidl.comparison.run import CURVES
from minidl.nn.losses import LOSSES, lowest
from minidl.optim.named import MODIFIERS
from minidl.schema import (
    MisfitError,
    anything,
    fields,
    in_order,
    integer,
    listed,
    mapped,
    number,
    optional,
    such_that,
    text,
    truth,
)
from minidl.training.record import MOST_EPOCHS  # epochs that a file may name

BOUNDED = {cls.__name__: lowest(cls()) for cls in LOSSES.values()}
SLACK = 1e-9  # how far below 0 rounding may take a loss of 0
POSITIVE = number(lambda value: 0 < value < float("inf"), "a positive number")
SEED = integer(0, 10**100)
SETTING = in_order(number(), optional(number()))
CONTESTANT = fields(
    {
        "name": text,
        "rule": text,
        "batch_size": such_that(
            lambda size: size == "full" or (type(size) is int and size > 0), "a batch size"
        ),
        "own": SETTING,
        "scheduled": truth,
    },
    {"scale": POSITIVE},
)
MODIFIER = in_order(
    such_that(lambda name: name in (*MODIFIERS, "schedule"), "a modifier"),
    such_that(lambda value: type(value) in (int, float, str), "a number or a text"),
)
PLAN = fields(
    {
        "problem": text,
        "network": text,
        "loss": text,
        "rows": integer(1),
        "contestants": listed(CONTESTANT, least=1),
        "tune": such_that(lambda what: what in ("lr", "lr,momentum", "none"), "lr or none"),
        "rates": listed(POSITIVE),
        "momenta": listed(number()),
        "tuning_seeds": listed(SEED, least=1),
        "seeds": listed(SEED, least=1),
        "epochs": integer(0, MOST_EPOCHS),
        "goal": in_order(such_that(lambda kind: kind in KINDS, "a goal"), number()),
        "sustained": integer(1, MOST_EPOCHS),
    },
    {
        "grows": truth,
        "twins": truth,
        "looks": listed(integer(1)),
        "trials": listed(in_order(POSITIVE, number())),
        "modifiers": listed(MODIFIER),
    },
)
ASKED = fields({}, {"plan": mapped(anything), "optimizers": mapped(text)}, rest=anything)


def curve(values: Any, place: str) -> None:
    """Accept a list of at least one number or None, as :func:`listed` would, but much faster."""
    if not isinstance(values, list) or not values:
        raise MisfitError(place, values, "a list of at least one number")
    if not set(map(type, values)) <= {float, int, type(None)}:
        raise MisfitError(place, values, "a list of numbers")
    numbers = np.array(values, dtype=np.float64)
    share = place.endswith("accuracy")
    if np.isinf(numbers).any() or (share and not np.all((numbers >= 0) & (numbers <= 1))):
        raise MisfitError(place, values, "a list of shares" if share else "a list of numbers")


RUN = fields(
    {
        "optimizer": text,
        "setting": SETTING,
        "seed": SEED,
        "curves": fields({"train_loss": curve}, dict.fromkeys((*CURVES, "look_ahead_loss"), curve)),
        "diverged_at": optional(integer(0, MOST_EPOCHS)),
        "updates": integer(),
        "samples": integer(),
        "gradient_evaluations": integer(),
        "seconds": number(lambda seconds: seconds >= 0, "a number >= 0"),
    },
    {"twin": truth, "eager": text},
)
_comparison = fields({"asked": ASKED, "plan": PLAN, "runs": listed(RUN)})
RECORD = fields(
    {
        "protocol": integer(1),
        "versions": mapped(text),
        "command": listed(text),
        "comparisons": listed(mapped(anything), least=1),
    },
    {"sha256": text},
)


def check_comparison(data: Any) -> None:
    """Raise a ValueError unless JSON data are those of a comparison."""
    _comparison(data, "")
    plan, runs = data["plan"], data["runs"]
    for name in ("tuning_seeds", "seeds", "rates"):
        if len(set(plan[name])) < len(plan[name]):
            raise ValueError(f"{name} has one twice")
    if len({c["name"] for c in plan["contestants"]}) < len(plan["contestants"]):
        raise ValueError("two optimizers have the same name")
    kind, value = plan["goal"]
    if not KINDS[kind][1](value) or plan["sustained"] > max(plan["epochs"], 1):
        raise ValueError(f"its goal is {kind}:{value}, for {plan['sustained']} epochs")
    check_runs(plan, runs, data["asked"])
    keys = {(r["optimizer"], *r["setting"], r["seed"], r.get("twin", False)) for r in runs}
    if len(keys) < len(runs):
        raise ValueError("it has a run twice")
    seeds = {*plan["seeds"], *plan["tuning_seeds"]}
    if stray := [run["seed"] for run in runs if run["seed"] not in seeds]:
        raise ValueError(f"it has a run of seed {stray[0]}, which is not in its plan")


def check_runs(plan: Any, runs: Sequence[Any], header: Any) -> None:
    """Raise a ValueError unless runs, which have been checked one by one, are those of a plan.

    `asked` says whether the loss is a custom one, which may be lower than minidl's of that name.
    """
    least = -float("inf")
    if "custom loss" not in str(header.get("data and weights")):
        least = BOUNDED.get(plan["loss"].partition("(")[0], least)
    _check_losses(runs, least - SLACK)
    untuned = {c["name"]: c["own"] for c in plan["contestants"]}
    epochs = plan["epochs"]
    column = KINDS[plan["goal"][0]][0]
    for run in runs:
        lengths = {name: len(values) for name, values in run["curves"].items()}
        rows, diverged = lengths["train_loss"], run["diverged_at"]
        complete = rows == epochs + 1 or run.get("twin", False) or diverged is not None
        if run["optimizer"] not in untuned:
            raise ValueError(f"it has a run of {run['optimizer']!r:.40}, which is not in its plan")
        if (run["setting"][1] is None) != (untuned[run["optimizer"]][1] is None):
            raise ValueError(f"it has a run of {run['optimizer']!r:.40} {_with(run)} a momentum")
        if set(lengths.values()) != {rows} or rows > epochs + 1 or not complete:
            raise ValueError(f"it has a run of {lengths} epochs, of {epochs} and the start")
        if column not in lengths or (diverged is not None and not rows <= diverged <= epochs):
            raise ValueError(f"it has a run without {column}, or that diverged in {diverged}")


def _check_losses(runs: Sequence[Any], least: float) -> None:
    """Raise a ValueError if a loss is lower than it can be."""
    for run in runs:
        for name in ("train_loss", "validation_loss"):
            losses = [loss for loss in run["curves"].get(name, ()) if loss is not None]
            if losses and min(losses) < least:
                raise ValueError(
                    f"it has a run of {run['optimizer']!r:.40} with {name} {min(losses)}"
                )


def _with(run: Any) -> str:
    return "without" if run["setting"][1] is None else "with"


def check_headers(headers: Any) -> None:
    """Raise a ValueError unless JSON data are the headers of a journal."""
    listed(fields({"plan": PLAN}, rest=anything), least=1)(headers, "headers")
