"""What every layer and every model is: parameters found by attribute, and a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor, no_grad
from minidl.checks import check_count
from minidl.errors import GraphError
from minidl.nn.floats import as_floats
from minidl.nn.parameters import Parameter, ParameterVector

__all__ = ["Layer", "Training"]

Training = bool | np.random.Generator


class Layer:
    """The base of layers and models; a new one writes :meth:`forward`.

    Attributes that are parameters or layers, or lists or dicts of them, are found by themselves,
    in the order in which they were set. What is added to a list after the first use of
    :attr:`parameters` is not.

    Examples
    --------
    >>> from minidl import nn
    >>> class Scale(nn.Layer):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter([2.0])
    ...     def forward(self, x, training=False):
    ...         return x * self.factor
    >>> Scale()([1.0, 3.0])
    Tensor([2., 6.], requires_grad=True)
    """

    @property
    def stochastic(self) -> bool:
        """Whether the layer, or one in it, draws random numbers in training."""
        return any(layer.stochastic for _, layer in self.children())

    def forward(self, x: Any, training: Training = False) -> Any:
        """Compute the output for rows `x`; a layer of one's own writes this, in operations on x.

        Parameters
        ----------
        x : ndarray or Tensor, shape (n, in)
            A batch: rows are samples. The first layer is given an array of the weights' dtype,
            those after it what the one before returned; what is only measured has no graph. For
            replicas that are trained together, which is done only if the class says ``replicas =
            True``, x is (R, n, in), or (n, in) in the first layer if all have the same batch; a
            weight (in, out) is then (R, in, out), and a bias (out,) is (R, 1, out), so what works
            on the last two axes works for them.
        training : bool or numpy.random.Generator, default False
            False where outputs are measured or predicted. In training True, or, if a layer of the
            model is :attr:`stochastic`, the generator to draw from (for replicas one whose
            ``random(shape)`` draws for each). So ask ``if training``, and hand it on to layers
            within, as ``self.inner(x, training=training)``.

        Returns
        -------
        Tensor, shape (n, out)
            For replicas (R, n, out).
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward(x, training)")

    def __call__(self, x: Any, *, training: Training = False) -> Any:
        """Return the output for rows `x`.

        Parameters
        ----------
        x : array_like or Tensor, shape (..., n, in)
            Rows are samples.
        training : bool or numpy.random.Generator, default False
            Whether layers such as :class:`Dropout` act as in training; a generator says so too,
            and is what they draw from.
        """
        rows = as_floats(x)
        if rows is not x:
            rows = rows.astype(self._dtype(), copy=False)
        return self.forward(rows, training)

    def __setattr__(self, name: str, value: object) -> None:
        held = vars(self).get(name)
        if value is not held:
            self._check_change(name, held, value)
        super().__setattr__(name, value)

    def _check_change(self, name: str, held: object, value: object) -> None:
        """Raise if weights would be lost, or used without being in the parameter vector."""
        packed = any(p._packed for p in _parameters_in(held))
        if isinstance(held, Parameter) and (packed or not isinstance(value, Parameter)):
            what = "part of its model's parameter vector" if packed else "a parameter"
            raise GraphError(
                f"{name} is {what} and cannot be replaced",
                hint=f"Write into it instead: layer.{name}.data[...] = value.",
            )
        if packed or ("_vector" in vars(self) and _parameters_in(value)):
            raise GraphError(
                f"{name} cannot be set: the model's parameters are one vector already",
                hint="Change a copy.deepcopy(model), whose parameters are not, or build anew.",
            )

    def __getstate__(self) -> dict[str, Any]:
        _parameters_in(self)  # a copy has the same weights, so they are drawn now
        return {name: value for name, value in vars(self).items() if name != "_vector"}

    def _members(self) -> Iterator[tuple[str, object]]:
        for name, value in list(vars(self).items()):
            yield name, value
            yield from _inside(name, value)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers held as attributes, or in lists, with names such as ``blocks.0``."""
        return ((name, value) for name, value in self._members() if isinstance(value, Layer))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield each parameter once, own ones first, with a dotted name such as ``0.weight``."""
        seen: set[int] = set()
        for name, value in self._members():
            if isinstance(value, Parameter) and id(value) not in seen:
                seen.add(id(value))
                yield name, value
        for prefix, layer in self.children():
            for name, parameter in layer.named_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{prefix}.{name}", parameter

    @property
    def parameters(self) -> ParameterVector:
        """All parameters as one vector, packed on first use, in definition order."""
        if "_vector" not in vars(self):
            self._vector = ParameterVector(self.named_parameters())
        return self._vector

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        self.parameters.grad[...] = 0.0

    def predict(self, X: Any, *, chunk: int = 4096) -> Array:
        """Return the outputs for all rows as an array, without a graph, `chunk` rows at a time.

        Outputs are what the last layer gives: logits, for a classifier.

        Examples
        --------
        >>> from minidl import nn
        >>> nn.mlp(2, 3, 1, seed=0).predict([[0.0, 0.0]])
        array([[0.]])
        """
        size = check_count("chunk", chunk)
        rows = as_floats(X.data if isinstance(X, Tensor) else X)
        rows = np.atleast_1d(rows.astype(self._dtype(), copy=False))
        starts = range(0, max(len(rows), 1), size)
        with no_grad():
            parts = [self(rows[i : i + size]) for i in starts]
        return np.concatenate([p.data if isinstance(p, Tensor) else p for p in parts])

    def _dtype(self) -> Any:
        return next((p.dtype for _, p in self.named_parameters()), np.dtype(float))


def _inside(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield what lists, tuples and dicts hold, at any depth, with dotted names."""
    if isinstance(value, (list, tuple)):
        items: Any = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    else:
        return
    for key, item in items:
        yield f"{name}.{key}", item
        yield from _inside(f"{name}.{key}", item)


def _parameters_in(value: object) -> list[Parameter]:
    if isinstance(value, Parameter):
        return [value]
    if isinstance(value, Layer):
        return [parameter for _, parameter in value.named_parameters()]
    items = (item for _, item in _inside("", value))
    return [
        p for item in items if isinstance(item, (Parameter, Layer)) for p in _parameters_in(item)
    ]
