"""Arrays in a file: NumPy's ``.npz``, without pickled objects, with a version and a checksum.

Reading takes about twice the memory that the file is long, whatever its bytes say.
"""

import io
import json
import math
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError, FileError
from minidl.files import atomic_write, open_regular
from minidl.schema import anything, fields, integer, text
from minidl.sealed import damaged, parse, seal_zip, zip_is_sealed

Array = npt.NDArray[Any]
VERSION = 2  # of the format; 1 had neither a checksum nor a version
NAME = "minidl/format"
HEADER = re.compile(
    rb"\{'descr': '([<>|][a-zA-Z][0-9]+(?:\[[0-9]*[a-zA-Z]+\])?)', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]*)\), \} *\n"
)
LENGTHS = {1: 2, 2: 4}  # of a format, the bytes that say how long the header is
NUMBERS_AND_TEXT = "biufcSUmM"  # and dates, which are numbers
_form = fields({"version": integer(2), "holds": text}, rest=anything)


def write_arrays(path: str | Path, holds: str, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write arrays to a file, which is replaced; `holds` says what they are, such as "a model"."""
    form = json.dumps({"version": VERSION, "holds": holds})
    buffer = io.BytesIO()
    with atomic_write(path) as file:
        np.savez(buffer, **{NAME: np.array(form), **arrays})  # type: ignore[arg-type]
        seal_zip(buffer.getbuffer(), file)


def read_arrays(path: str | Path, expected: str) -> tuple[dict[str, Array], str | None]:
    """Return the arrays of a file, and what it holds, None for one of version 1.

    A file of something else, a damaged or a newer one is a DataError, which says that it is not
    what is `expected`.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            sealed = zip_is_sealed(file, size)
            file.seek(0)
            if not sealed and file.read(2) != b"PK":
                raise FileError(f"{path} is not {expected}")
            with zipfile.ZipFile(file) as archive:
                arrays = _members(archive, size)
        holds = _holds(arrays.pop(NAME, None), sealed)
    except FileError:
        raise
    except Exception as error:  # garbled bytes raise many types, from NumPy, zipfile, ...
        raise damaged(path, expected, error) from error
    if isinstance(holds, int):
        problem, hint = f"{path} was written by a newer minidl", "Install that version."
        raise DataError(problem, received=f"format {holds}", expected=VERSION, hint=hint)
    return arrays, holds


def _holds(form: Array | None, sealed: bool) -> str | int | None:
    """Return the word for the contents of a file, or a version that is not known."""
    if form is None:
        if sealed:
            raise ValueError("it has a checksum, but no version")
        return None
    content = parse(str(form))
    _form(content, "")
    if content["version"] > VERSION:
        return int(content["version"])
    if not sealed:
        raise ValueError("its checksum is missing")
    return str(content["holds"])


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, Array]:
    """Return the arrays of an archive, after a check that they fit into its bytes."""
    infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise ValueError("it is compressed, which no file of minidl is")
    if sum(info.file_size for info in infos) > size:
        raise ValueError("it says that its arrays are larger than the file")
    names = [info.filename for info in infos]
    if len(set(names)) < len(names) or not all(name.endswith(".npy") for name in names):
        raise ValueError("its arrays have other names")
    return {info.filename.removesuffix(".npy"): _array(archive, info) for info in infos}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Return one array, whose shape must be that of its bytes."""
    with archive.open(info) as member:
        shape, in_columns, dtype = _header(member)
        data = bytearray(member.read())  # its CRC-32 is checked here
    if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{info.filename} has {len(data)} bytes for shape {shape} of {dtype}")
    array: Array = np.ndarray(shape, dtype, data, order="F" if in_columns else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and dtype of an array, whose header must be exactly as NumPy writes it.

    NumPy's own reader takes any Python literal, and warns of some; warnings would have to be made
    errors, which is not possible in one thread alone.
    """
    magic = member.read(8)
    width = LENGTHS.get(magic[6]) if len(magic) == 8 and magic[7] == 0 else None
    if not magic.startswith(b"\x93NUMPY") or width is None:
        raise ValueError(f"it has an array of format {magic!r}")
    text = member.read(int.from_bytes(member.read(width), "little"))
    match = HEADER.fullmatch(text)
    if b"'|O'" in text:
        raise ValueError("it has Python objects, which could run code")
    if match is None:
        raise ValueError(f"it has an array that is not of numbers or text: {text!r:.80}")
    descr, in_columns, shape = match.groups()
    if chr(descr[1]) not in NUMBERS_AND_TEXT:
        raise ValueError(f"it has an array of {descr.decode()!r}, not of numbers or text")
    sizes = [int(size) for size in shape.decode().split(",") if size.strip()]
    return tuple(sizes), in_columns == b"True", np.dtype(descr.decode())
