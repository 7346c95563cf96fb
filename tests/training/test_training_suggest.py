"""The learning rate that suggest_lr chooses, against runs by hand, and what it refuses."""

import math

import numpy as np
import pytest

from minidl import datasets, nn, optim
from minidl.errors import ArgumentError
from minidl.streams import stream
from minidl.training import SuggestedRate, Trainer, suggest, suggest_lr

RATES = [0.01, 0.03, 0.1]


def regression(n=80, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 3))
    return X, np.tanh(X[:, 0]) + 0.1 * generator.normal(size=n)


def trainer_at(lr=0.5, seed=3, **options):
    network = nn.mlp(3, 8, 1, seed=seed)
    return Trainer(network, "mse", optim.NAG(lr), batch_size=16, seed=seed, **options)


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_losses_are_those_of_runs_by_hand_on_each_quarter(shuffle):
    X, y = regression()
    options = {"l2": 0.01, "l1": 0.02, "shuffle": shuffle}
    found = suggest_lr(trainer_at(**options), X, y, epochs=40, rates=RATES)
    best = []  # of each run, which is not the last
    order = stream(3, "split", 1).permutation(80)
    for lr, loss in zip(found.rates, found.losses, strict=True):
        ends = []
        for k in range(4):
            out = order[20 * k : 20 * (k + 1)]
            rest = np.array([row for row in order if row not in out])
            single = trainer_at(lr, **options)
            single.fit(X[rest], y[rest], epochs=40, validation=(X[out], y[out]))
            weights = [p.data for p in single.model.parameters if p.ndim > 1]
            penalty = sum((0.005 * W**2 + 0.02 * np.abs(W)).sum() for W in weights)
            ends.append(single.history["validation_loss"][-1] - penalty)
            best.append(single.history["validation_loss"].min() - penalty)
        assert loss == pytest.approx(np.mean(ends), rel=1e-9)
    assert max(found.losses) > 1.1 * np.mean(best[-4:])
    assert found.lr == found.rates[int(np.argmin(found.losses))]
    assert (found.epochs, found.rows, found.folds) == (40, 80, 4)


def test_a_rate_that_diverges_is_not_chosen():
    X, y = regression()
    found = suggest_lr(trainer_at(), X, y, epochs=30, rates=[0.03, 50.0])
    assert found.lr == 0.03
    assert found.losses[1] == math.inf
    lost = suggest_lr(trainer_at(), X, y, epochs=30, rates=[50.0, 500.0])
    assert (lost.lr, lost.losses) == (50.0, (math.inf, math.inf))


@pytest.mark.parametrize(
    ("rates", "losses", "lr"),
    [
        ([0.01, 0.03, 0.1], [3.0, 2.0, 1.0], 0.1),
        ([0.01, 0.03, 0.1, 0.3], [3.0, 2.0, 1.0, math.inf], 0.03),
        ([0.01, 0.03, 0.1, 0.3], [2.0, math.inf, 1.0, math.inf], 0.1),  # no other is left
        ([0.01, 0.03, 0.1, 0.3], [5.0, 3.0, math.inf, 1.0], 0.3),
        ([0.01, 0.04], [1.0, math.inf], 0.01),
        ([0.01, 0.1, 0.4], [2.0, 1.0, math.inf], 0.01),
        ([0.01, 0.1, 0.41], [2.0, 1.0, math.inf], 0.1),  # further away
        ([0.01, 0.03], [math.inf, math.inf], 0.01),
    ],
)
def test_a_rate_next_to_one_that_diverged_is_not_chosen_if_there_is_another(
    rates, losses, lr, monkeypatch
):
    monkeypatch.setattr(suggest, "_losses", lambda *_: losses)
    found = suggest_lr(trainer_at(), *regression(), epochs=2, rates=rates)
    assert (found.lr, found.losses) == (lr, tuple(losses))


def test_a_small_noisy_table_gets_a_smaller_rate_than_one_without_noise():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    noise, signal = generator.normal(size=60), X[:, 0] * X[:, 1] / X.std() ** 2
    rates = [suggest_lr(trainer_at(), X, y, epochs=100).lr for y in (noise, signal)]
    assert rates[0] <= 0.003 < rates[1]


