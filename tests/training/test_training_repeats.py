"""The same run again: seeds, shuffles, continued fits, both NAGs, batch sizes that coincide."""

from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import (
    LR,
    NAMES,
    Do,
    content,
    line,
    linear_trainer,
    two_class_trainer,
    two_classes,
)

from minidl import Trainer, nn, optim
from minidl.streams import stream
from minidl.training import batches

X, Y = two_classes()


def dropout_trainer(name="nag-reformulated", seed=0):
    """Return a Trainer of a network with two Dropout layers."""
    model = nn.mlp(2, 8, 8, 1, dropout=0.3, seed=0)
    entry = optim.lookup(name)
    return Trainer(model, "bce", optimizer=entry.make(LR), batch_size=entry.batches(), seed=seed)


class Recorder(nn.Layer):
    """Passes rows on, and keeps what it saw in training."""

    def __init__(self):
        self.seen = []

    def forward(self, x, training=False):
        if training is not False:
            self.seen.append(np.array(x))
        return x


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name):
    first, second = (two_class_trainer(name) for _ in range(2))
    assert content(first.fit(X, Y, epochs=4)) == content(second.fit(X, Y, epochs=4))
    assert first.model.parameters.value.tobytes() == second.model.parameters.value.tobytes()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "batch"])
def test_another_seed_gives_another_run(name):
    runs = [two_class_trainer(name, seed=seed).fit(X, Y, epochs=2) for seed in (0, 1)]
    assert runs[0]["train_loss"][0] == runs[1]["train_loss"][0]
    assert runs[0]["train_loss"][2] != runs[1]["train_loss"][2]


def test_without_a_seed_runs_differ_and_their_seed_is_known():
    trainers = [two_class_trainer(seed=None) for _ in range(2)]
    first, second = (trainer.fit(X, Y, epochs=1)["train_loss"][1] for trainer in trainers)
    assert first != second
    again = two_class_trainer(seed=trainers[0].seed).fit(X, Y, epochs=1)
    assert again["train_loss"][1] == first


def seen_rows(optimizer, epochs=(2,), **arguments):
    """Return the batches that a network saw in training, over calls of fit."""
    recorder = Recorder()
    model = nn.Sequential(recorder, nn.Dense(2, 1), seed=0)
    trainer = Trainer(model, "bce", optimizer=optimizer, seed=3, **arguments)
    for number in epochs:
        trainer.fit(X, Y, epochs=number)
    return recorder.seen


def test_the_order_of_rows_does_not_depend_on_the_optimizer():
    runs = [seen_rows(optim.lookup(name).make(LR), batch_size=20) for name in NAMES]
    for run in runs[1:]:
        assert len(run) == 8
        for ours, theirs in zip(run, runs[0], strict=True):
            assert_array_equal(ours, theirs)


def test_each_epoch_has_every_row_once_in_the_order_of_its_stream():
    seen = seen_rows(optim.NAG(LR), batch_size=20, epochs=(1, 1))
    assert [len(rows) for rows in seen] == [20, 20, 20, 15] * 2
    for epoch in (1, 2):
        order = stream(3, "shuffle", epoch).permutation(75)
        assert_array_equal(np.concatenate(seen[4 * epoch - 4 : 4 * epoch]), X[order])


def test_without_shuffle_rows_come_as_they_are():
    seen = seen_rows(optim.NAG(LR), batch_size=20, shuffle=False)
    assert_array_equal(np.concatenate(seen), np.concatenate([X, X]))


def test_data_too_large_to_be_copied_are_shuffled_all_the_same(monkeypatch):
    whole = list(batches(X, Y, 32, stream(0, "shuffle", 1)))
    monkeypatch.setattr(import_module("minidl.training.data"), "GATHER_BYTES", 0)
    pieces = list(batches(X, Y, 32, stream(0, "shuffle", 1)))
    for (a, b), (c, d) in zip(whole, pieces, strict=True):
        assert_array_equal(a, c)
        assert_array_equal(b, d)


