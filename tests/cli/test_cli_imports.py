"""What a command imports: nothing that it does not need."""

import re

import numpy as np
import pytest
from cli_process import ROOT, SMALL_RACE, run

IMPORTED = re.compile(r"^import time:.*\|\s*(\S+)$", re.MULTILINE)
HEAVY = {"sklearn", "scipy", "joblib", "pandas", "matplotlib", "tqdm", "minidl.comparison"}


def imported_by(*command):
    """Run ``minidl`` and return the modules that its process has imported."""
    done = run(*command, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    modules = set(IMPORTED.findall(done.stderr))
    assert "minidl.cli.commands" in modules
    return modules


def trained_on(dataset):
    return imported_by("train", "--dataset", dataset, "--epochs", "1", "--quiet")


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "spirals", "sine", "linear"])
def test_training_on_a_set_that_numpy_can_make_imports_numpy_only(name):
    assert trained_on(name) & HEAVY == set()


@pytest.mark.parametrize("name", ["moons", "blobs", "friedman1"])
def test_training_on_a_frozen_copy_imports_numpy_only(name):
    assert trained_on(str(ROOT / "datasets" / f"{name}.csv")) & HEAVY == set()


def test_training_on_an_npz_file_imports_numpy_only(tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.eye(8), y=np.arange(8) % 2)
    assert trained_on(str(tmp_path / "rows.npz")) & HEAVY == set()


def test_scikit_learn_and_the_comparison_are_imported_by_who_needs_them():
    assert trained_on("blobs") & HEAVY >= {"sklearn", "scipy"}
    # SciPy: distributions behind intervals. No joblib with one process, no tqdm with no terminal.
    assert imported_by(*SMALL_RACE) & HEAVY == {"minidl.comparison", "scipy"}
