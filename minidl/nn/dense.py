"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd import ops
from minidl.errors import ArgumentError, DTypeError
from minidl.nn.initializers import Initializer, initializer
from minidl.nn.layer import Layer, Training
from minidl.nn.parameters import Parameter
from minidl.streams import Seed, check_seed, stream

__all__ = ["Dense", "check_count"]


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return `value` as an int of at least `least`, or raise :class:`ArgumentError`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(
            f"{name} cannot be used", received=repr(value), expected=f"an integer >= {least}"
        )
    return int(value)


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
        For a layer used by itself; in a :class:`Sequential` the model's seed rules. None draws
        fresh numbers.
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
        The input has another number of columns (on call).

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
        self.bias_initializer = _named(bias_initializer)
        self.has_bias = bool(bias)
        self.seed = None if seed is None else check_seed(seed)
        self.dtype = np.dtype(dtype)
        if self.dtype.char not in "fd":
            raise DTypeError(
                "a layer cannot have this dtype", received=self.dtype, expected="float64 or float32"
            )

    @property
    def built(self) -> bool:
        """Whether the weights have been drawn; they are when first looked at."""
        return "weight" in vars(self)

    def build(self, generator: np.random.Generator, default: str = "glorot_uniform") -> None:
        """Draw the weights, with the `default` initializer unless the layer was given one."""
        shape = (self.in_features, self.out_features)
        draw = initializer(self.initializer or default)
        self.weight = Parameter(np.asarray(draw(shape, generator), dtype=self.dtype))
        self.bias = None
        if self.has_bias:
            row = initializer(self.bias_initializer)((1, self.out_features), generator)
            self.bias = Parameter(np.asarray(row[0], dtype=self.dtype), penalized=False)

    def __getattr__(self, name: str) -> Any:
        if name in ("weight", "bias") and "has_bias" in vars(self):
            self.build(stream(check_seed(self.seed), "initialization"))
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
