"""The result of a diagnosis, as numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from minidl.keywords import answers
from minidl.text import counted, joined, listed
from minidl.training.units import LARGE, SMALL, LayerState

VANISHED = 1e-4  # a layer's gradient norm below this share of the largest
SLOW = 1_000  # a rate so many times below the largest stable one is small
NOISE = "Measured on all rows: the noise of mini-batches lowers the limit."
SHARPER = "Training may still raise the sharpness."


@answers
@dataclass(frozen=True)
class Diagnosis:
    """The result of :func:`diagnose`; ``print`` shows it in words.

    Attributes
    ----------
    optimizer : str
        As ``repr`` shows it.
    lr : float or None
        The learning rate at the present step; None for an optimizer without one.
    sharpness : float
        The largest eigenvalue of the Hessian of the loss, with the L2 penalty; nan if unknown.
    preconditioned : bool
        Whether the Hessian is divided by the scales of Adam or RMSprop.
    limit : float or None
        lr times sharpness up to which the optimizer is stable; None if none is known.
    margin : float
        Between the largest stable rate and the suggested one: 2, of momentum and Adam 4.
    layers : tuple of LayerState
        Gradient norms, dead and saturated units, by the names of the layers.
    columns : tuple of float
        The root mean square of each input column: 1 if it is standardised.
    mini_batches : bool
        Whether a step uses a part of the rows.
    course : str
        "diverged", "worse" (a higher loss than at the start), "standing still" (by less than 1 %
        lower) or "".
    notes : tuple of str
        What limits these results.
    """

    optimizer: str
    lr: float | None
    sharpness: float
    preconditioned: bool
    limit: float | None
    margin: float
    layers: tuple[LayerState, ...]
    columns: tuple[float, ...]
    mini_batches: bool
    course: str = ""
    notes: tuple[str, ...] = ()

    @property
    def product(self) -> float:
        """The learning rate times the sharpness; nan without both."""
        return math.nan if self.lr is None else self.lr * self.sharpness

    @property
    def stable(self) -> bool | None:
        """Whether lr times sharpness is below the limit; None if either is unknown."""
        if self.limit is None or math.isnan(self.product):
            return None
        return self.product < self.limit

    @property
    def largest_lr(self) -> float | None:
        """The learning rate at the limit; None if no limit is known, or nothing curves upward."""
        if self.limit is None or not self.sharpness > 0:
            return None
        return self.limit / self.sharpness

    @property
    def suggested_lr(self) -> float | None:
        """The largest stable rate divided by the margin, rounded down to one digit."""
        return None if self.largest_lr is None else rounded_down(self.largest_lr / self.margin)

    @property
    def dead(self) -> dict[str, tuple[int, int]]:
        """Layers with dead units: name -> (dead, all)."""
        return {s.name: (s.dead, s.units) for s in self.layers if s.dead}

    @property
    def saturated(self) -> dict[str, tuple[int, int]]:
        """Layers with saturated units: name -> (saturated, all)."""
        return {s.name: (s.saturated, s.units) for s in self.layers if s.saturated}

    @property
    def unscaled(self) -> dict[int, float]:
        """Columns whose root mean square is above 10, or below 0.01 but not 0: number -> value."""
        return {k: v for k, v in enumerate(self.columns) if v > LARGE or 0 < v < SMALL}

    @property
    def vanished(self) -> tuple[str, ...]:
        """Names of layers whose gradient norm is below a 10,000th of the largest."""
        norms = {s.name: s.gradient_norm for s in self.layers if s.gradient_norm is not None}
        limit = VANISHED * max(norms.values(), default=0.0)
        return tuple(name for name, norm in norms.items() if norm < limit)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, the most serious first, in sentences."""
        if self.stable is False:
            yield (
                f"{self._rate} is too large: lr times sharpness is {self._compared}, so each step"
                " overshoots further."
            )
        elif self.course in ("diverged", "worse") and self.stable:
            had = "diverged" if self.course == "diverged" else "made the loss worse"
            yield (
                f"The run {had}, though {self._rate} is below the limit at these weights: the loss"
                " was sharper on the way, or batches are noisy. Try a rate ten times smaller."
            )
        elif self.slow:
            yield f"{self._rate} is small: up to {self.largest_lr:.3g} is stable at these weights."
        elif self.course == "standing still":
            yield "The loss has fallen by less than 1 %."
        if self.unscaled:
            shown = [f"{number} ({value:.3g})" for number, value in self.unscaled.items()]
            yield (
                f"{counted(len(shown), 'input column')} not on a scale of 1, by root mean square:"
                f" {listed(shown, 4)}. Standardise: subtract the mean, divide by the deviation."
            )
        if self.dead:
            yield f"Dead units, with slope 0 on all rows: {_places(self.dead)}."
        if self.saturated:
            yield f"Saturated units, flat on 90 % of the rows: {_places(self.saturated)}."
        if self.vanished:
            names = [f"layer {name}" for name in self.vanished]
            yield f"The gradient of {joined(names)} is below a 10,000th of the largest."

    @property
    def _rate(self) -> str:
        return "the learning rate" if self.lr is None else f"lr {self.lr:.4g}"

    @property
    def slow(self) -> bool:
        """Whether `largest_lr` is over 1,000 times `lr`; over 100 times if the run stands still."""
        if self.largest_lr is None or self.lr is None:
            return False
        return self.largest_lr > self.lr * (100 if self.course == "standing still" else SLOW)

    @property
    def _compared(self) -> str:
        return f"{self.product:.4g}, and {self.optimizer} is stable below {self.limit:.4g}"

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield the figures, as (name, text)."""
        of = " divided by the optimizer's scales" if self.preconditioned else ""
        sharpness = "unknown" if math.isnan(self.sharpness) else f"{self.sharpness:.4g}"
        yield "sharpness", f"{sharpness}, the largest curvature of the loss at these weights{of}"
        if self.limit is None:
            yield "stable", "no limit is known"
        elif self.largest_lr is None:
            yield "stable", "at any rate: the loss does not curve upward at these weights"
        else:
            words = f"with a margin of {self.margin:g}, lr {self.suggested_lr:g}"
            yield "stable", f"below lr {self.largest_lr:.3g}; {words}"
        units = sum(state.units for state in self.layers)
        if units:
            dead, flat = (sum(n for n, _ in d.values()) for d in (self.dead, self.saturated))
            yield "units", f"{dead} dead and {flat} saturated of {units}"
        norms = [
            f"{s.name or s.layer}: {s.gradient_norm:.2g}"
            for s in self.layers
            if s.gradient_norm is not None
        ]
        yield "gradients", f"norms of layers {listed(norms, 8)}"
        low, high = (f"{scale:.3g}" for scale in (min(self.columns), max(self.columns)))
        span = low if low == high else f"{low} to {high}"
        yield "inputs", f"root mean square {span}; 1 if standardised"

    def all_well(self) -> str:
        """Return the sentence for a run without problems."""
        if self.lr is not None and self.stable:
            return f"Nothing wrong was found: lr times sharpness is {self._compared}."
        return "Nothing wrong was found, but the learning rate was not judged."

    def notes_shown(self) -> Iterator[str]:
        """Yield what limits the results."""
        yield from self.notes
        if self.limit is not None:
            yield NOISE if self.mini_batches else SHARPER

    def __str__(self) -> str:
        """Return problems, figures and notes, a line each."""
        lines = list(self.problems()) or [self.all_well()]
        lines += [f"{name:<10} {text}" for name, text in self.rows()]
        return "\n".join([*lines, *self.notes_shown()])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; what is unknown is None."""
        values = asdict(self)
        for name in ("product", "stable", "largest_lr", "suggested_lr", "dead", "saturated"):
            values[name] = getattr(self, name)
        values["vanished"] = list(self.vanished)
        values["unscaled"] = {str(number): value for number, value in self.unscaled.items()}
        values["problems"] = list(self.problems())
        numbers = {
            name: None for name, v in values.items() if isinstance(v, float) and math.isnan(v)
        }
        return values | numbers


def rounded_down(rate: float) -> float:
    """Return a number, rounded down to one digit.

    >>> rounded_down(0.457), rounded_down(12.0)
    (0.4, 10.0)
    """
    power = math.floor(math.log10(rate))
    digit = math.floor(rate / 10.0**power + 1e-9)
    return float(f"{digit}e{power}")


def _places(counts: dict[str, tuple[int, int]]) -> str:
    return joined([f"{n} of {total} in layer {name}" for name, (n, total) in counts.items()])
