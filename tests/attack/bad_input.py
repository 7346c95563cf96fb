"""Give every part of the Python API bad input, and look at the error.

    python tests/attack/bad_input.py           # all tables, the counts, and the slowest calls
    python tests/attack/bad_input.py nn optim  # some of them

The tables are bad_input/*.txt: a call in one line, and in the next, indented, the type of the
error and how its message begins or goes on. A call is handled if it raises exactly this type of
minidl's errors, with this text, in a message that is short and names no array's numbers.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import re
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bad_parts import namespace

from minidl.errors import MinidlError

FOLDER = Path(__file__).parent / "bad_input"
LONGEST = 650  # characters of a message; one lists the 29 parameters of an estimator
FOREIGN = ("NotFittedError",)  # errors of other libraries that programs catch by this name
LIMIT = 1800  # seconds for all of it
MEMORY = 8 * 2**30  # bytes of addresses: a call that is let through may not take the machine's


class Row(NamedTuple):
    """A call, the name of the error's class, and a part of its message."""

    call: str
    kind: str
    message: str


def tables() -> dict[str, list[Row]]:
    """Return the rows of each table."""
    found = {}
    for path in sorted(FOLDER.glob("*.txt")):
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        rows = []
        for call, expected in zip(lines[::2], lines[1::2], strict=True):
            assert expected.startswith("    "), f"{path.name}: {call} lacks its error"
            assert not call.startswith(" "), f"{path.name}: {call} has two errors"
            kind, _, message = expected.strip().partition(": ")
            rows.append(Row(call, kind, message))
        found[path.stem] = rows
    return found


def fault_of(row: Row) -> str | None:
    """Return what is wrong with the answer to a bad call, or None if nothing is."""
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            exec(compile(row.call, "the call", "exec"), namespace())
    except MinidlError as error:
        return _fault_in(row, type(error).__name__, str(error))
    except BaseException as error:
        kind = type(error).__name__
        if kind in FOREIGN:
            return _fault_in(row, kind, str(error))
        return f"raised {kind} ({error}), which is not minidl's"
    return "accepted"


def _fault_in(row: Row, kind: str, message: str) -> str | None:
    """Return what is wrong with an error."""
    if kind != row.kind:
        return f"raised {kind} instead of {row.kind}: {message}"
    if row.message not in message:
        return f"said {message!r}"
    if len(message) > LONGEST or re.search(r"array\(\[+ *-?[0-9]", message):
        return f"said too much: {message!r}"
    return None


def main(names: list[str]) -> int:
    """Run the tables and print what was found; return 1 if a call was not handled."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    namespace()  # its imports are not the calls'
    times, failed = [], 0
    print(f"{'table':12} tried handled failed")
    for name, rows in tables().items():
        if names and name not in names:
            continue
        count: Counter[str] = Counter()
        for row in rows:
            start = time.perf_counter()
            fault = fault_of(row)
            times.append((time.perf_counter() - start, row.call))
            count["failed" if fault else "handled"] += 1
            if fault:
                print(f"  {row.call}\n    {fault}")
        failed += count["failed"]
        print(f"{name:12} {len(rows):5} {count['handled']:7} {count['failed']:6}")
    print(f"{'all':12} {len(times):5} {len(times) - failed:7} {failed:6}\n\nslowest, in seconds:")
    for seconds, call in sorted(times)[:-6:-1]:
        print(f"  {seconds:.2f}  {call[:90]}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
