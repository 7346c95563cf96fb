"""The history: columns, files out and in, epochs to a target, the best epoch."""

import copy
import csv
import json
import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import line, linear_trainer, two_class_trainer, two_classes

from minidl.errors import ArgumentError, DataError, UnknownNameError
from minidl.training import History

COLUMNS = (
    "epoch",
    "updates",
    "gradient_evaluations",
    "samples",
    "seconds",
    "train_loss",
    "running_loss",
    "gradient_norm",
)


def history_of(**columns):
    """Return a history with these columns, epochs numbered from 0 unless given."""
    history = History()
    columns.setdefault("epoch", range(len(next(iter(columns.values())))))
    for values in zip(*columns.values(), strict=True):
        history.append(dict(zip(columns, values, strict=True)))
    return history


@pytest.fixture(scope="module")
def run():
    X, y = two_classes()
    return two_class_trainer("nag").fit(X, y, epochs=5, validation=(X[:20], y[:20]))


def test_columns_of_a_run_are_the_documented_ones_in_their_order(run):
    more = ("train_accuracy", "validation_loss", "validation_accuracy")
    assert run.columns == COLUMNS + more
    assert linear_trainer().fit(*line(), epochs=0).columns == COLUMNS


def test_a_column_is_an_array_of_integers_for_counts_and_of_floats_otherwise(run):
    for name in run.columns:
        kind = np.int64 if name in COLUMNS[:4] else np.float64
        assert run[name].dtype == kind
        assert run[name].shape == (6,)


def test_a_column_is_a_copy(run):
    run["train_loss"][...] = 0.0
    assert np.all(run["train_loss"] > 0)


def test_rows_are_dicts_and_can_be_walked_over(run):
    assert len(run) == 6
    assert [row["epoch"] for row in run] == [0, 1, 2, 3, 4, 5]
    assert run.row(-1)["train_loss"] == run["train_loss"][-1]
    assert "train_loss" in run
    assert "loss" not in run


def test_an_unknown_column_is_an_error_that_suggests_one(run):
    with pytest.raises(UnknownNameError, match="Did you mean 'train_loss'"):
        run["train_los"]


def test_a_history_of_columns_equals_one_of_rows(run):
    again = History.from_columns({name: run[name] for name in run.columns})
    assert_same(again, run)
    assert json.loads(again.to_json())["columns"] == json.loads(run.to_json())["columns"]
    lists = History.from_columns({"epoch": np.array([0.0, 1.0]), "train_loss": [3, 2]})
    assert list(lists) == [{"epoch": 0, "train_loss": 3.0}, {"epoch": 1, "train_loss": 2.0}]
    assert [type(value) for value in lists.row(0).values()] == [int, float]


def test_rows_can_be_added_as_columns():
    history = history_of(train_loss=[0.9])
    history.extend({"train_loss": np.array([0.5, math.nan]), "epoch": [1, 2]})
    assert_same(history, history_of(train_loss=[0.9, 0.5, math.nan]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"epoch": [1], "loss": [1.0]},
            "other columns than the history: got epoch, loss, expected",
        ),
        (
            {"epoch": [1, 2], "train_loss": [1.0]},
            "differ in length: got {'epoch': 2, 'train_loss",
        ),
    ],
)
def test_columns_that_do_not_fit_raise_and_add_nothing(columns, message):
    history = history_of(train_loss=[0.9])
    with pytest.raises(ArgumentError, match=message):
        history.extend(columns)
    assert_same(history, history_of(train_loss=[0.9]))


