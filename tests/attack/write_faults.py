"""Let each call of the system fail, of every writer: ENOSPC, EIO and EINTR, one after the other.

A write fails after half of its data (with EINTR, before them). The old file or the new one must be
whole, nothing may be left beside it, and the error names it. A call that writes less than it was
given is no error: the file must be whole.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
from tally import Effort, Part, Tally, folder
from targets import X, Y, trainer

from minidl import Predictor, compare, datasets, load, load_model, nn, save_model
from minidl.cli import main as minidl
from minidl.comparison import Study
from minidl.errors import MinidlError
from minidl.files import append_to, identity_of
from minidl.training import (
    History,
    load_extra,
    load_safetensors,
    save_run,
    save_safetensors,
)

NUMBERS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EINTR": errno.EINTR, "less": 0}
OF_THE_SYSTEM = ("fsync", "replace", "open", "write", "unlink", "ftruncate")

OPEN = open  # the builtin


class Faults:
    """Calls of the system, of which the one with the number `at` fails, or writes less."""

    def __init__(self, at: int, number: int) -> None:
        self.left, self.number, self.failed = at, number, ""

    def due(self, name: str) -> bool:
        """Count a call; return whether it is the one that fails."""
        if self.number == 0 and name not in ("write", "raw write"):
            return False
        self.left -= 1
        if self.left != -1:
            return False
        self.failed = name
        return True

    def writes(self, write: Callable[[bytes], int], data: Any) -> int:
        """Write one byte only, and say so, or half of the data and fail."""
        some = 0 if self.number == errno.EINTR else len(data) // 2 if self.number else 1
        written = write(bytes(data)[:some])
        if self.number:
            raise OSError(self.number, os.strerror(self.number))
        return written

    def faulty(self, name: str) -> Callable[..., Any]:
        """Return a function of `os` that may fail."""
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if not self.due(name):
                return real(*arguments, **named)
            if name == "write":
                return self.writes(partial(real, arguments[0]), arguments[1])
            raise OSError(self.number, os.strerror(self.number))

        return call

    def open(self, file: Any, mode: str = "r", *arguments: Any, **named: Any) -> IO[Any]:
        """Open a file as the builtin does; each write to the system may fail."""
        if not set(mode) & set("wxa"):
            return OPEN(file, mode, *arguments, **named)
        raw = _Raw(file, mode.replace("b", "").replace("t", ""))
        raw.faults = self
        buffered = io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, **named)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Let the calls of a block fail."""
        with contextlib.ExitStack() as stack:
            for name in OF_THE_SYSTEM:
                stack.enter_context(mock.patch.object(os, name, self.faulty(name)))
            stack.enter_context(mock.patch("minidl.files.open", self.open, create=True))
            yield


class _Raw(io.FileIO):
    faults: Faults

    def write(self, data: Any) -> int:
        """Write to the system, which may fail after half of the data, or take one byte only."""
        if self.faults.due("raw write"):
            return self.faults.writes(super().write, data)
        return super().write(data)


class Writer(NamedTuple):
    """A file, what writes it, and what reads it."""

    path: Path
    write: Callable[[], object]
    read: Callable[[], object]


