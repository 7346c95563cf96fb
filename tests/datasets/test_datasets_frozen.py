"""The frozen copies: intact, loadable, and still what the generators give."""

import hashlib
import importlib.util
import platform
from pathlib import Path

import numpy as np
import pytest
import sklearn

from minidl.datasets import TABLE, generate, load, names

FOLDER = Path(__file__).parents[2] / "datasets"
GENERATED = sorted(info.name for info in TABLE if info.kind == "generated")


@pytest.fixture(scope="module")
def freeze():
    spec = importlib.util.spec_from_file_location("freeze", FOLDER / "freeze.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(name, frozen, made, atol=1e-12):
    """Return None, or a sentence about rows that differ from the frozen copy."""
    same = all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=atol)
        for a, b in zip(frozen, made, strict=True)
    )
    if same:
        return None
    return (
        f"{name}: generate() no longer gives the frozen copy with scikit-learn "
        f"{sklearn.__version__}, NumPy {np.__version__} on {platform.machine()}"
    )


def copy(name):
    """Read a frozen copy without minidl."""
    table = np.loadtxt(FOLDER / f"{name}.csv", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]


def test_every_generated_set_has_a_frozen_copy_and_nothing_else_does():
    assert sorted(path.stem for path in FOLDER.glob("*.csv")) == GENERATED


def test_checksums_cover_every_copy_and_hold():
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    sums = {file: digest for digest, file in (line.split("  ") for line in lines)}
    assert sorted(sums) == [f"{name}.csv" for name in GENERATED]
    for file, digest in sums.items():
        assert hashlib.sha256((FOLDER / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.parametrize("name", GENERATED)
def test_the_installed_scikit_learn_still_generates_the_frozen_copy(name):
    complaint = difference(name, copy(name), generate(name, n=1000, seed=0))
    assert complaint is None, complaint


def test_a_changed_row_would_be_reported_with_the_set_and_the_version():
    X, y = copy("moons")
    made = X.copy()
    made[500, 1] += 1e-9
    complaint = difference("moons", (X, y), (made, y))
    assert complaint.startswith("moons: ")
    assert f"scikit-learn {sklearn.__version__}" in complaint


@pytest.mark.parametrize("name", GENERATED)
def test_loading_the_copy_is_loading_the_set(name):
    by_name, by_file = load(name), load(FOLDER / f"{name}.csv")
    assert by_file.name == f"{name}.csv"
    for field in ("task", "feature_names", "class_names"):
        assert getattr(by_file, field) == getattr(by_name, field)
    for field in ("X_train", "y_train", "X_test", "y_test", "x_mean", "x_scale"):
        a, b = getattr(by_file, field), getattr(by_name, field)
        assert a.dtype == b.dtype
        assert np.allclose(a, b, rtol=1e-10, atol=1e-10)


def test_a_copy_reads_back_exactly_what_was_written(freeze, tmp_path):
    for name in GENERATED:
        path = tmp_path / f"{name}.csv"
        path.write_text(freeze.csv_text(name))
        data = load(path, standardize=False)
        again = load(name, standardize=False)
        assert np.array_equal(data.X_train, again.X_train)
        assert np.array_equal(data.y_train, again.y_train)


def test_the_cards_state_the_facts_and_every_set_has_one(freeze):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert freeze.CARD.findall(text) == list(names())
    assert freeze.cards(text) == text


def test_a_wrong_fact_in_a_card_is_put_right(freeze):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert freeze.cards(text.replace("150 rows", "151 rows")) == text


def test_a_missing_card_stops_freezing(freeze):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match=r"README\.md has cards for"):
        freeze.cards(text.replace("## wine", "## whine"))


def test_freezing_writes_every_file_and_then_changes_nothing(freeze, tmp_path, monkeypatch, capsys):
    (tmp_path / "README.md").write_bytes((FOLDER / "README.md").read_bytes())
    monkeypatch.setattr(freeze, "HERE", tmp_path)
    freeze.main()
    first = capsys.readouterr().out
    assert "changed  moons.csv" in first
    assert "same     README.md" in first
    freeze.main()
    assert "changed" not in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["README.md", "SHA256SUMS", *(f"{name}.csv" for name in GENERATED)]
    )


def test_the_folder_is_data_and_not_a_package():
    assert not (FOLDER / "__init__.py").exists()
