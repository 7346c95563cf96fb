"""Memory that one step frees is kept for the next one.

glibc gives the memory of a large array (128 KB and more, at first) back to the system when it is
freed, and the next such array then costs a page fault for every 4 KB: in training, most of the
time. Its limit rises to the size of the largest array that it has seen freed, so one is made and
dropped, never touched. What stays with the process is at most twice that size.

``tests/benchmarks/memory.py`` measures what this is worth. Where there is no glibc it does nothing.
"""

from __future__ import annotations

import numpy as np

__all__ = ["keep_freed_memory"]

LIMIT = 2**24  # bytes; glibc's own bound is 2**25


def keep_freed_memory() -> None:
    """Raise glibc's limit for what is given back at once to 16 MB; it takes microseconds."""
    np.empty(LIMIT, np.uint8)
