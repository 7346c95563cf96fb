"""The gradient check: derivatives against central differences in random directions.

It trusts no rule; of many operations it names the wrong one. The tolerance is relative, so an error
is found in a derivative of 10^-3 as well as in one of 10^3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from minidl.autograd.functional import check_function, check_result, grad, listed
from minidl.autograd.node import STATE, Array, Node, Record, Value, name_of
from minidl.autograd.tensor import Tensor, make
from minidl.autograd.values import described
from minidl.checks import check_number
from minidl.errors import ArgumentError, DTypeError, MinidlError, invalid
from minidl.keywords import answers

ROUNDS = 3  # random directions: a wrong entry hides in none of them
UNKNOWN = 1e-3  # relative difference of two steps above which nothing is measured
CURVED = 100.0  # times step^2: the error where the derivative is 0, as of x^3
NOISE = 0.01  # of the tolerance: rounding inside f, relative to its value
Claim = tuple[Array, float, Array]  # the weights of an output, its noise, and its gradient


class GradientCheckError(MinidlError, AssertionError):
    """A derivative disagrees with finite differences; raised by :func:`gradcheck`."""


class Difference(NamedTuple):
    """A disagreement between the claimed and the measured derivative of an output by an input."""

    output: int
    input: int
    claimed: float
    measured: float
    measurable: bool


class Program(NamedTuple):
    """A function and its arguments, differentiated by those Tensors that require a gradient."""

    f: Callable[..., Any]
    arguments: Sequence[Value]

    @property
    def wanted(self) -> list[int]:
        """The positions of these Tensors."""
        pairs = enumerate(self.arguments)
        return [i for i, x in pairs if isinstance(x, Tensor) and x.requires_grad]

    def __call__(self, moved: dict[int, Array] | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Return copies of these Tensors, one of them `moved`, and the results of f."""
        given = list(self.arguments)
        for i, x in enumerate(given):
            if isinstance(x, Tensor):
                given[i] = make(_like(x.data, (moved or {}).get(i, x.data)))
                given[i].requires_grad = x.requires_grad
        return [given[i] for i in self.wanted], self.results(given)

    def results(self, given: Sequence[Value]) -> list[Tensor]:
        """Return what f returns as a list of Tensors."""
        y = self.f(*given)
        return [check_result(part) for part in (y if isinstance(y, list | tuple) else [y])]

    def gradients(self, weights: list[Array]) -> Program:
        """Return the program that computes the gradients of this one, with their graph."""

        def f(*given: Value) -> Any:
            inputs = [given[i] for i in self.wanted]
            return grad(self.results(given), inputs, weights, create_graph=True)

        return self._replace(f=f)


