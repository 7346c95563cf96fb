"""Statistics of a comparison: numbers in, numbers out.

Imports NumPy, SciPy and :mod:`minidl.errors`, and nothing of the comparison outside this folder.
"""
