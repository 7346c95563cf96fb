"""A comparison as text: tables, sentences and notes.

May import the rest of the comparison except ``result`` (which prints itself by it), ``study`` and
``plots``; computes no statistics.
"""
