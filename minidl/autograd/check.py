"""The check of derivatives that trusts no rule: central differences, in random directions.

The decision of this file: what is allowed to differ follows from the sizes of the numbers at hand,
so that a relative error is found in a derivative of 10^-3 as well as in one of 10^3. And when a
program of many operations is wrong, each recorded one is checked by itself, to name the culprit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from minidl.autograd.functional import check_function, differentiable, grad, listed
from minidl.autograd.node import STATE, Array, Node
from minidl.autograd.tensor import Tensor, make
from minidl.checks import check_number
from minidl.errors import ArgumentError, DTypeError, MinidlError

__all__ = ["GradientCheckError", "gradcheck"]

ROUNDS = 3  # so many directions that a wrong entry hides in none of them
UNKNOWN = 1e-3  # two steps that differ by more than this, relatively, measure nothing
CURVED = 100.0  # times step^2: where the derivative is 0, as of x^3, only the error is measured
NOISE = 0.01  # of the tolerance: what rounding inside of f may do, relative to its value


class GradientCheckError(MinidlError, AssertionError):
    """A rule disagrees with finite differences; found by :func:`gradcheck`."""


def gradcheck(
    f: Callable[..., Any],
    inputs: Tensor | Sequence[Tensor],
    *,
    order: int = 1,
    step: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> bool:
    """Compare the gradient of `f` with central differences, in random directions.

    For a random direction u of each input and random weights v of the result, three times, it
    checks that ``D(h) = v . (f(x + h u) - f(x - h u)) / 2h`` equals ``u . gradient(v . f)``, with
    the error of order h^2 removed by Richardson's extrapolation, ``(4 D(h) - D(2h)) / 3``.
    Directions are scaled to the input: by 1, or by its largest element if that is smaller, and
    large elements by their own size. What may differ is `tolerance` times the size of the
    derivative and a hundredth of the size of f, and what the extrapolation changed.

    Parameters
    ----------
    f : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors: always the same ones, for it is
        called many times. It is differentiable around the inputs; at a kink, such as relu at 0,
        central differences give the mean of both sides and the check fails.
    inputs : Tensor or sequence of Tensor
        Of dtype float64; those with ``requires_grad`` are checked. They are not changed, and `f`
        is given copies with the same strides.
    order : {1, 2}, default 1
        2 also checks the gradient of the gradient.
    step : float, default 1e-6
        The h above.
    tolerance : float, default 1e-6
        Largest difference allowed, relative to the derivative.
    seed : int, default 0
        For the directions.

    Returns
    -------
    bool
        True; a disagreement raises.

    Raises
    ------
    GradientCheckError
        The two differ; the message says for which input, in which order, by how much, and which
        recorded operation is wrong by itself. If none is, f is not a function of its inputs alone,
        or leaves the graph.
    ArgumentError
        `order` is neither 1 nor 2, there is nothing to check, or f gives no Tensor.
    DTypeError
        An input or a result is float32, in which differences are mostly rounding.

    Examples
    --------
    >>> from minidl.autograd.ops import tanh
    >>> gradcheck(tanh, Tensor([0.3, -1.2], requires_grad=True), order=2)
    True
    """
    points = listed(inputs)
    if order not in (1, 2) or isinstance(order, bool):
        raise ArgumentError("order cannot be used", received=order, expected="1 or 2")
    wanted = [i for i, x in enumerate(points) if x.requires_grad]
    if not wanted:
        raise ArgumentError(
            "no input has requires_grad=True, so there is nothing to check",
            received=f"{len(points)} inputs",
        )
    check_function(f, points, "a function, and then its inputs: gradcheck(f, x)")
    if not STATE.recording:
        raise ArgumentError("gradcheck needs the graph", received="a call inside no_grad()")
    program = _Program(f, [x.data for x in points], wanted)
    for name, value in (("step", step), ("tolerance", tolerance)):
        check_number(name, value, lambda v: 0 < v < 1, "a number between 0 and 1")
    options = _Options(step, tolerance, seed)
    _demand_float64(program.arrays, "input")
    _demand_a_function(program)
    for this in range(1, order + 1):
        wrong = _search(program, this, options)
        if wrong is not None:
            raise _error(wrong, this, _culprit(program, this, options))
    return True


class _Program(NamedTuple):
    """A function of arrays, and the positions of those by which it is differentiated."""

    f: Callable[..., Any]
    arrays: list[Any]
    wanted: list[int]

    def __call__(self, moved: dict[int, Array] | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Return fresh leaves, some of them with other values, and what f makes of them."""
        leaves = []
        for i, array in enumerate(self.arrays):
            leaf = make(_like(array, (moved or {}).get(i, array)))
            leaf.requires_grad = i in self.wanted
            leaves.append(leaf)
        y = self.f(*leaves)
        outputs = list(y) if isinstance(y, list | tuple) else [y]
        for one in outputs:
            if not isinstance(one, Tensor):
                raise ArgumentError(
                    "f must return a Tensor, or a tuple of Tensors",
                    received=type(one).__name__,
                    hint="Stay with Tensors inside of f: no .numpy(), .data or float().",
                )
        return leaves, [differentiable(one) for one in outputs]

    def slopes(self, weights: list[Array]) -> _Program:
        """Return the program that computes the gradients of this one, with their graph."""

        def gradients(*leaves: Tensor) -> list[Tensor]:
            y = self.f(*leaves)
            given = list(y) if isinstance(y, list | tuple) else [y]
            outputs = [differentiable(one) for one in given]
            inputs = [leaves[i] for i in self.wanted]
            found: list[Tensor] = grad(outputs, inputs, weights, create_graph=True)
            return found

        return self._replace(f=gradients)


