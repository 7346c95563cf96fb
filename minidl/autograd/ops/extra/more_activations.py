"""Rectifiers and gates of other networks."""

import numpy as np

from minidl.autograd.node import Value, as_floats
from minidl.autograd.ops.activations import sigmoid
from minidl.autograd.ops.extra.joining import beside, split
from minidl.autograd.primitive import composite, primitive, quiet
from minidl.checks import check_number
from minidl.errors import ShapeError

__all__ = ["glu", "hardsigmoid", "hardswish", "prelu", "relu6", "softshrink"]


@primitive(
    lambda g, y, x: np.where(np.less_equal(x, 0) | np.greater_equal(x, 6), 0.0, g), elementwise=True
)
def relu6(x: Value) -> Value:
    """Rectifier limited to 6, y = min(max(x, 0), 6); dy/dx = 1 for 0 < x < 6, else 0.

    Krizhevsky 2010. At 0 and at 6 the slope is 0, as in PyTorch.
    """
    return np.clip(x, 0.0, 6.0)


@primitive(lambda g, y, x: np.where(np.less(np.absolute(x), 3), g / 6.0, 0.0), elementwise=True)
def hardsigmoid(x: Value) -> Value:
    """Piecewise linear sigmoid, y = min(max(x + 3, 0), 6) / 6; dy/dx = 1/6 for |x| < 3, else 0.

    As in PyTorch and Keras 3.
    """
    return np.clip(x + 3.0, 0.0, 6.0) / 6.0


@primitive(
    lambda g, y, x: g * np.where(np.less(np.absolute(x), 3), x / 3.0 + 0.5, ~np.less(x, 0)),
    elementwise=True,
)
@quiet
def hardswish(x: Value) -> Value:
    """Piecewise quadratic swish, y = x hardsigmoid(x); dy/dx = 0, x / 3 + 1/2 for |x| < 3, or 1.

    Howard et al. 2019, arXiv 1905.02244. A nan stays nan and has the derivative 1, as in PyTorch.
    """
    return x * (np.clip(x + 3.0, 0.0, 6.0) / 6.0)


@primitive(
    lambda g, y, x, lambd=0.5: np.where(np.less_equal(np.absolute(x), lambd), 0.0, g),
    elementwise=True,
)
def softshrink(x: Value, lambd: float = 0.5) -> Value:
    """Soft threshold, y = sign(x) max(|x| - lambd, 0); dy/dx = 1 for |x| > lambd, else 0.

    The solution of min_y (x - y)^2 / 2 + lambd |y|. A negative lambd is an ArgumentError.

    >>> softshrink(np.array([-2.0, 0.3, 2.0]))
    array([-1.5,  0. ,  1.5])
    """
    check_number("lambd", lambd, lambda threshold: threshold >= 0, "a number >= 0")
    return x - np.clip(x, -lambd, lambd)


@composite
@quiet
def prelu(x: Value, slope: Value) -> Value:
    """Rectifier with a learned slope: y = x for x > 0, else slope x; dy/dslope = x for x <= 0.

    He et al. 2015, arXiv 1502.01852. The slope is a number or one for each feature, the last axis
    of x (PyTorch's is the second), and broadcasts with x as in NumPy. At 0, dy/dx = slope.

    >>> prelu(np.array([[-2.0, -2.0], [3.0, 3.0]]), [0.5, 0.25]).tolist()
    [[-1.0, -0.5], [3.0, 3.0]]
    """
    x = as_floats(x)
    slope = beside(slope, x)
    return np.where(np.greater(x, 0), x, slope * np.where(np.greater(x, 0), 0.0, x))


@composite
@quiet
def glu(x: Value, axis: int = -1) -> Value:
    """Gated linear unit, y = a sigmoid(b), where a and b are the halves of x along an axis.

    Dauphin et al. 2017, arXiv 1612.08083. An odd length is a ShapeError.

    >>> glu(np.array([4.0, 6.0, 0.0, 0.0]))
    array([2., 3.])
    """
    x = as_floats(x)
    if x.ndim and -x.ndim <= axis < x.ndim and x.shape[axis] % 2:
        message = f"glu needs an even length to halve, got shape {x.shape}"
        raise ShapeError(message, hint=f"axis {axis} has length {x.shape[axis]}.")
    a, b = split(x, 2, axis)
    return a * sigmoid(b)
