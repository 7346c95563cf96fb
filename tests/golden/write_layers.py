"""Write layers.npz: settings of losses, activations at their kinks, Embedding, Residual and L1.

Run it with the `bench` extra: ``python tests/golden/write_layers.py``. For each case there is a
value of PyTorch (of Keras where PyTorch has no such thing), its gradient, and the gradient of the
product of that with `direction`. The tests need only NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Case = tuple[str, Callable[[Any], Any]]  # the name of the input, and a function to a scalar

STEPS, RATE, MOMENTUM, L1 = 20, 0.1, 0.9, 0.03


def inputs() -> dict[str, Array]:
    """Return the inputs of PyTorch and of the tests."""
    rng = np.random.default_rng(20240915)
    logit = rng.normal(0, 3, (8, 3))
    logit[:4, 0], logit[:4, 1] = [1e4, -1e4, 700, -700], [0, 30, -30, 1e-9]
    logits = rng.normal(0, 3, (8, 4))
    logits[0], logits[1] = [1e4, -1e4, 0, 1], [2.0, 2, 2, 2]
    errors = np.array([[0.0, 0.3, -0.3], [2, -2, 1e4], [-1e4, 1e-9, 0.299], [0.301, -1.999, 2.001]])
    target = rng.normal(0, 1, (4, 3)).round(3)
    sides = [1e4, 100, 6, 3, 1.5, 1, 0.5, 0.3, 1e-6]
    W = rng.standard_normal((4, 3))
    W[0, 0], W[1, 2] = 0.0, 0.0
    return {
        "edges": np.array([*sides, 0.0, *(-x for x in sides)]),
        "weights": np.cos(np.arange(19.0)),
        "logit": logit,
        "zero_one": rng.integers(0, 2, (8, 3)).astype(float),
        "share": rng.random((8, 3)),
        "logits": logits,
        "class": np.array([0, 3, 1, 2, 2, 0, 3, 1]),
        "class_ignored": np.array([0, -100, 1, 2, -100, 0, 3, 1]),
        "residue": errors,  # what is left of the prediction
        "target": target,
        "log_mean": rng.normal(0, 1, (6, 2)),
        "mean": rng.random((6, 2)) + 0.1,
        "count": rng.poisson(2.0, (6, 2)).astype(float),
        "places": np.array([[1.0, 2, 1], [0, 1, 6], [2, 2, 5], [1, 6, 6]]),
        "table": rng.standard_normal((7, 2)),
        "rows": rng.standard_normal((5, 3)),
        "block": rng.standard_normal(3 * 4 + 4 + 4 * 3 + 3),
        "W": W,
        "X": rng.standard_normal((10, 4)),
        "Y": rng.standard_normal((10, 3)),
        "class_weights": np.array([1.0, 0.5, 4.0, 0.0]),
        "pos_weights": np.array([3.0, 0.25, 1.0]),
    }


def loss_cases(d: dict[str, Any]) -> dict[str, Case]:
    """Return the losses with settings; `d` holds the inputs as Tensors of PyTorch."""
    import torch
    from torch.nn import functional

    def ce(**settings: Any) -> Callable[[Any], Any]:
        t = d["class_ignored" if "ignore_index" in settings else "class"]
        return lambda z: functional.cross_entropy(z, t, **settings)

    def focal(z: Any, gamma: float, alpha: float | None) -> Any:
        t = d["zero_one"]
        p = torch.sigmoid(z)
        each = functional.binary_cross_entropy_with_logits(z, t, reduction="none")
        each = each * (1 - p * t - (1 - p) * (1 - t)) ** gamma
        return (each if alpha is None else each * (alpha * t + (1 - alpha) * (1 - t))).mean()

    def bce(t: str, w: Any) -> Callable[[Any], Any]:
        return lambda z: functional.binary_cross_entropy_with_logits(z, d[t], pos_weight=w)

    w, p = d["class_weights"], d["pos_weights"]
    return {
        "softmax smoothed": ("logits", ce(label_smoothing=0.1)),
        "softmax ignored": ("logits", ce(ignore_index=-100)),
        "softmax ignored and smoothed": ("logits", ce(ignore_index=-100, label_smoothing=0.3)),
        "softmax weighted": ("logits", ce(weight=w)),
        "softmax weighted and ignored": ("logits", ce(weight=w, ignore_index=-100)),
        "binary weighted": ("logit", bce("zero_one", torch.tensor(3.0))),
        "binary weighted each": ("logit", bce("share", p)),
        "binary smoothed": (
            "logit",
            lambda z: functional.binary_cross_entropy_with_logits(z, 0.8 * d["zero_one"] + 0.1),
        ),
        "huber 0.3": ("residue", lambda e: functional.huber_loss(e, 0 * e, delta=0.3)),
        "huber 2": ("residue", lambda e: functional.huber_loss(e, 0 * e, delta=2.0)),
        "smooth_l1 0.3": ("residue", lambda e: functional.smooth_l1_loss(e, 0 * e, beta=0.3)),
        "smooth_l1 2": ("residue", lambda e: functional.smooth_l1_loss(e, 0 * e, beta=2.0)),
        "poisson": ("log_mean", lambda z: functional.poisson_nll_loss(z, d["count"])),
        "poisson of means": (
            "mean",
            lambda z: functional.poisson_nll_loss(z, d["count"], log_input=False),
        ),
        "focal": ("moderate_logit", lambda z: focal(z, 2.0, 0.25)),
        "focal 0.5": ("moderate_logit", lambda z: focal(z, 0.5, 0.9)),
        "focal 0": ("moderate_logit", lambda z: focal(z, 0.0, None)),
    }


def layer_cases(d: dict[str, Any]) -> dict[str, Case]:
    """Return activations at their kinks, an embedding and a residual block."""
    import torch
    from torch import nn
    from torch.nn import functional

    def summed(f: Callable[[Any], Any]) -> Case:
        return "edges", lambda x: (f(x) * d["weights"]).sum()

    def embedded(table: Any) -> Any:
        module = nn.Embedding(7, 2, padding_idx=2, _weight=table)
        y = nn.Flatten()(functional.embedding(d["places"].long(), table, module.padding_idx))
        return torch.tanh(y).sum()

    def block(w: Any) -> Any:
        W1, b1, W2, b2 = w[:12].reshape(3, 4), w[12:16], w[16:28].reshape(4, 3), w[28:]
        x = d["rows"]
        return torch.tanh(x + torch.tanh(x @ W1 + b1) @ W2 + b2).square().sum()

    return {
        "CELU 0.5": summed(lambda x: functional.celu(x, 0.5)),
        "GELU tanh": summed(lambda x: functional.gelu(x, approximate="tanh")),
        "Hardswish": summed(functional.hardswish),
        "Hardtanh -0.5 1.5": summed(lambda x: functional.hardtanh(x, -0.5, 1.5)),
        "LogSigmoid": summed(functional.logsigmoid),
        "Mish": summed(functional.mish),
        "ReLU6": summed(functional.relu6),
        "Softshrink 0.3": summed(lambda x: functional.softshrink(x, 0.3)),
        "Softsign": summed(functional.softsign),
        "embedding": ("table", embedded),
        "residual": ("block", block),
    }


def derivatives(f: Callable[[Any], Any], x: Array) -> dict[str, Array]:
    """Return value, gradient, and the gradient of the product of it with cosines."""
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    value = f(leaf)
    (gradient,) = torch.autograd.grad(value, leaf, create_graph=True)
    found = {"value": value.detach().numpy(), "gradient": gradient.detach().numpy()}
    if gradient.requires_grad:
        along = (gradient * torch.cos(torch.arange(x.size).reshape(x.shape).double())).sum()
        (second,) = torch.autograd.grad(along, leaf, allow_unused=True)
        found["second"] = np.zeros(x.shape) if second is None else second.numpy()
    return found


def lasso(d: dict[str, Any]) -> dict[str, Array]:
    """Return the first gradient, and weights after some steps of momentum, with an L1 penalty."""
    import torch

    W, b = d["W"].clone().requires_grad_(), torch.zeros(3).double().requires_grad_()
    optimizer = torch.optim.SGD([W, b], lr=RATE, momentum=MOMENTUM)
    values, gradients = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        error = d["X"] @ W + b - d["Y"]
        loss = error.square().mean() + L1 * W.abs().sum()
        loss.backward()
        values.append(loss.item())
        gradients.append(torch.cat([W.grad.ravel(), b.grad]).numpy().copy())
        optimizer.step()
    after = torch.cat([W.detach().ravel(), b.detach()]).numpy()
    return {"value": np.array(values), "gradient": gradients[0], "after": after}


def keras_smoothing(data: dict[str, Array]) -> dict[str, Array]:
    """Return value and gradient of the smoothed binary cross-entropy by Keras."""
    import jax
    import keras
    from write_nn import stay_in_float64

    keras.config.set_floatx("float64")
    stay_in_float64()
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    z = jax.numpy.asarray(data["logit"])
    gradient = jax.grad(lambda z: loss(data["zero_one"], z))(z)
    return {"value": np.asarray(loss(data["zero_one"], z)), "gradient": np.asarray(gradient)}


def main() -> None:
    """Write the file."""
    os.environ["KERAS_BACKEND"], os.environ["JAX_ENABLE_X64"] = "jax", "1"
    import torch

    data = inputs()
    data["moderate_logit"] = np.clip(data["logit"], -8, 8)  # of focal, which loses digits beyond
    d = {name: torch.tensor(value) for name, value in data.items()}
    entries = dict(data)
    for name, (argument, f) in (loss_cases(d) | layer_cases(d)).items():
        for what, value in derivatives(f, data[argument]).items():
            entries[f"{name}: {what}"] = value
        entries[f"{name}: input"] = np.array(argument)
    for name, found in {"lasso": lasso(d), "keras smoothed": keras_smoothing(data)}.items():
        entries |= {f"{name}: {what}": value for what, value in found.items()}
    constants = {"steps": STEPS, "rate": RATE, "momentum": MOMENTUM, "l1": L1}
    entries |= {name: np.array(value) for name, value in constants.items()}
    entries["versions"] = np.array([f"torch {torch.__version__}"])
    np.savez_compressed(Path(__file__).parent / "layers.npz", **entries)


if __name__ == "__main__":
    main()
