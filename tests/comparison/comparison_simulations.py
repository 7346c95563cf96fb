"""Simulated races: times with a common effect of the seed, a budget, and divergence.

log T = seed's effect + the optimizer's own noise, in whole epochs. Times beyond the budget, and
those of runs that diverge, are infinite. At the defaults, 8 % of the runs do not converge: 3 % are
late and 5 % diverge.
"""

import math

import numpy as np

from minidl.comparison import bootstrap_interval, holm, restricted, sign_flip, verdict
from minidl.comparison.stats.verdicts import LEVEL

BUDGET = 60
RESAMPLES = 400  # not 10,000: the noise of the quantiles is small against that of 20 seeds


def race(generator, seeds, speeds, *, noise=0.5, diverging=0.05, budget=BUDGET):
    """Times (methods, seeds); a method of speed 0.8 takes 80 % of the epochs."""
    problem = generator.normal(3.0, 0.3, size=seeds)
    own = generator.normal(0.0, noise, size=(len(speeds), seeds))
    times = np.ceil(np.array(speeds)[:, None] * np.exp(problem + own))
    lost = generator.random(times.shape) < diverging
    return np.where((times > budget) | lost, math.inf, times)


def pairs_of(methods):
    return [(i, j) for i in range(methods) for j in range(i + 1, methods)]


def needs_interval(words, p):
    """Whether these verdicts depend on the interval: "faster" also takes p < 0.05."""
    return p < LEVEL or not {"A faster", "B faster"}.issuperset(words)


def verdicts(times, words, seed=0, budget=BUDGET):
    """The verdicts of all pairs after Holm's correction; the interval where `words` depend on it.

    Most p-values are above 0.05, so most of the resampling is saved.
    """
    pairs = pairs_of(len(times))
    differences = [restricted(times[i], budget) - restricted(times[j], budget) for i, j in pairs]
    corrected = holm([sign_flip(d) for d in differences])
    return [
        verdict(
            times[i],
            times[j],
            budget,
            p,
            bootstrap_interval(d, resamples=RESAMPLES, seed=seed)
            if needs_interval(words, p)
            else None,
            comparisons=len(pairs),
        )
        for (i, j), d, p in zip(pairs, differences, corrected, strict=True)
    ]


def margin(share, races, deviations=2.0):
    """So many standard deviations of a share that is counted over so many races."""
    return deviations * math.sqrt(share * (1 - share) / races)
