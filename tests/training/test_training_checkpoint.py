"""Models and runs in files: the same numbers again, and the same run again."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import LR, NAMES, Do, content, two_class_trainer, two_classes

from minidl import Trainer, load_model, nn, optim, save_model, training
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.training import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LearningRateSchedule,
    load_run,
    save_run,
)

X, Y = two_classes()
ACTIVATIONS = [*(kind() for kind in nn.ACTIVATIONS.values()), nn.LeakyReLU(0.2), nn.ELU(0.7)]


class Shift(nn.Layer):
    """A custom layer."""

    def __init__(self, width=2):
        self.by = nn.Parameter(np.arange(float(width)))

    def forward(self, x, training=False):
        return x + self.by


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
def test_every_activation_comes_back_with_its_arguments(layer, path):
    model = nn.Sequential(nn.Dense(2, 3), layer, nn.Dense(3, 2), seed=5)
    save_model(model, path)
    again = load_model(path)
    assert repr(again) == repr(model)
    assert_array_equal(again.predict(3 * X), model.predict(3 * X), strict=True)


@pytest.mark.parametrize(
    "model",
    [
        nn.Dense(2, 3, seed=1),
        nn.Dense(2, 3, bias=False, seed=1),
        nn.Sequential(nn.Dense(2, 3, bias=False), nn.Dropout(0.25), nn.Dense(3, 1), seed=1),
        nn.Sequential(nn.Sequential(nn.Dense(2, 3), nn.Tanh()), nn.Dense(3, 1), seed=1),
        nn.mlp(2, 4, 4, 1, activation="leaky_relu", dropout=0.5, seed=1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_every_layer_comes_back_and_predicts_the_same_bits(model, kind, path):
    save_model(model, kind(path))
    again = load_model(kind(path))
    assert repr(again) == repr(model)
    assert again.parameters.names == model.parameters.names
    assert_array_equal(again.parameters.value, model.parameters.value, strict=True)
    assert_array_equal(again.parameters.penalized, model.parameters.penalized)
    assert_array_equal(again.predict(X), model.predict(X), strict=True)


def test_a_float32_model_comes_back_as_float32(path):
    model = nn.mlp(2, 3, 1, seed=0, dtype="float32")
    save_model(model, path)
    again = load_model(path)
    assert again.parameters.value.dtype == np.float32
    assert_array_equal(again.predict(X), model.predict(X), strict=True)


def test_a_loaded_model_can_be_trained(path):
    save_model(nn.mlp(2, 6, 1, seed=0), path)
    trainers = [
        Trainer(model, "bce", optimizer=optim.NAG(LR), seed=0)
        for model in (load_model(path), nn.mlp(2, 6, 1, seed=0))
    ]
    runs = [content(trainer.fit(X, Y, epochs=3)) for trainer in trainers]
    assert runs[0] == runs[1]


def test_custom_layers_need_a_model_to_load_into(path):
    model = nn.Sequential(nn.Dense(2, 2), Shift(), seed=3)
    save_model(model, path)
    with pytest.raises(ArgumentError, match=r"load_model\(path, into=model\)"):
        load_model(path)
    into = nn.Sequential(nn.Dense(2, 2), Shift(), seed=4)
    assert load_model(path, into=into) is into
    assert_array_equal(into.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "other", [nn.mlp(2, 4, 1, seed=0), nn.mlp(2, 1, 3, seed=0), nn.Dense(2, 1), nn.mlp(2, 3, 3, 1)]
)
def test_a_model_with_another_layout_is_refused_and_unchanged(other, path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    before = other.parameters.value.copy()
    with pytest.raises(ShapeError, match=r"other parameters than the file.*model\.npz"):
        load_model(path, into=other)
    assert_array_equal(other.parameters.value, before)


def test_extras_are_kept_beside_the_model(path):
    extra = {"mean": [0.5, -1.0], "classes": np.array(["cat", "dog"]), "n": 3}
    save_model(nn.mlp(2, 3, 1, seed=0), path, extra=extra)
    with np.load(path, allow_pickle=False) as file:
        for name, value in extra.items():
            assert_array_equal(file[f"extra/{name}"], value)
    assert repr(load_model(path)) == repr(nn.mlp(2, 3, 1))


def test_an_extra_that_is_not_an_array_raises_and_writes_nothing(path):
    with pytest.raises(DataError, match="extra/who is not an array of numbers or text"):
        save_model(nn.mlp(2, 3, 1, seed=0), path, extra={"who": object()})
    assert list(path.parent.iterdir()) == []


def busy_trainer(name):
    """Return a Trainer with everything that depends on where a run stands."""
    entry = optim.lookup(name)
    optimizer = entry.make(optim.ExponentialDecay(0.05, 0.99), lambda k: 0.9 - 0.4 * 0.95**k)
    model = nn.mlp(2, 6, 1, dropout=0.2, seed=0)
    size = entry.batches()
    return Trainer(model, "bce", optimizer=optimizer, batch_size=size, seed=6, l2=0.01)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [busy_trainer, two_class_trainer])
def test_a_resumed_run_equals_one_that_never_stopped_bit_for_bit(name, make, path):
    whole, first, second = (make(name) for _ in range(3))
    pair = (X[:20], Y[:20])
    whole.fit(X, Y, epochs=7, validation=pair)
    first.fit(X, Y, epochs=3, validation=pair)
    save_run(first, path)
    second.model.parameters.value[...] = 9.0  # whatever it began with
    load_run(second, path)
    assert content(second.history) == content(first.history)
    assert_array_equal(second.model.parameters.value, first.model.parameters.value)
    assert second.seconds == first.seconds
    second.fit(X, Y, epochs=4, validation=pair)
    assert content(second.history) == content(whole.history)
    assert second.model.parameters.value.tobytes() == whole.model.parameters.value.tobytes()
    assert second.stored_vector().tobytes() == whole.stored_vector().tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_resumed_from_a_checkpoint_in_its_middle_is_the_same_too(name, path):
    def stop(trainer, epoch):
        if epoch == 5:
            raise KeyboardInterrupt

    schedule = LearningRateSchedule(lambda epoch: 0.5 / (epoch + 1))
    whole, killed, resumed = (two_class_trainer(name, callbacks=[schedule]) for _ in range(3))
    whole.fit(X, Y, epochs=8)
    with pytest.raises(KeyboardInterrupt):
        killed.fit(X, Y, epochs=8, callbacks=[Checkpoint(path, every=3), Do(on_epoch_begin=stop)])
    load_run(resumed, path)
    assert resumed.epoch == 3
    resumed.fit(X, Y, epochs=5)
    assert content(resumed.history) == content(whole.history)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_saved_after_a_callback_changed_the_weights_goes_on_from_those(name, path):
    """Early stopping gives back the best weights; the reformulated NAG stores another point."""
    stopping = EarlyStopping("train_loss", patience=1)
    lr = 500.0 if name == "adadelta" else 5.0  # so that the loss rises
    optimizers = [optim.lookup(name).make(lr) for _ in range(2)]
    first, second = (two_class_trainer(optimizer=o) for o in optimizers)
    first.fit(X, Y, epochs=50, callbacks=[stopping, Checkpoint(path)])
    assert first.history.stopped_by == "early stopping"
    load_run(second, path)
    assert second.evaluate(X, Y)["loss"] == first.history.best()[1]
    for trainer in (first, second):
        trainer.fit(X, Y, epochs=2)
    assert content(second.history) == content(first.history)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::minidl.errors.DivergenceWarning")
def test_a_run_that_diverged_can_be_saved_and_taken_up_with_a_smaller_rate(name, path):
    first, second = (two_class_trainer(name, callbacks=[Checkpoint(path)]) for _ in range(2))
    first.optimizer.lr = 1e9
    if name == "rprop":
        first.optimizer.largest = 1e9  # its steps are limited
    assert first.fit(X, Y, epochs=9).diverged
    load_run(second, path)
    assert second.history.advice == first.history.advice
    for trainer in (first, second):
        trainer.optimizer.lr = 0.1
        if name == "rprop":
            trainer.optimizer.largest = 50.0
        assert trainer.fit(X, Y, epochs=2).stopped_by == "epochs"
    assert content(second.history) == content(first.history)


@pytest.mark.parametrize(
    ("every", "epochs", "saved"), [(1, 4, [0, 1, 2, 3, 4]), (2, 3, [0, 0, 2, 2]), (9, 3, [0] * 4)]
)
def test_a_checkpoint_is_written_every_so_many_epochs_and_at_the_end(every, epochs, saved, path):
    def read(trainer, record):
        load_run(reader, path)
        seen.append(reader.epoch)

    seen, reader = [], two_class_trainer()
    callbacks = [Checkpoint(path, every=every), Do(on_epoch_end=read)]
    two_class_trainer(callbacks=callbacks).fit(X, Y, epochs=epochs)
    assert seen == saved
    load_run(reader, path)
    assert reader.epoch == epochs


def test_a_run_file_holds_a_model_too(path):
    trainer = two_class_trainer("nag-reformulated", callbacks=[Checkpoint(path)])
    trainer.fit(X, Y, epochs=3)
    assert_array_equal(load_model(path).predict(X), trainer.model.predict(X))


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_must_be_a_count(every, path):
    with pytest.raises(ArgumentError, match=f"^every must be an integer >= 1, got {every}"):
        Checkpoint(path, every=every)


@pytest.mark.parametrize("position", [0, 1])
def test_a_model_with_a_replaced_forward_is_built_again_by_its_owner(tmp_path, position):
    model, path = nn.mlp(2, 3, 1, seed=0), tmp_path / "model.npz"
    layer = model[position]
    before = layer.forward
    layer.forward = lambda x, training=False: 2 * before(x, training)
    assert "function" not in repr(model)
    save_model(model, path)
    with pytest.raises(ArgumentError, match=r"load_model\(path, into=model\)"):
        load_model(path)
    into = nn.mlp(2, 3, 1, seed=1)
    assert_array_equal(load_model(path, into=into).parameters.value, model.parameters.value)


# -- buffers, callbacks and the place in an epoch --------------------------------------------------


class Counting(nn.Layer):
    """A layer with two buffers, which it changes while it trains."""

    def __init__(self, seed=0, width=2):
        self.dense = nn.Dense(2, 1, seed=seed)
        self.total, self.rows = np.zeros(width), np.array(0)

    def named_buffers(self):
        yield "total", self.total
        yield "rows", self.rows

    def forward(self, x, training=False):
        if training:
            self.total += np.sum(x, axis=0)
            self.rows += len(x)
        return self.dense(x)


def test_buffers_are_saved_with_the_model_and_restored_in_place(path):
    model = Counting()
    Trainer(model, "bce", optimizer=optim.NAG(LR), seed=0).fit(X, Y, epochs=2)
    save_model(model, path)
    into = Counting(seed=1)
    total = into.total
    load_model(path, into=into)
    assert into.total is total
    assert_array_equal(total, model.total)
    assert into.rows == model.rows == 2 * len(X)


def test_a_resumed_run_has_the_buffers_of_the_saved_one(path):
    trainers = [Trainer(Counting(), "bce", optimizer=optim.NAG(LR), seed=0) for _ in range(3)]
    whole, first, second = trainers
    whole.fit(X, Y, epochs=5)
    first.fit(X, Y, epochs=2)
    save_run(first, path)
    load_run(second, path)
    second.fit(X, Y, epochs=3)
    assert content(second.history) == content(whole.history)
    assert_array_equal(second.model.total, whole.model.total)


def test_a_model_with_other_buffers_raises_and_is_unchanged(path):
    save_model(Counting(), path)
    into = Counting(seed=1, width=3)
    before = into.parameters.value.copy()
    with pytest.raises(ShapeError, match=r"other buffers than the file.*\[3\].*\[2\].*model\.npz"):
        load_model(path, into=into)
    assert_array_equal(into.parameters.value, before)


class Remembering(Callback):
    """A callback with a state of every kind."""

    def __init__(self):
        self.state = {"best": np.inf, "count": 0, "weights": None}

    def on_epoch_end(self, trainer, record):
        self.state = {
            "best": np.float64(min(self.state["best"], record["train_loss"])),
            "count": self.state["count"] + 1,
            "weights": trainer.model.parameters.value.copy(),
        }

    def state_dict(self):
        return dict(self.state)

    def load_state_dict(self, state):
        self.state = dict(state)


class Counter(Remembering):
    """Another class of callback."""


def assert_same_state(a, b):
    """Two callbacks have the same state, bit for bit."""
    assert [a.state["best"], a.state["count"]] == [b.state["best"], b.state["count"]]
    assert_array_equal(a.state["weights"], b.state["weights"])


def test_the_state_of_callbacks_is_saved_and_given_to_those_of_the_same_class_in_order(path):
    first = two_class_trainer(callbacks=[Remembering(), Counter(), Remembering()])
    first.fit(X, Y, epochs=1)
    first.callbacks[2].state["count"] = 7
    save_run(first, path)
    schedule = LearningRateSchedule(lambda epoch: LR)
    second = two_class_trainer(callbacks=[Counter(), schedule, Remembering(), Remembering()])
    load_run(second, path)
    for ours, theirs in ((0, 1), (2, 0), (3, 2)):
        assert_same_state(second.callbacks[ours], first.callbacks[theirs])
    assert second.callbacks[3].state["count"] == 7


def test_a_callback_continues_from_a_checkpoint_as_if_the_run_had_never_stopped(path):
    def stop(trainer, epoch):
        if epoch == 5:
            raise KeyboardInterrupt

    whole, killed, resumed = (two_class_trainer(callbacks=[Remembering()]) for _ in range(3))
    whole.fit(X, Y, epochs=8)
    with pytest.raises(KeyboardInterrupt):
        killed.fit(X, Y, epochs=8, callbacks=[Checkpoint(path, every=3), Do(on_epoch_begin=stop)])
    load_run(resumed, path)
    resumed.fit(X, Y, epochs=5)
    assert_same_state(resumed.callbacks[0], whole.callbacks[0])


def test_callbacks_that_are_new_or_gone_do_not_matter(path):
    first = two_class_trainer(callbacks=[Remembering()])
    first.fit(X, Y, epochs=1)
    save_run(first, path)
    new = two_class_trainer(callbacks=[Counter()])
    load_run(new, path)
    assert new.epoch == 1
    assert new.callbacks[0].state["count"] == 0


def test_a_state_that_cannot_be_saved_raises_and_writes_nothing(path):
    trainer = two_class_trainer(callbacks=[Remembering()])
    trainer.callbacks[0].state = {"file": object()}
    with pytest.raises(DataError, match="the state of a callback cannot be saved"):
        save_run(trainer, path)
    assert list(path.parent.iterdir()) == []


def test_the_place_in_an_epoch_is_saved(path):
    first, second = two_class_trainer(), two_class_trainer()
    first.fit(X, Y, epochs=1)
    first.cursor, first.running_total = 32, 0.1 + 0.2
    save_run(first, path)
    load_run(second, path)
    assert (second.epoch, second.cursor, second.running_total) == (1, 32, 0.1 + 0.2)


# -- files of earlier versions ---------------------------------------------------------------------

EARLIER = Path(__file__).parents[1] / "golden" / "run_before_buffers.npz"


def test_a_run_saved_before_there_were_buffers_is_loaded_and_continued():
    """The file is that of 3 epochs of the reformulated NAG, saved in November 2026."""
    whole, resumed = (
        two_class_trainer("nag-reformulated", callbacks=[Remembering()]) for _ in "ab"
    )
    pair = (X[:20], Y[:20])
    whole.fit(X, Y, epochs=5, validation=pair)
    load_run(resumed, EARLIER)
    with np.load(EARLIER) as file:
        assert_array_equal(resumed.model.parameters.value, file["model/value"])
        assert_array_equal(resumed.stored_vector(), file["run/stored"])
    assert (resumed.epoch, resumed.samples, resumed.optimizer.step_count) == (3, 225, 9)
    resumed.fit(X, Y, epochs=2, validation=pair)
    for name in set(whole.history.columns) - {"seconds"}:
        np.testing.assert_allclose(resumed.history[name], whole.history[name], rtol=1e-12)
    assert repr(load_model(EARLIER)) == repr(whole.model)


def test_save_and_resume_are_methods_too_and_extra_arrays_come_back(tmp_path: Path) -> None:
    def made() -> Trainer:
        return Trainer(nn.mlp(2, 3, 1, seed=0), "bce", "adam", lr=0.1, batch_size=2, seed=0)

    rows = np.random.default_rng(0).normal(size=(8, 2))
    whole, first, second = made(), made(), made()
    whole.fit(rows, rows[:, 0] > 0, epochs=4)
    first.fit(rows, rows[:, 0] > 0, epochs=2)
    first.save(tmp_path / "run.npz")
    second.resume(tmp_path / "run.npz")
    second.fit(rows, rows[:, 0] > 0, epochs=2)
    assert_array_equal(second.model.parameters.value, whole.model.parameters.value)
    save_run(second, tmp_path / "run.npz", {"who": "me"})
    assert training.load_extra(tmp_path / "run.npz") == {"who": "me"}
