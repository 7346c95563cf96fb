"""Checksums in files: each says itself if one of its bytes has changed.

A JSON object ends with the SHA-256 of all bytes before that entry, a ZIP archive with a comment
that has the one of all bytes before it.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import IO, Any

from minidl.errors import DataError
from minidl.files import open_regular

DIGITS = 64
JSON_END = re.compile(rb',"sha256":"([0-9a-f]{64})"\}\n\Z')
ZIP_MARK = b"minidl sha256 "
AGAIN = "Restore it from a copy, or write it anew."
CHANGED = "its bytes are not those that were written (SHA-256)"


def damaged(path: object, expected: str, reason: object, hint: str = AGAIN) -> DataError:
    """Return the error for a file that is not what is `expected`, such as "a saved model"."""
    cause = str(reason) or type(reason).__name__
    cause = f"it lacks {cause}" if isinstance(reason, KeyError) else cause
    return DataError(
        f"{path} is not {expected}, or is damaged: {cause.rstrip('.')[:300]}", hint=hint
    )


def seal_json(text: str, before: str = "") -> str:
    r"""Return the text of a JSON object with its checksum as last entry, and a line end.

    `before` is counted too, such as the checksum of the line before.

    >>> seal_json('{"a":1}')[:20]
    '{"a":1,"sha256":"8b0'
    """
    body = text.rstrip().removesuffix("}").rstrip()
    digest = hashlib.sha256((before + body).encode()).hexdigest()
    return f'{body},"sha256":"{digest}"}}\n'


def seal_of_json(data: bytes, before: str = "") -> str | None:
    """Return the checksum of a text, None if it has none; a ValueError if it is not the right one.

    >>> seal_of_json(b'{"a": 1}') is None, len(seal_of_json(seal_json('{"a": 1}').encode()))
    (True, 64)
    """
    end = JSON_END.search(data[-100:])
    if end is None:
        return None
    checksum = end.group(1).decode()
    length = min(len(data), 100) - end.start()
    digest = hashlib.sha256(before.encode())
    digest.update(memoryview(data)[: len(data) - length])
    if digest.hexdigest() != checksum:
        raise ValueError(CHANGED)
    return checksum


def read_json(path: str | Path, expected: str) -> tuple[bytes, bool]:
    """Return the bytes of a JSON file, and whether it has a checksum, which is then right."""
    with open_regular(path) as file:
        data = file.read()
    try:
        return data, seal_of_json(data) is not None
    except ValueError as error:
        raise damaged(path, expected, error) from None


def parse(data: str | bytes, *, finite: bool = True) -> Any:
    """Return JSON data; a ValueError for text that is none, or nested too deeply, or not finite.

    An object that has a name twice is a ValueError, too.
    """
    constant = _refuse if finite else None
    try:
        return json.loads(data, parse_constant=constant, object_pairs_hook=_each_once)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid or incomplete JSON, from line {error.lineno} on") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has {twice!r:.60} twice")
    return mapping


def _refuse(name: str) -> None:
    raise ValueError(f"it has the number {name}")


def seal_zip(archive: memoryview, file: IO[bytes]) -> None:
    """Write a ZIP archive that has no comment to a file, with its checksum as its comment."""
    body = archive[:-2]  # without the length of the comment
    end = (len(ZIP_MARK) + DIGITS).to_bytes(2, "little") + ZIP_MARK
    digest = hashlib.sha256(body)
    digest.update(end)
    for part in (body, end, digest.hexdigest().encode()):
        file.write(part)


def zip_is_sealed(file: IO[bytes], size: int) -> bool:
    """Return whether an archive has a checksum; a ValueError if it is not the right one."""
    start = max(0, size - DIGITS)
    file.seek(max(0, start - len(ZIP_MARK)))
    if not file.read().startswith(ZIP_MARK):
        return False
    digest, left = hashlib.sha256(), start
    file.seek(0)
    while left:
        part = file.read(min(left, 2**20))
        if not part:
            raise ValueError("it became shorter while it was read")
        digest.update(part)
        left -= len(part)
    if file.read(DIGITS) != digest.hexdigest().encode():
        raise ValueError(CHANGED)
    return True
