"""What a command imports: nothing that it does not need."""

import json

import numpy as np
from cli_process import ROOT, SMALL_RACE, python

HEAVY = {"sklearn", "scipy", "joblib", "pandas", "matplotlib", "tqdm", "minidl.comparison"}
SCRIPT = """
import contextlib, io, json, sys
from minidl.cli import main
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(command) == 0, command
print(json.dumps(list(sys.modules)))
"""


def heavy_imports(*commands):
    """Run commands in one new process; return which heavy modules it has imported."""
    done = python(SCRIPT, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(done.stdout))
    assert "minidl.cli.main" in modules
    return modules & HEAVY


def training_on(dataset):
    return ["train", "--dataset", str(dataset), "--epochs", "1", "--quiet"]


def test_training_on_numpy_s_sets_and_on_files_imports_numpy_only(tmp_path):
    np.savez(tmp_path / "rows.npz", X=np.eye(8), y=np.arange(8) % 2)
    names = ["moons", "circles", "xor", "spirals", "sine", "linear", tmp_path / "rows.npz"]
    names += [ROOT / "datasets" / f"{name}.csv" for name in ("moons", "blobs", "friedman1")]
    assert heavy_imports(*map(training_on, names), ["list"]) == set()


def test_scikit_learn_and_the_comparison_are_imported_where_needed():
    assert heavy_imports(training_on("blobs")) >= {"sklearn", "scipy"}
    # SciPy: distributions behind intervals. No joblib with one process, no tqdm with no terminal.
    assert heavy_imports(SMALL_RACE) == {"minidl.comparison", "scipy"}
