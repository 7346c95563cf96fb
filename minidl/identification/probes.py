"""The fixed gradients that every optimizer is given, and the weights where it starts.

A run is one sequence of gradients, given to a new optimizer; each of its coordinates is an
experiment. All numbers are exact in float32 and the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
STEPS = 48
FIELD_STEPS = 12  # later, rounding would grow with the curvature
COORDINATES = {
    "impulse": "one gradient, then zeros",
    "late": "zeros, then one gradient",
    "constant": "the same gradient every step",
    "alternating": "alternating signs",
    "random": "random gradients",
    "growing": "gradients growing from 1e-14",
    "none": "no gradient, weight 2",
    "big": "random gradients, some large",
    "tiny": "gradients of about 0.001",
    "runs": "signs that change now and then",
}
PLACES = {name: place for place, name in enumerate(COORDINATES)}
RUNS = {
    "main": "learning rate and gradients as they are",
    "again": "the same once more",
    "reused": "the same in one array that is written anew in each step",
    "small": "gradients divided by 64",
    "large": "gradients times 64",
    "other": "other gradients",
    "slower": "half the learning rate",
    "changing": "a learning rate that changes",
    "field": "gradients that depend on the point",
    "alone": "half of the coordinates without gradient",
}
NEEDS_RATE, NEEDS_CHANGE = ("slower",), ("changing",)  # runs that some optimizers cannot do


@dataclass(frozen=True)
class Probes:
    """Runs of T steps on P coordinates: start (B, P), gradients (T, B, P), relative rates (T, B).

    The gradient at a point in step t is ``gradients[t] + field[t] * sin(waves * point)``. Where
    steps are long, `waves` is below 1, so that runs do not become chaotic.
    """

    names: tuple[str, ...]
    start: Array
    gradients: Array
    rates: Array
    field: Array
    waves: float = 1.0

    def take(self, names: Sequence[str]) -> Self:
        """Return the probes of some runs."""
        rows = [self.names.index(name) for name in names]
        chosen: dict[str, Any] = {"start": self.start[rows], "gradients": self.gradients[:, rows]}
        chosen |= {"rates": self.rates[:, rows], "field": self.field[:, rows]}
        return replace(self, names=tuple(names), **chosen)

    def first(self, steps: int) -> Self:
        """Return the first steps of all runs."""
        names = ("gradients", "rates", "field")
        return replace(self, **{name: getattr(self, name)[:steps] for name in names})

    @property
    def has_field(self) -> bool:
        """Whether a gradient depends on the point."""
        return bool(self.field.any())

    @property
    def steps(self) -> int:
        """The number of steps of each run."""
        return len(self.gradients)


def scattered(start: int, count: int) -> Array:
    """Return numbers in [-2, 2) without pattern: the fractions of k^2 times the golden ratio."""
    k = np.arange(start, start + count, dtype=float)
    return np.floor(4096 * (k * k * 0.6180339887498949 % 1)) / 1024 - 2


def _coordinates(start: int) -> Array:
    """Return the gradients (T, P) of all experiments; `first` chooses the random ones."""
    t = np.arange(STEPS)
    spikes = np.where(t % 7 == 5, 32.0, 0.25)
    signs = np.where(scattered(start + 900, STEPS) > -1, 1, -1).cumprod()
    columns = {
        "impulse": t == 0,
        "late": t == 4,
        "constant": np.ones(STEPS),
        "alternating": np.where(t % 2, -1.0, 1.0),
        "random": scattered(start, STEPS),
        "growing": (10.0 ** (0.32 * t - 14)).astype(np.float32),
        "none": np.zeros(STEPS),
        "big": spikes * scattered(start + 300, STEPS),
        "tiny": scattered(start + 600, STEPS) / 1024,
        "runs": signs * (1 + t % 3),
    }
    return np.stack([np.asarray(columns[name], dtype=float) for name in COORDINATES], axis=1)


def _other() -> Array:
    """Return gradients (T, P) that no rule is fitted to: random, of three sizes, with pauses."""
    count = len(COORDINATES)
    gradients = scattered(5000, STEPS * count).reshape(STEPS, count)
    gradients *= np.array([0.125, 1.0, 8.0])[np.arange(STEPS * count).reshape(STEPS, count) % 3]
    gradients[np.arange(STEPS) % 11 == 8] = 0
    return gradients


def probes() -> Probes:
    """Return all runs.

    >>> probes().gradients.shape  # steps, runs, coordinates
    (48, 10, 10)
    """
    names = tuple(RUNS)
    start = np.zeros(len(COORDINATES))
    start[[PLACES["random"], PLACES["none"], PLACES["big"]]] = 1.0, 2.0, -0.5
    starts = dict.fromkeys(names, start) | {"other": scattered(7000, len(start))}
    main = _coordinates(100)
    gradients = dict.fromkeys(names, main)
    gradients |= {"small": main / 64, "large": main * 64, "other": _other()}
    gradients |= {"slower": _coordinates(2100), "changing": _coordinates(3100)}
    gradients["alone"] = main * (np.arange(len(start)) % 2 == 0)
    rates = {name: np.ones(STEPS) for name in names} | {"slower": np.full(STEPS, 0.5)}
    rates["changing"] = np.array([1.0, 0.5, 2.0, 0.25])[np.arange(STEPS) // 5 % 4]
    field = np.zeros((STEPS, len(names), len(start)))
    field[:FIELD_STEPS, names.index("field")] = 0.5
    return Probes(
        names,
        np.stack([starts[name] for name in names]),
        np.stack([gradients[name] for name in names], axis=1),
        np.stack([rates[name] for name in names], axis=1),
        field,
    )
