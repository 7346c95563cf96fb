"""What ``minidl train`` without options learns, beside scikit-learn's MLP on the same rows.

    python tests/benchmarks/accuracy.py [FILE:TARGET ...] [--control]

Each seed draws a split, weights and orders. Both libraries train on the rows that minidl prepared,
and are scored on the same test rows: accuracy, or R^2 of a regression. scikit-learn's MLP has
minidl's network and batch size, and once its own defaults (100 ReLU units, batches of 200); the
rest (Adam, at most 200 epochs) is its default both times. --repeats is the number of seeds.

Below the table stands on how many problems one is at most 2 % of the other's score below it, with
means over the seeds and with each seed alone, on how many it is further below by two standard
errors, and the mean difference over all problems. --control says how often equals meet that rule:
scikit-learn's MLP is trained once more with another random_state, and judged beside itself; its two
settings are judged beside each other, and beside minidl.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import statistics
import sys
import tempfile
import warnings
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import command
import numpy as np

from minidl import datasets, load_model
from minidl.cli import main as minidl_main

SAME, DEFAULTS = "same network", "its defaults"
PEERS: dict[str, dict[str, Any]] = {
    SAME: {"hidden_layer_sizes": (16, 16), "activation": "tanh", "batch_size": 32},
    DEFAULTS: {},
}
AGAIN = " again"  # the peer with another random_state
CERTAIN = 2  # standard errors
CLIP = 0.2  # a difference beyond it counts as it, in the mean over problems
OTHER_STATE = 1000  # is added to the seed for it
WORSE = 0.02  # share of scikit-learn's score by which minidl may be worse


def by_minidl(data: datasets.Dataset, words: list[str]) -> Any:
    """Train on the command line with nothing but the data and a seed; return the outputs."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        file = str(Path(folder, "model.npz"))
        if code := minidl_main(["train", *words, "--quiet", "--save", file]):
            raise RuntimeError(f"minidl train {' '.join(words)} ended with {code}")
        return load_model(file).predict(data.X_test)


def score(data: datasets.Dataset, outputs: Any) -> float:
    """Return the accuracy of logits, or R^2 of numbers."""
    if data.task == "regression":
        errors, spread = outputs[:, 0] - data.y_test, data.y_test - data.y_test.mean()
        return float(1 - (errors**2).mean() / (spread**2).mean())
    classes = outputs[:, 0] > 0 if data.task == "binary" else outputs.argmax(axis=1)
    return float(np.mean(classes == data.y_test))


