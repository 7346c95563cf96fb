"""Data sets from your own files: which reader takes a path, and what a path looks like.

Errors name the file, the column and the row: for CSV the line as an editor counts it, for NPZ the
index as NumPy counts it.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from minidl.datasets.csv_file import read_csv
from minidl.datasets.dataset import Raw
from minidl.datasets.npz_file import read_npz
from minidl.datasets.targets import encode
from minidl.errors import DataError

__all__ = ["is_path", "read"]

READERS = {".csv": read_csv, ".npz": read_npz}


def is_path(name: object) -> bool:
    """Return whether `name` is a path: it is a Path, has a suffix or a folder, or exists.

    Examples
    --------
    >>> is_path("points.csv"), is_path(Path("points")), is_path("moons")
    (True, True, False)
    """
    if not isinstance(name, str):
        return isinstance(name, PathLike)
    path = Path(name)
    return bool(path.suffix) or len(path.parts) > 1 or path.is_file()


def read(path: Path, target: str | int | None = None, task: str | None = None) -> Raw:
    """Return the rows of a CSV or NPZ file.

    Parameters
    ----------
    path : Path
        A file whose name ends in ``.csv`` or ``.npz``.
    target : str or int, optional
        The target column or array, as in :func:`minidl.datasets.load`.
    task : str, optional
        The task, as in :func:`minidl.datasets.load`.

    Raises
    ------
    DataError
        The file cannot be used.
    UnknownNameError
        There is no such task.

    Examples
    --------
    >>> read(Path("nowhere.csv"))
    Traceback (most recent call last):
    ...
    minidl.errors.DataError: file nowhere.csv: there is no such file. Check the path.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"file {path}: unknown kind of file",
            received=f"suffix {path.suffix!r}",
            expected=" or ".join(READERS),
        )
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"file {path}: there is no such file", hint="Check the path.") from None
    except OSError as error:
        raise DataError(f"file {path}: cannot be read", received=error.strerror) from error
    if not content:
        raise DataError(f"file {path}: the file is empty")
    columns = reader(f"file {path}", content, target)
    y, kind, class_names = encode(columns, task)
    return Raw(path.name, kind, columns.X, y, columns.feature_names, class_names)
