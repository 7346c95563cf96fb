"""Operations as methods and operators of the Tensor, and as NumPy's functions.

A NumPy function called with a Tensor is the operation of its name: ``np.tanh`` is ``ops.tanh``.
"""

from collections.abc import Callable, Mapping

import numpy as np

from minidl.autograd.node import STATE, Value, array_of, no_grad
from minidl.autograd.ops.elementwise import where
from minidl.autograd.ops.shapes import reshape, transpose
from minidl.autograd.primitive import composite
from minidl.autograd.tensor import DECLARED, NUMPY, Tensor
from minidl.errors import GraphError, ShapeError

__all__: list[str] = []

SHORT = {"mul": "multiply", "neg": "negative", "pos": "positive", "pow": "power"}
SHORT |= {"sub": "subtract", "truediv": "divide"}


@composite
def _reshape(a: Value, *shape: Value) -> Value:
    return reshape(a, shape[0] if len(shape) == 1 else shape)


@composite
def _transpose(a: Value, *axes: Value) -> Value:
    return transpose(a, axes[0] if len(axes) == 1 else axes or None)


@composite
def _ravel(a: Value) -> Value:
    return reshape(a, -1)


@composite
def _where(a: Value, condition: Value, b: Value) -> Value:
    return where(condition, a, b)  # a.where(condition, b), in the order of PyTorch's method


def _full_like(a: Value, *options: Value, **named: Value) -> Value:
    """Return np.full_like, where only the value of `a` does not matter."""
    return np.full_like(array_of(a), *options, **named)


def _reflected(operation: Callable[..., Value]) -> Callable[..., Value]:
    return lambda self, other: operation(other, self)


def _in_place(operation: Callable[..., Value]) -> Callable[..., Value]:
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
            hint = "For a step, write p.data -= ..., or stay inside no_grad(); for a new Tensor,"
            raise GraphError(message, hint=f"{hint} t = p - ....")
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
    NUMPY.update({getattr(np, name): ops[name] for name in ops if hasattr(np, name)})
    NUMPY.update({np.amax: ops["max"], np.amin: ops["min"], np.fabs: ops["absolute"]})
    NUMPY.update({np.float_power: ops["power"], np.linalg.norm: ops["norm"], np.ravel: _ravel})
    NUMPY[np.full_like] = _full_like
    methods = {**ops, **{short: ops[name] for short, name in SHORT.items()}}
    methods |= {"flatten": _ravel, "ravel": _ravel}
    methods |= {"reshape": _reshape, "transpose": _transpose, "where": _where}
    for name in [name for name, value in vars(Tensor).items() if value in DECLARED]:
        word = name.strip("_")
        if word not in methods:  # __radd__ or __iadd__
            change = _reflected if word[0] == "r" else _in_place
            methods[word] = change(methods[word[1:]])
        setattr(Tensor, name, methods[word])
