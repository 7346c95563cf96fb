"""The calls of which autograd_extra.npz holds values and both derivatives, by PyTorch.

Each is a function of `minidl.ops` and of arrays, and the same as text for `torch`, whose functions
of networks are `F`. Here inputs also lie on kinks, at ties and at zeros.
Those of the hard activations have no second derivative in PyTorch, so they are written by relu6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """A call: the inputs, by name; minidl's function; and PyTorch's expression of a, b and c."""

    inputs: tuple[str, ...]
    f: Callable[..., Any]
    torch: str


def inputs() -> dict[str, Any]:
    """Return everything that the calls are given."""
    random = np.random.default_rng(20261129)
    return {
        "kinks": np.array([-4.0, -3.0, -0.5, -0.2, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0]),
        "ties": np.array([[2.0, 1.0, 2.0, 2.0], [0.5, 3.0, 0.5, 1.0], [1.0, 1.0, 1.0, 1.0]]),
        "zeros": np.array([[1.5, 0.0, -2.0, 0.5], [0.0, 3.0, 0.0, 1.0], [1.0, -1.0, 2.0, 0.7]]),
        "nans": np.array([[1.5, np.nan, -2.0], [np.nan, 3.0, 0.4]]),
        "x": random.normal(0, 1.5, (3, 4)),
        "y": random.normal(0, 1.5, (3, 4)),
        "row": random.normal(0, 1.5, 4),
        "slopes": random.uniform(0.1, 0.5, 4),
        "unit": random.uniform(0.1, 0.9, (3, 4)),
        "positive": random.uniform(0.3, 3, (3, 4)),
        "cube": random.normal(0, 1.5, (2, 3, 4)),
        "square": random.standard_normal((3, 3)) + 2 * np.eye(3),
        "batch": random.standard_normal((2, 3, 3)) + 2 * np.eye(3),
        "three": random.standard_normal((2, 3)),
        "two": random.standard_normal((2, 2)),
    }


def call(given: str, torch: str, f: Callable[..., Any]) -> Call:
    return Call(tuple(given.split()), f, torch)


SAME: dict[str, str] = {  # of one argument, and in PyTorch of the same name
    **dict.fromkeys(["ceil", "floor", "trunc", "round", "erfc", "exp2", "sinc", "fliplr"], "x"),
    **dict.fromkeys(["flipud", "ravel", "atleast_1d", "atleast_2d", "atleast_3d"], "x"),
    **{"rsqrt": "positive", "logit": "unit", "nan_to_num": "nans", "nansum": "nans"},
}
CALLS = {
    name: call(given, f"torch.{name}(a)", lambda ops, a, name=name: getattr(ops, name)(a))
    for name, given in SAME.items()
} | {
    "floor_divide": call(
        "x positive",
        "torch.div(a, b, rounding_mode='floor')",
        lambda ops, a, b: ops.floor_divide(a, b),
    ),
    "remainder": call("x positive", "torch.remainder(a, b)", lambda ops, a, b: ops.remainder(a, b)),
    "remainder of a number": call(
        "positive", "torch.remainder(0 * a + 7.3, a)", lambda ops, a: ops.remainder(7.3, a)
    ),
    "fmod": call("x positive", "torch.fmod(a, b)", lambda ops, a, b: ops.fmod(a, b)),
    "lerp": call("x y unit", "torch.lerp(a, b, c)", lambda ops, a, b, c: ops.lerp(a, b, c)),
    "relu6": call("kinks", "F.relu6(a)", lambda ops, a: ops.relu6(a)),
    "hardsigmoid": call("kinks", "F.relu6(a + 3) / 6", lambda ops, a: ops.hardsigmoid(a)),
    "hardswish": call("kinks", "a * (F.relu6(a + 3) / 6)", lambda ops, a: ops.hardswish(a)),
    "softshrink": call("kinks", "F.softshrink(a)", lambda ops, a: ops.softshrink(a)),
    "softshrink lambd": call(
        "kinks", "F.softshrink(a, 3.0)", lambda ops, a: ops.softshrink(a, 3.0)
    ),
    "prelu": call("x slopes", "F.prelu(a, b)", lambda ops, a, b: ops.prelu(a, b)),
    "glu": call("x", "F.glu(a)", lambda ops, a: ops.glu(a)),
    "glu axis": call("two", "F.glu(a, 0)", lambda ops, a: ops.glu(a, 0)),
    "average": call(
        "x positive", "(a * b).sum(0) / b.sum(0)", lambda ops, a, b: ops.average(a, 0, b)
    ),
    "nanmean": call("nans", "torch.nanmean(a, 1)", lambda ops, a: ops.nanmean(a, 1)),
    "nanmax": call(
        "nans", "torch.amax(torch.nan_to_num(a, -9.0), 1)", lambda ops, a: ops.nanmax(a, 1)
    ),
    "nanmin": call(
        "nans", "torch.amin(torch.nan_to_num(a, 9.0), 0)", lambda ops, a: ops.nanmin(a, 0)
    ),
    "nanprod": call(
        "nans", "torch.prod(torch.nan_to_num(a, 1.0), 1)", lambda ops, a: ops.nanprod(a, 1)
    ),
    "cumprod": call("x", "torch.cumprod(a, 1)", lambda ops, a: ops.cumprod(a, 1)),
    "cumprod zeros": call("zeros", "torch.cumprod(a, 1)", lambda ops, a: ops.cumprod(a, 1)),
    "logcumsumexp": call("cube", "torch.logcumsumexp(a, 1)", lambda ops, a: ops.logcumsumexp(a, 1)),
    "sort": call("ties", "torch.sort(a, dim=1, stable=True)[0]", lambda ops, a: ops.sort(a)),
    "median": call("cube", "torch.quantile(a, 0.5, 2)", lambda ops, a: ops.median(a, 2)),
    "quantile": call(
        "x",
        "torch.quantile(a, torch.tensor([0.1, 0.6], dtype=torch.float64), 1)",
        lambda ops, a: ops.quantile(a, [0.1, 0.6], 1),
    ),
    "quantile ties": call(
        "ties", "torch.quantile(a, 0.45, 1)", lambda ops, a: ops.quantile(a, 0.45, 1)
    ),
    **{
        f"quantile {how}": call(
            "x",
            f"torch.quantile(a, 0.3, 1, interpolation='{how}')",
            lambda ops, a, how=how: ops.quantile(a, 0.3, 1, method=how),
        )
        for how in ("lower", "higher", "midpoint", "nearest")
    },
    "take": call(
        "x", "torch.take(a, torch.tensor([0, 7, 7]))", lambda ops, a: ops.take(a, [0, 7, 7])
    ),
    "take_along_axis": call(
        "x",
        "torch.take_along_dim(a, torch.tensor([[1, 1], [0, 3], [2, 0]]), 1)",
        lambda ops, a: ops.take_along_axis(a, np.array([[1, 1], [0, 3], [2, 0]]), 1),
    ),
    "append": call("x y", "torch.cat([a, b], 1)", lambda ops, a, b: ops.append(a, b, 1)),
    "copy": call("x", "a.clone()", lambda ops, a: ops.copy(a)),
    "diff": call("x", "torch.diff(a, 2, 1)", lambda ops, a: ops.diff(a, 2, 1)),
    "rot90": call("x", "torch.rot90(a, 3)", lambda ops, a: ops.rot90(a, 3)),
    "unstack": call("x", "torch.unbind(a, 1)[2]", lambda ops, a: ops.unstack(a, 1)[2]),
    **{
        name: call(
            "x y", f"torch.{name}([a, b])", lambda ops, a, b, name=name: getattr(ops, name)([a, b])
        )
        for name in ("vstack", "hstack", "dstack", "column_stack")
    },
    "broadcast_arrays": call(
        "row x", "torch.broadcast_tensors(a, b)[0]", lambda ops, a, b: ops.broadcast_arrays(a, b)[0]
    ),
    "meshgrid": call(
        "row slopes",
        "torch.meshgrid(a, b, indexing='xy')[1]",
        lambda ops, a, b: ops.meshgrid(a, b)[1],
    ),
    "cross": call(
        "three square", "torch.linalg.cross(a, b[:2])", lambda ops, a, b: ops.cross(a, b[:2])
    ),
    "inner": call("x y", "torch.inner(a, b)", lambda ops, a, b: ops.inner(a, b)),
    "kron": call("x two", "torch.kron(a, b)", lambda ops, a, b: ops.kron(a, b)),
    "vdot": call("row slopes", "torch.vdot(a, b)", lambda ops, a, b: ops.vdot(a, b)),
    "vecdot": call("cube row", "torch.linalg.vecdot(a, b)", lambda ops, a, b: ops.vecdot(a, b)),
    "matvec": call("cube row", "a @ b", lambda ops, a, b: ops.matvec(a, b)),
    "vecmat": call("three square", "a @ b", lambda ops, a, b: ops.vecmat(a, b)),
    "multi_dot": call(
        "three square x",
        "torch.linalg.multi_dot([a, b, c])",
        lambda ops, a, b, c: ops.multi_dot([a, b, c]),
    ),
    "det": call("batch", "torch.linalg.det(a)", lambda ops, a: ops.det(a)),
    "inv": call("batch", "torch.linalg.inv(a)", lambda ops, a: ops.inv(a)),
    "slogdet": call("batch", "torch.linalg.slogdet(a)[1]", lambda ops, a: ops.slogdet(a)[1]),
    "solve": call("batch square", "torch.linalg.solve(a, b)", lambda ops, a, b: ops.solve(a, b)),
    "solve of a vector": call(
        "square three", "torch.linalg.solve(a, b[0])", lambda ops, a, b: ops.solve(a, b[0])
    ),
}
