"""Derivatives of functions: Jacobians and Hessians, whole or times a vector.

Each takes a function and the point where it is differentiated. Products cost a few evaluations of
the function whatever its size; whole matrices take one backward pass for each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from minidl.autograd.functional import check_function, check_result, grad
from minidl.autograd.node import STATE, changed, to_float
from minidl.autograd.ops.extra.joining import stack
from minidl.autograd.ops.ufuncs import positive
from minidl.autograd.tensor import Tensor, make
from minidl.errors import ArgumentError, ShapeError

__all__ = ["hessian", "hvp", "jacobian", "jvp"]

Function: TypeAlias = Callable[..., Tensor]
Inputs: TypeAlias = "Tensor | npt.ArrayLike | Sequence[Tensor | npt.ArrayLike]"


def jacobian(f: Function, inputs: Inputs, *, create_graph: bool = False) -> Any:
    """Return the matrix of all first derivatives, J = dy/dx for y = f(x).

    Parameters
    ----------
    f : callable
        Takes the inputs as Tensors, returns a Tensor. Other Tensors that it uses are constants,
        but ``create_graph`` keeps the graph that leads to them.
    inputs : Tensor, array_like, or list or tuple of these
        The point. A list or tuple is one input for each of its entries.
    create_graph : bool, default False
        Whether the result can be differentiated again, by the inputs and by what f uses.

    Returns
    -------
    Tensor or list of Tensor
        Of shape ``y.shape + x.shape``; a list if `inputs` is a list or tuple. Zeros where f does
        not depend on an input.

    Raises
    ------
    ArgumentError
        f did not return a Tensor.

    Examples
    --------
    >>> jacobian(lambda x: x * x, [np.array([1.0, 2.0])])
    [Tensor([[2., 0.],
            [0., 4.]])]
    """
    with _recording(create_graph) as keep:
        leaves = _leaves(inputs, keep)
        blocks = _rows(_value(f, leaves), leaves, keep)
    return blocks if _several(inputs) else blocks[0]


def hessian(f: Function, inputs: Inputs, *, create_graph: bool = False) -> Any:
    """Return the matrix of all second derivatives, H = d^2 y / dx dx', of a scalar y = f(x).

    The parameters are those of :func:`jacobian`.

    Returns
    -------
    Tensor or list of list of Tensor
        Of shape ``x.shape + x.shape``; for several inputs the block [i][j] has the shape
        ``x_i.shape + x_j.shape``.

    Raises
    ------
    ShapeError
        f did not return a single number.
    ArgumentError
        f did not return a Tensor.

    Examples
    --------
    >>> hessian(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    Tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    with _recording(create_graph) as keep:
        leaves = _leaves(inputs, keep)
        slopes = grad(_scalar(f, leaves), leaves, create_graph=True)
        blocks = [_rows(g, leaves, keep) for g in slopes]
    return blocks if _several(inputs) else blocks[0][0]


def hvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar f times a vector, H v, without forming H.

    It is the gradient of ``v . gradient f`` (Pearlmutter 1994) and costs a few evaluations of f.
    PyTorch's ``hvp`` returns the pair (f(x), H v).

    Parameters
    ----------
    f, inputs, create_graph
        As for :func:`jacobian`; f returns a single number.
    v : array_like, or list or tuple of these
        One for each input, of its shape. A Tensor is differentiated through with `create_graph`.

    Returns
    -------
    Tensor or list of Tensor
        Shaped like the inputs.

    Raises
    ------
    ShapeError
        f did not return a single number, or `v` is not shaped like the input.
    ArgumentError
        `v` has not one entry for each input, or f did not return a Tensor.

    Examples
    --------
    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), [1.0, -1.0])
    Tensor([  6., -12.])
    """
    with _recording(create_graph) as keep:
        leaves = _leaves(inputs, keep)
        vectors = _vectors(v, leaves, _several(inputs))
        slopes = grad(_scalar(f, leaves), leaves, create_graph=True)
        products = grad(slopes, leaves, vectors, create_graph=keep)
    return products if _several(inputs) else products[0]


def jvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Jacobian times a vector, J v: the derivative of f along v.

    The gradient J' s is linear in its seed s, so the derivative of ``v . J' s`` with respect to s
    is J v, exactly: two backward passes make a forward one. PyTorch's and JAX's ``jvp`` return the
    pair (f(x), J v). The other product, v' J, is ``grad(f(x), x, v)``.

    Parameters
    ----------
    f, inputs, create_graph
        As for :func:`jacobian`.
    v : array_like, or list or tuple of these
        One for each input, of its shape; the products of several inputs are summed.

    Returns
    -------
    Tensor
        Shaped like f(x).

    Raises
    ------
    ShapeError
        `v` is not shaped like the input.
    ArgumentError
        `v` has not one entry for each input, or f did not return a Tensor.

    Examples
    --------
    >>> jvp(lambda x: x * x.sum(), np.array([1.0, 2.0]), [1.0, 0.0])
    Tensor([4., 2.])
    """
    with _recording(create_graph) as keep:
        leaves = _leaves(inputs, keep)
        vectors = _vectors(v, leaves, _several(inputs))
        y = _value(f, leaves)
        seed = Tensor(np.zeros_like(y.data), requires_grad=True)
        slopes = grad(y, leaves, seed, create_graph=True)
        return grad(slopes, seed, vectors, create_graph=keep)