def writers(place: Path) -> dict[str, Writer]:
    """Return what writes files: of Python, and of the command line."""
    model, run = nn.mlp(2, 2, 1, seed=0), trainer()
    run.fit(X, Y, epochs=1)
    history = run.history
    data = datasets.load("moons", n=20, seed=0)
    predictor = Predictor(nn.mlp(2, 1, seed=0), data.preparation)
    names = ("model.npz", "run.npz", "p.npz", "h.json", "h.csv", "m.st", "race.json")
    at = {name: place / name for name in names}
    log = place / "log.csv"

    def written_on() -> None:
        log.write_bytes(b"epoch\n")
        if append_to(log, b"1\n2\n", identity_of(log)) is None:
            raise AssertionError("the file was changed by nobody")

    def race() -> object:
        options: dict[str, Any] = {"hidden": [], "lr": 0.3, "epochs": 1, "seeds": 1}
        options |= {"tuning_seeds": 1, "target": "gap:0.5", "sustained": 1}
        return compare("moons", optimizers=["gd"], out=at["race.json"], **options)

    return {
        "model": Writer(at["model.npz"], lambda: save_model(model, at["model.npz"]),
                        lambda: load_model(at["model.npz"])),
        "checkpoint": Writer(at["run.npz"], lambda: save_run(run, at["run.npz"]),
                             lambda: load_extra(at["run.npz"])),
        "predictor": Writer(at["p.npz"], lambda: predictor.save(at["p.npz"]),
                            lambda: load(at["p.npz"])),
        "history (JSON)": Writer(at["h.json"], lambda: history.to_json(at["h.json"]),
                                 lambda: History.from_json(at["h.json"])),
        "history (CSV)": Writer(at["h.csv"], lambda: history.to_csv(at["h.csv"]),
                                lambda: History.from_csv(at["h.csv"])),
        "log (CSV)": Writer(log, written_on, lambda: lines_of(log)),
        "safetensors": Writer(at["m.st"], lambda: save_safetensors(model, at["m.st"]),
                              lambda: load_safetensors(at["m.st"], into=model)),
        "comparison and journal": Writer(at["race.json"], race,
                                         lambda: Study.from_json(at["race.json"])),
        **commands(place, predictor),
    }  # fmt: skip


def lines_of(path: Path) -> None:
    """Check that a file of lines has whole ones."""
    assert path.read_bytes() in (b"epoch\n", b"epoch\n1\n2\n"), path.read_bytes()


def commands(place: Path, predictor: Predictor) -> dict[str, Writer]:
    """Return what writes files by the command line, each with an exit code of 0 or an error."""
    inputs = place / "inputs"
    inputs.mkdir()
    predictor.save(inputs / "m.npz")
    (inputs / "rows.csv").write_text("x0,x1\n0.5,0.25\n1,2\n")
    with contextlib.redirect_stdout(io.StringIO()):
        small = ["--quiet", "--rows", "20", "--epochs", "2", "--lr", "0.1"]
        race = [
            "--optimizers",
            "gd,nag",
            "--seeds",
            "2",
            "--sustained",
            "1",
            "--tuning-seeds",
            "1",
            "--jobs",
            "1",
        ]
        minidl(["compare", *race, *small, "--out", str(inputs / "race.json")])
    train = ["train", *small, "--hidden", "2"]
    from_file = ["compare", "--from", str(inputs / "race.json")]
    rows = ["predict", str(inputs / "m.npz"), str(inputs / "rows.csv")]
    typed = {
        "predict --out": [*rows, "--out", "p.csv"],
        "train --save": [*train, "--save", "m.npz"],
        "train --json": [*train, "--json", "h.json"],
        "train --csv": [*train, "--csv", "h.csv"],
        "train --checkpoint": [*train, "--checkpoint", "r.ckpt", "--resume"],
        "train --plot": [*train, "--plot", "t.png"],
        "train --report": [*train, "--report", "t.html"],
        "compare --plot": [*from_file, "--plot", "c.svg"],
        "compare --plot .gif": [*from_file, "--plot", "c.gif"],
        "compare --report": [*from_file, "--report", "c.html"],
        "paths --plot": ["paths", "--steps", "5", "--plot", "s.png"],
    }
    made = {}
    for name, arguments in typed.items():
        path = place / arguments[arguments.index("--resume") - 1 if "--resume" in arguments else -1]
        line = [str(path) if word == path.name else word for word in arguments]
        made[name] = Writer(path, partial(typed_in, line), partial(is_whole, path))
    return made


