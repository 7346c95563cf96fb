"""The Tensor: a node of the graph with the face of a NumPy array."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.autograd.node import Array, Node, creation, propagate, to_float
from minidl.errors import ArgumentError, DTypeError, GraphError, MissingRuleError, ShapeError

__all__ = ["NUMPY", "Tensor", "make", "seed_for"]

NUMPY: dict[Any, Callable[..., Any]] = {}  # NumPy function -> primitive; filled by @primitive
PLAIN: set[Any] = {  # functions with values that are no numbers to differentiate
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
    np.isfinite,
    np.isnan,
    np.isinf,
    np.argmax,
    np.argmin,
    np.argwhere,
    np.nonzero,
    np.count_nonzero,
    np.zeros_like,
    np.ones_like,
    np.full_like,
    np.digitize,
    np.searchsorted,
    np.argsort,
    np.any,
    np.all,
    np.shape,
    np.ndim,
    np.size,
    np.isclose,
    np.allclose,
    np.array_equal,
}


class Tensor(Node):
    """An array that remembers how it was computed and, when asked, gives its gradient.

    Parameters
    ----------
    data : array_like of real numbers
        Copied. float32 stays float32; everything else becomes float64.
    requires_grad : bool, default False
        Whether :meth:`backward` shall fill :attr:`grad`.

    Attributes
    ----------
    data : ndarray of float32 or float64
        The value.
    grad : ndarray or None
        The gradient, shaped like `data`; None until one has arrived. Gradients accumulate over
        backward passes, as in PyTorch.
    requires_grad : bool
        Whether a gradient flows here.

    Raises
    ------
    DTypeError
        The data are complex, float16, text or objects.
    GraphError
        The data are a Tensor with a graph behind it, which would be lost.
    ArgumentError
        `requires_grad` is neither True nor False.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ()

    def __init__(self, data: object, requires_grad: bool = False) -> None:
        if type(requires_grad) is not bool:
            raise ArgumentError(
                "requires_grad is True or False",
                received=repr(requires_grad),
                hint="For float32, give an array: np.asarray(data, np.float32).",
            )
        if isinstance(data, Node) and data._node is not None:
            raise GraphError(
                "a new Tensor of this one would drop its gradient",
                received=f"a result of shape {data.shape} with a graph behind it",
                hint="Use it as it is, or .detach() to say that a constant is meant.",
            )
        self.data = to_float(data)
        self.grad = None
        self.requires_grad = requires_grad
        self._order = next(creation)
        self._node = None

    # -- what an array has ---------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self.data.dtype

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The transpose, with all axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The transpose of each matrix: the last two axes swapped."""
        return self.swapaxes(-1, -2)

    def item(self) -> float:
        """Return the only element as a Python float."""
        if self.size != 1:
            raise ArgumentError(
                "only a Tensor with one element is a number",
                received=f"shape {self.shape}",
                hint="Index it or reduce it first, or use .numpy().",
            )
        return float(self.data.item())

    def numpy(self) -> Array:
        """Return the array itself, without history; not a copy."""
        return self.data

    def tolist(self) -> Any:
        """Return the elements as Python floats, in nested lists."""
        return self.data.tolist()

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Return where the largest element is, as NumPy does: a number or an array of them."""
        return np.argmax(self.data, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Return where the smallest element is, as NumPy does: a number or an array of them."""
        return np.argmin(self.data, axis, keepdims=keepdims)

    def detach(self) -> Tensor:
        """Return a new Tensor with the same array and no history."""
        return make(self.data)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise DTypeError(
                "a Tensor without axes has no length and no elements to take one by one",
                received="shape ()",
                hint="It is a number: .item() gives it.",
            )
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else str(self), spec)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ArgumentError(
                "the truth of a Tensor with several elements is ambiguous",
                received=f"shape {self.shape}",
                hint="Compare, then use .any() or .all() of the boolean array.",
            )
        return bool(self.data.item())

    def __setitem__(self, index: object, value: object) -> None:
        raise GraphError(
            "a Tensor's elements cannot be assigned: the graph may already hold them",
            received=f"index {index!r}",
            hint="Build a new Tensor (minidl.ops.where helps), or write into a leaf's .data"
            " before it is used.",
        )

    def __repr__(self) -> str:
        flag = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, separator=', ', prefix='Tensor(')}{flag})"

    def __lt__(self, other: object) -> Any:
        return self.data < _array(other)

    def __le__(self, other: object) -> Any:
        return self.data <= _array(other)

    def __gt__(self, other: object) -> Any:
        return self.data > _array(other)

    def __ge__(self, other: object) -> Any:
        return self.data >= _array(other)

    def __eq__(self, other: object) -> Any:
        return self.data == _array(other)

    def __ne__(self, other: object) -> Any:
        return self.data != _array(other)

    __hash__ = object.__hash__

    # -- NumPy's protocols ---------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise GraphError(
                "turning this Tensor into an array would drop its gradient",
                received=f"a Tensor of shape {self.shape} with requires_grad=True",
                hint="Join Tensors with minidl.ops.stack; use .numpy() or .detach() to say that a"
                " constant is meant.",
            )
        return np.array(self.data, dtype=dtype, copy=True if copy is None else copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        out = keywords.get("out", ())
        if out and any(one is out[0] for one in inputs):
            raise GraphError(
                "a Tensor cannot be written into an array: its gradient would be lost",
                received=f"np.{ufunc.__name__} in place, as in a += t",
                hint="Write a = a + t.",
            )
        if method != "__call__" or keywords:
            words = ", ".join(keywords) or f".{method}"
            raise MissingRuleError(
                f"minidl cannot differentiate np.{ufunc.__name__} with {words}",
                received=f"a Tensor of shape {self.shape}",
                hint="Use the plain call; to write into an array, use .numpy() first.",
            )
        return self.__array_function__(ufunc, (), inputs, {})

    def __array_function__(self, func: Any, types: Any, args: Any, keywords: Any) -> Any:
        if func in NUMPY:
            return NUMPY[func](*args, **keywords)
        if func in PLAIN:
            named = {name: _array(value) for name, value in keywords.items()}
            return func(*map(_array, args), **named)
        module = (getattr(func, "__module__", None) or "numpy").replace("numpy", "np", 1)
        raise MissingRuleError(
            f"minidl has no derivative for {module}.{func.__name__}",
            received=f"a Tensor of shape {self.shape}",
            hint="Use functions of minidl.ops, add one with minidl.primitive, or call .numpy()"
            " if no gradient is wanted.",
        )

    # -- gradients -----------------------------------------------------------------------------

    def backward(self, gradient: object = None, *, retain_graph: bool = False) -> None:
        """Add to every leaf's :attr:`grad` the derivative of this Tensor with respect to it.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient with respect to this Tensor, shaped like it: 1 for a scalar by default.
            It is not modified.
        retain_graph : bool, default False
            Keep the graph for another pass; otherwise it is freed.

        Raises
        ------
        GraphError
            No graph leads here, or it was freed by an earlier pass.
        ShapeError
            `gradient` is missing for a Tensor that is not a scalar, or has another shape.
        """
        if not self.requires_grad:
            raise GraphError(
                "there is nothing to differentiate: no Tensor with requires_grad=True led here",
                received=f"a Tensor of shape {self.shape}",
                hint="Give requires_grad=True to an input, and stay outside no_grad(). Note that"
                " w -= ... makes a new Tensor: a step writes into w.data.",
            )
        seed = seed_for(self, gradient)
        found = list(propagate([self], [seed], retain_graph=retain_graph).values())
        for leaf, g in found:  # before any is changed
            _check_held(leaf.grad, g)
        for leaf, g in found:
            if isinstance(leaf.grad, np.ndarray):
                leaf.grad += g  # in place: it may be a view of a model's gradient
            else:  # a copy, for gradients never alias one another
                leaf.grad = np.array(g if leaf.grad is None else leaf.grad + g)

    if TYPE_CHECKING:  # attached by @primitive, one by one, where each is defined

        def _unary(self) -> Tensor: ...
        def _binary(self, other: object) -> Tensor: ...
        def _reduction(self, axis: Any = None, *, keepdims: bool = False) -> Tensor: ...
        def _any(self, *arguments: Any, **keywords: Any) -> Tensor: ...
        def _list(self, indices_or_sections: Any, axis: int = 0) -> list[Tensor]: ...
        def _softmax(self, axis: Any = -1) -> Tensor: ...
        def _where(self, condition: object, b: object) -> Tensor: ...
        def _clip(
            self, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
        ) -> Tensor: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _binary
        __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _binary
        matmul = dot = outer = _binary
        add = subtract = multiply = divide = pow = _binary
        maximum = minimum = hypot = arctan2 = logaddexp = _binary
        __neg__ = __pos__ = __abs__ = negative = positive = abs = absolute = sign = _unary
        sqrt = square = reciprocal = exp = expm1 = log = log1p = log2 = log10 = _unary
        sin = cos = tan = arcsin = arccos = arctan = _unary
        sinh = cosh = tanh = arcsinh = arccosh = arctanh = _unary
        erf = sigmoid = relu = silu = _unary
        softmax = log_softmax = _softmax
        clip, where = _clip, _where
        sum = mean = max = min = prod = logsumexp = _reduction
        var = std = norm = cumsum = _any
        diag = diagonal = trace = tril = triu = _any
        reshape = transpose = swapaxes = moveaxis = squeeze = flatten = ravel = _any
        broadcast_to = flip = roll = tile = repeat = astype = __getitem__ = _any
        split = _list


def _check_held(held: Any, g: Array) -> None:
    """Refuse a gradient that somebody has given a leaf and that `g` cannot be added to."""
    if held is None:
        return
    if isinstance(held, np.ndarray) and (held.dtype.kind != "f" or not held.flags.writeable):
        raise DTypeError(
            "the gradient that a leaf holds cannot be added to",
            received=f"an array of {held.dtype}, writeable={held.flags.writeable}",
            expected="a writeable array of floats, or None",
        )
    if np.shape(held) != g.shape:
        raise ShapeError(
            "the gradient that a leaf holds does not fit it",
            received=f"grad of shape {np.shape(held)}",
            expected=f"shape {g.shape}, or None",
        )


def _array(value: object) -> Any:
    return value.data if isinstance(value, Tensor) else value


def make(data: Array, node: tuple[Any, ...] | None = None) -> Tensor:
    """Return a Tensor that owns `data` as it is, recorded as the result of `node`."""
    tensor = Tensor.__new__(Tensor)
    tensor.data = data
    tensor.grad = None
    tensor.requires_grad = node is not None
    tensor._order = next(creation)
    tensor._node = node
    return tensor


@functools.lru_cache(maxsize=2)
def one(char: str) -> Array:
    """Return the seed of a scalar's backward pass."""
    seed = np.ones((), char)
    seed.flags.writeable = False
    return seed


def seed_for(output: Tensor, gradient: object) -> Array:
    """Return the gradient that a backward pass from `output` starts with."""
    if gradient is None:
        if output.size != 1:
            raise ShapeError(
                "backward from a Tensor that is no scalar needs a gradient",
                received=f"shape {output.shape}",
                hint="Reduce it with .sum() or .mean(), or pass gradient=.",
            )
        seed = one(output.data.dtype.char)
        return seed if output.data.ndim == 0 else seed.reshape(output.shape)
    seed = to_float(gradient)
    if seed.shape != output.shape:
        raise ShapeError(
            "the gradient does not fit the Tensor",
            received=f"gradient of shape {seed.shape}",
            expected=f"shape {output.shape}",
        )
    return seed.astype(output.dtype, copy=False)