def test_the_trainer_is_not_changed_and_then_trains_as_if_nothing_had_been():
    X, y = regression()
    used, fresh = trainer_at(0.1), trainer_at(0.1)
    suggest_lr(used, X, y, epochs=5)
    assert used.optimizer.hyperparameters["lr"] == 0.1
    for each in (used, fresh):
        each.fit(X, y, epochs=3)
    assert np.array_equal(used.model.parameters.value, fresh.model.parameters.value)


def test_large_tables_are_cut_in_rows_and_epochs_and_hold_out_one_part():
    X, y = np.tile(np.arange(30_000.0)[:, None] / 30_000, (1, 3)), np.zeros(30_000)
    network = nn.mlp(3, 2, 1, seed=0)
    found = suggest_lr(Trainer(network, "mse", optim.NAG(0.1), seed=0), X, y, rates=[0.01])
    assert (found.rows, found.folds, found.epochs) == (20_000, 1, 25)  # 469 updates of an epoch
    few = suggest_lr(trainer_at(), X[:1001], y[:1001], epochs=2, rates=[0.01])
    assert (few.folds, few.rows) == (1, 1001)


def test_a_run_has_at_least_two_epochs_however_many_updates_they_take(monkeypatch):
    monkeypatch.setattr("minidl.training.suggest.UPDATES", 7)  # 60 rows are 4 batches an epoch
    assert suggest_lr(trainer_at(), *regression(), epochs=100, rates=RATES).epochs == 2


def test_classes_and_weights_are_those_of_the_trainer():
    data = datasets.load("iris", seed=0)
    plain, weighted = (
        suggest_lr(
            Trainer(nn.mlp(4, 5, 3, seed=0), "cross_entropy", optim.NAG(0.1), seed=0,
                    class_weight=weight),
            data.X_train, data.y_train, epochs=3, rates=RATES,
        )
        for weight in (None, {0: 1, 1: 9, 2: 1})
    )  # fmt: skip
    assert isinstance(plain, SuggestedRate)
    assert plain.losses != weighted.losses


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": []}, "rates must be a list of different numbers"),
        ({"rates": [0.1, 0.1]}, "rates must be a list of different numbers"),
        ({"rates": [-1.0]}, "a rate must be positive, got -1"),
        ({"epochs": 0}, "epochs must be"),
    ],
)
def test_a_wrong_argument_is_named(change, message):
    with pytest.raises(ArgumentError, match=message):
        suggest_lr(trainer_at(), *regression(), **change)


def test_a_used_trainer_a_schedule_and_three_rows_are_refused():
    X, y = regression()
    used = trainer_at()
    used.fit(X, y, epochs=1)
    with pytest.raises(ArgumentError, match="trainer must not have been used"):
        suggest_lr(used, X, y)
    scheduled = Trainer(nn.mlp(3, 1, seed=0), "mse", optim.NAG(optim.StepDecay(0.1, every=3)))
    with pytest.raises(ArgumentError, match="one number as lr, not a schedule"):
        suggest_lr(scheduled, X, y)
    with pytest.raises(ArgumentError, match="X must have at least 4 rows"):
        suggest_lr(trainer_at(), X[:3], y[:3])


@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [
        (optim.NAG(0.5, momentum=0.9), (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
        (optim.Momentum(0.5, momentum=0.5), (0.0015, 0.005, 0.015, 0.05, 0.15, 0.5, 1.5)),
        (optim.GradientDescent(0.5), (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)),
    ],
)
def test_the_usual_rates_are_spaced_by_how_far_a_steady_gradient_leads(optimizer, rates):
    X, y = regression()
    trainer = Trainer(nn.mlp(3, 2, 1, seed=0), "mse", optimizer, seed=0)
    assert suggest_lr(trainer, X, y, epochs=2).rates == rates


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nag", [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
        ("adam", [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
        ("adadelta", [0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]),
        ("rmsprop", [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
    ],
)
def test_the_rates_tried_are_those_of_the_rule(name, expected):
    optimizer = optim.lookup(name).make(0.1)
    for made in (optimizer, optim.ClipByNorm(optimizer, 1.0)):
        trainer = Trainer(nn.mlp(2, 4, 1, seed=0), "bce", made, seed=0)
        X, y = np.random.default_rng(0).standard_normal((8, 2)), [0, 1] * 4
        assert list(suggest_lr(trainer, X, y, epochs=1).rates) == pytest.approx(expected)
