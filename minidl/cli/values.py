"""Values of options: numbers, lists and names from text, files to write, and data sets."""

import contextlib
import csv
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from minidl import datasets
from minidl.cli.output import say
from minidl.datasets import DATASETS, Dataset
from minidl.datasets.loading import splits
from minidl.datasets.problems import note_text
from minidl.errors import ArgumentError, DataError
from minidl.files import check_place
from minidl.optim import BatchSize

T = TypeVar("T")
OF_FILES = ("task", "features", "drop", "missing", "categorical", "separator", "decimal")


def load(name: str, options: Namespace, seed: int = 0) -> Dataset:
    """Return a data set as the options describe it."""
    with _named(options):
        return datasets.load(name, seed=seed, **_settings(options))


def source(name: str, options: Namespace) -> Callable[[int], Dataset]:
    """Return a function split_seed -> Dataset; what was decided about a file is printed."""
    with _named(options):
        split = splits(name, **_settings(options))
    for note in split(0).notes:
        say(note_text(note, typed=True))
    return split


def _settings(options: Namespace) -> dict[str, Any]:
    """Return the options of the data as arguments of ``datasets.load``."""
    settings = {"n": options.rows, "noise": options.noise, "test_size": options.test_size}
    settings |= {"target": options.target_column} | {k: getattr(options, k) for k in OF_FILES}
    return settings | {"header": True if options.header else False if options.no_header else None}


@contextlib.contextmanager
def _named(options: Namespace) -> Iterator[None]:
    """Name the options that are not spelled like the argument, such as --target-column."""
    header = "--no-header" if options.no_header else "--header"
    try:
        yield
    except ArgumentError as error:
        option = {"target": "--target-column", "header": header}.get(error.argument or "")
        if option is None:
            raise
        raise ArgumentError(error.named(option)) from None


def check_files(options: Namespace, *names: str) -> None:
    """Raise before training if a file could not be written; only the first option takes -.

    Each option is given once, and each file is another one, also than those that are read.
    """
    used, printed = _files_read(options), names[0] if names[0] in ("json", "out") else None
    for name in names:
        file = getattr(options, name)
        if file == "-" and name != printed:
            only = f": only --{printed} can write to -" if printed else ", got -"
            raise ArgumentError(f"--{name} needs a file{only}")
        _check_once(name, options.words)
        if file in (None, "-"):
            continue
        if name in ("plot", "stability") and options.command != "compare":
            _check_still(name, file)
        with prefixed(name):
            check_place(file)
        place = Path(file).resolve()
        if place in used:
            hint = "Give another name."
            raise ArgumentError(f"--{name} would replace {file!r}, {used[place]}", hint=hint)
        used[place] = f"the file of --{name}"
    for name in names:
        if getattr(options, name) not in (None, "-"):
            with prefixed(name):
                _check_form(name, getattr(options, name))


def _files_read(options: Namespace) -> dict[Path, str]:
    """Return the files that a command reads, and what they are."""
    read = [(name, getattr(options, name, None)) for name in ("dataset", "source", "model", "rows")]
    read += [("problems", name) for name in getattr(options, "problems", None) or []]
    paths = {n: Path(n).resolve() for _, n in read if isinstance(n, str) and n not in DATASETS}
    return {place: "which is read here" for place in paths.values() if place.is_file()}


def _check_once(name: str, words: Sequence[str]) -> None:
    """Raise if an option of a file was typed more than once: the first file would be missing.

    Of other options the last one counts, as in most programs, so that scripts can append one.
    """
    count = sum(word.partition("=")[0] == f"--{name}" for word in words)
    if count > 1:
        raise ArgumentError(f"--{name} was given {count} times, expected one file")


def _check_still(name: str, file: str) -> None:
    """Raise if a picture that does not move would be written to a .gif file."""
    if moves(file):
        received, expected = "'.gif'", "a name that ends in .png, .svg or .pdf"
        hint = "Only compare --plot draws an animation."
        message = f"--{name}: cannot animate {file!r}"
        raise ArgumentError(message, received=received, expected=expected, hint=hint)


