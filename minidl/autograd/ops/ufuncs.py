"""NumPy's elementwise functions as a table, matrix products, and the dense layer.

In a rule, g is the gradient with respect to the result y; node.unbroadcast undoes broadcasting.
Where the textbook formula would overflow or cancel, such as 1 / (1 + x^2) at 1e200, an equal one
without that is used. Infinite derivatives, such as that of arcsin at 1, are inf, with NumPy's
warning. Leading axes of matrices are batches, such as those of replicas.
"""

import numpy as np

from minidl.autograd.node import Value, column_sums
from minidl.autograd.primitive import from_numpy, primitive, quiet
from minidl.errors import ShapeError

__all__ = [
    "abs", "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
    "arctanh", "cos", "cosh", "dense", "divide", "erf", "exp", "expm1", "hypot", "linear", "log",
    "log1p", "log2", "log10", "matmul", "maximum", "minimum", "multiply", "negative", "positive",
    "reciprocal", "sign", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
]  # fmt: skip

Axis = int | tuple[int, ...] | None
LOG2_E = 1.4426950408889634  # 1 / log 2
LOG10_E = 0.4342944819032518  # 1 / log 10
TWO_OVER_SQRT_PI = 1.1283791670955126


def bell(x: Value) -> Value:
    """Return e^(-x^2), with x limited to where its square cannot overflow, also in float32."""
    x = np.clip(x, -1e15, 1e15)
    return np.exp(-(x * x))


def logistic(x: Value) -> Value:
    """Return the sigmoid of an array, e^x / (1 + e^x); from x = 40 on that is 1 in any float."""
    e = np.exp(np.minimum(x, 40.0))
    return e / (1.0 + e)


def ratio(a: Value, b: Value) -> Value:
    """Return a / b for rules, and 0 where b is 0: the mean of the slopes beside a kink."""
    zero = np.equal(b, 0)
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


def _to_larger(g: Value, a: Value, b: Value) -> Value:
    """Return g where a > b or one is nan, 0 where a < b, and g / 2 at a tie."""
    return np.where(np.equal(a, b), 0.5 * g, np.where(np.less(a, b), 0.0, g))


# fmt: off
add = from_numpy(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g, doc="Sum; dy/da = dy/db = 1.")
subtract = from_numpy(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g,
    doc="Difference, y = a - b; dy/da = 1, dy/db = -1.")
multiply = from_numpy(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a,
    doc="Product, y = a b; dy/da = b, dy/db = a.")
divide = from_numpy(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * (y / b),
    doc="Quotient, y = a / b; dy/da = 1 / b, dy/db = -y / b.")
maximum = from_numpy(np.maximum,
    lambda g, y, a, b: _to_larger(g, a, b), lambda g, y, a, b: _to_larger(g, b, a),
    doc="""Larger of a and b; the gradient goes to the larger, and half to each at a tie.

    If one is nan, so is y, and both get the whole gradient, as in PyTorch.""")
minimum = from_numpy(np.minimum,
    lambda g, y, a, b: _to_larger(g, b, a), lambda g, y, a, b: _to_larger(g, a, b),
    doc="""Smaller of a and b; the gradient goes to the smaller, and half to each at a tie.

    If one is nan, so is y, and both get the whole gradient, as in PyTorch.""")
hypot = from_numpy(quiet(np.hypot),
    lambda g, y, a, b: g * ratio(a, y), lambda g, y, a, b: g * ratio(b, y),
    doc="Length, y = sqrt(a^2 + b^2) without overflow; dy/da = a / y, dy/db = b / y, 0 at (0, 0).")
arctan2 = from_numpy(np.arctan2,
    lambda g, y, a, b: ratio(g * ratio(b, (r := np.hypot(a, b))), r),
    lambda g, y, a, b: ratio(-g * ratio(a, (r := np.hypot(a, b))), r),
    doc="Angle of (b, a); dy/da = b / r^2, dy/db = -a / r^2, r = hypot(a, b); 0 at (0, 0).")

negative = from_numpy(np.negative, lambda g, y, x: -g, doc="Negation, y = -x; dy/dx = -1.")
positive = from_numpy(np.positive, lambda g, y, x: g, doc="Copy, y = +x; dy/dx = 1.")
square = from_numpy(np.square, lambda g, y, x: 2 * g * x, doc="Square, y = x^2; dy/dx = 2 x.")
sqrt = from_numpy(np.sqrt, lambda g, y, x: g / (2 * y),
    doc="Square root, y = sqrt(x); dy/dx = 1 / (2 y), which is inf at 0, as in PyTorch.")