@answers
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
        Of dtype float64. f gets copies with the same strides; those with ``requires_grad`` are
        checked.
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
        operation that is wrong by itself, if there is one.
    ArgumentError, DTypeError
        An argument is out of range, no input is checked, f returns no Tensor; an input or a result
        is float32.

    Examples
    --------
    >>> from minidl.autograd.ops import tanh
    >>> gradcheck(tanh, Tensor([0.3, -1.2], requires_grad=True), order=2)
    True
    """
    points = listed(inputs)
    if order not in (1, 2) or isinstance(order, bool):
        raise invalid("order", order, "1 or 2")
    program = Program(f, points)
    if not program.wanted:
        raise ArgumentError(f"none of the {len(points)} inputs has requires_grad=True")
    check_function(f, points, "a function, and then its inputs: gradcheck(f, x)")
    if not STATE.recording:
        raise ArgumentError("gradcheck needs the graph, and was called inside no_grad()")
    for name, value in (("step", step), ("tolerance", tolerance)):
        check_number(name, value, lambda v: 0 < v < 1, "a number between 0 and 1")
    _check_float64(points, "input")
    once, again = program()[1], program()[1]
    _check_float64(once, "result")
    pairs = zip(once, again, strict=False)
    same = [np.array_equal(y.data, z.data, equal_nan=True) for y, z in pairs]
    if not all(same) or len(once) != len(again):
        place = f"result {[*same, False].index(False)}"
        hint = "Does it draw random numbers, or keep something from call to call?"
        raise GradientCheckError(f"f returned two values of {place} at the same inputs", hint=hint)
    options: dict[str, Any] = {"step": step, "tolerance": tolerance, "seed": seed}
    for level in range(1, order + 1):
        if wrong := _search(program, level, **options):
            raise _error(wrong, level, _culprit(program, level, options))
    return True


def _check_float64(tensors: Sequence[Tensor], place: str) -> None:
    for i, x in enumerate(tensors):
        if x.dtype != np.float64:
            message = f"gradcheck needs float64: in {x.dtype} differences are mostly rounding"
            raise DTypeError(message, received=f"{place} {i} of dtype {x.dtype}")


def _culprit(program: Program, order: int, options: dict[str, Any]) -> str:
    """Check every recorded operation by itself; return a sentence on the first wrong one."""
    outputs = program()[1]
    checks = [(record, 1) for record in _records(outputs)]
    if order == 2:
        gradients = program.gradients([np.ones(y.shape) for y in outputs])()[1]
        checks += [(record, 1) for record in _records(gradients)]
        checks += [(record, 2) for record in _records(outputs)]
    for (operation, _, arguments, arrays, keywords), level in checks:
        pairs = zip(arguments, arrays, strict=True)
        given = [a if isinstance(a, Tensor) else array for a, array in pairs]
        name, alone = name_of(operation), Program(functools.partial(operation, **keywords), given)
        inputs, results = alone()
        if any(x.dtype != np.float64 for x in inputs + results):
            return f"{name} computes in float32, where differences are mostly rounding."
        if wrong := _search(alone, level, **options):
            derivative = "rule" if level == 1 else "second derivative"
            verdict = "is wrong" if wrong.measurable else "cannot be measured"
            return (
                f"By itself {name} {verdict}: its {derivative} for argument {wrong.input}, at"
                f" {described(inputs)}, gives {wrong.claimed:.10g} and is off by"
                f" {wrong.claimed - wrong.measured:.3g}. Check it (or is this a kink?)."
            )
    return (
        "Each recorded operation is right by itself, so f is probably not a function of its inputs"
        " alone (random numbers, other Tensors that it computes from them), leaves the graph"
        " (.detach(), .data, .numpy()), or has a kink here."
    )


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
        received = f"{claimed}, where central differences give {measured} and vary with the step"
        hint = f"A kink or the border of the domain is near, or f is mostly rounding. {culprit}"
        return GradientCheckError(f"{place} cannot be measured here", received=received, hint=hint)
    received = f"{claimed} in a random direction, off by {wrong.claimed - wrong.measured:.3g}"
    wanted = f"{measured} by central differences"
    return GradientCheckError(f"{place} is wrong", received=received, expected=wanted, hint=culprit)


def _like(array: Array, values: Array) -> Array:
    """Return a new array with these values and the strides of `array`, where they can be kept."""
    if not array.flags.c_contiguous:  # an empty one is
        low, high = byte_bounds(array)
        memory, offset = bytearray(high - low), array.ctypes.data - low
        copy: Array = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
        copy[...] = values
        if np.array_equal(copy, values, equal_nan=True):
            return copy
    return np.array(values)  # also of elements that share their memory, to move them apart


def _search(
    program: Program, order: int, step: float, tolerance: float, seed: int
) -> Difference | None:
    """Return the first disagreement between claimed and measured derivatives, if there is one."""
    generator = np.random.default_rng(seed)
    scales = {i: _scale(program.arguments[i].data) for i in program.wanted}
    for _ in range(ROUNDS):
        target, floor = program, 0.0  # the size of f, for the rounding in its gradients
        if order == 2:  # of the gradients of a weighted sum
            outputs = program()[1]
            weights = [generator.standard_normal(y.shape) for y in outputs]
            floor = sum(_size(w, y.data) for w, y in zip(weights, outputs, strict=True))
            target = program.gradients(weights)
        inputs, outputs = target()
        units = list(scales.values()) if order == 2 else [1.0] * len(outputs)  # of the outputs
        claims = []
        for y, scale in zip(outputs, units, strict=True):
            v = generator.standard_normal(y.shape) * scale
            noise = NOISE * (_size(v, y.data) + floor)
            claims.append((v, noise, grad(y, inputs, v, retain_graph=True)))
        for column, (i, scale) in enumerate(scales.items()):
            u = generator.standard_normal(scale.shape) * scale
            columns = [(v, noise, row[column].data) for v, noise, row in claims]
            if wrong := _compare(target, i, u, columns, step=step, tolerance=tolerance):
                return wrong
    return None


def _compare(
    program: Program, i: int, u: Array, claims: list[Claim], *, step: float, tolerance: float
) -> Difference | None:
    """Move input i along u, and compare what each output does with its gradient."""
    x = program.arguments[i].data

    def differences(h: float) -> list[float]:
        above, below = program({i: x + h * u})[1], program({i: x - h * u})[1]
        triples = zip(claims, above, below, strict=True)
        return [_dot(v, a.data - b.data) / (2 * h) for (v, _, _), a, b in triples]

    near, far = differences(step), differences(2 * step)
    direction = ((x + step * u) - (x - step * u)) / (2 * step)  # as it is after rounding
    for k, (_, noise, g) in enumerate(claims):
        claimed, measured = _dot(direction, g), (4 * near[k] - far[k]) / 3
        size = max(abs(claimed), _size(direction, g)) + noise
        unknown = abs(near[k] - far[k])  # what the extrapolation changed
        agree = np.isfinite(claimed) and abs(measured - claimed) <= tolerance * size + unknown
        if not agree or unknown > UNKNOWN * size + CURVED * step**2:
            return Difference(k, i, claimed, measured, not agree)
    return None


@np.errstate(under="ignore", invalid="ignore")
def _dot(a: Array, b: Array) -> float:
    return float(np.sum(a * b))


@np.errstate(under="ignore", invalid="ignore")
def _size(a: Array, b: Array) -> float:
    """Return the root of the sum of squares of the products, without overflow."""
    return float(np.hypot.reduce(np.ravel(a * b)))


def _scale(x: Array) -> Value:
    """Return how far each element is moved, for a step of 1."""
    sizes = np.abs(x)
    return np.maximum(sizes, min(float(np.max(sizes, initial=0.0)), 1.0) or 1.0)
