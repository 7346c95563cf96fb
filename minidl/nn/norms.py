"""Normalisation: features with mean 0 and variance 1 over the batch, or over each row."""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from minidl.autograd import ops
from minidl.autograd.node import Value, array_of
from minidl.checks import check_count, check_number
from minidl.errors import ArgumentError, ShapeError, UnknownKeywordError
from minidl.nn.drawn import check_dtype, check_weights
from minidl.nn.layer import Layer, Training
from minidl.nn.parameters import Buffer, Parameter

__all__ = ["BatchNorm", "LayerNorm"]


class Norm(Layer):
    """The base: y = scale (x - mean) / sqrt(variance + epsilon) + shift."""

    _fixed = ("features",)
    _checks: ClassVar = {
        "epsilon": lambda value: check_number(
            "epsilon", value, lambda e: 0 <= e < math.inf, "a finite number >= 0"
        ),
        "decay": lambda value: check_number(
            "decay", value, lambda d: 0 <= d < 1, "a number in [0, 1)"
        ),
    }

    def __init__(
        self, features: int, *, epsilon: float = 1e-5, dtype: npt.DTypeLike = np.float64
    ) -> None:
        self.features = check_count("features", features)
        self.epsilon = epsilon
        dtype = check_dtype(dtype)
        check_weights(f"{type(self).__name__}({self.features})", 2, self.features, dtype=dtype)
        self.scale = Parameter(np.ones(self.features, dtype), penalized=False)
        self.shift = Parameter(np.zeros(self.features, dtype), penalized=False)

    @property
    def in_features(self) -> int:
        """The number of features, in and out."""
        return self.features

    out_features = in_features

    def normalise(self, x: Value, mean: Value, variance: Value) -> Value:
        """Return the formula of this class."""
        return (x - mean) / ops.sqrt(variance + self.epsilon) * self.scale + self.shift

    def check_input(self, x: Value) -> None:
        """Raise a ShapeError unless `x` is (..., n, features)."""
        if x.ndim < 2 or x.shape[-1] != self.features:
            received, expected = f"input of shape {x.shape}", f"shape (n, {self.features})"
            hint = "Rows are samples: a single sample x is x[None, :]." if x.ndim < 2 else None
            message = "the input does not fit the layer"
            raise ShapeError(message, received=received, expected=expected, hint=hint)


class BatchNorm(Norm):
    """Batch normalisation: each feature has mean 0 and variance 1, over the rows of a batch.

    y = scale (x - mean) / sqrt(variance + epsilon) + shift. Ioffe and Szegedy 2015,
    arXiv 1502.03167, algorithms 1 and 2.
    In training, mean and variance are those of the batch (divided by n), and gradients flow through
    them. Otherwise they are `running_mean` and `running_var`, averages over earlier batches:

        running <- decay running + (1 - decay) batch, with the variance divided by n - 1

    They are updated once per training forward pass, even if an optimizer evaluates the gradient
    several times in a step. Validation, ``predict`` and ``sharpness`` do not update them.

    `scale` and `shift` (features,), at first 1 and 0, are trained, and not penalised by ``l2`` and
    ``l1``.
    `running_mean` and `running_var` (features,), at first 0 and 1, are :class:`Buffer`. The layer
    before needs no bias: ``Dense(..., bias=False)``.

    ``torch.nn.BatchNorm1d(momentum=0.1)`` is ``decay=0.9``, with the same variances. Keras calls
    the decay momentum, with 0.99 as default, has ``epsilon=0.001``, and divides the moving variance
    by n. PyTorch calls scale and shift weight and bias, Keras gamma and beta.

    Parameters
    ----------
    features : int
        At least 1, otherwise an ArgumentError; an input of another width is a ShapeError. Further
        axes of an input (..., n, features) are rows, too.
    decay : float, default 0.9
        Weight of the old running statistics, in [0, 1), otherwise an ArgumentError.
    epsilon : float, default 1e-5
        Added to the variance; finite and at least 0, otherwise an ArgumentError.
    dtype : numpy dtype, default float64
        Or float32, otherwise a DTypeError.

    Raises
    ------
    ArgumentError
        In the forward pass: a batch in training has fewer than two rows.

    Examples
    --------
    >>> layer = BatchNorm(2, epsilon=0.0)
    >>> layer([[1.0, 40.0], [3.0, 60.0]], training=True)
    Tensor([[-1., -1.],
            [ 1.,  1.]], requires_grad=True)
    >>> layer.running_mean, layer.running_var
    (Tensor([0.2, 5. ]), Tensor([ 1.1, 20.9]))
    """

    def __new__(cls, *args: object, **keywords: object) -> Self:
        """Refuse ``momentum``, which has two meanings."""
        if "momentum" in keywords:
            hint = "PyTorch's momentum=0.1 is decay=0.9, Keras's momentum=0.99 is decay=0.99."
            raise UnknownKeywordError(f"{cls.__name__} has no argument momentum", hint=hint)
        return super().__new__(cls)

    def __init__(
        self,
        features: int,
        *,
        decay: float = 0.9,
        epsilon: float = 1e-5,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(features, epsilon=epsilon, dtype=dtype)
        self.decay = decay
        self.running_mean = Buffer(np.zeros(self.features, dtype))
        self.running_var = Buffer(np.ones(self.features, dtype))

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x normalised; in training, also update the running statistics."""
        self.check_input(x)
        if not training:
            return self.normalise(x, self.running_mean, self.running_var)
        axes, n = tuple(range(x.ndim - 1)), x.size // self.features
        if self.running_mean.ndim > 1:  # of R networks
            axes, n = (-2,), x.shape[-2]
        if n < 2:
            message = f"BatchNorm needs at least 2 rows in training, got {n}"
            hint = "Choose a batch_size that leaves at least 2 rows for the last batch."
            raise ArgumentError(message, hint=hint)
        mean = ops.mean(x, axes, keepdims=True)
        variance = ops.var(x, axes, keepdims=True)
        for running, batch in (
            (self.running_mean, array_of(mean)),
            (self.running_var, array_of(variance) * (n / (n - 1))),
        ):
            running[...] = self.decay * running.data + (1 - self.decay) * batch
        return self.normalise(x, mean, variance)


class LayerNorm(Norm):
    """Layer normalisation: each row has mean 0 and variance 1, over its features.

    y = scale (x - mean) / sqrt(variance + epsilon) + shift, with mean and variance (divided by the
    number of features) of each row: Ba, Kiros and Hinton 2016, arXiv 1607.06450, eq. 3 and 4. The
    same in training and in prediction. `scale` and `shift` (features,), at first 1 and 0, are
    trained, and not penalised by ``l2`` and ``l1``. ``torch.nn.LayerNorm`` is the same; Keras has
    ``epsilon=0.001``.

    Parameters
    ----------
    features, epsilon, dtype
        As for :class:`BatchNorm`. With a single feature, the output is the shift alone.

    Examples
    --------
    >>> LayerNorm(2, epsilon=0.0)([[1.0, 3.0], [40.0, 60.0]])
    Tensor([[-1.,  1.],
            [-1.,  1.]], requires_grad=True)
    """

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return each row normalised."""
        self.check_input(x)
        mean, variance = ops.mean(x, -1, keepdims=True), ops.var(x, -1, keepdims=True)
        return self.normalise(x, mean, variance)
