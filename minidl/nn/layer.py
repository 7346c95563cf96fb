"""The base of layers and models: parameters are found as attributes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar, TypeVar

import numpy as np

from minidl.autograd import Array, Tensor, no_grad
from minidl.autograd.node import Value, array_of, as_floats, restoring
from minidl.checks import check_count, is_minidl
from minidl.errors import ArgumentError, GraphError, ShapeError, invalid, shown
from minidl.keywords import Answering, answers
from minidl.nn.parameters import Buffer, Checksums, Parameter, ParameterVector
from minidl.subclasses import without_formula
from minidl.values import check_finite, numbers

T = TypeVar("T")
Training = bool | np.random.Generator
BUFFER = (-1, ())  # in place of the checksum and the shape of a buffer


class Layer(Answering):
    """The base of layers and models; a custom layer writes :meth:`forward`.

    Parameters, buffers and layers are found as attributes, or in lists, tuples and dicts that are
    attributes, in the order in which they were set, until the first use of :attr:`parameters`.

    >>> from minidl import nn
    >>> class Scale(nn.Layer):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter([2.0])
    ...     def forward(self, x, training=False):
    ...         return x * self.factor
    >>> Scale()([1.0, 3.0])
    Tensor([2., 6.], requires_grad=True)
    """

    _fixed: ClassVar[tuple[str, ...]] = ()  # settings that have been used once the layer is made

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Raise if weights, buffers or layers are attributes of the class, and so of all layers."""
        super().__init_subclass__(**keywords)
        for name, value in _items(dict(vars(cls)), object):
            stateful = isinstance(value, Layer) and (_parameters_in(value) or value.buffers())
            if stateful or isinstance(value, (Parameter, Buffer)):
                message = f"{cls.__name__}.{name} would be shared by all layers of the class"
                hint = f"Set it in __init__: self.{name} = ..."
                raise GraphError(message, received=repr(value), hint=hint)

    @property
    def stochastic(self) -> bool:
        """Whether the layer, or one within it, draws random numbers in training."""
        return any(layer.stochastic for _, layer in self.children())

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the output (n, out) for a batch of rows `x` (n, in); a custom layer overrides it.

        In classes with ``replicas = True``, R networks may be computed at once: x is (R, n, in),
        weights are (R, in, out), biases and buffers (R, 1, out), so operate on the last two axes.
        `training` is a generator if a layer of the model is :attr:`stochastic`; pass it on to
        layers within: ``self.inner(x, training=training)``.
        """
        raise without_formula(type(self))

    @answers
    def __call__(self, x: Value, *, training: Training = False) -> Value:
        """Return the output for rows `x`, array_like (..., n, in).

        With ``training=True`` or a generator, layers such as :class:`Dropout` act as in training.
        """
        if type(x) is not np.ndarray or x.dtype.char not in "fd":
            rows = as_floats(x)
            x = rows if rows is x else rows.astype(self._dtype(), copy=False)
        if training is not False and training is not True:
            check_training(training)
        return self.forward(x, training)

    def __repr__(self) -> str:
        """Return the class and its settings: attributes that are numbers or text."""
        pairs = [(n, v) for n, v in vars(self).items() if isinstance(v, (bool, int, float, str))]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._fixed and vars(self).get(name, value) != value:
            problem = f"{name} of {self!r} cannot be changed"
            raise GraphError(problem, hint="It was used when it was made: build a new layer.")
        if name in vars(self) or "_vector" in vars(self):
            self._check_change(name, vars(self).get(name), value)
        fixed = getattr(type(self), name, None)
        if isinstance(fixed, property) and fixed.fset is None:
            hint = "Write into layer.parameters.value[...]." if name == "parameters" else None
            hint = hint or f"Define it in the class: {name} = ..."
            raise GraphError(f"{name} of a layer cannot be assigned", hint=hint)
        if isinstance(value, Layer) and any(part is self for part in parts_of(value)):
            problem = f"{name} would be a layer within itself, which has no output"
            raise ArgumentError(problem, received=f"the {type(value).__name__} that holds it")
        super().__setattr__(name, value)

    def _check_change(self, name: str, current: object, value: object) -> None:
        """Raise if weights would be lost, or used without being in the parameter vector."""
        if value is current:
            return
        packed = any(p._packed for p in _parameters_in(current))
        for cls, place in ((Parameter, ".data[...]"), (Buffer, "[...]")):
            inner = next((n for n, _ in _items({name: current}, cls)), "")
            if inner and (packed or not any(_items([value], cls))):
                role = "part of the parameter vector" if packed else f"a {cls.__name__.lower()}"
                hint = f"Write into it instead: layer.{_indexed(inner)}{place} = value."
                raise GraphError(f"{inner} is {role} and cannot be replaced", hint=hint)
        if packed or ("_vector" in vars(self) and _parameters_in(value)):
            message = f"{name} cannot be set: the model's parameters are one vector already"
            hint = "Change a copy.deepcopy(model), or build a new model."
            raise GraphError(message, hint=hint)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_vector"}

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers held as attributes, or in lists, with names such as ``blocks.0``."""
        return _items(vars(self), Layer)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield each parameter once, those of this layer first, named such as ``0.weight``."""
        inner = ((name, layer.named_parameters()) for name, layer in self.children())
        return _each_once(_items(vars(self), Parameter), inner)

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield the array of each :class:`Buffer` once, named such as ``0.mean``."""
        direct = ((name, buffer.data) for name, buffer in _items(vars(self), Buffer))
        inner = ((name, layer.named_buffers()) for name, layer in self.children())
        return _each_once(direct, inner)

    def buffers(self) -> list[Buffer]:
        """Return each :class:`Buffer` once, in the order of :meth:`named_buffers`."""
        direct = [buffer for _, buffer in _items(vars(self), Buffer)]
        inner = [buffer for _, layer in self.children() for buffer in layer.buffers()]
        return list({id(buffer): buffer for buffer in direct + inner}.values())

    def copy_buffers(self) -> dict[str, Array]:
        """Return a copy of each buffer's array by its name, for :meth:`set_buffers`."""
        return {name: array.copy() for name, array in self.named_buffers()}

    def set_buffers(self, values: Mapping[str, Array]) -> None:
        """Write arrays by name into all buffers; other names or shapes are a ShapeError."""
        buffers = dict(self.named_buffers())
        shapes = {name: array.shape for name, array in buffers.items()}
        if not isinstance(values, Mapping):
            raise invalid("values", values, "a mapping from names to arrays, as of copy_buffers()")
        received = {name: np.shape(value) for name, value in values.items()}
        if received != shapes:
            message = "these are not the buffers of the model"
            raise ShapeError(message, received=received, expected=shapes)
        for name, value in values.items():
            buffers[name][...] = value

    def other_state(self) -> Iterator[tuple[str, Any]]:
        """Yield what attributes hold besides parameters, buffers and layers, with names.

        Of class attributes, only arrays and floats count.
        """
        of_class = {n: v for cls in type(self).__mro__[::-1] for n, v in vars(cls).items()}
        numbers = {n: v for n, v in of_class.items() if isinstance(v, (np.ndarray, float))}
        covered = (Parameter, Buffer, Layer, ParameterVector, dict, list, tuple)
        for name, value in _items(numbers | vars(self), object):
            if not isinstance(value, covered):
                yield name, value

    def undeclared(self, before: Checksums | None = None) -> list[str]:
        """Return the names of arrays and floats of custom layers that have changed.

        `before` are earlier :meth:`checksums`, by default those of when the parameters were packed.
        The arrays are not buffers, or were not then, so they are not restored with the weights.
        """
        earlier, current = self.parameters.checksums if before is None else before, self.checksums()
        names = []
        for name in {**earlier, **current}:
            old, new = earlier.get(name), current.get(name)
            if old is None or new is None:  # a new attribute may only be kept for inspection
                changed = BUFFER in (old, new)
            else:  # only other lengths: rows, kept for inspection
                shapes = old[1], new[1]
                changed = old != new and (
                    shapes[0] == shapes[1] or len(shapes[0]) != len(shapes[1])
                )
            names += [name] if changed else []
        return names

    def checksums(self) -> Checksums:
        """Return a checksum and the shape of each array and float of custom layers."""
        checksums: Checksums = {name: BUFFER for name, _ in _items(vars(self), Buffer)}
        if not is_minidl(self):
            checksums |= self._own_checksums()
        for name, layer in self.children():
            checksums |= {f"{name}.{inner}": value for inner, value in layer.checksums().items()}
        return checksums

    def _own_checksums(self) -> Checksums:
        """Return those of arrays and floats that are attributes of this layer, but no buffers."""
        declared = {id(array) for _, array in self.named_buffers()}
        checksums: Checksums = {}
        for name, value in self.other_state():
            array = value.data if isinstance(value, Tensor) else value
            if isinstance(array, (np.ndarray, np.floating, float)) and id(array) not in declared:
                checksums[name] = zlib.crc32(np.asarray(array).tobytes()), np.shape(array)
        return checksums

    @property
    def parameters(self) -> ParameterVector:
        """The vector of all parameters, packed on first use, in definition order."""
        if "_vector" not in vars(self):
            self._pack()
        return self._vector

    def replicate(self, count: int) -> None:
        """Give parameters and buffers a leading axis of `count` networks, all equal at first."""
        self._pack(check_count("count", count))
        for buffer in self.buffers():
            buffer.replicate(count)

    def _pack(self, replicas: int | None = None) -> None:
        self._vector = ParameterVector(self.named_parameters(), replicas)
        self._vector.checksums = self.checksums()

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        self.parameters.grad[...] = 0.0

    @restoring
    @answers
    def predict(self, X: Value, *, chunk: int = 4096) -> Array:
        """Return the outputs for all rows as an array, without a graph, `chunk` rows at a time.

        Outputs are those of the last layer: logits, for a classifier. Missing and infinite inputs
        are a DataError, as in ``Trainer.fit``; calling the model itself lets NaN through. So is a
        Tensor that requires a gradient, which would be lost, a GraphError.

        >>> from minidl import nn
        >>> nn.mlp(2, 3, 1, seed=0).predict([[0.0, 0.0]])
        array([[0.]])
        """
        size = check_count("chunk", chunk)
        rows, names = numbers(X, "input")
        rows, dtype = np.atleast_1d(rows), self._dtype()
        check_finite("input", rows, dtype, names)
        rows = rows.astype(dtype, copy=False)
        with no_grad():
            starts = range(0, max(len(rows), 1), size)
            chunks = (rows[i : i + size] for i in starts)
            return np.concatenate([check_rows(self, self(part), len(part)) for part in chunks])

    def _dtype(self) -> np.dtype[Any]:
        return next((p.dtype for _, p in self.named_parameters()), np.dtype(float))


