"""Write norms.npz: batch and layer normalisation as PyTorch computes them.

Run it with the `bench` extra: ``python tests/golden/write_norms.py``. Everything is float64; the
inputs and the order of rows in each epoch are in the file. The tests need only NumPy.

Layers: outputs, gradients, second derivatives and running statistics. Networks: weights that the
optimizer stores, running statistics after each epoch, and the loss on all rows in evaluation mode
at the iterate theta (stored + m * lr * buffer with Nesterov's momentum, otherwise stored).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from minidl.streams import stream

Array = npt.NDArray[Any]

EPOCHS, BATCH, SEED, LR = 6, 16, 7, 0.05
RULES = {"plain": (0.0, False), "momentum": (0.9, False), "nesterov": (0.9, True)}
FEATURES, HIDDEN, ROWS = 4, 5, 60  # the last batch has 12 rows


def inputs() -> dict[str, Array]:
    """Return the inputs of PyTorch and of the tests."""
    rng = np.random.default_rng(20240901)
    X = rng.standard_normal((ROWS, 3))
    weights = {
        "W": (3, HIDDEN),
        "scale": (HIDDEN,),
        "shift": (HIDDEN,),
        "V": (HIDDEN, 1),
        "b": (1,),
    }
    data = {f"start {name}": rng.standard_normal(shape) for name, shape in weights.items()}
    orders = [stream(SEED, "shuffle", epoch).permutation(ROWS) for epoch in range(1, EPOCHS + 1)]
    return data | {
        "batches": rng.standard_normal((3, 6, FEATURES)) * [1, 10, 0.1, 1] + [0, 5, -1, 100],
        "scale": rng.standard_normal(FEATURES),
        "shift": rng.standard_normal(FEATURES),
        "g": rng.standard_normal((6, FEATURES)),
        "v": rng.standard_normal((6, FEATURES)),
        "X": X,
        "y": (X[:, 0] * X[:, 1] > 0).astype(float)[:, None],
        "orders": np.array(orders, dtype=np.int16),
        **{name: np.array(value) for name, value in (("lr", LR), ("batch", BATCH), ("seed", SEED))},
    }


def set_numbers(layer: Any, scale: Array, shift: Array) -> Any:
    """Write the scale and the shift of a layer, and return it."""
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(scale))
        layer.bias.copy_(torch.tensor(shift))
    return layer.double()


def derivatives(layer: Any, x: Array, data: dict[str, Array]) -> dict[str, Array]:
    """Return the outputs y, the gradients of g . y, and the gradient of v . (that by x)."""
    t = torch.tensor(x, requires_grad=True)
    y = layer(t)
    leaves = [t, layer.weight, layer.bias]
    gradients = torch.autograd.grad((y * torch.tensor(data["g"])).sum(), leaves, create_graph=True)
    along = (gradients[0] * torch.tensor(data["v"])).sum()
    second = torch.autograd.grad(along, t, materialize_grads=True)
    names = ("y", "by x", "by scale", "by shift", "second")
    values = [tensor.detach().numpy() for tensor in (y, *gradients, *second)]
    return dict(zip(names, values, strict=True))


def layer_cases(data: dict[str, Array]) -> dict[str, Array]:
    """Return what the layers compute: batch norm of three batches in training, then evaluated."""
    numbers = data["scale"], data["shift"]
    batch, row = set_numbers(nn.BatchNorm1d(FEATURES).double(), *numbers), nn.LayerNorm(FEATURES)
    cases: dict[str, Array] = {}
    for k, x in enumerate(data["batches"]):
        cases |= {f"batch {k} {name}": v for name, v in derivatives(batch, x, data).items()}
        cases[f"batch {k} mean"] = batch.running_mean.numpy().copy()
        cases[f"batch {k} var"] = batch.running_var.numpy().copy()
    found = derivatives(batch.eval(), data["batches"][0], data)
    cases |= {f"evaluated {name}": value for name, value in found.items()}
    found = derivatives(set_numbers(row.double(), *numbers), data["batches"][1], data)
    return cases | {f"layer {name}": value for name, value in found.items()}


def network(kind: str, vector: Array, running: list[Array]) -> Any:
    """Return Linear, normalisation, tanh, Linear with these weights and running statistics."""
    ends = np.cumsum([3 * HIDDEN, HIDDEN, HIDDEN, HIDDEN])
    W, scale, shift, V, b = np.split(vector, ends)
    norm = nn.BatchNorm1d(HIDDEN) if kind == "batch" else nn.LayerNorm(HIDDEN)
    model = nn.Sequential(
        nn.Linear(3, HIDDEN, bias=False), norm, nn.Tanh(), nn.Linear(HIDDEN, 1)
    ).double()
    set_numbers(norm, scale, shift)
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(W.reshape(3, HIDDEN).T.copy()))
        model[3].weight.copy_(torch.tensor(V.reshape(1, HIDDEN)))
        model[3].bias.copy_(torch.tensor(b))
        for buffer, array in zip(norm.buffers(), running, strict=False):
            buffer.copy_(torch.tensor(array))
    return model


def vector_of(tensors: Any) -> Array:
    """Return weights of shape (out, in), and others, as a vector of minidl."""
    return np.concatenate([t.detach().numpy().T.ravel() for t in tensors])


def loss_of(model: Any, X: Array, y: Array) -> Any:
    """Return the mean binary cross-entropy."""
    return nn.functional.binary_cross_entropy_with_logits(model(torch.tensor(X)), torch.tensor(y))


def run(kind: str, rule: str, data: dict[str, Array]) -> dict[str, Array]:
    """Train with torch.optim.SGD; return stored points, running statistics and losses."""
    momentum, nesterov = RULES[rule]
    start = np.concatenate([data[f"start {n}"].ravel() for n in ("W", "scale", "shift", "V", "b")])
    model = network(kind, start, [])
    weights = list(model.parameters())
    optimizer = torch.optim.SGD(weights, lr=LR, momentum=momentum, nesterov=nesterov)
    stored, running, losses = [], [], []
    for order in data["orders"]:
        for at in range(0, ROWS, BATCH):
            rows = order[at : at + BATCH]
            optimizer.zero_grad()
            loss_of(model, data["X"][rows], data["y"][rows]).backward()
            optimizer.step()
        theta = stored_now = vector_of(weights)
        if nesterov:
            buffer = vector_of(optimizer.state[w]["momentum_buffer"] for w in weights)
            theta = stored_now + momentum * LR * buffer
        statistics = [b.numpy().copy() for b in model[1].buffers() if b.ndim]
        evaluated = network(kind, theta, statistics).eval()
        losses.append(loss_of(evaluated, data["X"], data["y"]).item())
        stored.append(stored_now)
        running.append(statistics)
    found = {"stored": np.array(stored), "losses": np.array(losses), "theta": theta}
    found |= {"running": np.array(running)} if kind == "batch" else {}
    return {f"{kind} {rule} {name}": array for name, array in found.items()}


def main() -> None:
    """Write the file."""
    data = inputs()
    entries = dict(data) | layer_cases(data)
    for kind in ("batch", "layer"):
        for rule in RULES:
            entries |= run(kind, rule, data)
    entries["versions"] = np.array([f"torch {torch.__version__}"])
    np.savez_compressed(Path(__file__).parent / "norms.npz", **entries)


if __name__ == "__main__":
    main()
