"""The machine from Python: load it, check a program, and take steps with it."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.engine.plan import Program, plan
from minidl.engine.tape import Array, Given, NotRecordable, Scalar, Tape, guard

WORD, POINTER = ctypes.c_int64, ctypes.c_void_p
SETS = ("SSE2", "AVX2", "AVX-512")
DONE, GUARD, LOSS = range(3)
ROWS = 64  # sets of rows for which jobs are kept


class Job(ctypes.Structure):
    """As in machine.c."""

    _fields_ = (
        *((name, POINTER) for name in ("code", "order", "moves", "memory")),
        ("source", POINTER * 4),
        ("numbers", POINTER),
        ("width", WORD * 4),
        ("to", WORD * 4),
        *((name, WORD) for name in ("sources", "rows", "length", "size", "moved")),
        *((name, WORD) for name in ("first", "steps", "batch", "count", "each", "numbers_to")),
        *((name, WORD) for name in ("loss", "follows", "taken", "status")),
        ("total", ctypes.c_double),
        ("last", ctypes.c_double),
    )


class Machine:
    """The compiled machine, and the codes of its instructions."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        library.machine_names.restype = ctypes.c_char_p
        library.machine_best.restype = library.machine_run.restype = WORD
        library.machine_run.argtypes = [POINTER, WORD, WORD, WORD]
        self._run = library.machine_run
        names = library.machine_names().decode().split()
        self.codes = {name: code for code, name in enumerate(names)}
        wanted = os.environ.get("MINIDL_SET")
        best = int(library.machine_best())
        self.set = min(best, SETS.index(wanted)) if wanted in SETS else best

    def run(self, address: int, count: int, dtype: np.dtype[Any]) -> None:
        """Check the jobs that begin at an address, and take their steps; raise if one is wrong."""
        if wrong := self._run(address, count, dtype.char == "f", self.set):
            raise AssertionError(f"instruction {wrong - 1} of a program is wrong")

    @property
    def instruction_set(self) -> str:
        """The name of the instruction set: it decides how numbers are rounded."""
        return SETS[self.set]


@functools.lru_cache(1)
def machine() -> Machine | None:
    """Return the machine, or None if it was not compiled when minidl was installed."""
    chosen = os.environ.get("MINIDL_MACHINE")  # for tests: another one, or none
    built = sorted(Path(__file__).parent.glob("_machine*"))
    for path in [Path(chosen)] if chosen else built:
        if path.suffix in (".so", ".dylib", ".pyd"):
            try:
                return Machine(path)
            except (OSError, AttributeError):  # of another processor or version
                continue
    return None


