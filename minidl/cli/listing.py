"""``minidl list``: the names that options accept, each with one line about it."""

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable

from minidl import datasets, nn
from minidl.nn.losses import ALIASES
from minidl.optim import TABLE
from minidl.optim.named import SCHEDULES
from minidl.paths import SURFACES

Rows = Iterable[tuple[str, str]]


def list_names(options: argparse.Namespace) -> int:
    """Print one list, or all."""
    for title in [options.what] if options.what else LISTS:
        if not options.what:
            print(bold(f"{title}:"))
        rows = list(LISTS[title]())
        longest = max(len(name) for name, _ in rows)
        for name, description in rows:
            for line in _hanging(name.ljust(longest) + "  ", description):
                print(line)
    return 0


def width() -> int:
    """Return the columns of the terminal, from 80 to 100; 100 for pipes and files."""
    columns = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
    return min(max(columns, 80), 100)


def _hanging(head: str, text: str) -> list[str]:
    """Return a head and a text beside it, in lines that fit."""
    indent = " " * len(head)
    return textwrap.wrap(head + text, width(), subsequent_indent=indent, break_on_hyphens=False)


def bold(text: str) -> str:
    """Return text in bold if standard output is a terminal and NO_COLOR is not set."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    return text if plain else f"\x1b[1m{text}\x1b[0m"


def _summary(documented: object) -> str:
    """Return the first line of a docstring."""
    return (documented.__doc__ or "").strip().splitlines()[0]


def _optimizers() -> Rows:
    for entry in TABLE:
        also = f"; also {', '.join(entry.aliases)}" if entry.aliases else ""
        yield entry.name, f"batch size {entry.batch_size}; {entry.summary}{also}"


def _losses() -> Rows:
    for name, loss in nn.LOSSES.items():
        aliases = ", ".join(alias for alias, target in ALIASES.items() if target == name)
        yield name, _summary(loss) + (f" Also {aliases}." if aliases else "")


def _initializers() -> Rows:
    yield from ((name, _summary(initializer)) for name, initializer in nn.INITIALIZERS.items())
    yield "constant:0.1", "The number after the colon for every weight."


LISTS: dict[str, Callable[[], Rows]] = {
    "datasets": lambda: ((name, datasets.describe(name)) for name in datasets.names()),
    "optimizers": _optimizers,
    "activations": lambda: ((name, _summary(layer)) for name, layer in nn.ACTIVATIONS.items()),
    "losses": _losses,
    "initializers": _initializers,
    "schedules": lambda: ((name, summary) for name, (summary, _) in SCHEDULES.items()),
    "surfaces": lambda: ((name, f"{s.formula.text}; {s.about}") for name, s in SURFACES.items()),
}
