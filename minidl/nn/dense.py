"""The fully connected layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, ops
from minidl.checks import check_count
from minidl.errors import DTypeError, ShapeError
from minidl.nn.initializers import Initializer, initializer
from minidl.nn.layer import Layer, Training, Value
from minidl.nn.parameters import Parameter
from minidl.streams import Seed, check_seed, stream

__all__ = ["Dense"]


class Dense(Layer):
    """Fully connected layer, y = x W + b.

    Weights are drawn at once. Those drawn without a `seed` are drawn again by a
    :class:`Sequential` around the layer, unless somebody has changed them.

    Parameters
    ----------
    in_features, out_features : int
        At least 1. W has shape (in, out), as in Keras; ``torch.nn.Linear`` stores (out, in).
    initializer : str or callable, optional
        For W: a name of ``minidl list initializers``, or a function ``(shape, generator) ->
        array``. By default Glorot; in a :class:`Sequential` what suits the activation that
        follows, such as He for ReLU.
    bias : bool, default True
        Whether there is a b.
    bias_initializer : str or callable, default "zeros"
        For b, drawn as a matrix of shape (1, out).
    seed : int, optional
        For the weights; it has precedence over that of a :class:`Sequential`.
    dtype : numpy dtype, default float64
        Or float32.

    Attributes
    ----------
    weight, bias : Parameter, shapes (in, out) and (out,)
        `bias` is None without one.

    Raises
    ------
    ArgumentError, UnknownNameError
        A size is not a positive integer, or an initializer is unknown.
    ShapeError
        The input has another number of columns (on call), or an initializer gave another shape.

    Examples
    --------
    >>> layer = Dense(2, 3, initializer="constant:0.5", seed=0)
    >>> layer([[1.0, 1.0]])
    Tensor([[1., 1., 1.]], requires_grad=True)
    """

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
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)
        self.initializer = initializer
        self.bias_initializer = bias_initializer
        self.seed = None if seed is None else check_seed(seed)
        dtype = np.dtype(dtype)
        if dtype.char not in "fd":
            raise DTypeError(
                "a layer cannot have this dtype", received=dtype, expected="float64 or float32"
            )
        fresh = self.seed is None
        source = np.random.default_rng() if fresh else stream(check_seed(seed), "initialization")
        W, *b = self._initial(source, "glorot_uniform", bias)
        self.weight = Parameter(W.astype(dtype), provisional=fresh)
        self.bias = None
        if b:
            self.bias = Parameter(b[0].astype(dtype), penalized=False, provisional=fresh)

    def redraw(
        self, generator: np.random.Generator, suited: str, *, provisional: bool = False
    ) -> None:
        """Draw again what of W and b is provisional: drawn without a seed, and not changed.

        `suited` is the initializer of W if the layer was given none.
        """
        parameters = [self.weight] if self.bias is None else [self.weight, self.bias]
        undecided = [parameter.provisional for parameter in parameters]
        if any(undecided):
            values = self._initial(generator, suited, self.bias is not None)
            for parameter, drawn, again in zip(parameters, values, undecided, strict=True):
                if again:
                    parameter.draw(drawn, provisional=provisional)

    def _initial(self, generator: np.random.Generator, suited: str, bias: bool) -> list[Array]:
        """Return initial W and, if there is one, b, drawn in this order."""
        shape = (self.in_features, self.out_features)
        W = _drawn(self.initializer or suited, shape, generator)
        row = (1, self.out_features)
        return [W, _drawn(self.bias_initializer, row, generator)[0]] if bias else [W]

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x W + b."""
        if self.bias is None:
            return ops.linear(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


def _drawn(
    choice: str | Initializer, shape: tuple[int, int], generator: np.random.Generator
) -> Array:
    """Return what an initializer draws, checked to have the shape."""
    values = np.asarray(initializer(choice)(shape, generator))
    if values.shape != shape:
        raise ShapeError(
            f"the initializer {choice!r} gave an array of another shape",
            received=f"shape {values.shape}",
            expected=f"shape {shape}",
        )
    return values
