"""Memory of the process: what is freed is kept, and what would not fit is refused.

Memory that one training step frees is kept for the next one:
glibc returns the memory of a large array (128 KB and more, at first) to the system when it is
freed, and the next such array costs a page fault for every 4 KB: most of the time of a training
step. The limit rises to the size of the largest array that glibc has seen freed, so one is created
and dropped, without being touched. At most twice its size stays with the process.

``tests/benchmarks/memory.py`` measures the effect. Without glibc nothing happens.
"""

import os

import numpy as np

from minidl.errors import TooLargeError

NETWORK_BYTES = 5_000  # that the smallest network with its Trainer takes at least


def keep_freed_memory() -> None:
    """Raise glibc's limit to 16 MB (its own bound is 32); this takes microseconds."""
    np.empty(2**24, np.uint8)


def machine_memory() -> int:
    """Return the bytes of memory of this machine; 2**40 where the system does not say it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # on Windows
        return 2**40


def check_networks(count: int) -> None:
    """Raise a :class:`TooLargeError` if so many networks do not fit into memory."""
    check_memory(f"training {count} networks or more", count * NETWORK_BYTES)


def check_memory(contents: str, needed: int) -> None:
    """Raise a :class:`TooLargeError` if so many bytes are more than the machine has.

    Linux would promise them, and kill the process when they are used.

    >>> check_memory("Dense(1000000000, 1000000000)", 8 * 10**18)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.TooLargeError: Dense(1000000000, 1000000000) would take 8e+09 GB of memory, ...
    """
    if needed > (total := machine_memory()):
        has = f"and this machine has {total / 1e9:.3g} GB"
        raise TooLargeError(f"{contents} would take {needed / 1e9:.3g} GB of memory, {has}")
