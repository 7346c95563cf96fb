"""Classes with the methods by which pandas, polars and Arrow are read, and a small problem."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl import Trainer, nn, optim

X, Y = np.array([[0.0, 1], [1, 2], [2, 3], [3, 5]]), np.array([0.0, 1, 0, 1])
GAP = X.copy()
GAP[1, 1], GAP[3, 0] = 99.0, 77.0  # the entries that containers mark as missing


def mask() -> Any:
    hidden = np.zeros(X.shape, bool)
    hidden[1, 1] = hidden[3, 0] = True
    return hidden


def fit(inputs: Any, targets: Any = Y, loss: str = "bce", outputs: int = 1) -> Any:
    trainer = Trainer(nn.mlp(2, outputs, seed=0), loss, optimizer=optim.NAG(0.1), seed=0)
    return trainer.fit(inputs, targets, epochs=2)["train_loss"]


class NAType:
    """pandas.NA."""

    def __repr__(self) -> str:
        return "<NA>"


class Column:
    """A polars Series: NumPy gets NaN, or what is stored, for a null."""

    def __init__(self, values: Any, null: Any = None, stored: Any = np.nan) -> None:
        self.values = np.array(values)
        self.null = np.zeros(len(self.values), bool) if null is None else np.array(null)
        if self.null.any():
            self.values[self.null] = stored

    def is_null(self) -> Any:
        return self.null

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.values, dtype=dtype)


class Extension(Column):
    """A pandas Series of a nullable dtype."""

    dtype = "Int64"
    is_null = property()  # type: ignore[assignment]

    def isna(self) -> Any:
        return self.null


class Polars:
    """A polars DataFrame."""

    def __init__(self, **columns: Any) -> None:
        self.columns, self.parts = list(columns), list(columns.values())

    def get_columns(self) -> list[Any]:
        return self.parts


class Arrow:
    """An Arrow table."""

    def __init__(self, **columns: Any) -> None:
        self.column_names, self.columns = list(columns), list(columns.values())

    def itercolumns(self) -> Any:
        return iter(self.columns)


class Pandas(Polars):
    """A pandas DataFrame."""

    iloc, get_columns = None, property()  # type: ignore[assignment]

    def items(self) -> Any:
        return zip(self.columns, self.parts, strict=True)


class Frame(Pandas):
    """A pandas DataFrame with an index."""

    def __init__(self, index: list[Any], **columns: Any) -> None:
        super().__init__(**columns)
        self.index = Index(index)


class Series(Column):
    """A pandas Series with an index."""

    is_null = property()  # type: ignore[assignment]

    def __init__(self, index: list[Any], values: Any) -> None:
        super().__init__(values)
        self.index = Index(index)


class Index(list[Any]):
    """A pandas Index."""

    def equals(self, other: list[Any]) -> bool:
        return list(self) == list(other)

    def tolist(self) -> list[Any]:
        return list(self)
