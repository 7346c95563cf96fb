"""Twins with one fault each: some estimator of a small set must differ from scikit-learn's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from twin_checks import difference, fitted, pair, rows_of

from minidl import optim
from minidl.estimators import twin, twin_steps
from minidl.estimators.bookkeeping import Account
from minidl.estimators.twin import Twin
from minidl.estimators.twin_steps import EpsilonHatAdam, Network

RTOL = 1e-12
X, Y = (rows[::3] for rows in rows_of("iris"))  # 50 rows
RARE = np.arange(50) < 8  # of two classes
NUMBERS = load_diabetes().target[:50, None] / 100 - X[:, :2]
SGD = {"solver": "sgd", "learning_rate_init": 0.1, "hidden_layer_sizes": (5,), "random_state": 1}
SGD |= {"batch_size": 16, "max_iter": 6, "alpha": 0.5}
ADAM = SGD | {"solver": "adam", "epsilon": 1e-3, "learning_rate_init": 0.02}
STOPS = SGD | {"max_iter": 60, "n_iter_no_change": 2, "tol": 1e-2}
STILL = STOPS | {"learning_rate_init": 1e-20, "shuffle": False, "tol": 0.0}
CASES: dict[str, tuple[bool, Any, dict[str, Any]]] = {
    "Nesterov": (True, Y, SGD),
    "momentum": (True, Y, SGD | {"nesterovs_momentum": False, "learning_rate": "invscaling"}),
    "two classes": (True, Y > 0, ADAM | {"activation": "logistic"}),
    "labels": (True, np.column_stack([Y > 0, Y > 1]).astype(int), ADAM | {"activation": "tanh"}),
    "numbers": (False, NUMBERS, SGD | {"learning_rate_init": 0.02, "hidden_layer_sizes": (4, 3)}),
    "adam": (True, Y, ADAM | {"learning_rate": "invscaling"}),
    "saturated": (True, Y, SGD | {"learning_rate_init": 50.0, "activation": "tanh"}),
    "stops": (True, Y, STOPS),
    "still": (True, Y, STILL),
    "adaptive": (True, Y, STOPS | {"learning_rate": "adaptive", "tol": 0.1}),
    "early stopping": (True, RARE, STOPS | {"early_stopping": True, "validation_fraction": 0.3}),
    "float32": (False, NUMBERS.astype("f"), SGD | {"learning_rate_init": 0.02}),
}
Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def differing() -> Iterator[str]:
    """Yield the cases in which the twin is another than scikit-learn's estimator."""
    for name, (classify, y, params) in CASES.items():
        rows = X.astype(np.float32 if name == "float32" else float)
        if not difference(*fitted(classify, rows, y, **params)) <= RTOL:
            yield name
    for name, params in (("warm start", STOPS | {"warm_start": True}), ("partial_fit", SGD)):
        theirs, ours = pair(True, **params | {"learning_rate": "invscaling"})
        for _ in range(3):
            for estimator in (theirs, ours):
                if name == "partial_fit":
                    estimator.partial_fit(X, Y, classes=[0, 1, 2])
                else:
                    estimator.fit(X, Y)
        if not difference(theirs, ours) <= RTOL:
            yield name


def test_without_a_fault_no_case_differs() -> None:
    assert list(differing()) == []


def gradient(change: Callable[..., Any]) -> Callable[[Patch], None]:
    """Return a fault: after each gradient, `change(network, vector, rows, alpha)`."""

    def plant(patch: Patch) -> None:
        right = Network.gradient

        def wrong(self: Any, *arguments: Any) -> Any:
            g = right(self, *arguments)
            _, t, _, alpha, _ = arguments
            change(self, self.model.parameters, len(t), alpha)
            return g

        patch.setattr(Network, "gradient", wrong)

    return plant


def penalise_fully(network: Any, vector: Any, n: int, alpha: float) -> None:
    vector.grad += alpha * (vector.value * vector.penalized) * (1 - 1 / n)


def penalise_biases(network: Any, vector: Any, n: int, alpha: float) -> None:
    vector.grad += alpha * (vector.value * ~vector.penalized) / n


