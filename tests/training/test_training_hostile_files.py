"""Files that are damaged, foreign or hostile: one error that names the file, and nothing changed.

The checksums of the hostile ones are right: whoever writes a file can compute them.
"""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import LR, Do, content, two_class_trainer, two_classes

from minidl import Predictor, Trainer, datasets, load, load_model, nn, optim, save_model
from minidl.archive import read_arrays, write_arrays
from minidl.errors import ArgumentError, DataError, DTypeError, FileError, ShapeError
from minidl.optim.attributes import pack, unpack
from minidl.training import EarlyStopping, load_run, save_run

X, Y = two_classes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def trainer(**arguments):
    return two_class_trainer("nag", callbacks=[EarlyStopping("train_loss")], **arguments)


@pytest.fixture
def saved(path):
    one = trainer(model=nn.mlp(2, 6, 1, dropout=0.1, seed=0))
    one.fit(X, Y, epochs=2)
    save_run(one, path)
    return path


def rewrite(path, change):
    """Let a function change the arrays of a file, which gets the right checksum."""
    arrays, holds = read_arrays(path, "a saved model")
    change(arrays)
    write_arrays(path, holds, arrays)


def in_words(name, value, array="run/words"):
    """Return what sets a field of the words of a run."""

    def change(arrays):
        words = json.loads(str(arrays[array]))
        words[name] = value
        arrays[array] = np.array(json.dumps(words))

    return change


def setting(name, value):
    return lambda arrays: arrays.update({name: value})


def state_of(trainer):
    """Return all that a failed load could have changed."""
    model, optimizer, hooks = trainer.model, trainer.optimizer, trainer.hooks
    return (
        model.parameters.value.tobytes(), model.parameters.grad.tobytes(),
        [b.tobytes() for _, b in model.named_buffers()], repr(optimizer), optimizer.step_count,
        {n: v.tobytes() for n, v in optimizer.state.items()}, content(trainer.history)
        if len(trainer.history) else "", trainer.epoch, trainer.samples, trainer.cursor,
        trainer.batch_size, repr(hooks.states), repr(hooks._saved),
        [repr(sorted(vars(hook).items(), key=str)) for hook in hooks.callbacks],
        repr(model), repr(trainer.started_with), [p.requires_grad for p in model.parameters],
    )  # fmt: skip


