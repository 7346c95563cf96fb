"""Reading an NPZ file: arrays X of shape (n, d), y of shape (n,), and optional feature_names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.columns import Columns
from minidl.errors import DataError

__all__ = ["read_npz"]

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
    arrays = _arrays(file, content, ("X", name, "feature_names"))
    X, y = arrays["X"], arrays[name]
    _check_shapes(file, X, name, y)
    features = _feature_names(file, arrays.get("feature_names"), X.shape[1])
    for title, array, kinds in (("X", X, "biuf"), (name, y, "biufU")):
        if array.dtype.kind not in kinds:
            expected = "real numbers" + (" or text" if "U" in kinds else "")
            raise DataError(
                f"{file}, array {title!r}: the wrong type",
                received=f"dtype {array.dtype}",
                expected=expected,
            )
    X = X.astype(np.float64)
    for i, j in np.argwhere(~np.isfinite(X))[:1]:
        raise DataError(
            f"{file}, array 'X', row {i}, column {features[j]!r}: the value is "
            + ("missing" if np.isnan(X[i, j]) else "infinite"),
            received=X[i, j],
        )
    targets = y.tolist() if y.dtype.kind == "U" else y.astype(np.float64).tolist()
    title = f"{file}, array {name!r}"
    return Columns(X, features, targets, title, lambda i: f"{title}, row {i}")


def _arrays(file: str, content: bytes, names: tuple[str, ...]) -> dict[str, Array]:
    """Return the arrays of these names; the last is optional."""
    if not content.startswith(b"PK"):
        raise DataError(f"{file} is not an NPZ file", hint="Write it with numpy.savez.")
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # garbled bytes raise many types, from NumPy, zipfile, zlib, ...
        raise DataError(f"{file} is damaged: {error!r}") from error
    with archive:
        for name in names[:-1]:
            if name not in archive.files:
                raise DataError(
                    f"{file} has no array {name!r}",
                    received=f"arrays {', '.join(map(repr, archive.files))}",
                    expected="X of shape (n, d) and y of shape (n,)",
                )
        return {name: _array(file, archive, name) for name in names if name in archive.files}


def _array(file: str, archive: Mapping[str, npt.ArrayLike], name: str) -> Array:
    """Return one array, but not a pickled one, which could run code."""
    try:
        return np.asarray(archive[name])
    except Exception as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{file}, array {name!r}: an array of Python objects",
                expected="an array of numbers or text",
                hint="Convert it, for example with X.astype(float), and save it again.",
            ) from None
        raise DataError(f"{file}, array {name!r} is damaged: {error!r}") from error


def _check_shapes(file: str, X: Array, name: str, y: Array) -> None:
    """Raise unless X is (n, d) and y is (n,), with at least one row and one column."""
    for title, array, valid, expected in (
        ("X", X, X.ndim == 2 and X.shape[1:] != (0,), "(n, d), with d >= 1"),
        (name, y, y.ndim == 1, "(n,), such as y.ravel()"),
    ):
        if not valid:
            raise DataError(
                f"{file}, array {title!r}: the wrong shape", received=array.shape, expected=expected
            )
    if len(X) != len(y):
        raise DataError(
            f"{file}: X and {name} differ in length",
            received=f"{len(X)} rows of X, {len(y)} of {name}",
        )
    if len(X) == 0:
        raise DataError(f"{file} has no rows")


def _feature_names(file: str, names: Array | None, d: int) -> tuple[str, ...]:
    """Return the names in the file, or x0, x1, ..."""
    if names is None:
        return tuple(f"x{j}" for j in range(d))
    if names.dtype.kind != "U" or names.shape != (d,):
        raise DataError(
            f"{file}, array 'feature_names': not one name per column of X",
            received=f"dtype {names.dtype}, shape {names.shape}",
            expected=f"text, shape ({d},)",
        )
    return tuple(names.tolist())
