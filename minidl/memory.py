"""Keep memory that one training step frees for the next one.

glibc returns the memory of a large array (128 KB and more, at first) to the system when it is
freed, and the next such array costs a page fault for every 4 KB: most of the time of a training
step. The limit rises to the size of the largest array that glibc has seen freed, so one is created
and dropped, without being touched. At most twice its size stays with the process.

``tests/benchmarks/memory.py`` measures the effect. Without glibc nothing happens.
"""

import numpy as np


def keep_freed_memory() -> None:
    """Raise glibc's limit to 16 MB (its own bound is 32); this takes microseconds."""
    np.empty(2**24, np.uint8)
