"""Bad data sets, files and arguments of compare and Study: each a clear error of one type.

    python tests/attack/bad_data.py  # how many were handled, and the slowest calls

A row is a name, the call, the type of its error and a part of the message.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import sklearn.datasets  # noqa: F401  # so that a call does not take its memory

from minidl import compare, datasets, nn, optim
from minidl.comparison import Comparison, Study, compare_all
from minidl.datasets import Dataset, load
from minidl.errors import (
    ArgumentError,
    DataError,
    DTypeError,
    MinidlError,
    ShapeError,
    TooLargeError,
    UnknownNameError,
)

Call = Callable[[], object]
X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 0, 1])
SMALL: dict[str, Any] = {"lr": 0.1, "epochs": 3, "seeds": 2, "tuning_seeds": 1, "sustained": 1}


def arrays(*arguments: Any, **options: Any) -> Call:
    """Return a call of from_arrays."""
    return lambda: Dataset.from_arrays(*arguments, **options)


def loaded(name: Any, **options: Any) -> Call:
    """Return a call of load."""
    return lambda: load(name, **options)


def text(content: str | bytes, name: str = "t.csv", **options: Any) -> Call:
    """Return a call that writes a file and loads it."""

    def call() -> object:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(name, **options)

    return call


def compared(problem: Any = "moons", *arguments: Any, **options: Any) -> Call:
    """Return a call of compare."""
    return lambda: compare(problem, *arguments, **{**SMALL, **options})


def packed(*members: tuple[str, bytes], compressed: bool = False) -> bytes:
    """Return a ZIP archive."""
    buffer = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def array_file(shape: tuple[int, ...], data: bytes = b"") -> bytes:
    """Return an NPY file that says it has this shape, and has these bytes."""
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + data


def bomb(member: str) -> bytes:
    """Return an archive of 1.3 MB whose member unpacks to 300 MB."""
    zeros = bytes(8 * 10**6)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(member, "w", force_zip64=True) as file:
            if member.endswith(".npy"):
                file.write(array_file((38 * 10**6, 1)))
            for _ in range(38):
                file.write(zeros)
        if member.endswith(".npy"):
            archive.writestr("y.npy", array_file((1,), bytes(8)))
    return buffer.getvalue()


class Sparse:
    """A sparse matrix, as scipy.sparse has them."""

    shape = (6, 2)

    def toarray(self) -> Any:
        """Return the array, which nobody should call."""
        return X


def rows() -> list[tuple[str, Call, type[MinidlError], str]]:
    """Return the table."""
    return [*_loads(), *_files(), *_arrays(), *_compares(), *_studies()]


def _loads() -> list[tuple[str, Call, type[MinidlError], str]]:
    argument, unknown = ArgumentError, UnknownNameError
    return [
        ("load None", loaded(None), argument, "name must be a name, a file or a DataFrame"),
        ("load 3", loaded(3), argument, "name must be a name, a file or a DataFrame, got 3"),
        ("load ''", loaded(""), unknown, "unknown data set ''"),
        ("load mons", loaded("mons"), unknown, "Did you mean 'moons'?"),
        ("load an array", loaded(X), argument, "Use Dataset.from_arrays(X, y)."),
        ("load a dict", loaded({"a": [1]}), argument, "a name, a file or a DataFrame"),
        ("load bytes", loaded(b"moons"), argument, "a name, a file or a DataFrame"),
        ("load with null", loaded("a\0.csv"), DataError, "does not exist"),
        ("n 10^10", loaded("moons", n=10**10), TooLargeError, "10000000000 rows of 'moons' would"),
        ("n 10^30", loaded("sine", n=10**30), TooLargeError, "GB of memory"),
        ("n text", loaded("moons", n="9"), argument, "n must be an integer >= 2, got '9'"),
        ("n float", loaded("moons", n=9.0), argument, "n must be an integer >= 2, got 9.0"),
        ("n True", loaded("moons", n=True), argument, "n must be an integer >= 2, got True"),
        ("n negative", loaded("moons", n=-1), argument, "n must be an integer >= 2, got -1"),
        ("noise nan", loaded("moons", noise=np.nan), argument, "noise must be finite and >= 0"),
        ("noise text", loaded("moons", noise="0.1"), argument, "noise must be finite"),
        ("noise list", loaded("moons", noise=[0.1]), argument, "noise must be finite"),
        ("seed -1", loaded("moons", seed=-1), argument, "seed must be an integer from 0 to"),
        ("seed None", loaded("moons", seed=None), argument, "seed must be an integer from 0"),
        ("seed 10^30", loaded("moons", seed=10**30), argument, "seed must be an integer from"),
        ("split_seed x", loaded("iris", split_seed="x"), argument, "split_seed must be an integer"),
        ("test_size 1", loaded("iris", test_size=1), argument, "test_size must be in [0, 1)"),
        ("test_size None", loaded("iris", test_size=None), argument, "test_size must be in"),
        ("standardize no", loaded("iris", standardize="no"), argument, "standardize must be True"),
        ("standardize 1", loaded("iris", standardize=1), argument, "standardize must be True"),
        ("target of moons", loaded("moons", target="y"), argument, "target applies to files only"),
    ]


def _files() -> list[tuple[str, Call, type[MinidlError], str]]:
    good = "a,b,y\n1,2,0\n2,1,1\n3,5,0\n4,2,1\n"
    column = np.array([[1.5], [2.5]]).tobytes()
    return [
        ("empty file", text(""), DataError, "file t.csv is empty"),
        ("blank file", text("\n \n"), DataError, "has only blank lines"),
        ("header only", text("a,y\n"), DataError, "has no rows after the header"),
        ("binary", text(bytes(range(256)) * 8), DataError, "is not text"),
        ("pickle", text(b"\x80\x04K\x01."), DataError, "a pickle, which may run any code"),
        ("one column", text("y\n0\n1\n"), DataError, "columns: only one, 'y'"),
        ("one class", text("a,y\n1,3\n2,3\n"), DataError, "too few classes, '3'"),
        ("one row", text("a,y\n1,0\n"), DataError, "too few classes"),
        ("no target", text("a,b\n1,0\n2,1\n"), DataError, "no columns are called target"),
        ("nan only", text("a,b,y\nnan,1,0\nnan,2,1\n", features=["a"]), DataError, "missing"),
        ("inf", text("a,y\n1,0\ninf,1\n"), DataError, "infinite in 1 of 2 rows"),
        ("ragged", text("a,b,y\n1,2,0\n1,2,3,4\n1,1,1\n"), DataError, "more than 3 cells"),
        ("open quote", text('a,y\n1,0\n"2,1\n'), DataError, "line 3: invalid CSV"),
        ("target bool", text(good, target=True), DataError, "no column is called True"),
        ("target list", text(good, target=["y"]), DataError, "no column is called ['y']"),
        ("features text", text(good, features="a"), ArgumentError, "features must be a list of"),
        ("features none", text(good, features=[]), DataError, "none is left as a feature"),
        ("features 1.5", text(good, features=[1.5]), ArgumentError, "features must be a list"),
        ("drop unknown", text(good, drop=["c"]), DataError, "no column is called 'c'"),
        ("drop all", text(good, drop=["a", "b"]), DataError, "none is left as a feature"),
        ("task", text(good, task="clasification"), UnknownNameError, "'classification'?"),
        ("missing", text(good, missing="median"), ArgumentError, "missing must be one of error"),
        ("missing 0", text(good, missing=0), ArgumentError, "missing must be one of error"),
        ("categorical", text(good, categorical="x"), ArgumentError, "categorical must be one of"),
        ("header no", text(good, header="no"), ArgumentError, "header must be True or False"),
        ("separator", text(good, separator="ab"), ArgumentError, "separator must be one char"),
        ("decimal", text(good, decimal="x"), ArgumentError, 'decimal must be "." or ","'),
        ("folder", loaded(Path()), DataError, "it is a folder"),
        ("missing file", loaded("no.csv"), DataError, "file no.csv does not exist"),
        ("npz garbled", text(b"PK and nothing", "t.npz"), DataError, "file t.npz is damaged"),
        ("npz no X", text(packed(("y.npy", array_file((1,), column[:8]))), "t.npz"), DataError,
         "has no array 'X'"),
        ("npz larger than it is", text(packed(("X.npy", array_file((10**12, 1), column)),
         ("y.npy", array_file((2,), column))), "t.npz"), DataError, "file t.npz, array 'X'"),
        ("npz of objects", text(packed(("X.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}")),
         "t.npz"), DataError, "file t.npz"),
        ("npz bomb", text(bomb("X.npy"), "t.npz"), DataError, "times its size in the file"),
        ("zip bomb", text(bomb("t.csv"), "t.zip"), DataError, "times its size in the file"),
    ]  # fmt: skip


def _arrays() -> list[tuple[str, Call, type[MinidlError], str]]:
    wide = np.ones((6, 1, 2))
    return [
        ("sparse", arrays(Sparse(), Y), MinidlError, "Use .toarray()."),
        ("sparse y", arrays(X, Sparse()), MinidlError, "Use .toarray()."),
        ("3-D", arrays(wide, Y), DataError, "X must be (n, d), with d >= 1: got shape (6, 1, 2)"),
        ("1-D", arrays(X[:, 0], Y), DataError, "One feature is X.reshape(-1, 1)."),
        ("no columns", arrays(X[:, :0], Y), DataError, "X must be (n, d), with d >= 1"),
        ("no rows", arrays(X[:0], Y[:0]), DataError, "has no rows"),
        ("ragged", arrays([[1, 2], [3]], [0, 1]), ShapeError, "row 0 has 2 entries and row 1"),
        ("lengths", arrays(X, Y[:4]), DataError, "6 rows of X, 4 of y"),
        ("y 2-D", arrays(X, Y[:, None]), DataError, "y must be (n,), such as y.ravel()"),
        ("nan", arrays(X * np.nan, Y), DataError, "none is left as a feature"),
        ("nan y", arrays(X, Y * np.nan), DataError, "target 'y'"),
        ("inf", arrays(np.where(X == 3, np.inf, X), Y), DataError, "infinite in 1 of 6 rows"),
        ("one class", arrays(X, Y * 0), DataError, "too few classes, '0'"),
        ("one row", arrays(X[:1], Y[:1]), DataError, "too few classes"),
        ("None", arrays(None, Y), MinidlError, "None is not a real number"),
        ("text", arrays("moons", Y), MinidlError, "X must be (n, d)"),
        ("complex", arrays(X * 1j, Y), DTypeError, "Use .real and .imag."),
        ("dict", arrays({"a": [1, 2]}, [0, 1]), MinidlError, "columns.values()"),
        ("generator", arrays((row for row in X), Y), MinidlError, "np.array(list(rows))"),
        ("names", arrays(X, Y, feature_names=["a"]), DataError, "the names do not fit X"),
        ("names 3", arrays(X, Y, feature_names=3), ArgumentError, "feature_names must be a list"),
        ("names text", arrays(X, Y, feature_names="ab"), ArgumentError, "feature_names must be"),
        ("names twice", arrays(X, Y, feature_names=["a", "a"]), DataError, "two columns"),
        ("name 3", arrays(X, Y, name=3), ArgumentError, "name must be a text, got 3"),
        ("task", arrays(X, Y, task="binery"), UnknownNameError, "Did you mean 'binary'?"),
        ("standardize", arrays(X, Y, standardize=None), ArgumentError, "standardize must be True"),
        ("huge", arrays(X * 9e306, Y), DataError, "too large to standardise"),
    ]


def _compares() -> list[tuple[str, Call, type[MinidlError], str]]:
    argument = ArgumentError
    network = nn.mlp(2, 4, 1, seed=0)
    return [
        ("problem None", compared(None), argument, 'problem must be a name such as "moons"'),
        ("problem 3", compared(3), argument, "problem must be a name"),
        ("problem model", compared(network), argument, "The network is the second argument"),
        ("problem list", compared([X, Y]), argument, "problem must be a name"),
        ("problem of None", compared(lambda seed: None), argument, "problem must be a name"),
        ("triple", compared((X, Y, Y)), argument, "problem must be"),
        ("model", compared("moons", network), argument, "model must be a function seed -> network"),
        ("model of 3", compared("moons", lambda seed: 3), argument, "must return a network, got 3"),
        ("optimizers text", compared(optimizers="nag"), argument, "optimizers must be a list"),
        ("optimizers empty", compared(optimizers=[]), argument, "at least one optimizer"),
        ("optimizers 3", compared(optimizers=3), argument, "optimizers must be a list"),
        ("optimizers None", compared(optimizers=None), argument, "optimizers must be a list"),
        ("optimizers [3]", compared(optimizers=[3]), argument, "optimizers must be a list"),
        ("instances", compared(optimizers={"a": "nag"}, lr=None), argument, "a new optimizer"),
        ("unknown", compared(optimizers=["nga"]), UnknownNameError, "Did you mean 'nag'?"),
        ("lr text", compared(lr="0.1"), argument, "lr must be a list of different numbers"),
        ("lr nan", compared(lr=[np.nan, 1]), argument, "lr must be a finite number above 0"),
        ("lr 0", compared(lr=0), argument, "lr must be a finite number above 0, got 0"),
        ("momentum", compared(momentum=1), argument, "momentum must be in [0, 1), got 1"),
        ("momentum of gd", compared(optimizers=["gd"], momentum=0.5), argument, "gd has none"),
        ("tune", compared(tune="momentum", lr=None), argument, 'tune must be "lr"'),
        ("tune list", compared(tune=["lr"], lr=None), argument, 'tune must be "lr"'),
        ("trials", compared(tune="lr,momentum", lr=None, trials=10**12), argument,
         "trials must be an integer from 1 to 100000"),
        ("hidden 3", compared(hidden=3), argument, "hidden must be a list of widths"),
        ("hidden text", compared(hidden="16"), argument, "hidden must be a list of widths"),
        ("hidden 0", compared(hidden=[0]), argument, "hidden must be an integer >= 1, got 0"),
        ("activation", compared(activation="tnah"), UnknownNameError, "Did you mean 'tanh'?"),
        ("loss ''", compared(loss=""), UnknownNameError, "unknown loss ''"),
        ("loss 3", compared(loss=3), argument, "loss is neither a name nor a Loss"),
        ("seeds 10^9", compared(seeds=10**9), TooLargeError, "seeds 1000000000 would take"),
        ("seeds text", compared(seeds="3"), argument, "seeds must be a number of seeds"),
        ("seeds 1.5", compared(seeds=1.5), argument, "seeds must be a number of seeds"),
        ("seeds True", compared(seeds=True), argument, "seeds must be a number of seeds"),
        ("seeds twice", compared(seeds=[3, 3]), argument, "at least one seed, and each once"),
        ("tuning", compared(tuning_seeds=[1]), argument, "tuning_seeds must differ from seeds"),
        ("epochs 10^12", compared(epochs=10**12), argument, "epochs must be an integer from 1"),
        ("epochs 10^9", compared(epochs=10**9), TooLargeError, "the curves of"),
        ("epochs text", compared(epochs="9"), argument, "epochs must be an integer"),
        ("target", compared(target=0.1), argument, "target must be of the form gap:0.1"),
        ("target -1", compared(target="loss:-1"), argument, "target must be at least 0"),
        ("sustained", compared(sustained=4), argument, "sustained must be an integer from 1 to 3"),
        ("sustained x", compared(sustained="x"), argument, "sustained must be an integer"),
        ("looks", compared(looks=3, seeds=None), argument, "looks must be two or more numbers"),
        ("jobs", compared(jobs=0), argument, "jobs must be 1, 2, ..., -1 for all, or None"),
        ("jobs text", compared(jobs="2"), argument, "jobs must be 1, 2, ..., -1 for all"),
        ("memory", compared(memory=-1), argument, "memory must be an integer >= 1"),
        ("progress", compared(progress="no"), argument, "progress must be True or False"),
        ("out 3", compared(out=3), argument, "path must be a file name, got 3"),
        ("out folder", compared(out="."), DataError, "it is a folder"),
        ("batch_size", compared(batch_size=0), argument, 'batch_size must be "full" or an int'),
        ("batch_size 2.0", compared(batch_size=2.0), argument, 'batch_size must be "full" or'),
        ("schedule", compared(schedule="cosin"), UnknownNameError, "Did you mean 'cosine'?"),
        ("clip_norm", compared(clip_norm="1"), argument, "clip_norm must be a positive finite"),
        ("problems text", lambda: compare_all("moons"), argument, "problems must be a list"),
        ("problems empty", lambda: compare_all([]), argument, "problems must be a list"),
        ("batchings", lambda: compare_all(["moons"], batching_lr=0.1, batchings=[0], **SMALL),
         argument, "batchings must be full, 1 and at most one other"),
        ("used optimizer", compared(optimizers={"a": _used()}, lr=None), argument,
         "a new optimizer"),
    ]  # fmt: skip


def _used() -> optim.Optimizer:
    """Return an optimizer that has taken a step."""
    optimizer = optim.NAG(0.1)
    optimizer.step(np.zeros(1), lambda point: point + 1)
    return optimizer


def _studies() -> list[tuple[str, Call, type[MinidlError], str]]:
    def written(content: str) -> Call:
        def call() -> object:
            Path("s.json").write_text(content, encoding="utf-8")
            return Study.from_json("s.json")

        return call

    return [
        ("Study of 3", lambda: Study.from_json(3), ArgumentError, "path must be a file name"),
        ("Study of ''", lambda: Study.from_json(""), DataError, "the name of the file is empty"),
        ("Study of a folder", lambda: Study.from_json("."), DataError, "it is a folder"),
        ("Study of nothing", lambda: Study.from_json("no.json"), DataError, "there is no file"),
        ("Study of text", written("moons"), DataError, "is not a saved comparison"),
        ("Study of []", written("[]"), DataError, "is not a saved comparison"),
        ("Study of {}", written("{}"), DataError, "is not a saved comparison"),
        ("Study of depth", written("[" * 10**5), DataError, "is not a saved comparison"),
        ("Comparison of {}", lambda: Comparison.from_dict({}), DataError, "not a saved comparison"),
        ("describe", lambda: datasets.describe("mons"), UnknownNameError, "Did you mean 'moons'?"),
        ("generate iris", lambda: datasets.generate("iris"), ArgumentError, 'Use load("iris")'),
    ]


def fault(call: Call, expected: type[MinidlError], said: str) -> str:
    """Return what is wrong with the end of a call, or nothing."""
    from bad_commands import MACHINE, MEMORY, _memory

    def train(*_: object) -> None:
        raise AssertionError("it has begun to train")

    error: BaseException | None = None
    with (
        patch("minidl.training.loop.take_epoch", train),
        patch("minidl.memory.machine_memory", lambda: MACHINE),
        _memory() as taken,
        contextlib.redirect_stdout(io.StringIO()) as out,
    ):
        try:
            call()
        except BaseException as raised:  # what this is about
            error = raised
    if not isinstance(error, expected) or said not in str(error):
        return f"{type(error).__name__}: {error}"
    too_much = f"{taken[0] / 2**20:.0f} MB" if taken[0] > MEMORY else ""
    return "standard output" if out.getvalue() else too_much


def run() -> list[tuple[str, float, str]]:
    """Try the whole table; return names, seconds and faults."""
    found = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, call, expected, said in rows():
            start = time.perf_counter()
            wrong = fault(call, expected, said)
            found.append((name, time.perf_counter() - start, wrong))
            for file in os.listdir():
                os.unlink(file)
    return found


if __name__ == "__main__":
    from bad_commands import report

    sys.exit(report("data", run(), slowest=5) > 0)
