"""Programs that runs of equal structure share within a process.

The key of a program says all that a recording holds but for how its conditions turn out. A run
takes a known program only if they turn out in the same way on what it would record.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from minidl.engine.plan import Program
from minidl.engine.runner import Runner
from minidl.engine.tape import Tape

MOST, EACH = 64, 4  # keys of a process, dropped all at once, and programs of a key
PROGRAMS: dict[Hashable, tuple[Program, ...]] = {}  # replaced as a whole, which threads can do


def runner_of(
    key: Hashable,
    recorded: Callable[[], Tape],
    dtype: np.dtype[Any],
    count: int,
    holds: Callable[[Runner], bool],
) -> Runner:
    """Return a runner with memory of its own, of a known program or a new one.

    A key of None is that of a program that is never shared, such as of custom code. `holds` takes
    what would be recorded and returns whether the conditions of a known program hold: then a
    recording would be that program again.
    """
    for program in () if key is None else PROGRAMS.get(key, ()):
        runner = Runner(program, dtype, count)
        if holds(runner):
            return runner
    runner = Runner(recorded(), dtype, count)
    if key is not None:
        if len(PROGRAMS) >= MOST:
            PROGRAMS.clear()
        PROGRAMS[key] = (*PROGRAMS.get(key, ()), runner.program)[-EACH:]
    return runner
