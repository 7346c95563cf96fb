"""Signals at random instants: SIGINT, SIGTERM and SIGHUP, up to three, to one process or to all.

The command must end with the signal's exit code or as if there had been none, without a traceback,
and leave no process. A run whose checkpoint was there when the first signal came must have saved
its model. The same command goes on, and ends with the bytes of one that nothing stopped.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from kills import COMMANDS, RACES, begin, damaged, differing, nobody_left, results, whole, words
from tally import Effort, Part, Tally, folder

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
TRIES = 6  # of each command
PATIENCE = 120  # seconds, after which a command has not heard the signal


def waited(child: int) -> int | None:
    """Return the status of a process that has ended; kill it, and return None, if it does not."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def wrong_end(status: int | None, sent: list[int], log: str) -> str:
    """Return what is wrong with the end of a command that got these signals."""
    if status is None:
        return "did not end"
    if "Traceback" in log:
        return f"a traceback: {log[-300:]}"
    if os.WIFSIGNALED(status):  # before the command had begun
        return "" if os.WTERMSIG(status) in sent else f"killed by {os.WTERMSIG(status)}"
    code = os.WEXITSTATUS(status)
    return "" if code in (0, *(128 + number for number in sent)) else f"exit code {code}"


def storm(place: Path, name: str, seconds: float, draw: random.Random) -> str:
    """Send up to three signals to a command, and let it go on; return what is wrong."""
    place.mkdir()
    log = place.with_suffix(".log")
    log.touch()
    child = begin(place, words(name), log)
    time.sleep(draw.uniform(0, seconds))
    had_run = (place / "r.ckpt").exists()
    sent: list[int] = []
    for _ in range(draw.choice([1, 2, 3])):
        if sent:
            time.sleep(0.05 * draw.random() ** 2)  # mostly while the first one is answered
        sent.append(draw.choice(SIGNALS))
        to_all = draw.choice([False, True])
        try:
            (os.killpg if to_all else os.kill)(child, sent[-1])
        except ProcessLookupError:  # it has no group yet
            os.kill(child, sent[-1])
    status = waited(child)
    names = " and ".join(signal.Signals(number).name for number in sent)
    problem = wrong_end(status, sent, log.read_text(errors="replace"))
    if not problem and not nobody_left(child):
        problem = "a worker outlived it"
    if not problem and had_run and not (place / "m.npz").exists():
        problem = "the model is lost"
    problem = problem or damaged(place)
    return f"after {names}: {problem}" if problem else ""


def go_on(place: Path, name: str) -> str:
    """Give a command again; return what is wrong with its end."""
    log = place.with_suffix(".log")
    status = waited(begin(place, words(name), log))
    return "" if status == 0 else f"went on with {status}: {log.read_text(errors='replace')[-300:]}"


def send_signals(tally: Tally, effort: Effort, name: str) -> None:
    """Attack one command."""
    draw = effort.draw(f"signals {name}")
    with folder() as made:
        right, seconds = whole(made / "whole", name)
        for k in range(1 if effort.quick else TRIES):
            place = made / f"signalled{k}"
            problem = storm(place, name, seconds, draw) or go_on(place, name)
            if not problem and (other := differing(results(place), right)):
                problem = f"other bytes, or files: {other}"
            tally.note(f"try {k}: {problem}" if problem else "")


PARTS: dict[str, Part] = {
    f"signals: {name}": partial(send_signals, name=name) for name in [*COMMANDS, *RACES]
}
