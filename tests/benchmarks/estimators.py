"""Time of fit of minidl.MLPClassifier and MLPRegressor, beside scikit-learn's, over batch sizes.

    python tests/benchmarks/estimators.py

Both have the same parameters, and train all epochs. Each call of fit counts as a whole, with checks
and initial weights, and is divided by its number of updates.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import command
import report
from sklearn.datasets import load_diabetes, load_digits, make_moons
from sklearn.preprocessing import scale
from timing import Run, interleave, quartiles

BATCHES: tuple[int | None, ...] = (1, 8, 32, 200, None)  # None is all rows
STEPS = 1000  # about so many in a run
SETTINGS = {"learning_rate_init": 0.01, "tol": 0.0, "n_iter_no_change": math.inf}
SMALL, MUST = 32, 1 / 2.5  # up to this batch size minidl should take 40 % of the time

Data = tuple[Any, Any]


def digits() -> Data:
    """Return the digits with inputs from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def diabetes() -> Data:
    """Return the diabetes data, standardised."""
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


PROBLEMS: dict[str, tuple[str, Callable[[], Data], tuple[int, ...]]] = {
    "moons, 2-16-16-1": (
        "MLPClassifier", partial(make_moons, 1000, noise=0.2, random_state=0), (16, 16)
    ),
    "digits, 64-32-10": ("MLPClassifier", digits, (32,)),
    "diabetes, 10-16-1": ("MLPRegressor", diabetes, (16,)),
}  # fmt: skip


@dataclass
class Fit:
    """An estimator of one library on one problem."""

    library: str
    problem: str
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        name, load, sizes = PROBLEMS[self.problem]
        self.X, self.y = load()
        module = __import__(self.library, fromlist=[name])
        n, batch = len(self.X), self.settings["batch_size"] or len(self.X)
        updates = math.ceil(n / batch)
        epochs = max(1, round(STEPS / updates / (10 if batch == n else 1)))
        self.make = partial(
            getattr(module, name), hidden_layer_sizes=sizes,
            **SETTINGS | self.settings | {"batch_size": batch, "max_iter": epochs},
        )  # fmt: skip
        self.steps = updates * epochs

    def prepare(self, seed: int) -> Run:
        """Return a function that fits a new estimator and returns the number of updates."""
        self.model = self.make(random_state=seed)

        def run() -> int:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # all epochs are intended
                self.model.fit(self.X, self.y)
            return self.steps

        return run

    def loss(self) -> float:
        """Return the mean loss of the batches of the last epoch."""
        return float(self.model.loss_)


def measure(
    problem: str, solver: str, batch: int | None, settings: command.Settings
) -> dict[str, Any]:
    """Time both libraries on one problem."""
    common = {"solver": solver, "batch_size": batch}
    fits = {
        "minidl": Fit("minidl", problem, common),
        "minidl, measured": Fit("minidl", problem, common | {"measure_every": 1}),
        "minidl, eager": Fit("minidl", problem, common | {"engine": "eager"}),
        "scikit-learn": Fit("sklearn.neural_network", problem, common),
    }
    times, losses = interleave(fits, settings.repeats, settings.generator)
    rows = report.figures(times, ["scikit-learn"])
    for name, row in rows.items():
        row["loss"] = quartiles(losses[name])[1]
        row["remark"] = f"{fits[name].steps} steps, loss {row['loss']:.4f}"
    must = MUST if batch is not None and batch <= SMALL else 1.0
    targets = report.verdicts(times, [report.Target("scikit-learn", must)])
    return {"unit": "us per step", "contestants": rows, "targets": targets}


CASES = {
    f"{problem}, {solver}, {'full batch' if batch is None else f'batch {batch}'}": partial(
        measure, problem, solver, batch
    )
    for problem in PROBLEMS
    for solver in ("sgd", "adam")
    for batch in BATCHES
}

if __name__ == "__main__":
    sys.exit(command.main("Time of fit of the estimators.", CASES, report.table))