absolute = from_numpy(np.absolute, lambda g, y, x: g * np.sign(x),
    doc="Absolute value, y = |x|; dy/dx = sign x, which is 0 at 0.")
sign = from_numpy(np.sign, lambda g, y, x: np.where(False, g, 0.0),
    doc="Sign: -1, 0 or 1; dy/dx = 0.")

exp = from_numpy(quiet(np.exp), lambda g, y, x: g * y, doc="Exponential, y = e^x; dy/dx = y.")
expm1 = from_numpy(quiet(np.expm1), lambda g, y, x: g * np.exp(x),
    doc="Exponential minus one, y = e^x - 1, exact for small x; dy/dx = e^x (y + 1 would cancel).")
log = from_numpy(np.log, lambda g, y, x: g / x, doc="Natural logarithm, y = log x; dy/dx = 1 / x.")
log1p = from_numpy(np.log1p, lambda g, y, x: g / (1 + x),
    doc="Logarithm of 1 + x, exact for small x; dy/dx = 1 / (1 + x).")
log2 = from_numpy(np.log2, lambda g, y, x: g * LOG2_E / x,
    doc="Logarithm to base 2, y = log x / log 2; dy/dx = 1 / (x log 2).")
log10 = from_numpy(np.log10, lambda g, y, x: g * LOG10_E / x,
    doc="Logarithm to base 10, y = log x / log 10; dy/dx = 1 / (x log 10).")

sin = from_numpy(np.sin, lambda g, y, x: g * np.cos(x), doc="Sine, y = sin x; dy/dx = cos x.")
cos = from_numpy(np.cos, lambda g, y, x: -g * np.sin(x), doc="Cosine, y = cos x; dy/dx = -sin x.")
tan = from_numpy(np.tan, lambda g, y, x: g * (1.0 + y * y), doc="Tangent; dy/dx = 1 + y^2.")
sinh = from_numpy(np.sinh, lambda g, y, x: g * np.cosh(x), doc="Hyperbolic sine; dy/dx = cosh x.")
cosh = from_numpy(np.cosh, lambda g, y, x: g * np.sinh(x), doc="Hyperbolic cosine; dy/dx = sinh x.")
tanh = from_numpy(np.tanh, lambda g, y, x: (1.0 - y * y) * g,
    doc="Hyperbolic tangent, y = tanh x; dy/dx = 1 - y^2.")

arcsin = from_numpy(np.arcsin, lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)),
    doc="Inverse sine, for |x| <= 1; dy/dx = 1 / sqrt((1 - x)(1 + x)), infinite at +-1.")
arccos = from_numpy(np.arccos, lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)),
    doc="Inverse cosine, for |x| <= 1; dy/dx = -1 / sqrt((1 - x)(1 + x)), infinite at +-1.")
arctan = from_numpy(np.arctan, lambda g, y, x: g / (r := np.hypot(1.0, x)) / r,
    doc="Inverse tangent, y = arctan x; dy/dx = 1 / (1 + x^2) = 1 / r^2 with r = hypot(1, x).")
arcsinh = from_numpy(np.arcsinh, lambda g, y, x: g / np.hypot(1.0, x),
    doc="Inverse hyperbolic sine; dy/dx = 1 / sqrt(1 + x^2) = 1 / hypot(1, x).")
arccosh = from_numpy(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    doc="Inverse hyperbolic cosine, for x >= 1; dy/dx = 1 / sqrt(x^2 - 1), infinite at 1.")
arctanh = from_numpy(np.arctanh, lambda g, y, x: g / ((1 - x) * (1 + x)),
    doc="Inverse hyperbolic tangent, for |x| <= 1; dy/dx = 1 / ((1 - x)(1 + x)), infinite at +-1.")
# fmt: on
abs = absolute


@primitive(lambda g, y, x: -g * y * y, elementwise=True)
def reciprocal(x: Value) -> Value:
    """Reciprocal, y = 1 / x; dy/dx = -y^2. Also of integers, where NumPy's rounds to 0."""
    return np.divide(1.0, x)


