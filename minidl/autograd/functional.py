"""Derivatives as values, of any order; no ``.grad`` is changed.

:func:`grad` differentiates results. The others differentiate functions: Jacobians and Hessians
times a vector cost a few evaluations of the function, whole ones a backward pass for each row.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.autograd.backward import propagate
from minidl.autograd.gradients import seed_for
from minidl.autograd.node import STATE, Value, array_of, changed, to_float
from minidl.autograd.ops.extra.joining import stack
from minidl.autograd.ops.ufuncs import positive
from minidl.autograd.tensor import Tensor, make
from minidl.checks import check_flag
from minidl.errors import ArgumentError, GraphError, ShapeError
from minidl.keywords import answers
from minidl.text import counted

Function: TypeAlias = Callable[..., Tensor]
Inputs: TypeAlias = "Tensor | npt.ArrayLike | Sequence[Tensor | npt.ArrayLike]"
Seeds: TypeAlias = "Tensor | npt.ArrayLike | Sequence[Tensor | npt.ArrayLike | None] | None"


def differentiable(y: Tensor) -> Tensor:
    """Return y or, if it has no graph, its value as a result whose derivatives are zeros."""
    return y if y.requires_grad else make(y.data, (positive, (), (), [], {}))


def check_result(y: object) -> Tensor:
    """Return what a user's function returned, checked to be a Tensor, as differentiable."""
    if not isinstance(y, Tensor):
        hint = "Stay with Tensors inside f: no .numpy(), .data or float()."
        raise ArgumentError("f must return a Tensor", received=type(y).__name__, hint=hint)
    return differentiable(y)


def check_function(f: Callable[..., Any], inputs: Sequence[object], usage: str) -> None:
    """Check that f is a function of so many inputs."""
    if not callable(f):
        raise ArgumentError("f is not a function", received=type(f).__name__, expected=usage)
    try:
        inspect.signature(f).bind(*inputs)
    except ValueError:  # a function in C without a signature
        return
    except TypeError as error:
        message = f"f cannot be called with these inputs: {error}"
        hint = "A list or tuple is one input for each entry; a vector is np.array([...])."
        raise ArgumentError(message, received=counted(len(inputs), "input"), hint=hint) from None


