"""The response of an optimizer to the probes: recorded once, identified as often as wanted."""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np

from minidl.errors import MinidlError, StepError
from minidl.identification.conventions import DEFAULT_RATE
from minidl.identification.gradient import Array, Slope
from minidl.identification.probes import (
    FIELD_STEPS,
    NEEDS_CHANGE,
    NEEDS_RATE,
    PLACES,
    Probes,
    probes,
)
from minidl.identification.subject import Subject, name_of, subject

REPEATED = ("again", "reused")  # runs that are as the main one, unless something is wrong


@dataclass
class Run:
    """One run: `weights` (T + 1, P), `shift` (T, P) from there to the gradient's point.

    `calls` is the largest number of different points in a step, `changes_gradient` says whether
    the array of the gradient was written into.
    """

    weights: Array
    shift: Array
    calls: int = 1
    changes_gradient: bool = False


@dataclass
class Response:
    """The runs of an optimizer with learning rate `rate`, by the names of the probes.

    `takes_rate` says whether the rate was given to it, `thresholds` at which gradients a rule of
    signs turns (:func:`turning_points`), `waves` is that of the probes, and `ignores_change` says
    that a learning rate that changes during a run has no effect. A response can be kept as arrays,
    so that an optimizer is identified where its library is not installed.

    Examples
    --------
    >>> from minidl.identification import identify, record
    >>> from minidl.optim import NAG
    >>> response = record(NAG(lr=0.1))
    >>> again = Response.from_arrays(response.to_arrays())
    >>> identify(again).rule
    'NAG'
    """

    name: str
    rate: float
    takes_rate: bool
    runs: dict[str, Run]
    declared: dict[str, float] = field(default_factory=dict)
    thresholds: tuple[float, float] | None = None
    waves: float = 1.0
    ignores_change: bool = False

    def to_arrays(self) -> dict[str, Array]:
        """Return all as arrays, for ``numpy.savez``."""
        arrays: dict[str, Array] = {"name": np.array(self.name), "rate": np.array(self.rate)}
        arrays["takes_rate"] = np.array(self.takes_rate)
        for name, run in self.runs.items():
            if name in REPEATED and _equal(run, self.runs["main"]):
                continue  # as in most optimizers
            arrays[f"weights {name}"] = run.weights
            if np.any(run.shift):
                arrays[f"shift {name}"] = run.shift
            if run.calls != 1 or run.changes_gradient:
                arrays[f"calls {name}"] = np.array([run.calls, run.changes_gradient])
        if self.thresholds is not None:
            arrays["thresholds"] = np.array(self.thresholds)
        if self.waves != 1:
            arrays["waves"] = np.array(self.waves)
        if self.ignores_change:
            arrays["ignores_change"] = np.array(True)
        arrays |= {f"declared {name}": np.array(v) for name, v in self.declared.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the response of :meth:`to_arrays`."""
        runs, declared = {}, {}
        for key in arrays:
            role, _, name = key.partition(" ")
            if role == "weights":
                weights = np.asarray(arrays[key])
                shift = arrays.get(f"shift {name}", np.zeros_like(weights[1:]))
                calls, changes = arrays.get(f"calls {name}", (1, 0))
                runs[name] = Run(weights, np.asarray(shift), int(calls), bool(changes))
            if role == "declared":
                declared[name] = float(arrays[key])
        runs |= {name: runs["main"] for name in REPEATED if name not in runs}
        turns = arrays.get("thresholds")
        thresholds = None if turns is None else (float(turns[0]), float(turns[1]))
        rate, takes = float(arrays["rate"]), bool(arrays["takes_rate"])
        waves = float(arrays.get("waves", 1.0))
        ignores = bool(arrays.get("ignores_change", False))
        return cls(str(arrays["name"]), rate, takes, runs, declared, thresholds, waves, ignores)


def _equal(a: Run, b: Run) -> bool:
    """Return whether two runs are the same to the last bit."""
    equal = np.array_equal(a.weights, b.weights, equal_nan=True)
    marks = (a.calls, a.changes_gradient) == (b.calls, b.changes_gradient)
    return equal and np.array_equal(a.shift, b.shift) and marks


def quiet(done: int, of: int) -> None:
    """Say nothing about a run that is done."""


def record(step: Any, on_run: Callable[[int, int], None] = quiet) -> Response:
    """Give an optimizer the probes, and return its response.

    `step` is as for :func:`identify`. `on_run` is called after each run with the number of those
    that are done, and of all. An exception in its code is an ArgumentError that names the step and
    the line.
    """
    with _blamed(name_of(step)):
        optimizer, all_probes = subject(step), probes()
        left_out = [*(() if optimizer.changes else NEEDS_CHANGE)]
        left_out += () if optimizer.rate is not None else NEEDS_RATE
        runs = {"main": _run(optimizer, all_probes, "main")}
        waves = _waves(runs["main"].weights)
        all_probes = replace(all_probes, waves=waves)
        names = [name for name in all_probes.names[1:] if name not in left_out]
        for done, name in enumerate(names, start=1):
            on_run(done, len(names) + 1)
            runs[name] = _run(optimizer, all_probes, name)
        ignores = "changing" in runs and _equal(runs["changing"], _steady(optimizer, all_probes))
        rate = 1.0 if optimizer.rate is None else optimizer.rate
        turns = turning_points(optimizer, rate) if signs_only(runs["main"].weights) else None
    takes, declared = optimizer.rate is not None, dict(optimizer.declared)
    return Response(optimizer.name, rate, takes, runs, declared, turns, waves, ignores)


def _steady(optimizer: Subject, all_probes: Probes) -> Run:
    """Return the run "changing" with a constant learning rate instead."""
    return _run(optimizer, replace(all_probes, rates=np.ones_like(all_probes.rates)), "changing")


def _waves(weights: Array) -> float:
    """Return 1, or a power of 2 that makes up for steps longer than 1."""
    longest = np.abs(np.diff(weights[: FIELD_STEPS + 1, PLACES["constant"]])).max()
    return float(2.0 ** -np.ceil(np.log2(longest))) if 1 < longest < np.inf else 1.0


def signs_only(weights: Array) -> bool:
    """Return whether steps depend on signs alone: two positive gradients give the same."""
    steps = np.diff(weights[:, [PLACES["constant"], PLACES["growing"]]], axis=0)
    return bool(np.any(steps) and np.allclose(steps[:, 0], steps[:, 1], rtol=1e-9, atol=0))


def turning_points(optimizer: Subject, rate: float) -> tuple[float, float] | None:
    """Return the gradients -x at which the step after a gradient of 1 turns round.

    The first at once, the second after a gradient of 0 in between. For Lion, they are
    ``beta1 (1 - beta2) / (1 - beta1)``, and beta2 times as much. 0 if it turns at any gradient,
    None if it turns at none.
    """
    turns = []
    for pause in (0, 1):
        low, high = 1e-9, 1e9
        for _ in range(20):
            ladder = np.geomspace(low, high, len(PLACES) + 2)[1:-1]
            gradients = [np.ones_like(ladder), *([np.zeros_like(ladder)] * pause), -ladder]
            w, weights, step = np.zeros_like(ladder), [], optimizer.make(rate)
            with np.errstate(all="ignore"):
                for g in gradients:
                    w = step(w, Slope(g.copy(), partial(_always, g)), rate)
                    weights.append(np.array(w))
            direction = np.sign(weights[0])
            turned = np.sign(weights[-1] - weights[-2]) != direction
            count = int(np.argmax(turned)) if turned.any() else len(ladder)
            edges = np.concatenate([[low], ladder, [high]])
            low, high = edges[count], edges[count + 1]
        turns.append(float(np.sqrt(low * high)))
    at_once, later = (0.0 if x < 1e-8 else x for x in turns)
    return (at_once, later) if max(turns) < 1e8 else None


def _run(optimizer: Subject, all_probes: Probes, name: str) -> Run:
    """Return one run of a new optimizer."""
    row = all_probes.names.index(name)
    rates = all_probes.rates[:, row] * (DEFAULT_RATE if optimizer.rate is None else optimizer.rate)
    w = all_probes.start[row].copy()
    weights, shifts, calls, changes = [w.copy()], [], 1, False
    with _blamed(optimizer.name) as progress, np.errstate(all="ignore"):
        step = optimizer.make(float(rates[0]))
        for t in range(all_probes.steps):
            progress.step = t + 1
            g = _Gradient(all_probes.gradients[t, row], all_probes.field[t, row], all_probes.waves)
            g.into = progress.array if name == "reused" else None
            before = w.copy()
            w = step(w, Slope(g(w), g), float(rates[t]))
            weights.append(np.array(w, dtype=float))
            points = g.points[1:] or [before]
            shifts.append(np.nan_to_num(points[0] - before, nan=0))
            calls = max(calls, len(np.unique(points, axis=0)))
            changes |= g.is_changed()
    return Run(np.stack(weights), np.stack(shifts), calls, changes)


class _Gradient:
    """The gradient of one step; it notes the points where it is asked for."""

    def __init__(self, values: Array, field: Array, waves: float) -> None:
        self.values, self.field, self.waves = values, field, waves
        self.points: list[Array] = []
        self.handed_out: list[tuple[Array, Array]] = []
        self.into: Array | None = None  # where all gradients of a run are written

    def __call__(self, point: Array) -> Array:
        self.points.append(np.array(point))
        gradient = np.asarray(self.values + self.field * np.sin(self.waves * point))
        if self.into is not None:
            self.into[...] = gradient
            return self.into
        self.handed_out.append((gradient, gradient.copy()))
        return gradient

    def is_changed(self) -> bool:
        """Return whether an array that was given away was written into."""
        return not all(np.array_equal(*pair, equal_nan=True) for pair in self.handed_out)


def _always(g: Array, point: Array) -> Array:
    return g.copy()


class _blamed:  # noqa: N801
    """A context in which an exception becomes an error with the step and the user's line."""

    step = 0

    def __init__(self, name: str) -> None:
        self.name, self.array = name, np.empty(len(PLACES))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_class: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, KeyboardInterrupt):
            return
        if isinstance(error, MinidlError) and not self.step:
            return
        place = next(_lines(trace), "")
        text = str(error) if isinstance(error, MinidlError) else f"{error_class.__name__}: {error}"
        if isinstance(error, SystemExit):
            text = "it ends the process, as exit() does"
        context = f"step {self.step} of " if self.step else "making "
        raise StepError(f"{context}{self.name} failed{place}: {text}") from error


def _lines(trace: Any) -> Iterator[str]:
    """Yield the places of the user's code in a traceback, the last first."""
    package = sys.modules["minidl"].__path__[0]
    for frame in reversed(traceback.extract_tb(trace)):
        if not frame.filename.startswith((package, "<")) and "site-packages" not in frame.filename:
            yield f" in {frame.filename.rpartition('/')[2]}, line {frame.lineno} ({frame.line})"
