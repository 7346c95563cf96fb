"""Dense layers, embeddings, dropout and residual blocks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor, ops
from minidl.autograd.node import Value, array_of
from minidl.checks import check_count, check_flag, check_number
from minidl.errors import (
    ArgumentError,
    DataError,
    GraphError,
    ShapeError,
    invalid,
    shown,
)
from minidl.nn.drawn import Draw, Drawn, check_dtype, check_weights, drawn, of_initializer
from minidl.nn.initializers import Initializer
from minidl.nn.layer import Layer, Training, check_output
from minidl.nn.parameters import Parameter
from minidl.streams import Seed, check_seed, stream
from minidl.words import USAGE

__all__ = ["Dense", "Dropout", "Embedding", "Residual"]


class Dense(Drawn):
    """Fully connected layer, y = x W + b.

    `weight` W has shape (in, out), as in Keras; ``torch.nn.Linear`` stores (out, in). `bias` b has
    shape (out,), or is None. Weights are drawn at once. Those drawn without a `seed` are drawn
    again by a :class:`Sequential` around the layer, unless somebody has changed them.

    Parameters
    ----------
    in_features, out_features : int
        At least 1, otherwise an ArgumentError; an input of another width is a ShapeError.
    initializer, bias_initializer : str or callable
        A name of ``minidl list initializers``, otherwise an UnknownNameError; or a function
        ``(shape, generator) -> array``; an array of another shape is a ShapeError. For W by default
        Glorot; in a :class:`Sequential` what suits the activation that follows, such as He for
        ReLU. For b, drawn as (1, out), by default "zeros".
    bias : bool, default True
        Whether there is a b.
    seed : int, optional
        For the weights; it has precedence over that of a :class:`Sequential`.
    dtype : numpy dtype, default float64
        Or float32, otherwise a DTypeError.

    Examples
    --------
    >>> Dense(2, 3, initializer="constant:0.5")([[1.0, 1.0]])
    Tensor([[1., 1., 1.]], requires_grad=True)
    """

    _fixed = ("in_features", "out_features", "initializer", "bias_initializer", "seed")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        initializer: str | Initializer | None = None,
        bias: bool = True,
        bias_initializer: str | Initializer = "zeros",
        seed: Seed = None,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        if isinstance(out_features, str):
            raise invalid("out_features", out_features, "an integer >= 1", USAGE["Dense"])
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)
        self.initializer, self.bias_initializer = of_initializer(initializer), bias_initializer
        self.seed = None if seed is None else check_seed(seed)
        dtype = check_dtype(dtype)
        check_weights(repr(self), self.in_features, self.out_features, dtype=dtype)
        W, b = (
            np.zeros((self.in_features, self.out_features), dtype),
            np.zeros(self.out_features, dtype),
        )
        self.weight = Parameter(W)
        self.bias = Parameter(b, penalized=False) if check_flag("bias", bias) else None
        generator = stream(check_seed(seed), "initialization")
        self.draw(generator, "glorot_uniform", provisional=seed is None, again=False)

    def draws(self, suited: str) -> list[Draw]:
        """Return W and b, with their initializers."""
        chosen = suited if self.initializer is None else self.initializer
        draws: list[Draw] = [(self.weight, chosen, (self.in_features, self.out_features))]
        if self.bias is not None:
            draws.append((self.bias, self.bias_initializer, (1, self.out_features)))
        return draws

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x W + b."""
        if self.bias is None:
            return ops.linear(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


class Embedding(Drawn):
    """A learned row of features for each of `count` categories: the input is their numbers.

    For whole numbers x (n, k) the output (n, k features) has the rows W[x] of each column beside
    each other, so that a :class:`Dense` can follow: ``torch.nn.Embedding`` and Keras's
    ``Embedding`` return (n, k, features), which is this after ``Flatten``. The gradient of a row of
    `weight` W (count, features) is the sum over all places where its number occurs.

    The input of a network has its dtype, so the numbers are floats such as 3.0. A number that is
    not an integer from 0 to count - 1 is a DataError, an input that requires a gradient a
    GraphError. Data are loaded with ``standardize=False``.

    Parameters
    ----------
    count, features : int
        At least 1, otherwise an ArgumentError; in float32 at most 2^24 categories.
    padding_index : int, optional
        A category whose output is 0 and which is not trained, from 0 to count - 1; no penalty
        counts its row.
    initializer : str or callable, optional
        As for :class:`Dense`. By default normal with variance 1, as in PyTorch; Keras draws
        uniformly from +-0.05.
    seed, dtype
        As for :class:`Dense`.

    Examples
    --------
    >>> layer = Embedding(3, 2)
    >>> layer.weight.data[...] = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    >>> layer([[2, 0], [1, 1]]).data
    array([[4., 5., 0., 1.],
           [2., 3., 2., 3.]])
    """

    _fixed = ("count", "features", "padding_index", "initializer", "seed")

    def __init__(
        self,
        count: int,
        features: int,
        *,
        padding_index: int | None = None,
        initializer: str | Initializer | None = None,
        seed: Seed = None,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        dtype = check_dtype(dtype)
        self.count = check_count("count", count, most=None if dtype.char == "d" else 2**24)
        self.features = check_count("features", features)
        self.padding_index = padding_index
        if padding_index is not None:
            self.padding_index = check_count("padding_index", padding_index, 0, self.count - 1)
        self.initializer = of_initializer(initializer)
        self.seed = None if seed is None else check_seed(seed)
        check_weights(repr(self), self.count, self.features, dtype=dtype)
        self.weight = Parameter(np.zeros((self.count, self.features), dtype))
        if self.padding_index is not None:
            self.weight.penalized = np.arange(self.count)[:, None] != self.padding_index
        generator = stream(check_seed(seed), "initialization")
        self.draw(generator, "", provisional=seed is None, again=False)

    def draws(self, suited: str) -> list[Draw]:
        """Return W with its initializer."""
        return [(self.weight, self._rows, (self.count, self.features))]

    def _rows(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """Draw W, with 0 for padding."""
        chosen = self.initializer
        if chosen is None:
            values = generator.standard_normal(shape)
        else:
            values = drawn(chosen, shape, generator).astype(float)
        if self.padding_index is not None:
            values[self.padding_index] = 0.0
        return values

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the rows of W at the numbers x (n, k), beside each other: (n, k features)."""
        places, W = self._places(x), self.weight
        if W.ndim > 2 and places.ndim > 2:  # each network has other rows
            y = W[np.arange(len(W.data))[:, None, None], places]
        else:
            y = ops.take(W, places, axis=-2)
        if self.padding_index is not None:
            y = ops.where(np.equal(places, self.padding_index)[..., None], 0.0, y)
        return y.reshape((*y.shape[:-2], y.shape[-2] * self.features))

    def _places(self, x: Value) -> Array:
        """Return the input as integers, checked."""
        if isinstance(x, Tensor) and x.requires_grad:
            hint = "An Embedding is the first layer; its input has no gradient."
            raise GraphError("the input of an Embedding requires a gradient", hint=hint)
        numbers = array_of(x)
        if numbers.ndim < 2:
            received, hint = f"input of shape {numbers.shape}", "One column x is x[:, None]."
            raise ShapeError("the input does not fit the layer", received=received, hint=hint)
        valid = (numbers >= 0) & (numbers < self.count) & (numbers == np.floor(numbers))
        if not valid.all():
            place = tuple(np.argwhere(~valid)[0].tolist())
            received = f"{numbers[place]:g} in row {place[-2]}, column {place[-1]}"
            expected = f"an integer from 0 to {self.count - 1}, for {self!r}"
            hint = "Number the categories, and load with standardize=False."
            problem = "the input of an Embedding is not the number of a category"
            raise DataError(problem, received=received, expected=expected, hint=hint)
        places: Array = numbers.astype(np.intp)
        return places

    def __repr__(self) -> str:
        padding = "" if self.padding_index is None else f", padding_index={self.padding_index}"
        return f"Embedding({self.count}, {self.features}{padding})"


class Dropout(Layer):
    """Set a random part of the elements to zero in training, and scale up the others.

    y = x / (1 - rate) with probability 1 - rate, else 0, so the expectation is x (inverted
    dropout, as in PyTorch and Keras). Outside training y = x. Srivastava et al. 2014.

    `rate` is in [0, 1), otherwise an ArgumentError. The noise is drawn from the generator that is
    passed as ``training=``, else from `seed`, by default that of the :class:`Sequential` around it.

    >>> Dropout(0.5)(np.ones((1, 4)), training=np.random.default_rng(1))
    array([[2., 2., 0., 2.]])
    """

    stochastic = True
    _fixed = ("seed",)
    _checks: ClassVar = {"rate": lambda rate: check_rate("rate", rate)}

    def __init__(self, rate: float, *, seed: Seed = None) -> None:
        self.rate = rate
        self.seed = None if seed is None else check_seed(seed)
        self.generator = stream(check_seed(seed), "dropout")
        self.provisional = seed is None  # a Sequential may give it another generator

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x, or in training x with noise."""
        if not training or self.rate == 0:
            return x
        random = getattr(training, "random", self.generator.random)  # of a generator, or True
        keep = random(x.shape) >= self.rate
        return x * (keep / x.dtype.type(1 - self.rate))

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"


class Residual(Layer):
    """A layer with a connection past it, y = x + layer(x). He et al. 2016, arXiv 1512.03385, eq. 1.

    `layer` is any layer, mostly a :class:`Sequential`, whose output has the width of its input;
    another width is a ShapeError, another object an ArgumentError. PyTorch and Keras have no such
    layer: there it is ``x + f(x)`` in a forward method, and ``Add()([x, f(x)])``.

    >>> from minidl import nn
    >>> nn.Residual(nn.Dense(2, 2, initializer="constant:1"))([[1.0, 2.0]]).data
    array([[4., 5.]])
    """

    def __init__(self, layer: Layer) -> None:
        if not isinstance(layer, Layer):
            hint = "Several layers are nn.Residual(nn.Sequential(...))."
            raise ArgumentError("layer is not a layer", received=shown(layer), hint=hint)
        self.layer = layer

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x + layer(x)."""
        y = check_output(self.layer, self.layer.forward(x, training))
        if x.shape[-2:] != y.shape[-2:]:
            problem = "the layer in a Residual changes the shape, so they cannot be added"
            received = f"input {x.shape}, output {y.shape}"
            hint = "End it with the width of its input, such as nn.Dense(..., in_features)."
            raise ShapeError(problem, received=received, hint=hint)
        return x + y

    def __repr__(self) -> str:
        return f"Residual({self.layer!r})"


def check_rate(name: str, value: float) -> float:
    """Return `value` as a dropout rate, or raise an ArgumentError that calls it `name`."""
    return check_number(name, value, lambda rate: 0 <= rate < 1, "a number in [0, 1)")