@pytest.mark.parametrize("name", NAMES)
def test_fit_5_and_fit_5_is_fit_10_bit_for_bit(name):
    once, twice = (two_class_trainer(name) for _ in range(2))
    once.fit(X, Y, epochs=10)
    for _ in range(2):
        twice.fit(X, Y, epochs=5)
    assert content(once.history) == content(twice.history)
    assert once.model.parameters.value.tobytes() == twice.model.parameters.value.tobytes()
    assert once.stored_vector().tobytes() == twice.stored_vector().tobytes()


def test_fit_goes_on_bit_for_bit_under_schedules_too():
    def trainer():
        rule = optim.ReformulatedNAG(
            optim.ExponentialDecay(0.2, 0.98), lambda k: 0.9 - 0.5 * 0.9**k
        )
        return two_class_trainer(optimizer=rule)

    once, twice = trainer(), trainer()
    once.fit(X, Y, epochs=9)
    for epochs in (2, 0, 6, 1):
        twice.fit(X, Y, epochs=epochs)
    assert content(once.history) == content(twice.history)


@pytest.mark.parametrize("momentum", [0.9, lambda k: 0.95 - 0.6 * 0.97**k])
def test_both_forms_of_nag_have_the_same_history_and_weights(momentum):
    """Judged at theta, over 30 epochs with ragged batches."""
    lr = optim.ExponentialDecay(0.2, 0.995)
    nag, reformulated = (
        two_class_trainer(optimizer=rule(lr, momentum))
        for rule in (optim.NAG, optim.ReformulatedNAG)
    )
    a, b = (trainer.fit(X, Y, epochs=30) for trainer in (nag, reformulated))
    for column in ("train_loss", "running_loss", "gradient_norm", "train_accuracy"):
        assert_allclose(a[column], b[column], rtol=0, atol=1e-10)
    thetas = [trainer.model.parameters.value for trainer in (nag, reformulated)]
    assert_allclose(*thetas, rtol=0, atol=1e-10)
    assert np.abs(reformulated.stored_vector() - thetas[1]).max() > 1e-4
    assert a["train_loss"][-1] < 0.7 * a["train_loss"][0]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_a_loop_over_batches_and_measuring_leaves_no_trace(name):
    """Bit for bit, also where the model shows another point than the optimizer stores."""
    trainer, twin = (two_class_trainer(name, engine="eager") for _ in range(2))
    trainer.fit(X, Y, epochs=6)
    targets, w = Y[:, None].astype(float), twin.model.parameters.value
    size = 75 if name == "batch" else twin.batch_size
    for epoch in range(1, 7):
        order = np.arange(75) if size == 75 else stream(0, "shuffle", epoch).permutation(75)
        for start in range(0, 75, size):
            part = order[start : start + size]
            twin.optimizer.step(
                w, lambda point, part=part: twin.objective.gradient(point, X[part], targets[part])
            )
    assert trainer.stored_vector().tobytes() == w.tobytes()
    assert trainer.model.parameters.value.tobytes() == twin.optimizer.iterate(w).tobytes()


def test_evaluating_between_fits_changes_nothing():
    quiet, busy = (two_class_trainer("nag-reformulated") for _ in range(2))
    quiet.fit(X, Y, epochs=4)
    busy.fit(X, Y, epochs=2)
    busy.evaluate(X[:9], Y[:9])
    busy.model.predict(X)
    busy.fit(X, Y, epochs=2)
    assert content(quiet.history) == content(busy.history)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch_size", [75, 76, 10_000])
def test_a_batch_of_all_rows_is_a_full_batch_whatever_the_seed(name, batch_size):
    optimizers = [optim.lookup(name).make(LR) for _ in range(2)]
    full = two_class_trainer(optimizer=optimizers[0], batch_size="full", seed=0)
    large = two_class_trainer(optimizer=optimizers[1], batch_size=batch_size, seed=123)
    assert content(full.fit(X, Y, epochs=5)) == content(large.fit(X, Y, epochs=5))