def listed(value: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return one Tensor or a sequence of them as a list."""
    several = isinstance(value, list | tuple)
    tensors: list[Value] = list(value) if several else [value]
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            message = "only Tensors can be differentiated, or differentiated by"
            received = type(tensor).__name__ + (f" at position {i}" if several else "")
            expected = "a Tensor, or a list or tuple of Tensors"
            wrap = "Wrap it: minidl.Tensor(x, requires_grad=True)."
            hint = "Call the function first: grad(f(x), x)." if callable(tensor) else wrap
            raise ArgumentError(message, received=received, expected=expected, hint=hint)
    return tensors


def _seeds(outs: list[Tensor], seeds: Seeds, create_graph: bool) -> list[Value]:
    """Return the gradient each output starts with; Tensors with `create_graph`."""
    if seeds is None:
        seeds = [None] * len(outs)
    if not isinstance(seeds, list | tuple) or len(seeds) != len(outs):
        count = len(seeds) if isinstance(seeds, list | tuple) else type(seeds).__name__
        message = "grad_outputs needs one gradient for each output"
        hint = "Give a list: a gradient, or None for a scalar, for each."
        raise ArgumentError(message, received=f"{count} for {len(outs)}", hint=hint)
    starts: list[Value] = [seed_for(out, seed) for out, seed in zip(outs, seeds, strict=True)]
    if create_graph:
        for i, (seed, array) in enumerate(zip(seeds, starts, strict=True)):
            tensor = seed if isinstance(seed, Tensor) else make(array)
            starts[i] = tensor if tensor.dtype == array.dtype else tensor.astype(array.dtype)
    return starts


@answers
def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Seeds = None,
    create_graph: bool = False,
    *,
    retain_graph: bool = False,
) -> Any:
    """Return the derivative of `outputs` with respect to `inputs`; no ``.grad`` is changed.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
        The sum of the outputs is differentiated by each input, a leaf or a result.
    grad_outputs : array_like or sequence of array_like, optional
        The gradient each output starts with; 1 for scalars by default. With ``create_graph`` a
        Tensor here is differentiated through as well.
    create_graph, retain_graph : bool, default False
        Whether the result can be differentiated again; whether the graph is kept for another
        pass, which ``create_graph`` implies.

    Returns
    -------
    Tensor or list of Tensor
        One Tensor if `inputs` is one (PyTorch always returns a tuple), otherwise a list. An input
        on which the outputs do not depend has a gradient of zeros (in PyTorch, an error). With
        ``create_graph`` all can be differentiated again, also those that are constant.

    Raises
    ------
    GraphError, ShapeError
        An input has ``requires_grad=False``, no graph leads to any output, or it was freed; a
        gradient in `grad_outputs` is not shaped like its output, or missing for a non-scalar.

    Examples
    --------
    >>> x = Tensor(2.0, requires_grad=True)
    >>> y = x**4
    >>> for _ in range(3):  # its first three derivatives
    ...     y = grad(y, x, create_graph=True)
    ...     print(y.item())
    32.0
    48.0
    48.0
    """
    check_flag("create_graph", create_graph)
    outs, ins = listed(outputs), listed(inputs)
    seeds: Value = [grad_outputs] if isinstance(outputs, Tensor) else grad_outputs
    for i, tensor in enumerate(ins):
        if not tensor.requires_grad:
            message = f"input {i} is a Tensor with requires_grad=False, so it is in no graph"
            raise GraphError(message, hint="Give it requires_grad=True before computing with it.")
    starts = _seeds(outs, seeds, create_graph)
    if outs and not any(out.requires_grad for out in outs):
        message = "there is nothing to differentiate: no graph leads to an output"
        received = f"outputs of shape {', '.join(str(out.shape) for out in outs)}"
        hint = "For a derivative of a derivative, take the first with create_graph=True;"
        hint += " otherwise stay outside no_grad(), and use no .detach(), .data or float()."
        raise GraphError(message, received=received, hint=hint)
    keep = {"retain_graph": retain_graph, "create_graph": create_graph}
    gradients = propagate(outs, starts, wanted=frozenset(x._order for x in ins), **keep)
    results: list[Tensor] = []
    for x in ins:
        g = gradients[x._order][1] if x._order in gradients else np.zeros_like(x.data)
        copied = positive(g) if isinstance(g, Tensor) else make(np.array(g))
        results.append(differentiable(copied) if create_graph and STATE.recording else copied)
    return results[0] if isinstance(inputs, Tensor) else results


@answers
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


@answers
def hessian(f: Function, inputs: Inputs, *, create_graph: bool = False) -> Any:
    """Return the matrix of all second derivatives, H = d^2 y / dx dx', of a scalar y = f(x).

    Parameters and errors are those of :func:`jacobian`, and a ShapeError if f does not return a
    single number. The result has the shape ``x.shape + x.shape``; for several inputs it is a list
    of lists, and block [i][j] has the shape ``x_i.shape + x_j.shape``.

    >>> hessian(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    Tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    with _point(inputs, create_graph) as (leaves, keep):
        blocks = [_rows(g, leaves, keep) for g in _gradients(f, leaves)]
    return blocks if isinstance(inputs, list | tuple) else blocks[0][0]


@answers
def hvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Hessian of a scalar f times a vector, H v, without forming H.

    It is the gradient of ``v . gradient f`` (Pearlmutter 1994) and costs a few evaluations of f.
    PyTorch's ``hvp`` returns the pair (f(x), H v). Parameters and errors are those of
    :func:`hessian`, and an ArgumentError or ShapeError if `v` does not fit the inputs.

    `v` has one entry for each input, of its shape, as has the result. With ``create_graph``, a
    Tensor in it is differentiated through.

    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), [1.0, -1.0])
    Tensor([  6., -12.])
    """
    with _point(inputs, create_graph) as (leaves, keep):
        vectors = _vectors(v, inputs, leaves)
        products = grad(_gradients(f, leaves), leaves, vectors, create_graph=keep)
    return products if isinstance(inputs, list | tuple) else products[0]


@answers
def jvp(f: Function, inputs: Inputs, v: Inputs, *, create_graph: bool = False) -> Any:
    """Return the Jacobian times a vector, J v, shaped like f(x): the derivative of f along v.

    The gradient J' s is linear in its seed s, so the derivative of ``v . J' s`` with respect to s
    is J v, exactly: two backward passes make a forward one. PyTorch's and JAX's ``jvp`` return the
    pair (f(x), J v). The other product, v' J, is ``grad(f(x), x, v)``. Parameters and errors are
    those of :func:`jacobian`, and an ArgumentError or ShapeError if `v` does not fit the inputs.

    `v` has one entry for each input, of its shape; the products of several inputs are summed.

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
    seeds = (np.eye(1, y.size, k).reshape(y.shape) for k in range(y.size))
    rows = [grad(y, leaves, seed, create_graph=keep, retain_graph=True) for seed in seeds]
    blocks = []
    for x, *gradients in zip(leaves, *rows, strict=True):
        block = stack(gradients) if keep and rows else make(np.array(gradients, x.dtype))
        blocks.append(block.reshape(y.shape + x.shape))
    return blocks
