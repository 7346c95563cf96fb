"""NumPy's other names of operations, each written in operations.

A name that the installed NumPy does not have is left out.
"""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from minidl.autograd.node import Node, Value, array_of
from minidl.autograd.ops import reductions
from minidl.autograd.ops.elementwise import astype, power, where
from minidl.autograd.ops.extra import contractions, diagonals, joining, ordering, rounding
from minidl.autograd.ops.extra import reductions as cumulative
from minidl.autograd.ops.extra.norms import Order, norm
from minidl.autograd.ops.extra.scans import cumprod
from minidl.autograd.ops.shapes import broadcast_to, swapaxes
from minidl.autograd.ops.ufuncs import Axis, absolute, maximum, minimum, multiply, positive
from minidl.autograd.primitive import composite
from minidl.errors import ArgumentError, ShapeError

__all__: list[str] = []

Function = Callable[..., Value]


@composite
def ptp(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Range, the largest less the smallest element."""
    top, bottom = (f(a, axis, keepdims=keepdims) for f in (reductions.max, reductions.min))
    return top - bottom


@composite
def percentile(
    a: Value, q: Value, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Value:
    """Quantile, with q from 0 to 100."""
    constant = np.asarray(q)  # of a Tensor with a graph, an error
    if not np.all((constant >= 0) & (constant <= 100)):
        raise ArgumentError(f"must be from 0 to 100, got {constant.tolist()!r}", argument="q")
    return ordering.quantile(a, (constant / 100).tolist(), axis, method=method, keepdims=keepdims)


def _cumulative(scan: Function, first: float, name: str) -> Function:
    """Return NumPy's newer form of a cumulative operation."""

    def cumulative_(x: Value, *, axis: int | None = None, include_initial: bool = False) -> Value:
        if axis is None and np.ndim(x) > 1:
            hint = f"Give the axis: {name}(x, axis=0)."
            raise ShapeError(f"{name} needs an axis", received=f"shape {np.shape(x)}", hint=hint)
        axis = 0 if axis is None else axis
        y = scan(x, axis)
        if not include_initial:
            return y
        start = [(0, 0)] * y.ndim
        start[axis] = (1, 0)
        return joining.pad(y, start, constant_values=first)

    cumulative_.__name__ = name
    return composite(cumulative_)


def _nan_scan(scan: Function, value: float, name: str) -> Function:
    """Return a cumulative operation that takes nan for a number that changes nothing."""

    def nan_scan(a: Value, axis: int | None = None) -> Value:
        return scan(where(np.isnan(a), value, a), axis)

    nan_scan.__name__ = name
    return composite(nan_scan)


@composite
def linalg_outer(x1: Value, x2: Value) -> Value:
    """Outer product of two vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        received = f"shapes {np.shape(x1)} and {np.shape(x2)}"
        raise ShapeError("linalg.outer needs vectors", received=received, hint="np.outer flattens.")
    return contractions.outer(x1, x2)


@composite
def linalg_trace(x: Value, *, offset: int = 0) -> Value:
    """Sum of the diagonal of the last two axes."""
    return diagonals.trace(x, offset, -2, -1)


@composite
def linalg_diagonal(x: Value, *, offset: int = 0) -> Value:
    """Diagonal of the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


@composite
def matrix_transpose(x: Value) -> Value:
    """Transpose of each matrix, the last two axes swapped."""
    if np.ndim(x) < 2:
        raise ShapeError("matrix_transpose needs matrices", received=f"shape {np.shape(x)}")
    return swapaxes(x, -1, -2)


@composite
def matrix_norm(x: Value, *, keepdims: bool = False, ord: Order = "fro") -> Value:
    """Norm of the matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims=keepdims)


@composite
def vector_norm(
    x: Value, *, axis: Axis = None, keepdims: bool = False, ord: float | None = 2
) -> Value:
    """Norm of the vectors in these axes, or of all elements."""
    y = norm(ordering.rows_of(joining.as_array(x), axis), ord, -1)
    if not keepdims:
        return y
    axes = range(np.ndim(x)) if axis is None else axis
    return np.expand_dims(y, axes if isinstance(axes, int) else tuple(a % np.ndim(x) for a in axes))


@composite
def array_split(ary: Value, indices_or_sections: Value, axis: int = 0) -> list[Value]:
    """Cut into so many parts, the first ones longer by one where needed, or at these places."""
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        places = np.arange(n)
        parts = np.array_split(places, indices_or_sections)
        indices_or_sections = np.cumsum([len(part) for part in parts])[:-1].tolist()
    found: list[Value] = joining.split(ary, indices_or_sections, axis)
    return found


def _split_along(axis: int, name: str) -> Function:
    def split(ary: Value, indices_or_sections: Value) -> list[Value]:
        if np.ndim(ary) <= axis and name != "hsplit":
            raise ShapeError(f"{name} needs more axes", received=f"shape {np.shape(ary)}")
        parts: list[Value] = joining.split(ary, indices_or_sections, min(axis, np.ndim(ary) - 1))
        return parts

    split.__name__ = name
    return composite(split)


@composite
def select(condlist: Sequence[Value], choicelist: Sequence[Value], default: Value = 0) -> Value:
    """Choose by the first condition that holds."""
    if len(condlist) != len(choicelist):
        received = f"{len(condlist)} and {len(choicelist)}"
        raise ShapeError("select needs a choice for each condition", received=received)
    pairs = zip(reversed(condlist), reversed(choicelist), strict=True)
    return functools.reduce(lambda rest, pair: where(pair[0], pair[1], rest), pairs, default)


@composite
def full_like(a: Value, fill_value: Value, dtype: npt.DTypeLike | None = None) -> Value:
    """Repeat a number to the shape of an array; constant unless the number is a Tensor."""
    like = np.asarray(array_of(a))
    if not isinstance(fill_value, Node):
        return np.full_like(like, fill_value, dtype)
    return astype(broadcast_to(fill_value, like.shape), dtype or like.dtype)


@composite
def fmax(a: Value, b: Value) -> Value:
    """Larger of a and b, or the one that is not nan."""
    return where(np.isnan(a), b, where(np.isnan(b), a, maximum(a, b)))


@composite
def fmin(a: Value, b: Value) -> Value:
    """Smaller of a and b, or the one that is not nan."""
    return where(np.isnan(a), b, where(np.isnan(b), a, minimum(a, b)))


@composite
def deg2rad(x: Value) -> Value:
    """Convert degrees to radians."""
    return multiply(x, np.pi / 180)


@composite
def rad2deg(x: Value) -> Value:
    """Convert radians to degrees."""
    return multiply(x, 180 / np.pi)


@composite
def new_astype(x: Value, dtype: npt.DTypeLike) -> Value:
    """Convert to float64 or float32."""
    return astype(x, dtype)


OTHER: dict[str, Function] = {
    "amax": reductions.max, "amin": reductions.min, "around": rounding.round,
    "array_split": array_split, "astype": new_astype, "conj": positive, "conjugate": positive,
    "cumulative_prod": _cumulative(cumprod, 1.0, "cumulative_prod"),
    "cumulative_sum": _cumulative(cumulative.cumsum, 0.0, "cumulative_sum"),
    "deg2rad": deg2rad, "degrees": rad2deg, "divmod": rounding.divmod_,
    "dsplit": _split_along(2, "dsplit"), "fabs": absolute, "fix": rounding.trunc,
    "float_power": power, "fmax": fmax, "fmin": fmin,
    "full_like": full_like, "hsplit": _split_along(1, "hsplit"),
    "matrix_transpose": matrix_transpose, "nancumprod": _nan_scan(cumprod, 1.0, "nancumprod"),
    "nancumsum": _nan_scan(cumulative.cumsum, 0.0, "nancumsum"), "percentile": percentile,
    "ptp": ptp, "rad2deg": rad2deg, "radians": deg2rad, "real": positive,
    "rint": rounding.round, "select": select, "vsplit": _split_along(0, "vsplit"),
    "linalg.diagonal": linalg_diagonal, "linalg.matrix_norm": matrix_norm,
    "linalg.matrix_transpose": matrix_transpose, "linalg.outer": linalg_outer,
    "linalg.trace": linalg_trace, "linalg.vector_norm": vector_norm,
}  # fmt: skip


def numpy_functions(ops: Mapping[str, Function]) -> dict[Function, Function]:
    """Return NumPy's functions and the operations that they are on Tensors."""
    found: dict[Function, Function] = {}
    for prefix, module in (("", np), ("linalg.", np.linalg)):
        named = {name: ops[name] for name in ops}
        named |= {n.removeprefix(prefix): f for n, f in OTHER.items() if ("." in n) == bool(prefix)}
        found |= {getattr(module, n): f for n, f in named.items() if hasattr(module, n)}
    return found
