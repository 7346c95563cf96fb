"""What a run records: losses of one set of weights, exact counts, accuracies, validation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import (
    LR,
    NAMES,
    Do,
    Watch,
    line,
    linear_trainer,
    three_classes,
    two_class_trainer,
    two_classes,
)

from minidl import Trainer, nn, optim
from minidl.streams import stream
from minidl.training import LearningRateSchedule

X, Y = two_classes()


def mlp_logits(vector, rows, sizes=(2, 6, 1)):
    """Return the outputs of a tanh network, written out by hand."""
    at, values = 0, rows
    for a, b in pairwise(sizes):
        W, bias = vector[at : at + a * b].reshape(a, b), vector[at + a * b : at + a * b + b]
        at += a * b + b
        values = values @ W + bias
        values = np.tanh(values) if at < len(vector) else values
    return values


def cross_entropy(vector, rows, targets):
    """Return the mean binary cross-entropy of that network, by its definition."""
    p = 1 / (1 + np.exp(-mlp_logits(vector, rows).ravel()))
    return -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))


@pytest.mark.parametrize("name", NAMES)
def test_epoch_0_is_the_network_before_training(name):
    trainer = two_class_trainer(name)
    start = trainer.model.parameters.value.copy()
    row = trainer.fit(X, Y, epochs=1).row(0)
    counts = [row[c] for c in ("epoch", "updates", "gradient_evaluations", "samples", "seconds")]
    assert counts == [0, 0, 0, 0, 0]
    assert row["train_loss"] == pytest.approx(cross_entropy(start, X, Y), rel=1e-12)
    assert math.isnan(row["running_loss"])
    assert math.isnan(row["gradient_norm"])


@pytest.mark.parametrize("name", NAMES)
def test_train_loss_is_the_loss_on_all_rows_of_the_weights_the_model_then_holds(name):
    watch = Watch()
    history = two_class_trainer(name, callbacks=[watch]).fit(X, Y, epochs=4)
    by_hand = [cross_entropy(theta, X, Y) for theta in watch.thetas]
    assert_allclose(history["train_loss"], by_hand, rtol=1e-12)


def test_running_loss_is_the_mean_over_rows_while_the_weights_moved():
    """By hand: gradient descent on batches of 32, 32 and 11 rows, in the order of the stream."""
    trainer = two_class_trainer("mini-batch")
    w = trainer.model.parameters.value.copy()
    history = trainer.fit(X, Y, epochs=3)
    twin = two_class_trainer("mini-batch")
    for epoch in (1, 2, 3):
        order = stream(0, "shuffle", epoch).permutation(75)
        total = 0.0
        for rows in (order[:32], order[32:64], order[64:]):
            total += len(rows) * cross_entropy(w, X[rows], Y[rows])
            w = w - LR * twin.objective.gradient(w, X[rows], Y[rows][:, None].astype(float))
        assert history["running_loss"][epoch] == pytest.approx(total / 75, rel=1e-12)
        assert history["running_loss"][epoch] != history["train_loss"][epoch]


@pytest.mark.parametrize(
    ("name", "updates"),
    [
        ("batch", 1),
        ("stochastic", 75),
        ("mini-batch", 3),
        ("momentum", 3),
        ("nag", 3),
        ("nag-reformulated", 3),
    ],
)
def test_counts_are_exact_with_a_ragged_last_batch(name, updates):
    history = two_class_trainer(name).fit(X, Y, epochs=3)
    epochs = np.arange(4)
    assert_array_equal(history["epoch"], epochs)
    assert_array_equal(history["updates"], updates * epochs)
    assert_array_equal(history["gradient_evaluations"], updates * epochs)
    assert_array_equal(history["samples"], 75 * epochs)
    assert np.all(np.diff(history["seconds"]) > 0)


def test_gradient_evaluations_count_what_the_optimizer_asked_for():
    class Twice(optim.GradientDescent):
        def update(self, w, grad):
            grad(w)
            super().update(w, grad)

    history = two_class_trainer(optimizer=Twice(LR)).fit(X, Y, epochs=2)
    assert_array_equal(history["updates"], [0, 3, 6])
    assert_array_equal(history["gradient_evaluations"], [0, 6, 12])


def test_gradient_norm_is_of_the_last_batch():
    trainer = two_class_trainer("batch")
    before = trainer.model.parameters.value.copy()
    history = trainer.fit(X, Y, epochs=1)
    step = before - trainer.model.parameters.value  # of gradient descent: lr times the gradient
    assert history["gradient_norm"][1] == pytest.approx(np.linalg.norm(step) / LR, rel=1e-9)


@pytest.mark.parametrize(("every", "epochs"), [(3, [0, 3, 6, 7]), (0, [0, 7]), (7, [0, 7])])
def test_measure_every_thins_out_the_rows_and_changes_nothing_else(every, epochs):
    full = two_class_trainer("nag").fit(X, Y, epochs=7)
    thin = two_class_trainer("nag", measure_every=every).fit(X, Y, epochs=7)
    assert thin["epoch"].tolist() == epochs
    for column in ("train_loss", "running_loss", "updates", "samples", "gradient_norm"):
        assert_array_equal(thin[column], full[column][epochs])


def test_a_run_stopped_between_measurements_still_ends_with_one():
    stop = Do(on_epoch_begin=lambda trainer, epoch: epoch == 4 and trainer.stop("enough"))
    history = two_class_trainer(measure_every=0, callbacks=[stop]).fit(X, Y, epochs=9)
    assert history["epoch"].tolist() == [0, 4]
    assert history.stopped_by == "enough"


def test_accuracy_of_two_classes_is_the_share_of_logits_with_the_right_sign():
    trainer = two_class_trainer("nag-reformulated")
    history = trainer.fit(X, Y, epochs=20)
    right = (mlp_logits(trainer.model.parameters.value, X).ravel() > 0) == Y
    assert history["train_accuracy"][-1] == pytest.approx(right.mean(), abs=1e-15)
    assert 0.5 < right.mean() <= 1


@pytest.mark.parametrize("one_hot", [False, True])
def test_accuracy_of_three_classes_is_the_share_of_largest_logits(one_hot):
    rows, classes = three_classes()
    model = nn.mlp(4, 8, 3, seed=0)
    trainer = Trainer(model, "cross_entropy", optimizer=optim.Momentum(LR), seed=0)
    history = trainer.fit(rows, np.eye(3)[classes] if one_hot else classes, epochs=20)
    right = mlp_logits(model.parameters.value, rows, (4, 8, 3)).argmax(axis=1) == classes
    assert history["train_accuracy"][-1] == pytest.approx(right.mean(), abs=1e-15)
    assert right.mean() > 0.8


def test_a_regression_has_no_accuracy():
    assert "train_accuracy" not in linear_trainer().fit(*line(), epochs=1)


def test_validation_rows_are_measured_by_the_same_weights_and_change_nothing():
    other, labels = two_classes(31, seed=1)
    watch = Watch()
    history = two_class_trainer("nag-reformulated", callbacks=[watch]).fit(
        X, Y, epochs=5, validation=(other, labels)
    )
    by_hand = [cross_entropy(theta, other, labels) for theta in watch.thetas]
    assert_allclose(history["validation_loss"], by_hand, rtol=1e-12)
    right = (mlp_logits(watch.thetas[-1], other).ravel() > 0) == labels
    assert history["validation_accuracy"][-1] == pytest.approx(right.mean(), abs=1e-15)
    without = two_class_trainer("nag-reformulated").fit(X, Y, epochs=5)
    assert_array_equal(history["train_loss"], without["train_loss"])


@pytest.mark.parametrize("first", [None, (X, Y)])
def test_validation_in_one_call_of_fit_only_is_an_error_before_any_training(first):
    trainer = two_class_trainer()
    trainer.fit(X, Y, epochs=2, validation=first)
    kept = trainer.model.parameters.value.copy()
    with pytest.raises(ValueError, match=r"every fit\(\) of a Trainer, or in none"):
        trainer.fit(X, Y, epochs=2, validation=None if first else (X, Y))
    assert_array_equal(trainer.model.parameters.value, kept)
    assert trainer.history.stopped_by == "epochs"


def test_l2_is_half_its_strength_times_the_squared_weights_in_every_loss():
    trainer = two_class_trainer("batch", l2=0.3)
    trainer.model[0].bias.data[...] = 5.0  # biases are not penalised
    history = trainer.fit(X, Y, epochs=2, validation=(X[:20], Y[:20]))
    weights = [trainer.model[i].weight.data for i in (0, 2)]
    penalty = 0.15 * sum(np.sum(W**2) for W in weights)
    w = trainer.model.parameters.value
    assert history["train_loss"][-1] == pytest.approx(cross_entropy(w, X, Y) + penalty, rel=1e-12)
    on_others = cross_entropy(w, X[:20], Y[:20]) + penalty
    assert history["validation_loss"][-1] == pytest.approx(on_others, rel=1e-12)
    assert_allclose(history["running_loss"][1:], history["train_loss"][:-1], rtol=1e-12)


def test_evaluate_gives_the_last_row_again():
    trainer = two_class_trainer("nag-reformulated")
    history = trainer.fit(X, Y, epochs=3)
    found = trainer.evaluate(X, Y)
    assert found == {
        "loss": history["train_loss"][-1],
        "accuracy": history["train_accuracy"][-1],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_float32_model_stays_float32_and_follows_the_float64_run(name):
    entry = optim.lookup(name)
    runs = {}
    for dtype in ("float32", "float64"):
        model = nn.mlp(2, 6, 1, seed=0, dtype=dtype)
        optimizer = entry.make(LR)
        trainer = Trainer(model, "bce", optimizer=optimizer, batch_size=entry.batches(), seed=0)
        runs[dtype] = trainer.fit(X, Y, epochs=5)["train_loss"]
        vectors = [model.parameters.value, trainer.stored_vector(), *optimizer.state.values()]
        assert {str(v.dtype) for v in vectors} == {dtype}
        assert model.predict(X).dtype == dtype
    assert_allclose(runs["float32"], runs["float64"], rtol=1e-5)
    assert np.any(runs["float32"] != runs["float64"])


def test_epochs_0_measures_and_trains_nothing():
    trainer = two_class_trainer("nag")
    before = trainer.model.parameters.value.copy()
    history = trainer.fit(X, Y, epochs=0)
    assert (len(history), history.stopped_by, trainer.epoch) == (1, "epochs", 0)
    assert_array_equal(trainer.model.parameters.value, before)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_a_callback_writes_are_what_training_goes_on_from(name):
    """Also for the reformulated NAG, which stores another point than the model shows."""

    def halve(trainer, epoch):
        trainer.model.parameters.value[...] *= 0.5

    steps = LearningRateSchedule(lambda epoch: 1e-12)  # so small that nothing else moves
    trainer = two_class_trainer(name)
    if name == "rprop":  # its steps have their own lower limit
        trainer.optimizer.smallest = 1e-12
    trainer.fit(X, Y, epochs=1)
    trainer.optimizer.state.clear()
    if name == "rprop":
        trainer.optimizer.smallest = 1e-12
    theta = trainer.model.parameters.value.copy()
    trainer.fit(X, Y, epochs=1, callbacks=[steps, Do(on_epoch_begin=halve)])
    assert_allclose(trainer.model.parameters.value, theta / 2, rtol=0, atol=1e-9)


def test_both_forms_of_nag_agree_when_a_callback_changes_the_weights():
    def round_weights(trainer, epoch):
        if epoch % 2:
            trainer.model.parameters.value.round(2, out=trainer.model.parameters.value)

    runs = [
        two_class_trainer(name, callbacks=[Do(on_epoch_begin=round_weights)]).fit(X, Y, epochs=8)
        for name in ("nag", "nag-reformulated")
    ]
    assert_allclose(runs[0]["train_loss"], runs[1]["train_loss"], rtol=1e-10)
    untouched = two_class_trainer("nag").fit(X, Y, epochs=8)
    assert np.abs(runs[0]["train_loss"] - untouched["train_loss"]).max() > 1e-6
