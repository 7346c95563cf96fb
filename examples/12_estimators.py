"""Estimators of scikit-learn: a grid search over optimizers, and their epochs to converge.

A pipeline standardises the breast cancer data and fits a network. A grid search tries four
optimizers at three learning rates each. Then each optimizer trains at its best rate, with ten
seeds, until the training loss is 0.05. Whether a difference is more than luck, ``minidl.compare``
tests: see 04_epochs_to_converge.py.
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minidl import MLPClassifier

GRID = {"gd": (0.03, 0.1, 0.3), "nag": (0.01, 0.03, 0.1)}
GRID |= {"adam": (0.001, 0.003, 0.01), "rmsprop": (0.001, 0.003, 0.01)}
SEEDS, TARGET = 10, 0.05


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # of 30 epochs in the search
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    network = MLPClassifier(16, "tanh", batch_size=32, max_iter=30, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network)
    name = "mlpclassifier__"
    grid = [{f"{name}solver": [s], f"{name}learning_rate_init": r} for s, r in GRID.items()]
    search = GridSearchCV(pipeline, grid, cv=3, scoring="neg_log_loss").fit(X_train, y_train)

    best: dict[str, tuple[float, float]] = {}  # solver -> log loss and rate
    results = search.cv_results_
    for parameters, score in zip(results["params"], results["mean_test_score"], strict=True):
        solver, rate = parameters[f"{name}solver"], parameters[f"{name}learning_rate_init"]
        best[solver] = min(best.get(solver, (np.inf, 0.0)), (-score, rate))

    print(f"Epochs until the training loss is {TARGET}, {SEEDS} seeds, each at its best rate:")
    print(f"{'solver':9}{'rate':>6}{'log loss in validation':>24}{'median':>8}  epochs")
    for solver, (loss, rate) in best.items():
        network.set_params(solver=solver, learning_rate_init=rate, target_loss=TARGET, max_iter=200)
        epochs = []
        for seed in range(SEEDS):
            pipeline.set_params(mlpclassifier=network.set_params(random_state=seed))
            epochs.append(pipeline.fit(X_train, y_train)[-1].history_.epochs_to(TARGET))
        median = np.median([np.inf if epoch is None else epoch for epoch in epochs])
        print(f"{solver:9}{rate:6.3f}{loss:24.3f}{median:8.3g}  {epochs}")
    print(f"Best in validation: {search.best_params_[f'{name}solver']}", end=", ")
    accuracy = search.best_estimator_.score(X_test, y_test)
    print(f"accuracy {accuracy:.3f} on {len(X_test)} test rows")


if __name__ == "__main__":
    main()
