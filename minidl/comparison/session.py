"""From plans to a study: train what its file does not hold yet, and write the record."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from minidl.checks import check_flag
from minidl.comparison.executor import Executor
from minidl.comparison.journal import Journal
from minidl.comparison.result import Study
from minidl.comparison.run import Run
from minidl.comparison.store import differences, versions
from minidl.errors import DataError, FileError
from minidl.files import check_place
from minidl.training.bar import Bar


def execute(
    executors: Sequence[Executor], out: str | Path | None, command: Sequence[str], progress: bool
) -> Study:
    """Train what the files of `out` do not hold yet, and write the record."""
    progress = check_flag("progress", progress)
    headers = [{**executor.request, "versions": versions()} for executor in executors]

    def study() -> Study:
        return Study([executor.result() for executor in executors], command)

    if out is not None:
        check_place(out)
        if Path(out).exists():
            return _read_finished(out, headers)
    journal = Journal(out, headers)
    if out is not None and Path(out).exists():  # another process has finished meanwhile
        journal.close()
        return _read_finished(out, headers)
    try:
        _train(executors, journal, progress)
        finished = study()
        _write(finished, out, journal)
        for executor in executors:
            executor.problem.unload()
    except BaseException as error:
        with contextlib.suppress(Exception):
            part = study()
            vars(error).update(study=part, comparison=part.comparisons[0])
        raise
    finally:
        journal.release()
    return finished


def _train(executors: Sequence[Executor], journal: Journal, progress: bool) -> None:
    """Train what a journal does not hold yet, and keep it there."""
    for executor, runs in zip(executors, journal.runs, strict=True):
        executor.runs = runs
    with progress_bar(executors, progress) as refresh:

        def keep(number: int, runs: list[Run]) -> None:
            journal.add(number, runs)
            refresh()

        refresh()
        for number, executor in enumerate(executors):
            executor.finished = partial(keep, number)
            executor.run()
            refresh()


def _write(study: Study, out: str | Path | None, journal: Journal) -> None:
    """Write the record, and then delete the journal, which keeps all if that fails."""
    if out is None:
        return
    try:
        study.to_json(out)
    except FileError as error:
        hint = f"{journal.path} keeps all runs: the same call writes the file without training."
        raise FileError(str(error), hint=hint) from error
    journal.close()


def _read_finished(out: str | Path, headers: list[dict[str, Any]]) -> Study:
    """Return the study of a file if it is the requested one."""
    study = Study.from_json(out)
    written = [{**c.request, "versions": study.versions} for c in study.comparisons]
    if written != headers:
        problem = f"{out} holds another comparison, and is not overwritten: "
        problem += ", ".join(differences(written, headers))
        raise DataError(
            problem, hint="Give another file, or delete it; minidl compare --from shows it."
        )
    return study


@contextlib.contextmanager
def progress_bar(executors: Sequence[Executor], visible: bool) -> Iterator[Callable[[], object]]:
    """Show the share of finished runs; yield the function that refreshes it.

    The share never falls: where the grid has grown, the bar waits until it is as far as before.
    """
    if not visible:
        yield lambda: None
        return

    def counts() -> tuple[float, str]:
        finished = sum(executor.trained() for executor in executors)
        planned = max(1, finished, sum(executor.planned() for executor in executors))
        return finished / planned, f"{finished} of {planned} runs"

    share, words = counts()  # of a file: they took no time
    form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}]"

    def update(bar: Any) -> None:
        share, words = counts()
        bar.n = max(bar.n, share)
        bar.set_description_str(words)

    with Bar(total=1.0, initial=share, desc=words, bar_format=form, file=sys.stderr) as shown:
        yield lambda: shown.change(update)
