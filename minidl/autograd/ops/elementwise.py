"""Elementwise operations with more than a formula: powers, bounds and choices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.activations import sigmoid
from minidl.autograd.primitive import composite, primitive, quiet
from minidl.errors import ArgumentError

__all__ = ["astype", "clip", "logaddexp", "power", "where"]


def _base_rule(g: Value, y: Value, a: Value, b: Value) -> Value:
    """Return g b a^(b-1); where b = 0, with a^(-1) only if it is finite and b has a gradient."""
    if isinstance(b, np.ndarray | np.generic) and b.dtype.kind != "f":
        b = b.astype(y.dtype)  # b - 1 could wrap around
    zero, lower = np.equal(b, 0), b - 1
    if np.any(zero):
        b_varies = isinstance(b, Node) and b.requires_grad
        kept = np.absolute(a) >= np.finfo(y.dtype).tiny if b_varies else False
        lower = np.where(zero & np.logical_not(kept), 0.0, lower)
    return g * (b * a**lower)


@primitive(
    _base_rule,  # the other is 0 where a = 0 and b >= 0, as y is 0 (or 1) for every such b
    lambda g, y, a, b: g * y * np.log(np.where(np.equal(a, 0) & np.greater_equal(b, 0), 1.0, a)),
    elementwise=True,
)
def power(a: Value, b: Value) -> Value:
    """Power, y = a^b; dy/da = b a^(b-1), 0 for b = 0; dy/db = y log a, 0 at a = 0 for b >= 0.

    A negative base has derivatives with respect to a at whole exponents; otherwise, and with
    respect to b, it gives nan, as in NumPy and PyTorch. Where b = 0 is differentiated too,
    d2y/da db = 1 / a is kept; PyTorch returns 0.
    """
    return np.power(a, float(b) if isinstance(b, int) else b)


def _share(a: Value, b: Value) -> Value:
    """Return the share of e^a in e^a + e^b; 1/2 also for two equal infinities."""
    tie = np.equal(a, b) & np.isinf(a)
    return sigmoid(np.where(tie, 0.0, a) - np.where(tie, 0.0, b))


@primitive(
    lambda g, y, a, b: g * _share(a, b), lambda g, y, a, b: g * _share(b, a), elementwise=True
)
@quiet
def logaddexp(a: Value, b: Value) -> Value:
    """Logarithm of e^a + e^b; dy/da = sigmoid(a - b), dy/db = sigmoid(b - a).

    Two equal infinities share the gradient equally; PyTorch returns nan.
    """
    return np.logaddexp(a, b)


def _crossed(low: Value, high: Value) -> Value:
    """Return where the lower bound is above the upper one, which then is the result."""
    return np.False_ if low is None or high is None else np.greater(low, high)


@primitive(
    lambda g, y, a, low, high: np.where(np.equal(a, y) & ~_crossed(low, high), g, 0.0),
    lambda g, y, a, low, high: np.where(np.less(a, y) & ~_crossed(low, high), g, 0.0),
    lambda g, y, a, low, high: np.where(np.greater(a, y) | _crossed(low, high), g, 0.0),
)
def _clip(a: Value, low: Value, high: Value) -> Value:
    return np.positive(a) if low is None and high is None else np.clip(a, low, high)


@composite
def clip(
    a: Value, a_min: Value = None, a_max: Value = None, *, min: Value = None, max: Value = None
) -> Value:
    """Limit a to [a_min, a_max]; dy/da = 1 inside and on the bounds, else 0 and 1 for the bound.

    None leaves a side open. Where a_min is above a_max, y is a_max, which has the whole gradient.
    `min` and `max` are NumPy's newer names of the bounds; giving both is
    an ArgumentError. A nan stays nan and gets the gradient 0, as in PyTorch's clamp.

    >>> clip(np.array([-2.0, 0.5, 3.0]), -1, 1)
    array([-1. ,  0.5,  1. ])
    """
    if min is None and max is None:
        return _clip(a, a_min, a_max)
    if a_min is not None or a_max is not None:
        message = "clip needs its bounds as a_min and a_max or as min and max, not both"
        raise ArgumentError(message, received=f"a_min={a_min}, a_max={a_max}, min={min}, max={max}")
    return _clip(a, min, max)


@primitive(
    None, lambda g, y, c, a, b: np.where(c, g, 0.0), lambda g, y, c, a, b: np.where(c, 0.0, g)
)
def where(condition: Value, a: Value, b: Value) -> Value:
    """Choose: y = a where the condition holds, else b; the gradient goes to the chosen one.

    Elements that are not chosen have a gradient of exactly 0, even if a derivative there is
    infinite or nan; PyTorch, JAX and TensorFlow return nan. The same holds for `maximum`,
    `minimum`, `clip`, `max`, `min` and indexing, but not for `relu`: write ``maximum(x, 0)``.

    Chosen elements are treated as usual: 0 times an infinite derivative is nan, as in
    ``0 * sqrt(x)`` at 0. Sums of products such as ``a @ b`` and `einsum` leave out single terms,
    operations along an axis such as softmax whole rows, and `inv`, `det`, `slogdet` and `solve`
    whole matrices; a singular one is an error in `inv` and `solve` all the same.

    >>> from minidl import Tensor
    >>> x = Tensor([0.0, 4.0], requires_grad=True)
    >>> where(x > 0, np.sqrt(x), 0.0).sum().backward()
    >>> x.grad
    array([0.  , 0.25])
    """
    return np.where(condition, a, b)


@primitive(lambda g, y, x, dtype: g, elementwise=True)
def astype(x: Value, dtype: npt.DTypeLike) -> Value:
    """Convert to float64 or float32; dy/dx = 1."""
    return x.astype(dtype)