class _Options(NamedTuple):
    step: float
    tolerance: float
    seed: int
    floor: float = 0.0  # the size of f, for the rounding in its gradients


class _Wrong(NamedTuple):
    """A disagreement: of which output, by which input, and the two numbers."""

    output: int
    input: int
    claimed: float
    measured: float
    measurable: bool


def _like(array: Array, values: Array) -> Array:
    """Return a new array with these values and the strides of `array`, where they can be kept."""
    if array.flags.c_contiguous:  # an empty one is
        return np.array(values)
    low, high = byte_bounds(array)
    offset = array.ctypes.data - low
    copy: Array = np.ndarray(array.shape, array.dtype, bytearray(high - low), offset, array.strides)
    copy[...] = values
    if np.array_equal(copy, values, equal_nan=True):
        return copy
    return np.array(values)  # elements that share their memory cannot be moved apart


def _demand_float64(arrays: Sequence[Any], what: str) -> None:
    for i, array in enumerate(arrays):
        if array.dtype != np.float64:
            raise DTypeError(
                f"gradcheck needs float64: in {array.dtype} differences are mostly rounding",
                received=f"{what} {i} of dtype {array.dtype}",
                expected="float64",
                hint="Check the same function at Tensors of float64.",
            )


def _demand_a_function(program: _Program) -> None:
    """Refuse an f that gives something else every time, and results in float32."""
    once, again = program()[1], program()[1]
    _demand_float64(once, "result")
    pairs = zip(once, again, strict=False)
    same = [np.array_equal(y.data, z.data, equal_nan=True) for y, z in pairs]
    if not all(same) or len(once) != len(again):
        raise GradientCheckError(
            "f gave two results at the same inputs, so it has no derivative",
            received=f"a difference in result {[*same, False].index(False)}",
            hint="Does it draw random numbers, or keep something from call to call?",
        )


def _search(program: _Program, order: int, options: _Options) -> _Wrong | None:
    """Return the first disagreement between claimed and measured derivatives, if there is one."""
    generator = np.random.default_rng(options.seed)
    scales = [_scale(array) for array in program.arrays]
    for _ in range(ROUNDS):
        _, outputs = program()
        target = program
        units: list[Any] = [1.0] * len(outputs)
        if order == 2:  # of the gradients of a weighted sum, in units of f
            weights = [generator.standard_normal(y.shape) for y in outputs]
            floor = sum(_size(w, y.data) for w, y in zip(weights, outputs, strict=True))
            target, options = program.slopes(weights), options._replace(floor=floor)
            units = [scales[i] for i in program.wanted]
        leaves, outputs = target()
        inputs = [leaves[i] for i in target.wanted]
        seeds, rows = [], []
        for y, unit in zip(outputs, units, strict=True):
            seeds.append(generator.standard_normal(y.shape) * unit)
            rows.append(grad(y, inputs, seeds[-1], retain_graph=True))
        for column, i in enumerate(target.wanted):
            u = generator.standard_normal(target.arrays[i].shape) * scales[i]
            claims = [row[column].data for row in rows]
            wrong = _compare(
                target, (i, u), list(zip(seeds, outputs, claims, strict=True)), options
            )
            if wrong is not None:
                return wrong
    return None


def _compare(
    program: _Program,
    move: tuple[int, Array],
    claims: list[tuple[Array, Tensor, Array]],
    options: _Options,
) -> _Wrong | None:
    """Move an input along a direction, and compare what each output does with its gradient."""
    seeds = [seed for seed, _, _ in claims]
    near, direction = _differences(program, move, seeds, options.step)
    far, _ = _differences(program, move, seeds, 2 * options.step)
    for k, (seed, y, g) in enumerate(claims):
        claimed, measured = _dot(direction, g), (4 * near[k] - far[k]) / 3
        size = max(abs(claimed), _size(direction, g))
        noise = NOISE * (_size(seed, y.data) + options.floor)
        unknown = abs(near[k] - far[k])  # what the extrapolation changed
        allowed = options.tolerance * (size + noise) + unknown
        agree = np.isfinite(claimed) and abs(measured - claimed) <= allowed
        slack = UNKNOWN * (size + noise) + CURVED * options.step**2
        if not agree or unknown > slack:
            return _Wrong(k, move[0], claimed, measured, not agree)
    return None


