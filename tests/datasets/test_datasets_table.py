"""The table of names, and what importing the package costs."""

import subprocess
import sys

import pytest

from minidl import datasets
from minidl.errors import UnknownNameError

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


def test_something_that_is_not_text_is_an_unknown_name():
    with pytest.raises(UnknownNameError, match="unknown data set 3"):
        datasets.load(3)


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