DEEP = json.loads("[" * 200 + "]" * 200)
PCG = {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0, "uinteger": 0}
MT = {"bit_generator": "MT19937", "state": {"key": {"array": "k"}, "pos": 10**6}}
HOSTILE = {
    "words that are no JSON": setting("run/words", np.array("{")),
    "words that are a list": setting("run/words", np.array("[]")),
    "words that are numbers": setting("run/words", np.ones(3)),
    "words nested deeply": setting("run/words", np.array("[" * 10**5)),
    "an epoch that is a text": in_words("epoch", "3"),
    "an epoch below 0": in_words("epoch", -1),
    "more epochs than rows": in_words("epoch", 1),
    "a true epoch": in_words("epoch", True),
    "a field that no run has": in_words("code", "import os"),
    "a generator of another name": in_words("dropout", {**PCG, "bit_generator": "test"}),
    "a generator's place outside": in_words("dropout", {**MT, "state": {"pos": 625}}),
    "a batch size below 0": in_words("settings", {"batch_size": -5}),
    "a batch size that is a text": in_words("settings", {"batch_size": "few"}),
    "a rate that is a text": in_words("settings", {"optimizer.lr": "fast"}),
    "a rate below 0": in_words("settings", {"optimizer.lr": -1.0}),
    "a dropout rate of 7": in_words("settings", {"layer 3.rate": 7.0}),
    "callbacks without a state": in_words("callbacks", [["EarlyStopping"]]),
    "a state that is a number": in_words("callbacks", [["EarlyStopping", 3]]),
    "a state with many zeros": in_words("callbacks", [["EarlyStopping", {"bytes": 10**12}]]),
    "a state that makes a set of lists": in_words(
        "callbacks", [["EarlyStopping", {"set": [{"list": []}]}]]
    ),
    "a state with a field of another class": in_words(
        "callbacks", [["EarlyStopping", {"dict": [["on_epoch_end", 1]]}]]
    ),
    "a state nested deeply": in_words("callbacks", [["EarlyStopping", DEEP]]),
    "a state that names an absent array": in_words("callbacks", [["A", {"array": "nowhere"}]]),
    "attributes of another optimizer": in_words("attributes", {"update": 1}),
    "columns that are absent": in_words("columns", ["epoch", "train_loss", "loss"]),
    "no columns": in_words("columns", []),
    "a column of text": setting("history/train_loss", np.array(["a"] * 3)),
    "a shorter column": setting("history/train_loss", np.ones(2)),
    "epochs that descend": setting("history/epoch", np.array([2, 1, 0])),
    "a velocity of another shape": setting("state/v", np.ones(3)),
    "a velocity of another dtype": setting("state/v", np.ones(25, "f")),
    "stored weights of another shape": setting("run/stored", np.ones(3)),
    "stored weights that are not finite": setting("run/stored", np.full(25, np.inf)),
    "weights of two axes": setting("model/value", np.ones((25, 1))),
    "weights that are integers": setting("model/value", np.ones(25, int)),
    "weights that are half as long": setting("model/value", np.ones(12)),
    "a layout that is no list": setting("model/layout", np.array("3")),
    "a layout of other numbers": setting("model/layout", np.array('[["0.weight", [2, -3]]]')),
    "layers that are a list": setting("model/layers", np.array("[]")),
    "a larger layer": setting(
        "model/layers", np.array('{"type":"Dense","in_features":1000000,"out_features":1000000}')
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_run_that_its_checksum_cannot_tell_is_refused_as_a_whole(kind, saved):
    rewrite(saved, HOSTILE[kind])
    into = trainer(model=nn.mlp(2, 6, 1, dropout=0.1, seed=3))
    before = state_of(into)
    with pytest.raises(DataError, match=r"run\.npz is not a saved run, or is damaged: ") as error:
        load_run(into, saved)
    assert state_of(into) == before
    assert "Restore it from a copy, or write it anew." in str(error.value)
    assert len(str(error.value)) < 600


def test_a_callback_that_cannot_take_its_state_leaves_the_trainer_as_it_was(saved):
    class EarlyStopping(Do):
        def load_state_dict(self, state):
            self.seen = state
            raise OverflowError("too much")

    into = two_class_trainer("nag", model=nn.mlp(2, 6, 1, dropout=0.1, seed=3),
                             callbacks=[EarlyStopping()])  # fmt: skip
    before = state_of(into)
    with pytest.raises(DataError, match="or is damaged: too much"):
        load_run(into, saved)
    assert state_of(into) == before
    into = trainer(model=nn.mlp(2, 6, 1, dropout=0.1, seed=3))
    load_run(into, saved)
    assert into.epoch == 2


OTHER = {
    "seed": (lambda: trainer(seed=1), ArgumentError, "another seed"),
    "optimizer": (lambda: two_class_trainer("momentum"), ArgumentError, "another optimizer"),
    "loss": (
        lambda: Trainer(nn.mlp(2, 6, 1, seed=0), "mse", optimizer=optim.NAG(LR), seed=0),
        ArgumentError, "another loss: got MeanSquaredError, expected BinaryCrossEntropy",
    ),
    "width": (lambda: trainer(model=nn.mlp(2, 7, 1, seed=0)), ShapeError, "other parameters"),
    "activation": (
        lambda: trainer(model=nn.mlp(2, 6, 1, activation="relu", seed=0)),
        ArgumentError, r"other layers than the file: got .*ReLU\(\).*expected .*Tanh\(\)",
    ),
    "dtype": (
        lambda: trainer(model=nn.mlp(2, 6, 1, seed=0, dtype="float32")),
        DTypeError, "weights of the model have another dtype.*got float32, expected float64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER)
def test_another_trainer_is_refused_with_its_own_words_and_as_it_was(kind, path):
    first = trainer()
    first.fit(X, Y, epochs=1)
    save_run(first, path)
    make, error, words = OTHER[kind]
    into = make()
    before = state_of(into)
    with pytest.raises(error, match=words):
        load_run(into, path)
    assert state_of(into) == before


class Plain(nn.Layer):
    """A custom layer around layers of minidl."""

    def __init__(self, activation):
        self.inner, self.activation = nn.Dense(2, 2, seed=0), activation

    def forward(self, x, training=False):
        return self.activation(self.inner(x))


def test_into_another_activation_is_refused_also_inside_custom_layers(path):
    save_model(nn.Sequential(nn.Dense(2, 2), nn.LeakyReLU(0.2), seed=0), path)
    with pytest.raises(ArgumentError, match="other layers than the file"):
        load_model(path, into=nn.Sequential(nn.Dense(2, 2), nn.LeakyReLU(0.1), seed=1))
    load_model(path, into=nn.Sequential(nn.Dense(2, 2), nn.LeakyReLU(0.2), seed=1))
    save_model(Plain(nn.Tanh()), path)
    load_model(path, into=Plain(nn.Tanh()))
    with pytest.raises(ArgumentError, match="other layers than the file"):
        load_model(path, into=Plain(nn.ReLU()))


def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(path):
    model = nn.mlp(2, 3, 1, seed=0)
    save_model(model, path)
    before = path.read_bytes()
    model[2].bias.data[...] = np.nan
    with pytest.raises(DataError, match=r"1 of 13 weights are not finite, in 2\.bias"):
        save_model(model, path)
    assert path.read_bytes() == before
    rewrite(path, lambda arrays: arrays["model/value"].fill(np.inf))
    with pytest.raises(DataError, match=r"run\.npz: 13 of 13 weights are not finite, in 0\.weight"):
        load_model(path)


def test_layers_are_not_built_if_they_are_larger_than_the_weights(path, monkeypatch):
    save_model(nn.Dense(2, 3, seed=0), path)
    rewrite(path, in_words("in_features", 10**7, "model/layers"))
    monkeypatch.setattr("minidl.training.model_file.build", None)
    with pytest.raises(DataError, match="its layers are larger than its weights"):
        load_model(path)


def test_the_sizes_of_layers_within_layers_count_and_positions_do_not(path, monkeypatch):
    layers = nn.Embedding(3_000, 16, padding_index=2_900), nn.Residual(nn.Dense(16, 16))
    save_model(nn.Sequential(*layers, seed=0), path)
    assert load_model(path).parameters.size == 3_000 * 16 + 16 * 16 + 16

    inner = {"type": "Dense", "in_features": 16, "out_features": 10**7, "bias": True}
    rewrite(path, in_words("layers", [{"type": "Residual", "layer": inner}], "model/layers"))
    monkeypatch.setattr("minidl.training.model_file.build", None)
    with pytest.raises(DataError, match="its layers are larger than its weights"):
        load_model(path)


def test_a_newer_format_is_named(path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    arrays, _ = read_arrays(path, "a saved model")
    arrays["minidl/format"] = np.array('{"version": 3, "holds": "model", "more": 1}')
    write_arrays(path, "model", arrays)
    with pytest.raises(DataError, match="was written by a newer minidl: got format 3, expected 2"):
        load_model(path)


def test_a_file_that_lost_its_checksum_is_refused(path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="its checksum is missing"):
        load_model(path)


PREPARED = {
    "a scale of zero": setting("extra/x_scale", np.zeros(2)),
    "a mean of another width": setting("extra/x_mean", np.zeros(3)),
    "a mean that is not finite": setting("extra/x_mean", np.full(2, np.nan)),
    "no outputs": lambda arrays: arrays.pop("extra/outputs"),
    "another task": in_words("task", "ranking", "extra/preparation/fields"),
    "one class": in_words("class_names", ["a"], "extra/preparation/fields"),
    "three classes": in_words("class_names", ["a", "b", "c"], "extra/preparation/fields"),
    "a class that is a number": in_words("class_names", ["a", 2], "extra/preparation/fields"),
    "features that are absent": in_words("features", [], "extra/preparation/fields"),
    "features without a name": in_words("features", [{}], "extra/preparation/fields"),
    "a decimal sign that is a number": in_words("decimal", 3, "extra/preparation/fields"),
}


@pytest.mark.parametrize("kind", PREPARED)
def test_a_predictor_whose_preparation_does_not_fit_is_refused(kind, path):
    data = datasets.load("moons", n=40, seed=0)
    Predictor(nn.mlp(2, 1, seed=0), data.preparation).save(path)
    load(path)
    rewrite(path, PREPARED[kind])
    with pytest.raises(DataError, match=r"run\.npz is not a saved model, or is damaged"):
        load(path)


# -- sizes ---------------------------------------------------------------------------------------


def npy(shape, dtype="<f8", data=b""):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


def write_one(path, data, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("model/value.npy", data)


BOMBS = {
    "60 MB in a file of 60 KB": lambda path: write_one(
        path, npy("(7500000,)", data=bytes(6 * 10**7)), zipfile.ZIP_DEFLATED
    ),
    "a shape of 8 TB": lambda path: write_one(path, npy("(1000000000000,)")),
    "a shape that overflows": lambda path: write_one(path, npy(f"({2**61},)")),
    "a shape below zero": lambda path: write_one(path, npy("(-1, -4)", data=bytes(32))),
    "text of no length": lambda path: write_one(path, npy("(1000000000000,)", "<U0")),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}
LOAD_ALL = """
import resource, sys
from minidl import load_model
from minidl.errors import DataError
for path in sys.argv[1:]:
    try: load_model(path)
    except DataError as error: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_no_file_takes_more_memory_than_it_is_long(tmp_path):
    paths = [tmp_path / "none", *(tmp_path / str(k) for k in range(len(BOMBS)))]
    for make, path in zip(BOMBS.values(), paths[1:], strict=True):
        make(path)
    command = [sys.executable, "-c", LOAD_ALL, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kibibytes = list(map(int, done.stdout.split()))
    assert len(kibibytes) == len(paths)
    assert kibibytes[-1] - kibibytes[0] < 20_000


def test_arrays_that_share_their_bytes_are_refused(path):
    """A central directory may name one megabyte a thousand times."""
    write_one(path, npy("(1000,)", data=bytes(8000)))
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[start:end]
    others = [entry.replace(b"model/value.npy", b"model/val%02d.npy" % k) for k in range(50)]
    directory = b"".join([entry, *others])
    tail = bytearray(data[end:])
    tail[8:12] = (51).to_bytes(2, "little") * 2
    tail[12:16] = len(directory).to_bytes(4, "little")
    path.write_bytes(data[:start] + directory + bytes(tail))
    with pytest.raises(DataError, match="it says that its arrays are larger than the file"):
        load_model(path)


def test_a_compressed_file_is_refused_before_it_is_unpacked(path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays)
    with pytest.raises(DataError, match="it is compressed, which no file of minidl is"):
        load_model(path)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("Generator", {"bit_generator": "seed", "state": {}}),
        ("Generator", {"bit_generator": "test", "state": {}}),
        ("Generator", {"bit_generator": "MT19937", "state": {"pos": 625}}),
        ("Generator", {"bit_generator": "MT19937", "state": {"pos": -1}}),
        ("Generator", {"bit_generator": "Philox", "state": {}, "buffer_pos": -1}),
        ("RandomState", {"bit_generator": "MT19937", "state": {"pos": 10**6}, "has_gauss": 0}),
    ],
)
def test_a_state_of_a_generator_calls_no_other_function_and_stays_in_its_memory(
    kind, state, monkeypatch
):
    for name in ("seed", "test", "MT19937", "Philox", "RandomState"):
        monkeypatch.setattr(np.random, name, None)
    with pytest.raises(ValueError, match="generator"):
        unpack({kind: pack(state)}, {})


def test_objects_are_not_unpickled(path, monkeypatch):
    np.savez(path, **{"model/value": np.array([{}, None])})
    monkeypatch.setattr("pickle.load", None)
    with pytest.raises(DataError, match="Python objects, which could run code"):
        load_model(path)


def test_a_pipe_and_a_folder_are_no_models_and_nobody_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place, words in ((tmp_path / "pipe", "it is a pipe"), (tmp_path, "it is a folder")):
        with pytest.raises(FileError, match=f"cannot read .*: {words}"):
            load_model(place)


def test_a_history_is_saved_as_arrays_with_all_its_bits(path):
    one, other = trainer(), trainer()
    one.fit(X, Y, epochs=3)
    one.history._columns["running_loss"][1] = float("inf")
    save_run(one, path)
    load_run(other, path)
    for name in one.history.columns:
        assert_array_equal(other.history[name], one.history[name], strict=True)
    assert other.history.stopped_by == one.history.stopped_by
    with np.load(path) as file:
        assert file["history/train_loss"].dtype == np.float64
        assert len(str(file["run/words"])) < 4000
