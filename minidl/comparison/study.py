"""Several comparisons that belong together: run, kept in one file, and summed up."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from minidl.checks import check_place
from minidl.comparison.executor import Race
from minidl.comparison.journal import Journal, differences, write_whole
from minidl.comparison.many_problems import Profile, profile, profile_text
from minidl.comparison.result import Comparison
from minidl.comparison.store import read_record, record_text, versions
from minidl.errors import DataError

__all__ = ["Study", "run_races"]


class Study:
    """Comparisons, and what they say together.

    Parameters
    ----------
    comparisons : sequence of Comparison
        At least one.
    command : sequence of str, optional
        The command line that made them.
    made_by : dict of str, optional
        Versions of minidl, NumPy and scikit-learn; by default those that are installed.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        command: Sequence[str] = (),
        made_by: dict[str, str] | None = None,
    ) -> None:
        self.comparisons = list(comparisons)
        self.command = list(command)
        self.versions = made_by or versions()

    @cached_property
    def profile(self) -> Profile | None:
        """The performance profile of optimizers that are in several comparisons, or None."""
        return profile(self.comparisons)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.comparisons))

    def profile_text(self) -> str:
        """Return the profile as a table, or why there is none."""
        if self.profile is None:
            return (
                "A profile needs two or more problems, and two or more optimizers that all have in"
                " common, at one batch size."
            )
        return profile_text(self.profile)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        comparisons = [one.to_dict() for one in self.comparisons]
        text = record_text(comparisons, self.command, self.versions)
        if path is not None:
            write_whole(path, text)
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Study:
        """Return the study of a file: the same numbers, to the last bit.

        Raises
        ------
        DataError
            The file is no saved comparison.
        """
        data = read_record(path)
        try:
            comparisons = [Comparison.from_dict(one) for one in data["comparisons"]]
            return cls(comparisons, data["command"], data["versions"])
        except (DataError, LookupError, TypeError) as error:
            raise DataError(f"{path} is not a saved comparison", received=repr(error)) from None


def run_races(
    races: Sequence[Race],
    out: str | Path | None = None,
    command: Sequence[str] = (),
    progress: bool = False,
) -> Study:
    """Run races one after the other; go on where a run with the same `out` ended.

    Raises
    ------
    DataError
        `out` cannot be written, or holds another study.
    KeyboardInterrupt
        Ctrl-C was pressed; its attribute `study` holds what was finished, and so does ``out.part``.
    """
    headers = [{**race.asked, "versions": versions()} for race in races]
    if out is not None:
        check_place(out)
        if Path(out).exists():
            return _finished(out, headers)
    journal = Journal(out, headers)
    for race, page in zip(races, journal.pages, strict=True):
        race.page = page
    try:
        with _bar(races, progress):
            found = [race.run() for race in races]
    except BaseException as error:
        with contextlib.suppress(Exception):
            vars(error)["study"] = Study([race.so_far() for race in races], command)
        raise
    study = Study(found, command)
    if out is not None:
        study.to_json(out)
        journal.close()
    return study


def _finished(out: str | Path, headers: list[dict[str, Any]]) -> Study:
    """Return what a file holds, if it is what these headers ask for."""
    study = Study.from_json(out)
    asked = [{**one.asked, "versions": study.versions} for one in study.comparisons]
    if asked != headers:
        raise DataError(
            f"{out} holds another comparison, and is not overwritten",
            received=", ".join(differences(asked, headers)),
            hint="Give another file, or delete it; --from shows what it says.",
        )
    return study


@contextlib.contextmanager
def _bar(races: Sequence[Race], visible: bool) -> Iterator[None]:
    """Let the races move a bar on, if it is to be seen."""
    if not visible:
        yield
        return
    from tqdm import tqdm

    with tqdm(unit="run", file=sys.stderr, smoothing=0.05) as bar:

        def tick() -> None:
            bar.total = sum(race.planned() for race in races)
            bar.n = sum(len(race.page.runs) for race in races)
            bar.refresh()

        for race in races:
            race.tick = tick
        tick()
        bar.initial = bar.n  # what a file held already says nothing of the time that is left
        yield
