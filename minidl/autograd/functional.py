"""Derivatives as values: :func:`grad`, the backward pass of any order that changes no ``.grad``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd.node import STATE, Value, propagate
from minidl.autograd.ops.ufuncs import positive
from minidl.autograd.tensor import Tensor, make, seed_for
from minidl.errors import ArgumentError, GraphError


def differentiable(y: Tensor) -> Tensor:
    """Return y or, if it has no graph, its value as a result whose derivatives are zeros."""
    return y if y.requires_grad else make(y.data, (positive, (), (), [], {}))


def check_result(y: object) -> Tensor:
    """Return what a user's function returned, checked to be a Tensor, as differentiable."""
    if not isinstance(y, Tensor):
        message = "f must return a Tensor"
        hint = "Stay with Tensors inside of f: no .numpy(), .data or float()."
        raise ArgumentError(message, received=type(y).__name__, hint=hint)
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
        raise ArgumentError(message, received=f"{len(inputs)} inputs", hint=hint) from None


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


Seeds = Tensor | npt.ArrayLike | Sequence[Tensor | npt.ArrayLike | None] | None


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
    create_graph : bool, default False
        Whether the result can be differentiated again.
    retain_graph : bool, default False
        Whether the graph is kept for another pass; implied by ``create_graph``.

    Returns
    -------
    Tensor or list of Tensor
        One Tensor if `inputs` is one (PyTorch always returns a tuple), otherwise a list. An input
        on which the outputs do not depend has a gradient of zeros (in PyTorch, an error). With
        ``create_graph`` all can be differentiated again, also those that are constant.

    Raises
    ------
    GraphError
        An input has ``requires_grad=False``, no graph leads to any output, or it was freed.
    ShapeError
        A gradient in `grad_outputs` is not shaped like its output, or missing for a non-scalar.

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
