"""Writing files so that a crash, a full disk or a planted link never leaves half a file behind."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minidl.errors import FileError, invalid
from minidl.leftovers import LOCKS, beside, is_at, lock, remove_leftovers

KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip
REGULAR = "Name a regular file, or leave it out."
Identity = tuple[int, int, int]  # of an open file: device, inode, size


def cannot(verb: str, path: object, error: Exception) -> FileError:
    """Return the error for a file that the system does not let minidl "read" or "write"."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    failure = FileError(f"cannot {verb} {path}: {reason}")
    failure.errno = getattr(error, "errno", None)
    return failure


def check_path(path: object) -> None:
    """Raise an ArgumentError for anything but a path, such as None.

    >>> check_path(3)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: path must be a file name, got 3
    """
    if not isinstance(path, str | os.PathLike):
        raise invalid("path", path, "a file name")


def place_of(path: str | Path) -> Path:
    """Return the file that is made or replaced by writing to a path: the target of a link.

    A FileError says why nothing can be written: it is a folder, a device, a pipe or a socket, or
    its folder does not exist.

    >>> place_of("/dev/null")
    Traceback (most recent call last):
    ...
    minidl.errors.FileError: cannot write /dev/null: it is a device. Name a regular file, or leave \
it out.
    """
    check_path(path)
    if not os.fspath(path):
        raise FileError("the name of the file is empty")
    special = Path(os.path.abspath(path))
    try:
        target = Path(path).resolve()
        file_type = stat.S_IFMT(target.stat().st_mode)
    except FileNotFoundError:
        file_type = stat.S_IFREG
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null character
        raise cannot("write", path, error) from error
    if file_type == stat.S_IFDIR:
        raise FileError(f"cannot write {str(path)!r}: it is a folder")
    if file_type == stat.S_IFREG and any(map(_of_the_system, (special, target))):
        file_type = stat.S_IFCHR  # such as /dev/stdout, if it is redirected to a file
    if file_type != stat.S_IFREG:
        raise FileError(
            f"cannot write {path}: it is {KINDS.get(file_type, 'no file')}", hint=REGULAR
        )
    if not target.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {target.parent}")
    return target


def _of_the_system(place: Path) -> bool:
    """Return whether a path is one of devices and processes, except memory that is a folder."""
    is_device = place.is_relative_to("/dev") and not place.is_relative_to("/dev/shm")
    return is_device or place.is_relative_to("/proc")


def check_place(path: str | Path) -> None:
    """Raise, before any work, unless :func:`atomic_write` can make a file beside `path`."""
    target = place_of(path)
    remove_leftovers(target)
    temporary = beside(target)
    try:
        temporary.open("xb").close()
        temporary.unlink(missing_ok=True)  # to another process it may be a leftover
    except OSError as error:
        raise cannot("write", path, error) from error


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that replaces `path` when the ``with`` block ends.

    The data reach the disk (fsync) before the rename, and the rename does before this returns.
    If the block raises, `path` is as it was before. Only a regular file is replaced; a symbolic
    link is followed to its target. The temporary file is new (O_EXCL), so no planted link is
    followed. Those that killed processes have left beside `path` are removed.

    Parameters
    ----------
    path : str or Path
        The file to write, in a folder that exists.
    mode : {"wb", "w"}, default "wb"
        For bytes, or for UTF-8 text whose line ends are kept as written.

    Raises
    ------
    FileError
        The file cannot be written, such as on a full disk; see also :func:`place_of`.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with atomic_write(place, "w") as file:
    ...     _ = file.write("done")
    >>> place.read_text()
    'done'
    """
    target = place_of(path)
    remove_leftovers(target)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    temporary: Path | None = None  # another process's file of this name is not deleted
    try:
        with contextlib.ExitStack() as until_in_place:
            opened, temporary = _new(target)
            if LOCKS:
                until_in_place.callback(os.close, os.dup(opened))
            with open(opened, mode, **text) as file:  # type: ignore[call-overload]
                if target.exists():
                    shutil.copymode(target, temporary)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        sync_folder(target.parent)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError) and not isinstance(error, FileError):
            raise cannot("write", path, error) from error
        raise


def _new(target: Path) -> tuple[int, Path]:
    """Return a new file beside a target, open and locked, and its name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = beside(target)
        opened = os.open(temporary, flags, 0o666)
        with contextlib.suppress(BlockingIOError):
            lock(opened)
            if not LOCKS or is_at(temporary, opened):
                return opened, temporary
        os.close(opened)  # another process has removed it as a leftover, before it was locked


def sync_folder(folder: Path) -> None:
    """Make names that are new or gone in a folder reach the disk."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    opened = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system whose folders cannot be synchronised
            raise
    finally:
        os.close(opened)


@contextlib.contextmanager
def open_regular(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a regular file to read its bytes; errors, and anything else, are a FileError.

    >>> with open_regular("/dev/zero") as file:
    ...     file.read()
    Traceback (most recent call last):
    ...
    minidl.errors.FileError: cannot read /dev/zero: it is a device
    """
    check_path(path)
    if not os.fspath(path):
        raise FileError("the name of the file is empty")
    try:
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait
    except FileNotFoundError:
        raise FileError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise cannot("read", path, error) from error
    file_type = stat.S_IFMT(os.fstat(opened).st_mode)
    if file_type != stat.S_IFREG:
        os.close(opened)
        raise FileError(f"cannot read {path}: it is {KINDS.get(file_type, 'no file')}")
    with open(opened, "rb") as file:
        try:
            yield file
        except FileError:
            raise
        except OSError as error:
            raise cannot("read", path, error) from error


def identity_of(path: str | Path) -> Identity:
    """Return the identity of a file, which changes when somebody else writes to it."""
    status = place_of(path).stat()
    return status.st_dev, status.st_ino, status.st_size


def append_to(path: str | Path, data: bytes, left: Identity) -> Identity | None:
    """Append bytes to a file; return its new identity, or None if it is not as it was `left`."""
    try:
        opened = os.open(place_of(path), os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot("write", path, error) from error
    try:
        status = os.fstat(opened)
        if (status.st_dev, status.st_ino, status.st_size) != left:
            return None
        append(opened, data, sync=False)
    except OSError as error:
        raise cannot("write", path, error) from error
    finally:
        os.close(opened)
    return (*left[:2], left[2] + len(data))


def append(opened: int, data: bytes, *, sync: bool) -> None:
    """Append bytes to an open file, with `sync` to the disk; or raise, and leave it as it was."""
    size = os.fstat(opened).st_size
    try:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[os.write(opened, remaining) :]
        if sync:
            os.fsync(opened)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(opened, size)
        raise
