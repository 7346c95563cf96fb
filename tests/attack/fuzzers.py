"""Give every reader what Hypothesis makes: no other exception than minidl's own, and no hang.

Archives and JSON get the right checksum, so that the readers behind it are reached.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from tally import Effort, Part, Tally, folder, no_longer_than
from targets import OtherRunsError, make_files

from minidl import datasets
from minidl.archive import read_arrays, write_arrays
from minidl.cli.options import parse
from minidl.errors import DataError, MinidlError
from minidl.optim import Optimizer, lookup
from minidl.paths import surface
from minidl.sealed import seal_json
from minidl.training import History

EXAMPLES, QUICK = 300, 20  # of each reader
SECONDS, MEMORY = 60, 2**31  # of one example; it hangs, or takes more than is there
Strategy = st.SearchStrategy[Any]


class Fuzzer(NamedTuple):
    """What makes examples, and what reads one."""

    examples: Strategy
    read: Callable[[Any], object]


@contextlib.contextmanager
def no_more_than(memory: int) -> Iterator[None]:
    """Let what takes more memory in a block get a MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


# -- JSON and archives ---------------------------------------------------------------------------

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([10**12, -(10**30), 1e308, 0.5]),
    st.text(max_size=5), st.just([]), st.just({}), st.lists(st.integers(), max_size=3),
)  # fmt: skip
ARRAYS = st.sampled_from([
    np.ones(3), np.ones((2, 2)), np.zeros(0), np.array(0), np.array("{}"), np.array(["a", "b"]),
    np.full(9, np.nan), np.ones(9, "f"), np.ones(9, ">f8"), np.ones(2, complex),
    np.array([True]), np.array("[1, 2"), np.zeros(5, "M8[s]"), np.array(b"bytes"),
    np.zeros(2, [("a", "f8")]),
])  # fmt: skip


