"""Programs that runs of equal structure share within a process.

The key of a program says all that a recording holds but for how its conditions turn out. A run
takes a known program only if they turn out in the same way on what it would record. In a recording
NumPy decides, here the machine: so only programs are kept whose conditions have no ties.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from minidl.engine.plan import Program
from minidl.engine.runner import Runner
from minidl.engine.tape import Place, Scalar, Tape

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
    if key is not None and has_no_ties(runner.program.tape):
        if len(PROGRAMS) >= MOST:
            PROGRAMS.clear()
        PROGRAMS[key] = (*PROGRAMS.get(key, ()), runner.program)[-EACH:]
    return runner


def has_no_ties(tape: Tape) -> bool:
    """Return whether machine and NumPy decide all conditions alike, however they round.

    They may depend on targets, on whether numbers are finite, and on what is known before the step.
    """
    known: dict[Any, set[Any]] = {Scalar(i): set() for i in range(len(tape.scalars))}
    known |= {i: {buffer.name} - {""} for i, buffer in enumerate(tape.buffers)}
    for step in tape.instructions:
        operands = [x.buffer if isinstance(x, Place) else x for x in step.inputs]
        names = set[Any]().union(*(known.get(x, set()) for x in operands)) - {"t"}
        if step.name == "isfinite":
            names = set()
        if step.out is None and names:
            return False
        if isinstance(step.out, Place):
            known[step.out.buffer] |= names
        elif step.out is not None:
            known[step.out] = names
    return True
