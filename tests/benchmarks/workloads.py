"""The networks, data and batches of the benchmark, and the epochs of a run of each.

A run has enough steps to make fixed costs small, and few enough for many rounds in a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from report import Target

from minidl import datasets, nn

MOMENTUM = 0.9
CHUNK = 2**16  # rows whose loss is computed at once
Array = npt.NDArray[Any]
Layers = list[tuple[Array, Array]]  # W (in, out) and b (out,) of each; for R networks, R in front


@dataclass(frozen=True)
class Workload:
    """A network, its data and its batches; one output for two classes, else softmax."""

    name: str
    data: str
    sizes: tuple[int, ...]
    activation: str
    rows: int | None  # to generate; None for a set of fixed size
    batch: int | None  # None for all rows at once
    epochs: int
    targets: tuple[Target, ...] = ()
    lr: float = 0.1  # too much for batch 1 with momentum 0.9: no contestant converges there

    @property
    def guessing(self) -> float:
        """The loss of guessing; a network that learns ends below it."""
        return float(np.log(max(2, self.sizes[-1])))

    @property
    def loss_name(self) -> str:
        """The name of the loss in minidl."""
        return "binary_cross_entropy" if self.sizes[-1] == 1 else "softmax_cross_entropy"

    def load(self) -> tuple[Array, Array]:
        """Return standardised inputs and class labels."""
        options: dict[str, Any] = {} if self.rows is None else {"n": self.rows}
        data = datasets.load(self.data, test_size=0.0, **options)
        return data.X_train, data.y_train

    def network(self, seed: int) -> nn.Sequential:
        """Return minidl's network."""
        return nn.mlp(*self.sizes, activation=self.activation, seed=seed)

    def initial(self, seed: int) -> Layers:
        """Return the common initial weights."""
        return layers_of(self.network(seed))

    def losses(self, layers: Layers, X: Array, y: Array) -> Array:
        """Return the mean cross-entropy on these rows, by the same formula for all."""
        parts = (slice(i, i + CHUNK) for i in range(0, len(X), CHUNK))
        totals = [self._total(layers, X[part], y[part]) for part in parts]
        return np.asarray(np.sum(totals, axis=0) / len(X))

    def _total(self, layers: Layers, X: Array, y: Array) -> Array:
        """Return the sum of the cross-entropies."""
        z = X
        for W, b in layers[:-1]:
            z = z @ W + b[..., None, :]
            z = np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0.0)
        W, b = layers[-1]
        z = z @ W + b[..., None, :]
        if z.shape[-1] == 1:
            z = np.concatenate([np.zeros_like(z), z], axis=-1)
        z = z - z.max(axis=-1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return np.asarray(-log_p[..., np.arange(len(y)), y].sum(axis=-1))


def layers_of(model: Any) -> Layers:
    """Return copies of the weights of a minidl network."""
    values = [parameter.data.copy() for parameter in model.parameters]
    return list(zip(values[::2], values[1::2], strict=True))


MOONS: dict[str, Any] = {
    "data": "moons",
    "sizes": (2, 16, 16, 1),
    "activation": "tanh",
    "rows": 1000,
}


def _moons(name: str, batch: int | None, epochs: int, must: float, aim: float) -> Workload:
    naive = Target("naive engine", 0.40)  # two and a half times as fast
    targets = (Target("torch", must, aim), naive)
    return Workload(f"moons, {name}", **MOONS, batch=batch, epochs=epochs, targets=targets)


WORKLOADS = (
    _moons("batch 32", 32, 20, 0.20, 0.15),
    _moons("batch 1", 1, 1, 0.20, 0.14),
    _moons("full batch", None, 200, 0.40, 0.33),
    Workload(
        "digits, batch 64",
        "digits",
        (64, 256, 256, 10),
        "relu",
        rows=None,
        batch=64,
        epochs=8,
        targets=(Target("torch", 0.90, 0.80),),
    ),
)
