"""Parameters: one flat vector, and in it a view for each weight and bias.

Optimizers and checkpoints see the vector alone. Write *into* ``p.data``, never rebind it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor
from minidl.errors import ArgumentError, CallError, GraphError, ShapeError
from minidl.keywords import answers


class Buffer(Tensor):
    """A Tensor that is saved with its layer but not trained, such as a running mean."""

    __slots__ = ()


@answers
class Parameter(Tensor):
    """A Tensor that is trained: a weight, or a bias.

    `data` is copied, as float64 unless it is float32. An L2 penalty counts it if `penalized`.
    """

    __slots__ = ("_checksum", "_packed", "penalized")

    penalized: bool
    _packed: bool
    _checksum: int | None  # of provisional numbers

    def __init__(self, data: npt.ArrayLike, *, penalized: bool = True) -> None:
        object.__setattr__(self, "_packed", False)
        super().__init__(data, requires_grad=True)
        self.penalized = penalized
        self._checksum = None

    def __setattr__(self, name: str, value: object) -> None:
        if self._packed and name in ("data", "grad") and value is not getattr(self, name):
            message = f"the {name} of a parameter is a view into its model's vector"
            hint = f"Write into it instead: p.{name}[...] = value."
            raise GraphError(f"{message} and cannot be replaced", hint=hint)
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in ("penalized", "requires_grad", "_checksum")}
        if self._packed:
            state["_checksum"] = None
        return Parameter, (self.data,), (None, state)

    def _crc(self) -> int:
        return zlib.crc32(np.ascontiguousarray(self.data).data)

    @property
    def provisional(self) -> bool:
        """Whether the numbers may be drawn again: nobody has changed or packed them."""
        return self._checksum is not None and not self._packed and self._checksum == self._crc()

    def draw(self, values: Array, *, provisional: bool) -> None:
        """Replace the numbers by `values`, which may be provisional."""
        self.data[...] = values
        self._checksum = self._crc() if provisional else None


@answers
class ParameterVector:
    """One vector of all parameters of a model, with its gradient beside it.

    `value` and `grad`, of shape (P,), hold all values, into which optimizers write, and all
    gradients. `names` and `shapes` are those of the parameters, such as ``"0.weight"`` and (2, 16);
    `penalized` (P,) says which entries an L2 penalty counts. `gradients` holds the views of `grad`
    by the creation numbers of the parameters.

    Parameters
    ----------
    named : iterable of (str, Parameter)
        In definition order. Their data become views into `value`. No parameters, or several
        dtypes, are an ArgumentError; one that belongs to another vector is a GraphError.
    replicas : int, optional
        The number R of networks at once: value and gradient are (R, P), each parameter gets a
        leading axis of R equal copies, and a bias (out,) becomes (R, 1, out).

    Examples
    --------
    >>> weight, bias = Parameter([[1.0, 2.0]]), Parameter([0.5])
    >>> vector = ParameterVector([("weight", weight), ("bias", bias)])
    >>> vector.value[0] = 7.0
    >>> vector.value, weight.data
    (array([7. , 2. , 0.5]), array([[7., 2.]]))
    """

    def __init__(self, named: Iterable[tuple[str, Parameter]], replicas: int | None = None) -> None:
        self._parameters = dict(named)
        dtypes = {p.dtype for p in self}
        if not dtypes:
            raise ArgumentError("the model has no parameters, so there is nothing to train")
        if len(dtypes) > 1:
            received = ", ".join(sorted(map(str, dtypes)))
            raise ArgumentError("parameters must have one dtype", received=received)
        for name, p in self._parameters.items():
            if p._packed:
                message = f"parameter {name!r} belongs to another model's vector already"
                raise GraphError(message, hint="Build a new layer, or use a copy.deepcopy of it.")
        self.names = tuple(self._parameters)
        self.shapes = tuple(p.shape for p in self)
        sizes = [p.size for p in self]
        lead = () if replicas is None else (replicas,)
        self.value: Array = np.empty((*lead, sum(sizes)), dtype=dtypes.pop())
        self.grad: Array = np.zeros_like(self.value)
        self.penalized = np.repeat([p.penalized for p in self], sizes)
        self.gradients: dict[int, Array] = {}
        end = 0
        for p, shape in zip(self, self.shapes, strict=True):
            part = slice(end, end := end + math.prod(shape))
            view = (*lead, *(1 for _ in range(len(shape), 2) if lead), *shape)
            data = self.value[..., part].reshape(view)
            data[...] = p.data
            p.data, p.grad = data, self.grad[..., part].reshape(view)
            p._packed = True
            self.gradients[p._order] = p.grad

    def __setattr__(self, name: str, new: object) -> None:
        if name in ("value", "grad") and new is not vars(self).get(name, new):
            message = f"the {name} of a parameter vector cannot be replaced"
            hint = f"Write into it instead: parameters.{name}[...] = new."
            raise GraphError(f"{message}: its parameters are views into it", hint=hint)
        super().__setattr__(name, new)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __call__(self) -> NoReturn:
        """Raise an error for ``model.parameters()``, as PyTorch writes it."""
        hint = "Write model.parameters; an optimizer needs none: a Trainer gives it the weights."
        raise CallError("parameters is not a method but the vector itself", hint=hint)

    @property
    def size(self) -> int:
        """The number P of entries, for replicas of each."""
        return int(self.value.shape[-1])

    @answers
    def set(self, value: npt.ArrayLike) -> None:
        """Write a vector into `value`; another shape is a :class:`ShapeError`."""
        new, shape = np.asarray(value), self.value.shape
        if new.shape != shape:
            message = f"the vector does not fit: got shape {new.shape}, expected shape {shape}"
            raise ShapeError(message)
        self.value[...] = new

    def __repr__(self) -> str:
        pairs = zip(self.names, self.shapes, strict=True)
        return f"ParameterVector({self.size}: {', '.join(f'{n} {shape}' for n, shape in pairs)})"