def forget_penalty(network: Any, vector: Any, n: int, alpha: float) -> None:
    w = vector.value * vector.penalized
    network.loss -= 0.5 * alpha * np.dot(w, w) / n


class RateOutside(optim.Momentum):
    def update(self, w: Any, grad: Any) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + grad(w)
        w -= self.lr * v


def textbook_adam(self: Any, w: Any, grad: Any) -> None:
    t, g, m, v = self.step_count + 1, grad(w), self.state["first"], self.state["second"]
    m[...] = self.beta1 * m + (1 - self.beta1) * g
    v[...] = self.beta2 * v + (1 - self.beta2) * g**2
    root = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
    w -= self.lr * m / (1 - self.beta1**t) / root


def uncorrected_adam(self: Any, w: Any, grad: Any) -> None:
    g, m, v = grad(w), self.state["first"], self.state["second"]
    m[...] = self.beta1 * m + (1 - self.beta1) * g
    v[...] = self.beta2 * v + (1 - self.beta2) * g**2
    w -= self.lr * m / (np.sqrt(v) + self.epsilon)


def first_order(order: Any, random_state: Any) -> Any:
    return random_state.permutation(len(order))  # not of the order before


def other_generator(order: Any, random_state: Any) -> Any:
    return np.random.default_rng(random_state.randint(2**31)).permutation(order)


def draw(
    bound: Callable[[Any, str], float], biases_last: bool = False, biases: float = 1.0
) -> Callable[[Patch], None]:
    """Return a fault of the initial weights."""

    def wrong(self: Any, random: Any) -> None:
        parts = [(layer, p) for layer in self.layers for p in (layer.weight, layer.bias)]
        if biases_last:
            parts.sort(key=lambda part: part[1] is part[0].bias)
        for layer, p in parts:
            limit = bound(layer, self.activation)
            p.data[...] = random.uniform(-limit, limit, p.shape)
            p.data *= biases if p is layer.bias else 1.0

    return lambda patch: patch.setattr(Network, "draw", wrong)


def glorot(layer: Any, activation: str, factor: float = 0.0) -> float:
    factor = factor or (2.0 if activation == "logistic" else 6.0)
    return float(np.sqrt(factor / (layer.in_features + layer.out_features)))


def test_the_planted_weights_are_right_without_a_fault(monkeypatch: Patch) -> None:
    draw(glorot)(monkeypatch)
    assert list(differing()) == []


def mean_of_batches(patch: Patch) -> None:
    right = Twin._epoch

    def wrong(self: Any, rows: Any, order: Any, size: int, alpha: float) -> Any:
        losses, gradient = [], self.network.gradient

        def noting(*arguments: Any) -> Any:
            g = gradient(*arguments)
            losses.append(self.network.loss)
            return g

        self.network.gradient = noting
        right(self, rows, order, size, alpha)
        del self.network.gradient
        return np.mean(losses) * len(rows[1])

    patch.setattr(Twin, "_epoch", wrong)


def rules(**changed: Callable[[Any], Any]) -> Callable[[Patch], None]:
    """Return a fault of stopping or of the rates: other rules than given."""

    def plant(patch: Patch) -> None:
        right = Account.ends

        def wrong(self: Any, rules: Any, *arguments: Any) -> bool:
            new = {name: change(getattr(rules, name)) for name, change in changed.items()}
            return right(self, replace(rules, **new), *arguments)

        patch.setattr(Account, "ends", wrong)

    return plant


def note_loss(worse: Callable[[float, float, float], bool]) -> Callable[[Patch], None]:
    """Return a fault: other losses count as no improvement."""

    def wrong(self: Any, loss: float, tol: float) -> None:
        self.no_improvement = self.no_improvement + 1 if worse(loss, self.best_loss, tol) else 0
        self.best_loss = min(self.best_loss, loss)

    return lambda patch: patch.setattr(Account, "note_loss", wrong)


def before_training(change: Callable[[Any], None]) -> Callable[[Patch], None]:
    """Return a fault: a change of the twin before each call of fit or partial_fit."""

    def plant(patch: Patch) -> None:
        right = Twin._train

        def wrong(self: Any, *arguments: Any) -> None:
            change(self)
            right(self, *arguments)

        patch.setattr(Twin, "_train", wrong)

    return plant


