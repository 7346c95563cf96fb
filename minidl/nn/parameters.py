"""Parameters: one flat vector, and in it a view for each weight and bias.

The decision of this file: a model is one vector. So an optimizer is a handful of vector
operations whatever the depth, a checkpoint is a vector and its layout, and a point in parameter
space is an array. The price is a rule: write *into* ``p.data``, never rebind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor
from minidl.autograd.node import propagate
from minidl.errors import ArgumentError, GraphError, ShapeError

__all__ = ["Parameter", "ParameterVector"]


class Parameter(Tensor):
    """A Tensor that is trained: a weight, or a bias.

    Parameters
    ----------
    data : array_like
        The initial value, copied; float64 unless float32.
    penalized : bool, default True
        Whether an L2 penalty counts it. Biases say False.

    Examples
    --------
    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ("_packed", "penalized")

    penalized: bool
    _packed: bool

    def __init__(self, data: object, *, penalized: bool = True) -> None:
        object.__setattr__(self, "_packed", False)
        super().__init__(data, requires_grad=True)
        self.penalized = penalized

    def __setattr__(self, name: str, value: object) -> None:
        if self._packed and name in ("data", "grad") and value is not getattr(self, name):
            raise GraphError(
                f"the {name} of a parameter is a view into its model's vector and cannot be"
                " replaced",
                hint=f"Write into it instead: p.{name}[...] = value.",
            )
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.data.copy(), self.penalized, self.requires_grad)

    def pack(self, data: Array, grad: Array) -> None:
        """Move into a vector: copy the value into the view `data`, and stay there."""
        data[...] = self.data
        object.__setattr__(self, "_packed", False)
        self.data = data
        self.grad = grad
        object.__setattr__(self, "_packed", True)


def _restore(data: Array, penalized: bool, requires_grad: bool) -> Parameter:
    parameter = Parameter(data, penalized=penalized)
    parameter.requires_grad = requires_grad
    return parameter


class ParameterVector:
    """All parameters of a model as one vector, with its gradient beside it.

    Parameters
    ----------
    named : iterable of (str, Parameter)
        In definition order. Their data become views into :attr:`value`.
    replicas : int, optional
        R: for so many networks at once. Each parameter then has a leading axis of R copies, which
        are equal at first, and an axis of length 1 after it if it has no two others: a bias
        (out,) becomes (R, 1, out), which fits activations (R, n, out).

    Attributes
    ----------
    value, grad : ndarray, shape (P,) or (R, P)
        All values, and all gradients. Optimizers write into `value`.
    names : tuple of str
        Such as ``"0.weight"``, in order.
    shapes : tuple of tuple of int
        The shape of each.
    penalized : ndarray of bool, shape (P,)
        Which entries an L2 penalty counts.

    Raises
    ------
    ArgumentError
        There is none, or their dtypes differ.
    GraphError
        A parameter belongs to another vector already.

    Examples
    --------
    >>> weight, bias = Parameter([[1.0], [2.0]]), Parameter([0.5])
    >>> vector = ParameterVector([("weight", weight), ("bias", bias)])
    >>> vector.value
    array([1. , 2. , 0.5])
    >>> vector.value[0] = 7.0
    >>> weight.data
    array([[7.],
           [2.]])
    """

    def __init__(self, named: Iterable[tuple[str, Parameter]], replicas: int | None = None) -> None:
        pairs = list(named)
        self._parameters = dict(pairs)
        dtypes = {p.dtype for _, p in pairs}
        if not pairs:
            raise ArgumentError("the model has no parameters, so there is nothing to train")
        if len(dtypes) != 1:
            raise ArgumentError(
                "a parameter vector needs parameters of one dtype",
                received=", ".join(sorted(map(str, dtypes))),
            )
        for name, p in pairs:
            if p._packed:
                raise GraphError(
                    f"parameter {name!r} belongs to another model's vector already",
                    hint="Build a new layer, use the model that holds it, or take a"
                    " copy.deepcopy of it.",
                )
        self.names = tuple(name for name, _ in pairs)
        self.shapes = tuple(p.shape for _, p in pairs)
        sizes = [p.size for _, p in pairs]
        lead = () if replicas is None else (replicas,)
        self.value: Array = np.empty((*lead, sum(sizes)), dtype=dtypes.pop())
        self.grad: Array = np.zeros_like(self.value)
        self.penalized = np.repeat([p.penalized for _, p in pairs], sizes)
        self._point()

    def _point(self) -> None:
        """Make every parameter a view into the vector."""
        lead, end = self.value.shape[:-1], 0
        for p, shape in zip(self, self.shapes, strict=True):
            part = slice(end, end := end + math.prod(shape))
            seen = (*lead, *(1 for _ in range(len(shape), 2) if lead), *shape)
            p.pack(self.value[..., part].reshape(seen), self.grad[..., part].reshape(seen))
        self._views: dict[int, Any] = {p._order: p.grad for p in self}

    def move(self, value: Array, grad: Array) -> None:
        """Copy value and gradient into other arrays, and live there from now on.

        Raises
        ------
        ShapeError
            An array has another shape.
        """
        for old, new in ((self.value, value), (self.grad, grad)):
            if old.shape != new.shape:
                raise ShapeError(
                    "the vector does not fit", received=f"{new.shape}", expected=f"{old.shape}"
                )
        grad[...] = self.grad  # the values are copied when the parameters are packed
        vars(self).update(value=value, grad=grad)
        self._point()

    def __setattr__(self, name: str, new: object) -> None:
        if name in ("value", "grad") and new is not vars(self).get(name, new):
            raise GraphError(
                f"the {name} of a parameter vector is what its parameters look into, and cannot"
                " be replaced",
                hint=f"Write into it instead: parameters.{name}[...] = new.",
            )
        super().__setattr__(name, new)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    @property
    def size(self) -> int:
        """The number P of entries, of each replica if there are several."""
        return int(self.value.shape[-1])

    def set(self, value: object) -> None:
        """Write a whole vector of shape (P,) into :attr:`value`.

        Raises
        ------
        ShapeError
            The vector has another shape.
        """
        new = np.asarray(value)
        if new.shape != self.value.shape:
            raise ShapeError(
                "the vector does not fit the model",
                received=f"shape {new.shape}",
                expected=f"shape {self.value.shape}",
            )
        self.value[...] = new

    def collect(self, loss: Tensor) -> None:
        """Write the gradient of `loss` into :attr:`grad`, zeros for what took no part.

        `loss` is a scalar, or has one entry for each replica. That is ``zero_grad()`` and
        ``loss.backward()``, but nothing is added, and leaves that are not of this vector are left
        as they are.

        Raises
        ------
        GraphError
            No graph leads to `loss`.
        """
        if not loss.requires_grad:
            loss.backward()  # which says so
        value = loss.data
        # A number, not an array without axes: the rule of a loss takes 0.5 us less with it.
        seed: Any = np.ones(value.shape, value.dtype) if value.ndim else value.dtype.type(1)
        found = propagate([loss], [seed])
        for order, view in self._views.items():
            view[...] = found[order][1] if order in found else 0.0

    def __repr__(self) -> str:
        inside = ", ".join(
            f"{name} {shape}" for name, shape in zip(self.names, self.shapes, strict=True)
        )
        return f"ParameterVector({self.size}: {inside})"