def changed(data: st.DataObject, value: Any) -> Any:
    """Return JSON data of which one part is replaced, left out or given twice."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        name = data.draw(st.sampled_from(sorted(value)))
        other = {**value, name: changed(data, value[name])}
        return {k: v for k, v in other.items() if k != name} if data.draw(st.booleans()) else other
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        k = data.draw(st.integers(0, len(value) - 1))
        again = [changed(data, value[k])] * data.draw(st.integers(0, 2))
        return [*value[:k], *again, *value[k + 1 :]]
    return data.draw(LEAVES)


def change_json(data: st.DataObject, path: Path) -> None:
    """Change one object of a JSON file, or one line of a journal, and seal it again."""
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True) if path.suffix == ".part" else [whole]
    at = data.draw(st.integers(0, len(lines) - 1))
    record = json.loads(lines[at])
    before = json.loads(lines[at - 1])["sha256"] if at else ""
    del record["sha256"]
    lines[at] = seal_json(json.dumps(changed(data, record) or {"a": 1}), before).encode()
    path.write_bytes(b"".join(lines))


def change_archive(data: st.DataObject, path: Path) -> None:
    """Change one array of an archive, and seal it again."""
    arrays, holds = read_arrays(path, "a saved model")
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays.pop(name)
    if array.dtype.kind == "U" and array.shape == () and data.draw(st.integers(0, 3)):
        arrays[name] = np.array(json.dumps(changed(data, json.loads(str(array)))))
    elif array.dtype.kind in "if" and array.size and data.draw(st.booleans()):
        arrays[name] = array.copy()
        arrays[name].flat[0] = data.draw(st.sampled_from([0, -1, 2**60]))
    elif data.draw(st.integers(0, 3)):
        arrays[name] = data.draw(ARRAYS)
    write_arrays(path, str(holds), arrays)


def change_bytes(data: st.DataObject, path: Path) -> None:
    """Replace the end of a file, or all of it."""
    whole = path.read_bytes()
    cut = data.draw(st.sampled_from([0, 1, 8, 100, len(whole) // 2, len(whole) - 1]))
    start = data.draw(st.sampled_from([b"", b"PK\x03\x04", b"{", b"[[", whole[:cut]]))
    end = data.draw(st.sampled_from([b"", whole[cut:], whole[cut + 1 :]]))
    path.write_bytes(start + data.draw(st.binary(max_size=200)) + end)


def change_safetensors(data: st.DataObject, path: Path) -> None:
    """Change the header of a safetensors file, without the checksum."""
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    header.pop("__metadata__")
    text = json.dumps(changed(data, header)).encode()
    size = data.draw(st.sampled_from([len(text), 0, 2**40, len(text) + 5]))
    path.write_bytes(size.to_bytes(8, "little") + text + whole[8 + length :])


def a_file(made: Path, name: str, change: Callable[[st.DataObject, Path], None]) -> Fuzzer:
    """Return a fuzzer of a file that minidl has written."""
    target = make_files(made)[name]
    whole = target.path.read_bytes()

    def read(data: st.DataObject) -> None:
        change(data, target.path)
        try:
            with contextlib.suppress(*[OtherRunsError] * (change is change_json)):
                target.read()  # which gives other runs, if the checksum is right
                target.use()
        except DataError as error:
            assert target.path.name in str(error), error  # noqa: PT017 (not a test)
            raise
        finally:
            target.path.write_bytes(whole)

    return Fuzzer(st.data(), read)


# -- data, expressions and commands --------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(["1", "2.5", "-3e5", "1e999", "nan", "NA", "", "?", "a", "b", "中", "1,5", '"',
                     '"a""b"', "1_0", "0x1F", "12:30", "2020-01-01", "TRUE", " ", "#", "\0", "\r",
                     "٣", "1" * 400, "x" * 70000, "=1+1", "\ufeff", "inf", "-0", "'"]),
    st.text(max_size=4), st.integers(-5, 5).map(str), st.floats().map(str),
)  # fmt: skip
ZEROS = bytes(10**7)
SEPARATORS = st.sampled_from([",", ";", "\t", " ", "|", ", "])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Return the bytes of a table, more or less."""
    separator, width = draw(SEPARATORS), draw(st.integers(0, 5))
    some = st.lists(CELLS, min_size=max(0, width - draw(st.integers(0, 1))), max_size=width + 1)
    rows = draw(st.lists(some, max_size=12)) * draw(st.sampled_from([1, 1, 2, 30]))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(map(separator.join, rows))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    return text.encode(encoding, "replace")


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """Return compressed bytes of a table, of zeros, or of something else, perhaps cut."""
    data = draw(st.one_of(tables(), st.binary(max_size=50), st.just(ZEROS)))
    data = gzip.compress(data, 1)
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 3)) == 0 else data


