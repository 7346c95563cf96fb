"""A comparison as text: tables, sentences and notes.

Imports :class:`minidl.comparison.analysis.Results` and what is below it; computes no statistics.
"""
