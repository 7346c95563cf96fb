"""The bytes of a file, unpacked; compression is recognised by the first bytes, not by the name."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from minidl.datasets.reading.formats import refuse_archive, refuse_format
from minidl.errors import DataError
from minidl.files import open_regular

HEAD = 2**16  # bytes from which the form of a file is guessed
PACKED: dict[bytes, Callable[..., object]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
RATIO, SMALL = 100, 2**26  # how often as large, and bytes up to which it does not matter
UNPACK = "Unpack it, and give the unpacked file."
BROKEN = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError)


def check_unpacked(title: str, path: Path, size: int) -> None:
    """Raise if a compressed file unpacks to so many bytes that it may be made to fill memory."""
    if size > SMALL and size > RATIO * path.stat().st_size:
        problem = f"{title} unpacks to more than {RATIO} times its size in the file"
        raise DataError(problem, hint=UNPACK)


class Unpacked(io.RawIOBase):
    """The bytes of a compressed file, counted while they are read."""

    def __init__(self, file: Any, path: Path) -> None:
        self.file, self.path = file, path

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True; going back reads from the start again."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to another place."""
        return int(self.file.seek(offset, whence))

    def tell(self) -> int:
        """Return the place."""
        return int(self.file.tell())

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; DataError if there have been too many bytes."""
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        check_unpacked(f"file {self.path}", self.path, self.tell())
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()


class Content(NamedTuple):
    """A file: how it is opened, unpacked, and its first bytes.

    `arrays` is True for an NPZ file, and `plain` for a file that is not compressed.
    """

    path: Path
    open: Callable[[], IO[bytes]]
    head: bytes
    arrays: bool = False
    plain: bool = False

    @property
    def title(self) -> str:
        """The name of the file in errors."""
        return f"file {self.path}"

    @contextmanager
    def stream(self) -> Iterator[IO[bytes]]:
        """Open the file; damaged compressed data are an error."""
        try:
            with self.open() as stream:
                yield stream
        except BROKEN as error:
            raise DataError(f"{self.title} is damaged: {error!r}") from error


def content_of(path: Path) -> Content:
    """Return the content of a file, or raise if it is missing, empty or of another format."""
    title = f"file {path}"
    if not path.exists():
        raise DataError(f"{title} does not exist", hint="Check the path.")
    with open_regular(path) as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return _archive(path)
    if path.suffix.lower() == ".npz" and start:
        raise DataError(f"{title} is not an NPZ file", hint="Write it with numpy.savez.")
    opening = next((PACKED[magic] for magic in PACKED if start.startswith(magic)), None)
    if opening is None:
        return _checked(Content(path, lambda: path.open("rb"), b"", plain=True))

    def unpacked() -> IO[bytes]:
        return io.BufferedReader(Unpacked(cast(Any, opening)(path, "rb"), path), HEAD)

    return _checked(Content(path, unpacked, b""))


def _archive(path: Path) -> Content:
    """Return the only member of a zip archive, or the archive if it holds arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [m.filename for m in archive.infolist() if not m.is_dir()]
    except BROKEN as error:
        raise DataError(f"file {path} is damaged: {error!r}") from error
    names = [name for name in names if not name.startswith("__MACOSX/")]
    if any(name.endswith(".npy") for name in names) or path.suffix.lower() == ".npz":
        return Content(path, lambda: path.open("rb"), b"", arrays=True)
    refuse_archive(path, names)

    def member() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:
            check_unpacked(f"file {path}", path, archive.getinfo(names[0]).file_size)
            return io.BytesIO(archive.read(names[0]))

    return _checked(Content(path, member, b""))


def _checked(content: Content) -> Content:
    """Return a content with its first bytes, which must be those of a text."""
    with content.stream() as stream:
        head = stream.read(HEAD)
    if not head:
        raise DataError(f"{content.title} is empty")
    refuse_format(content.path, head)
    return content._replace(head=head)
