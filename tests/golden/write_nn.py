"""Write nn.npz: activations, losses and small networks as PyTorch and Keras compute them.

Run it with the `bench` extra: ``python tests/golden/write_nn.py``. Each entry has a value and a
gradient of the library, in float64; the inputs are in the file too. The tests need only NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]  # a value and its gradient

HUBER_DELTA = 0.7
LEAKY_SLOPE = 0.01
DECAY = 0.03
CLIPPED = ("focal extreme", "kl_divergence extreme")  # probabilities, by Keras at 1e-7
NETWORKS = [(name, loss) for name in ("relu", "tanh", "gelu", "selu") for loss in ("bce", "ce")]
WIDTHS = {"bce": (3, 7, 5, 1), "ce": (3, 7, 5, 4)}


def inputs() -> dict[str, Array]:
    """Return the inputs of the libraries and of the tests."""
    rng = np.random.default_rng(20240601)
    data = {
        "activation_x": np.concatenate([rng.normal(0, 3, (6, 5)), [[0.0, -30, 30, -700, 700]]]),
        "activation_weights": rng.standard_normal((7, 5)),
        "prediction": rng.normal(0, 2, (6, 3)),
        "target": rng.normal(0, 2, (6, 3)),
        "logit": rng.normal(0, 3, (8, 1)),
        "sign": np.sign(rng.standard_normal((8, 1))),
        "count": np.random.default_rng(1).poisson(1.5, (6, 3)).astype(float),
        "zero_one": np.array([[0.0], [1], [0], [1], [0], [1], [1], [0]]),
        "probability": np.array([[0.0], [1], [0], [1], [0.25], [0.5], [1], [0]]),
        "extreme_logit": np.array([[1e4], [-1e4], [1e4], [-1e4], [0], [700], [-700], [30]]),
        "logits": rng.normal(0, 3, (6, 4)),
        "extreme_logits": 1e4 * np.sign(rng.standard_normal((6, 4))),
        "class": rng.integers(0, 4, 6),
        "distribution": rng.dirichlet(np.ones(4), 6),
        "X": rng.standard_normal((9, 3)),
        "bce_y": (rng.random((9, 1)) < 0.5).astype(float),
        "ce_y": rng.integers(0, 4, 9),
    }
    for loss, widths in WIDTHS.items():
        size = sum((n + 1) * m for n, m in pairwise(widths))
        data[f"{loss}_start"] = rng.standard_normal(size) / 2
    constants = {"huber_delta": HUBER_DELTA, "leaky_slope": LEAKY_SLOPE, "decay": DECAY}
    return data | {name: np.array(value) for name, value in constants.items()}


def loss_cases(data: dict[str, Array]) -> dict[str, tuple[str, Array, Array]]:
    """Return case -> (loss, outputs, targets)."""
    return {
        "mean_squared_error": ("mse", data["prediction"], data["target"]),
        "mean_absolute_error": ("mae", data["prediction"], data["target"]),
        "huber": ("huber", data["prediction"], data["target"]),
        "smooth_l1": ("smooth_l1", data["prediction"], data["target"]),
        "poisson": ("poisson", data["prediction"], data["count"]),
        "focal": ("focal", data["logit"], data["zero_one"]),
        "focal extreme": ("focal", data["extreme_logit"], data["zero_one"]),
        "kl_divergence": ("kl", data["logits"], data["distribution"]),
        "kl_divergence extreme": ("kl", data["extreme_logits"], data["distribution"]),
        "hinge": ("hinge", data["logit"], data["sign"]),
        "hinge extreme": ("hinge", data["extreme_logit"], data["sign"]),
        "binary_cross_entropy": ("bce", data["logit"], data["probability"]),
        "binary_cross_entropy extreme": ("bce", data["extreme_logit"], data["probability"]),
        "softmax_cross_entropy index": ("ce", data["logits"], data["class"]),
        "softmax_cross_entropy index extreme": ("ce", data["extreme_logits"], data["class"]),
        "softmax_cross_entropy rows": ("ce", data["logits"], data["distribution"]),
        "softmax_cross_entropy rows extreme": (
            "ce",
            data["extreme_logits"],
            data["distribution"],
        ),
    }


def by_torch(f: Callable[[Any], Any], x: Array, weights: Array | float = 1.0) -> Pair:
    """Return f(x) and the gradient of the sum of weights f(x), by torch.autograd."""
    import torch

    t = torch.tensor(x, requires_grad=True)
    y = f(t)
    (y * torch.as_tensor(weights)).sum().backward()
    return y.detach().numpy(), t.grad.numpy()


def by_jax(f: Callable[[Any], Any], x: Array, weights: Array | float = 1.0) -> Pair:
    """Return f(x) and the gradient of the sum of weights f(x), by jax.grad."""
    import jax

    gradient = jax.grad(lambda z: (f(z) * weights).sum())(jax.numpy.asarray(x))
    return np.asarray(f(jax.numpy.asarray(x))), np.asarray(gradient)


def torch_activations() -> dict[str, Callable[[Any], Any]]:
    """Return name -> function."""
    from torch.nn import functional

    return {
        "identity": lambda x: x * 1,
        "relu": functional.relu,
        "leaky_relu": lambda x: functional.leaky_relu(x, LEAKY_SLOPE),
        "elu": functional.elu,
        "selu": functional.selu,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "softplus": functional.softplus,
        "sigmoid": functional.sigmoid,
        "tanh": functional.tanh,
        "softmax": lambda x: functional.softmax(x, dim=-1),
        "log_softmax": lambda x: functional.log_softmax(x, dim=-1),
        "logsigmoid": functional.logsigmoid,
        "mish": functional.mish,
        "celu": functional.celu,
        "relu6": functional.relu6,
        "softsign": functional.softsign,
        "softshrink": functional.softshrink,
        "hardtanh": functional.hardtanh,
        "hardsigmoid": functional.hardsigmoid,
        "hardswish": functional.hardswish,
    }


def keras_activations() -> dict[str, Callable[[Any], Any]]:
    """Return name -> function."""
    from keras import activations

    plain = ("relu", "elu", "selu", "silu", "softplus", "sigmoid", "tanh", "softmax")
    plain += ("log_softmax", "mish", "celu", "relu6", "softsign")
    return {
        **{name: getattr(activations, name) for name in plain},
        "identity": activations.linear,
        "logsigmoid": activations.log_sigmoid,
        "softshrink": activations.soft_shrink,
        "hardtanh": activations.hard_tanh,
        "hardsigmoid": activations.hard_sigmoid,
        "hardswish": activations.hard_silu,
        "leaky_relu": lambda x: activations.leaky_relu(x, negative_slope=LEAKY_SLOPE),
        "gelu": lambda x: activations.gelu(x, approximate=False),
    }


def torch_focal(z: Any, t: Any, alpha: float = 0.25, gamma: float = 2.0) -> Any:
    """Return the mean of ``torchvision.ops.sigmoid_focal_loss``, as it is written there."""
    import torch
    from torch.nn import functional

    p = torch.sigmoid(z)
    cross_entropy = functional.binary_cross_entropy_with_logits(z, t, reduction="none")
    right = p * t + (1 - p) * (1 - t)
    return ((alpha * t + (1 - alpha) * (1 - t)) * cross_entropy * (1 - right) ** gamma).mean()


def torch_loss(loss: str, targets: Array) -> Callable[[Any], Any]:
    """Return outputs -> mean loss."""
    import torch
    from torch.nn import functional

    t = torch.as_tensor(targets)
    return {
        "mse": lambda p: functional.mse_loss(p, t),
        "mae": lambda p: functional.l1_loss(p, t),
        "huber": lambda p: functional.huber_loss(p, t, delta=HUBER_DELTA),
        "smooth_l1": lambda p: functional.smooth_l1_loss(p, t, beta=HUBER_DELTA),
        "poisson": lambda z: functional.poisson_nll_loss(z, t),
        "focal": lambda z: torch_focal(z, t),
        "kl": lambda z: functional.kl_div(
            functional.log_softmax(z, dim=-1), t, reduction="batchmean"
        ),
        "hinge": lambda z: functional.relu(1 - t * z).mean(),
        "bce": lambda z: functional.binary_cross_entropy_with_logits(z, t),
        "ce": lambda z: functional.cross_entropy(z, t),
    }[loss]


def keras_loss(loss: str, targets: Array) -> Callable[[Any], Any]:
    """Return outputs -> mean loss."""
    import jax
    from keras import losses

    indices = targets.dtype.kind == "i"
    crossentropy = (
        losses.SparseCategoricalCrossentropy if indices else losses.CategoricalCrossentropy
    )
    made = {
        "mse": losses.MeanSquaredError,
        "mae": losses.MeanAbsoluteError,
        "huber": lambda: losses.Huber(delta=HUBER_DELTA),
        "hinge": losses.Hinge,
        "smooth_l1": lambda: lambda t, p: losses.Huber(delta=HUBER_DELTA)(t, p) / HUBER_DELTA,
        "poisson": lambda: lambda t, z: losses.Poisson()(t, jax.numpy.exp(z)),
        "focal": lambda: losses.BinaryFocalCrossentropy(
            from_logits=True, apply_class_balancing=True, alpha=0.25, gamma=2.0
        ),
        "kl": lambda: lambda t, z: losses.KLDivergence()(t, keras_activations()["softmax"](z)),
        "bce": lambda: losses.BinaryCrossentropy(from_logits=True),
        "ce": lambda: crossentropy(from_logits=True),
    }[loss]()
    return lambda outputs: made(targets, outputs)


def torch_network(name: str, loss: str, data: dict[str, Array]) -> dict[str, Array]:
    """Return loss, gradient, and gradient with weight decay on weights, in minidl's order."""
    import torch

    widths, f = WIDTHS[loss], torch_activations()[name]
    parts, at, start = [], 0, torch.tensor(data[f"{loss}_start"])
    for n, m in pairwise(widths):
        parts += [start[at : at + n * m].reshape(n, m), start[at + n * m : at + n * m + m]]
        at += n * m + m
    parts = [part.clone().requires_grad_() for part in parts]
    x = torch.tensor(data["X"])
    for i in range(0, len(parts), 2):
        x = (f(x) if i else x) @ parts[i] + parts[i + 1]
    value = torch_loss(loss, data[f"{loss}_y"])(x)
    value.backward()
    gradient = torch.cat([part.grad.ravel() for part in parts]).numpy()
    before = torch.cat([part.detach().ravel() for part in parts]).numpy()
    groups = [{"params": parts[::2], "weight_decay": DECAY}, {"params": parts[1::2]}]
    torch.optim.SGD(groups, lr=1.0).step()  # so that the step is the gradient it has used
    after = torch.cat([part.detach().ravel() for part in parts]).numpy()
    return {"loss": value.detach().numpy(), "gradient": gradient, "decayed": before - after}


