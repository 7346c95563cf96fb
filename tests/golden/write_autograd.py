"""Write autograd.npz: values and two derivatives of every operation, as PyTorch and JAX have them.

Run it with the `bench` extra installed, from anywhere: ``python tests/golden/write_autograd.py``.
For y = f(x) it takes L = sum v (y + y^2 / 2) with fixed weights v, so that no second derivative is
trivial, and writes y, the gradient of L, and the Hessian of L times a fixed direction, all in
float64 and in one vector for each call and library. The test then needs NumPy alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from autograd_calls import CALLS, CONSTANTS, EINSUMS, INDICES, LOSSES, flat, inputs, weights_for

F = Callable[..., Any]


def by_torch(f: F, arrays: list[Any], moving: list[int]) -> list[Any]:
    """Return the value, the gradients and the products with the Hessian."""
    import torch

    given = [torch.tensor(array) for array in arrays]
    leaves = [given[i].requires_grad_() for i in moving]
    y = f(*given)
    total = (torch.tensor(weights_for(y.shape, 0.0)) * (y + y * y / 2)).sum()
    slopes = torch.autograd.grad(total, leaves, create_graph=True, materialize_grads=True)
    directions = [torch.tensor(weights_for(x.shape, 1.0 + i)) for i, x in enumerate(leaves)]
    along = sum((g * u).sum() for g, u in zip(slopes, directions, strict=True))
    zero = 0 * sum(x.sum() for x in leaves)  # there is always a graph
    products = torch.autograd.grad(along + zero, leaves, materialize_grads=True)
    return [part.detach().numpy() for part in (y, *slopes, *products)]


def by_jax(f: F, arrays: list[Any], moving: list[int]) -> list[Any]:
    """Return the same by JAX: forward over reverse."""
    import jax

    def of_moving(*xs: Any) -> Any:
        given = list(arrays)
        for i, x in zip(moving, xs, strict=True):
            given[i] = x
        return f(*given)

    def total(*xs: Any) -> Any:
        y = of_moving(*xs)
        return (weights_for(y.shape, 0.0) * (y + y * y / 2)).sum()

    leaves = [jax.numpy.asarray(arrays[i]) for i in moving]
    directions = [jax.numpy.asarray(weights_for(x.shape, 1.0 + i)) for i, x in enumerate(leaves)]
    slope = jax.grad(total, argnums=tuple(range(len(leaves))))
    slopes, products = jax.jvp(slope, tuple(leaves), tuple(directions))
    return [np.asarray(part) for part in (of_moving(*leaves), *slopes, *products)]


def jax_names() -> SimpleNamespace:
    """Return JAX's functions under the names of `minidl.ops`."""
    import jax
    from jax import nn

    names = dict(vars(jax.numpy))
    same = "sigmoid relu elu selu celu silu mish softplus softmax log_softmax logsumexp"
    names |= {name: getattr(nn, name) for name in same.split()}
    return SimpleNamespace(
        **names
        | {
            "erf": jax.scipy.special.erf,
            "norm": jax.numpy.linalg.norm,
            "logsigmoid": nn.log_sigmoid,
            "softsign": nn.soft_sign,
            "leaky_relu": nn.leaky_relu,
            "gelu": lambda x, approximate="none": nn.gelu(x, approximate == "tanh"),
            "hardtanh": lambda x, low=-1.0, high=1.0: jax.numpy.clip(x, low, high),
        }
    )


def torch_elementwise() -> dict[str, F]:
    """Return call -> the same in PyTorch, where the name is another or there are parameters."""
    import torch
    from torch.nn import functional

    same = "exp expm1 sin cos sinh cosh tanh absolute sign square negative positive"
    same += " log log1p log2 log10 sqrt reciprocal tan arcsin arccos arctanh arccosh arctan arcsinh"
    same += (
        " erf sigmoid where add subtract multiply divide arctan2 hypot logaddexp maximum minimum"
    )
    layers = "logsigmoid relu leaky_relu elu selu celu silu mish softplus softsign gelu hardtanh"
    return {
        **{name: getattr(torch, name) for name in same.split()},
        **{name: getattr(functional, name) for name in layers.split()},
        "leaky_relu slope": lambda x: functional.leaky_relu(x, 0.2),
        "elu alpha": lambda x: functional.elu(x, 1.3),
        "celu alpha": lambda x: functional.celu(x, 0.5),  # PyTorch rounds 1 / alpha to float32
        "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
        "hardtanh bounds": lambda x: functional.hardtanh(x, -0.4, 1.2),
        "clip": lambda x: torch.clip(x, -0.5, 0.8),
        "clip above": lambda x: torch.clip(x, None, 0.8),
        "power": torch.pow,
        "power number": lambda x: x**3,
        "power of number": lambda x: 2.5**x,
        "where": lambda m, a, b: torch.where(m, a * a, b),
    }


