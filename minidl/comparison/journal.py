"""The file of a study while it is being run, so that no finished run is lost.

The decision of this file: beside ``moons.json`` there is ``moons.json.part``, to which a line is
added with every block of networks. A line is whole or it does not count. The file itself is
written when everything is there, under another name, and then renamed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from minidl.comparison.run import Run
from minidl.errors import DataError

__all__ = ["Journal", "Page", "differences", "write_whole"]

CONSEQUENCES = {"data and weights", "contestants"}  # told only if nothing else differs


class Page:
    """The finished runs of one comparison.

    Attributes
    ----------
    runs : dict
        Key -> Run.
    """

    def __init__(self, write: Callable[[list[Any]], None] | None = None) -> None:
        self.runs: dict[Any, Run] = {}
        self._write = write

    def add(self, runs: Sequence[Run]) -> None:
        """Keep the runs of a block."""
        self.runs.update({run.key: run for run in runs})
        if self._write is not None:
            self._write([run.to_dict() for run in runs])


class Journal:
    """Finished runs, in memory, and in a file if there is a path.

    Parameters
    ----------
    path : str or Path or None
        The file that will be written in the end. None: nothing is written.
    headers : sequence of mapping
        One for each comparison: what tells it from others, as plain data. A part that was begun
        with others is not gone on with.

    Attributes
    ----------
    pages : list of Page
        One for each comparison.

    Raises
    ------
    DataError
        There is a part of another study.
    """

    def __init__(self, path: str | Path | None, headers: Sequence[Mapping[str, Any]]) -> None:
        self.part = None if path is None else Path(f"{path}.part")
        self.pages = [Page(partial(self._add, k)) for k in range(len(headers))]
        if self.part is None:
            return
        self._headers = json.loads(json.dumps(headers))
        if self.part.exists():
            self._read(self.part)
        else:
            self._write(self._headers)

    def _read(self, part: Path) -> None:
        whole, _, broken = part.read_bytes().rpartition(b"\n")
        if broken:  # the process was killed while it wrote this line
            os.truncate(part, len(whole) + 1 if whole else 0)
        lines = whole.splitlines()
        if not lines:
            self._write(self._headers)
            return
        try:
            headers, *blocks = map(json.loads, lines)
            found = [(k, Run.from_dict(one)) for k, block in blocks for one in block]
            asked = differences(headers, self._headers)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise DataError(f"{part} cannot be gone on with", received=repr(error)) from None
        if headers != self._headers:
            raise DataError(
                f"{part} is of another comparison",
                received=", ".join(asked),
                hint="Give the command that began it, or another file; or delete it.",
            )
        for k, run in found:
            self.pages[k].runs[run.key] = run

    def _add(self, k: int, runs: list[Any]) -> None:
        self._write([k, runs])

    def _write(self, data: Any) -> None:
        if self.part is None:
            return
        with self.part.open("a", encoding="utf-8") as file:
            file.write(json.dumps(data, allow_nan=False, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Delete the part, once everything is in its file."""
        if self.part is not None:
            self.part.unlink(missing_ok=True)


def differences(one: Any, other: Any) -> list[str]:
    """Return in what two lists of headers differ: what the first has, and what the other."""
    if not isinstance(one, list) or len(one) != len(other):
        return ["another number of comparisons"]
    found = {
        name: (a.get(name), b[name])
        for a, b in zip(map(_flat, one), map(_flat, other), strict=True)
        for name in b
        if a.get(name) != b[name]
    }
    causes = found.keys() - CONSEQUENCES or found.keys()
    return [
        f"another {name}: {found[name][0]!r:.60} there, {found[name][1]!r:.60} asked for"
        for name in sorted(causes)
    ]


def _flat(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return a header with the settings of its plan beside the rest."""
    return {**{name: v for name, v in header.items() if name != "plan"}, **header["plan"]}


def write_whole(path: str | Path, text: str) -> None:
    """Write a file so that it is there as a whole, or as it was before."""
    draft = Path(f"{path}.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
