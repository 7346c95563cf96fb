"""Reading an NPZ file: arrays X of shape (n, d), y of shape (n,), and optional feature_names."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.columns import Columns, gap
from minidl.errors import DataError, DTypeError
from minidl.values import numbers, summary

Array = npt.NDArray[Any]  # of whatever type the file holds


def read_npz(file: str, content: bytes, target: str | int | None) -> Columns:
    """Return the columns of an NPZ file; `file` is its name in errors.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, X=[[1.5], [2.5]], y=["dog", "cat"])
    >>> columns = read_npz("file a.npz", buffer.getvalue(), None)
    >>> columns.X.tolist(), columns.targets, columns.feature_names
    ([[1.5], [2.5]], ['dog', 'cat'], ('x0',))
    """
    name = "y" if target is None else str(target)
    X, y, names = _arrays(file, content, name)
    _check(file, X, name, y)
    if names is None:
        names = np.array([f"x{j}" for j in range(X.shape[1])])
    if names.dtype.kind != "U" or names.shape != X.shape[1:]:
        raise DataError(
            f"{file}, array 'feature_names': not one name per column of X",
            received=f"dtype {names.dtype}, shape {names.shape}",
            expected=f"text, shape {X.shape[1:]}",
        )
    X = _floats(file, "X", X)
    for i, j in np.argwhere(~np.isfinite(X))[:1]:
        place = f"{file}, array 'X', row {i}, column {str(names[j])!r}"
        if np.isnan(X[i, j]):
            raise gap(X[i, j], place, summary(np.isnan(X), names.tolist()) + ".")
        raise DataError(f"{place}: the value is infinite", received=X[i, j])
    targets = y if y.dtype.kind == "U" else _floats(file, name, y)
    title = f"{file}, array {name!r}"
    return Columns(X, tuple(names.tolist()), targets.tolist(), title, lambda i: f"{title}, row {i}")


def _floats(file: str, name: str, array: Array) -> Array:
    """Return an array as float64; an integer that would be rounded is an error."""
    try:
        return numbers(array)[0].astype(np.float64)
    except DTypeError as error:
        raise DataError(f"{file}, array {name!r}: {error}") from None


def _arrays(file: str, content: bytes, target: str) -> tuple[Array, Array, Array | None]:
    """Return X, the target, and the names of the features if they are there."""
    if not content.startswith(b"PK"):
        raise DataError(f"{file} is not an NPZ file", hint="Write it with numpy.savez.")
    arrays: dict[str, Array] = {}
    place = file
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            for name in archive.files:
                if name in ("X", target, "feature_names"):
                    place = f"{file}, array {name!r}"
                    arrays[name] = np.asarray(archive[name])
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
                f"{file} has no array {name!r}",
                received=f"arrays {', '.join(map(repr, archive.files))}",
                expected="X of shape (n, d) and y of shape (n,)",
            )
    return arrays["X"], arrays[target], arrays.get("feature_names")


def _check(file: str, X: Array, name: str, y: Array) -> None:
    """Raise unless X is (n, d), y is (n,), n and d are at least 1, and the types are known."""
    for title, array, ndim, shape, kinds in (
        ("X", X, 2, "(n, d), with d >= 1", "biuf"),
        (name, y, 1, "(n,), such as y.ravel()", "biufU"),
    ):
        place = f"{file}, array {title!r}"
        if array.ndim != ndim or 0 in array.shape[1:]:
            raise DataError(f"{place}: the wrong shape", received=array.shape, expected=shape)
        if array.dtype.kind not in kinds:
            expected = "real numbers" + (" or text" if "U" in kinds else "")
            received = f"dtype {array.dtype}"
            raise DataError(f"{place}: the wrong type", received=received, expected=expected)
    if len(X) != len(y):
        received = f"{len(X)} rows of X, {len(y)} of {name}"
        raise DataError(f"{file}: X and {name} differ in length", received=received)
    if len(X) == 0:
        raise DataError(f"{file} has no rows")
