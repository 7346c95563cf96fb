"""What the networks of a comparison are, and what they are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from minidl import datasets, nn
from minidl.checks import check_count
from minidl.comparison.goal import Goal
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DataError
from minidl.nn import Layer, Loss
from minidl.training.checks import check_reproducible
from minidl.training.data import Rows, check_rows
from minidl.training.objective import Objective

__all__ = ["Problem"]

Pair = tuple[Rows, Rows | None]  # to train on, and held out


class Problem:
    """Data and a network for each seed.

    Parameters
    ----------
    problem : str, Dataset, or callable
        A name or file for :func:`minidl.datasets.load`, split anew with each seed; a data set,
        whose split is kept; or seed -> Dataset.
    model : callable, optional
        Seed -> new network. By default a perceptron with `hidden` layers and `activation`.
    hidden : sequence of int
        Widths of the hidden layers.
    activation : str
        Between them.
    loss : str or Loss, optional
        By default what suits the task.

    Attributes
    ----------
    name : str
        Of the data.
    loss : Loss
        What is minimised.
    """

    def __init__(
        self,
        problem: str | Dataset | Callable[[int], Dataset],
        model: Callable[[int], Layer] | None,
        *,
        hidden: Sequence[int] = (16, 16),
        activation: str = "tanh",
        loss: str | Loss | type[Loss] | None = None,
    ) -> None:
        self._load: Callable[[int], Dataset]
        self.fixed = isinstance(problem, Dataset)
        if isinstance(problem, Dataset):
            kept = problem  # for mypy
            self._load = lambda seed: kept
        elif callable(problem):
            self._load = problem
        else:
            named = problem
            self._load = lambda seed: datasets.load(named, split_seed=seed)
        if model is not None and (isinstance(model, Layer) or not callable(model)):
            raise ArgumentError(
                "model is not a function",
                received=repr(model),
                expected="seed -> network, such as lambda seed: nn.mlp(2, 16, 1, seed=seed)",
            )
        self._model = model
        self.hidden = [check_count("hidden", width) for width in hidden]
        self.activation = activation
        nn.activation(activation)
        self.first = self._checked(self._load(0))
        self.name = self.first.name
        self.loss: Loss = nn.loss(loss or loss_for(self.first))

    def _checked(self, data: object) -> Dataset:
        if not isinstance(data, Dataset):
            raise ArgumentError(
                "the problem cannot be used",
                received=repr(data),
                expected='a name such as "moons", a Dataset, or a function seed -> Dataset',
            )
        return data

    def network(self, seed: int) -> Layer:
        """Return the network of a seed, each time a new one."""
        if self._model is None:
            sizes = (self.first.n_features, *self.hidden, self.first.n_outputs)
            return nn.mlp(*sizes, activation=self.activation, seed=seed)
        made = self._model(seed)
        if not isinstance(made, Layer):
            raise ArgumentError(
                "model returned no network", received=repr(made), expected="nn.mlp(..., seed=seed)"
            )
        return made

    def rows(self, seeds: Sequence[int]) -> Pair:
        """Return training and held-out rows, (seeds, n, features), or (n, features) for all.

        Raises
        ------
        DataError
            Two seeds have different numbers of rows.
        """
        sets = [self._checked(self._load(seed)) for seed in (seeds[:1] if self.fixed else seeds)]
        network = self.network(seeds[0])
        train = [
            check_rows("training", one.X_train, one.y_train, network, self.loss) for one in sets
        ]
        held_out = [
            check_rows("validation", one.X_test, one.y_test, network, self.loss)
            for one in sets
            if len(one.X_test)
        ]
        return self._together(train), self._together(held_out) if held_out else None

    def _together(self, rows: list[Rows]) -> Rows:
        if self.fixed:
            return rows[0]
        shapes = {one.X.shape for one in rows}
        if len(shapes) > 1:
            raise DataError("seeds give data of different shapes", received=str(sorted(shapes)))
        return Rows(np.stack([one.X for one in rows]), np.stack([one.t for one in rows]))

    def networks(self, seeds: Sequence[int]) -> list[Layer]:
        """Return a new network for each seed; raise if the function that makes them is no such."""
        networks = list(map(self.network, seeds))
        check_reproducible(networks[0], self.network(seeds[0]), seeds[0])
        if len({id(network) for network in networks}) < len(networks):
            raise ArgumentError(
                "model returned the same network twice",
                expected="a function of the seed that builds a new one each time",
            )
        return networks

    def checked(self, goal: Goal, seeds: Sequence[int]) -> str:
        """Return a hash of all data and initial weights, by which a file is known again.

        Raises
        ------
        ArgumentError
            The target cannot be measured, or is reached before training.
        """
        rows, networks = self.rows(seeds), self.networks(seeds)
        self._demand_start_before(goal, seeds, rows, networks)
        return _fingerprint(rows, networks)

    def _demand_start_before(
        self, goal: Goal, seeds: Sequence[int], rows: Pair, networks: Sequence[Layer]
    ) -> None:
        if goal.rises and not self.loss.classifies:
            raise ArgumentError(
                "this loss has no accuracy",
                received=f"{goal} with {self.loss!r}",
                hint='Use a target such as "loss:0.05".',
            )
        train, held_out = rows
        judged = held_out if goal.column.startswith("validation") else train
        if judged is None:
            raise ArgumentError(
                "there are no held-out rows to judge by",
                received=f"{goal} with test_size=0",
                hint='Hold some out, or use a target such as "accuracy:0.97".',
            )
        if goal.kind == "gap":
            return
        for k, (seed, network) in enumerate(zip(seeds, networks, strict=True)):
            X, t = (judged.X, judged.t) if self.fixed else (judged.X[k], judged.t[k])
            found = Objective(network, self.loss).measure(X, t)
            start = float(found["accuracy" if goal.rises else "loss"])
            if start >= goal.number if goal.rises else start <= goal.number:
                raise ArgumentError(
                    "the target is reached before training",
                    received=f"{goal}, where seed {seed} begins with {start:.4g}",
                    expected=f"{'more' if goal.rises else 'less'} than that",
                    hint="Targets of a regression are standardised: their variance is 1."
                    if self.first.task == "regression"
                    else None,
                )


def _fingerprint(rows: Pair, networks: Sequence[Layer]) -> str:
    digest = hashlib.sha256()
    for one in rows:
        for array in () if one is None else (one.X, one.t):
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    for network in networks:
        digest.update(network.parameters.value.tobytes())
    return digest.hexdigest()
