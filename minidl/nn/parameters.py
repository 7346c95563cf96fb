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
from minidl.autograd.node import array_of, to_float
from minidl.errors import (
    ArgumentError,
    CallError,
    GraphError,
    ShapeError,
    UnknownNameError,
    invalid,
)
from minidl.keywords import answers
from minidl.values import numbers

Checksums = dict[str, tuple[int, tuple[int, ...]]]  # name -> checksum and shape of an array


class Buffer(Tensor):
    """An array that is state of a layer but is not trained, such as a running mean.

    A buffer is copied, saved and loaded with its model, and restored with the weights (by early
    stopping, or after a divergence). Networks that are trained together each have their own, on a
    leading axis: (R, 1, features) instead of (features,).

    Write into it with ``buffer[...] = values``, an array or a Tensor without a graph; compute the
    values inside :func:`~minidl.no_grad`. Writing a Tensor that has a graph, replacing the buffer
    (``self.mean = ...``), or setting ``requires_grad=True`` raises a GraphError. `data` is copied,
    as float64 unless it is float32. The same as PyTorch's ``register_buffer`` and Keras's
    ``add_weight(trainable=False)``.

    Examples
    --------
    The running mean of :class:`BatchNorm`, in a custom layer for one network or for R:

    >>> import numpy as np
    >>> from minidl import nn, no_grad, ops
    >>> class Centre(nn.Layer):
    ...     replicas = True
    ...     def __init__(self, features):
    ...         self.running_mean = nn.Buffer(np.zeros(features))
    ...     def forward(self, x, training=False):
    ...         if not training:
    ...             return x - self.running_mean
    ...         mean = ops.mean(x, axis=-2, keepdims=True)
    ...         with no_grad():
    ...             self.running_mean[...] = 0.9 * self.running_mean + 0.1 * mean
    ...         return x - mean
    >>> layer = Centre(2)
    >>> layer([[1.0, 4.0], [3.0, 6.0]], training=True)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.running_mean
    Tensor([0.2, 0.5])
    """

    __slots__ = ()

    def __setitem__(self, index: Any, value: object) -> None:
        """Write values without a graph; a graph of earlier results keeps the old ones."""
        if isinstance(value, Tensor) and value.requires_grad:
            message = f"a Tensor with a graph, of shape {value.shape}, cannot be kept in a buffer"
            hint = "Write value.detach(), or compute it inside no_grad()."
            raise GraphError(message, hint=hint)
        new, values = self.data.copy(), array_of(value)
        if not isinstance(values, np.ndarray) or values.dtype.char not in "fd":
            values = to_float(value)
        try:
            new[index] = values
        except (IndexError, ValueError) as error:
            message = f"the values do not fit the buffer: {error}"
            received, expected = f"shape {values.shape}", f"shape {new.shape}"
            raise ShapeError(message, received=received, expected=expected) from None
        object.__setattr__(self, "_data", new)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("requires_grad", "_requires_grad") and value:
            message = "a buffer is not trained, so it cannot have requires_grad=True"
            raise GraphError(message, hint="Use nn.Parameter for what is trained.")
        if name != "data" or not hasattr(self, "data"):
            super().__setattr__(name, value)
        elif value is not self.data:
            if (shape := to_float(value).shape) != self.shape:
                message = "the values do not fit the buffer"
                raise ShapeError(message, received=f"shape {shape}", expected=f"shape {self.shape}")
            self[...] = value

    def replicate(self, count: int) -> None:
        """Replace the array by `count` copies; (features,) becomes (count, 1, features)."""
        copies = np.broadcast_to(self.data, replicated(self.shape, count)).copy()
        super().__setattr__("data", copies)


@answers
class Parameter(Tensor):
    """A Tensor that is trained: a weight, or a bias.

    `data` is copied, as float64 unless it is float32. `penalized` says whether a penalty
    includes it: True, False, or an array that says it of each number. Operators such as
    ``p -= step`` change it in place inside ``no_grad()``; outside, they raise a GraphError, as in
    PyTorch.

    >>> from minidl import no_grad
    >>> p = Parameter([1.0, 2.0])
    >>> with no_grad():
    ...     p -= 0.5
    >>> p.data
    array([0.5, 1.5])
    """

    __slots__ = ("_checksum", "_packed", "penalized")

    penalized: bool | Array
    _packed: bool
    _checksum: int | None  # of provisional numbers

    def __init__(self, data: npt.ArrayLike, *, penalized: bool | Array = True) -> None:
        object.__setattr__(self, "_packed", False)
        super().__init__(data, requires_grad=True)
        self.penalized = _mask(penalized, self.shape)
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
        """Whether the numbers may be drawn again, because they were not changed or packed."""
        return self._checksum is not None and not self._packed and self._checksum == self._crc()

    def draw(self, values: Array, *, provisional: bool) -> None:
        """Replace the numbers by `values`, which may be provisional."""
        self.data[...] = values
        self._checksum = self._crc() if provisional else None


def _mask(penalized: Any, shape: tuple[int, ...]) -> bool | Array:
    """Return which numbers a penalty includes, or raise unless that is True, False or an array."""
    if isinstance(penalized, bool):
        return penalized
    mask = np.asarray(penalized)
    try:
        fits = mask.dtype.kind == "b" and np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise invalid("penalized", penalized, f"True, False or booleans of shape {shape}")
    return mask


