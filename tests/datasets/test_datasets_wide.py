"""Many columns: the work grows with their number, not faster. A comparison reads a file once."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from minidl import compare
from minidl.cli import main
from minidl.datasets import Dataset, load, loading
from minidl.datasets.reading import Table
from minidl.datasets.reading.columns import unique_names

ROWS = 12
Y = np.arange(ROWS) % 2


def lines(d, **cells):
    """A CSV file with d columns, of which some cells of the first row are others."""
    X = np.random.default_rng(0).standard_normal((ROWS, d)).round(3).astype(str)
    for column, cell in cells.items():
        X[0, int(column[1:])] = cell
    names = [*(f"c{j}" for j in range(d)), "y"]
    body = [",".join([*row, str(y)]) for row, y in zip(X.tolist(), Y, strict=True)]
    return "\n".join([",".join(names), *body, ""])


def written(text, **options):
    def call(path):
        path.write_text(text, encoding="utf-8")
        return load(path, **options)

    return call


def made(d):
    """For each kind of data, what loads it with d columns."""
    X, names = np.ones((ROWS, d)) + np.arange(ROWS)[:, None], [f"c{j}" for j in range(d)]
    return {
        "numbers": written(lines(d)),
        "gaps": written(lines(d, c3=""), missing="mean"),
        "dropped": written(lines(d, c3=""), missing="drop"),
        "features": written(lines(d), features=names[:-1], drop=names[: d // 2]),
        "one name": written(lines(d).replace("c", "").partition("\n")[2], header=False, target=0),
        "arrays": lambda _: Dataset.from_arrays(X, Y, feature_names=names),
        "frame": lambda _: load(pd.DataFrame(X, columns=names).assign(y=Y)),
    }


def count(call, monkeypatch):
    """Calls of Python functions and of methods of lists, and how often all names were made."""
    calls = Counter()
    names = Table.names.fget
    with monkeypatch.context() as patch:
        patch.setattr(Table, "names", property(lambda t: (calls.update(["names"]), names(t))[1]))

        def seen(frame, event, argument):
            if event in ("call", "c_call"):
                calls[event] += 1

        sys.setprofile(seen)
        try:
            call()
        finally:
            sys.setprofile(None)
    return calls


@pytest.mark.parametrize("kind", made(4))
def test_the_work_for_columns_grows_with_their_number(kind, tmp_path, monkeypatch):
    few, many = 150, 600
    path = tmp_path / "wide.csv"
    made(few)[kind](path)  # imports
    before, after = (count(lambda d=d: made(d)[kind](path), monkeypatch) for d in (few, many))
    assert sum(after.values()) < 4.5 * sum(before.values())
    assert after["names"] == before["names"] < 20


def test_names_that_are_all_the_same_are_numbered_in_one_pass():
    class Name(str):
        compared = 0
        __slots__ = ()

        def __eq__(self, other):
            Name.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names, changed = unique_names([Name("a") for _ in range(500)])
    assert names == ["a", *(f"a.{k}" for k in range(1, 500))]
    assert changed == names[1:]
    assert Name.compared < 5000


def test_many_columns_have_the_numbers_of_few(tmp_path):
    path = tmp_path / "wide.csv"
    data = written(lines(600, c3=""), missing="mean", test_size=0.0)(path)
    table = pd.read_csv(path)
    filled = table.drop(columns="y").fillna(table.mean(numeric_only=True))
    scaled = (filled - filled.mean()) / filled.std(ddof=0)
    order = np.lexsort(data.X_train.T[:1])
    np.testing.assert_allclose(
        data.X_train[order], scaled.to_numpy()[np.argsort(scaled["c0"])], atol=1e-9
    )


@pytest.fixture
def opened(monkeypatch):
    """How often each file has been read; it is gone afterwards, for worker processes as well."""
    counts = Counter()
    read = loading._read

    def read_and_delete(path, *how):
        counts[path.name] += 1
        table = read(path, *how)
        path.unlink()
        return table

    monkeypatch.setattr(loading, "_read", read_and_delete)
    return counts


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_comparison_reads_its_file_once(jobs, opened, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(lines(3) + lines(3).partition("\n")[2], encoding="utf-8")
    small = {"lr": [0.1, 0.2], "epochs": 3, "seeds": 6, "tuning_seeds": 3, "sustained": 1}
    compare("rows.csv", **small, jobs=jobs)
    assert opened == {"rows.csv": 1}
    opened.clear()
    Path("rows.csv").write_text(lines(3) + lines(3).partition("\n")[2], encoding="utf-8")
    words = ["--lr", "0.1,0.2", "--epochs", "3", "--seeds", "6", "--tuning-seeds", "3"]
    words += ["--sustained", "1", "--jobs", str(jobs), "--report", "r.html"]
    assert main(["compare", "--dataset", "rows.csv", *words]) == 0
    assert opened == {"rows.csv": 1}
