"""Writing files so that a crash never leaves half a file behind."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


def is_device(path: str | Path) -> bool:
    """Return whether a file is a device, such as /dev/null, or a pipe, and is written directly.

    >>> is_device("/dev/null"), is_device("result.txt")
    (True, False)
    """
    target = Path(path)
    return target.is_relative_to("/dev") or (target.exists() and not target.is_file())


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that replaces `path` when the ``with`` block ends.

    The data reach the disk (fsync) before the rename, and the rename does before this returns.
    If the block raises, `path` is as it was before. A device or a pipe is written directly, a
    symbolic link is followed.

    Parameters
    ----------
    path : str or Path
        The file to write, in a folder that exists.
    mode : {"wb", "w"}, default "wb"
        For bytes, or for UTF-8 text whose line ends are kept as written.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with atomic_write(place, "w") as file:
    ...     _ = file.write("done")
    >>> place.read_text()
    'done'
    """
    target = Path(path) if is_device(path) else Path(path).resolve()
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.tmp")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    if is_device(target):  # such as /dev/null, which stays what it is
        with open(target, mode, **text) as file:  # type: ignore[call-overload]
            yield file
        return
    try:
        with open(temporary, mode.replace("w", "x"), **text) as file:  # type: ignore[call-overload]
            if target.exists():
                shutil.copymode(target, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(target.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
