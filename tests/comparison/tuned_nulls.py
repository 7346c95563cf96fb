"""How often two equal tuned optimizers are told apart: made-up curves and real training runs.

    python tests/comparison/tuned_nulls.py --banks DIRECTORY [--races 1000]

trains nine banks of real runs (about 12 minutes on one core; they are kept in the directory), and
prints the share of false *faster* verdicts for each, and how often 80 % of the epochs are found. A
race draws seeds of a bank, and the two labels of each seed at random. In a bank of one optimizer,
half of the seeds are of each label; in one of two forms of NAG each form is.
"""

import argparse
import math
from pathlib import Path

import numpy as np

from minidl.comparison import compare, leave_one_out, tuned_interval, tuned_swap

RATES = [2.0**k for k in range(-6, 3)]
BUDGET, SEEDS = 60, 160
BANKS = [
    ("moons", ["nag"], 32),
    ("moons", ["gd"], 32),
    ("circles", ["momentum"], 32),
    ("circles", ["gd"], "full"),
    ("breast-cancer", ["momentum"], 32),
    ("spirals", ["nag"], 32),
    ("wine", ["nag"], "full"),
    ("moons", ["nag", "nag-reformulated"], 32),
    ("circles", ["nag", "nag-reformulated"], 32),
]
# steepness of the curve, standard deviation of log T for one seed, share of diverging runs
SHAPES = {"steep": (0.3, 0.1, 0.03), "middle": (0.1, 0.1, 0.03), "gentle": (0.04, 0.3, 0.05)}


def made_up(shape, generator, seeds):
    """min(T, 100) (2, rates, seeds): log T = seed + steepness (k - 3.3)^2 + own noise."""
    steepness, noise, diverging = SHAPES[shape]
    curve = steepness * (np.arange(8) - 3.3) ** 2
    own = generator.normal(0.0, noise, size=(2, 8, seeds))
    times = np.ceil(np.exp(generator.normal(3.0, 0.3, size=seeds) + curve[:, None] + own))
    lost = generator.random(times.shape) < diverging
    return np.where((times > 100) | lost, 100.0, times)


def train(problem, optimizers, batch_size):
    """Return loss curves (optimizers, rates, seeds, epochs) of real runs; inf after divergence."""
    found = compare(
        problem, optimizers=optimizers, batch_size=batch_size, lr=RATES, epochs=BUDGET,
        tuning_seeds=SEEDS, seeds=1,
    )  # fmt: skip
    seeds = found.plan.tuning_seeds
    curves = np.full((len(optimizers), len(RATES), len(seeds), BUDGET + 1), math.inf)
    for run in found.runs:
        if run.seed in seeds and run.setting.lr in RATES:
            place = optimizers.index(run.optimizer), RATES.index(run.setting.lr)
            losses = run.curves["train_loss"]
            if run.diverged_at is None:
                curves[(*place, seeds.index(run.seed))] = losses
            curves[(*place, seeds.index(run.seed))][0] = losses[0]
    return curves


def bank_of(curves, tau):
    """Return min(T, E) (2, rates, seeds) for the target that leaves a share tau of the gap."""
    best = np.where(np.isfinite(curves[..., -1]), curves.min(axis=-1), math.inf)
    start, end = np.median(curves[0, 0, :, 0]), np.median(best, axis=-1).min()
    holds = curves <= end + tau * (start - end)
    three = holds[..., :-2] & holds[..., 1:-1] & holds[..., 2:]
    times = np.where(three.any(axis=-1), three.argmax(axis=-1), BUDGET).astype(float)
    return times if len(times) == 2 else np.stack([times[0, :, ::2], times[0, :, 1::2]])


def drawn(bank, generator, seeds):
    """Return some seeds of a bank, with random labels."""
    times = bank[..., generator.permutation(bank.shape[-1])[:seeds]].copy()
    swapped = generator.random(seeds) < 0.5
    times[..., swapped] = times[::-1, :, swapped]
    return times


def judge(a, b, seed, resamples=2000):
    """Return -1, 0 or 1: whether a or b is faster, by interval and swap."""
    low, high = tuned_interval(a, b, resamples=resamples, seed=seed)
    each = np.arange(a.shape[1])
    estimate = np.mean(a[leave_one_out(a), each] - b[leave_one_out(b), each])
    low, high = min(low, estimate), max(high, estimate)
    if low <= 0 <= high or tuned_swap(a, b, seed, patterns=resamples) >= 0.05:
        return 0
    return -1 if high < 0 else 1


def share(draw, seeds, races, speed=1.0, resamples=2000):
    """Return how often the first is called faster, and how often either is."""
    generator, found = np.random.default_rng(1990), []
    for race in range(races):
        a, b = draw(generator, seeds)
        a = a if speed == 1 else np.maximum(np.round(speed * a), 1)
        found.append(judge(a, b, race, resamples))
    return np.mean(np.array(found) == -1), np.mean(np.array(found) != 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--banks", type=Path, required=True)
    parser.add_argument("--races", type=int, default=1000)
    options = parser.parse_args()
    draws = {name: lambda g, n, name=name: made_up(name, g, n) for name in SHAPES}
    for problem, optimizers, batch_size in BANKS:
        file = options.banks / f"{problem}-{optimizers[-1]}-{batch_size}.npz"
        if not file.exists():
            np.savez(file, curves=train(problem, optimizers, batch_size))
        for tau in (0.1, 0.03):
            bank = bank_of(np.load(file)["curves"], tau)
            name = f"{problem}, {' and '.join(optimizers)}, {batch_size}, gap {tau}"
            draws[name] = lambda g, n, bank=bank: drawn(bank, g, n)
    print("false faster verdicts, and 80 % of the epochs found, with 30 and with 16 seeds")
    for name, draw in draws.items():
        cells = []
        for seeds in (30, 16):
            false = share(draw, seeds, options.races)[1]
            found = share(draw, seeds, options.races // 4, 0.8)[0]
            cells.append(f"{100 * false:5.1f} %  {100 * found:3.0f} %")
        print(f"{name:50} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
