"""Closed pipes, closed streams and full devices around every command.

No traceback; the exit code is 0 only if what was printed has been read, or if the stream was
standard error; and all files are there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from cli_process import environment
from tally import Effort, Part, Tally, folder

# The shell's words, and the exit codes that are right: 1 an error that is told, 141 nobody reads.
STREAMS = {
    "| head -0": (141,),
    "| head -1": (0, 141),  # all may have been written before the pipe was closed
    "2>&1 | head -1": (0, 141),
    "| true": (0, 141),
    ">/dev/full": (1,),
    ">/dev/full 2>&1": (1,),
    ">&-": (1,),
    "<&- >&- 2>&-": (1,),
    "2>/dev/full": (0,),
    "2>&-": (0,),
    "<&-": (0,),
    "2>&1 >/dev/null | head -0": (0,),
}
SMALL = ["--rows", "40", "--lr", "0.1", "--epochs", "3"]
RACE = ["--optimizers", "gd,nag", "--rows", "40", "--lr", "0.1", "--epochs", "3", "--seeds", "2",
        "--tuning-seeds", "1", "--sustained", "1", "--target", "loss:0.5"]  # fmt: skip
COMMANDS: dict[str, tuple[list[str], list[str]]] = {  # what is typed, and the files that it writes
    "train": (["train", *SMALL, "--save", "m.npz", "--csv", "h.csv", "--report", "r.html",
               "--checkpoint", "r.ckpt", "--resume"],
              ["m.npz", "h.csv", "r.html", "r.ckpt"]),
    "train --json -": (["train", *SMALL, "--json", "-", "--save", "m.npz"], ["m.npz"]),
    "compare": (["compare", *RACE, "--jobs", "1", "--out", "r.json"], ["r.json"]),
    "compare --from": (["compare", "--from", "../race.json", "--details", "--report", "c.html"],
                       ["c.html"]),
    "predict": (["predict", "../m.npz", "../rows.csv"], []),
    "predict --out": (["predict", "../m.npz", "../rows.csv", "--out", "p.csv"], ["p.csv"]),
    "paths": (["paths", "--steps", "5"], []),
    "doctor": (["doctor", *SMALL[:4]], []),
    "conform": (["conform", "../mine.py:step"], []),
    "list": (["list", "optimizers"], []),
    "--help": (["train", "--help"], []),
    "--version": (["--version"], []),
}  # fmt: skip
SILENT = {"predict --out"}  # commands that print nothing, or little, on standard output
STEP = "def step(w, g, state, lr=0.1):\n    return w - lr * g\n"


def shell(place: Path, arguments: Sequence[str], streams: str) -> tuple[int, str]:
    """Run minidl with these streams; return its exit code and what was still printed."""
    script = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    command = [sys.executable, "-m", "minidl", *arguments]
    done = subprocess.run(
        ["bash", "-c", script, "bash", *command], cwd=place, env=environment(),
        capture_output=True, text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def prepare(made: Path) -> None:
    """Write the files that commands read."""
    (made / "rows.csv").write_text("x0,x1\n0.5,0.25\n1,2\n")
    (made / "mine.py").write_text(STEP)
    race = ["compare", *RACE, "--jobs", "1", "--quiet", "--out", "race.json"]
    for command in (race, ["train", *SMALL, "--save", "m.npz"]):
        code, told = shell(made, command, "")
        assert code == 0, told


def close_streams(tally: Tally, effort: Effort, name: str) -> None:
    """Attack one command."""
    arguments, files = COMMANDS[name]
    draw = effort.draw(f"streams {name}")
    chosen = draw.sample(list(STREAMS), 1) if effort.quick else list(STREAMS)
    with folder() as made:
        prepare(made)
        for k, streams in enumerate(chosen):
            place = made / f"{k}"
            place.mkdir()
            code, told = shell(place, arguments, streams)
            tally.note(wrong(name, place, (code, told), streams, files))


def wrong(name: str, place: Path, end: tuple[int, str], streams: str, files: Sequence[str]) -> str:
    """Return what is wrong with the end of a command, and how to repeat it."""
    code, told = end
    right = STREAMS[streams] if name not in SILENT else (0, *STREAMS[streams])
    absent = [file for file in files if not (place / file).exists()]
    problem = f"exit code {code}, expected {right}" if code not in right else ""
    problem = "a traceback" if "Traceback" in told or "Exception ignored" in told else problem
    problem = f"without {absent}" if absent else problem
    return f"minidl {name} ... {streams}: {problem}: {told[-200:]}" if problem else ""


PARTS: dict[str, Part] = {
    f"streams: {name}": partial(close_streams, name=name) for name in COMMANDS
}
