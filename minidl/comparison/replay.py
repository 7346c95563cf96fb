"""Train the runs of one seed again, keeping the weights of every epoch for pictures."""

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl import nn
from minidl.autograd import Array
from minidl.comparison.engine import engine_of
from minidl.comparison.executor import trainer_of
from minidl.comparison.identity import custom_code, shown
from minidl.comparison.modifiers import Modifiers, modify
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.problem import Model, Problem, Source
from minidl.comparison.result import Comparison, MadeWith
from minidl.comparison.run import Run, Setting
from minidl.datasets import DATASETS, Dataset
from minidl.errors import (
    ArgumentError,
    DataError,
    DivergenceWarning,
    MinidlError,
    UntrainedWarning,
    WorseLossWarning,
)
from minidl.keywords import answers
from minidl.nn import Layer
from minidl.nn.activations import ACTIVATIONS
from minidl.nn.losses import LOSSES
from minidl.optim import Optimizer, lookup
from minidl.optim.source import is_place
from minidl.training import History, WeightPath

SAME = 1e-6  # first losses that differ by less, relatively, are those of the same data and weights


@answers
@dataclass(frozen=True)
class Replay:
    """One optimizer's run, with the weights after every epoch.

    Attributes
    ----------
    setting : Setting
        Learning rate and momentum, those chosen for the optimizer.
    history : History
        The record of the run, equal to the comparison's to 1e-12 unless training is chaotic.
    weights : float64 array of shape (E + 1, P)
        The weights after each epoch of `history`; row 0 is the same for all optimizers.
    model : Layer
        The network, to be given weights: ``replay.model.parameters.set(replay.weights[3])``. It
        holds the last ones. Buffers, such as the running means of batch norm, stay the last ones.
    data : Dataset
        The data of the seed.
    """

    setting: Setting
    history: History
    weights: Array
    model: Layer
    data: Dataset


@answers
def replay(
    comparison: Comparison,
    problem: Source | None = None,
    model: Model | None = None,
    *,
    seed: int | None = None,
) -> dict[str, Replay]:
    """Train each optimizer again at its chosen setting, and keep the weights of every epoch.

    Parameters
    ----------
    comparison : Comparison
        Just made, or read from a file. A file holds no data and no networks: they are made again
        if the data set is a named one and the network was not given as a function.
    problem, model : optional
        Those given to :func:`compare`, for a comparison from a file of other data or networks.
    seed : int, optional
        An evaluation or a tuning seed, by default the one of :func:`typical_seed`.

    Returns
    -------
    dict of str to Replay
        In the order of the plan's optimizers; all start from the same weights.

    Raises
    ------
    ArgumentError
        The comparison has no runs with this seed.
    DataError
        The comparison was read from a file, and its data, network, loss or optimizers cannot be
        made again, or the given ones are others; or it was interrupted before it had chosen.

    Examples
    --------
    >>> from minidl import compare
    >>> result = compare("moons", lr=0.5, epochs=5, seeds=6, tuning_seeds=2, sustained=1)
    >>> replays = replay(result)
    >>> list(replays), replays["nag"].weights.shape
    (['gd', 'momentum', 'nag'], (6, 337))
    >>> bool((replays["nag"].weights[0] == replays["gd"].weights[0]).all())
    True
    """
    plan, chosen = comparison.plan, comparison.chosen
    if not chosen:
        raise DataError("the comparison was interrupted before a learning rate was chosen")
    seed = typical_seed(comparison) if seed is None else seed
    keys = [(c.name, chosen[c.name].setting, seed) for c in plan.contestants]
    if missing := [key[0] for key in keys if key not in comparison.table]:
        expected = f"one of {', '.join(map(str, (*plan.seeds, *plan.tuning_seeds)))}"
        message = f"has no finished run of {missing[0]}"
        raise ArgumentError(message, argument="seed", received=seed, expected=expected)
    made_with = comparison.made_with
    if made_with is None or problem is not None or model is not None:
        made_with = _rebuilt(comparison, problem, model)
    engine = engine_of(comparison.request)
    return {key[0]: _train(plan, made_with, comparison.table[key], engine) for key in keys}


def typical_seed(comparison: Comparison) -> int:
    """Return the evaluation seed whose epochs to the goal are closest to the medians.

    Epochs above the budget count as the budget; of several such seeds it is the first. A DataError
    says that an interrupted comparison has none that all optimizers have finished.
    """
    plan, rows = comparison.plan, comparison.rows
    seeds = [s for s in plan.seeds if rows and all(s in done for done in _finished(comparison))]
    if not seeds:
        hint = "Finish it: compare with the same file continues it."
        message = "the comparison was interrupted before all optimizers had finished a seed"
        raise DataError(message, hint=hint)
    far = np.zeros(len(seeds))
    for row in rows:
        times = comparison.times(plan.contestant(row.optimizer), row.setting, seeds)
        far += abs(np.minimum(times, plan.epochs) - min(row.median, plan.epochs))
    return seeds[int(far.argmin())]


