"""Write training.npz: training runs in PyTorch and Keras, for the Trainer to reproduce.

Run it with the `bench` extra: ``python tests/golden/write_training.py``. Networks, losses,
gradients and optimizers are those of the frameworks, in float64; the order of rows in each epoch
is minidl's and is in the file. The tests need only NumPy.

Weights are vectors as in minidl: W (in, out) row by row, then b, layer after layer. The file has
the stored weights after each epoch and, from PyTorch, the iterate theta and its loss on all rows.
With Nesterov's momentum, theta = stored + m * lr * buffer; without it, theta = stored.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.streams import stream

Array = npt.NDArray[Any]
HERE = Path(__file__).parent

EPOCHS, BATCH, SEED, MOMENTUM = 20, 32, 7, 0.9
RULES = {"plain": (0.5, 0.0, False), "momentum": (0.1, MOMENTUM, False)}
RULES["nesterov"] = (0.1, MOMENTUM, True)
SIZES = {"binary": (2, 8, 8, 1), "classes": (4, 8, 3)}
ROWS = {"binary": 100, "classes": 90}  # 3 * 32 + 4, and 2 * 32 + 26: the last batch is smaller


def problem_data() -> dict[str, Array]:
    """Return the rows, initial weights and orders of both problems."""
    rng = np.random.default_rng(20240301)
    data: dict[str, Array] = {}
    for name, sizes in SIZES.items():
        n = ROWS[name]
        X = rng.standard_normal((n, sizes[0]))
        scores = X @ rng.standard_normal((sizes[0], 3)) + 0.3 * rng.standard_normal((n, 3))
        y = X[:, 0] * X[:, 1] > 0 if name == "binary" else scores.argmax(axis=1)
        pairs = list(pairwise(sizes))
        start = [rng.standard_normal(a * b + b) * (2 / (a + b)) ** 0.5 for a, b in pairs]
        epochs = range(1, EPOCHS + 1)
        orders = [stream(SEED, "shuffle", epoch).permutation(n) for epoch in epochs]
        data |= {f"{name} X": X, f"{name} y": y.astype(np.int64)}
        data |= {f"{name} start": np.concatenate(start), f"{name} sizes": np.array(sizes)}
        data[f"{name} orders"] = np.array(orders, dtype=np.int16)
    data |= {f"{rule} lr": np.array(lr) for rule, (lr, _, _) in RULES.items()}
    return data | {
        "batch": np.array(BATCH),
        "seed": np.array(SEED),
        "momentum": np.array(MOMENTUM),
    }


def layers(vector: Array, sizes: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """Return the (W, b) of each layer, W of shape (in, out)."""
    parts, at = [], 0
    for a, b in pairwise(sizes):
        W, at = vector[at : at + a * b].reshape(a, b), at + a * b
        parts.append((W, vector[at : at + b]))
        at += b
    return parts


def torch_vector(tensors: Any) -> Array:
    """Return weights of shape (out, in) and biases as a vector of minidl."""
    return np.concatenate([t.detach().numpy().T.ravel() for t in tensors])


def torch_model(name: str, start: Array) -> Any:
    """Return the network in PyTorch with these initial weights."""
    import torch

    parts: list[Any] = []
    for W, b in layers(start, SIZES[name]):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T.copy()))
            linear.bias.copy_(torch.tensor(b))
        parts += [linear, torch.nn.Tanh() if name == "binary" else torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def torch_loss(name: str, model: Any, X: Array, y: Array) -> Any:
    """Return the mean loss of a model in PyTorch."""
    import torch

    if name == "binary":
        target = torch.tensor(y, dtype=torch.float64)[:, None]
        return torch.nn.BCEWithLogitsLoss()(model(torch.tensor(X)), target)
    return torch.nn.CrossEntropyLoss()(model(torch.tensor(X)), torch.tensor(y))


def run_torch(name: str, rule: str, data: dict[str, Array]) -> dict[str, Array]:
    """Train with torch.optim.SGD; return stored points, iterates and their losses."""
    import torch

    X, y, start = (data[f"{name} {what}"] for what in ("X", "y", "start"))
    lr, momentum, nesterov = RULES[rule]
    model = torch_model(name, start)
    weights = list(model.parameters())
    optimizer = torch.optim.SGD(weights, lr=lr, momentum=momentum, nesterov=nesterov)
    stored, thetas = [start], [start]
    for order in data[f"{name} orders"]:
        for at in range(0, len(X), BATCH):
            rows = order[at : at + BATCH]
            optimizer.zero_grad()
            torch_loss(name, model, X[rows], y[rows]).backward()
            optimizer.step()
        stored.append(torch_vector(weights))
        theta = stored[-1]
        if nesterov:
            buffer = torch_vector(optimizer.state[w]["momentum_buffer"] for w in weights)
            theta = theta + momentum * lr * buffer
        thetas.append(theta)
    losses = [torch_loss(name, torch_model(name, theta), X, y).item() for theta in thetas]
    return {"stored": np.array(stored), "theta": thetas[-1], "losses": np.array(losses)}


def run_keras(data: dict[str, Array]) -> Array:
    """Train the classifier with Keras's Nesterov, by train_on_batch; return the stored points."""
    import keras

    X, y, start = (data[f"classes {what}"] for what in ("X", "y", "start"))
    lr, momentum, nesterov = RULES["nesterov"]
    width, hidden, outputs = SIZES["classes"]
    parts = [keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(outputs)]
    model = keras.Sequential([keras.Input([width]), *parts])
    model.set_weights([array for pair in layers(start, SIZES["classes"]) for array in pair])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(lr, momentum=momentum, nesterov=nesterov), loss)
    stored = [start]
    for order in data["classes orders"]:
        for at in range(0, len(X), BATCH):
            rows = order[at : at + BATCH]
            model.train_on_batch(X[rows], y[rows])
        stored.append(np.concatenate([np.asarray(w).ravel() for w in model.get_weights()]))
    return np.array(stored)


def main() -> None:
    """Train both networks by every rule in PyTorch, one of them in Keras; write the file."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    import keras
    import torch

    keras.config.set_floatx("float64")
    data = problem_data()
    results = {}
    for name in SIZES:
        for rule in RULES:
            for what, values in run_torch(name, rule, data).items():
                results[f"torch {name} {rule} {what}"] = values
    results["keras classes nesterov stored"] = run_keras(data)
    versions = np.array([f"torch {torch.__version__}", f"keras {keras.__version__}"])
    np.savez_compressed(HERE / "training.npz", **data, **results, versions=versions)


if __name__ == "__main__":
    main()
