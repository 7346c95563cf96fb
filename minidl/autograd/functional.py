"""Derivatives as values: :func:`grad`, to any order, and :func:`gradcheck`, which doubts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.autograd.node import propagate
from minidl.autograd.ops.elementwise import positive
from minidl.autograd.tensor import Tensor, make, seed_for
from minidl.errors import ArgumentError, GraphError, MinidlError

__all__ = ["GradientCheckError", "grad", "gradcheck"]


class GradientCheckError(MinidlError, AssertionError):
    """A rule disagrees with finite differences; found by :func:`gradcheck`."""


def _listed(value: Any) -> list[Any]:
    values = [value] if isinstance(value, Tensor) else list(value)
    for i, one in enumerate(values):
        if not isinstance(one, Tensor):
            raise ArgumentError(
                "only Tensors can be differentiated, or differentiated by",
                received=f"{type(one).__name__} at position {i}",
            )
    return values


def _seeds(outs: list[Tensor], given: Any, create_graph: bool) -> list[Any]:
    """Return the gradient each output starts with; Tensors when they shall have a graph."""
    if given is None:
        given = [None] * len(outs)
    if len(given) != len(outs):
        raise ArgumentError(
            "grad_outputs needs one gradient for each output",
            received=f"{len(given)} for {len(outs)}",
        )
    checked = [seed_for(out, seed) for out, seed in zip(outs, given, strict=True)]
    if not create_graph:
        return checked
    pairs = zip(given, checked, strict=True)
    return [seed if isinstance(seed, Tensor) else make(array) for seed, array in pairs]


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    create_graph: bool = False,
    *,
    retain_graph: bool = False,
) -> Any:
    """Return the derivative of `outputs` with respect to `inputs`, touching no ``.grad``.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What to differentiate; the sum over several.
    inputs : Tensor or sequence of Tensor
        With respect to what; leaves or results.
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
        on which the outputs do not depend has a gradient of zeros (in PyTorch, an error).

    Raises
    ------
    GraphError
        An input has ``requires_grad=False``, or the graph was freed by an earlier pass.
    ShapeError
        A gradient in `grad_outputs` is not shaped like its output, or missing for no scalar.

    Examples
    --------
    The first three derivatives of x^4 at 2:

    >>> x = Tensor(2.0, requires_grad=True)
    >>> y = x**4
    >>> for _ in range(3):
    ...     y = grad(y, x, create_graph=True)
    ...     print(y.item())
    32.0
    48.0
    48.0
    """
    outs, ins = _listed(outputs), _listed(inputs)
    given = [grad_outputs] if isinstance(outputs, Tensor) else grad_outputs
    for i, tensor in enumerate(ins):
        if not tensor.requires_grad:
            raise GraphError(
                f"input {i} is not part of any graph",
                received="a Tensor with requires_grad=False",
                hint="Give it requires_grad=True before computing with it.",
            )
    seeds = _seeds(outs, given, create_graph)
    pairs = [pair for pair in zip(outs, seeds, strict=True) if pair[0].requires_grad]
    found = propagate(
        [out for out, _ in pairs],
        [seed for _, seed in pairs],
        wanted=frozenset(tensor._order for tensor in ins),
        retain_graph=retain_graph,
        create_graph=create_graph,
    )
    results = []
    for tensor in ins:
        g = found[tensor._order][1] if tensor._order in found else np.zeros_like(tensor.data)
        results.append(positive(g) if isinstance(g, Tensor) else make(np.array(g)))  # no aliases
    return results[0] if isinstance(inputs, Tensor) else results


def gradcheck(
    f: Callable[..., Tensor],
    inputs: Tensor | Sequence[Tensor],
    *,
    order: int = 1,
    step: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> bool:
    """Compare the gradient of `f` with central differences, in random directions.

    For a random direction u of each input and a random weight v of the result it checks
    ``v . (f(x + h u) - f(x - h u)) / 2h = u . gradient(v . f)`` to
    ``tolerance * (1 + |either side|)``.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Tensor.
    inputs : Tensor or sequence of Tensor
        Of dtype float64; those with ``requires_grad`` are checked.
    order : {1, 2}, default 1
        2 also checks the gradient of the gradient.
    step : float, default 1e-6
        The h above.
    tolerance : float, default 1e-6
        Largest difference allowed, relative to 1 + the size of the derivative.
    seed : int, default 0
        For the directions.

    Returns
    -------
    bool
        True; a disagreement raises.

    Raises
    ------
    GradientCheckError
        The two differ; the message says for which input, in which order and by how much.
    ArgumentError
        `order` is neither 1 nor 2, or there is nothing to check.

    Examples
    --------
    >>> from minidl.autograd.ops import tanh
    >>> gradcheck(tanh, Tensor([0.3, -1.2], requires_grad=True), order=2)
    True
    """
    points = _listed(inputs)
    if order not in (1, 2):
        raise ArgumentError("order cannot be used", received=order, expected="1 or 2")
    if not any(x.requires_grad for x in points):
        raise ArgumentError("no input has requires_grad=True, so there is nothing to check")
    generator = np.random.default_rng(seed)
    options = {"generator": generator, "step": step, "tolerance": tolerance}
    _check(f, points, "gradient", **options)
    if order == 2:
        weight = generator.standard_normal(f(*points).shape)
        for i, x in enumerate(points):
            if x.requires_grad:

                def slope(*xs: Tensor, i: int = i) -> Tensor:
                    g: Tensor = grad(f(*xs), xs[i], weight, create_graph=True)
                    return g

                _check(slope, points, "second derivative", **options)
    return True


def _check(
    f: Callable[..., Tensor],
    points: list[Tensor],
    what: str,
    *,
    generator: Any,
    step: Any,
    tolerance: Any,
) -> None:
    y = f(*points)
    v = generator.standard_normal(y.shape)
    checked = [i for i, x in enumerate(points) if x.requires_grad]
    gradients = grad(y, [points[i] for i in checked], v)
    for i, g in zip(checked, gradients, strict=True):
        u = generator.standard_normal(points[i].shape)

        def moved(h: float, i: int = i, u: Any = u) -> Any:
            xs = [Tensor(x.data, requires_grad=x.requires_grad) for x in points]
            xs[i] = Tensor(points[i].data + h * u, requires_grad=True)
            return f(*xs).data

        measured = float(np.sum(v * (moved(step) - moved(-step)))) / (2 * step)
        claimed = float(np.sum(u * g.data))
        if not abs(measured - claimed) <= tolerance * (1 + max(abs(measured), abs(claimed))):
            raise GradientCheckError(
                f"the {what} with respect to input {i} is wrong",
                received=f"{claimed:.10g} in a random direction, off by {claimed - measured:.3g}",
                expected=f"{measured:.10g} by central differences",
                hint=f"The result came from {getattr(f, '__name__', 'f')}; check that rule.",
            )
