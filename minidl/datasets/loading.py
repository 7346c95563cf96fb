"""``load`` returns a data set ready for training, by its name or from a file or a table.

A registered name is that data set even if a file has the same name.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from minidl.checks import check_flag, check_number
from minidl.datasets.dataset import Dataset, prepare, raw_arrays
from minidl.datasets.named import check_seed, named_rows
from minidl.datasets.preparing import Choices, Raw, rows_of
from minidl.datasets.reading import (
    Spelling,
    Table,
    check_separator,
    content_of,
    frame_table,
    read_npz,
    read_text,
)
from minidl.datasets.table import DATASETS, lookup
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers


@answers
def load(
    name: str | PathLike[str] | Any,
    *,
    n: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    split_seed: int | None = None,
    test_size: float = 0.25,
    standardize: bool = True,
    target: str | int | None = None,
    task: str | None = None,
    features: Sequence[str | int] | None = None,
    drop: Sequence[str | int] | None = None,
    missing: str | None = None,
    categorical: str | None = None,
    header: bool | None = None,
    separator: str | None = None,
    decimal: str | None = None,
) -> Dataset:
    """Return a data set, split and standardised.

    Parameters
    ----------
    name : str, Path or DataFrame
        One of :func:`names`; a path to a text file, also compressed, with values separated by
        ``,``, ``;``, ``|``, tabs or spaces; to an ``.npz`` file with arrays ``X`` of shape
        (n, d), ``y`` of shape (n,) and optionally ``feature_names``; or a table of pandas, polars
        or Arrow.
    n : int, optional
        The number of rows to generate, by default 1000. Generated data sets only.
    noise : float, optional
        The noise, at least 0, by default that of the data set. Generated data sets only.
    seed : int, default 0
        The seed of the rows and, without `split_seed`, of the split; from 0 to 2**32 - 1.
    split_seed : int, optional
        The seed of the split, to split the same rows differently.
    test_size : float, default 0.25
        The share of test rows, in [0, 1). Classes keep their proportions.
    standardize : bool, default True
        Whether to scale features, and the targets of a regression, to mean 0 and standard
        deviation 1 of the training rows.
    target : str or int, optional
        Files and tables only. The target column by name or position from 0 (-1 is the last); a
        number is the name of a column if there is one. By default the column called target,
        label, class or y. Of an NPZ file, the name of the array.
    task : "classification", "binary", "multiclass" or "regression", optional
        Files and tables only. By default, these are classes: text, two different whole numbers,
        and up to 20 with at least five rows each on average. Anything else is a regression.
    features, drop : list of str or int, optional
        The columns to use, or not to use, as for `target`. By default all but those that number
        or name the rows: unique values in a first column without a name or in one called id,
        index or the like, and a first column 0, 1, 2, ... .
    missing : "error", "drop", "mean" or "most_frequent", default "error"
        What to do with missing values: raise, leave out their rows, or fill in the mean or the
        most frequent value of the training rows; into text always the most frequent. Rows
        without a target can only be left out.
    categorical : "onehot" or "error", default "onehot"
        What to do with text that has at most 50 different values, and at most half as many as
        rows: a column of zeros and ones for each value that a training row has, or raise.
    header : bool, optional
        Text files only. Whether the first line names the columns; an error asks if that is not
        clear. Without a header they are x0, x1, ... .
    separator : str, optional
        Text files only. A character, or "tab" or "space"; by default the one that fits.
    decimal : "." or ",", optional
        The decimal sign. By default a point, and a comma is an error unless it is clear that it
        groups thousands.

    Raises
    ------
    UnknownNameError
        The data set or the value of an option is unknown; the message suggests the nearest name.
    ArgumentError
        An argument is out of range, or does not apply to this data set.
    TableError
        Columns need an option; the message lists all problems, and the arguments that
        deal with them.
    DataError
        The file is invalid, or there are too few rows to split.
    TooLargeError
        The rows would not fit into memory.

    Notes
    -----
    :meth:`Dataset.summary` says what was decided: the target, columns that were left out,
    categories, and numbers that were written with signs of percent or currency.

    Missing values, in features and targets alike, are empty cells and the texts that
    ``pandas.read_csv`` takes for missing: "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>",
    "NULL", "null", "None", "NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN" and
    "-1.#QNAN"; also "?", and NA, N/A and NaN in any case. Spaces around them are ignored. Other
    texts, such as "none", are values; rename a class that is called "None". True and False are 1
    and 0 in features. Infinite values are errors, and so is an integer that float64 would round.

    Examples
    --------
    >>> data = load("moons", n=200, seed=3)
    >>> data.X_train.shape, data.X_test.shape
    ((150, 2), (50, 2))
    >>> load("wine", n=100)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: n applies to generated data sets only, got 100 with 'wine'
    """
    raw = raw_rows(
        name, n=n, noise=noise, seed=check_seed("seed", seed), test_size=test_size,
        target=target, task=task, features=features, drop=drop, missing=missing,
        categorical=categorical, header=header, separator=separator, decimal=decimal,
    )  # fmt: skip
    split_seed = seed if split_seed is None else check_seed("split_seed", split_seed)
    return prepare(raw, test_size=test_size, seed=split_seed, standardize=standardize)


def raw_rows(
    name: object,
    *,
    n: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    test_size: float = 0.25,
    **options: Any,
) -> Raw:
    """Return the rows of a data set before they are split, with the arguments of :func:`load`."""
    check_number("test_size", test_size, lambda x: 0 <= x < 1, "in [0, 1)")
    chosen = {key: value for key, value in options.items() if value is not None}
    path = name if isinstance(name, (str, PathLike)) else None
    if path is not None and (path in DATASETS or not _is_path(path)):
        info = lookup(path)
        _check_unused("files", path, **chosen)
        if info.make is None:
            _check_unused("generated data sets", path, n=n, noise=noise)
        return named_rows(info, n, noise, seed)
    frame = None if path is not None else frame_table("the table", name)
    if path is None and frame is None:
        hint = "Use Dataset.from_arrays(X, y)."
        raise invalid("name", name, "a name, a file or a DataFrame", hint)
    title = "a table" if path is None else str(path)
    _check_unused("generated data sets", title, n=n, noise=noise)
    form: dict[str, Any] = {k: chosen.pop(k) for k in ("header", "separator") if k in chosen}
    choices = Choices(**chosen)
    if frame is not None:
        _check_unused("text files", title, **form)
        return rows_of(frame, "table", choices, test_size)
    table = _read(Path(title), choices, form)
    return rows_of(table, Path(title).name, choices, test_size)


def splits(problem: Any, *, test_size: float = 0.25, **options: Any) -> Callable[[int], Dataset]:
    """Return a function split_seed -> Dataset of rows that are read once.

    `problem` is what :func:`load` takes, or a pair (X, y), and `asked` are further arguments of
    :func:`load`.

    >>> splits("iris")(7)
    Dataset('iris', multiclass, 111 training rows, 39 test rows, 4 features)
    """
    if isinstance(problem, tuple) and len(problem) == 2:
        raw = raw_arrays(*problem, Choices(**options), test_size)
    else:
        raw = raw_rows(problem, test_size=test_size, **options)
    return lambda seed: prepare(
        raw, test_size=test_size, seed=check_seed("a seed", seed), standardize=True
    )


def _read(path: Path, choices: Choices, form: dict[str, Any]) -> Table:
    """Return the table in a file of any format."""
    header, separator = form.get("header"), check_separator(form.get("separator"))
    header = header if header is None else check_flag("header", header)
    content = content_of(path)
    if content.arrays:
        _check_unused("text files", path, **form)
        return read_npz(content, choices.target)
    return read_text(content, Spelling(header, separator, choices.decimal, choices.target))


def _check_unused(only: str, name: object, **arguments: object) -> None:
    """Raise if an argument was given that does not apply to this data set."""
    for argument, value in arguments.items():
        if value is not None:
            message = f"applies to {only} only, got {value!r} with {str(name)!r}"
            raise ArgumentError(message, argument=argument)


def _is_path(name: object) -> bool:
    """Return True for a Path, and for text with a suffix or a folder, or of something that exists.

    It may be a folder or a pipe, and then cannot be read.
    """
    if not isinstance(name, str):
        return isinstance(name, PathLike)
    path = Path(name)
    return bool(path.suffix) or len(path.parts) > 1 or (name != "" and path.exists())
