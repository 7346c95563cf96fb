"""Steps of random programs for the operations that no layer of minidl uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from random_steps import apart, axis_of, mate, on, positive, ranked, reduction, small

Step = Callable[..., Any]


def between(np: Any, x: Any) -> Any:
    """Bring numbers to (0.1, 0.9)."""
    return 0.5 + 0.4 * np.tanh(x)


def regular(np: Any, x: Any) -> Any:
    """Return square matrices away from singular ones; a ValueError says that x has none."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError
    return 0.3 * np.tanh(x) + numpy.eye(x.shape[-1])


def shares(np: Any, x: Any) -> Any:
    """Bring numbers to (-0.95, -0.55), (0.05, 0.45) and (1.05, 1.45), away from 0.5."""
    return apart(np, x) / 2


def part(name: str, *rest: Any) -> Step:
    """Return the step of one of several results."""

    def step(np: Any, x: Any, j: int) -> Any:
        found = getattr(np, name)(x, *rest)
        return found[j % len(found)]

    return step


def square_only(np: Any, x: Any) -> Any:
    if x.ndim != 2:
        raise ValueError
    return np.tanh(x)


def order(x: Any, axis: int) -> Any:
    """Return a fixed place for each row."""
    return numpy.argsort(numpy.cos(2.3 * numpy.arange(x.size)).reshape(x.shape), axis)


UNARY: dict[str, Step] = {
    **{
        name: on(name, apart) for name in ["floor", "ceil", "trunc", "round", "softshrink", "relu6"]
    },
    **{name: on(name, lambda np, x: 2 * apart(np, x)) for name in ("hardsigmoid", "hardswish")},
    "exp2": on("exp2", small),
    "rsqrt": on("rsqrt", positive),
    "logit": on("logit", between),
    "erfc": on("erfc"),
    "nan_to_num": on("nan_to_num"),
    "sinc": on("sinc", positive),
    "copy": on("copy"),
    "ravel": on("ravel"),
    **{name: reduction(name) for name in ("nansum", "nanmean")},
    **{name: reduction(name, ranked) for name in ("nanmax", "nanmin")},
    "nanprod": reduction("nanprod", lambda np, x: 1.3 * np.tanh(x)),
    "average": lambda np, x, j: np.average(x, axis_of(x, j) if j % 3 else None),
    "median": lambda np, x, j: np.median(ranked(np, x), axis_of(x, j) if j % 3 else None),
    "quantile": lambda np, x, j: np.quantile(ranked(np, x), [0.3, j / 11], axis_of(x, j)),
    "sort": lambda np, x, j: np.sort(ranked(np, x), axis_of(x, j)),
    "cumprod": lambda np, x, j: np.cumprod(1.3 * np.tanh(x), axis_of(x, j) if j % 3 else None),
    "logcumsumexp": lambda np, x, j: np.logcumsumexp(x, axis_of(x, j) if j % 3 else None),
    "glu": lambda np, x, j: np.glu(np.concatenate([x, x], axis_of(x, j)), axis_of(x, j)),
    "diff": lambda np, x, j: np.diff(x, j % 3, axis_of(x, j)),
    "fliplr": lambda np, x, j: np.fliplr(x),
    "flipud": lambda np, x, j: np.flipud(x),
    "rot90": lambda np, x, j: np.rot90(x, j, (0, -1)),
    "take": lambda np, x, j: np.take(x, [0, j % x.shape[0], 0], 0),
    "take_along_axis": lambda np, x, j: np.take_along_axis(
        x, order(x, axis_of(x, j)), axis_of(x, j)
    ),
    "atleast_1d": lambda np, x, j: np.atleast_1d(x),
    "atleast_2d": lambda np, x, j: np.atleast_2d(x),
    "atleast_3d": lambda np, x, j: np.atleast_3d(x),
    "unstack": part("unstack"),
    "det": lambda np, x, j: np.det(regular(np, x)),
    "inv": lambda np, x, j: np.inv(regular(np, x)),
    "slogdet": lambda np, x, j: np.slogdet(regular(np, x))[1],
    "multi_dot": lambda np, x, j: np.multi_dot(
        [square_only(np, x), np.swapaxes(np.tanh(x), 0, 1), x]
    ),
}


def listed(name: str) -> Step:
    return lambda np, a, b, j: getattr(np, name)([a, mate(np, a, b)])


def pair(name: str) -> Step:
    return lambda np, a, b, j: getattr(np, name)(a, np.tanh(mate(np, a, b)))


def triples(np: Any, a: Any, b: Any, j: int) -> Any:
    return np.cross(np.stack([a, b, a * b], -1), np.stack([b, np.tanh(a), b], -1))


def grids(np: Any, a: Any, b: Any, j: int) -> Any:
    return np.meshgrid(a, b, indexing=["xy", "ij"][j % 2])[j % 2]


PAIRED: dict[str, Step] = {
    **{name: listed(name) for name in ["vstack", "hstack", "dstack", "column_stack"]},
    **{name: pair(name) for name in ["inner", "vdot", "vecdot", "kron", "append"]},
    "matvec": lambda np, a, b, j: np.matvec(a, np.sum(np.tanh(mate(np, a, b)), axis=-2)),
    "vecmat": lambda np, a, b, j: np.vecmat(np.sum(np.tanh(mate(np, a, b)), axis=-1), a),
    "cross": triples,
    "broadcast_arrays": lambda np, a, b, j: np.broadcast_arrays(a, b)[j % 2],
    "meshgrid": grids,
    "solve": lambda np, a, b, j: np.solve(regular(np, a), mate(np, a, b)),
    "lerp": lambda np, a, b, j: np.lerp(a, mate(np, a, b), shares(np, a)),
    "prelu": lambda np, a, b, j: np.prelu(apart(np, a), np.tanh(mate(np, a, b))),
    **{
        name: lambda np, a, b, j, name=name: getattr(np, name)(
            2 * apart(np, a), [2, -2][j % 2] + 0.02 * np.tanh(mate(np, a, b))
        )
        for name in ("remainder", "fmod", "floor_divide")
    },
}