def _named(pairs: Any) -> dict[str, Parameter]:
    """Return the parameters by name, or raise unless these are pairs."""
    named = list(pairs) if isinstance(pairs, Iterable) else [pairs]
    if not all(isinstance(pair, tuple) and isinstance(pair[-1], Parameter) for pair in named):
        expected = "pairs of a name and a Parameter, such as model.named_parameters()"
        raise invalid("named", pairs, expected)
    return dict(named)


def replicated(shape: tuple[int, ...], replicas: int) -> tuple[int, ...]:
    """Return the shape of an array of R networks: its last two axes are those of one network."""
    return (replicas, *(1 for _ in range(len(shape), 2)), *shape)


@answers
class ParameterVector:
    """One vector of all parameters of a model, with its gradient beside it.

    `value` and `grad`, of shape (P,), hold all values, into which optimizers write, and all
    gradients. `names` and `shapes` are those of the parameters, such as ``"0.weight"`` and (2, 16);
    `penalized` (P,) says which entries a penalty counts. `gradients` holds the views of `grad`
    by the creation numbers of the parameters. `largest_matrix` is the size of the largest matrix.

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
        self._parameters = _named(named)
        dtypes = {p.dtype for p in self}
        if not dtypes:
            hint = "Hold them and layers as attributes, or in lists, tuples or dicts there."
            problem = "the model has no parameters, so there is nothing to train"
            raise ArgumentError(problem, hint=hint)
        if len(dtypes) > 1:
            received = ", ".join(sorted(map(str, dtypes)))
            raise ArgumentError("parameters must have one dtype", received=received)
        for name, p in self._parameters.items():
            if p._packed:
                message = f"parameter {name!r} belongs to another model's vector already"
                raise GraphError(message, hint="Build a new layer, or use a copy.deepcopy of it.")
        self.names = tuple(self._parameters)
        self.shapes = tuple(p.shape for p in self)
        matrices = (math.prod(shape[-2:]) for shape in self.shapes if len(shape) > 1)
        self.largest_matrix = max(matrices, default=0)
        sizes = [p.size for p in self]
        lead = () if replicas is None else (replicas,)
        self.value: Array = np.empty((*lead, sum(sizes)), dtype=dtypes.pop())
        self.grad: Array = np.zeros_like(self.value)
        masks = [
            np.broadcast_to(p.penalized, shape) for p, shape in zip(self, self.shapes, strict=True)
        ]
        self.penalized = np.concatenate([mask.ravel() for mask in masks])
        self.gradients: dict[int, Array] = {}
        self.checksums: Checksums = {}  # of other arrays of the model, when it was packed
        end = 0
        for p, shape in zip(self, self.shapes, strict=True):
            part = slice(end, end := end + math.prod(shape))
            view = shape if replicas is None else replicated(shape, replicas)
            data = self.value[..., part].reshape(view)
            data[...] = p.data
            grad = self.grad[..., part].reshape(view)
            if p.grad is not None:  # of a backward pass before
                grad[...] = p.grad
            p.data, p.grad = data, grad
            p._packed = True
            self.gradients[p._order] = p.grad

    def __setattr__(self, name: str, new: object) -> None:
        if name in ("value", "grad") and new is not vars(self).get(name, new):
            message = f"the {name} of a parameter vector cannot be replaced"
            hint = f"Write into it instead: parameters.{name}[...] = new."
            raise GraphError(f"{message}: its parameters are views into it", hint=hint)
        super().__setattr__(name, new)

    @property
    def trained(self) -> frozenset[str]:
        """The names of the parameters that are not frozen."""
        return frozenset(name for name, p in self._parameters.items() if p.requires_grad)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __getitem__(self, name: str) -> Parameter:
        if name not in self._parameters:
            raise UnknownNameError("parameter", name, self._parameters)
        return self._parameters[name]

    def __call__(self) -> NoReturn:
        """Raise an error for ``model.parameters()``, as PyTorch writes it."""
        hint = "Write model.parameters; an optimizer needs none: a Trainer gives it the weights."
        raise CallError("parameters is not a method but the vector itself", hint=hint)

    @property
    def size(self) -> int:
        """The number P of entries, for replicas of each."""
        return int(self.value.shape[-1])

    def gradient_norm(self) -> Any:
        """Return the gradient's norm sqrt(sum of g^2); for R replicas an array (R,)."""
        if self.grad.ndim == 1:
            return math.sqrt(np.dot(self.grad, self.grad))
        return np.sqrt([np.dot(own, own) for own in self.grad], dtype=float)

    @answers
    def set(self, value: npt.ArrayLike) -> None:
        """Write a vector into `value`; another shape is a :class:`ShapeError`."""
        new, shape = numbers(value)[0], self.value.shape
        if new.shape != shape:
            message = f"the vector does not fit: got shape {new.shape}, expected shape {shape}"
            raise ShapeError(message)
        self.value[...] = new

    def __repr__(self) -> str:
        pairs = zip(self.names, self.shapes, strict=True)
        return f"ParameterVector({self.size}: {', '.join(f'{n} {shape}' for n, shape in pairs)})"
