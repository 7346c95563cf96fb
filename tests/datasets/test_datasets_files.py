"""CSV and NPZ files that can be used: what is read, inferred and tolerated."""

from pathlib import Path

import numpy as np
import pytest

from minidl.datasets import load
from minidl.errors import ArgumentError, UnknownNameError

POINTS = "height,width,label\n1,10,dog\n2,20,cat\n3,30,dog\n4,40,cat\n"


@pytest.fixture
def csv(tmp_path):
    """Write text or bytes as a CSV file, and load it unsplit and unscaled."""

    def write(text, **arguments):
        path = tmp_path / "points.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, **{"test_size": 0, "standardize": False} | arguments)

    return write


@pytest.fixture
def npz(tmp_path):
    """Write arrays as an NPZ file, and load it unsplit and unscaled."""

    def write(arrays, **arguments):
        path = tmp_path / "points.npz"
        np.savez(path, **arrays)
        return load(path, **{"test_size": 0, "standardize": False} | arguments)

    return write


def table(data):
    """Return feature rows with class names or targets, sorted."""
    labels = [data.class_names[k] for k in data.y_train] if data.class_names else data.y_train
    return sorted((*x, t) for x, t in zip(data.X_train.tolist(), labels, strict=True))


def column(values):
    return "a,target\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values))


def test_a_csv_file_gives_its_columns(csv):
    data = csv(POINTS)
    assert (data.name, data.task, data.n_outputs) == ("points.csv", "binary", 1)
    assert data.feature_names == ("height", "width")
    assert data.class_names == ("cat", "dog")
    assert table(data) == [(1, 10, "dog"), (2, 20, "cat"), (3, 30, "dog"), (4, 40, "cat")]


def test_a_file_is_split_and_standardised_like_any_set(csv):
    data = csv(POINTS, test_size=0.5, standardize=True)
    assert sorted(data.y_train) == sorted(data.y_test) == [0, 1]
    assert np.allclose(data.X_train.mean(axis=0), 0.0)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_line_ends_and_byte_order_marks_do_not_matter(csv, separator, end, mark):
    text = mark + POINTS.replace(",", separator).replace("\n", end)
    data = csv(text)
    assert data.feature_names == ("height", "width")
    assert table(data) == table(csv(POINTS))


@pytest.mark.parametrize(
    "text",
    [
        POINTS.rstrip("\n"),
        "\n\n" + POINTS.replace("\n", "\n\n") + "  \n",
        POINTS.replace(",", " , "),
        POINTS.replace("dog", '"dog"').replace("height", '"height"'),
    ],
    ids=["no last line end", "blank lines", "spaces", "quotes"],
)
def test_harmless_variations_are_read_alike(csv, text):
    data = csv(text)
    assert table(data) == table(csv(POINTS))
    assert data.feature_names == ("height", "width")


def test_lines_of_empty_cells_between_rows_are_left_out_and_the_summary_says_so(csv):
    rows = "1,2,x\n,,\n3,4,y\n\n2,2,x\n,,\n5,5,y\n,,\n,,\n"
    data = csv(f"a,b,kind\n{rows}", target="kind")
    assert len(data.X_train) == 4
    assert "left out   lines 3, 7: all cells are empty\n" in data.summary()


def test_quoted_cells_may_hold_separators_and_line_ends(csv):
    data = csv('"a;b;c","label"\n1,"x, y"\n2,"x\ny"\n')
    assert data.feature_names == ("a;b;c",)
    assert data.class_names == ("x\ny", "x, y")


@pytest.mark.parametrize("name", ["target", "Label", "CLASS", "y"])
def test_a_column_with_a_usual_name_is_the_target(csv, name):
    assert csv(f"a,{name},b\n1,no,3\n4,yes,6\n").feature_names == ("a", "b")


@pytest.mark.parametrize("target", ["width", 1, -2, np.int64(1)])
def test_the_target_may_be_given_by_name_or_position(csv, target):
    text = "height,width,label\n1,10.5,7\n2,20.5,8\n"
    data = csv(text, target=target)
    assert data.feature_names == ("height", "label")
    assert sorted(data.y_train) == [10.5, 20.5]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["b", "a", "c"], "multiclass", ("a", "b", "c")),
        (["no", "yes", "no"], "binary", ("no", "yes")),
        ([10, 9, 9.0], "binary", ("9", "10")),
        ([3, -1, 2] * 5, "multiclass", ("-1", "2", "3")),
        ([3, -1, 2] * 4, "regression", ()),
        ([1, 2, "3+"], "multiclass", ("1", "2", "3+")),
        ([1, 2, 2.5], "regression", ()),
        ([*range(20)] * 5, "multiclass", tuple(map(str, range(20)))),
        ([*range(21)] * 5, "regression", ()),
        (range(60323, 60339), "regression", ()),
        (["1e3", "2E3"], "binary", ("1000", "2000")),
        (["True", "False"], "binary", ("False", "True")),
        (["1_0", "2_0"], "binary", ("1_0", "2_0")),
        ([chr(0x661), chr(0x662)], "binary", (chr(0x661), chr(0x662))),
    ],
)
def test_the_task_follows_from_the_targets(csv, values, task, classes):
    data = csv(column(values))
    assert (data.task, data.class_names) == (task, classes)


