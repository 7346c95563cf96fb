"""Comparisons with looks at 12, 24 and 48 seeds: false *faster* verdicts, and seeds saved.

    python tests/comparison/looks_nulls.py [--banks DIRECTORY] [--races 1000]

prints for each made-up shape and each bank of real runs, of the first set of ``tuned_nulls.py``,
how often two equal optimizers are called different, and how often one that takes 80 or 60 % of the
epochs is found, after how many of the 48 seeds in the mean. Ten more seeds tune. The columns:
error spent by :func:`~minidl.comparison.error_share`; 5 % at every look, which is wrong; and 48
seeds without looks.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from tuned_nulls import nulls

from minidl.comparison import error_share, leave_one_out, tuned_interval, tuned_swap, verdict
from minidl.comparison.stats.tuned import tuned_equivalence

LOOKS, TUNING = (12, 24, 48), 10
OPEN = "no difference shown"


def always(looks, seeds):
    """Return the wrong share: each look may spend all of the error."""
    return 1.0


def judged(a, b, share, *, budget, seed, resamples):
    """Return the verdict on min(T, E) of two optimizers (rates, seeds), as `Results` does."""
    confidence, each = 1 - 0.05 * share, np.arange(a.shape[1])
    x, y = a[leave_one_out(a), each], b[leave_one_out(b), each]
    difference = np.mean(x - y)
    low, high = tuned_interval(a, b, confidence, resamples=resamples, seed=seed)
    interval = min(low, difference), max(high, difference)
    p = min(1.0, tuned_swap(a, b, seed, patterns=resamples) / share)
    x, y = (np.where(times < budget, times, math.inf) for times in (x, y))
    how = {"confidence": confidence, "resamples": resamples}
    equal = tuned_equivalence(a, b, x, y, budget, **how)
    return verdict(x, y, budget, p, interval, equivalence=equal, share=share).word


def race(a, b, looks, share_of, **how):
    """Return the verdict at the look that decides, and its number of evaluation seeds."""
    for n in looks:
        some = slice(TUNING + n)
        word = judged(a[:, some], b[:, some], share_of(looks, n), **how)
        if word != OPEN:
            break
    return word, n


def shares(draw, races, looks=LOOKS, *, budget, share_of=error_share, speed=1.0, resamples=2000):
    """Return how often the first is called faster, how often either is, and the mean of seeds."""
    generator, found = np.random.default_rng(1983), []
    for k in range(races):
        a, b = draw(generator, TUNING + looks[-1])
        a = a if speed == 1 else np.maximum(np.round(speed * a), 1)
        a, b = np.minimum(a, budget), np.minimum(b, budget)
        found.append(race(a, b, looks, share_of, budget=budget, seed=k, resamples=resamples))
    words, seeds = zip(*found, strict=True)
    first = words.count("A faster") / races
    return first, first + words.count("B faster") / races, np.mean(seeds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--banks", type=Path)
    parser.add_argument("--races", type=int, default=1000)
    options = parser.parse_args()
    rules = {"looks": (LOOKS, error_share), "wrong": (LOOKS, always), "48 seeds": ((48,), always)}
    for name, draw, budget in nulls("first", options.banks):
        for rule, (looks, share_of) in rules.items():
            how = {"budget": budget, "share_of": share_of}
            _, false, seeds = shares(draw, options.races, looks, **how)
            cells = [f"equal: {100 * false:4.1f} % false, {seeds:4.1f} seeds"]
            for speed in (0.8, 0.6):
                found, _, seeds = shares(draw, options.races // 4, looks, speed=speed, **how)
                cells.append(f"{speed}: {100 * found:3.0f} % found, {seeds:4.1f} seeds")
            print(f"{name:45} {rule:8}  {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