@st.composite
def numpy_files(draw: st.DrawFn) -> bytes:
    """Return the bytes of a .npy or .npz file, of which a few may be changed."""
    size = draw(st.integers(0, 12))
    some = [np.arange(size), np.ones((size, 3)), np.full((size, 2), np.nan), np.array(["a"] * size),
            np.array([{}] * size, object), np.zeros(size, [("a", "f8"), ("b", "i4")]),
            np.array(3.5), np.ones((2, size, 2)), np.ones(size, complex)]  # fmt: skip
    file = io.BytesIO()
    if draw(st.booleans()):
        np.save(file, draw(st.sampled_from(some)), allow_pickle=True)
    else:
        names = draw(st.lists(st.sampled_from(["X", "y", "X_train", "a"]), max_size=3, unique=True))
        np.savez(file, **{name: draw(st.sampled_from(some)) for name in names})
    data = bytearray(file.getvalue())
    if draw(st.booleans()):
        data = data.replace(b"(12,", b"(10**12,"[:4]).replace(b"3)", b"9" * 2 + b")")
        for _ in range(draw(st.integers(0, 3))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


def data_file(made: Path, name: str, contents: Strategy) -> Fuzzer:
    """Return a fuzzer of a file with data of one's own."""
    path = made / name
    options = st.fixed_dictionaries({}, optional={
        "target": st.sampled_from([0, -1, "a", "y", 10**9]), "drop": st.just(["a"]),
        "missing": st.sampled_from(["mean", "drop"]), "separator": st.sampled_from([",", "\t"]),
        "header": st.booleans(), "test_size": st.sampled_from([0, 0.5, 3]),
    })  # fmt: skip

    def read(example: tuple[bytes, dict[str, Any]]) -> None:
        path.write_bytes(example[0])
        datasets.load(str(path), **example[1])

    return Fuzzer(st.tuples(contents, options), read)


WORDS = """x y z 1 2 0.5 1e308 1e-400 9 ** * / + - ( ) , sin( exp( log( sqrt( abs( pi e [ ] .
__class__ lambda if or and ~ @ // % == < j 1j _ # ' " x.real x[0] f() import 10**10 None True"""
TOKENS = st.sampled_from([*WORDS.split(), " ", "\n"])
LONG = ["9**9**9**9", "(" * 5000 + "x" + ")" * 5000, "-" * 5000 + "x", "x**" * 999 + "2",
        "x+" * 20000 + "x", "1" * 10**6, "x" * 10**6, "2**(2**(2**(2**x)))"]  # fmt: skip
FORMULAS = st.one_of(
    st.lists(TOKENS, max_size=12).map("".join),
    st.lists(TOKENS, max_size=12).map(" ".join),
    st.text(max_size=20),
    st.sampled_from(LONG),
)


def read_formula(text: str) -> None:
    """Evaluate a formula, its gradient and its curvature, if it is one."""
    made = surface(text)
    points = np.array([[0.5, 0.25], [0.0, -1e200]])[:, : made.dimension]
    made.losses(points), made.gradients(points), made.curvatures(points[0])


CODE = st.sampled_from([
    b"", b"\0", b"\xff\xfe", b"class A: pass", b"raise SystemExit", b"1/0", b"def f(",
    b"import nothing",
    b"from minidl.optim import Optimizer\nclass A(Optimizer): pass",
    b"from minidl.optim import Optimizer\nclass A(Optimizer):\n def update(self, w, grad): w -= 1",
    b"def A(w, g, state): return w", b"A = 3", b"(" * 300, b"A = None",
])  # fmt: skip
PLACES = st.one_of(
    st.sampled_from(["f.py:A", "f.py", "f.py:", ":A", "f.py:A:B", "f:A", "f.py:a b", "f.py:__doc__",
                     ".:A", "/dev/zero:A", "f.py:" + "A" * 5000, "\0.py:A", "x" * 5000 + ".py:A"]),
    st.text(max_size=8).map("f.py:".__add__), st.text(max_size=8).map(lambda t: f"{t}.py:A"),
)  # fmt: skip


def read_place(made: Path, example: tuple[bytes, str]) -> None:
    """Make the optimizer that a text names, in a file of the user."""
    (made / "f.py").write_bytes(example[0])
    with contextlib.chdir(made):
        entry: Any = lookup(example[1])
        optimizer = entry.make(0.1)
        assert isinstance(optimizer, Optimizer), optimizer


NUMBERS = st.one_of(
    st.sampled_from(["", "-", "nan", "inf", "-inf", "1e999", "0x10", "1_000", "٣",
                     "1" * 5000, "1e5",
                     "1,", ",", "1,,2", "full", "1,full", "1;2", " 1 ", "1.0", "-0", "1/2", "None",
                     "loss:", "gap:x", "loss:nan", "accuracy:2", "\0", "\ud800", "²", "+1",
                     "--lr"]),
    st.text(max_size=6), st.integers().map(str), st.floats().map(str),
    st.lists(st.floats().map(str), max_size=3).map(",".join),
)  # fmt: skip
OPTIONS = {
    "train": "lr momentum epochs batch-size hidden seed rows noise test-size dropout l2 l1 "
    "target-loss target-accuracy early-stopping clip-norm weight-decay every drop target-column",
    "compare": "lr momentum epochs seeds tuning-seeds batch-sizes jobs looks sustained target "
    "trials hidden memory rows tune",
    "paths": "lr momentum steps start surface optimizers tolerance",
    "doctor": "lr epochs batch-size hidden seed",
}
TYPED = st.one_of([
    st.tuples(st.just(command), st.sampled_from(names.split(" ")), NUMBERS, st.booleans())
    for command, names in OPTIONS.items()
])  # fmt: skip


def read_command(example: tuple[str, str, str, bool]) -> None:
    """Parse a command with one option."""
    command, option, value, together = example
    words = [f"--{option}={value}"] if together else [f"--{option}", value]
    told, code = io.StringIO(), 2
    try:
        with contextlib.redirect_stderr(told):
            parse([command, *words])
    except SystemExit as end:
        code = end.code  # type: ignore[assignment]
        assert "error: " in told.getvalue()
    assert code == 2
    assert "Traceback" not in told.getvalue()


def fuzzers(made: Path) -> dict[str, Callable[[], Fuzzer]]:
    """Return what makes each fuzzer, whose files are in a folder."""
    written = {"model": change_archive, "predictor": change_archive, "checkpoint": change_archive,
               "history": change_json, "comparison": change_json, "journal": change_json,
               "safetensors": change_safetensors}  # fmt: skip
    texts = {f"data.{end}": tables() for end in ("csv", "tsv", "txt")}
    texts |= {"data.csv.gz": packed(), "data.npz": numpy_files(), "data.npy": numpy_files()}
    table = made / "h.csv"

    def read_csv(data: bytes) -> None:
        table.write_bytes(data)
        History.from_csv(table)

    lines = st.lists(st.lists(CELLS, min_size=3, max_size=3).map(",".join), max_size=5)
    columns = st.sampled_from(["epoch,train_loss,seconds", "epoch", "train_loss", "epoch,epoch,a"])
    rows = st.tuples(columns, lines).map(lambda t: "\n".join([t[0], *t[1], ""]).encode())
    return {
        **{f"{n}, sealed again": partial(a_file, made, n, c) for n, c in written.items()},
        **{f"{n}, other bytes": partial(a_file, made, n, change_bytes) for n in written},
        **{name: partial(data_file, made, name, bytes_) for name, bytes_ in texts.items()},
        "history.csv": lambda: Fuzzer(st.one_of(rows, tables()), read_csv),
        "formulas of paths": lambda: Fuzzer(FORMULAS, read_formula),
        "FILE.py:CLASS": lambda: Fuzzer(st.tuples(CODE, PLACES), partial(read_place, made)),
        "numbers of commands": lambda: Fuzzer(TYPED, read_command),
    }


NAMES = list(fuzzers(Path()))


def outcome(read: Callable[[Any], object], example: Any) -> str:
    """Return what is wrong when an example is read, "" if nothing is."""
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            for guard in (np.errstate(all="ignore"), no_longer_than(SECONDS), no_more_than(MEMORY)):
                stack.enter_context(guard)
            read(example)
    except MinidlError as error:
        return "" if len(str(error)) < 5000 else f"{len(str(error))} characters of message"
    except BaseException as error:
        if type(error).__module__.startswith("hypothesis"):
            raise
        return f"raised {error!r:.200} for {example!r:.200}"
    return ""


def fuzz(tally: Tally, effort: Effort, name: str) -> None:
    """Give a reader many examples."""
    rules = settings(
        max_examples=QUICK if effort.quick else EXAMPLES, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    with folder() as made:
        fuzzer = fuzzers(made)[name]()

        @rules
        @seed(effort.seed)
        @given(fuzzer.examples)
        def one(example: Any) -> None:
            tally.note(outcome(fuzzer.read, example))

        one()


PARTS: dict[str, Part] = {f"fuzzer: {name}": partial(fuzz, name=name) for name in NAMES}
