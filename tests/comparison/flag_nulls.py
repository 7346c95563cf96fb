"""How often swapping the flag tells equal optimizers apart, anywhere in a grid of learning rates.

    python tests/comparison/flag_nulls.py second --banks DIRECTORY [--races 1000]

takes the curves and the real runs of ``tuned_nulls.py``, whose seeds it deals out to two or three
labels, and prints the share of races in which any pair is called *faster* at any rate.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from tuned_nulls import SETS, exact, nulls

from minidl.comparison import bootstrap_interval, step_down
from minidl.comparison.stats import stepdown


def any_faster(times, seed, resamples=2000):
    """Whether any pair is called faster at any rate, of times (optimizers, rates, seeds)."""
    d = np.concatenate([times[i] - times[j] for i, j in combinations(range(len(times)), 2)])
    for row in d[np.array(step_down(d, seed)) < 0.05]:
        low, high = bootstrap_interval(row, resamples=resamples, seed=seed)
        if high < 0 or low > 0:
            return True
    return False


def familywise(draw, budget, seeds, races):
    """Return how often at least one verdict is false."""
    generator = np.random.default_rng(1993)
    return np.mean(
        [any_faster(np.minimum(draw(generator, seeds), budget), race) for race in range(races)]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--banks", type=Path, required=True)
    parser.add_argument("--races", type=int, default=1000)
    options = parser.parse_args()
    stepdown.PATTERNS = 2000  # as exact as 20,000, and ten times as fast
    cells = {}
    for optimizers, seeds in ((2, 20), (3, 20), (3, 12)):
        for name, draw, budget in nulls(options.set, options.banks, optimizers):
            false = familywise(draw, budget, seeds, options.races)
            text = f"{100 * false:5.1f} {exact(false, options.races)}"
            cells.setdefault(name, []).append(text)
            print(f"{name:38} {optimizers} optimizers, {seeds} seeds: {text}", flush=True)
    print("\nfamilywise false faster verdicts with their interval, in percent")
    print(f"{'':42} {'2 optimizers, 20 seeds':23} {'3, 20 seeds':23} 3, 12 seeds")
    for name, row in cells.items():
        print(f"{name:38} {'      '.join(row)}")


if __name__ == "__main__":
    main()
