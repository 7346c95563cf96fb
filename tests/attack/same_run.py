"""Train the same runs, and print a digest of each: of weights, histories and comparisons.

    python same_run.py JOBS BACKEND [START METHOD]

`determinism.py` runs it in many environments.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from minidl import MLPClassifier, compare, datasets, nn, optim, train_replicas
from minidl.cli import main as minidl
from minidl.training import load_extra


def timeless(data: Any) -> Any:
    """Return JSON data without seconds, and without the checksum over these."""
    if isinstance(data, dict):
        return {n: timeless(v) for n, v in data.items() if n not in ("seconds", "sha256")}
    return [timeless(value) for value in data] if isinstance(data, list) else data


def command(*words: str) -> list[Any]:
    """Return the files that a command writes, and what it prints but for seconds."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            if code := minidl([*words, "--quiet"]):  # python -O leaves assertions out
                raise SystemExit(f"{words}: exit code {code}")
        model, rest = Path("m.npz"), [path for path in Path().iterdir() if path.suffix == ".json"]
        arrays = load_extra(model) if model.exists() else {}
        weights = model.read_bytes() if model.exists() else b""
        return [weights, sorted(arrays), [timeless(json.loads(p.read_text())) for p in rest]]


def train() -> list[Any]:
    """Train with dropout, a schedule, momentum and weight decay, and validation."""
    options = ["--optimizer", "nag", "--lr", "0.1", "--dropout", "0.3", "--schedule", "cosine"]
    options += ["--weight-decay", "0.01", "--rows", "200", "--epochs", "15"]
    return command("train", *options, "--save", "m.npz", "--json", "h.json")


def chosen_rate() -> list[Any]:
    """Train at a rate that is chosen, with early stopping."""
    options = ["--dataset", "spirals", "--early-stopping", "3", "--rows", "150", "--epochs", "20"]
    return command("train", *options, "--save", "m.npz", "--json", "h.json")


def comparison(jobs: int) -> list[Any]:
    """Compare three optimizers, one of which has a momentum to tune."""
    made = compare(
        "circles", optimizers=["gd", "nag", "adam"], lr=[0.05, 0.2], epochs=12, seeds=4,
        tuning_seeds=2, jobs=jobs, hidden=[8],
    )  # fmt: skip
    return [timeless(json.loads(made.to_json()))]


def replicas(jobs: int) -> list[Any]:
    """Train networks whose products are large enough for several threads of BLAS."""
    data = datasets.load("digits", seed=0)
    make, rates = lambda seed: nn.mlp(64, 96, 10, dropout=0.2, seed=seed), optim.NAG([0.01, 0.05])
    options: dict[str, Any] = {"loss": "cross_entropy", "seeds": 2, "epochs": 2, "jobs": jobs}
    found = train_replicas(
        make, rates, data.X_train, data.y_train, batch_size="full", memory=1, **options
    )
    return [[r.model.parameters.value.tobytes(), timeless(r.history.to_dict())] for r in found]


def estimator() -> list[Any]:
    """Fit a classifier whose labels are texts, which have another hash in each process."""
    X = np.random.default_rng(0).normal(size=(120, 3))
    y = np.array(["cat", "dog", "emu"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)]
    fitted = MLPClassifier(8, max_iter=20, random_state=0, early_stopping=True).fit(X, y)
    return [fitted.predict_proba(X).tobytes(), fitted.classes_.tolist(), fitted.loss_curve_]


def main() -> None:
    """Print the digest of each run."""
    jobs, backend, *method = sys.argv[1:]
    if method:
        multiprocessing.set_start_method(method[0])
    runs: dict[str, Callable[[], list[Any]]] = {
        "train": train, "train, rate chosen": chosen_rate, "estimator": estimator,
        "compare": lambda: comparison(int(jobs)), "train_replicas": lambda: replicas(int(jobs)),
    }  # fmt: skip
    with warnings.catch_warnings(), joblib.parallel_config(backend, n_jobs=int(jobs)):
        warnings.simplefilter("ignore")
        for name, run in runs.items():
            print(name, hashlib.sha256(repr(run()).encode()).hexdigest()[:16], sep=": ")


if __name__ == "__main__":
    main()
