"""The data and the network of each seed."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from minidl import nn
from minidl.checks import check_count
from minidl.comparison.goal import Goal
from minidl.comparison.identity import custom_code, custom_layers
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.datasets.loading import splits
from minidl.errors import ArgumentError, DataError, invalid
from minidl.memory import check_memory
from minidl.nn import Layer, Loss
from minidl.nn.losses import lowest
from minidl.training.checks import check_reproducible
from minidl.training.data import Rows, check_rows
from minidl.training.measure import Objective

WRITE = 'compare("moons", optimizers=["momentum", "nag"])'
EXPECTED = 'a name such as "moons", a Dataset, a pair (X, y), or a function seed -> Dataset'
Source = str | Dataset | tuple[Any, Any] | Callable[[int], Dataset]
Model = Callable[[int], Layer]
Pair = tuple[Rows, Rows | None]  # for training, and held out


class Problem:
    """Data and a network for each seed; the arguments are those of ``compare``.

    `first` is the data of seed 0, `fixed` says whether every seed has the same data.
    """

    def __init__(
        self,
        problem: Source,
        model: Model | None = None,
        hidden: Sequence[int] = (16, 16),
        activation: str = "tanh",
        loss: str | Loss | type[Loss] | None = None,
    ) -> None:
        if isinstance(problem, Layer):
            hint = "The network is the second argument, a function seed -> network."
            raise invalid("problem", problem, f"data: {EXPECTED}", hint)
        if model is not None and (isinstance(model, Layer) or not callable(model)):
            expected = "a function seed -> network, such as lambda seed: nn.mlp(2, 1, seed=seed)"
            listed = isinstance(model, (list, tuple, str))
            raise invalid("model", model, expected, f"Write {WRITE}." if listed else None)
        if isinstance(hidden, str) or not isinstance(hidden, Iterable):
            raise invalid("hidden", hidden, "a list of widths such as (16, 16)")
        widths = [check_count("hidden", width) for width in hidden]
        nn.activation(activation)
        self._problem, self.fixed = problem, isinstance(problem, Dataset)
        if isinstance(problem, tuple) and len(problem) != 2:
            raise invalid("problem", problem, EXPECTED)
        if isinstance(problem, (str, PathLike, tuple)):
            self._problem = splits(problem)
        self._loaded: dict[int, Dataset] = {}
        self.first = self.data(0)
        sizes = self.first.n_features, *widths, self.first.n_outputs
        self._model = model or (lambda seed: nn.mlp(*sizes, activation=activation, seed=seed))
        self.loss: Loss = nn.loss(loss_for(self.first) if loss is None else loss)

    def data(self, seed: int) -> Dataset:
        """Return the data of a seed, which are loaded once."""
        if seed not in self._loaded:
            self._loaded[seed] = self._load(seed)
        return self._loaded[seed]

    def unload(self) -> None:
        """Forget the data of all seeds, which a finished comparison would keep in memory."""
        self._loaded.clear()

    def _load(self, seed: int) -> Dataset:
        if isinstance(self._problem, Dataset):
            return self._problem
        data: object = self._problem(seed) if callable(self._problem) else None
        if not isinstance(data, Dataset):
            raise invalid("problem", data, EXPECTED)
        return data

    def network(self, seed: int) -> Layer:
        """Return a new network for a seed."""
        network = self._model(seed)
        if not isinstance(network, Layer):
            raise ArgumentError(f"must return a network, got {network!r}", argument="model")
        return network

    def rows(self, seeds: Sequence[int]) -> Pair:
        """Return training and held-out rows, (seeds, n, features), or (n, features) if fixed."""
        sets = [self.data(seed) for seed in (seeds[:1] if self.fixed else seeds)]
        objective = Objective(self.network(seeds[0]), self.loss)
        train = [check_rows("training", s.X_train, s.y_train, objective) for s in sets]
        tests = [(s.X_test, s.y_test) for s in sets if len(s.X_test)]
        held_out = [check_rows("validation", X, y, objective) for X, y in tests]
        return self._stack(train), self._stack(held_out) if held_out else None

    def _stack(self, rows: list[Rows]) -> Rows:
        if self.fixed:
            return rows[0]
        shapes = {part.X.shape for part in rows}
        if len(shapes) > 1:
            raise DataError("seeds give data of different shapes", received=str(sorted(shapes)))
        return Rows(np.stack([part.X for part in rows]), np.stack([part.t for part in rows]))

    def fingerprint(self, goal: Goal, seeds: Sequence[int]) -> str:
        """Check networks and target, and return hashes of data, weights and custom parts."""
        parts = self.first.X_train, self.first.y_train, self.first.X_test, self.first.y_test
        size = 0 if self.fixed else 2 * sum(part.nbytes for part in parts)
        size += self.network(seeds[0]).parameters.value.nbytes
        check_memory(f"the data and networks of {len(seeds)} seeds", len(seeds) * size)
        rows, networks = self.rows(seeds), {seed: self.network(seed) for seed in seeds}
        check_reproducible(networks[seeds[0]], self.network(seeds[0]), seeds[0])
        if len(set(map(id, networks.values()))) < len(networks):
            text = "must build a new network on each call, got the same network twice"
            raise ArgumentError(text, argument="model")
        self._check_goal(goal, rows, networks)
        digest = hashlib.sha256()
        for array in [array for part in rows if part for array in (part.X, part.t)]:
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        for network in networks.values():
            digest.update(network.parameters.value.tobytes())
            if frozen := set(network.parameters.names) - network.parameters.trained:
                digest.update(" ".join(sorted(frozen)).encode())
        custom = {"loss": custom_code(self.loss), "layers": custom_layers(networks.values())}
        codes = [f"custom {name} {code}" for name, code in custom.items() if code]
        return ", ".join([*codes, digest.hexdigest()])

    def _check_goal(self, goal: Goal, rows: Pair, networks: Mapping[int, Layer]) -> None:
        if goal.rises and not self.loss.classifies:
            text = f"must be a loss, got {goal}: {self.loss!r} has no accuracy"
            raise ArgumentError(text, argument="target", hint='Use a target such as "loss:0.05".')
        measured = rows[1] if goal.column.startswith("validation") else rows[0]
        if measured is None:
            text = f"must be on the training rows, got {goal}: there are no held-out rows"
            use = 'Keep a share of test rows above 0, or use a target such as "accuracy:0.97".'
            raise ArgumentError(text, argument="target", hint=use)
        if goal.kind == "gap":
            return
        least = lowest(self.loss)
        if goal.kind == "loss" and goal.number < least:
            text = f"must be at least {least:g}, got {goal}: {self.loss!r} is never lower"
            raise ArgumentError(text, argument="target")
        scale = "Targets of a regression are standardised: their variance is 1."
        for k, (seed, network) in enumerate(networks.items()):
            X, t = (measured.X, measured.t) if self.fixed else (measured.X[k], measured.t[k])
            values = Objective(network, self.loss).measure(X, t)
            start = float(values["accuracy" if goal.rises else "loss"])
            if start >= goal.number if goal.rises else start <= goal.number:
                text = f"must not be reached before training, got {goal}, where seed {seed} starts"
                hint = scale if self.first.task == "regression" else None
                raise ArgumentError(f"{text} at {start:.4g}", argument="target", hint=hint)
