"""Write initial_weights.npz and saved_model.npz with the minidl that is installed.

The files in the repository were written by the minidl that drew weights when they were first looked
at; later versions must draw the same numbers and load the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minidl import nn
from minidl.training import save_model

HERE = Path(__file__).parent


class Block(nn.Layer):
    """A custom layer with layers in it."""

    def __init__(self) -> None:
        self.first = nn.Dense(3, 3)
        self.rest = [nn.Sequential(nn.Dense(3, 3), nn.ReLU()), nn.Dropout(0.5)]

    def forward(self, x: nn.layer.Value, training: nn.layer.Training = False) -> nn.layer.Value:
        """Return the output of the layers, one after the other."""
        x = self.rest[0](self.first(x), training=training)
        return self.rest[1](x, training=training)


def shared() -> nn.Sequential:
    """Return a model that uses a layer twice."""
    layer = nn.Dense(3, 3, bias_initializer="he_normal")
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), seed=3)


MODELS: dict[str, Callable[[], nn.Layer]] = {
    "tanh": lambda: nn.mlp(2, 16, 16, 1, seed=0),
    "relu with dropout": lambda: nn.mlp(3, 5, 2, activation="relu", dropout=0.3, seed=1),
    "selu": lambda: nn.mlp(3, 5, 2, activation="selu", seed=2),
    "float32": lambda: nn.mlp(3, 5, 2, activation="elu", seed=2, dtype=np.float32),
    "orthogonal": lambda: nn.mlp(3, 4, 1, initializer="orthogonal", seed=4),
    "shared": shared,
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Dense(3, 3), nn.ReLU(), nn.Dropout(0.5)),
        Block(),
        nn.Sequential(nn.Dense(3, 3), nn.GELU(), seed=7),
        nn.Dense(3, 2, bias_initializer="lecun_normal", seed=8),
        nn.Softmax(),
        seed=5,
    ),
    "layer": lambda: nn.Dense(3, 2, bias_initializer="he_uniform", seed=6),
}
X = np.random.default_rng(0).standard_normal((4, 3))


def weights_and_outputs() -> dict[str, np.ndarray]:
    """Return the initial weights of all models, and outputs with the noise of dropout."""
    arrays = {}
    for name, make in MODELS.items():
        model = make()
        arrays[f"{name} weights"] = model.parameters.value.copy()
        rows = X[:, :2] if name == "tanh" else X
        arrays[f"{name} outputs"] = np.asarray(model(rows, training=True).data)
    return arrays


def saved() -> nn.Sequential:
    """Return the model of the saved file."""
    return nn.Sequential(
        nn.Dense(3, 4, bias=False),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.25),
        nn.Sequential(nn.Dense(4, 3), nn.ELU(0.7)),
        nn.Softmax(),
        seed=9,
    )


if __name__ == "__main__":
    np.savez(HERE / "initial_weights.npz", **weights_and_outputs())
    save_model(saved(), HERE / "saved_model.npz")
