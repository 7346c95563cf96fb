"""Files with values that no model or run can have, although their checksums are right."""

import contextlib
import json
import math
import threading
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from training_problems import two_class_trainer, two_classes

from minidl import Predictor, Trainer, datasets, load, load_model, nn, optim, save_model
from minidl.archive import read_arrays, write_arrays
from minidl.comparison import Comparison
from minidl.errors import ArgumentError, DataError
from minidl.training import (
    EarlyStopping,
    History,
    ReduceOnPlateau,
    from_torch,
    load_run,
    load_safetensors,
    save_run,
    save_safetensors,
    to_torch,
)

X, Y = two_classes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def rewrite(path, name, value):
    """Replace an array of a file, which gets the right checksum."""
    arrays, holds = read_arrays(path, "a saved model")
    arrays[name] = np.array(value)
    write_arrays(path, holds, arrays)


def test_loading_in_threads_leaves_the_filters_of_warnings_alone(path, monkeypatch):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    seen, infolist = [], zipfile.ZipFile.infolist

    def spy(archive):
        seen.append(list(warnings.filters))
        return infolist(archive)

    monkeypatch.setattr(zipfile.ZipFile, "infolist", spy)
    with warnings.catch_warnings():
        before = list(warnings.filters)
        threads = [threading.Thread(target=load_model, args=(path,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) >= 3
        assert all(filters == before for filters in [*seen, warnings.filters])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 0)), np.float32(3), np.asfortranarray(np.ones((2, 3))), np.array([True]),
        np.arange(3, dtype=">i2"), np.array(["a", "日本"]), np.array([b"ab"]), np.array([1 + 2j]),
        np.array(["2026-01-01"], "M8[D]"), np.array([3], "m8[25s]"), np.zeros((1, 2, 3, 4), "f2"),
    ],
)  # fmt: skip
def test_every_array_of_numbers_or_text_comes_back_as_it_was(array, path):
    write_arrays(path, "arrays", {"one": array})
    found = read_arrays(path, "arrays")[0]["one"]
    native = array.astype(array.dtype.newbyteorder("="))
    np.testing.assert_array_equal(found, native, strict=True)


def test_arrays_of_anything_else_are_not_saved(path):
    for extra in (np.array([None]), np.zeros(2, "f8,i4"), np.zeros(2, "V3")):
        with pytest.raises(DataError, match="one is not an array of numbers or text"):
            save_model(nn.Dense(1, 1), path, {"one": extra})