def torch_reductions() -> dict[str, F]:
    """Return call -> the same in PyTorch."""
    import torch

    several = {"max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp}
    several |= {name: getattr(torch, name) for name in ("sum", "mean")}
    for name in ("var", "std"):
        f = getattr(torch, name)
        several[name] = lambda x, d, keepdim=False, f=f: f(x, d, correction=0, keepdim=keepdim)
    found: dict[str, F] = {}
    for name, f in several.items():
        found[f"{name} all"] = lambda x, f=f: f(x, (0, 1, 2))
        found[f"{name} axis"] = lambda x, f=f: f(x, -2)
        found[f"{name} axes"] = lambda x, f=f: f(x, (0, -1), keepdim=True)
    vector, matrix = torch.linalg.vector_norm, torch.linalg.matrix_norm
    return found | {
        "prod all": torch.prod,
        "prod axis": lambda x: torch.prod(x, -2),
        "prod zeros": lambda x: torch.prod(x, 1),
        "var ddof": lambda x: torch.var(x, 1, correction=1),
        "std ddof": lambda x: torch.std(x, (0, 1, 2), correction=1, keepdim=True),
        "softmax": lambda x: torch.softmax(x, -1),
        "softmax axis": lambda x: torch.softmax(x, 0),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "log_softmax axis": lambda x: torch.log_softmax(x, 1),
        "cumsum": lambda x: torch.cumsum(x.ravel(), 0),
        "cumsum axis": lambda x: torch.cumsum(x, 1),
        "norm": vector,
        "norm axis": lambda x: vector(x, dim=-1, keepdim=True),
        "norm 1": lambda x: vector(x, 1, dim=1),
        "norm 3": lambda x: vector(x, 3, dim=1),
        "norm largest": lambda x: vector(x, np.inf, dim=1),
        "norm matrix": lambda x: matrix(x, "fro", dim=(0, 2)),
        "norm matrix 1": lambda x: matrix(x, 1, dim=(0, 2)),
    }


def torch_shapes() -> dict[str, F]:
    """Return call -> the same in PyTorch, which has no negative steps and no symmetric padding."""
    import torch
    from torch.nn import functional

    found: dict[str, F] = {
        f"getitem {what}": lambda x, index=index: x[index]
        for what, index in INDICES.items()
        if what != "backwards"
    }
    return found | {
        "getitem repeated": lambda x, i: x[i],
        "getitem pairs": lambda x, i, j: x[i, j],
        "getitem mixed": lambda x, i: x[:, i, 1:3],
        "getitem mask": lambda x, m: x[m],
        "reshape": lambda x: x.reshape(4, -1),
        "transpose": lambda x: x.permute(2, 0, 1),
        "swapaxes": lambda x: x.swapaxes(0, -1),
        "moveaxis": lambda x: x.moveaxis(0, -1),
        "expand_dims": lambda x: x.unsqueeze(0).unsqueeze(-1),
        "squeeze": lambda x: x.squeeze(-1),
        "broadcast_to": lambda x: x.expand(2, 3, 4),
        "concatenate": lambda *xs: torch.cat(xs, 1),
        "stack": lambda *xs: torch.stack(xs, 1),
        "split": lambda x: torch.split(x, [1, 2, 1], 1)[1],
        "pad": lambda x: functional.pad(x, (2, 1, 1, 0)),
        "pad edge": lambda x: functional.pad(x, (3, 1), "replicate"),
        "pad reflect": lambda x: functional.pad(x, (3, 1), "reflect"),
        "pad wrap": lambda x: functional.pad(x, (3, 1), "circular"),
        "flip": lambda x: x.flip(0, 2),
        "roll": lambda x: x.roll((1, -2), (0, 2)),
        "tile": lambda x: x.tile(2, 1, 3),
        "repeat": lambda x: x.repeat_interleave(3, 1),
        "diag of a vector": lambda x: torch.diag(x, 1),
        "diag of a matrix": lambda x: torch.diag(x, -1),
        "diagonal": lambda x: torch.diagonal(x, 1, 1, 2),
        "trace": torch.trace,
        "tril": lambda x: torch.tril(x, -1),
        "triu": lambda x: torch.triu(x, 1),
    }


def torch_products() -> dict[str, F]:
    """Return call -> the same in PyTorch."""
    import torch

    found: dict[str, F] = {f"einsum {e}": lambda *xs, e=e: torch.einsum(e, *xs) for e in EINSUMS}
    places = ("", " vectors", " from the left", " from the right", " batched", " broadcast")
    found |= {f"matmul{place}": torch.matmul for place in places}
    return found | {
        "dot": torch.matmul,
        "outer": lambda a, b: torch.outer(a, b.ravel()),
        "tensordot": lambda a, b: torch.tensordot(a, b, ([1, 2], [2, 1])),
        "tensordot one": lambda a, b: torch.tensordot(a, b, 1),
    }


def torch_losses() -> dict[str, F]:
    """Return call -> the same in PyTorch; a weighted mean is divided by the sum of the weights."""
    import torch
    from torch.nn import functional

    def hinge(z: Any, s: Any, reduction: str) -> Any:
        losses = functional.relu(1 - s * z)
        return losses if reduction == "none" else getattr(losses, reduction)()

    names: dict[str, F] = {
        "mean_squared_error": functional.mse_loss,
        "mean_absolute_error": functional.l1_loss,
        "huber": lambda p, t, reduction: functional.huber_loss(p, t, reduction, delta=0.7),
        "hinge": hinge,
        "bce_with_logits": functional.binary_cross_entropy_with_logits,
        "softmax_cross_entropy": functional.cross_entropy,
    }
    found: dict[str, F] = {}
    for name, f in names.items():
        for how in ("mean", "sum", "none"):
            found[f"{name} {how}"] = lambda z, t, f=f, how=how: f(z, t, reduction=how)
        found[f"{name} weighted"] = lambda z, t, w, f=f: (
            (w * f(z, t, reduction="none")).sum() / w.sum()
        )
    special: dict[str, dict[str, Any]] = {
        "probabilities": {},
        "smoothed": {"label_smoothing": 0.1},
        "smoothed probabilities": {"label_smoothing": 0.3, "reduction": "sum"},
        "ignored": {"ignore_index": 1},
        "ignored and smoothed": {"ignore_index": 1, "label_smoothing": 0.2},
        "ignored each": {"ignore_index": 0, "reduction": "none"},
    }
    entropy = torch.nn.functional.cross_entropy
    for how, keywords in special.items():
        found[f"softmax_cross_entropy {how}"] = lambda z, t, k=keywords: entropy(z, t, **k)
    return found


def results(data: dict[str, Any]) -> dict[str, Any]:
    """Return library and call -> values, gradients and products in one vector."""
    by_name = torch_elementwise() | torch_reductions() | torch_shapes()
    by_name |= torch_products() | torch_losses()
    assert by_name.keys() <= CALLS.keys(), by_name.keys() - CALLS.keys()
    jax_numpy = jax_names()
    found = {}
    for name, call in CALLS.items():
        arrays = [data[key] for key in call.inputs]
        moving = [i for i, key in enumerate(call.inputs) if key not in CONSTANTS]
        if name in by_name:
            found[f"torch {name}"] = flat(by_torch(by_name[name], arrays, moving))
        if name not in LOSSES:
            f = lambda *xs, call=call: call.f(jax_numpy, *xs)  # noqa: E731
            found[f"jax {name}"] = flat(by_jax(f, arrays, moving))
    return found


def main() -> None:
    """Write the file."""
    os.environ["JAX_ENABLE_X64"] = "1"
    import jax
    import torch

    data = inputs()
    found = results(data)
    for name in CALLS:
        if {f"torch {name}", f"jax {name}"} <= found.keys():
            one, other = found[f"torch {name}"], found[f"jax {name}"]
            apart = np.abs(one - other).max() / np.abs(one).max()
            if not apart < 1e-13:
                print(f"{name}: PyTorch and JAX differ by {apart:.1e}")
    versions = np.array([f"torch {torch.__version__}", f"jax {jax.__version__}"])
    np.savez_compressed(Path(__file__).parent / "autograd.npz", **data, **found, versions=versions)


if __name__ == "__main__":
    main()
