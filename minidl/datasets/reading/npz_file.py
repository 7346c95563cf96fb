"""An NPZ file as a table: arrays X of shape (n, d), y of shape (n,), optionally feature_names."""

import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.reading.arrays import arrays_table
from minidl.datasets.reading.columns import Table
from minidl.datasets.reading.content import Content, check_unpacked
from minidl.errors import DataError, DTypeError, MinidlError
from minidl.memory import check_memory

Array = npt.NDArray[Any]  # of whatever type the file holds


def read_npz(content: Content, target: object) -> Table:
    """Return the table in an NPZ file; `target` is the name of another array than y.

    Examples
    --------
    >>> import io
    >>> from pathlib import Path
    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, X=[[1.5], [2.5]], y=["dog", "cat"])
    >>> opened = lambda: io.BytesIO(buffer.getvalue())
    >>> read_npz(Content(Path("a.npz"), opened, b"", arrays=True), None).names
    ['x0', 'y']
    """
    name = "y" if target is None else str(target)
    X, y, names = _arrays(content, name)
    _check(content.title, X, name, y)
    if names is not None and (names.dtype.kind != "U" or names.shape != X.shape[1:]):
        raise DataError(
            f"{content.title}, array 'feature_names': not one name per column of X",
            received=f"dtype {names.dtype}, shape {names.shape}",
            expected=f"text, shape {X.shape[1:]}",
        )
    try:
        return arrays_table(content.title, X, y, None if names is None else names.tolist(), name)
    except DTypeError as error:
        raise DataError(f"{content.title}: {error}") from None


def _arrays(content: Content, target: str) -> tuple[Array, Array, Array | None]:
    """Return X, the target, and the names of the features if they are there."""
    arrays: dict[str, Array] = {}
    place = content.title
    try:
        with content.open() as stream, np.load(stream, allow_pickle=False) as archive:
            _check_sizes(content, archive.zip.infolist())
            for name in archive.files:
                if name in ("X", target, "feature_names"):
                    place = f"{content.title}, array {name!r}"
                    arrays[name] = np.asarray(archive[name])
    except MinidlError:
        raise
    except Exception as error:  # garbled bytes raise many types, from NumPy, zipfile, zlib, ...
        if "Object arrays" in str(error):  # pickled, and unpickling could run code
            raise DataError(
                f"{place}: an array of Python objects",
                expected="an array of numbers or text",
                hint="Convert it, for example with X.astype(float), and save it again.",
            ) from None
        raise DataError(f"{place} is damaged: {error!r}") from error
    for name in ("X", target):
        if name not in arrays:
            raise DataError(
                f"{content.title} has no array {name!r}",
                received=f"arrays {', '.join(map(repr, archive.files))}",
                expected="X of shape (n, d) and y of shape (n,)",
            )
    return arrays["X"], arrays[target], arrays.get("feature_names")


def _check_sizes(content: Content, members: list[zipfile.ZipInfo]) -> None:
    """Raise before memory is taken for arrays that are larger than a file should make them."""
    size = sum(member.file_size for member in members)
    check_memory(content.title, size)
    check_unpacked(content.title, content.path, size)


def _check(title: str, X: Array, name: str, y: Array) -> None:
    """Raise unless X is (n, d) and y is (n,), of numbers or text."""
    for array_name, array, ndim, shape in (
        ("X", X, 2, "(n, d), with d >= 1"),
        (name, y, 1, "(n,), such as y.ravel()"),
    ):
        place = f"{title}, array {array_name!r}"
        if array.ndim != ndim or 0 in array.shape[1:]:
            raise DataError(f"{place}: the wrong shape", received=array.shape, expected=shape)
        if array.dtype.kind not in "biufU":
            expected, received = "real numbers or text", f"dtype {array.dtype}"
            raise DataError(f"{place}: the wrong type", received=received, expected=expected)
    if len(X) != len(y):
        received = f"{len(X)} rows of X, {len(y)} of {name}"
        raise DataError(f"{title}: X and {name} differ in length", received=received)