def test_a_full_batch_does_not_depend_on_the_order_of_the_rows():
    order = np.random.default_rng(5).permutation(75)
    a = two_class_trainer("batch").fit(X, Y, epochs=20)
    b = two_class_trainer("batch").fit(X[order], Y[order], epochs=20)
    assert_allclose(a["train_loss"], b["train_loss"], rtol=1e-12)


def test_batch_size_1_is_stochastic_gradient_descent_by_hand():
    rows, targets = line()
    trainer = linear_trainer(0.05, batch_size=1, seed=4)
    w = trainer.model.parameters.value.copy()  # two weights and a bias
    trainer.fit(rows, targets, epochs=3)
    for epoch in (1, 2, 3):
        for i in stream(4, "shuffle", epoch).permutation(len(rows)):
            x = np.append(rows[i], 1.0)
            w -= 0.05 * 2 * (w @ x - targets[i]) * x
    assert_allclose(trainer.model.parameters.value, w, rtol=0, atol=1e-12)


def test_full_batch_momentum_by_hand():
    rows, targets = line()
    trainer = linear_trainer(optimizer=optim.Momentum(0.05, 0.8))
    w = trainer.model.parameters.value.copy()
    history = trainer.fit(rows, targets, epochs=10)
    A, v, losses = np.column_stack([rows, np.ones(len(rows))]), np.zeros(3), []
    for _ in range(11):
        losses.append(np.mean((A @ w - targets) ** 2))
        v = 0.8 * v + 0.05 * 2 * A.T @ (A @ w - targets) / len(rows)
        w = w - v
    assert_allclose(history["train_loss"], losses, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_with_dropout_can_be_repeated_and_continued(name):
    first, second = dropout_trainer(name), dropout_trainer(name)
    first.fit(X, Y, epochs=4)
    for _ in range(2):
        second.fit(X, Y, epochs=2)
    assert content(first.history) == content(second.history)


def test_dropout_acts_in_training_only_and_leaves_the_shuffle_alone():
    trainer = dropout_trainer("batch")
    history = trainer.fit(X, Y, epochs=2)
    assert history["running_loss"][1] != pytest.approx(history["train_loss"][0], rel=1e-6)
    assert trainer.evaluate(X, Y) == trainer.evaluate(X, Y)
    other = dropout_trainer("batch", seed=1).fit(X, Y, epochs=2)
    assert other["train_loss"][1] != history["train_loss"][1]


def test_each_epoch_has_dropout_noise_of_its_own():
    trainer = dropout_trainer("batch")
    trainer.optimizer.lr = 1e-15  # the weights stand still, so that only the noise differs
    running = trainer.fit(X, Y, epochs=3)["running_loss"][1:]
    assert len(set(running.round(6))) == 3


def test_global_random_state_is_neither_read_nor_changed():
    np.random.seed(0)  # noqa: NPY002 - the point of this test
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = content(dropout_trainer().fit(X, Y, epochs=2))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert content(dropout_trainer().fit(X, Y, epochs=2)) == first


def test_inputs_are_not_changed():
    rows, labels = X.copy(), Y.copy()
    two_class_trainer("nag").fit(rows, labels, epochs=2, validation=(rows, labels))
    assert_array_equal(rows, X)
    assert_array_equal(labels, Y)


def test_hooks_that_only_look_change_nothing():
    look = Do(on_epoch_end=lambda trainer, record: trainer.stored_vector().fill(0.0))
    a = two_class_trainer("nag-reformulated", callbacks=[look]).fit(X, Y, epochs=3)
    b = two_class_trainer("nag-reformulated").fit(X, Y, epochs=3)
    assert content(a) == content(b)
