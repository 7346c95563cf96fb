"""Models and runs in files: the same numbers again, and the same run again."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import LR, NAMES, Do, content, two_class_trainer, two_classes

from minidl import Trainer, load_model, nn, optim, save_model
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.training import (
    Checkpoint,
    EarlyStopping,
    LearningRateSchedule,
    load_run,
    save_run,
)

X, Y = two_classes()
ACTIVATIONS = [*(kind() for kind in nn.ACTIVATIONS.values()), nn.LeakyReLU(0.2), nn.ELU(0.7)]


class Shift(nn.Layer):
    """A layer of one's own."""

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


def test_layers_of_ones_own_need_a_model_to_go_into(path):
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


def test_an_extra_that_is_no_array_is_refused_and_writes_nothing(path):
    with pytest.raises(DataError, match="extra/who cannot be saved"):
        save_model(nn.mlp(2, 3, 1, seed=0), path, extra={"who": object()})
    assert list(path.parent.iterdir()) == []


def busy_trainer(name):
    """Return a Trainer with everything that depends on where a run stands."""
    entry = optim.lookup(name)
    optimizer = entry.make(optim.ExponentialDecay(0.2, 0.99), lambda k: 0.9 - 0.4 * 0.95**k)
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

    schedule = LearningRateSchedule(lambda epoch: 0.5 / epoch)
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
    optimizers = [optim.lookup(name).make(5.0) for _ in range(2)]
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
    assert first.fit(X, Y, epochs=9).diverged
    load_run(second, path)
    assert second.history.advice == first.history.advice
    for trainer in (first, second):
        trainer.optimizer.lr = 0.1
        assert trainer.fit(X, Y, epochs=2).stopped_by == "epochs"
    assert content(second.history) == content(first.history)


@pytest.mark.parametrize(
    ("every", "epochs", "saved"), [(1, 4, [0, 1, 2, 3, 4, 4]), (2, 3, [0, 2, 3]), (9, 3, [0, 3])]
)
def test_a_checkpoint_is_written_every_so_many_epochs_and_at_the_end(
    every, epochs, saved, path, monkeypatch
):
    written = []
    monkeypatch.setattr(
        "minidl.training.checkpoint.save_run", lambda trainer, where: written.append(trainer.epoch)
    )
    two_class_trainer(callbacks=[Checkpoint(path, every=every)]).fit(X, Y, epochs=epochs)
    assert written == saved


def test_a_run_file_holds_a_model_too(path):
    trainer = two_class_trainer("nag-reformulated", callbacks=[Checkpoint(path)])
    trainer.fit(X, Y, epochs=3)
    assert_array_equal(load_model(path).predict(X), trainer.model.predict(X))


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_must_be_a_count(every, path):
    with pytest.raises(ArgumentError, match="every cannot be used"):
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
