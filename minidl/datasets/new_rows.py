"""The rows of another file or array, as a preparation that was fitted before takes them."""

import os
from os import PathLike
from pathlib import Path
from typing import Any

from minidl.datasets.preparing import Floats, Preparation
from minidl.datasets.reading import (
    Spelling,
    Table,
    check_separator,
    content_of,
    features_table,
    frame_table,
    read_text,
)
from minidl.errors import DataError, FileError, warn


def new_rows(
    source: Any,
    preparation: Preparation,
    *,
    header: bool | None = None,
    separator: str | None = None,
) -> Floats:
    """Return the inputs X (n, d) of a network for other rows, prepared as in training.

    `source` is a text file, a DataFrame, whose columns are found by name, or an array or list of
    rows (n, d) with the features in the order of training. `header` and `separator` are as for
    :func:`load`. A warning names the values that training did not have or that are filled, unless
    `source` is a table that was read before: who has read it prints its remarks.

    >>> from minidl.datasets import load
    >>> data = load("iris")
    >>> original = data.X_test * data.x_scale + data.x_mean
    >>> float(abs(new_rows(original, data.preparation) - data.X_test).max()) < 1e-12
    True
    """
    if isinstance(source, Table):
        return preparation.transform(source)
    if isinstance(source, (str, PathLike)):
        table = rows_in_file(source, preparation, header=header, separator=separator)
    else:
        names = [feature.name for feature in preparation.features]
        table = frame_table("the table", source) or features_table("the array", source, names)
    X = preparation.transform(table)
    if remarks := preparation.remarks(table):
        warn("\n".join(f"{table.title}, {remark}" for remark in remarks))
    return X


def rows_in_file(
    path: str | PathLike[str],
    preparation: Preparation,
    *,
    header: bool | None = None,
    separator: str | None = None,
) -> Table:
    """Return the table of a text file, read as :func:`new_rows` does, which also takes it."""
    if not os.fspath(path):
        raise FileError("the name of the file is empty")
    spelling = header, check_separator(separator), preparation.decimal, None, preparation.texts
    return _in_file(Path(path), Spelling(*spelling))


def _in_file(path: Path, spelling: Spelling) -> Table:
    content = content_of(path)
    if content.arrays:
        hint = "Give the array: np.load(file)['X']."
        raise DataError(f"{path} is not a text file", hint=hint)
    table = read_text(content, spelling)
    if table.empty:  # else the predictions after it would belong to other lines
        problem = f"file {path}, line {table.empty[0]}: all cells are empty"
        raise DataError(problem, hint="Delete the line, or write what is known.")
    return table
