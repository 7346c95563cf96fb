"""Rules run on the probes, for many hyperparameters at once, and compared with a response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from minidl.identification.formulas import Moment
from minidl.identification.gradient import Array
from minidl.identification.modifiers import collect
from minidl.identification.probes import Probes, probes
from minidl.identification.response import Response
from minidl.identification.rules import Rule

ALL = probes()
BEYOND = 10.0  # the error where one of two numbers is not finite


def simulate(rule: Rule, h: Mapping[str, Any], runs: Probes) -> tuple[Array, Array]:
    """Return weights (T + 1, B, K, P) and shifts (T, B, K, P) for K values (K, 1) of `h`."""
    x = Moment(SimpleNamespace(**h))
    w = np.repeat(runs.start[:, None], np.size(h["lr"]), axis=1)
    weights, shifts = [w], np.zeros((runs.steps, *w.shape))
    interval = max([m.every for m in rule.modifiers], default=1)
    with np.errstate(all="ignore"):
        for t in range(runs.steps):
            x.a, x.t = h["lr"] * runs.rates[t][:, None, None], t // interval + 1
            for m in rule.modifiers:
                x.a = x.a if m.rate is None else x.a * m.rate(x)
            point = w
            if rule.look is not None:
                shifts[t] = np.nan_to_num(rule.look(x) + 0 * w, nan=0)
                point = w + shifts[t]
            g = runs.gradients[t][:, None]
            if runs.has_field and np.any(runs.field[t]):
                g = g + runs.field[t][:, None] * np.sin(runs.waves * point)
            if interval > 1:
                collect(w, g, x, t, interval)
            if t % interval == interval - 1:
                w = step(rule, w, g + 0 * w, x)
            weights.append(w)
    return np.stack(weights), shifts


def step(rule: Rule, w: Array, g: Array, x: Moment) -> Array:
    """Return the weights after one step of a rule and its modifiers."""
    for m in rule.modifiers:
        g = g if m.gradient is None else m.gradient(w, g, x)
    down = rule.formula(g, x)
    for m in rule.modifiers:
        down = down if m.step is None else m.step(down, x)
    for m in rule.modifiers:
        w = w if m.before is None else m.before(w, x)
    w = w - down
    for m in rule.modifiers:
        w = w if m.after is None else m.after(w, x)
    return w


@dataclass
class Observed:
    """The runs of a response side by side: weights (T + 1, B, P), shifts (T, B, P), scale (B, P).

    The scale is the largest distance from the start; errors are in this unit.
    """

    names: tuple[str, ...]
    runs: Probes
    weights: Array
    shift: Array
    scale: Array

    def first(self, steps: int) -> "Observed":
        """Return the first steps of all runs."""
        parts = (self.weights[: steps + 1], self.shift[:steps], self.scale)
        return Observed(self.names, self.runs.first(steps), *parts)

    def take(self, names: Sequence[str]) -> "Observed":
        """Return the runs with these names, as far as they exist."""
        present = [name for name in names if name in self.names]
        rows = [self.names.index(name) for name in present]
        parts = (self.weights[:, rows], self.shift[:, rows], self.scale[rows])
        return Observed(tuple(present), self.runs.take(present), *parts)

    def errors(self, weights: Array, shift: Array) -> Array:
        """Return the errors (2T, B, K, P) of simulated weights and shifts, by the scale."""
        simulated = np.concatenate([weights[1:], shift])
        measured = np.concatenate([self.weights[1:], self.shift])[:, :, None]
        with np.errstate(all="ignore"):
            errors = (simulated - measured) / self.scale[:, None]
        finite = np.isfinite(simulated) & np.isfinite(measured)
        agree = ~np.isfinite(simulated) & ~np.isfinite(measured)
        errors = np.where(finite, errors, np.where(agree, 0.0, BEYOND))
        return np.asarray(np.clip(np.nan_to_num(errors, nan=BEYOND), -1e6, 1e6))

    def error_of(self, rule: Rule, h: Mapping[str, float]) -> Array:
        """Return the errors (2T, B, P) of a rule with these hyperparameters."""
        column = {name: np.array([[value]]) for name, value in h.items()}
        return np.asarray(self.errors(*simulate(rule, column, self.runs))[:, :, 0])


def observed(response: Response) -> Observed:
    """Return the runs of a response side by side."""
    names = tuple(name for name in ALL.names if name in response.runs)
    weights = np.stack([response.runs[name].weights for name in names], axis=1)
    shift = np.stack([response.runs[name].shift for name in names], axis=1)
    moved = np.abs(weights - weights[0])
    moved = np.where(np.isfinite(moved), moved, 0).max(axis=0)
    usual = np.median(np.where(moved > 0, moved, np.nanmax(moved)), axis=1, keepdims=True)
    scale = np.maximum.reduce([moved, 1e-3 * usual + 0 * moved, 3e-5 * np.abs(weights[0])])
    runs = replace(ALL.take(names), waves=response.waves)
    return Observed(names, runs, weights, shift, np.where(scale > 0, scale, 1.0))