def typed_in(arguments: list[str]) -> None:
    """Run a command; an error that it prints is raised."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = minidl(arguments)
    told = [line for line in err.getvalue().splitlines() if "error: " in line]
    if code or told:
        assert "Traceback" not in err.getvalue(), err.getvalue()
        raise MinidlError("; ".join(told) or f"exit code {code} without an error")


def is_whole(path: Path) -> None:
    """Check that a file has its end."""
    ends = {".png": b"IEND\xaeB`\x82", ".svg": b"</svg>\n", ".gif": b";", ".csv": b"\n"}
    data, end = path.read_bytes(), {**ends, ".json": b"}\n", ".html": b"</html>\n"}
    if path.suffix in end:
        assert data.endswith(end[path.suffix]), data[-20:]
    else:
        load_extra(path)


def attack(writer: Writer, kind: str, at: int) -> tuple[Faults, str]:
    """Let one call of a writer fail; return what failed, and what is wrong then."""
    place = writer.path.parent
    begin_anew(writer)
    had = writer.path.exists()
    beside, faults, raised = set(place.iterdir()), Faults(at, NUMBERS[kind]), None
    with faults.installed():
        try:
            writer.write()
        except MinidlError as error:
            raised = error
        except BaseException as error:
            return faults, f"raised {error!r:.300}"
    left = {path for path in place.iterdir() if path.suffix == ".tmp"}
    problem = verdict(writer, raised, kind)
    problem = "the old file is gone" if had and not writer.path.exists() else problem
    if faults.failed != "unlink" and left:  # else it is removed by the next one
        problem = problem or f"left: {left}"
    for path in left:
        path.unlink()
    others = set(place.iterdir()) - beside - {writer.path, place / "race.json.part"}
    return faults, problem or (f"left: {others}" if others else "")


def begin_anew(writer: Writer) -> None:
    """Delete files that a writer would only read again."""
    if writer.path.name in ("race.json", "r.ckpt"):
        writer.path.unlink(missing_ok=True)
        writer.path.with_name("race.json.part").unlink(missing_ok=True)


def verdict(writer: Writer, raised: MinidlError | None, kind: str) -> str:
    """Return what is wrong after a fault, "" if nothing is."""
    if raised is not None and kind == "less":
        return f"fewer bytes are an error: {raised}"
    if raised is not None and str(writer.path.parent) not in str(raised):
        return f"not named: {raised}"
    if raised is None and not writer.path.exists():
        return "neither a file nor an error"
    if writer.path.exists():
        try:
            writer.read()
        except BaseException as error:
            return f"not whole: {error!r:.300}"
    return ""


def fail_each_call(tally: Tally, effort: Effort, name: str) -> None:
    """Let each call of a writer fail, in every way; of a quick attack, two of one way."""
    draw = effort.draw(name)
    kinds = [draw.choice(list(NUMBERS))] if effort.quick else list(NUMBERS)
    for kind in kinds:
        with folder() as made, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            writer = writers(made)[name]
            writer.write()
            faults, problem = attack(writer, kind, 10**9)  # which counts the calls
            calls = 10**9 - faults.left
            assert not problem, problem
            some = draw.sample(range(calls), min(calls, 2)) if effort.quick else range(calls)
            for at in some:
                faults, problem = attack(writer, kind, at)
                again = f"{kind} at call {at} ({faults.failed}) of {name}: {problem}"
                tally.note(again if problem else "")


NAMES = ["model", "checkpoint", "predictor", "history (JSON)", "history (CSV)", "log (CSV)",
         "safetensors", "comparison and journal", "predict --out", "train --save", "train --json",
         "train --csv", "train --checkpoint", "train --plot", "train --report", "compare --plot",
         "compare --plot .gif", "compare --report", "paths --plot"]  # fmt: skip
PARTS: dict[str, Part] = {
    f"ENOSPC, EIO, EINTR, short writes: {name}": partial(fail_each_call, name=name)
    for name in NAMES
}
