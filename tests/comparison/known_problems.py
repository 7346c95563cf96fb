"""Problems on which theory says in which epoch each optimizer reaches its target.

They are trained as networks are: a data set, a function seed -> model, and a loss. On `quadratic`
one full-batch epoch is one gradient step on f(w) = sum h_i w_i^2 / 2, and along each w_i every rule
is a two-term recurrence. On `lessard` tuned heavy ball never arrives, and NAG does.

What theory says is computed from 2 x 2 matrices; no optimizer of minidl takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl import datasets, nn, ops

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Problem:
    """What `Trainer`, `train_replicas` and `compare` are given; train it with the full batch."""

    data: datasets.Dataset
    model: Callable[[int], nn.Layer]
    loss: str | nn.Loss

    def start(self, seed: int) -> Array:
        """Return the initial weights of that seed."""
        return self.model(seed).parameters.value.copy()


def quadratic(eigenvalues: Sequence[float]) -> Problem:
    """Return f(w) = sum h_i w_i^2 / 2, with nothing added, as a linear regression on d rows.

    Row i of X has sqrt(d h_i / 2) in column i, and all targets are 0, so that the mean of the
    squares is f and the minimum is 0. Weights start at random signs times 0.5 to 1.5: no
    eigen-direction is left out. The test rows are the training rows.
    """
    h = np.asarray(eigenvalues, dtype=float)
    d = len(h)

    def drawn(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return generator.choice([-1.0, 1.0], shape) * generator.uniform(0.5, 1.5, shape)

    def model(seed: int) -> nn.Layer:
        return nn.Dense(d, 1, bias=False, initializer=drawn, seed=seed)

    data = _dataset("quadratic", np.diag(np.sqrt(d * h / 2)))
    return Problem(data, model, "mean_squared_error")


class LessardLoss(nn.Loss):
    """Mean of f(prediction - target), f' = 25 x below 1, x + 24 below 2, 25 x - 24 from there on.

    f is convex with curvatures 1 and 25 and its minimum f(0) = 0 (Lessard, Recht and Packard 2016,
    eq. 4.11).
    """

    replicas = True

    def mean(self, outputs: Any, targets: Any) -> Any:
        x = outputs - targets
        middle, right = x * x / 2 + 24 * x - 12, 12.5 * x * x - 24 * x + 36
        f = ops.where(x < 1, 12.5 * x * x, ops.where(x < 2, middle, right))
        return ops.mean(f, axis=(-2, -1))


def lessard() -> Problem:
    """Return that function of one weight, which starts between 3.2 and 3.4.

    Heavy ball with lr 1/9 and momentum 4/9, its best for curvatures 1 to 25, goes round a cycle of
    three points from all starts between 3.07 and 3.45.
    """

    def drawn(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return generator.uniform(3.2, 3.4, shape)

    def model(seed: int) -> nn.Layer:
        return nn.Dense(1, 1, bias=False, initializer=drawn, seed=seed)

    return Problem(_dataset("lessard", np.ones((1, 1))), model, LessardLoss())


def _dataset(name: str, X: Array) -> datasets.Dataset:
    n, d = X.shape
    return datasets.Dataset(
        name=name,
        task="regression",
        X_train=X,
        y_train=np.zeros(n),
        X_test=X.copy(),
        y_test=np.zeros(n),
        feature_names=tuple(f"x{i}" for i in range(d)),
        class_names=(),
        x_mean=np.zeros(d),
        x_scale=np.ones(d),
        y_mean=0.0,
        y_scale=1.0,
    )


# -- what theory says -------------------------------------------------------------------------


@dataclass(frozen=True)
class Theory:
    """A rule at a learning rate and a momentum: z^2 - trace z + constant along each eigenvalue."""

    rule: str
    lr: float
    momentum: float = 0.0

    def companions(self, h: Array) -> Array:
        """Return the matrix that takes (w_k, w_k-1) to (w_k+1, w_k), for each eigenvalue."""
        x, m = self.lr * h, self.momentum
        trace, constant = {
            "gradient descent": (1 - x, 0 * x),
            "heavy ball": (1 + m - x, m + 0 * x),
            "nag": ((1 + m) * (1 - x), m * (1 - x)),
        }[self.rule]
        one = np.ones_like(x)
        return np.stack([np.stack([trace, -constant], -1), np.stack([one, 0 * x], -1)], -2)

    def losses(self, eigenvalues: Sequence[float], start: Array, steps: int) -> Array:
        """Return f(w_0), ..., f(w_steps): the first step is plain descent, as v = 0."""
        h = np.asarray(eigenvalues, dtype=float)
        C = self.companions(h)
        state = np.stack([(1 - self.lr * h) * start, start], axis=-1)[..., None]
        found = []
        for _ in range(steps + 1):
            found.append(h @ state[:, 1, 0] ** 2 / 2)
            state = C @ state
        return np.array(found)


def tuned(L: float, l: float) -> dict[str, Theory]:  # noqa: E741
    """Return the best settings for curvatures l to L (Lessard et al. 2016, Proposition 1)."""
    s, q = np.sqrt(L / l), np.sqrt(3 * L / l + 1)
    return {
        "gradient descent": Theory("gradient descent", 2 / (L + l)),
        "heavy ball": Theory(
            "heavy ball", 4 / (np.sqrt(L) + np.sqrt(l)) ** 2, ((s - 1) / (s + 1)) ** 2
        ),
        "nag": Theory("nag", 4 / (3 * L + l), (q - 2) / (q + 2)),
        "nag at 1/L": Theory("nag", 1 / L, (s - 1) / (s + 1)),
    }


def hit(losses: Array, target: float, sustained: int = 3) -> int | None:
    """Return the first step from which `sustained` losses in a row are at most `target`."""
    in_a_row = 0
    for step, held in enumerate(losses <= target):
        in_a_row = in_a_row + 1 if held else 0
        if in_a_row == sustained:
            return step - sustained + 1
    return None


def for_good(losses: Array, target: float) -> int:
    """Return the step from which on no loss is above `target`; it must not be the last."""
    step = int(np.flatnonzero(losses > target)[-1]) + 1
    assert step < len(losses), "never within these steps"
    return step