@contextlib.contextmanager
def _recording(create_graph: bool) -> Iterator[bool]:
    """Record, also inside no_grad(); yield whether the result keeps its graph."""
    before = STATE.recording
    with changed("recording", True):
        yield create_graph and before


def _several(inputs: Inputs) -> bool:
    return isinstance(inputs, list | tuple)


def _leaves(inputs: Inputs, keep: bool) -> list[Tensor]:
    """Return copies of the inputs to give to f, which may use the inputs as constants too."""
    leaves: list[Tensor] = []
    for x in cast(Sequence[Tensor], inputs) if _several(inputs) else [inputs]:
        if keep and isinstance(x, Tensor) and x.requires_grad:
            leaves.append(positive(x))
        else:
            leaves.append(Tensor(x.data if isinstance(x, Tensor) else x, requires_grad=True))
    if not leaves:
        raise ArgumentError("there is nothing to differentiate by", received="no inputs")
    return leaves


def _value(f: Function, leaves: list[Tensor]) -> Tensor:
    check_function(f, leaves, "a function, and then the point: jacobian(f, x)")
    return check_result(f(*leaves))


def _scalar(f: Function, leaves: list[Tensor]) -> Tensor:
    y = _value(f, leaves)
    if y.size != 1:
        raise ShapeError(
            "only a function that returns a single number has a Hessian",
            received=f"a result of shape {y.shape}",
            hint="Reduce it with .sum() or .mean(), or use jacobian twice.",
        )
    return y


def _vectors(v: Inputs, leaves: list[Tensor], several: bool) -> list[Any]:
    """Return v as one vector for each input, checked."""
    vectors = list(v) if several and isinstance(v, list | tuple) else [v]
    if len(vectors) != len(leaves):
        received = f"{len(vectors)} for {len(leaves)}"
        raise ArgumentError("v needs one entry for each input", received=received)
    for i, (vector, x) in enumerate(zip(vectors, leaves, strict=True)):
        shape = vector.shape if isinstance(vector, Tensor) else to_float(vector).shape
        if shape != x.shape:
            raise ShapeError(f"v does not fit input {i}", received=shape, expected=x.shape)
    return vectors


def _rows(y: Tensor, leaves: list[Tensor], keep: bool) -> list[Tensor]:
    """Return dy/dx for each leaf x, by one backward pass for each element of y."""
    rows = []
    for k in range(y.size):
        seed = np.zeros(y.shape)
        seed.flat[k] = 1
        rows.append(grad(y, leaves, seed, create_graph=keep, retain_graph=True))
    return [_stacked([row[i] for row in rows], y, x, keep) for i, x in enumerate(leaves)]


def _stacked(rows: list[Tensor], y: Tensor, x: Tensor, keep: bool) -> Tensor:
    """Return the rows as one Tensor of shape y.shape + x.shape, with their graph if it is kept."""
    shape = y.shape + x.shape
    if not rows:
        return make(np.zeros(shape, x.dtype))
    table: Tensor = stack(rows) if keep else make(np.stack([row.data for row in rows]))
    return table.reshape(shape)
