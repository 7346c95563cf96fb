"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd import ops
from minidl.checks import check_count
from minidl.errors import DTypeError, GraphError, ShapeError
from minidl.nn.initializers import Initializer, initializer
from minidl.nn.layer import Layer, Training
from minidl.nn.parameters import Parameter
from minidl.streams import Seed, check_seed, stream

__all__ = ["Dense"]


class Dense(Layer):
    """Fully connected layer, y = x W + b.

    Parameters
    ----------
    in_features, out_features : int
        At least 1. W has shape (in, out), as in Keras; ``torch.nn.Linear`` stores (out, in).
    initializer : str or callable, optional
        For W: a name of ``minidl list initializers``, or a function ``(shape, generator) ->
        array``. By default what suits the activation that follows in a :class:`Sequential`: He
        for ReLU and its kin, LeCun for SELU, Glorot otherwise.
    bias : bool, default True
        Whether there is a b.
    bias_initializer : str or callable, default "zeros"
        For b, drawn as a matrix of shape (1, out).
    seed : int, optional
        It goes before the seed of a :class:`Sequential` around the layer. With neither, the
        numbers are fresh.
    dtype : numpy dtype, default float64
        Or float32.

    Attributes
    ----------
    weight : Parameter, shape (in, out)
    bias : Parameter, shape (out,), or None

    Raises
    ------
    ArgumentError
        A size is not a positive integer.
    UnknownNameError
        There is no initializer of that name.
    ShapeError
        The input has another number of columns (on call), or an initializer gave another shape.

    Examples
    --------
    >>> layer = Dense(2, 3, initializer="constant:0.5", seed=0)
    >>> layer([[1.0, 1.0]])
    Tensor([[1., 1., 1.]], requires_grad=True)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        initializer: str | Initializer | None = None,
        bias: bool = True,
        bias_initializer: str | Initializer = "zeros",
        seed: Seed = None,
        dtype: Any = np.float64,
    ) -> None:
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)
        self.initializer = None if initializer is None else _named(initializer)
        self.default_initializer = "glorot_uniform"
        self.bias_initializer = _named(bias_initializer)
        self.has_bias = bool(bias)
        if not bias:
            self.bias = None
        self.seed = None if seed is None else check_seed(seed)
        self.dtype = np.dtype(dtype)
        if self.dtype.char not in "fd":
            raise DTypeError(
                "a layer cannot have this dtype", received=self.dtype, expected="float64 or float32"
            )

    @property
    def built(self) -> bool:
        """Whether the weights have been drawn; they are when first looked at."""
        return "weight" in vars(self) and "bias" in vars(self)

    def build(self, generator: np.random.Generator) -> None:
        """Draw the weights that are not there yet; a `seed` of the layer's own goes first."""
        if self.seed is not None:
            generator = stream(self.seed, "initialization")
        if "weight" not in vars(self):
            shape = (self.in_features, self.out_features)
            choice = self.initializer or self.default_initializer
            self.weight = Parameter(self._drawn(choice, shape, generator))
        if "bias" not in vars(self):
            row = self._drawn(self.bias_initializer, (1, self.out_features), generator)
            self.bias = Parameter(row[0], penalized=False)

    def _drawn(self, choice: str | Initializer, shape: Any, generator: Any) -> Any:
        drawn = np.asarray(initializer(choice)(shape, generator), dtype=self.dtype)
        if drawn.shape != shape:
            raise ShapeError(
                f"the initializer {choice!r} gave an array of another shape",
                received=f"shape {drawn.shape}",
                expected=f"shape {shape}",
            )
        return drawn

    def __setattr__(self, name: str, value: object) -> None:
        wanted = {"weight": Parameter, "bias": Parameter | None}.get(name, object)
        if not isinstance(value, wanted):
            raise GraphError(
                f"{name} is a parameter and cannot be replaced by something else",
                received=type(value).__name__,
                hint=f"Write into it instead: layer.{name}.data[...] = value.",
            )
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in ("weight", "bias") and "has_bias" in vars(self):
            self.build(np.random.default_rng())
            return vars(self)[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def named_parameters(self) -> Any:
        """Yield ``weight`` and ``bias``, drawn now if they have not been."""
        if not self.built:
            self.weight  # noqa: B018 - looking at it draws it
        return super().named_parameters()

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x W + b."""
        if self.bias is None:
            return ops.linear(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


def _named(choice: str | Initializer) -> str | Initializer:
    initializer(choice)  # a misspelt name is an error here, not at first use
    return choice
