"""Made-up comparisons, so that a test can say what each run did."""

import math
import re

import numpy as np

from minidl.comparison import Comparison, Contestant, Goal, Plan, Run, Setting
from minidl.sealed import seal_json

RULES = {"gd": "GradientDescent", "batch": "GradientDescent", "momentum": "Momentum", "nag": "NAG",
         "nag-reformulated": "ReformulatedNAG"}  # fmt: skip
START, TARGET, END = 1.0, 0.1, 0.01
TUNING = (100, 101)


def curve(outcome, budget):
    """A loss that falls below the target in epoch `outcome`, and stays there; None: never."""
    losses = np.full(budget + 1, 0.5)
    losses[0] = START
    if outcome is not None:
        losses[outcome:] = END
    return losses


def run(name, setting, seed, outcome, budget, *, updates=24):
    """One run: `outcome` is a hitting time, None for never, or "@ 7" for divergence in epoch 7."""
    lost = int(outcome.removeprefix("@ ")) if isinstance(outcome, str) else None
    losses = curve(None, lost - 1) if lost else curve(outcome, budget)
    return Run(name, setting, seed, {"train_loss": losses}, lost, updates, 750, updates,
               0.25 * (len(losses) - 1))  # fmt: skip


def contestant(name, batch_size=32, lr=0.1, momentum=0.9):
    rule = RULES.get(name, "NAG")
    own = Setting(lr, None if rule == "GradientDescent" else momentum)
    return Contestant(name, rule, batch_size, own)


def plan(names, seeds=6, budget=50, *, tune="lr", rates=(0.1, 0.2, 0.4), momenta=(), **others):
    """A plan; a name may be a Contestant."""
    contestants = tuple(contestant(n) if isinstance(n, str) else n for n in names)
    known = {
        "problem": "toy",
        "network": "Dense(2, 1)",
        "loss": "MeanSquaredError()",
        "rows": 750,
        "contestants": contestants,
        "tune": tune,
        "rates": () if tune == "none" else tuple(rates),
        "momenta": tuple(momenta),
        "tuning_seeds": TUNING,
        "seeds": tuple(range(seeds)),
        "epochs": budget,
        "goal": Goal("loss", TARGET),
        "sustained": 3,
        "twins": False,
    }
    return Plan(**{**known, **others})


def comparison(outcomes, budget=50, *, at=0.2, tuning=None, **others):
    """The comparison in which `name` had `outcomes[name][s]` with seed s, at its chosen rate.

    Every other rate arrives on no seed, so `at` is chosen (or what `at[name]` says). The tuning
    seeds have the first hitting time of `outcomes[name]` there, unless `tuning[name]` gives their
    outcome by rate.
    """
    n = max(map(len, outcomes.values()))
    made = plan(outcomes, n, budget, **others)
    runs = []
    for c in made.contestants:
        best = at[c.name] if isinstance(at, dict) else at
        for setting in made.settings(c):
            own = made.tune == "none" or setting.lr == best
            usual = next((o for o in outcomes[c.name] if isinstance(o, int)), 5) if own else None
            told = (tuning or {}).get(c.name, {}).get(setting.lr, usual)
            runs += [run(c.name, setting, s, told, budget) for s in TUNING]
            runs += [
                run(c.name, setting, s, outcome if own else None, budget)
                for s, outcome in enumerate(outcomes[c.name])
                if outcome != "missing"
            ]
    return Comparison(made, runs)


def searched(tuning, outcomes, trials, budget=50, **others):
    """A random search: `tuning[name][k]` is the outcome of trial k with every tuning seed.

    `outcomes[name][s]` is that of all of its trials with evaluation seed s, or a function of k.
    """
    n = max(map(len, outcomes.values()))
    fixed = {"tune": "lr,momentum", "rates": (trials[0].effective, trials[-1].effective)}
    fixed |= {"momenta": sorted({trial.momentum for trial in trials}), "trials": tuple(trials)}
    made = plan(outcomes, n, budget, **fixed, **others)
    runs = []
    for c in made.contestants:
        for k, setting in enumerate(made.settings(c)):
            runs += [run(c.name, setting, s, tuning[c.name][k], budget) for s in TUNING]
            for s, outcome in enumerate(outcomes[c.name]):
                told = outcome(k) if callable(outcome) else outcome
                runs.append(run(c.name, setting, s, told, budget))
    return Comparison(made, runs)


def alone(outcomes, budget=50, **others):
    """As :func:`comparison`, with nothing tuned: each outcome once."""
    return comparison(outcomes, budget, tune="none", **others)


def without_seconds(value):
    """Plain data without what differs from run to run: the seconds, and so the checksum."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("seconds", "sha256")}
        return {k: without_seconds(v) for k, v in kept.items()}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


def times_of(outcomes):
    return [math.inf if o is None or isinstance(o, str) else float(o) for o in outcomes]


def sealed_again(text):
    """A record that was changed, with the checksum that is right now."""
    return seal_json(re.sub(r',"sha256":"[0-9a-f]{64}"\}\n$', "}", text))
