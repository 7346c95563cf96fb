"""Reading an NPZ file: arrays X of shape (n, d) and y of shape (n,), perhaps feature_names."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.columns import Columns
from minidl.errors import DataError

__all__ = ["read_npz"]

Array = npt.NDArray[Any]


def read_npz(file: str, content: bytes, target: str | int | None) -> Columns:
    """Return the columns of an NPZ file.

    Parameters
    ----------
    file : str
        What to call the file in errors.
    content : bytes
        The file's content.
    target : str, optional
        The name of the target array, by default "y".

    Raises
    ------
    DataError
        The file cannot be used; the message names the array and the row, counting from 0.

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
    if X.dtype.kind not in "biuf":
        raise DataError(f"{file}, array 'X': not real numbers", received=f"dtype {X.dtype}")
    if y.dtype.kind not in "biufU":
        raise DataError(
            f"{file}, array {name!r}: neither real numbers nor text", received=f"dtype {y.dtype}"
        )
    X = X.astype(np.float64)
    for i, j in np.argwhere(~np.isfinite(X))[:1]:
        raise DataError(
            f"{file}, array 'X', row {i}, column {features[j]!r}: the value is "
            + ("missing" if np.isnan(X[i, j]) else "infinite"),
            received=X[i, j],
            expected="finite numbers",
        )
    targets = y.tolist() if y.dtype.kind == "U" else y.astype(np.float64).tolist()
    title = f"{file}, array {name!r}"
    return Columns(X, features, targets, title, lambda i: f"{title}, row {i}")


def _arrays(file: str, content: bytes, names: tuple[str, ...]) -> dict[str, Array]:
    """Return the arrays of these names, the last of which need not exist."""
    if not content.startswith(b"PK"):
        raise DataError(
            f"{file}: not an NPZ file", hint="Write it with numpy.savez(path, X=X, y=y)."
        )
    # Garbled bytes make NumPy, zipfile, zlib and tokenize each raise exceptions of their own, and
    # more of them in other versions, so any exception here means damage.
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:
        raise DataError(f"{file}: the file is damaged", received=repr(error)) from error
    with archive:
        for name in names[:-1]:
            if name not in archive.files:
                raise DataError(
                    f"{file}: there is no array {name!r}",
                    received="arrays " + ", ".join(repr(found) for found in archive.files),
                    expected="X of shape (n, d) and y of shape (n,)",
                )
        return {name: _array(file, archive, name) for name in names if name in archive.files}


def _array(file: str, archive: Mapping[str, Any], name: str) -> Array:
    """Return one array, refusing pickled ones, which could run code."""
    try:
        return np.asarray(archive[name])
    except Exception as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{file}, array {name!r}: an array of Python objects",
                expected="an array of numbers or text",
                hint="Convert it, for example with X.astype(float), and save it again.",
            ) from None
        raise DataError(f"{file}, array {name!r}: damaged", received=repr(error)) from error


def _check_shapes(file: str, X: Array, name: str, y: Array) -> None:
    """Raise unless X is (n, d) and y is (n,), with at least one row and one column."""
    if X.ndim != 2 or X.shape[1] == 0:
        raise DataError(
            f"{file}, array 'X': the wrong shape",
            received=X.shape,
            expected="(n, d), one row per example and at least one column",
        )
    if y.ndim != 1:
        raise DataError(
            f"{file}, array {name!r}: the wrong shape",
            received=y.shape,
            expected="(n,), one target per row of X",
            hint="Save y.ravel().",
        )
    if len(X) != len(y):
        raise DataError(
            f"{file}: X and {name} differ in length",
            received=f"{len(X)} rows of X, {len(y)} of {name}",
            expected="one target per row of X",
        )
    if len(X) == 0:
        raise DataError(f"{file}: there are no rows")


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
