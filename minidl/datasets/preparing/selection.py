"""From a table and what a user says about it to rows, or to all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from minidl.datasets.preparing.choices import Choices, choose
from minidl.datasets.preparing.kinds import Kind, kind_of, missing, problem
from minidl.datasets.preparing.raw import Floats, Raw, Task
from minidl.datasets.preparing.target import Target, target_of, without
from minidl.datasets.problems import SHOWN, Note, Problem, check
from minidl.datasets.reading import Table
from minidl.datasets.reading.words import Mask
from minidl.text import counted, listed
from minidl.values import RENAME

MOSTLY_MISSING = 0.5


def rows_of(table: Table, name: str, choices: Choices, test_size: float) -> Raw:
    """Return the rows of a table; `name` is that of the data set.

    Raises
    ------
    TableError
        Columns or the target have faults; the message has one line for each problem.
    """
    chosen = choose(table, choices)
    columns = {column.name: column for column in table.columns}
    options = choices.decimal, choices.categorical
    features = [kind_of(columns[feature], table, *options) for feature in chosen.features]
    features, left_out = _used(features, choices)
    problems = [*table.problems, *chosen.problems, *(p for f in features for p in f.problems)]
    if not features and not chosen.problems:
        problems.append(Problem("columns", "none is left as a feature"))
    if chosen.target is None:
        check(table.title, problems + _gaps(features, None, table, choices.missing))
        raise AssertionError  # a missing target is one of the problems
    target = target_of(columns[chosen.target], table, choices.task, choices.decimal, chosen.by)
    problems += target.problems
    gaps = _gaps(features, target, table, choices.missing)
    problems += gaps
    dropping = "drop" in (choices.missing, *(p.option[1] for p in gaps if p.option))
    keep = _complete(features, target, problems) if dropping else ~target.gaps
    complete = target if target.problems else without(target, keep)
    problems += [] if target.problems else _rare(complete, test_size)
    check(table.title, problems)
    cells, y = _side_by_side(features, table), complete.values
    if not keep.all():
        cells = cells[keep]
    target_notes = [target.note] if target.note else []
    notes = [*table.notes, *target_notes, *_notes(features, left_out, keep, choices)]
    return Raw(
        name, cast(Task, complete.task), cells, y.astype(np.int64) if complete.classes else y,
        tuple(f.name for f in features), complete.classes,
        tuple(f.categories for f in features), choices.missing or "error", tuple(notes),
        target.name, choices.decimal,
    )  # fmt: skip


def _side_by_side(features: Sequence[Kind], table: Table) -> Floats:
    """Return the columns as an array (n, features) in C order."""
    if table.matrix is not None:
        place = {name: j for j, name in enumerate(table.names)}
        places = [place[feature.name] for feature in features]
        if places == list(range(places[0], places[0] + len(places))):
            return np.ascontiguousarray(table.matrix[:, places[0] : places[-1] + 1])
    return np.column_stack([feature.values for feature in features])


def _used(features: Sequence[Kind], choices: Choices) -> tuple[list[Kind], list[Kind]]:
    """Return the features that are used, and those that are left out by default."""
    if choices.features is not None:
        return list(features), []
    used = [feature for feature in features if not feature.left_out]
    if not used:  # a single column 0, 1, 2, ... may be meant
        used = [feature for feature in features if feature.gaps is None or not feature.gaps.all()]
    chosen = set(map(id, used))
    return used, [feature for feature in features if id(feature) not in chosen]


def _gaps(
    features: Sequence[Kind], target: Target | None, table: Table, treatment: str | None
) -> list[Problem]:
    """Return the problems of missing values that the way to treat them does not deal with."""
    problems = []
    gaps = np.zeros(table.n, bool) if target is None else target.gaps
    drop = gaps.any() or treatment == "drop"
    for feature in features if treatment in (None, "error") else ():
        dropped = any(p.option == ("drop", [feature.name]) for p in feature.problems)
        if feature.gaps is not None and not dropped:
            mostly = drop and feature.gaps.mean() > MOSTLY_MISSING
            option = ("drop", [feature.name]) if mostly else ("missing", "mean")
            problems.append(
                problem(feature.name, missing(feature.gaps, feature.gap_words, table), option)
            )
    if target is not None and 0 < gaps.sum() < table.n and treatment != "drop":
        place, message = f"target {target.name!r}", missing(gaps, target.gap_words, table)
        hint = RENAME if target.gap_words and target.classes else ""
        problems.append(Problem(place, message, ("missing", "drop"), hint))
    return problems


def _complete(features: Sequence[Kind], target: Target, problems: Sequence[Problem]) -> Mask:
    """Return the rows without missing values, but for columns that are proposed to be dropped."""
    complete = ~target.gaps
    dropped = {str(p.option) for p in problems}
    for feature in features:
        if feature.gaps is not None and str(("drop", [feature.name])) not in dropped:
            complete &= ~feature.gaps
    return complete


def _rare(target: Target, test_size: float) -> list[Problem]:
    """Return the problem of classes with one row if there is a split, or of no rows or classes."""
    place = f"target {target.name!r}"
    if not len(target.values) or (target.classes and len(target.classes) < 2):
        left = "no row" if not len(target.values) else "only one class"
        message = f"{left} is left without rows that have a missing value"
        return [Problem(place, message, None, "Drop columns, or fill in values.")]
    if not target.classes or not test_size:
        return []
    counts = np.bincount(target.values.astype(int), minlength=len(target.classes))
    rare = [repr(name) for name, k in zip(target.classes, counts, strict=True) if k == 1]
    if not rare:
        return []
    message = f"{counted(len(rare), 'class', 'classes')} with one row, too few to split"
    option = target.note.option if target.note else None  # of numbers that are classes by default
    return [Problem(place, f"{message} ({listed(rare)})", option or ("test_size", 0))]


def _notes(
    features: Sequence[Kind], left_out: Sequence[Kind], keep: Mask, choices: Choices
) -> list[Note]:
    """Return a note for each decision about the columns."""
    notes = []
    reasons: dict[str, list[str]] = {}
    for feature in left_out:
        reasons.setdefault(feature.left_out, []).append(repr(feature.name))
    for reason, names in reasons.items():
        text = f"{listed(names)}: {reason}".replace("{", "{{").replace("}", "}}")
        if "no values" not in reason:
            text += "; to keep it, name it in {}"
        notes.append(Note("left out", text, ("features", None)))
    coded = [f"{k.name!r} ({len(k.categories)})" for k in features if k.categories is not None]
    if coded:
        notes.append(Note("one-hot", listed(coded, 2 * SHOWN)))
    styles: dict[str, list[str]] = {}
    for feature in features:
        if feature.style:
            styles.setdefault(feature.style, []).append(repr(feature.name))
    notes += [Note("numbers", f"{listed(names)}: {style}") for style, names in styles.items()]
    gaps = [0 if feature.gaps is None else int(feature.gaps.sum()) for feature in features]
    if not keep.all():
        text = f"{int((~keep).sum())} of {len(keep)} rows left out, since a value is missing"
        notes.append(Note("missing", text))
    elif any(gaps):
        statistic = "mean" if choices.missing == "mean" else "most frequent value"
        filled = f"{counted(sum(gaps), 'value')} in {counted(sum(map(bool, gaps)), 'column')}"
        text = f"{filled}, filled with the {statistic} of the training rows"
        words = any(gap and feature.categories for gap, feature in zip(gaps, features, strict=True))
        also = " (of text, the most frequent)" if words and choices.missing == "mean" else ""
        notes.append(Note("missing", text + also))
    return notes
