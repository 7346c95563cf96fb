"""Central differences of a program of Tensors in random directions, compared with its gradients.

The tolerance is relative, so an error is found in a derivative of 10^-3 as well as in one of 10^3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from minidl.autograd.functional import check_result, grad
from minidl.autograd.node import Array, Value
from minidl.autograd.tensor import Tensor, make

ROUNDS = 3  # random directions: a wrong entry hides in none of them
UNKNOWN = 1e-3  # relative difference of two steps above which nothing is measured
CURVED = 100.0  # times step^2: the error where the derivative is 0, as of x^3
NOISE = 0.01  # of the tolerance: rounding inside of f, relative to its value


class Program(NamedTuple):
    """A function of arrays, and the positions of those by which it is differentiated."""

    f: Callable[..., Any]
    arrays: list[Array]
    wanted: list[int]

    def __call__(self, moved: dict[int, Array] | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Return fresh leaves, some of them `moved`, and the results of f at them."""
        leaves = []
        for i, array in enumerate(self.arrays):
            leaf = make(_like(array, (moved or {}).get(i, array)))
            leaf.requires_grad = i in self.wanted
            leaves.append(leaf)
        return leaves, self.results(leaves)

    def results(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """Return what f returns as a list of Tensors."""
        y = self.f(*leaves)
        return [check_result(part) for part in (y if isinstance(y, list | tuple) else [y])]

    def gradients(self, weights: list[Array]) -> Program:
        """Return the program that computes the gradients of this one, with their graph."""

        def f(*leaves: Tensor) -> Any:
            inputs = [leaves[i] for i in self.wanted]
            return grad(self.results(leaves), inputs, weights, create_graph=True)

        return self._replace(f=f)


class Options(NamedTuple):
    """The arguments of :func:`~minidl.autograd.check.gradcheck`, and the size of f."""

    step: float
    tolerance: float
    seed: int
    floor: float = 0.0  # the size of f, for the rounding in its gradients


class Difference(NamedTuple):
    """A disagreement between the claimed and the measured derivative."""

    output: int
    input: int
    claimed: float
    measured: float
    measurable: bool


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


def search(program: Program, order: int, options: Options) -> Difference | None:
    """Return the first disagreement between claimed and measured derivatives, if there is one."""
    generator = np.random.default_rng(options.seed)
    scales = [_scale(array) for array in program.arrays]
    for _ in range(ROUNDS):
        target = program
        if order == 2:  # of the gradients of a weighted sum
            outputs = program()[1]
            weights = [generator.standard_normal(y.shape) for y in outputs]
            floor = sum(_size(w, y.data) for w, y in zip(weights, outputs, strict=True))
            target, options = program.gradients(weights), options._replace(floor=floor)
        leaves, outputs = target()
        inputs = [leaves[i] for i in target.wanted]
        seeds, rows = [], []
        for k, y in enumerate(outputs):
            unit = scales[program.wanted[k]] if order == 2 else 1.0  # that of f
            seeds.append(generator.standard_normal(y.shape) * unit)
            rows.append(grad(y, inputs, seeds[-1], retain_graph=True))
        for column, i in enumerate(target.wanted):
            u = generator.standard_normal(target.arrays[i].shape) * scales[i]
            gradients = [row[column].data for row in rows]
            claims = list(zip(seeds, outputs, gradients, strict=True))
            if wrong := _compare(target, i, u, claims, options):
                return wrong
    return None


def _compare(
    program: Program, i: int, u: Array, claims: list[tuple[Array, Tensor, Array]], options: Options
) -> Difference | None:
    """Move input i along u, and compare what each output does with its gradient."""
    x, step = program.arrays[i], options.step

    def differences(h: float) -> list[float]:
        above, below = program({i: x + h * u})[1], program({i: x - h * u})[1]
        triples = zip(claims, above, below, strict=True)
        return [_dot(seed, a.data - b.data) / (2 * h) for (seed, _, _), a, b in triples]

    near, far = differences(step), differences(2 * step)
    direction = ((x + step * u) - (x - step * u)) / (2 * step)  # as it is after rounding
    for k, (seed, y, g) in enumerate(claims):
        claimed, measured = _dot(direction, g), (4 * near[k] - far[k]) / 3
        size = max(abs(claimed), _size(direction, g))
        noise = NOISE * (_size(seed, y.data) + options.floor)
        unknown = abs(near[k] - far[k])  # what the extrapolation changed
        allowed = options.tolerance * (size + noise) + unknown
        agree = np.isfinite(claimed) and abs(measured - claimed) <= allowed
        if not agree or unknown > UNKNOWN * (size + noise) + CURVED * step**2:
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
