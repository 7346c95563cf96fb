"""Random search: the trials of ``tune="lr,momentum"``, the same for every optimizer."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.checks import check_count
from minidl.comparison.run import Setting
from minidl.errors import ArgumentError, invalid

TRIALS = 24
MOST_TRIALS = 10**5
SEED = 0  # of the draws: fixed, so that the same arguments always give the same trials
RANGE = (2.0**-6, 2.0**6)  # of lr / (1 - momentum): with 19 rates times 5 momenta, an optimizer's
# best was between 2^-5 (batch size 1) and 2^5.6 (full batch) on seven problems


class Trial(NamedTuple):
    """A point of the search: lr / (1 - momentum), and the momentum."""

    effective: float
    momentum: float

    def setting(self, has_momentum: bool, scale: float = 1.0) -> Setting:
        """Return the setting of an optimizer; without momentum, its momentum counts as 0.

        >>> [str(Trial(2.0, 0.9).setting(has)) for has in (True, False)]
        ['lr 0.2, momentum 0.9', 'lr 2']
        """
        effective = _rounded(self.effective * scale)
        if not has_momentum:
            return Setting(effective)
        return Setting(_rounded(effective * (1 - self.momentum)), self.momentum)


def _rounded(value: float) -> float:
    """Return six digits of a number, which do not depend on the last bit of 2^x."""
    return float(f"{value:.6g}")


def draw_trials(n: int, ends: Sequence[float], momenta: Sequence[float]) -> tuple[Trial, ...]:
    """Return n trials, by ascending lr / (1 - momentum).

    Steady gradients g add up to steps of lr g / (1 - momentum), the *effective learning rate*
    (Shallue et al. 2019, "Measuring the effects of data parallelism on neural network training"):
    one range of it suits all momenta. It is drawn log-uniformly, once in each of n equal parts of
    the range from ends[0] to ends[1] (McKay, Beckman & Conover 1979, Latin hypercube sampling).
    Each k neighbours get all k momenta in random order, so every momentum occurs about n / k times,
    and all over the range.

    The same n, ends and momenta always give the same trials. Raises ArgumentError if the ends are
    so near to each other that two trials would be equal.

    Examples
    --------
    >>> trials = draw_trials(4, (0.25, 4.0), (0.0, 0.9))
    >>> [np.floor(np.log2(trial.effective)).item() for trial in trials]
    [-2.0, -1.0, 0.0, 1.0]
    >>> sorted(trial.momentum for trial in trials)
    [0.0, 0.0, 0.9, 0.9]
    """
    generator = np.random.default_rng(SEED)
    places = (np.arange(n) + generator.random(n)) / n
    orders = [generator.permutation(momenta) for _ in range(0, n, len(momenta))]
    low, high = ends
    drawn = [_rounded(low * (high / low) ** place) for place in places.tolist()]
    if len(set(drawn)) < n:
        raise invalid("lr", list(ends), f"two ends that are far enough apart for {n} trials")
    return tuple(map(Trial, drawn, np.concatenate(orders)[:n].tolist()))


def check_tune(tune: str | None, lr: Any) -> str:
    """Return the hyperparameters to tune; by default the learning rate, unless one is given."""
    tune = ("none" if isinstance(lr, numbers.Real) else "lr") if tune is None else tune
    if tune not in ("lr", "lr,momentum", "none"):
        raise invalid("tune", tune, '"lr", "lr,momentum" or "none"')
    return tune


def make_search(
    tune: str, trials: int | None, lr: Any, rates: Sequence[float], momenta: Sequence[float]
) -> tuple[tuple[float, ...], tuple[Trial, ...]]:
    """Return the ends of the range and the trials; without a search, the grid `rates` and none.

    `lr` is the argument as it was given, and `rates` its checked numbers.
    """
    if tune != "lr,momentum":
        if trials is None:
            return tuple(rates), ()
        problem = f"has no effect with tune={tune!r}, got {trials!r}"
        hint, use = "To draw learning rates and momenta at random,", ("tune", "lr,momentum")
        raise ArgumentError(problem, argument="trials", hint=hint, use=use)
    ends = RANGE if lr is None else tuple(rates)
    if len(ends) != 2:
        expected = "the two ends of the range of lr / (1 - momentum), such as [0.01, 10]"
        hint = "To choose from a list of learning rates,"
        raise invalid("lr", lr, expected, hint, ("tune", "lr"))
    n = TRIALS if trials is None else check_count("trials", trials, 1, MOST_TRIALS)
    return ends, draw_trials(n, ends, momenta)
