"""Derivatives of functions: Jacobians and Hessians, whole or times a vector.

Each takes a function and the point where it is differentiated. Products cost a few evaluations of
the function whatever its size; whole matrices take one backward pass for each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.autograd.functional import check_function, differentiable, grad
from minidl.autograd.node import STATE, changed, to_float
from minidl.autograd.ops.elementwise import positive
from minidl.autograd.ops.joining import stack
from minidl.autograd.tensor import Tensor, make
from minidl.errors import ArgumentError, ShapeError

__all__ = ["hessian", "hvp", "jacobian", "jvp"]


def jacobian(f: Callable[..., Tensor], inputs: Any, *, create_graph: bool = False) -> Any:
    """Return the matrix of all first derivatives, J = dy/dx for y = f(x).

    Parameters
    ----------
    f : callable
        Takes the inputs as Tensors, returns a Tensor. It may use other Tensors too; they are
        constants here, but ``create_graph`` keeps the way back to them.
    inputs : Tensor, array_like, or list or tuple of these
        The point. A list or tuple is always one input for each of its entries.
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
        f returned no Tensor.

    Notes
    -----
    PyTorch has the same shapes (``torch.autograd.functional.jacobian``, a tuple for several
    inputs). In JAX ``jacobian(f)`` is a function of the point, by the first argument unless told
    otherwise. Inside :func:`no_grad` the value is the same and has no graph.

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


def hessian(f: Callable[..., Tensor], inputs: Any, *, create_graph: bool = False) -> Any:
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
        f returned no Tensor.

    Notes
    -----
    As ``torch.autograd.functional.hessian``; in JAX ``hessian(f)`` is a function of the point.

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


def hvp(f: Callable[..., Tensor], inputs: Any, v: Any, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar f times a vector, H v, without forming H.

    It is the gradient of ``v . gradient f`` (Pearlmutter 1994, by two backward passes) and costs
    a few evaluations of f, whatever the number of elements.

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
        `v` has not one entry for each input, or f returned no Tensor.

    Notes
    -----
    ``torch.autograd.functional.hvp`` returns the pair (f(x), H v); here it is H v alone. JAX has
    no such function: there it is ``jvp(grad(f), (x,), (v,))[1]``.

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


def jvp(f: Callable[..., Tensor], inputs: Any, v: Any, *, create_graph: bool = False) -> Any:
    """Return the Jacobian times a vector, J v: the derivative of f along v.

    The gradient J' s is linear in its seed s, so the derivative of ``v . J' s`` with respect to s
    is J v, exactly: two backward passes make a forward one.

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
        `v` has not one entry for each input, or f returned no Tensor.

    Notes
    -----
    ``torch.autograd.functional.jvp`` and JAX's ``jvp`` return the pair (f(x), J v); here it is J v
    alone. The other product, v' J, is ``grad(f(x), x, v)``.

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
    """Record, also inside no_grad(); yield whether the result shall have a graph."""
    before = STATE.recording
    with changed("recording", True):
        yield create_graph and before


def _several(inputs: Any) -> bool:
    return isinstance(inputs, list | tuple)


def _leaves(inputs: Any, keep: bool) -> list[Tensor]:
    """Return what f is given: never the inputs themselves, which f might also use as constants."""
    leaves = []
    for x in inputs if _several(inputs) else [inputs]:
        if keep and isinstance(x, Tensor) and x.requires_grad:
            leaves.append(positive(x))
        else:
            leaves.append(Tensor(x.data if isinstance(x, Tensor) else x, requires_grad=True))
    if not leaves:
        raise ArgumentError("there is nothing to differentiate by", received="no inputs")
    return leaves


def _value(f: Callable[..., Tensor], leaves: list[Tensor]) -> Tensor:
    check_function(f, leaves, "a function, and then the point: jacobian(f, x)")
    y = f(*leaves)
    if not isinstance(y, Tensor):
        raise ArgumentError(
            "f must return a Tensor",
            received=type(y).__name__,
            hint="Stay with Tensors inside of f: no .numpy(), .data or float().",
        )
    return differentiable(y)


def _scalar(f: Callable[..., Tensor], leaves: list[Tensor]) -> Tensor:
    y = _value(f, leaves)
    if y.size != 1:
        raise ShapeError(
            "only a function with a single number as its result has a Hessian",
            received=f"a result of shape {y.shape}",
            hint="Reduce it with .sum() or .mean(), or use jacobian twice.",
        )
    return y


def _vectors(v: Any, leaves: list[Tensor], several: bool) -> list[Any]:
    """Return v as one vector for each input, checked."""
    vectors = list(v) if several and isinstance(v, list | tuple) else [v]
    if len(vectors) != len(leaves):
        raise ArgumentError(
            "v needs one entry for each input",
            received=f"{len(vectors)} for {len(leaves)}",
        )
    for i, (one, x) in enumerate(zip(vectors, leaves, strict=True)):
        shape = one.shape if isinstance(one, Tensor) else to_float(one).shape
        if shape != x.shape:
            raise ShapeError(
                f"v does not fit input {i}",
                received=f"v of shape {shape}",
                expected=f"shape {x.shape}",
            )
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
