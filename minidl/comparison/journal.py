"""The journal of a comparison: a line for each finished block, on the disk before the next.

Each line has the SHA-256 of itself and of the line before, so that no line can be changed, moved or
taken out of the middle. A last line that a kill cut short is removed.
"""

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minidl.comparison.form import RUN, check_headers, check_runs
from minidl.comparison.run import FullKey, Run
from minidl.comparison.store import Json, compact, differences, renamed
from minidl.errors import DataError, FileError
from minidl.files import append, cannot, sync_folder
from minidl.leftovers import is_at, lock
from minidl.schema import fields, in_order, integer, listed, text
from minidl.sealed import parse, seal_json, seal_of_json

VERSION = 3  # as the protocol of the record: 1 and 2 had no checksums
OTHER = "Give the arguments that began it, or another file; or delete it."
ANEW = "Give another file, or move this one away."


class Journal:
    """The finished runs of several comparisons, in ``path + ".part"`` unless `path` is None.

    `headers` identify the comparisons; `runs` are those that the file held. Other headers, another
    file, a link or a file that another process is using raise a DataError, and stay as they are.
    """

    def __init__(self, path: str | Path | None, headers: Sequence[Json]) -> None:
        self.path = None if path is None else Path(f"{path}.part")
        self.runs: list[dict[FullKey, Run]] = [{} for _ in headers]
        self._seal, self._size = "", 0  # of the last line, and of the file
        self._file: int | None = None
        if self.path is None:
            return
        try:
            self._file = _open(self.path)
            self._read(headers)
        except BaseException as error:
            self.release()
            if isinstance(error, OSError) and not isinstance(error, FileError):
                raise cannot("write", self.path, error) from error
            raise

    def add(self, number: int, runs: Sequence[Run]) -> None:
        """Keep the finished runs of comparison `number`."""
        self._append({"comparison": number, "runs": [run.to_dict() for run in runs]})

    def close(self) -> None:
        """Delete the file, once the record is written, unless another has taken its place."""
        if self.path is None or self._file is None:
            return
        with contextlib.suppress(OSError):  # the record is there, whatever happens here
            if is_at(self.path, self._file):
                self.path.unlink()
                sync_folder(self.path.parent)
        self.release()

    def release(self) -> None:
        """Close the file and leave it where it is."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, data: Json) -> None:
        """Write a line; on an error the file is as it was."""
        if self._file is None:
            return
        line = seal_json(compact(data), self._seal).encode()
        try:
            if os.fstat(self._file).st_size != self._size:  # a part of a line is left
                os.ftruncate(self._file, self._size)
            append(self._file, line, sync=True)
        except OSError as error:
            raise cannot("write", self.path, error) from error
        self._seal, self._size = _seal_of(line), self._size + len(line)

    def _read(self, headers: Sequence[Json]) -> None:
        """Take over the runs of the file, or write the first line of a new one."""
        assert self._file is not None
        with open(os.dup(self._file), "rb") as file:
            data = file.read()
        header: Json = {"journal": VERSION, "headers": headers}
        complete, _, cut_off = data.rpartition(b"\n")
        if not complete:
            forms = (seal_json(compact(header)), compact(headers))
            if not any(form.encode().startswith(cut_off) for form in forms):
                raise self._foreign("its first line is incomplete")
            os.ftruncate(self._file, 0)
            self._append(header)
            return
        lines = complete.split(b"\n")
        self._check_first(lines[0] + b"\n", headers)
        for k, line in enumerate(lines[1:], 2):
            try:
                self._take(line + b"\n", headers)
            except ValueError as error:
                hint = f"Delete line {k} and those after it; the runs before it are kept."
                raise DataError(f"line {k} of {self.path} is damaged: {error}", hint=hint) from None
        self._size = len(complete) + 1
        if cut_off:
            os.ftruncate(self._file, self._size)

    def _check_first(self, line: bytes, headers: Sequence[Json]) -> None:
        """Check that the first line is that of a journal, and of this comparison."""
        try:
            seal = seal_of_json(line)
            content = parse(renamed(line))
            written = content["headers"] if isinstance(content, dict) else content
            if seal is None and isinstance(content, dict):
                raise ValueError("its checksum is missing")
            if isinstance(content, dict) and content["journal"] != VERSION:
                problem = f"{self.path} was written by another version of minidl"
                raise FileError(problem, received=content["journal"], expected=VERSION, hint=ANEW)
            check_headers(written)
        except FileError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise self._foreign(error) from None
        if written != headers:
            changes = ", ".join(differences(written, headers))
            raise DataError(f"{self.path} belongs to another comparison: {changes}", hint=OTHER)
        self._seal = seal or ""

    def _take(self, line: bytes, headers: Sequence[Json]) -> None:
        """Take the runs of a line, which a journal of an earlier version has without checksum."""
        seal = seal_of_json(line, self._seal)
        content: Any = parse(renamed(line))
        if seal is None and (self._seal or isinstance(content, dict)):
            raise ValueError("its checksum is missing")
        numbered = integer(0, len(headers) - 1)
        if seal is None:
            in_order(numbered, listed(RUN))(content, "block")
            number, block = content
        else:
            fields({"comparison": numbered, "runs": listed(RUN), "sha256": text})(content, "")
            number, block = content["comparison"], content["runs"]
        check_runs(headers[number]["plan"], block, headers[number])
        for run in map(Run.from_dict, block):
            self.runs[number][run.full_key] = run
        self._seal = seal or ""

    def _foreign(self, reason: object) -> DataError:
        """Return the error for a file that is not a journal."""
        return DataError(f"{self.path} is not a journal: {reason}", hint=ANEW)


def _seal_of(line: bytes) -> str:
    """Return the checksum at the end of a line."""
    return line[-67:-3].decode()


def _open(path: Path) -> int:
    """Return a file that is open for this process alone, and is new or was there; no link."""
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        opened = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            problem = f"{path} is not a regular file, so it is left alone"
            raise FileError(problem, hint=ANEW) from None
        opened = os.open(path, flags)
    try:
        lock(opened)
        if not is_at(path, opened):
            raise BlockingIOError
        sync_folder(path.parent)
    except OSError as error:
        os.close(opened)
        if not isinstance(error, BlockingIOError):
            raise
        hint = "Wait until that has ended, or give another file."
        raise FileError(f"{path} is in use by another process", hint=hint) from None
    return opened
