"""From a file, arrays or a DataFrame to a table of named columns; it decides nothing about them."""

from minidl.datasets.reading.arrays import arrays_table, features_table, frame_table
from minidl.datasets.reading.columns import Column, Numbers, Table, Words
from minidl.datasets.reading.content import content_of
from minidl.datasets.reading.form import check_separator
from minidl.datasets.reading.npz_file import read_npz
from minidl.datasets.reading.text_file import Spelling, read_text
from minidl.datasets.reading.words import Reading, inexact, read_words

__all__ = ["Column", "Numbers", "Reading", "Spelling", "Table", "Words", "arrays_table"]
__all__ += [
    "check_separator",
    "content_of",
    "features_table",
    "frame_table",
    "inexact",
    "read_npz",
    "read_text",
]
__all__ += ["read_words"]
