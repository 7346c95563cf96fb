"""Chaotic training: a change in the last digits of the initial weights changes the result.

A *twin* repeats a run from initial weights that differ by 1e-12. Another processor rounds
differently, which is a smaller change of the same kind, so what twins agree on holds everywhere.
"""

import math
from collections.abc import Callable

import numpy as np

from minidl.comparison.run import Run
from minidl.nn import Layer

CHANGE = 1e-12  # of each initial weight
STEPS = 8  # at least so many roundings of the weight, as those of float32 are coarse
SAME_LOSS = 0.01  # by how much, of the larger, two losses on the way to the target may differ
SAME_BEST = 1e-4  # the same for the best losses, of what training gains
SHORTEST = 8  # epochs that a twin is trained, or 2, 4, 8, ... times as many
FAILING = 32  # epochs of the twin of a run that never reaches the target


def perturb(network: Layer) -> None:
    """Change each weight of a new network by 1e-12, or eight roundings, up and down in turn.

    >>> from minidl import nn
    >>> layer = nn.Dense(2, 1, initializer="constant:0.5", seed=0)
    >>> perturb(layer)
    >>> bool(np.allclose(layer.weight.data.ravel() - 0.5, [1e-12, -1e-12], rtol=1e-3, atol=0))
    True
    """
    w = network.parameters.value
    size = np.maximum(CHANGE, STEPS * np.finfo(w.dtype).eps * np.abs(w))
    w += np.where(np.arange(w.size) % 2, -size, size).astype(w.dtype)


def is_chaotic(run: Run, twin: Run, time: Callable[[Run], float]) -> bool:
    """Return whether a run and its twin disagree on the hitting time, or on the way to it.

    `time` returns the hitting time of a run. Both are compared as far as both were trained. They
    disagree if the times differ, or if losses before differ by more than 1 %: then the times agree
    by luck, and with other roundings they would not. So do two runs that never reach the target.
    """
    if run.diverged_at is not None or twin.diverged_at is not None:
        return time(run) != time(twin)
    end = min(run.epochs, twin.epochs)
    reached, twin_reached = time(run.shortened(end)), time(twin.shortened(end))
    if reached != twin_reached:
        return True
    end_of_way = end if math.isinf(reached) else int(reached)
    x, y = (part.curves["train_loss"][: end_of_way + 1] for part in (run, twin))
    largest = np.abs([x, y]).max(axis=0)
    scale = np.maximum(largest, largest[-1])  # a loss of 1e-30 on the way is as good as 0
    return bool(np.any(np.abs(x - y)[:-1] > SAME_LOSS * scale[:-1]))


def is_unsteady(run: Run, twin: Run) -> bool:
    """Return whether a run and its twin, trained as long, disagree on the best loss."""
    near = SAME_BEST * abs(run.initial - run.best)
    return twin.lasts(run.epochs) and not math.isclose(
        run.best, twin.best, rel_tol=0.0, abs_tol=near
    )


def horizon(time: float, sustained: int, budget: int) -> int:
    """Return for how many epochs to train the twin of a run with this hitting time.

    It is rounded up to 8, 16, 32, ..., so that many twins can be trained together.

    >>> horizon(5, 3, 60), horizon(7, 3, 60), horizon(40, 3, 60), horizon(math.inf, 3, 60)
    (8, 16, 60, 32)
    """
    if math.isinf(time):
        return min(FAILING, budget)
    epochs = SHORTEST
    while epochs < time + sustained - 1:
        epochs *= 2
    return min(epochs, budget)
