"""Facts about an optimizer that its steps show without its rule."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minidl.identification.gradient import Array
from minidl.identification.probes import PLACES
from minidl.identification.response import Response, signs_only
from minidl.identification.rules import LINEAR, SCALED, SIGNS
from minidl.identification.simulate import Observed
from minidl.text import counted

CLOSE = 1e-9  # of the scale: what counts as equal
FRESH = [PLACES[name] for name in ("impulse", "constant", "alternating", "tiny", "runs")]


LONG = 40  # steps after which a memory is called long
FAMILY = {
    "linear": "Steps are proportional to the gradients.",
    "scaled": "Steps hardly depend on the size of the gradients.",
    "signs": "Steps depend on the signs of the gradients only.",
    "": "Steps grow with the gradients, but not in proportion.",
}
DECAY = {
    "": "A weight without gradient does not move.",
    "rate": "A weight without gradient decays, in proportion to the learning rate.",
    "no rate": "A weight without gradient decays, whatever the learning rate.",
    "growth": "A weight without gradient grows.",
    "forgets": "A weight without gradient becomes 0: it returns the step instead of new weights.",
    "other": "A weight without gradient moves.",
}


@dataclass(frozen=True)
class Facts:
    """Properties that are read off the runs.

    `family` is "linear" if steps are proportional to the gradients, "scaled" if their size hardly
    matters, "signs" if not at all, and "" otherwise. `decay` is a key of DECAY. `period` is 2 if it
    moves in every second call only. `clipped` says that large gradients are cut, or may be,
    `endless` that a single gradient is never forgotten.
    `first_nan` is the step after which weights are not finite, `zero_nan` says that only weights
    whose gradient was 0 are so, `single` that all weights are numbers of float32, and
    `ignores_gradient` says that all gradients give the same steps, `changes_in_time` that equal
    ones give others later, though nothing is remembered,
    `ignores_rate` that half the learning rate gives the same steps, and `ignores_change` that it is
    only read at the start.
    """

    deterministic: bool
    noise: float
    keeps_array: bool
    changes_gradient: bool
    calls: int
    moves: bool
    uphill: bool
    family: str
    clipped: bool
    memory: int
    endless: bool
    decay: str
    shared: bool
    looks_ahead: bool
    period: int
    first_nan: int
    zero_nan: bool
    single: bool
    ignores_rate: bool
    ignores_change: bool
    ignores_gradient: bool
    changes_in_time: bool

    @property
    def is_usable(self) -> bool:
        """Whether the runs can tell a rule: they move, to numbers, and are the same again."""
        usable = self.moves and self.deterministic and not self.ignores_gradient
        return usable and (self.first_nan != 1 or self.zero_nan)

    def sentences(self) -> Iterator[str]:
        """Yield the facts as sentences, for a reader who looks for the rule."""
        yield from self._troubles()
        if self.is_usable:
            yield from self._properties()

    def _troubles(self) -> Iterator[str]:
        if self.zero_nan:
            yield "A weight becomes NaN when its gradient is 0: something is divided by 0."
        elif self.first_nan:
            yield f"The weights are NaN or infinite from step {self.first_nan} on."
        if self.first_nan == 1 and not self.zero_nan:
            yield "With 1 - beta**t, t must be 1 in the first step, not 0: 1 - beta**0 is 0."
        elif not self.moves:
            yield "The weights do not move."
            yield "Did you forget return, or write w = w - ... instead of w -= ...?"
        elif self.ignores_gradient:
            yield "It takes the same steps whatever the gradients are."
        if self.single:
            yield "Its weights are float32: let it compute in float64, as rules differ by little."
        if not self.deterministic:
            yield (
                "It is not deterministic, or keeps state from an earlier run: the same gradients"
                f" gave weights that differ by {self.noise:.2g} of their way."
            )
        if self.keeps_array:
            yield "It keeps the array of the gradient instead of a copy."
        if self.changes_gradient:
            yield "It changes the array of the gradient that it is given."

    def _properties(self) -> Iterator[str]:
        if self.calls > 1:
            yield f"It asks for the gradient at {self.calls} points in one step."
        if self.looks_ahead:
            yield "It asks for the gradient at another point than the weights."
        if self.ignores_rate:
            yield "It is given lr, but takes the same steps with half of it."
        elif self.ignores_change:
            yield "It reads lr at the start only: a later change has no effect."
        yield FAMILY[self.family]
        if self.changes_in_time:
            yield "The same gradient gives other steps later, as with a schedule of lr."
        if self.uphill:
            yield "It goes uphill: a weight with a positive gradient grows."
        if self.period > 1:
            ordinal = {2: "second", 3: "third"}.get(self.period, f"{self.period}th")
            yield f"It moves only in every {ordinal} call."
        if self.shared:
            yield "A weight's step depends on the gradients of other weights."
        else:
            yield _remembers(self.memory)
            yield DECAY[self.decay]


def _remembers(steps: int) -> str:
    if steps == 0:
        return "It has no memory: when the gradient is 0, it stands still."
    if steps >= LONG:
        return f"It remembers: {LONG} steps after a single gradient it still moves."
    return f"It remembers: after a single gradient it moves for {counted(steps, 'more step')}."


def facts(response: Response, observed: Observed) -> Facts:
    """Return the facts of a response."""
    runs = {name: observed.weights[:, k] for k, name in enumerate(observed.names)}
    shift = observed.shift[:, 0]
    ignores_rate = _ignores_rate(runs)
    main, scale = runs["main"], observed.scale[0]
    moved = np.abs(np.diff(main, axis=0))
    constant = main[:, PLACES["constant"]] - main[0, PLACES["constant"]]
    start = int(np.argmax(constant != 0))
    noise = _distance(main, runs["again"], scale)
    reused = _distance(main, runs["reused"], scale)
    after = moved[start:, PLACES["impulse"]] > 1e-12 * scale[PLACES["impulse"]]
    finite, family = np.isfinite(main).all(axis=1), _family(main, runs["small"], start)
    return Facts(
        deterministic=noise <= CLOSE,
        noise=noise,
        keeps_array=noise <= CLOSE < reused,
        changes_gradient=any(run.changes_gradient for run in response.runs.values()),
        calls=max(run.calls for run in response.runs.values()),
        moves=bool(np.any(moved > 0)),
        uphill=bool(constant[start] > 0),
        family=family,
        clipped=_clipped(runs),
        endless=bool(moved[-1, PLACES["impulse"]] > 1e-3 * moved[start, PLACES["impulse"]]),
        memory=int(np.max(np.flatnonzero(after), initial=-1)) + 1,
        decay=_decay(main, None if ignores_rate else runs.get("slower")),
        shared=_distance(main[:, ::2], runs["alone"][:, ::2], scale[::2]) > CLOSE,
        looks_ahead=bool(np.any(np.abs(shift) > CLOSE * scale)),
        period=_period(moved[:, PLACES["constant"]]),
        first_nan=0 if finite.all() else int(np.argmin(finite)),
        zero_nan=not finite.all() and _zero_nan(main, observed.runs.gradients[:, 0]),
        single=bool(np.any(moved) and np.all(runs["other"] == np.float32(runs["other"]))),
        ignores_rate=ignores_rate,
        ignores_change=response.ignores_change,
        ignores_gradient=bool(np.all(main[:, FRESH] == main[:, FRESH[:1]])),
        changes_in_time=family == LINEAR and _changes_in_time(main, after),
    )


def _distance(a: Array, b: Array, scale: Array) -> float:
    """Return the largest difference of two runs, relative to how far they go."""
    with np.errstate(all="ignore"):
        far = np.abs(a - b) / scale
    differ = np.isfinite(a) != np.isfinite(b)
    return float(np.where(differ, 1.0, np.nan_to_num(far, nan=0.0)).max())


def _family(main: Array, small: Array, start: int) -> str:
    """Return the family, from gradients that are 64 times smaller."""
    if signs_only(main):
        return SIGNS
    with np.errstate(all="ignore"):
        ratios = (main - main[0])[start:, FRESH] / (small - small[0])[start:, FRESH]
    ratios = np.where(np.isfinite(ratios), np.abs(ratios), 64)
    if np.all(np.abs(ratios / 64 - 1) < 1e-6):
        return LINEAR
    return SCALED if np.median(ratios[0]) < 2 else ""


def _clipped(runs: dict[str, Array]) -> bool:
    """Return whether larger gradients give other steps, but not larger in proportion."""
    places = [PLACES[name] for name in ("random", "big", "runs")]
    small, main, large = (
        np.diff(runs[name][:12, places], axis=0) for name in ("small", "main", "large")
    )
    with np.errstate(all="ignore"):
        ratios = np.abs(np.stack([main / small, large / main]))
    ratios = ratios[np.isfinite(ratios)]
    return not (np.all(np.abs(ratios / 64 - 1) < 1e-3) or np.all(np.abs(ratios - 1) < 1e-3))


def _decay(main: Array, slower: Array | None) -> str:
    """Return how a weight without gradient moves, as a key of DECAY."""
    zero = main[:, PLACES["none"]]
    if not np.isfinite(zero).all() or np.all(zero == zero[0]):
        return ""
    if np.all(zero[1:] == 0):
        return "forgets"
    factors = zero[1:] / np.where(zero[:-1] == 0, np.inf, zero[:-1])
    if np.ptp(factors) > 1e-9 * abs(1 - factors[0]) + 1e-14:
        return "other"
    if factors[0] > 1:
        return "growth"
    if slower is None:
        return "rate"
    loss, slower_loss = 1 - factors[0], 1 - slower[1, PLACES["none"]] / zero[0]
    return "rate" if abs(slower_loss / loss - 0.5) < 0.1 else "no rate"


def _ignores_rate(runs: dict[str, Array]) -> bool:
    """Return whether the same gradients give the same steps at half the learning rate."""
    columns = [PLACES[name] for name in ("impulse", "late", "constant", "alternating", "growing")]
    if "slower" not in runs:
        return False
    main, slower = runs["main"][:, columns], runs["slower"][:, columns]
    return np.array_equal(main, slower) and bool(np.isfinite(main).all() and np.ptp(main))


def _changes_in_time(main: Array, after: Array) -> bool:
    """Return whether a constant gradient gives other steps later; `after`: what is remembered."""
    steps = np.abs(np.diff(main[:, PLACES["constant"]]))
    steps = steps[np.argmax(steps > 0) :]
    return not after[1:].any() and bool(np.ptp(steps) > 1e-6 * steps.max())


def _zero_nan(main: Array, gradients: Array) -> bool:
    """Return whether weights become infinite or NaN only in steps with a gradient of 0."""
    newly = ~np.isfinite(main[1:]) & np.isfinite(main[:-1])
    return bool(np.all(gradients[newly] == 0))


def _period(moved: Array) -> int:
    """Return k if a weight with a constant gradient moves in every k-th call only."""
    for k in (2, 3, 4):
        still = np.delete(moved, np.arange(k - 1, len(moved), k))
        if not still.any() and moved[k - 1 :: k].all():
            return k
    return 1
