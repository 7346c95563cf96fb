"""The Tensor: a node of the graph with the methods of a NumPy array."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd.backward import propagate
from minidl.autograd.gradients import check_grad, seed_for
from minidl.autograd.hints import SCIPY, hint_for
from minidl.autograd.node import (
    Array,
    Node,
    Record,
    Value,
    creation,
    keep_gradient,
    to_float,
)
from minidl.autograd.numpy_functions import NUMPY, PLAIN
from minidl.autograd.values import on_values
from minidl.errors import ArgumentError, DTypeError, GraphError, MissingRuleError, shown
from minidl.keywords import answers


def _comparison(compare: Callable[[Value, Value], Value]) -> Callable[[Tensor, object], Value]:
    """Return the method that compares arrays, without a gradient."""
    return lambda self, other: on_values(compare, (self, other))


Axes = int | tuple[int, ...] | None


# Types of the methods that are operations; ops/methods.py replaces each by the operation itself.
def _unary(self: Tensor) -> Tensor: ...
def _binary(self: Tensor, other: object) -> Tensor: ...
def _any(self: Tensor, *arguments: Any, **keywords: Any) -> Tensor: ...
def _list(self: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]: ...


DECLARED = (_unary, _binary, _any, _list)


@answers
class Tensor(Node):
    """An array that records how it was computed and, on request, gives its gradient.

    Complex numbers, float16, text, masked or missing values (None; NaN is a number), and integers
    that float64 would round raise a DTypeError.

    A Tensor that requires a gradient never becomes a number or an array by itself: float(t),
    math.exp(t), np.asarray(t), Tensor(t) and a[i] = t raise a GraphError, because the gradient
    would be lost; PyTorch allows float(t). Take the value with :meth:`item`, :meth:`numpy` or
    :meth:`detach`. Comparisons, ``if t:``, f-strings, ``format``, ``"%s" % t`` and everything
    inside ``no_grad()`` work; for ``"%f"``, which is float(t), write ``t.item()``.

    Parameters
    ----------
    data : array_like of real numbers
        Copied. float32 stays float32; float64, integers and bool become float64.
    requires_grad : bool, default False
        Whether :meth:`backward` computes :attr:`grad`; not a bool is an ArgumentError.

    Attributes
    ----------
    data : ndarray of float32 or float64
        The value. A Tensor with a graph that is assigned to it, or to `grad`, is a GraphError.
    grad : ndarray or None
        The gradient, shaped like `data`. It accumulates over backward passes, as in PyTorch.

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
            message = f"must be True or False, got {shown(requires_grad)}"
            hint = "For float32, give an array: np.asarray(data, np.float32)."
            raise ArgumentError(message, argument="requires_grad", hint=hint)
        if isinstance(data, Tensor):
            keep_gradient(data, "a new Tensor")
        self._data, self._grad, self._requires_grad = to_float(data), None, requires_grad
        self._order, self._node = next(creation), None

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The transpose, with all axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The transpose of each matrix: the last two axes swapped."""
        return self.swapaxes(-1, -2)

    @answers
    def item(self) -> float:
        """Return the only element as a Python float."""
        if self.size != 1:
            message = f"only a Tensor with one element is a number, got shape {self.shape}"
            raise ArgumentError(message, hint="Index it or reduce it first, or use .numpy().")
        return float(self.data.item())

    @answers
    def numpy(self) -> Array:
        """Return the array itself (not a copy), without history."""
        return self.data

    @answers
    def tolist(self) -> Any:
        """Return the elements as Python floats, in nested lists."""
        return self.data.tolist()

    @answers
    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Return the index of the largest element, as NumPy does."""
        return on_values(np.argmax, (self, axis), keepdims=keepdims)

    @answers
    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Return the index of the smallest element, as NumPy does."""
        return on_values(np.argmin, (self, axis), keepdims=keepdims)

    @answers
    def any(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Return whether any element is not 0, as NumPy does."""
        return on_values(np.any, (self, axis), keepdims=keepdims)

    @answers
    def all(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Return whether no element is 0, as NumPy does."""
        return on_values(np.all, (self, axis), keepdims=keepdims)

    @answers
    def nonzero(self) -> tuple[Array, ...]:
        """Return the indices of the elements that are not 0, as NumPy does."""
        return np.nonzero(self.data)

    @answers
    def argsort(self, axis: int | None = -1) -> Any:
        """Return the indices that sort, as NumPy does; equal elements stay in their order."""
        return on_values(np.argsort, (self, axis), kind="stable")

    @answers
    def detach(self) -> Tensor:
        """Return a new Tensor with the same array and no history."""
        return make(self.data)

    def __len__(self) -> int:
        if self.ndim == 0:
            message = "a Tensor of shape () has no length and cannot be iterated over"
            raise DTypeError(message, hint="It is a number: .item() returns it.")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        number = self.item()
        keep_gradient(self, "a number")
        return number

    def __int__(self) -> int:
        return int(float(self))

    __trunc__ = __int__

    def __index__(self) -> int:
        message = f"a Tensor of shape {self.shape} holds floats, so it is not an index or a count"
        raise DTypeError(message, hint="Convert its value: int(t.item()).")

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else str(self), spec)

    def __bool__(self) -> bool:
        if self.size != 1:
            message = f"the truth value of a Tensor of shape {self.shape} is ambiguous"
            hint = "Compare, then use .any() or .all() of the boolean array."
            raise ArgumentError(message, hint=hint)
        return bool(self.data.item())

    def __setitem__(self, index: object, value: object) -> None:
        message = f"elements of a Tensor cannot be assigned, got index {index!r}"
        hint = "Build a new Tensor (minidl.ops.where helps), or write into a leaf's .data"
        raise GraphError(message, hint=f"{hint} before it is used.")

    def __repr__(self) -> str:
        flag = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, separator=', ', prefix='Tensor(')}{flag})"

    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __hash__ = object.__hash__

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        keep_gradient(self, "an array")
        return np.array(self.data, dtype=dtype, copy=True if copy is None else copy)

    def __dlpack__(self, **options: Any) -> Any:
        keep_gradient(self, "an array")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Value, **keywords: Any
    ) -> Value:
        name, out = f"np.{ufunc.__name__}", keywords.get("out", ())
        if out and any(argument is out[0] for argument in inputs):
            message = f"{name} in place, as in a += t, would drop the gradient of t"
            raise GraphError(message, hint="Write a = a + t.")
        if method != "__call__":
            hint = hint_for(f"{ufunc.__name__}.{method}")
            raise MissingRuleError(f"minidl cannot differentiate {name}.{method}", hint=hint)
        if keywords and list(keywords) != ["axis"]:
            message = f"minidl cannot differentiate {name} with {', '.join(keywords)}"
            hint = "Use the plain call; to write into an array, use .numpy() first."
            raise MissingRuleError(message, hint=hint)
        return self.__array_function__(ufunc, (), inputs, keywords)

    def __array_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Value], keywords: Any
    ) -> Value:
        if func in NUMPY:
            return NUMPY[func](*args, **keywords)
        if func in PLAIN:
            return on_values(func, args, **keywords)
        same = getattr(np, func.__name__, None)  # np.ones(2).clip calls another ufunc than np.clip
        if isinstance(func, np.ufunc) and same in NUMPY:
            return NUMPY[same](*args, **keywords)
        module = getattr(func, "__module__", None) or "numpy"
        if isinstance(func, np.ufunc) and same is not func:
            module = "scipy.special" if func.__name__ in SCIPY else ""
        name = f"{module}.{func.__name__}".lstrip(".").replace("numpy.", "np.", 1)
        message = f"minidl has no derivative for {name}"
        raise MissingRuleError(message, hint=hint_for(name.removeprefix("np.")))

    @answers
    def backward(self, gradient: object = None, *, retain_graph: bool = False) -> None:
        """Add to the :attr:`grad` of every leaf the derivative of this Tensor.

        A GraphError says that no graph leads here, or that an earlier pass has freed it.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient with respect to this Tensor; 1 for a scalar by default. It is a ShapeError
            if it is shaped otherwise, or missing for a Tensor that is not a scalar.
        retain_graph : bool, default False
            Keep the graph for another pass.
        """
        if not self.requires_grad:
            reason = "no Tensor with requires_grad=True led here"
            hint = "Give requires_grad=True to an input, and stay outside no_grad(). Note that"
            hint += " w = w - ... makes a new Tensor: a step writes into w.data."
            message = f"there is nothing to differentiate: {reason}"
            raise GraphError(message, received=f"a Tensor of shape {self.shape}", hint=hint)
        gradients = propagate([self], [seed_for(self, gradient)], retain_graph=retain_graph)
        for leaf, g in gradients.values():  # before any is changed
            check_grad(leaf._grad, g)
        for leaf, g in gradients.values():
            if isinstance(leaf._grad, np.ndarray):
                leaf._grad += g  # in place: it may be a view of a model's gradient
            else:  # a copy, as gradients must not share memory
                leaf._grad = np.array(g if leaf._grad is None else leaf._grad + g)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _binary
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __divmod__ = __rdivmod__ = _binary
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _binary
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _binary
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _binary
    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _binary
    __imod__ = __ifloordiv__ = _binary
    matmul = dot = outer = add = subtract = multiply = divide = pow = _binary
    maximum = minimum = hypot = arctan2 = logaddexp = _binary
    __neg__ = __pos__ = __abs__ = negative = positive = abs = absolute = sign = _unary
    sqrt = square = reciprocal = exp = expm1 = log = log1p = log2 = log10 = _unary
    sin = cos = tan = arcsin = arccos = arctan = sinh = cosh = tanh = _unary
    arcsinh = arccosh = arctanh = erf = sigmoid = relu = silu = _unary
    __invert__ = floor = ceil = trunc = conj = conjugate = _unary
    __getitem__ = softmax = log_softmax = clip = where = _any
    sum = mean = max = min = prod = cumprod = logsumexp = var = std = norm = cumsum = _any
    diag = diagonal = trace = tril = triu = reshape = transpose = swapaxes = moveaxis = _any
    squeeze = flatten = ravel = broadcast_to = flip = roll = tile = repeat = astype = _any
    __round__ = round = take = copy = sort = partition = fill = put = resize = compress = _any
    split = _list


def make(data: Array, record: Record | None = None) -> Tensor:
    """Return a Tensor of `data` itself, not a copy, with the record of its operation."""
    tensor = Tensor.__new__(Tensor)
    tensor._data, tensor._grad, tensor._requires_grad = data, None, record is not None
    tensor._order, tensor._node = next(creation), record
    return tensor