def results(data: dict[str, Array]) -> dict[str, Array]:
    """Return every value and gradient, by names such as ``torch activation relu gradient``."""
    pairs: dict[str, Pair] = {}
    x, weights = data["activation_x"], data["activation_weights"]
    for name, f in torch_activations().items():
        pairs[f"torch activation {name}"] = by_torch(f, x, weights)
    for name, f in keras_activations().items():
        pairs[f"keras activation {name}"] = by_jax(f, x, weights)
    for case, (loss, outputs, targets) in loss_cases(data).items():
        pairs[f"torch loss {case}"] = by_torch(torch_loss(loss, targets), outputs)
        if case not in CLIPPED:
            pairs[f"keras loss {case}"] = by_jax(keras_loss(loss, targets), outputs)
    entries = {f"{key} value": value for key, (value, _) in pairs.items()}
    entries |= {f"{key} gradient": gradient for key, (_, gradient) in pairs.items()}
    for name, loss in NETWORKS:
        run = torch_network(name, loss, data)
        entries |= {f"torch network {name} {loss} {what}": value for what, value in run.items()}
    return entries


def stay_in_float64() -> None:
    """Stop Keras on JAX from converting float64 to float32 in tanh and in the losses."""
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def main() -> None:
    """Write the file."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_ENABLE_X64"] = "1"
    import jax
    import keras
    import torch

    keras.config.set_floatx("float64")
    stay_in_float64()
    data = inputs()
    libraries = {"torch": torch, "keras": keras, "jax": jax}
    versions = np.array([f"{name} {module.__version__}" for name, module in libraries.items()])
    path = Path(__file__).parent / "nn.npz"
    np.savez_compressed(path, **data, **results(data), versions=versions)


if __name__ == "__main__":
    main()