class Runner:
    """A program for steps on batches of one size, with its memory."""

    def __init__(self, tape: Tape | Program, dtype: np.dtype[Any], batch: int) -> None:
        found = machine()
        if found is None:
            raise NotRecordable("the machine was not compiled when minidl was installed")
        self.machine, self.dtype, self.batch = found, dtype, batch
        self.program = tape if isinstance(tape, Program) else plan(tape, found.codes, dtype)
        raw = np.zeros(len(self.program.memory) + 16, dtype)  # from a multiple of 64 bytes on
        start = -raw.ctypes.data % 64 // raw.itemsize
        self.memory = raw[start : start + len(self.program.memory)]
        self.memory[...] = self.program.memory
        self.evaluations = self.program.tape.evaluations
        self.constant = _is_constant(self.program)
        self.guarded = any(step.out is None for step in self.program.tape.instructions)
        self._prepared: dict[int, tuple[Mapping[str, Array], Job]] = {}  # by the id of the rows

    def write(self, arrays: Mapping[str, Array]) -> None:
        """Write inputs such as "w" and "state velocity" to their homes."""
        for name, array in arrays.items():
            if name in self.program.homes:
                at, size = self.program.homes[name]
                self.memory[at : at + size] = array.reshape(-1)

    def read(self, arrays: Mapping[str, Array]) -> None:
        """Write what is in their homes into arrays."""
        for name, array in arrays.items():
            if name in self.program.homes:
                at, size = self.program.homes[name]
                array.reshape(-1)[...] = self.memory[at : at + size]

    def job(
        self,
        sources: Mapping[str, Array],
        order: Array | None,
        first: int,
        steps: int,
        *,
        numbers: Array,
        total: float = 0.0,
    ) -> Job:
        """Return what the machine is given, valid until the next call.

        `sources` are the rows by the names "X", "t" and "weights"; arrays must live until the job
        has run.
        """
        if id(sources) not in self._prepared:
            if len(self._prepared) >= ROWS:
                self._prepared.clear()
            self._prepared[id(sources)] = sources, self._job_on(sources)
        job = self._prepared[id(sources)][1]
        job.first, job.steps, job.total, job.order = first, steps, total, None
        job.taken, job.status = 0, DONE
        if order is not None:
            _check(order, np.dtype(np.int64))
            assert len(order) == job.rows
            job.order = order.ctypes.data
        _check(numbers, self.dtype)
        several, count = len(numbers) > 1, self.program.each
        assert numbers.shape == (steps if several else 1, count)
        job.numbers, job.count, job.each = numbers.ctypes.data, count, count * several
        return job

    def forget(self) -> None:
        """Forget the rows of all jobs."""
        self._prepared.clear()

    def _job_on(self, sources: Mapping[str, Array]) -> Job:
        """Return a job on these rows, without the steps."""
        program, job = self.program, Job()
        job.code, job.length = program.code.ctypes.data, len(program.code)
        job.memory, job.size = self.memory.ctypes.data, len(self.memory)
        job.batch, job.loss = self.batch, program.loss
        for name, rows in sources.items():
            job.rows = len(rows)
            if name not in program.homes:
                continue
            _check(rows, self.dtype)
            at, size = program.homes[name]
            if size * len(rows) != rows.size * self.batch:
                raise NotRecordable("the rows have another shape than those recorded")
            k = job.sources
            job.source[k], job.to[k], job.width[k] = rows.ctypes.data, at, size // self.batch
            job.sources += 1
        return job

    def take(self, job: Job) -> int:
        """Check the job and take its steps; return how many were taken."""
        self.machine.run(ctypes.addressof(job), 1, self.dtype)
        return int(job.taken)

    def holds(self, arrays: Mapping[str, Array], job: Job) -> bool:
        """Return whether all conditions hold in a step from these arrays, which is not kept."""
        self.write(arrays)
        self.take(job)
        return bool(job.status != GUARD)


def numbers_of(program: Program, given: Mapping[str, Any], steps: int) -> tuple[Array, int]:
    """Return the numbers of each step (steps, count), or (1, count); and how many steps hold.

    `given` has a number or, if it changes from step to step, an array for each name. Before the
    first step in which a condition on numbers has changed, the steps hold no more.
    """
    scalars = program.tape.scalars
    values: dict[int, Any] = {i: given[name] for i, name in enumerate(scalars) if name}

    def value(operand: Any) -> Any:
        return values[operand.number] if isinstance(operand, Scalar) else operand.value

    held = steps
    for step in program.before:
        inputs = [value(x) for x in step.inputs]
        result = _ON_ARRAYS.get(step.function, step.function)(*inputs)
        if isinstance(step.out, Scalar):
            values[step.out.number] = result
            continue
        expected = dict(step.options)["expected"]
        kept = np.asarray(result, bool) == expected
        held = min(held, steps if kept.all() else int(kept.argmin()))
    wanted = [values[number] for number in program.numbers]
    changes = any(np.ndim(x) for x in wanted)
    rows = np.empty((steps if changes else 1, len(wanted)))
    for k, x in enumerate(wanted):
        rows[:, k] = x
    return rows, held


def _is_constant(program: Program) -> bool:
    """Return whether the numbers are the same in all steps but the first, where there is no state.

    Then the only condition on numbers is that of every optimizer, whether this is the first step.
    """
    scalars, before = program.tape.scalars, program.before
    if (
        program.drawn
        or "step_count" not in scalars
        or scalars.index("step_count") in program.numbers
    ):
        return False
    count, zero = Scalar(scalars.index("step_count")), Given(0)
    return all(
        step.name == "number eq" and (step.out is None or step.inputs == (count, zero))
        for step in before
    )


def _check(array: Array, dtype: np.dtype[Any]) -> None:
    """Check what the machine cannot: dtype and contiguity of an array that it is given."""
    assert array.dtype == dtype, f"the machine got {array.dtype}, expected {dtype}"
    assert array.flags.c_contiguous, "the machine got an array with gaps"


_ON_ARRAYS: dict[Any, Any] = {guard: lambda value: np.asarray(value) != 0}