@pytest.mark.parametrize("write", [History.to_json, History.to_csv])
def test_a_file_that_cannot_be_written_leaves_the_old_one(write, tmp_path, monkeypatch):
    def full(number):
        raise OSError("disk full")

    path = tmp_path / "history"
    write(history_of(train_loss=[0.9]), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write(history_of(train_loss=[0.9, 0.5]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_with_other_columns_is_an_error():
    history = history_of(train_loss=[1.0])
    for row in ({"epoch": 1}, {"epoch": 1, "train_loss": 1.0, "more": 2.0}, {}):
        with pytest.raises(ArgumentError, match="other columns"):
            history.append(row)
    assert len(history) == 1


def test_a_row_with_a_value_that_is_no_number_is_an_error_and_adds_nothing():
    for history in (History(), history_of(train_loss=[1.0])):
        before = list(history)
        with pytest.raises(ValueError, match="could not convert"):
            history.append({"epoch": 1, "train_loss": "low"})
        assert list(history) == before


def assert_same(a, b):
    """Two histories are the same, bit for bit, nan included."""
    assert a.columns == b.columns
    for name in a.columns:
        assert_array_equal(a[name], b[name], strict=True)


@pytest.mark.parametrize("through_file", [False, True])
def test_json_gives_back_every_bit(run, tmp_path, through_file):
    path = tmp_path / "history.json"
    text = run.to_json(path)
    assert path.read_text(encoding="utf-8") == text
    again = History.from_json(path if through_file else text)
    assert_same(run, again)
    assert (again.stopped_by, again.diverged_at, again.advice) == ("epochs", None, "")
    assert again.to_json() == text
    assert History.from_json(str(path)).to_json() == text


def test_json_has_null_for_what_is_not_finite():
    history = history_of(train_loss=[0.5, math.inf, math.nan, -math.inf])
    history.stopped_by, history.diverged_at, history.advice = "diverged", 4, "slower"
    data = json.loads(history.to_json())
    assert data["columns"]["train_loss"] == [0.5, None, None, None]
    again = History.from_json(history.to_json())
    assert_array_equal(again["train_loss"], [0.5, np.nan, np.nan, np.nan])
    assert (again.stopped_by, again.diverged_at, again.advice) == ("diverged", 4, "slower")
    assert again.diverged


def test_numpy_numbers_can_be_written():
    history = history_of(
        train_loss=[np.float64(0.1), np.float32(0.5)], epoch=[np.int64(0), np.int64(1)]
    )
    assert json.loads(history.to_json())["columns"] == {"train_loss": [0.1, 0.5], "epoch": [0, 1]}


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", "{}", '{"columns": {}}', "{'a': 1}", '{"stopped_by": 1, "columns": 3}']
)
def test_json_of_something_else_is_an_error_of_the_data(text, tmp_path):
    path = tmp_path / "history.json"
    path.write_text(text, encoding="utf-8")
    for source in (path, text if text.startswith("{") else path):
        with pytest.raises(DataError, match="is not a saved history, or is damaged"):
            History.from_json(source)


def test_csv_gives_back_every_bit(run, tmp_path):
    path = tmp_path / "history.csv"
    run.to_csv(path)
    assert_same(run, History.from_csv(path))
    with path.open(newline="", encoding="utf-8") as file:
        header, first, *_ = csv.reader(file)
    assert header == list(run.columns)
    assert first[:4] == ["0", "0", "0", "0"]
    assert first[header.index("running_loss")] == "nan"


def test_csv_keeps_infinities(tmp_path):
    history = history_of(train_loss=[0.1, math.inf, -math.inf, math.nan, 5e-324])
    history.to_csv(tmp_path / "h.csv")
    assert_same(history, History.from_csv(tmp_path / "h.csv"))


@pytest.mark.parametrize("bad", ["1,x", "1", "1.5,0.2", "1,0.2,0.3"])
def test_csv_of_something_else_is_an_error_that_names_file_and_row(bad, tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(f"epoch,train_loss\n0,0.5\n{bad}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"h\.csv, row 1"):
        History.from_csv(path)


LOSS = [0.9, 0.4, 0.6, 0.3, 0.3, 0.2]


@pytest.mark.parametrize(
    ("loss", "sustained", "epoch"),
    [
        (0.9, 1, 0),
        (0.5, 1, 1),
        (0.4, 1, 1),
        (0.39, 1, 3),
        (0.5, 2, 3),
        (0.5, 3, 3),
        (0.5, 4, None),
        (0.2, 1, 5),
        (0.2, 2, None),
        (0.1, 1, None),
        (1.0, 6, 0),
        (1.0, 7, None),
    ],
)
def test_epochs_to_a_loss(loss, sustained, epoch):
    history = history_of(train_loss=LOSS)
    assert history.epochs_to(loss, sustained=sustained) == epoch
    assert history.epochs_to(loss=loss, sustained=sustained) == epoch


@pytest.mark.parametrize(
    ("accuracy", "sustained", "epoch"), [(0.5, 1, 0), (0.8, 1, 1), (0.8, 2, 3), (0.95, 1, None)]
)
def test_epochs_to_an_accuracy(accuracy, sustained, epoch):
    history = history_of(train_accuracy=[0.5, 0.8, 0.7, 0.8, 0.9])
    assert history.epochs_to(accuracy=accuracy, sustained=sustained) == epoch


def test_epochs_to_a_target_on_validation_rows():
    history = history_of(
        train_loss=[0.1, 0.1], validation_loss=[0.9, 0.3], validation_accuracy=[0.5, 0.9]
    )
    assert history.epochs_to(0.4, on="validation") == 1
    assert history.epochs_to(accuracy=0.9, on="validation") == 1


def test_epochs_to_returns_epochs_not_rows():
    history = history_of(epoch=[0, 5, 10, 12], train_loss=[1.0, 0.7, 0.4, 0.3])
    assert history.epochs_to(0.4) == 10
    assert history.epochs_to(0.7, sustained=3) == 5


def test_a_nan_reaches_no_target():
    assert history_of(train_loss=[math.nan, 0.1]).epochs_to(math.inf) == 1


def test_a_target_must_be_one_of_two():
    history = history_of(train_loss=LOSS, train_accuracy=LOSS)
    for arguments in ({}, {"loss": 0.1, "accuracy": 0.9}):
        with pytest.raises(ArgumentError, match="give either loss or accuracy"):
            history.epochs_to(**arguments)


@pytest.mark.parametrize("sustained", [0, -1, 1.5, True])
def test_sustained_must_be_a_count(sustained):
    with pytest.raises(ArgumentError, match=f"^sustained must be an integer >= 1, got {sustained}"):
        history_of(train_loss=LOSS).epochs_to(0.5, sustained=sustained)


def test_a_target_needs_its_column():
    with pytest.raises(UnknownNameError, match="validation_loss"):
        history_of(train_loss=LOSS).epochs_to(0.5, on="validation")


def test_best_is_the_first_smallest_loss_or_largest_accuracy():
    history = history_of(
        epoch=[0, 2, 4, 6],
        train_loss=[0.9, 0.2, 0.2, 0.5],
        running_loss=[math.nan, 0.8, 0.3, 0.4],
        train_accuracy=[0.5, 0.9, 0.95, 0.95],
    )
    assert history.best() == (2, 0.2)
    assert history.best("running_loss") == (4, 0.3)
    assert history.best("train_accuracy") == (4, 0.95)


def test_best_of_a_column_without_values_is_an_error():
    with pytest.raises(DataError, match="'running_loss' has no value yet"):
        history_of(running_loss=[math.nan]).best("running_loss")
    with pytest.raises(UnknownNameError):
        History().best()


def test_repr_says_where_a_run_stands(run):
    assert repr(History()) == "History(empty)"
    loss = run["train_loss"][-1]
    assert repr(run) == f"History(epoch=5, train_loss={loss:.6g}, stopped_by='epochs')"


def test_a_new_history_is_empty():
    history = History()
    assert (len(history), history.columns, list(history)) == (0, (), [])
    assert (history.stopped_by, history.diverged) == (None, False)


def test_arrays_of_a_history_that_grows_convert_only_new_rows():
    history = History()
    for epoch in range(50):
        history.append({"epoch": epoch, "train_loss": 1 / (epoch + 1)})
        if epoch % 7 == 0:
            for name, column in history.arrays().items():
                assert_array_equal(column, history[name], strict=True)
    before = history.arrays()["train_loss"]
    assert history.arrays()["train_loss"].base is before.base
    assert copy.deepcopy(history).to_json() == history.to_json()


def test_each_changed_byte_and_each_prefix_of_a_json_file_is_refused(tmp_path):
    path = tmp_path / "history.json"
    history_of(train_loss=[0.5, 0.25], seconds=[0.0, 0.1]).to_json(path)
    data = path.read_bytes()
    for place in range(len(data)):
        for changed in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
            path.write_bytes(changed)
            with pytest.raises(DataError, match=r"history\.json is not a saved history"):
                History.from_json(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch,train_loss\n0,0.5\n1,0.2", "the last line of .* is cut off. Delete that line"),
        ("epoch,train_loss\n0,0.5\n1\n", "row 1"),
        ("epoch,train_loss\n0,0.5,3\n", "row 0"),
        ("epoch,epoch\n0,1\n", "two columns have the same name"),
        ("epoch,train_loss\n1,0.5\n0,0.5\n", "epochs do not ascend"),
        ("epoch,train_loss\n-1,0.5\n", "epoch is not a count"),
        ("epoch,train_loss\n0.5,0.5\n", "row 0"),
        ('epoch,train_loss\n"0,0.5\n', "not a table of numbers"),
        ("epoch,\xff\n0,1\n", "not a table of numbers"),
    ],
)
def test_csv_of_something_else_is_an_error_of_the_data(text, words, tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=words):
        History.from_csv(path)
    with pytest.raises(DataError, match="there is no file"):
        History.from_csv(tmp_path / "none.csv")