def by_scikit_learn(data: datasets.Dataset, seed: int, settings: dict[str, Any]) -> float:
    """Return the score of an MLP with these settings."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPRegressor if data.task == "regression" else MLPClassifier
    if settings:
        settings = {**settings, "batch_size": min(settings["batch_size"], len(data.X_train))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = kind(random_state=seed, **settings).fit(data.X_train, data.y_train)
    return float(model.score(data.X_test, data.y_test))


def measure(
    name: str, options: dict[str, Any], settings: command.Settings, *, control: bool = False
) -> dict[str, Any]:
    """Return the scores of all contestants for each seed, with these options of the data."""
    typed = typed_options(options)
    states = {"": 0, AGAIN: OTHER_STATE} if control else {"": 0}
    scores: dict[str, list[float]] = {"minidl": []}
    scores |= {f"{peer}{again}": [] for again in states for peer in PEERS}
    for seed in range(settings.repeats):
        data = datasets.load(name, seed=seed, **options)
        words = ["--dataset", name, *typed, "--seed", str(seed)]
        scores["minidl"].append(score(data, by_minidl(data, words)))
        for peer, given in PEERS.items():
            for again, more in states.items():
                scores[f"{peer}{again}"].append(by_scikit_learn(data, seed + more, given))
    return {"task": data.task, "rows": len(data.X_train), "scores": scores}


def typed_options(options: dict[str, Any]) -> list[str]:
    """Return options of ``datasets.load`` as they are typed."""
    words: list[str] = []
    for name, value in options.items():
        text = io.StringIO()
        csv.writer(text).writerow([value] if isinstance(value, str) else value)
        flag = "--target-column" if name == "target" else f"--{name}"
        words += [flag, value if name == "target" else text.getvalue().rstrip()]
    return words


def margin(case: dict[str, Any], peer: str, judged: str = "minidl") -> tuple[float, float]:
    """Return the peer's mean score less minidl's and less 2 % of it, and the standard error.

    Seeds are paired. Above 0, minidl, or what is judged instead, is worse by more than 2 %.
    """
    both = case["scores"][judged], case["scores"][peer]
    pairs = [b - a for a, b in zip(*both, strict=True)]
    error = statistics.stdev(pairs) / len(pairs) ** 0.5 if len(pairs) > 1 else math.inf
    mine, other = map(statistics.mean, both)
    return other - WORSE * abs(other) - mine, error


def table(cases: dict[str, dict[str, Any]]) -> str:
    """Return a line for each problem: means, and differences with their standard errors."""
    lines = [f"{'':<24}{'rows':>6}{'minidl':>15}" + "".join(f"{peer:>27}" for peer in PEERS)]
    for name, case in cases.items():
        mine = case["scores"]["minidl"]
        spread = statistics.stdev(mine) if len(mine) > 1 else 0.0
        line = f"{name:<24}{case['rows']:>6}{statistics.mean(mine):>8.3f} ±{spread:.3f}"
        for peer in PEERS:
            other = case["scores"][peer]
            above, error = margin(case, peer)
            difference = f"({statistics.mean(mine) - statistics.mean(other):+.3f} ±{error:.3f})"
            mark = " " if above <= 0 else "!" if above > CERTAIN * error else "*"
            line += f"{statistics.mean(other):>9.3f} {difference}{mark}"
        lines.append(line.rstrip())
    again = [name for name in next(iter(cases.values()))["scores"] if name.endswith(AGAIN)]
    pairs = [("minidl", peer) for peer in PEERS]
    if again:
        pairs += [(peer, "minidl") for peer in PEERS] + [*permutations(PEERS)]
        pairs += [(peer, f"{peer}{AGAIN}") for peer in PEERS]
        pairs += [(f"{peer}{AGAIN}", peer) for peer in PEERS]
    head = f"{'not further below':<20}{'by means':>10}{'by one seed':>13}"
    lines += ["", f"{'':<20}{head}{'certainly further':>19}{'mean difference':>17}"]
    lines += [verdict(cases, judged, peer) for judged, peer in pairs]
    note = "accuracy or R^2 ± standard deviation over seeds; (minidl less it ± standard error)"
    return "\n".join([*lines, f"{note}; * worse by more than 2 %, ! by two standard errors"])


def verdict(cases: dict[str, dict[str, Any]], judged: str, peer: str) -> str:
    """Return a line that says on how many problems one is at most 2 % below the other."""
    margins = [margin(case, peer, judged) for case in cases.values()]
    good = sum(above <= 0 for above, _ in margins)
    worse = sum(above > CERTAIN * error for above, error in margins)
    both = [(case["scores"][judged], case["scores"][peer]) for case in cases.values()]
    pairs = [pair for mine, other in both for pair in zip(mine, other, strict=True)]
    share = statistics.mean(b - WORSE * abs(b) <= a for a, b in pairs)
    means = [statistics.mean(mine) - statistics.mean(other) for mine, other in both]
    means = [min(max(difference, -CLIP), CLIP) for difference in means]
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else math.inf
    found = f"{good} of {len(both)}".rjust(10) + f"{100 * share:.0f} %".rjust(13)
    difference = f"{statistics.mean(means):+.3f} ±{error:.3f}".rjust(17)
    return f"{judged:<20}{peer:<20}{found}{worse:>19}{difference}"


CASES: dict[str, command.Case] = {name: partial(measure, name, {}) for name in datasets.names()}


def of_file(word: str) -> tuple[str, command.Case]:
    """Return a case for FILE:TARGET."""
    file, _, target = word.rpartition(":")
    options = {"target": target, "missing": "drop"}
    return f"{Path(file).stem}:{target}"[:24], partial(measure, file, options)


def run(title: str, cases: dict[str, command.Case], repeats: int, arguments: list[str]) -> int:
    """Measure the cases, of which each is a partial :func:`measure`; return the exit code."""
    control = "--control" in arguments
    rest = [word for word in arguments if word != "--control"]
    chosen = {name: partial(case, control=control) for name, case in cases.items()}
    return command.main(title, chosen, table, repeats=repeats, quick=3, arguments=rest)


if __name__ == "__main__":
    files = [word for word in sys.argv[1:] if ":" in word]
    rest = [word for word in sys.argv[1:] if ":" not in word]
    cases = dict(map(of_file, files)) or CASES
    sys.exit(run("The accuracy of minidl's defaults.", cases, 8, rest))
