"""Problems of a table and what was done to it, with the options that change it."""

import csv
import io
import shlex
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.errors import TableError
from minidl.text import listed

SHOWN = 5  # rows, names and values that a line lists
Option = tuple[str, object]  # an argument of load, and its value
# What is said instead of the one option that is proposed: in Python, and on the command line.
WAYS: dict[Option, tuple[str, str]] = {
    ("missing", "mean"): (
        'missing="drop", "mean" or "most_frequent"',
        "--missing drop|mean|most_frequent",
    ),
    **dict.fromkeys(
        [("header", False), ("header", True)],
        ("header=False for a row, header=True for names",
         "--no-header for a row, --header for names"),
    ),
}  # fmt: skip
FLAGS = {"target": "--target-column"}
HEADER = {True: "--header", False: "--no-header"}


class Problem(NamedTuple):
    """A fault in a table: where it is, what it is, and the option that deals with it."""

    where: str  # such as "column 'age'"
    what: str  # such as "missing in 2 of 9 rows (lines 3, 5)"
    option: Option | None = None
    hint: str = ""


class Note(NamedTuple):
    """Something that was decided about a table; ``{}`` in the text stands for the option."""

    title: str
    text: str
    option: Option | None = None


def spelled(option: Option, typed: bool) -> str:
    """Return an option as it is typed, or written in Python; without its value if that is None.

    >>> spelled(("drop", ["id", "a b"]), True), spelled(("drop", ["id"]), False)
    ("--drop 'id,a b'", "drop=['id']")
    >>> spelled(("header", False), True), spelled(("header", False), False)
    ('--no-header', 'header=False')
    """
    argument, value = option
    if not typed:
        return f"{argument}=" if value is None else f"{argument}={value!r}"
    if isinstance(value, bool):
        return HEADER[value]
    if isinstance(value, list):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(value)
        value = line.getvalue()
    flag = FLAGS.get(argument, "--" + argument.replace("_", "-"))
    if value is None:
        return flag
    return f"{flag} {shlex.quote(str(value))}"


def note_text(note: Note, typed: bool) -> str:
    """Return a note as a line of the summary, with its title in the first eleven characters."""
    text = note.text if note.option is None else note.text.format(spelled(note.option, typed))
    return f"{note.title:<10} {text}"


def check(title: str, problems: Sequence[Problem]) -> None:
    """Raise an error that lists all problems, if there are any, and what to add against them."""
    if problems:
        written, typed = (_message(title, problems, typed) for typed in (False, True))
        raise TableError(written, typed)


def _message(title: str, problems: Sequence[Problem], typed: bool) -> str:
    """Return one line for each problem, and one with all options; a single problem is one line."""
    lines = [f"{p.where}: {p.what}{_remedy(p, typed)}" for p in problems]
    if len(lines) == 1:
        return f"{title}, {lines[0]}"
    text = "\n".join([f"{title} has {len(lines)} problems:", *(f"  {line}" for line in lines)])
    options = _together(problems)
    if not options:
        return text
    all_of_them = (" " if typed else ", ").join(spelled(option, typed) for option in options)
    ending = "" if all(p.option for p in problems) else "; the others need another file"
    return f"{text}\nto use it all the same, add: {all_of_them}{ending}"


def _remedy(problem: Problem, typed: bool) -> str:
    """Return the option against a problem and the hint, as the end of its line."""
    parts = [problem.hint] if problem.hint else []
    if problem.option is not None:
        listed_values = isinstance(problem.option[1], list)  # which cannot be a key
        spellings = None if listed_values else WAYS.get(problem.option)
        parts.append(f"Add {spellings[typed] if spellings else spelled(problem.option, typed)}.")
    return "".join(f"{' ' if i else '. '}{part}" for i, part in enumerate(parts))


def _together(problems: Sequence[Problem]) -> list[Option]:
    """Return the options of all problems, with the columns of `drop` in one list.

    Missing targets can only be dropped, so that is what is proposed if there are any.
    """
    options: dict[str, object] = {}
    for problem in problems:
        if problem.option is None:
            continue
        argument, value = problem.option
        if isinstance(value, list):
            old = options.get(argument, [])
            assert isinstance(old, list)
            value = list(dict.fromkeys([*old, *value]))
        elif argument in options and value != "drop":
            continue
        options[argument] = value
    return list(options.items())


def places(rows: npt.NDArray[np.intp], lines: npt.NDArray[np.intp] | None) -> str:
    """Return where rows are: their lines in a file, or their numbers from 0.

    >>> places(np.array([0, 2]), np.array([2, 3, 5])), places(np.array([4]), None)
    ('lines 2, 5', 'row 4')
    """
    noun = "row" if lines is None else "line"
    numbers = rows.tolist() if lines is None else lines[rows].tolist()
    return f"{noun}{'s' * (len(numbers) > 1)} {listed(numbers)}"
