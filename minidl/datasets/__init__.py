"""Data sets: fifteen by name, and your own CSV and NPZ files.

Importing this package imports NumPy only; scikit-learn is imported when a set needs it.
"""

from minidl.datasets.dataset import Dataset, Task
from minidl.datasets.loading import generate, load
from minidl.datasets.table import TABLE, Info, describe, lookup, names

__all__ = [
    "TABLE",
    "Dataset",
    "Info",
    "Task",
    "describe",
    "generate",
    "load",
    "lookup",
    "names",
]
