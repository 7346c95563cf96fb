"""The names of data sets, names that a user adds, and what importing the package costs."""

import copy
import subprocess
import sys

import numpy as np
import pytest

from minidl import datasets
from minidl.cli import main
from minidl.errors import ArgumentError, UnknownNameError

FIFTEEN = [
    ("moons", "binary", 2, 0.2),
    ("circles", "binary", 2, 0.1),
    ("blobs", "multiclass", 3, 1.0),
    ("xor", "binary", 2, 0.1),
    ("spirals", "binary", 2, 0.05),
    ("gaussian_quantiles", "multiclass", 3, 0.0),
    ("classification", "binary", 2, 0.01),
    ("iris", "multiclass", 3, None),
    ("wine", "multiclass", 3, None),
    ("breast_cancer", "binary", 2, None),
    ("digits", "multiclass", 10, None),
    ("diabetes", "regression", 0, None),
    ("friedman1", "regression", 0, 1.0),
    ("sine", "regression", 0, 0.1),
    ("linear", "regression", 0, 0.5),
]


def test_the_table_has_the_fifteen_sets():
    assert [(i.name, i.task, i.classes, i.noise) for i in datasets.TABLE] == FIFTEEN
    assert datasets.names() == tuple(row[0] for row in FIFTEEN)


@pytest.mark.parametrize(
    "name", ["breast_cancer", "Breast Cancer", "BREAST-CANCER", " breastcancer"]
)
def test_capitals_spaces_hyphens_and_underscores_do_not_matter(name):
    assert datasets.lookup(name).name == "breast_cancer"
    assert datasets.load(name).name == "breast_cancer"


@pytest.mark.parametrize("find", [datasets.load, datasets.generate, datasets.lookup])
def test_a_misspelt_name_suggests_the_nearest(find):
    with pytest.raises(UnknownNameError, match=r"unknown data set 'monos'.*Did you mean 'moons'\?"):
        find("monos")


def test_a_misspelt_name_is_the_error_also_with_arguments_of_generated_sets():
    with pytest.raises(UnknownNameError, match="unknown data set 'monos'"):
        datasets.load("monos", n=50)


def corners(n, noise, seed):
    generator = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return y[:, None] + noise * generator.normal(size=(n, 3)), y


@pytest.fixture
def added(monkeypatch):
    """Register a data set called "two corners" for the length of a test."""
    state = {name: copy.copy(value) for name, value in vars(datasets.DATASETS).items()}
    monkeypatch.setattr(datasets.DATASETS, "__dict__", state)
    info = datasets.Info("two corners", "binary", 2, "two clouds", make=corners, noise=0.1)
    datasets.DATASETS.add(info.name, info)
    return info


def test_an_added_name_is_loaded_generated_and_listed(added, capsys):
    assert datasets.names()[-1] == "two corners"
    data = datasets.load("Two_Corners", n=40, seed=3, test_size=0, standardize=False)
    assert (data.name, data.task, data.class_names) == ("two corners", "binary", ("0", "1"))
    X, y = datasets.generate("twocorners", n=40, seed=3)
    assert np.array_equal(np.sort(data.X_train, axis=0), np.sort(X, axis=0))
    assert np.array_equal(X, corners(40, 0.1, 3)[0])
    assert (y.dtype, len(data.feature_names)) == (np.int64, 3)
    assert main(["list", "datasets"]) == 0
    last = capsys.readouterr().out.splitlines()[-1].split(maxsplit=2)
    assert last == ["two", "corners", "two clouds (binary, generated, noise 0.1)"]
    assert main(["train", "--dataset", "two corners", "--epochs", "1", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("two corners: binary, 3 features, 2 classes")
    assert "two corners" not in [info.name for info in datasets.TABLE]


def test_an_added_name_is_suggested_for_a_misspelt_one(added):
    with pytest.raises(UnknownNameError, match="Did you mean 'two corners'"):
        datasets.load("two cornrs")


def test_a_name_is_added_once(added):
    with pytest.raises(ArgumentError, match="there is already a data set named 'Two-Corners'"):
        datasets.DATASETS.add("Two-Corners", added)


def test_a_generator_without_default_noise_gets_none(added):
    info = datasets.Info("plain", "binary", 2, "two points", make=corners)
    datasets.DATASETS.add(info.name, info)
    assert np.array_equal(datasets.generate("plain", n=4)[0], corners(4, 0.0, 0)[0])
    assert datasets.describe("plain") == "two points (binary, generated)"


@pytest.mark.parametrize(("thing", "got"), [(3, "3"), (np.ones((9, 2)), "an ndarray of shape")])
def test_something_else_than_a_name_a_file_or_a_table_is_an_error(thing, got):
    with pytest.raises(ArgumentError, match=f"^name must be a name, a file .*, got {got}"):
        datasets.load(thing)


@pytest.mark.parametrize("name", datasets.names())
def test_a_description_is_one_line_with_task_and_kind(name):
    line = datasets.describe(name)
    info = datasets.lookup(name)
    assert "\n" not in line
    assert f"({info.task}, {info.kind}" in line
    assert (", noise " in line) == (info.kind == "generated")


def test_importing_the_package_imports_no_scikit_learn():
    code = (
        "import sys, minidl.datasets as d; before = 'sklearn' in sys.modules or "
        "'scipy' in sys.modules; d.load('xor'); own = 'sklearn' in sys.modules; "
        "d.load('iris'); print(before, own, 'sklearn' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False", "True"]
