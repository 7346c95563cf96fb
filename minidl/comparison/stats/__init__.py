"""Statistics of a comparison: numbers in, numbers out.

Each function is a formula with its source. Arguments that are out of range or not finite raise
:class:`~minidl.errors.ArgumentError`. Imports NumPy, SciPy, :mod:`minidl.errors`,
:mod:`minidl.checks` and :mod:`minidl.streams`, and nothing of the comparison outside this folder.
"""