@pytest.fixture
def normed():
    return nn.Sequential(nn.Dense(2, 3), nn.BatchNorm(3), nn.Dense(3, 1), seed=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_variance_that_none_can_be_is_neither_saved_nor_loaded(value, normed, path):
    save_model(normed, path)
    kept = path.read_bytes()
    state = to_torch(normed)
    state["1.running_var"] = np.full(3, value)
    before = normed.copy_buffers()
    with pytest.raises(DataError, match=r"1\.running_var has (values|numbers)"):
        from_torch(normed, state)
    assert {n: a.tolist() for n, a in normed.copy_buffers().items()} == {
        n: a.tolist() for n, a in before.items()
    }
    rewrite(path, "buffer/1.running_var", np.full(3, value))
    for into in (None, normed):
        with pytest.raises(DataError, match=r"damaged: the buffer 1\.running_var has values"):
            load_model(path, into)
    path.write_bytes(kept)
    normed[1].running_var[...] = value
    with pytest.raises(DataError, match=r"not saved to .*: the buffer 1\.running_var has values"):
        save_model(normed, path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_run_with_such_a_variance_is_refused(value, normed, path):
    trainer = Trainer(normed, "bce", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(X, Y, epochs=1)
    save_run(trainer, path)
    rewrite(path, "buffer/1.running_var", np.full(3, value))
    with pytest.raises(DataError, match=r"saved run, or is damaged: the buffer 1\.running_var"):
        load_run(trainer, path)


def test_the_parts_of_a_model_are_those_of_its_layers(path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    rewrite(path, "model/parts", '["Sequential", "Dense", "ReLU", "Dense"]')
    for into in (None, nn.mlp(2, 3, 1, seed=0)):
        with pytest.raises(DataError, match="its parts are not those of its layers"):
            load_model(path, into)


@pytest.mark.parametrize("data", [b"", bytes(100), b"<html>"], ids=["empty", "zeros", "HTML"])
def test_what_is_no_run_is_said_to_be_none(data, path):
    path.write_bytes(data)
    with pytest.raises(DataError, match="is not a saved run"):
        load_run(two_class_trainer("nag"), path)


# -- runs ----------------------------------------------------------------------------------------


def run(rule, **arguments):
    model = nn.Sequential(nn.Dense(2, 3), nn.BatchNorm(3), nn.Dense(3, 1), seed=0)
    stopping = EarlyStopping("train_loss", patience=50)
    return Trainer(model, "bce", optimizer=rule, seed=0, callbacks=[stopping], **arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (optim.Adam, "square_mean"), (optim.Adagrad, "square_sum"), (optim.Rprop, "step_size"),
        (lambda: optim.CenteredRMSprop(momentum=0.5), "variance"), (optim.AMSGrad, "largest"),
        (optim.NAdam, "weight"), (optim.Adadelta, "step_square_mean"),
        (lambda: optim.FunctionRestart(optim.NAG(0.1)), "restarted_at"),
    ],
)  # fmt: skip
def test_state_that_an_optimizer_cannot_have_is_neither_saved_nor_loaded(make, name, value, path):
    trainer = run(make())
    trainer.fit(X, Y, epochs=1)
    save_run(trainer, path)
    load_run(run(make()), path)
    state = trainer.optimizer.state[name]
    rewrite(path, f"state/{name}", np.full(state.shape, value))
    into = run(make())
    with pytest.raises(DataError, match=rf"saved run, or is damaged: the optimizer's {name} has"):
        load_run(into, path)
    assert into.optimizer.state == {}
    kept = path.read_bytes()
    state[...] = value
    with pytest.raises(DataError, match=f"the run is not saved to .*: the optimizer's {name} has"):
        save_run(trainer, path)
    assert path.read_bytes() == kept


def test_a_velocity_may_be_negative_but_is_finite(path):
    trainer = run(optim.NAG(0.1))
    trainer.fit(X, Y, epochs=1)
    trainer.optimizer.state["velocity"][...] = -1.0
    save_run(trainer, path)
    load_run(run(optim.NAG(0.1)), path)
    rewrite(path, "state/velocity", np.full(len(trainer.model.parameters.value), np.nan))
    with pytest.raises(DataError, match="the optimizer's velocity has values"):
        load_run(run(optim.NAG(0.1)), path)


@pytest.mark.parametrize("rule", optim.TABLE, ids=lambda entry: entry.name)
def test_every_rule_can_be_saved_and_continued(rule, path):
    trainer, into = two_class_trainer(rule.name), two_class_trainer(rule.name)
    trainer.fit(X, Y, epochs=2)
    save_run(trainer, path)
    load_run(into, path)
    assert into.optimizer.step_count == trainer.optimizer.step_count


WORDS = {
    "updates below 0": ("history/updates", np.array([0, -1, 2])),
    "updates that are floats": ("history/updates", np.array([0.0, 1.5, 2.0])),
    "samples that are floats": ("history/samples", np.array([0.0, 75.0, 150.0])),
    "an accuracy of 5": ("history/train_accuracy", np.array([0.5, 5.0, 0.5])),
}


@pytest.mark.parametrize("kind", WORDS)
def test_a_run_with_counts_that_none_can_be_is_refused(kind, path):
    trainer = run(optim.NAG(0.1))
    trainer.fit(X, Y, epochs=2)
    save_run(trainer, path)
    rewrite(path, *WORDS[kind])
    with pytest.raises(DataError, match="is not a saved run, or is damaged"):
        load_run(run(optim.NAG(0.1)), path)


@pytest.mark.parametrize(("name", "value"), [("optimizer.lr", "x"), ("l2", True), ("shuffle", 2)])
def test_a_setting_keeps_its_type(name, value, path):
    trainer = run(optim.NAG(0.1))
    trainer.fit(X, Y, epochs=1)
    save_run(trainer, path)
    words = json.loads(str(read_arrays(path, "a saved run")[0]["run/words"]))
    words["started_with"][name] = value
    rewrite(path, "run/words", json.dumps(words))
    with pytest.raises(DataError, match=f"damaged: {name} is {value!r} at the start, and then"):
        load_run(run(optim.NAG(0.1)), path)


@pytest.mark.parametrize("part", ["weights", "buffers", "paused"])
@pytest.mark.parametrize("given", ["before", "after"])
def test_early_stopping_takes_only_arrays_of_its_model(part, given, path):
    trainer = run(optim.NAG(0.1))
    trainer.fit(X, Y, epochs=2)
    stopping = trainer.callbacks[0]
    if part == "weights":
        stopping.weights = np.zeros(3)
    else:
        setattr(
            stopping, part, {name: array[:-1] for name, array in getattr(stopping, part).items()}
        )
        assert getattr(stopping, part)
    save_run(trainer, path)
    into = run(optim.NAG(0.1))
    if given == "before":
        with pytest.raises(DataError, match=f"damaged: the {part} of EarlyStopping are those of"):
            load_run(into, path)
        return
    into.hooks.callbacks, into.callbacks = [], []
    load_run(into, path)
    with pytest.raises(DataError, match=f"the {part} of EarlyStopping are those of another model"):
        into.fit(X, Y, epochs=1, callbacks=[EarlyStopping("train_loss", patience=50)])


# -- histories -----------------------------------------------------------------------------------

GOOD = {"stopped_by": None, "diverged_at": None, "advice": ""}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("best", "low", "best is 'low', expected a number"),
        ("best", math.nan, "best is nan, expected a number"),
        ("best", True, "best is True, expected a number"),
        ("best_epoch", 1.5, "best_epoch is 1.5, expected an integer >= -1"),
        ("waited", "3", "waited is '3', expected an integer >= 0"),
        ("waited", -1, "waited is -1, expected an integer >= 0"),
        ("weights", [1.0], "weights is a list, expected an array of numbers"),
        ("buffers", {"mean": 1.0}, "buffers.mean is 1.0, expected an array of numbers"),
        ("buffers", {"mean": np.array(["a"])}, "buffers.mean is a ndarray, expected an array of n"),
        ("observed", ("1", 2.0), "observed is a tuple, expected a pair"),
    ],
)
def test_early_stopping_takes_only_values_that_it_can_have(name, value, words, path):
    trainer = run(optim.NAG(0.1))
    trainer.fit(X, Y, epochs=2)
    setattr(trainer.callbacks[0], name, value)
    save_run(trainer, path)
    into = run(optim.NAG(0.1))
    with pytest.raises(DataError, match=f"damaged: the state of EarlyStopping .*: {words}"):
        load_run(into, path)
    assert into.callbacks[0].waited == 0
    assert into.epoch == 0


@pytest.mark.parametrize(("name", "value"), [("waited", "3"), ("resting", -1), ("factor", 7.0)])
def test_a_plateau_takes_only_its_own_state(name, value):
    plateau = ReduceOnPlateau("train_loss")
    with pytest.raises(DataError, match=f"the state of ReduceOnPlateau does not fit: {name} is"):
        plateau.load_state_dict({**plateau.state_dict(), name: value})
    assert (plateau.waited, plateau.resting, plateau.factor) == (0, 0, 0.1)


COLUMNS = {
    "a huge epoch": ({"epoch": [0, 2**70]}, "epoch is not a count"),
    "an accuracy of 5": ({"epoch": [0, 1], "train_accuracy": [0.5, 5]}, "train_accuracy is 5"),
    "an accuracy of -2": ({"epoch": [0], "validation_accuracy": [-2]}, "validation_accuracy is -2"),
    "no epochs": ({"train_loss": [0.5]}, "no column epoch: train_loss"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_history_that_none_can_be_is_refused(kind):
    columns, words = COLUMNS[kind]
    with pytest.raises(DataError, match=words):
        History.from_json(json.dumps({**GOOD, "columns": columns}))
    with pytest.raises(DataError, match=words):
        History.from_dict({**GOOD, "columns": columns})


def test_a_name_that_is_there_twice_is_refused():
    text = json.dumps({**GOOD, "columns": {"epoch": [0]}})[:-1] + ', "columns": {"epoch": [7]}}'
    with pytest.raises(DataError, match="damaged: it has 'columns' twice"):
        History.from_json(text)


@pytest.mark.parametrize("epoch", [math.nan, math.inf, 1.5, 2**70, "x"])
def test_an_epoch_is_a_whole_number(epoch):
    with pytest.raises(ArgumentError, match="epoch must be a whole number, got"):
        History.from_columns({"epoch": [0, epoch]})
    history = History()
    with pytest.raises(ArgumentError, match="epoch must be a whole number, got"):
        history.append({"epoch": epoch})
    assert len(history) == 0


CSV = {
    "an underscore": ("epoch,train_loss\n1_0,1_0\n", "'1_0', which is not a number"),
    "Arabic digits": ("epoch,train_loss\n\u0661,\u0662\n", "which is not a number"),
    "no header": ("1,2\n", "its first line names no column epoch: 1, 2"),
    "an accuracy of 5": ("epoch,train_accuracy\n0,5\n", "train_accuracy is 5"),
    "a huge epoch": (f"epoch\n{2**70}\n", "epoch must be a whole number"),
}


@pytest.mark.parametrize("kind", CSV)
def test_a_table_that_is_no_history_is_refused(kind, tmp_path):
    path, (text, words) = tmp_path / "history.csv", CSV[kind]
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"history\.csv.*{words}"):
        History.from_csv(path)


def test_the_mark_of_a_spreadsheet_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("\ufeffepoch,train_loss\n0,0.5\n", encoding="utf-8")
    assert History.from_csv(path).columns == ("epoch", "train_loss")
    History().to_csv(path)
    assert len(History.from_csv(path)) == 0


@pytest.mark.parametrize("place", [None, 3, [], True, b"history.json"])
def test_what_is_no_path_is_an_error_of_the_argument(place):
    model = nn.Dense(1, 1, seed=0)
    for call in (
        History.from_json, History.from_csv, Comparison.from_json, History().to_csv,
        lambda p: load_safetensors(p, model), lambda p: save_safetensors(model, p), load_model,
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match="path must be a file name"):
            call(place)


@pytest.mark.parametrize("state", [None, [1], {0: 1}, "model.pt"])
def test_weights_for_a_model_are_a_dictionary(state):
    with pytest.raises(ArgumentError, match="state must be a dictionary of names and arrays"):
        from_torch(nn.Dense(1, 1), state)
    with pytest.raises(ArgumentError, match="Give the model first"):
        from_torch({}, nn.Dense(1, 1))


def test_absent_and_unknown_names_read_well():
    state = {"weight": np.ones((1, 1)), "more": np.ones(1)}
    with pytest.raises(DataError, match=r"weights of the model: bias missing, more unknown$"):
        from_torch(nn.Dense(1, 1), state)
    with pytest.raises(DataError, match=r"weights of the model: bias missing$"):
        from_torch(nn.Dense(1, 1), {"weight": np.ones((1, 1))})


# -- safetensors and predictors ------------------------------------------------------------------


def test_each_changed_byte_of_weights_in_safetensors_is_noticed(tmp_path):
    path, model = tmp_path / "a.safetensors", nn.mlp(2, 2, 1, seed=0)
    save_safetensors(model, path)
    data, start = path.read_bytes(), model.parameters.value.copy()
    begin = 8 + int.from_bytes(data[:8], "little")
    for place in range(begin, len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(DataError, match=r"a\.safetensors is not a .*SHA-256"):
            load_safetensors(path, model)
    for place in range(8, begin):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with contextlib.suppress(DataError):  # of the checksum's own name
            load_safetensors(path, model)
        np.testing.assert_array_equal(model.parameters.value, start)
    path.write_bytes(data)
    load_safetensors(path, model)


def predictor(data):
    return Predictor(nn.mlp(data.n_features, data.n_outputs, seed=0), data.preparation)


@pytest.mark.parametrize("name", ["iris", "moons", "diabetes"])
def test_outputs_that_are_not_finite_are_no_prediction(name):
    one = predictor(datasets.load(name, seed=0))
    rows = np.zeros((4, len(one.preparation.mean)))
    one.predict(rows)
    one.model.parameters.value[...] = 1e300
    rows[[1, 3]] = 1e300
    for call in (one.predict, one.predict_proba)[: 1 if name == "diabetes" else 2]:
        words = "outputs are not finite: got rows 1, 3, counted"
        with np.errstate(all="ignore"), pytest.raises(DataError, match=words):
            call(rows)


def test_mean_and_scale_are_there_once_and_older_files_have_them_twice(path):
    one = predictor(datasets.load("iris", seed=0))
    one.save(path)
    arrays, holds = read_arrays(path, "a saved model")
    assert {n for n in arrays if "mean" in n or "scale" in n} == {"extra/x_mean", "extra/x_scale"}
    rows = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
    expected = one.predict_proba(rows)
    np.testing.assert_array_equal(load(path).predict_proba(rows), expected)
    for name in ("mean", "scale"):
        arrays[f"extra/preparation/{name}"] = arrays[f"extra/x_{name}"]
    write_arrays(path, holds, arrays)
    np.testing.assert_array_equal(load(path).predict_proba(rows), expected)


# -- comparisons ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "momentum"), [("nag", None), ("gd", 0.9)])
def test_a_run_has_a_momentum_where_its_plan_has_one(name, momentum, tmp_path):
    golden = Path(__file__).parents[1] / "golden" / "comparison_protocol1.json"
    record = json.loads(golden.read_bytes())
    path = tmp_path / "c.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    Comparison.from_json(path)
    runs = record["comparisons"][0]["runs"]
    next(run for run in runs if run["optimizer"] == name)["setting"][1] = momentum
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(DataError, match=f"a run of '{name}' with(out)? a momentum"):
        Comparison.from_json(path)
