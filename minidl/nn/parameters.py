"""Parameters: one flat vector, and in it a view for each weight and bias.

A model is one vector, so an optimizer is a handful of vector operations whatever the depth, and a
checkpoint is a vector and its layout. The price: write *into* ``p.data``, never rebind it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor
from minidl.autograd.node import propagate
from minidl.errors import ArgumentError, GraphError, ShapeError

__all__ = ["Buffer", "Parameter", "ParameterVector"]


class Buffer(Tensor):
    """A Tensor that is saved with its layer but not trained, such as a running mean.

    Examples
    --------
    >>> mean = Buffer([0.0, 0.0])
    >>> mean.data += 1.0
    >>> mean, mean.requires_grad
    (Tensor([1., 1.]), False)
    """

    __slots__ = ()


class Parameter(Tensor):
    """A Tensor that is trained: a weight, or a bias.

    `data` is copied, as float64 unless it is float32. An L2 penalty counts it if it is
    `penalized`; biases are not. A :class:`Sequential` may draw `provisional` numbers again.

    Examples
    --------
    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ("_checksum", "_packed", "penalized")

    penalized: bool
    _packed: bool
    _checksum: int | None  # of provisional numbers

    def __init__(
        self, data: npt.ArrayLike, *, penalized: bool = True, provisional: bool = False
    ) -> None:
        object.__setattr__(self, "_packed", False)
        super().__init__(data, requires_grad=True)
        self.penalized = penalized
        self._checksum = self._crc() if provisional else None

    def __setattr__(self, name: str, value: object) -> None:
        if self._packed and name in ("data", "grad") and value is not getattr(self, name):
            raise GraphError(
                f"the {name} of a parameter is a view into its model's vector and cannot be"
                " replaced",
                hint=f"Write into it instead: p.{name}[...] = value.",
            )
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        checksum = None if self._packed else self._checksum
        return _restore, (self.data.copy(), self.penalized, self.requires_grad, checksum)

    def _crc(self) -> int:
        return zlib.crc32(self.data.tobytes())

    @property
    def provisional(self) -> bool:
        """Whether the numbers may be drawn again: nobody has changed or packed them."""
        return self._checksum is not None and not self._packed and self._checksum == self._crc()

    def draw(self, values: Array, *, provisional: bool) -> None:
        """Replace the numbers by `values`, which may be provisional again."""
        self.data[...] = values
        self._checksum = self._crc() if provisional else None

    def pack(self, data: Array, grad: Array) -> None:
        """Move the value into a view of a vector, and take a view of its gradient."""
        data[...] = self.data
        object.__setattr__(self, "_packed", False)
        self.data = data
        self.grad = grad
        object.__setattr__(self, "_packed", True)


def _restore(
    data: Array, penalized: bool, requires_grad: bool, checksum: int | None = None
) -> Parameter:
    """Return an unpickled parameter."""
    parameter = Parameter(data, penalized=penalized)
    parameter.requires_grad = requires_grad
    parameter._checksum = checksum
    return parameter


class ParameterVector:
    """One vector of all parameters of a model, with its gradient beside it.

    Parameters
    ----------
    named : iterable of (str, Parameter)
        In definition order. Their data become views into :attr:`value`.
    replicas : int, optional
        The number R of networks at once: each parameter gets a leading axis of R equal copies, and
        a bias (out,) becomes (R, 1, out), which fits activations (R, n, out).

    Attributes
    ----------
    value, grad : ndarray, shape (P,) or (R, P)
        All values, and all gradients. Optimizers write into `value`.
    names, shapes : tuple
        Such as ``"0.weight"`` and (2, 16), in order.
    penalized : ndarray of bool, shape (P,)
        Which entries an L2 penalty counts.

    Raises
    ------
    ArgumentError, GraphError
        Parameters are missing or differ in dtype, or one belongs to another vector already.

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
        self._parameters = dict(named)
        dtypes = {p.dtype for p in self}
        if not self._parameters:
            raise ArgumentError("the model has no parameters, so there is nothing to train")
        if len(dtypes) != 1:
            several = ", ".join(sorted(map(str, dtypes)))
            raise ArgumentError("parameters must have one dtype", received=several)
        for name, p in self._parameters.items():
            if p._packed:
                raise GraphError(
                    f"parameter {name!r} belongs to another model's vector already",
                    hint="Build a new layer, or use a copy.deepcopy of it.",
                )
        self.names = tuple(self._parameters)
        self.shapes = tuple(p.shape for p in self)
        sizes = [p.size for p in self]
        lead = () if replicas is None else (replicas,)
        self.value: Array = np.empty((*lead, sum(sizes)), dtype=dtypes.pop())
        self.grad: Array = np.zeros_like(self.value)
        self.penalized = np.repeat([p.penalized for p in self], sizes)
        self._grads: dict[int, Array] = {}
        end = 0
        for p, shape in zip(self, self.shapes, strict=True):
            part = slice(end, end := end + math.prod(shape))
            view = (*lead, *(1 for _ in range(len(shape), 2) if lead), *shape)
            self._grads[p._order] = grad = self.grad[..., part].reshape(view)
            p.pack(self.value[..., part].reshape(view), grad)

    def __setattr__(self, name: str, new: object) -> None:
        if name in ("value", "grad") and new is not vars(self).get(name, new):
            raise GraphError(
                f"the {name} of a parameter vector cannot be replaced: its parameters are views"
                " into it",
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
        """The number P of entries, for replicas of each."""
        return int(self.value.shape[-1])

    def set(self, value: npt.ArrayLike) -> None:
        """Write a vector into :attr:`value`; another shape is a :class:`ShapeError`."""
        new, expected = np.asarray(value), f"shape {self.value.shape}"
        if new.shape != self.value.shape:
            received = f"shape {new.shape}"
            raise ShapeError("the vector does not fit", received=received, expected=expected)
        self.value[...] = new

    def collect(self, loss: Tensor) -> None:
        """Write the gradient of `loss`, a scalar or (R,), into :attr:`grad`.

        Unlike after ``loss.backward()``, Tensors outside the vector have no new gradient.
        """
        if not loss.requires_grad:
            loss.backward()  # which raises
        value = loss.data
        # A scalar rather than an array without axes: the loss's rule takes 0.5 us less with it.
        seed = np.ones(value.shape, value.dtype) if value.ndim else value.dtype.type(1)
        gradients = propagate([loss], [seed])
        for order, view in self._grads.items():
            view[...] = gradients[order][1] if order in gradients else 0.0

    def __repr__(self) -> str:
        pairs = zip(self.names, self.shapes, strict=True)
        return f"ParameterVector({self.size}: {', '.join(f'{n} {shape}' for n, shape in pairs)})"
