"""The gradient check, which trusts no rule; of many operations, it names the wrong one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minidl.autograd.differences import Difference, Options, Program, search
from minidl.autograd.functional import check_function, listed
from minidl.autograd.node import STATE, Array, Node, Operation, Record, Value, name_of
from minidl.autograd.primitive import described
from minidl.autograd.tensor import Tensor
from minidl.checks import check_number
from minidl.errors import ArgumentError, DTypeError, MinidlError, invalid


class GradientCheckError(MinidlError, AssertionError):
    """A derivative disagrees with finite differences; raised by :func:`gradcheck`."""


def gradcheck(
    f: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    *,
    order: int = 1,
    step: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> bool:
    """Compare the gradient of `f` with central differences, in random directions; return True.

    For a random direction u of each input and random weights v of the result, three times, it
    checks that ``D(h) = v . (f(x + h u) - f(x - h u)) / 2h`` equals ``u . gradient(v . f)``, with
    the error of order h^2 removed by Richardson's extrapolation, ``(4 D(h) - D(2h)) / 3``.
    Directions are scaled to the input: by 1, or by its largest element if that is smaller, and
    large elements by their own size. The allowed difference is `tolerance` times the size of the
    derivative and a hundredth of the size of f, plus what the extrapolation changed.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors, deterministically. It must be
        differentiable around the inputs: at a kink, such as relu at 0, the check fails.
    inputs : Tensor or sequence of Tensor
        Of dtype float64; those with ``requires_grad`` are checked. `f` is given copies with the
        same strides.
    order : {1, 2}, default 1
        2 also checks the gradient of the gradient.
    step, tolerance : float, default 1e-6
        The h above, and the largest difference allowed, relative to the derivative.
    seed : int, default 0
        For the directions.

    Raises
    ------
    GradientCheckError
        The two differ; the message names the input, the order, the difference, and the recorded
        operation that is wrong by itself. If none is, f is not a function of its inputs alone, or
        leaves the graph.
    ArgumentError, DTypeError
        An argument is out of its range, no input is checked, f did not return a Tensor; an input
        or a result is float32.

    Examples
    --------
    >>> from minidl.autograd.ops import tanh
    >>> gradcheck(tanh, Tensor([0.3, -1.2], requires_grad=True), order=2)
    True
    """
    points = listed(inputs)
    if order not in (1, 2) or isinstance(order, bool):
        raise invalid("order", order, "1 or 2")
    wanted = [i for i, x in enumerate(points) if x.requires_grad]
    if not wanted:
        raise ArgumentError(f"none of the {len(points)} inputs has requires_grad=True")
    check_function(f, points, "a function, and then its inputs: gradcheck(f, x)")
    if not STATE.recording:
        raise ArgumentError("gradcheck needs the graph, and was called inside no_grad()")
    program = Program(f, [x.data for x in points], wanted)
    for name, value in (("step", step), ("tolerance", tolerance)):
        check_number(name, value, lambda v: 0 < v < 1, "a number between 0 and 1")
    options = Options(step, tolerance, seed)
    _check_float64(program.arrays, "input")
    _check_deterministic(program)
    for level in range(1, order + 1):
        if wrong := search(program, level, options):
            raise _error(wrong, level, _culprit(program, level, options))
    return True


def _check_float64(arrays: Sequence[Array | Tensor], place: str) -> None:
    for i, array in enumerate(arrays):
        if array.dtype != np.float64:
            message = f"gradcheck needs float64: in {array.dtype} differences are mostly rounding"
            raise DTypeError(message, received=f"{place} {i} of dtype {array.dtype}")


def _check_deterministic(program: Program) -> None:
    """Check that f returns the same results twice, in float64."""
    once, again = program()[1], program()[1]
    _check_float64(once, "result")
    pairs = zip(once, again, strict=False)
    same = [np.array_equal(y.data, z.data, equal_nan=True) for y, z in pairs]
    if not all(same) or len(once) != len(again):
        raise GradientCheckError(
            f"f returned two values of result {[*same, False].index(False)} at the same inputs",
            hint="Does it draw random numbers, or keep something from call to call?",
        )


def _culprit(program: Program, order: int, options: Options) -> str:
    """Check every recorded operation by itself; return a sentence on the first wrong one."""
    leaves, outputs = program()
    checks = [(record, 1) for record in _records(outputs)]
    if order == 2:
        gradients = program.gradients([np.ones(y.shape) for y in outputs]).f(*leaves)
        checks += [(record, 1) for record in _records(gradients)]
        checks += [(record, 2) for record in _records(outputs)]
    for (operation, _, arguments, arrays, keywords), level in checks:
        wanted = [i for i, a in enumerate(arguments) if isinstance(a, Node) and a.requires_grad]
        name, alone = name_of(operation), _alone(operation, arrays, keywords, wanted)
        if any(a.dtype != np.float64 for a in alone.arrays + [y.data for y in alone()[1]]):
            return f"{name} computes in float32, where differences are mostly rounding."
        if wrong := search(alone, level, options):
            derivative = "rule" if level == 1 else "second derivative"
            verdict = "is wrong" if wrong.measurable else "cannot be measured"
            return (
                f"By itself {name} {verdict}: its {derivative} for argument {wanted[wrong.input]},"
                f" at {described(alone.arrays)}, gives {wrong.claimed:.10g} and is off by"
                f" {wrong.claimed - wrong.measured:.3g}. Check it (or is this a kink?)."
            )
    return (
        "Each recorded operation is right by itself, so f is probably not a function of its inputs"
        " alone (random numbers, other Tensors that it computes from them), leaves the graph"
        " (.detach(), .data, .numpy()), or has a kink here."
    )


def _alone(
    operation: Operation, arrays: list[Value], keywords: dict[str, Value], wanted: list[int]
) -> Program:
    """Return one recorded operation as a function of its differentiated arguments."""

    def call(*tensors: Tensor) -> Value:
        given = dict(zip(wanted, tensors, strict=True))
        return operation(*(given.get(i, array) for i, array in enumerate(arrays)), **keywords)

    return Program(call, [arrays[i] for i in wanted], list(range(len(wanted))))


def _records(outputs: Sequence[Node]) -> list[Record]:
    """Return the records of all operations that led to the outputs, the oldest first."""
    seen: dict[int, Record] = {}
    waiting = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor._node and tensor._order not in seen:
            seen[tensor._order] = tensor._node
            waiting += [a for a in tensor._node[2] if isinstance(a, Node)]
    return [seen[order] for order in sorted(seen) if seen[order][1]]  # without constants


def _error(wrong: Difference, order: int, culprit: str) -> GradientCheckError:
    derivative = "gradient" if order == 1 else "second derivative"
    place = f"the {derivative} with respect to input {wrong.input}"
    if wrong.output:
        place += f" of {'result' if order == 1 else 'the gradient'} {wrong.output}"
    claimed, measured = f"{wrong.claimed:.10g}", f"{wrong.measured:.10g}"
    if not wrong.measurable or not np.isfinite(wrong.measured):
        return GradientCheckError(
            f"{place} cannot be measured here",
            received=f"{claimed}, where central differences give {measured} and vary with the step",
            hint=f"A kink or the border of the domain is near, or f is mostly rounding. {culprit}",
        )
    return GradientCheckError(
        f"{place} is wrong",
        received=f"{claimed} in a random direction, off by {wrong.claimed - wrong.measured:.3g}",
        expected=f"{measured} by central differences",
        hint=culprit,
    )
