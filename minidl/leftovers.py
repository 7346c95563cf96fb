"""Locks, and the temporary files that killed processes have left, which nobody has locked."""

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, where nothing is locked, and nothing that is left is removed
    fcntl = None  # type: ignore[assignment]

LOCKS = fcntl is not None
MARK = ".minidl-"  # in the names of temporary files


def beside(target: Path) -> Path:
    """Return a new name in the same folder, so that a rename can move it to the target.

    >>> beside(Path("model.npz")).name.startswith("model.npz.minidl-")
    True
    """
    return target.with_name(f"{target.name[:40]}{MARK}{secrets.token_hex(8)}.tmp")


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files that killed processes have left beside a file.

    Only a regular file of this user goes that has a name of :func:`beside`, no other link, and no
    lock: whoever writes one holds its lock until it is in place. What cannot be removed stays.
    """
    if fcntl is None:
        return
    name = re.compile(re.escape(target.name[:40] + MARK) + r"[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for path in [entry.path for entry in entries if name.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                _remove_unlocked(path)


def _remove_unlocked(path: str) -> None:
    """Remove a leftover; an OSError if it is locked, a link, or cannot be opened."""
    opened = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        state = os.fstat(opened)
        if stat.S_ISREG(state.st_mode) and state.st_uid == os.geteuid() and state.st_nlink == 1:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(path, opened):
                os.unlink(path)
    finally:
        os.close(opened)


def lock(opened: int) -> None:
    """Lock a file for this process; a BlockingIOError if another one has."""
    if fcntl is None:
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return


def is_at(path: str | Path, opened: int) -> bool:
    """Return whether a regular file that is open is still the one at a path."""
    try:
        at_path, at_file = os.lstat(path), os.fstat(opened)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(at_file.st_mode) and os.path.samestat(at_path, at_file)
