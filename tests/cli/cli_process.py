"""Small commands; and the command line as a process, with pipes or a terminal around it."""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).parents[2]
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A shell that starts tests in the background lets them ignore Ctrl-C, which children inherit.
HEARING = (
    "import runpy, signal;"
    "signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('minidl', run_name='__main__', alter_sys=True)"
)
TIMEOUT = 120
SMALL_RUN = ["train", "--rows", "40", "--epochs", "1", "--quiet"]
SMALL_RACE = ["compare", "--optimizers", "momentum,nag", "--seeds", "2", "--epochs", "4"]


def environment(**variables):
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PYTHONUNBUFFERED")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "TERM": "xterm", **variables}


def start(arguments, **options):
    """Start ``minidl`` with these arguments, ready to be interrupted."""
    options.setdefault("env", environment())
    return subprocess.Popen([sys.executable, "-c", HEARING, *arguments], text=True, **options)


def run(*arguments, cwd=None, **variables):
    """Run ``python -m minidl`` to its end, with both streams piped."""
    return subprocess.run(
        [sys.executable, "-m", "minidl", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(**variables),
        timeout=TIMEOUT,
        check=False,
    )


class Terminal:
    """A pseudo-terminal of 24 lines and 100 columns; ``stream`` is for the process."""

    def __init__(self):
        self.master, self.stream = pty.openpty()
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
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
