"""Programs that runs of equal structure share within a process.

Only a program that a further recording would repeat is kept: its key says all that a recording
holds, and its conditions are about valid targets, or ask whether this is the first step.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from minidl.engine.plan import Program
from minidl.engine.runner import Runner
from minidl.engine.tape import Given, Place, Scalar, Tape

MOST = 64  # programs of a process; dropped all at once, which threads can do
PROGRAMS: dict[Hashable, Program] = {}


def runner_of(
    key: Hashable, recorded: Callable[[], Tape], dtype: np.dtype[Any], count: int
) -> Runner:
    """Return a runner with memory of its own, of a known program or a new one.

    A key of None is that of a program that is never shared, such as of custom code.
    """
    program = None if key is None else PROGRAMS.get(key)
    if program is not None:
        return Runner(program, dtype, count)
    runner = Runner(recorded(), dtype, count)
    if key is not None and is_general(runner.program.tape):
        if len(PROGRAMS) >= MOST:
            PROGRAMS.clear()
        PROGRAMS[key] = runner.program
    return runner


def is_general(tape: Tape) -> bool:
    """Return whether conditions would be the same in any recording of equal structure.

    They may depend on targets, which have been checked to be valid, and ask ``step_count == 0``,
    since no recording is made before the first step.
    """
    known: dict[Any, set[Any]] = {Scalar(i): {name} for i, name in enumerate(tape.scalars) if name}
    known |= {i: {buffer.name} - {""} for i, buffer in enumerate(tape.buffers)}
    counted = tape.scalars.index("step_count") if "step_count" in tape.scalars else -1
    first = Scalar(counted), Given(0)
    for step in tape.instructions:
        operands = [x.buffer if isinstance(x, Place) else x for x in step.inputs]
        names = set[Any]().union(*(known.get(x, set()) for x in operands))
        if step.name == "number eq" and step.inputs == first:
            names = {"first step"}
        if step.out is None and not (names <= {"t"} or names == {"first step"}):
            return False
        if isinstance(step.out, Place):
            known[step.out.buffer] |= names
        elif step.out is not None:
            known[step.out] = names
    return True