def steps_for_rows(patch: Patch) -> None:
    right = Account.ends

    def wrong(self: Any, rules: Any, optimizer: Any, first_rate: float) -> bool:
        kept, self.t = self.t, optimizer.step_count
        ends = right(self, rules, optimizer, first_rate)
        self.t = kept
        return ends

    patch.setattr(Account, "ends", wrong)


def split(**changed: Any) -> Callable[[Patch], None]:
    """Return a fault of the validation rows."""

    def plant(patch: Patch) -> None:
        right = twin.train_test_split
        patch.setattr(twin, "train_test_split", lambda *rows, **how: right(*rows, **how | changed))

    return plant


def last_weights(patch: Patch) -> None:
    def wrong(self: Any, score: float, tol: float, weights: Any) -> None:
        right(self, score, tol, weights)
        self.best_weights = weights.copy()

    right = Account.note_score
    patch.setattr(Account, "note_score", wrong)


def setting(where: Any, name: str, value: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(where, name, value)


def unclipped(patch: Patch) -> None:
    unchanged = {"clip": lambda p, low, high: p}
    patch.setattr(twin_steps, "np", SimpleNamespace(**vars(np) | unchanged))


FAULTS: dict[str, Callable[[Patch], None]] = {
    "Nesterov at the look-ahead point": setting(twin, "ReformulatedNAG", optim.NAG),
    "momentum instead of Nesterov's": setting(twin, "ReformulatedNAG", optim.Momentum),
    "the rate outside the velocity": setting(twin, "Momentum", RateOutside),
    "a penalty not divided by the rows": gradient(penalise_fully),
    "biases in the penalty": gradient(penalise_biases),
    "a loss without the penalty": gradient(forget_penalty),
    "epsilon after the bias correction": setting(EpsilonHatAdam, "update", textbook_adam),
    "Adam without bias correction": setting(EpsilonHatAdam, "update", uncorrected_adam),
    "rates of sgd for Adam": setting(twin, "replace", lambda rules, **changed: rules),
    "each order from the first": setting(twin, "shuffle", first_order),
    "orders of another generator": setting(twin, "shuffle", other_generator),
    "biases of 0": draw(glorot, biases=0.0),
    "the bound of tanh for logistic": draw(lambda layer, name: glorot(layer, name, 6.0)),
    "biases drawn after all weights": draw(glorot, biases_last=True),
    "the mean of the batches' losses": mean_of_batches,
    "no clipping of probabilities": unclipped,
    "stopping an epoch early": rules(n_iter_no_change=lambda n: n - 1),
    "stopping an epoch late": rules(n_iter_no_change=lambda n: n + 1),
    "no tolerance": note_loss(lambda loss, best, tol: loss > best),
    "an equal loss is no improvement": note_loss(lambda loss, best, tol: loss >= best - tol),
    "compared with the loss before": note_loss(lambda loss, best, tol: loss < best - tol),
    "adaptive as constant": rules(
        learning_rate=lambda rate: "constant" if rate == "adaptive" else rate
    ),
    "inverse scaling by steps": steps_for_rows,
    "another power": rules(power_t=lambda power: 0.51),
    "validation rows without shares of classes": split(stratify=None),
    "validation rows of a new generator": split(random_state=np.random.RandomState(1)),
    "the last weights after early stopping": last_weights,
    "a new optimizer in partial_fit": before_training(
        lambda self: self.optimizer.reset()  # its rate, too
    ),
    "a warm start counts from 0": before_training(
        lambda self: setattr(self.account, "no_improvement", 0)
    ),
    "a warm start forgets the rows seen": before_training(
        lambda self: setattr(self.account, "t", 0)
    ),
    "a warm start forgets the best loss": before_training(
        lambda self: setattr(self.account, "best_loss", np.inf)
    ),
    "float32 losses in float32": setting(twin, "_rows_per_batch", lambda size, n: int(size)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_twin_with_a_fault_differs(fault: str, monkeypatch: Patch) -> None:
    FAULTS[fault](monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = next(differing(), None)
    assert found, f"no case notices {fault}"
