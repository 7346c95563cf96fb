"""Derivatives of functions: Jacobians and Hessians, whole or times a vector.

A product costs a few evaluations of the function, a whole matrix one backward pass for each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.autograd.functional import check_function, check_result, grad
from minidl.autograd.node import STATE, Value, array_of, changed, to_float
from minidl.autograd.ops.extra.joining import stack
from minidl.autograd.ops.ufuncs import positive
from minidl.autograd.tensor import Tensor, make
from minidl.errors import ArgumentError, ShapeError

Function: TypeAlias = Callable[..., Tensor]
Inputs: TypeAlias = "Tensor | npt.ArrayLike | Sequence[Tensor | npt.ArrayLike]"


def jacobian(f: Function, inputs: Inputs, *, create_graph: bool = False) -> Any:
    """Return the matrix of all first derivatives, J = dy/dx for y = f(x).

    It has the shape ``y.shape + x.shape``, with zeros where f does not depend on an input; for
    several inputs it is a list.

    Parameters
    ----------
    f : callable
        Takes the inputs as Tensors and returns a Tensor; anything else is an ArgumentError. Other
        Tensors that it uses are constants, but ``create_graph`` keeps the graph that leads to them.
    inputs : Tensor, array_like, or list or tuple of these
        The point. A list or tuple is one input for each of its entries.
    create_graph : bool, default False
        Whether the result can be differentiated again, by the inputs and by what f uses.

    Examples
    --------
    >>> jacobian(lambda x: x * x, [np.array([1.0, 2.0])])
    [Tensor([[2., 0.],
            [0., 4.]])]
    """
    with _point(inputs, create_graph) as (leaves, keep):
        blocks = _rows(_value(f, leaves), leaves, keep)
    return blocks if isinstance(inputs, list | tuple) else blocks[0]


def hessian(f: Function, inputs: Inputs, *, create_graph: bool = False) -> Any:
    """Return the matrix of all second derivatives, H = d^2 y / dx dx', of a scalar y = f(x).

    Parameters and errors are those of :func:`jacobian`, and a ShapeError if f does not return a
    single number. The result has the shape ``x.shape + x.shape``; for several inputs it is a list
    of lists, and block [i][j] has the shape ``x_i.shape + x_j.shape``.

    Examples
    --------
    >>> hessian(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    Tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    with _point(inputs, create_graph) as (leaves, keep):
        blocks = [_rows(g, leaves, keep) for g in _gradients(f, leaves)]
    return blocks if isinstance(inputs, list | tuple) else blocks[0][0]


def hvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar f times a vector, H v, without forming H.

    It is the gradient of ``v . gradient f`` (Pearlmutter 1994) and costs a few evaluations of f.
    PyTorch's ``hvp`` returns the pair (f(x), H v). Parameters and errors are those of
    :func:`hessian`, and an ArgumentError or ShapeError if `v` does not fit the inputs.

    Parameters
    ----------
    v : array_like, or list or tuple of these
        One for each input, of its shape, as is the result. With ``create_graph``, a Tensor here is
        differentiated through.

    Examples
    --------
    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), [1.0, -1.0])
    Tensor([  6., -12.])
    """
    with _point(inputs, create_graph) as (leaves, keep):
        vectors = _vectors(v, inputs, leaves)
        products = grad(_gradients(f, leaves), leaves, vectors, create_graph=keep)
    return products if isinstance(inputs, list | tuple) else products[0]


def jvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Jacobian times a vector, J v, shaped like f(x): the derivative of f along v.

    The gradient J' s is linear in its seed s, so the derivative of ``v . J' s`` with respect to s
    is J v, exactly: two backward passes make a forward one. PyTorch's and JAX's ``jvp`` return the
    pair (f(x), J v). The other product, v' J, is ``grad(f(x), x, v)``. Parameters and errors are
    those of :func:`jacobian`, and an ArgumentError or ShapeError if `v` does not fit the inputs.

    Parameters
    ----------
    v : array_like, or list or tuple of these
        One for each input, of its shape; the products of several inputs are summed.

    Examples
    --------
    >>> jvp(lambda x: x * x.sum(), np.array([1.0, 2.0]), [1.0, 0.0])
    Tensor([4., 2.])
    """
    with _point(inputs, create_graph) as (leaves, keep):
        vectors = _vectors(v, inputs, leaves)
        y = _value(f, leaves)
        seed = Tensor(np.zeros_like(y.data), requires_grad=True)
        gradients = grad(y, leaves, seed, create_graph=True)
        return grad(gradients, seed, vectors, create_graph=keep)


@contextlib.contextmanager
def _point(inputs: Inputs, create_graph: bool) -> Iterator[tuple[list[Tensor], bool]]:
    """Record, also inside no_grad(); yield copies of the inputs, and whether to keep the graph."""
    points: list[Value] = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not points:
        raise ArgumentError("there is nothing to differentiate by", received="no inputs")
    keep = create_graph and STATE.recording
    with changed("recording", True):
        leaves = []
        for x in points:  # as copies, so f may use the inputs as constants too
            linked = keep and isinstance(x, Tensor) and x.requires_grad
            leaves.append(positive(x) if linked else Tensor(array_of(x), requires_grad=True))
        yield leaves, keep


def _value(f: Function, leaves: list[Tensor]) -> Tensor:
    check_function(f, leaves, "a function, and then the point: jacobian(f, x)")
    return check_result(f(*leaves))


def _gradients(f: Function, leaves: list[Tensor]) -> Any:
    """Return the gradients of a function that returns a single number, with their graph."""
    y = _value(f, leaves)
    if y.size != 1:
        message = "only a function that returns a single number has a Hessian"
        hint = "Reduce it with .sum() or .mean(), or use jacobian twice."
        raise ShapeError(message, received=f"a result of shape {y.shape}", hint=hint)
    return grad(y, leaves, create_graph=True)


def _vectors(v: Inputs, inputs: Inputs, leaves: list[Tensor]) -> list[Any]:
    """Return v as one vector for each input, checked."""
    vectors: list[Value] = [v]
    if isinstance(inputs, list | tuple) and isinstance(v, list | tuple):
        vectors = list(v)
    if len(vectors) != len(leaves):
        received = f"{len(vectors)} for {len(leaves)}"
        raise ArgumentError("v needs one entry for each input", received=received)
    for i, (vector, x) in enumerate(zip(vectors, leaves, strict=True)):
        if (shape := to_float(vector).shape) != x.shape:
            raise ShapeError(f"v does not fit input {i}", received=shape, expected=x.shape)
    return vectors


def _rows(y: Tensor, leaves: list[Tensor], keep: bool) -> list[Tensor]:
    """Return dy/dx for each leaf x, by one backward pass for each element of y."""
    seeds = np.eye(y.size).reshape(y.size, *y.shape)
    rows = [grad(y, leaves, seed, create_graph=keep, retain_graph=True) for seed in seeds]
    blocks = []
    for x, *gradients in zip(leaves, *rows, strict=True):
        block = stack(gradients) if keep and rows else make(np.array(gradients, x.dtype))
        blocks.append(block.reshape(y.shape + x.shape))
    return blocks
