"""Operations as methods and operators of the Tensor, and as NumPy's functions.

A NumPy function called with a Tensor is the operation of its name: ``np.tanh`` is ``ops.tanh``.
"""

from collections.abc import Callable, Mapping

import numpy as np

from minidl.autograd.hints import hint_for
from minidl.autograd.node import STATE, Value, no_grad
from minidl.autograd.numpy_functions import NUMPY
from minidl.autograd.ops.elementwise import where
from minidl.autograd.ops.extra.names import numpy_functions
from minidl.autograd.ops.extra.ordering import take
from minidl.autograd.ops.extra.rounding import divmod_, round
from minidl.autograd.ops.shapes import reshape, transpose
from minidl.autograd.primitive import composite
from minidl.autograd.tensor import DECLARED, Tensor
from minidl.errors import GraphError, MissingRuleError, ShapeError

__all__: list[str] = []

SHORT = {"mul": "multiply", "neg": "negative", "pos": "positive", "pow": "power"}
SHORT |= {"sub": "subtract", "truediv": "divide", "mod": "remainder", "floordiv": "floor_divide"}
SHORT |= {"conj": "positive", "conjugate": "positive"}
IN_PLACE = {"sort": "np.sort(x), or np.argsort(x) for the order", "partition": "np.sort(x)"}
IN_PLACE |= {"fill": "np.full_like(x, value)", "resize": "x.reshape(shape)"}
IN_PLACE |= {"put": "np.where(condition, values, x)"}
BITWISE = {"and": "&", "or": "|", "xor": "^", "invert": "~"}
BITWISE |= {"lshift": "<<", "rshift": ">>"}


@composite
def _reshape(a: Value, *shape: Value) -> Value:
    return reshape(a, shape[0] if len(shape) == 1 else shape)


@composite
def _transpose(a: Value, *axes: Value) -> Value:
    return transpose(a, axes[0] if len(axes) == 1 else axes or None)


@composite
def _compress(a: Value, condition: Value, axis: int | None = None) -> Value:
    mask = np.flatnonzero(condition)
    return take(a, mask, axis)


@composite
def _round(a: Value, ndigits: int | None = None) -> Value:
    return round(a, ndigits or 0)  # also round(x), which gives None


def _in_place(name: str) -> Callable[..., Value]:
    def refuse(self: Value, *arguments: Value, **keywords: Value) -> Value:
        message = f"x.{name}(...) would change a Tensor of shape {self.shape} in place"
        raise GraphError(message, hint=f"Write {IN_PLACE[name]}.")

    return refuse


def _bitwise(symbol: str) -> Callable[..., Value]:
    def refuse(self: Value, other: Value = None) -> Value:
        raise MissingRuleError(f"a Tensor has no operator {symbol}", hint=hint_for("bitwise_and"))

    return refuse


@composite
def _where(a: Value, condition: Value, b: Value) -> Value:
    return where(condition, a, b)  # a.where(condition, b), in the order of PyTorch's method


def _reflected(operation: Callable[..., Value]) -> Callable[..., Value]:
    return lambda self, other: operation(other, self)


def _assigning(operation: Callable[..., Value]) -> Callable[..., Value]:
    """Return the operator of ``a += b``: as in PyTorch, a leaf is changed, inside `no_grad` only.

    Other Tensors become new ones, so that their gradients are right.
    """

    def method(self: Tensor, other: Value) -> Value:
        if self._node is not None or (type(self) is Tensor and not self.requires_grad):
            return operation(self, other)
        if STATE.recording and (self.requires_grad or getattr(other, "requires_grad", False)):
            what = f"a {type(self).__name__} of shape {self.shape}"
            message = (
                f"{what} cannot be changed by an operator such as -= while a graph is recorded"
            )
            hint = "To take a step, write p.data -= ... or use no_grad(); for a new Tensor,"
            raise GraphError(message, hint=f"{hint} write t = p - ...")
        with no_grad():
            result = operation(self, other)
        if result.shape != self.shape:
            message = "an operator such as -= must keep the shape"
            raise ShapeError(message, received=result.shape, expected=self.shape)
        if type(self).__setitem__ is Tensor.__setitem__:
            self.data[...] = result.data
        else:  # a buffer, which may be written into
            self[...] = result.data
        return self

    return method


def attach(ops: Mapping[str, Callable[..., Value]]) -> None:
    """Make operations, by name, NumPy's functions and the methods that the Tensor declares."""
    NUMPY.update(numpy_functions(ops))
    methods = {**ops, **{short: ops[name] for short, name in SHORT.items()}}
    methods |= {"flatten": ops["ravel"], "divmod": divmod_, "compress": _compress}
    methods |= {"reshape": _reshape, "transpose": _transpose, "where": _where}
    methods |= {name: _in_place(name) for name in IN_PLACE} | {"__round__": _round}
    methods |= {name: _bitwise(symbol) for name, symbol in BITWISE.items()}
    for name in [name for name, value in vars(Tensor).items() if value in DECLARED]:
        word = name if name in methods else name.strip("_")
        if word not in methods:  # __radd__ or __iadd__
            change = _reflected if word[0] == "r" else _assigning
            methods[word] = change(methods[word[1:]])
        setattr(Tensor, name, methods[word])
