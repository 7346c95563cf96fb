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


def checks(rule: Rule, h: Mapping[str, float], seen: Observed, known: Facts) -> list[Check]:
    """Return all checks of a response against a rule with hyperparameters `h`."""
    column = {name: np.array([[value]]) for name, value in h.items()}
    weights, shift = simulate(rule, column, seen.runs)
    errors = np.abs(seen.errors(weights, shift)[:, :, 0])
    half = len(errors) // 2
    moves, points = errors[:half], errors[half:]
    compared = []
    for name, what in COORDINATES.items():
        at = seen.names.index("main"), PLACES[name]
        compared.append(_check(what, moves[:, at[0], at[1] : at[1] + 1], seen, weights, at))
    for run, what in WHOLE_RUNS.items():
        if run in seen.names:
            row = seen.names.index(run)
            compared.append(_check(what, moves[:, row], seen, weights, (row, 0)))
    compared.append(_points(points, seen, shift, rule))
    return compared + list(_manners(known))


def _check(what: str, errors: Array, seen: Observed, weights: Array, at: tuple[int, int]) -> Check:
    """Return the check of one experiment or one run, from its errors (T, P)."""
    if errors.max() <= CLOSE:
        return Check(what, True)
    step = int(np.argmax((errors > CLOSE).any(axis=1)))
    row, place = at[0], at[1] + int(errors[step].argmax())
    expected = weights[step + 1, row, 0, place] - weights[step, row, 0, place]
    received = seen.weights[step + 1, row, place] - seen.weights[step, row, place]
    coordinate = list(COORDINATES)[place]
    numbers = float(expected), float(received)
    return Check(what, False, Difference(seen.names[row], coordinate, step + 1, *numbers))


def _points(errors: Array, seen: Observed, shift: Array, rule: Rule) -> Check:
    """Return the check of where the gradient is taken."""
    where = "weights" if rule.look is None else "look-ahead point"
    what = f"gradient at the {where}"
    if errors.max() <= CLOSE:
        return Check(what, True)
    step, row, place = np.unravel_index(int((errors > CLOSE).argmax()), errors.shape)
    numbers = float(shift[step, row, 0, place]), float(seen.shift[step, row, place])
    name = list(COORDINATES)[place]
    return Check(what, False, Difference(seen.names[row], name, int(step) + 1, *numbers, True))


def _manners(known: Facts) -> Iterator[Check]:
    """Yield what every optimizer should do, whatever its rule."""
    noise = f"two runs differ by {known.noise:.2g} of their way"
    yield Check("the same gradients give the same weights", known.deterministic, remark=noise)
    remark = "it keeps that array instead of a copy"
    yield Check("one array for all gradients", not known.keeps_array, remark=remark)
    remark = "it writes into that array"
    yield Check("the gradient's array is left as it was", not known.changes_gradient, remark=remark)
    remark = f"{known.calls} different points"
    yield Check("one gradient in each step", known.calls == 1, remark=remark)


def first_difference(compared: list[Check]) -> Difference | None:
    """Return the difference in the earliest step, of several the one in the main run."""
    differences = [c.difference for c in compared if c.difference is not None]
    return min(differences, key=lambda d: (d.step, d.run != "main"), default=None)
