"""Made-up races, so that a test can say what each run did."""

from minidl.comparison import Comparison, Run
from minidl.optim import lookup
from minidl.training import History

UPDATES = 24  # in an epoch of the made-up runs


def history(epochs, *, final=0.05, diverged_at=None, updates=UPDATES):
    """A history from loss 0.7 to `final`; one that diverged ends the epoch before."""
    made = History()
    last = epochs if diverged_at is None else diverged_at - 1
    for epoch in range(last + 1):
        made.append(
            {
                "epoch": epoch,
                "updates": epoch * updates,
                "gradient_evaluations": epoch * updates,
                "samples": epoch * updates * 32,
                "seconds": epoch * 0.25,
                "train_loss": final if epoch == epochs else 0.7 - 0.001 * epoch,
            }
        )
    made.stopped_by = "epochs" if diverged_at is None else "diverged"
    made.diverged_at = diverged_at
    return made


def run(optimizer, seed, outcome, budget=50, *, updates=UPDATES):
    """One run: `outcome` is a hitting time, None for never, or "@ 7" for divergence in epoch 7."""
    if isinstance(outcome, str):
        made = history(budget, diverged_at=int(outcome.removeprefix("@ ")), updates=updates)
        return Run(optimizer, seed, made, None)
    return Run(optimizer, seed, history(budget, updates=updates), outcome)


def settings(names, seeds, budget=50, **others):
    """What :meth:`Experiment.settings` would say."""
    entries = [lookup(name) for name in names]
    return {
        "problem": "toy",
        "optimizers": [
            {
                "name": e.name,
                "lr": 0.1,
                "momentum": 0.9 if e.has_momentum else None,
                "batch_size": e.batch_size,
            }
            for e in entries
        ],
        "hidden": [16, 16],
        "activation": "tanh",
        "loss": None,
        "epochs": budget,
        "seeds": seeds,
        "target_loss": 0.1,
        "target_accuracy": None,
        "sustained": 3,
        **others,
    }


def race(outcomes, budget=50, **others):
    """The comparison in which the optimizer `name` had `outcomes[name][s]` with seed s."""
    n = max(map(len, outcomes.values()))
    runs = [
        run(name, seed, results[seed], budget)
        for seed in range(n)
        for name, results in outcomes.items()
        if seed < len(results)
    ]
    return Comparison(settings(outcomes, list(range(n)), budget, **others), runs)


def without_seconds(value):
    """Plain data without the one thing in it that differs from run to run."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value
