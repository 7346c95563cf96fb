"""A response beside a rule: what agrees, and the first step that does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.identification.facts import CLOSE, Facts
from minidl.identification.gradient import Array
from minidl.identification.probes import COORDINATES, PLACES
from minidl.identification.rules import Rule
from minidl.identification.simulate import Observed, simulate

WHOLE_RUNS = {
    "small": "gradients divided by 64",
    "large": "gradients times 64",
    "other": "other gradients and weights",
    "alone": "half of the weights: no gradient",
    "slower": "half the learning rate",
    "changing": "a learning rate that changes",
    "field": "gradients that depend on weights",
}


@dataclass(frozen=True)
class Difference:
    """The first step in which a weight moves otherwise than a rule moves it.

    `expected` and `received` are the moves in step `step`, counted from 1, of `coordinate` in the
    run `run`; with `at_point`, the distances from the weights to the point of the gradient.
    """

    run: str
    coordinate: str
    step: int
    expected: float
    received: float
    at_point: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the difference for JSON, where a number that is not finite is text."""
        numbers = dict(vars(self))
        for name in ("expected", "received"):
            numbers[name] = numbers[name] if np.isfinite(numbers[name]) else str(numbers[name])
        return numbers

    def numbers(self) -> tuple[str, str]:
        """Return both numbers with as many digits as tell them apart."""
        for digits in (3, 4, 6, 9, 12, 17):
            pair = f"{self.expected:.{digits}g}", f"{self.received:.{digits}g}"
            if pair[0] != pair[1]:
                break
        return pair

    def distance(self) -> tuple[str, str]:
        """Return the expected number, and how far the other is from it."""
        return f"{self.expected:.6g}", f"off {abs(self.received - self.expected):.1e}"


@dataclass(frozen=True)
class Check:
    """One property: whether the optimizer has it, and if not, where that shows."""

    what: str
    passed: bool
    difference: Difference | None = None
    remark: str = ""


def checks(rule: Rule, h: Mapping[str, float], observed: Observed, traits: Facts) -> list[Check]:
    """Return all checks of a response against a rule with hyperparameters `h`."""
    column = {name: np.array([[value]]) for name, value in h.items()}
    weights, shift = simulate(rule, column, observed.runs)
    errors = np.abs(observed.errors(weights, shift)[:, :, 0])
    half = len(errors) // 2
    moves, points = errors[:half], errors[half:]
    compared = []
    for name, title in COORDINATES.items():
        row, place = observed.names.index("main"), PLACES[name]
        experiment = moves[:, row, place : place + 1]
        compared.append(_check(title, experiment, observed, weights, (row, place)))
    for run, title in WHOLE_RUNS.items():
        if run in observed.names:
            row = observed.names.index(run)
            compared.append(_check(title, moves[:, row], observed, weights, (row, 0)))
    compared.append(_points(points, observed, shift, rule))
    return compared + list(_manners(traits))


def _check(
    title: str, errors: Array, observed: Observed, weights: Array, index: tuple[int, int]
) -> Check:
    """Return the check of one experiment or one run, from its errors (T, P)."""
    if errors.max() <= CLOSE:
        return Check(title, True)
    step = int(np.argmax((errors > CLOSE).any(axis=1)))
    row, place = index[0], index[1] + int(errors[step].argmax())
    expected = weights[step + 1, row, 0, place] - weights[step, row, 0, place]
    received = observed.weights[step + 1, row, place] - observed.weights[step, row, place]
    coordinate = list(COORDINATES)[place]
    numbers = float(expected), float(received)
    return Check(title, False, Difference(observed.names[row], coordinate, step + 1, *numbers))


def _points(errors: Array, observed: Observed, shift: Array, rule: Rule) -> Check:
    """Return the check of where the gradient is taken."""
    anchor = "weights" if rule.look is None else "look-ahead point"
    title = f"gradient at the {anchor}"
    if errors.max() <= CLOSE:
        return Check(title, True)
    step, row, place = np.unravel_index(int((errors > CLOSE).argmax()), errors.shape)
    numbers = float(shift[step, row, 0, place]), float(observed.shift[step, row, place])
    name = list(COORDINATES)[place]
    return Check(title, False, Difference(observed.names[row], name, int(step) + 1, *numbers, True))


def _manners(traits: Facts) -> Iterator[Check]:
    """Yield what every optimizer should do, whatever its rule."""
    noise = f"two runs differ by {traits.noise:.2g} of their way"
    yield Check("the same gradients give the same weights", traits.deterministic, remark=noise)
    remark = "it keeps that array instead of a copy"
    yield Check("one array for all gradients", not traits.keeps_array, remark=remark)
    remark = "it writes into that array"
    yield Check(
        "the gradient's array is left as it was", not traits.changes_gradient, remark=remark
    )
    remark = f"{traits.calls} different points"
    yield Check("one gradient in each step", traits.calls == 1, remark=remark)


def first_difference(compared: list[Check]) -> Difference | None:
    """Return the difference in the earliest step, of several the one in the main run."""
    differences = [c.difference for c in compared if c.difference is not None]
    return min(differences, key=lambda d: (d.step, d.run != "main"), default=None)
