"""A comparison as text: tables, sentences and notes.

Reads :mod:`minidl.comparison.result`; nothing here trains or computes statistics.
"""
