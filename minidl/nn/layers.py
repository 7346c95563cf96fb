"""Dense layers, dropout and activations; their derivatives are in ``minidl.autograd.ops``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import ops
from minidl.autograd.node import Value
from minidl.checks import check_count, check_number
from minidl.errors import DTypeError, ShapeError, invalid
from minidl.keywords import answers
from minidl.nn.initializers import Initializer, initializer
from minidl.nn.layer import Layer, Training
from minidl.nn.parameters import Parameter
from minidl.registry import Registry
from minidl.streams import Seed, check_seed, stream
from minidl.words import USAGE

__all__ = ["ACTIVATIONS", "Activation", "Dense", "Dropout", "Identity", "LeakyReLU", "activation"]
__all__ += ["ELU", "GELU", "SELU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh"]


class Dense(Layer):
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
        self.initializer = initializer
        self.bias_initializer = bias_initializer
        self.seed = None if seed is None else check_seed(seed)
        dtype = check_dtype(dtype)
        W, b = np.zeros((self.in_features, self.out_features), dtype), np.zeros(out_features, dtype)
        self.weight = Parameter(W)
        self.bias = Parameter(b, penalized=False) if bias else None
        generator = stream(check_seed(seed), "initialization")
        self.draw(generator, "glorot_uniform", provisional=seed is None, again=False)

    def draw(
        self, generator: np.random.Generator, suited: str, *, provisional: bool, again: bool = True
    ) -> None:
        """Draw W and b, or `again` what is provisional; W by `suited` without an initializer."""
        draws = [(self.weight, self.initializer or suited, (self.in_features, self.out_features))]
        if self.bias is not None:
            draws.append((self.bias, self.bias_initializer, (1, self.out_features)))
        wanted = [not again or parameter.provisional for parameter, _, _ in draws]
        if not any(wanted):
            return
        for (parameter, choice, shape), is_wanted in zip(draws, wanted, strict=True):
            values = np.asarray(initializer(choice)(shape, generator))
            if values.shape != shape:
                message = f"the initializer {choice!r} gave an array of another shape"
                raise ShapeError(f"{message}: got shape {values.shape}, expected shape {shape}")
            if is_wanted:
                parameter.draw(values, provisional=provisional)

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x W + b."""
        if self.bias is None:
            return ops.linear(x, self.weight)
        return ops.dense(x, self.weight, self.bias)

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


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


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype of a layer, float64 or float32; another is a DTypeError."""
    known = np.dtype(dtype)
    if known.char not in "fd":
        expected = "float64 or float32"
        raise DTypeError("a layer cannot have this dtype", received=known, expected=expected)
    return known


def check_rate(name: str, value: float) -> float:
    """Return `value` as a dropout rate, or raise an ArgumentError that calls it `name`."""
    return check_number(name, value, lambda rate: 0 <= rate < 1, "a number in [0, 1)")


def _finite(name: str, value: float) -> float:
    return check_number(name, value, math.isfinite, "a finite number")


class Activation(Layer):
    """The base: a layer that applies `function`.

    `initializer` is for a dense layer before it; the right one keeps the size of signals through a
    new network. A custom activation is passed by class, or by name after ``ACTIVATIONS.add``:

    >>> from minidl import nn
    >>> class Square(nn.Activation):
    ...     function = staticmethod(lambda x: x * x)
    >>> nn.mlp(2, 4, 1, activation=Square)
    Sequential(Dense(2, 4), Square(), Dense(4, 1))
    """

    function: ClassVar[Callable[..., Value]]
    initializer: ClassVar[str] = "glorot_uniform"

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the function of `x`."""
        return self.function(x)


class Identity(Activation):
    """y = x."""

    function = staticmethod(lambda x: x)


class ReLU(Activation):
    """y = max(x, 0)."""

    function, initializer = staticmethod(ops.relu), "he_uniform"


class LeakyReLU(Activation):
    """y = x for x > 0, else slope x; the slope is 0.01, as in PyTorch (Keras: 0.3)."""

    initializer = "he_uniform"
    _checks: ClassVar = {"slope": lambda slope: _finite("slope", slope)}

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or slope x."""
        return ops.leaky_relu(x, self.slope)


class ELU(Activation):
    """y = x for x > 0, else alpha (e^x - 1); alpha is 1."""

    initializer = "he_uniform"
    _checks: ClassVar = {"alpha": lambda alpha: _finite("alpha", alpha)}

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or alpha (e^x - 1)."""
        return ops.elu(x, self.alpha)


class SELU(Activation):
    """y = 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through LeCun-initialised layers."""

    function, initializer = staticmethod(ops.selu), "lecun_normal"


class GELU(Activation):
    """y = x Phi(x), Phi the normal distribution function; the exact form."""

    function, initializer = staticmethod(ops.gelu), "he_uniform"


class SiLU(Activation):
    """y = x / (1 + e^-x), also called swish."""

    function, initializer = staticmethod(ops.silu), "he_uniform"


class Softplus(Activation):
    """y = log(1 + e^x)."""

    function, initializer = staticmethod(ops.softplus), "he_uniform"


class Sigmoid(Activation):
    """y = 1 / (1 + e^-x)."""

    function = staticmethod(ops.sigmoid)


class Tanh(Activation):
    """y = tanh x."""

    function = staticmethod(ops.tanh)


class Softmax(Activation):
    """y = e^x / sum e^x along each row. The losses want logits instead: see SoftmaxCrossEntropy."""

    function = staticmethod(ops.softmax)


ACTIVATIONS: Registry[type[Layer]] = Registry("activation")
ACTIVATIONS.add("identity", Identity, ["linear"])
ACTIVATIONS.add("relu", ReLU)
ACTIVATIONS.add("leaky_relu", LeakyReLU)
ACTIVATIONS.add("elu", ELU)
ACTIVATIONS.add("selu", SELU)
ACTIVATIONS.add("gelu", GELU)
ACTIVATIONS.add("silu", SiLU, ["swish"])
ACTIVATIONS.add("softplus", Softplus)
ACTIVATIONS.add("sigmoid", Sigmoid, ["logistic"])
ACTIVATIONS.add("tanh", Tanh)
ACTIVATIONS.add("softmax", Softmax)


@answers
def activation(name: str | Layer | type[Layer]) -> Layer:
    """Return a new activation layer of that name, or of that class; a layer is returned as it is.

    ``ACTIVATIONS.add(name, class)`` adds a name. An unknown name is an UnknownNameError.

    >>> activation("leaky-relu")
    LeakyReLU(slope=0.01)
    """
    if isinstance(name, Layer):
        return name
    if isinstance(name, type) and issubclass(name, Layer):
        return name()
    if callable(name):
        hint = "Write a class: class Own(nn.Activation), with function = staticmethod(...)."
        raise invalid("activation", name, 'a name such as "relu", or a layer', hint)
    return ACTIVATIONS[name]()
