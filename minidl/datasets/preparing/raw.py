"""Rows before they are split and prepared."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minidl.datasets.problems import Note

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.float64 | np.int64]
Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Raw:
    """Rows before they are split and prepared; the first fields are those of a Dataset.

    `X` (n, features) has numbers, of categories their place in `categories`, and NaN for missing
    values, which `missing` says how to fill.
    """

    name: str
    task: Task
    X: Floats
    y: Targets
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    categories: tuple[tuple[str, ...] | None, ...] | None = None  # for each feature
    missing: str = "error"
    notes: tuple[Note, ...] = ()
    target: str = "y"
    decimal: str | None = None