def _finished(comparison: Comparison) -> list[tuple[int, ...]]:
    """Return the finished evaluation seeds of each optimizer."""
    return [comparison.seeds[c.name] for c in comparison.plan.contestants]


def _train(plan: Plan, made_with: MadeWith, run: Run, engine: str) -> Replay:
    """Train a run again; raise if its losses at the start differ."""
    trainer, path = trainer_of(plan, made_with, run.full_key, engine), WeightPath()
    data = made_with[1].data(run.seed)
    held_out = (data.X_test, data.y_test) if len(data.X_test) else None
    with warnings.catch_warnings():
        for category in (DivergenceWarning, UntrainedWarning, WorseLossWarning):
            warnings.simplefilter("ignore", category)  # the comparison has said so
        history = trainer.fit(
            data.X_train, data.y_train, epochs=plan.epochs, validation=held_out, callbacks=[path]
        )
    _check_losses(run, history)
    return Replay(run.setting, history, path.weights, trainer.model, data)


def _check_losses(run: Run, history: History) -> None:
    """Raise unless the losses before training, also of the held-out rows, are those of a run."""
    for column, words in (("train_loss", "training"), ("validation_loss", "validation")):
        saved, new = (
            float(columns[column][0]) if column in columns else None
            for columns in (run.curves, history)
        )
        if saved is not None and new is not None and not _same(saved, new):
            change = f"starts with a {words} loss of {new:.6g}, in the comparison {saved:.6g}"
            raise _other(f"{run.optimizer} {change}")
        if (saved is None) != (new is None):
            change = "no held-out rows" if new is None else "held-out rows"
            raise _other(f"it has {change}, unlike the comparison")


def _same(saved: float, new: float) -> bool:
    """Return whether two losses are equal up to rounding, or both are not numbers."""
    return math.isclose(saved, new, rel_tol=SAME) or (math.isnan(saved) and math.isnan(new))


def _rebuilt(comparison: Comparison, problem: Source | None, model: Model | None) -> MadeWith:
    """Return the parts of a comparison that was read from a file; they must print as they did."""
    plan = comparison.plan
    loss = next((name for name in LOSSES if shown(LOSSES[name]()) == plan.loss), None)
    if loss is None:
        raise _unknown(f"the loss {plan.loss}")
    if problem is None and plan.problem not in DATASETS:
        raise _unknown(f"the data {plan.problem!r}")
    hidden, activation = ((), "tanh") if model is not None else _perceptron(plan.network)
    source = Problem(problem or plan.problem, model, hidden, activation, loss)
    network = shown(source.network(plan.seeds[0]))
    if network != plan.network:
        raise _other(f"the network is {network}, in the comparison {plan.network}")
    rules = {c.name: _optimizer(c, comparison.request, plan.modifiers) for c in plan.contestants}
    return rules, source


def _perceptron(network: str) -> tuple[list[int], str]:
    """Return the hidden widths and the activation of a network made by ``nn.mlp``."""
    layers = re.findall(r"Dense\((\d+), (\d+)\)", network)
    sizes = [int(width) for width, _ in layers] + [int(width) for _, width in layers[-1:]]
    for name in ACTIVATIONS if layers else ():
        if shown(nn.mlp(*sizes, activation=name, seed=0)) == network:
            return sizes[1:-1], name
    raise _unknown(f"the network {network}")


def _optimizer(
    contestant: Contestant, request: Mapping[str, Any], modifiers: Modifiers
) -> Optimizer:
    """Return a new optimizer of this name, which must print as in the file and have its code."""
    name = contestant.name
    if is_place(name):  # a file of numbers must not name code to be run
        raise _unknown(f"the optimizer {name!r}")
    try:
        optimizer = modify(lookup(name).make(*contestant.own), modifiers)
    except MinidlError:
        raise _unknown(f"the optimizer {name!r}") from None
    written = request.get("optimizers", {}).get(name), request.get(f"code of {name}", "")
    if (shown(optimizer), custom_code(optimizer)) != written:
        raise _other(f"the optimizer {name!r} is {optimizer!r}, in the comparison {written[0]}")
    return optimizer


def _unknown(part: str) -> DataError:
    """Return the error for a part that cannot be made again from a file."""
    hint = "Give problem and model as for compare, or replay the result of a new compare."
    return DataError(f"a file of a comparison does not hold {part}", hint=hint)


def _other(difference: str) -> DataError:
    """Return the error for a part that differs from that of the comparison."""
    hint = "Give problem and model as for that compare."
    return DataError(f"this is not what was compared: {difference}", hint=hint)
