"""Data sets: fifteen by name, your own by a new name, files, DataFrames and arrays.

Add a data set with ``datasets.DATASETS.add(name, Info(...))``; ``load``, ``minidl list`` and the
command line then know it. Importing this package imports NumPy only; scikit-learn is imported
when a data set needs it.
"""

from typing import TYPE_CHECKING

from minidl.datasets.dataset import Dataset
from minidl.datasets.loading import load
from minidl.datasets.named import generate
from minidl.datasets.preparing import Preparation, Task
from minidl.datasets.table import DATASETS, TABLE, Info, describe, lookup, names
from minidl.keywords import attribute_of

__all__ = [
    "DATASETS", "TABLE", "Dataset", "Info", "Preparation", "Task", "describe", "generate",
    "load", "lookup", "names",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