def check_training(training: object) -> None:
    """Raise unless `training` is True, False or a generator."""
    if not (isinstance(training, np.bool_) or hasattr(training, "random")):
        raise invalid("training", training, "True, False or a generator")


def check_output(layer: Layer, output: Any) -> Value:
    """Return the value of a forward, or raise if it is neither a Tensor nor an array."""
    if isinstance(output, (Tensor, np.ndarray)):
        return output
    problem = f"the forward of {type(layer).__name__} must return a Tensor"
    raise ArgumentError(problem, received=shown(output), hint="End it with: return ...")


def check_rows(layer: Layer, output: Any, count: int) -> Array:
    """Return outputs as an array, or raise unless they are numbers, in one row for each input."""
    array: Array = array_of(check_output(layer, output))
    if array.dtype.kind not in "biuf" or count not in array.shape[:2]:
        problem = f"the forward of {type(layer).__name__} must return a row for each row of X"
        received = f"{array.dtype} of shape {array.shape} for {count} rows"
        raise ShapeError(problem, received=received)
    return array


def parts_of(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and all layers within it."""
    yield layer
    for _, child in layer.children():
        yield from parts_of(child)


def _items(container: object, cls: type[T], prefix: str = "") -> Iterator[tuple[str, T]]:
    """Yield the instances of `cls` in a dict, list or tuple, at any depth, with dotted names."""
    pairs: list[tuple[object, object]] = []
    if isinstance(container, dict):
        pairs = list(container.items())
    elif isinstance(container, (list, tuple)):
        pairs = list(enumerate(container))
    wanted = (cls, dict, list, tuple)
    for key, item in pairs:
        if not isinstance(item, wanted):
            continue
        if isinstance(item, cls):
            yield f"{prefix}{key}", item
        if isinstance(item, (dict, list, tuple)):
            yield from _items(item, cls, f"{prefix}{key}.")


def _each_once(
    direct: Iterable[tuple[str, T]], inner: Iterable[tuple[str, Iterable[tuple[str, T]]]]
) -> Iterator[tuple[str, T]]:
    """Yield each object with its first name: the direct ones, then those of the layers within."""
    prefixed = ((f"{layer}.{name}", value) for layer, pairs in inner for name, value in pairs)
    yielded: set[int] = set()
    for name, value in chain(direct, prefixed):
        if id(value) not in yielded:
            yielded.add(id(value))
            yield name, value


def _indexed(name: str) -> str:
    """Return a dotted name as code: ``stats.0`` is ``stats[0]``."""
    attribute, *keys = name.split(".")
    return attribute + "".join(f"[{key if key.isdecimal() else repr(key)}]" for key in keys)


def _parameters_in(value: object) -> list[Parameter]:
    """Return the parameters of an attribute's value, and of the layers in it."""
    layers = (layer for _, layer in _items([value], Layer))
    inner = [parameter for layer in layers for _, parameter in layer.named_parameters()]
    return [parameter for _, parameter in _items([value], Parameter)] + inner