@pytest.mark.parametrize(
    ("values", "asked", "task", "outputs"),
    [
        ([1, 2, 3], "regression", "regression", 1),
        ([0.5, 1.5, 0.5], "classification", "binary", 1),
        ([0.5, 1.5, 0.5], "binary", "binary", 1),
        ([0, 1, 0], "multiclass", "multiclass", 2),
        (range(30), "classification", "multiclass", 30),
    ],
)
def test_the_task_can_be_forced(csv, values, asked, task, outputs):
    data = csv(column(values), task=asked)
    assert (data.task, data.n_outputs) == (task, outputs)


def test_class_numbers_follow_sorted_labels(csv):
    data = csv(column([30, 4, 100, 4]), task="classification")
    assert data.class_names == ("4", "30", "100")
    assert sorted(data.y_train) == [0, 0, 1, 2]
    assert csv(column([0.5, 1.5]), task="binary").class_names == ("0.5", "1.5")


def test_regression_targets_from_a_file_are_standardised(csv):
    data = csv(column([0.5, 1.5, 4.0]), standardize=True)
    assert (data.y_mean, data.task) == (2.0, "regression")
    assert np.allclose(sorted(data.inverse_y(data.y_train)), [0.5, 1.5, 4.0])


def test_an_npz_file_gives_its_arrays(npz):
    data = npz({"X": [[1, 2], [3, 4]], "y": [5, 6], "feature_names": ["a", "b"]})
    assert (data.name, data.task, data.feature_names) == ("points.npz", "binary", ("a", "b"))
    assert table(data) == [(1, 2, "5"), (3, 4, "6")]
    assert data.X_train.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (np.array([False, True]), "binary", ("0", "1")),
        (np.array(["no", "yes"]), "binary", ("no", "yes")),
        (np.array([7, 9], dtype=np.uint8), "binary", ("7", "9")),
        (np.array([0.5, 1.0], dtype=np.float32), "regression", ()),
    ],
)
def test_npz_targets_of_every_kind_are_understood(npz, y, task, classes):
    data = npz({"X": np.ones((2, 2), dtype=np.float32, order="F"), "y": y})
    assert (data.task, data.class_names, data.feature_names) == (task, classes, ("x0", "x1"))
    assert data.X_train.dtype == np.float64
    assert data.X_train.flags.c_contiguous


def test_target_names_another_array_of_an_npz_file(npz):
    data = npz({"X": np.eye(3), "sizes": [0.5, 1.0, 2.0]}, target="sizes")
    assert sorted(data.y_train) == [0.5, 1.0, 2.0]


def test_arrays_that_are_not_needed_are_not_read(npz):
    extra = np.array([None, {}], dtype=object)
    assert npz({"X": np.eye(2), "y": [0, 1], "notes": extra}).n_classes == 2


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_may_be_text_or_a_path(tmp_path, monkeypatch, kind):
    (tmp_path / "POINTS.CSV").write_text(POINTS)
    monkeypatch.chdir(tmp_path)
    assert load(kind("POINTS.CSV")).name == "POINTS.CSV"
    assert load(kind(tmp_path / "POINTS.CSV")).name == "POINTS.CSV"


def test_a_file_called_like_a_set_does_not_hide_the_set(tmp_path, monkeypatch):
    (tmp_path / "moons").write_text(POINTS)
    monkeypatch.chdir(tmp_path)
    assert load("moons").name == "moons"


@pytest.mark.parametrize(("argument", "value"), [("n", 10), ("noise", 0.1)])
def test_rows_and_noise_of_a_file_are_an_error(csv, argument, value):
    with pytest.raises(
        ArgumentError, match=f"^{argument} applies to generated data sets only, got {value} "
    ):
        csv(POINTS, **{argument: value})


def test_an_unknown_task_suggests_the_nearest(csv):
    with pytest.raises(UnknownNameError, match=r"unknown task 'regresion'.*'regression'\?"):
        csv(POINTS, task="regresion")
