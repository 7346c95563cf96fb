"""The encoding of a text: UTF-8, UTF-16 or Windows-1252, with and without a mark."""

import codecs

from minidl.errors import DataError
from minidl.text import counted

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NEXT = {"utf-8": "cp1252", "cp1252": "latin-1"}  # what a text is if it is not that
SAID = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252, since it is not UTF-8",
    "latin-1": "Latin-1, since it is not UTF-8",
}


def encoding_of(title: str, head: bytes) -> str:
    """Return the encoding of a text whose first bytes are `head`; "utf-8" is not certain.

    >>> encoding_of("file a", "a,b".encode("utf-16")), encoding_of("file a", b"a,b")
    ('utf-16', 'utf-8')
    """
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    zeros = head.count(0)
    if not zeros:
        return "utf-8"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if zeros > 0.3 * len(head) and not (even and odd):
        return "utf-16-be" if even else "utf-16-le"
    problem = f"{title} is not text: it holds {counted(zeros, 'zero byte')}"
    raise DataError(problem, hint="Save the table as CSV.")