def moves(file: str | None) -> bool:
    """Return whether a picture is to be an animation."""
    return str(file).lower().endswith(".gif")


def _check_form(name: str, file: str) -> None:
    """Raise unless the ending of a file is that of a page or a picture; only these import."""
    if name == "report":
        from minidl.page.document import check_report

        check_report(file)
    elif name in ("plot", "stability"):
        from minidl.plots.animation import check_animation
        from minidl.plots.figures import check_plot

        check_animation(file) if moves(file) else check_plot(file)


@contextlib.contextmanager
def prefixed(option: str) -> Iterator[None]:
    """Put an option in front of the message of an invalid file."""
    try:
        yield
    except (DataError, ArgumentError) as error:
        raise type(error)(f"--{option}: {error}") from None


def _must_be(expected: str, text: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"must be {expected}, got {text!r}")


def _values(text: str, expected: str, read: Callable[[str], T], once: bool = False) -> list[T]:
    """Return the values between commas; with `once`, each must be different."""
    try:
        values = [read(word.strip()) for word in text.split(",") if word.strip()]
    except ValueError:
        values = []
    if not values:
        raise _must_be(expected, text)
    if once and len(set(values)) < len(values):
        raise ArgumentTypeError(f"must give each value once, got {text!r}")
    return values


def _natural(word: str) -> int:
    """Return an integer of at least 0."""
    if int(word) < 0:
        raise ValueError
    return int(word)


def _rows(word: str) -> BatchSize:
    return "full" if word.lower() == "full" else int(word)


def different(expected: str) -> Callable[[str], list[str]]:
    """Return the type of an option that takes a list of different names."""
    return lambda text: _values(text, expected, str, once=True)


def number(text: str) -> float:
    """Return a number."""
    try:
        return float(text)
    except ValueError:
        raise _must_be("a number", text) from None


def integer(text: str) -> int:
    """Return an integer."""
    try:
        return int(text)
    except ValueError:
        raise _must_be("an integer", text) from None


def numbers(text: str) -> float | list[float]:
    """Return a number, or several after a comma: ``0.1,`` is a list."""
    values = _values(text, "a number, or a list such as 0.03,0.1,0.3", float)
    return values if "," in text else values[0]


def seeds(text: str) -> int | list[int]:
    """Return a number of seeds, or a list of seeds."""
    read = _natural if "," in text else int
    values = _values(text, "a number of seeds, or a list such as 3,5,8", read)
    return values if "," in text else values[0]


def looks(text: str) -> list[int]:
    """Return numbers of seeds."""
    return _values(text, "numbers of seeds such as 12,24,48", int)


def batch_sizes(text: str) -> list[BatchSize]:
    """Return one or more different batch sizes."""
    return _values(text, "a number of rows, or full, or a list such as full,32", _rows, once=True)


def batch_size(text: str) -> BatchSize:
    """Return one batch size."""
    expected = "a number of rows, or full"
    (size, *surplus) = _values(text, expected, _rows)
    if surplus:
        raise _must_be(expected, text)
    return size


def widths(text: str) -> tuple[int, ...]:
    """Return the widths of hidden layers; there may be none."""
    if text.strip().lower() in ("", "none"):
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise _must_be("widths such as 16,16, or none", text)
    return tuple(map(int, words))


def column(text: str) -> str | int:
    """Return a column's position if the text is a number, else its name."""
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() else text


def columns(text: str) -> list[str | int]:
    """Return columns as :func:`column` reads them; a name with a comma is put into quotes."""
    words = next(csv.reader([text], skipinitialspace=True), [])
    names = [column(word.strip()) for word in words if word.strip()]
    if not names:
        raise _must_be("names such as id,date", text)
    return names


def tune(text: str) -> str:
    """Return the hyperparameters to tune, with ``lr`` before ``momentum``."""
    return ",".join(sorted(word.strip() for word in text.lower().split(",") if word.strip()))
