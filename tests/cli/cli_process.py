"""Small commands; and the command line as a process, with pipes or a terminal around it."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A shell that starts tests in the background lets them ignore Ctrl-C, which children inherit.
HEARING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
MINIDL = "runpy.run_module('minidl', run_name='__main__', alter_sys=True)"
# Signals itself, and its workers, as a terminal does, once so many blocks are in the journal.
SIGNALLED = """
import os
from minidl.comparison.journal import Journal
add = Journal.add
def add_and_signal(self, number_of_comparison, runs):
    global blocks
    add(self, number_of_comparison, runs)
    blocks -= 1
    if not blocks:
        os.killpg(0, number)
Journal.add = add_and_signal
"""
TIMEOUT = 120
SMALL_RUN = ["train", "--rows", "40", "--epochs", "1", "--lr", "0.1", "--quiet"]
TINY = ["--rows", "60", "--epochs", "4", "--seeds", "2", "--tuning-seeds", "1", "--jobs", "1"]
SMALL_RACE = ["compare", "--optimizers", "momentum,nag", "--lr", "0.1,0.2", *TINY]


def environment(**variables):
    left_out = ("NO_COLOR", "PYTHONUNBUFFERED", "COLUMNS", "LINES")
    kept = {k: v for k, v in os.environ.items() if k not in left_out}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "TERM": "xterm", **variables}


def start(arguments, **options):
    """Start ``minidl`` with these arguments, ready to be interrupted."""
    options.setdefault("env", environment())
    return subprocess.Popen(
        [sys.executable, "-c", HEARING + MINIDL, *arguments], text=True, **options
    )


def signalled(arguments, number, blocks):
    """Run ``minidl`` in a group of its own that gets a signal after so many blocks.

    Return the process, and what it wrote to both streams.
    """
    chosen = f"number, blocks = {int(number)}, {blocks}"
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING + chosen + SIGNALLED + MINIDL, *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )
    return process, *process.communicate(timeout=TIMEOUT)


def nobody_left(group):
    """Return whether all processes of a group end, or have; the dead may wait for their parent."""
    for _ in range(1000):
        alive = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
                if int(of) == group and state != "Z":
                    alive.append(stat)
        if not alive:
            return True
        time.sleep(0.01)
    return False


def python(script, *arguments):
    """Run a script to its end, with both streams piped."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=TIMEOUT,
        check=False,
    )


class Terminal:
    """A pseudo-terminal of 24 lines; ``stream`` is for the process."""

    def __init__(self, columns=100):
        self.master, self.stream = pty.openpty()
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end in mid-letter
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)

    def read_until(self, pattern):
        """Read until the text matches or the process is gone; return whether it matched."""
        while not re.search(pattern, self.text):
            if not select.select([self.master], [], [], TIMEOUT)[0]:
                return False
            try:
                found = os.read(self.master, 65536)
            except OSError:  # the last process that had the terminal is gone
                found = b""
            if not found:
                return False
            self.text += self._decoder.decode(found)
        return True

    def run(self, *arguments, **variables):
        """Run ``minidl`` with both streams on the terminal; return its exit code."""
        process = start(
            arguments, stdout=self.stream, stderr=self.stream, env=environment(**variables)
        )
        os.close(self.stream)
        self.read_until("(?!)")
        return process.wait(TIMEOUT)