@primitive(lambda g, y, x: g * (TWO_OVER_SQRT_PI * bell(x)), elementwise=True)
@quiet
def erf(x: Value) -> Value:
    """Error function; dy/dx = 2 / sqrt(pi) e^(-x^2)."""
    from scipy.special import erf as scipy_erf  # imported late: it takes 0.1 s

    return scipy_erf(x)


def _times(a: Value, b: Value) -> Value:
    """Return the matrix product of arrays or, for second derivatives, of Tensors."""
    if a.ndim == 2 == b.ndim:  # dot is 1.5 to 2.3 times faster than @ on small matrices
        return np.dot(a, b)
    if a.ndim > 1 < b.ndim and a.shape[-1] == 1 == b.shape[-2]:
        return a * b  # columns times rows: half the time of many small products
    return np.matmul(a, b)


def _left_rule(g: Value, y: Value, a: Value, b: Value) -> Value:
    if b.ndim == 1:
        return g.reshape((*g.shape, 1)) * b
    if a.ndim == 1:
        g = g.reshape((*g.shape[:-1], 1, g.shape[-1]))
        return _times(g, b.mT).reshape((*g.shape[:-2], a.shape[0]))
    return _times(g, b.mT)


def _right_rule(g: Value, y: Value, a: Value, b: Value) -> Value:
    if a.ndim == 1:
        g = g.reshape((*g.shape, 1)) if b.ndim == 1 else g.reshape((*g.shape[:-1], 1, g.shape[-1]))
        return (a.reshape((-1, 1)) * g).reshape((*g.shape[:-2], *b.shape[-2:]))
    if b.ndim == 1:
        return g.reshape((*g.shape, 1)) * a
    return _times(a.mT, g)


@primitive(_left_rule, _right_rule)
def matmul(a: Value, b: Value) -> Value:
    """Matrix product, y = a b, of the last two axes; dL/da = g b', dL/db = a' g.

    Vectors are a row on the left and a column on the right, and leading axes are broadcast, as in
    NumPy. Numbers are an error: their product is `*`.
    """
    return _times(a, b)


def _x_rule(g: Value, y: Value, x: Value, W: Value, b: Value = None) -> Value:
    if g.ndim == 2 and type(g) is type(W):  # the method is faster than the function
        return g.dot(W.T)
    return _times(g, W.mT)


def _weight_rule(g: Value, y: Value, x: Value, W: Value, b: Value = None) -> Value:
    if g.ndim == 2 and type(g) is type(x):
        return x.T.dot(g)
    return _times(x.mT, g)


def _bias_rule(g: Value, y: Value, x: Value, W: Value, b: Value) -> Value:
    if g.ndim == 2 and b.ndim == 1 and isinstance(g, np.ndarray):
        return column_sums(g) if len(g) != 1 else g[0]
    return g


def _wrong_input(x: Value, W: Value) -> ShapeError:
    received, expected = f"input of shape {x.shape}", f"shape (n, {W.shape[-2]})"
    hint = "Rows are samples: a single sample x is x[None, :]." if x.ndim < 2 else None
    message = "the input does not fit the layer"
    return ShapeError(message, received=received, expected=expected, hint=hint)


@primitive(_x_rule, _weight_rule)
def linear(x: Value, W: Value) -> Value:
    """Linear map, y = x W, of rows x (..., n, in) and W (..., in, out); dL/dW = x' g."""
    if x.ndim < 2 or x.shape[-1] != W.shape[-2]:
        raise _wrong_input(x, W)
    return x.dot(W) if x.ndim == 2 == W.ndim else _times(x, W)


@primitive(_x_rule, _weight_rule, _bias_rule)
def dense(x: Value, W: Value, b: Value) -> Value:
    """Affine map, y = x W + b, of rows x (..., n, in), W (..., in, out), b (out,) or (..., 1, out).

    dL/dx = g W', dL/dW = x' g, dL/db = g summed over rows. The rule for x, the most expensive one,
    never runs for the data. An input or a bias that does not fit the weights is a ShapeError.
    """
    if x.ndim < 2 or x.shape[-1] != W.shape[-2]:
        raise _wrong_input(x, W)
    if b.ndim > 1 and b.shape[-2] != 1:
        expected = f"({W.shape[-1]},) or (..., 1, {W.shape[-1]})"
        raise ShapeError("the bias does not fit the layer", received=b.shape, expected=expected)
    y = x.dot(W) if x.ndim == 2 == W.ndim else _times(x, W)
    y += b
    return y