def _differences(
    program: _Program, move: tuple[int, Array], seeds: list[Array], step: float
) -> tuple[list[float], Array]:
    """Return the central difference of each output, and the direction as it is after rounding."""
    i, u = move
    x = program.arrays[i]
    right, left = x + step * u, x - step * u
    above, below = program({i: right})[1], program({i: left})[1]
    direction = (right - left) / (2 * step)
    triples = zip(seeds, above, below, strict=True)
    return [_dot(v, a.data - b.data) / (2 * step) for v, a, b in triples], direction


@np.errstate(under="ignore", invalid="ignore")
def _dot(a: Array, b: Array) -> float:
    return float(np.sum(a * b))


@np.errstate(under="ignore", invalid="ignore")
def _size(a: Array, b: Array) -> float:
    """Return the root of the sum of squares of the products, without overflow."""
    return float(np.hypot.reduce(np.ravel(a * b)))


def _scale(x: Array) -> Array:
    """Return how far each element is moved, for a step of 1."""
    largest = float(np.max(np.abs(x), initial=0.0))
    scale: Array = np.maximum(np.abs(x), min(largest, 1.0) or 1.0)
    return scale


def _culprit(program: _Program, order: int, options: _Options) -> str:
    """Check every recorded operation by itself; name the first that is wrong."""
    leaves, outputs = program()
    first = [(node, 1) for node in _recorded(outputs)]
    if order == 2:
        weights = [np.ones(y.shape) for y in outputs]
        slopes = program.slopes(weights).f(*leaves)
        first += [(node, 1) for node in _recorded(slopes)] + [(node, 2) for node, _ in first]
    for (operation, _, arguments, arrays, keywords), this in first:
        wanted = [i for i, a in enumerate(arguments) if isinstance(a, Node) and a.requires_grad]
        alone = _alone(operation, arrays, keywords, wanted)
        if any(a.dtype != np.float64 for a in [*alone.arrays, *alone()[1]]):
            return (
                f"{operation.name} computes in float32, in which differences are mostly rounding."
            )
        wrong = _search(alone, this, options)
        if wrong is not None:
            what = "rule" if this == 1 else "second derivative"
            verdict = "is wrong" if wrong.measurable else "cannot be measured"
            given = ", ".join(f"{a.dtype}{list(a.shape)}" for a in alone.arrays)
            return (
                f"By itself {operation.name} {verdict}: its {what} for argument"
                f" {wanted[wrong.input]}, at {given}, gives {wrong.claimed:.10g} and is off by"
                f" {wrong.claimed - wrong.measured:.3g}. Check it (or is this a kink?)."
            )
    return (
        "Each recorded operation is right by itself, so f is probably not a function of its inputs"
        " alone (random numbers, other Tensors that it computes from them), leaves the graph"
        " (.detach(), .data, .numpy()), or has a kink here."
    )


def _alone(operation: Any, arrays: list[Any], keywords: Any, wanted: list[int]) -> _Program:
    """Return one recorded operation as a function of its differentiated arguments."""

    def call(*tensors: Tensor) -> Any:
        arguments = list(arrays)
        for i, tensor in zip(wanted, tensors, strict=True):
            arguments[i] = tensor
        return operation.call(*arguments, **keywords)

    return _Program(call, [arrays[i] for i in wanted], list(range(len(wanted))))


def _recorded(outputs: Sequence[Node]) -> list[tuple[Any, ...]]:
    """Return what is recorded of all operations behind the outputs, the oldest first."""
    seen: dict[int, tuple[Any, ...]] = {}
    waiting = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor._node and tensor._order not in seen:
            seen[tensor._order] = tensor._node
            waiting += [a for a in tensor._node[2] if isinstance(a, Node)]
    return [seen[order] for order in sorted(seen) if seen[order][1]]  # but constants


def _error(wrong: _Wrong, order: int, culprit: str) -> GradientCheckError:
    what = "gradient" if order == 1 else "second derivative"
    which = f"the {what} with respect to input {wrong.input}"
    if wrong.output:
        which += f" of {'result' if order == 1 else 'the gradient'} {wrong.output}"
    if not wrong.measurable or not np.isfinite(wrong.measured):
        return GradientCheckError(
            f"{which} cannot be measured here",
            received=f"{wrong.claimed:.10g}, where central differences give"
            f" {wrong.measured:.10g} and much else with another step",
            hint=f"A kink or the border of the domain is near, or f is mostly rounding. {culprit}",
        )
    return GradientCheckError(
        f"{which} is wrong",
        received=f"{wrong.claimed:.10g} in a random direction, off by"
        f" {wrong.claimed - wrong.measured:.3g}",
        expected=f"{wrong.measured:.10g} by central differences",
        hint=culprit,
    )
