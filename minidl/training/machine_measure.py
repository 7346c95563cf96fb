"""The compiled engine in measurements: mean loss and accuracy on all rows, without a gradient.

Rows are taken in batches that fit the cache. What cannot be replayed is measured eagerly, whatever
the engine of the run is; `reason` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.autograd.node import STATE
from minidl.engine import (
    IN,
    OUT,
    RIGHT,
    Jobs,
    NotRecordable,
    Runner,
    is_custom,
    networks_of,
    record_measure,
    runner_of,
    worthwhile,
)
from minidl.nn.layer import parts_of
from minidl.training.compilable import check_buffers
from minidl.training.data import Rows
from minidl.training.engine_choice import LARGE, instruction_set
from minidl.training.machine_rows import Sources
from minidl.training.machine_steps import AGREE, PROGRAMS
from minidl.training.measure import CHUNK, Objective
from minidl.training.structure import structure

MOST, LEAST = 128, 24  # rows at once; a last batch of another size needs a program of its own


class Piece(NamedTuple):
    """Rows that one program measures: the first one, the rows of a batch, how many batches."""

    first: int
    rows: int
    steps: int
    runner: Runner


class MeasureJobs:
    """The jobs that measure all pieces of some rows, for each network."""

    def __init__(
        self, plan: Plan, value: Array, sets: Array | None, buffers: dict[str, Array]
    ) -> None:
        self._value, self._buffers = value, buffers
        networks, pieces = 1 if value.ndim == 1 else len(value), plan.pieces
        self.rows = np.array([piece.rows for piece in pieces], float)
        self.rights = np.zeros((networks, len(pieces)), value.dtype)
        self._jobs = Jobs(self.rights.size, value.dtype)
        none = np.empty((1, 0), value.dtype)
        own = {"w": value} | {f"buffer {name}": array for name, array in buffers.items()}
        copied = networks_of(own, networks, IN, single=value.ndim == 1)
        rights = networks_of({RIGHT: self.rights.reshape(-1)[:, None]}, self.rights.size, IN | OUT)
        for k in range(networks):
            source = plan.sources[0 if sets is None else int(sets[k])]
            for place, piece in enumerate(pieces, k * len(pieces)):
                self._jobs.put(place, piece.runner, source, copied[k] | rights[place], none)
        self._each = self._jobs.table.reshape(self.rights.shape)
        self._each["first"] = [piece.first for piece in pieces]
        self._each["steps"] = [piece.steps for piece in pieces]
        self._totals, self._statuses = self._each["total"], self._jobs.table["status"]

    def fits(self, value: Array, buffers: dict[str, Array]) -> bool:
        """Return whether the jobs read these very arrays; other sets come with another value."""
        same = value is self._value and buffers.keys() == self._buffers.keys()
        return same and all(own is self._buffers[name] for name, own in buffers.items())

    def measure(self) -> bool:
        """Let the machine measure; return False if it stops."""
        self.rights[...] = self._totals[...] = 0.0
        self._jobs.take(0, self.rights.size)
        return not any(self._statuses.tolist())

    def losses(self) -> Array:
        """Return the sum over rows of the losses of each network."""
        return np.asarray(self._totals.sum(1))


@dataclass
class Plan:
    """How some rows are measured, with settings as they are."""

    rows: Rows
    settings: Any
    size: int  # of the weights of all networks
    sources: list[dict[str, Array]]  # the rows of each set
    pieces: list[Piece]
    counted: Array  # the mean weight of the rows of each set, without weights that the loss gives
    reason: str = ""  # why these rows cannot be measured by the machine
    compared: bool = False  # with the eager engine
    jobs: MeasureJobs | None = None  # its jobs


class Measuring:
    """The programs that measure a run, and why there are none.

    Which engine measures depends on rows, settings and state of the run, and on `differs`, which is
    saved with it: so a run that is resumed has the same bits.
    """

    def __init__(self, sources: Sources, differs: str = "") -> None:
        self.differs = differs  # in what a measurement of the run differed from the eager one
        self.reason = differs  # why the last measurement was eager, or ""
        self.taken = 0  # batches, by the machine
        self._sources = sources
        self._plans: list[Plan] = []
        self._programs: dict[Any, Runner] = {}

    def measure(self, run: Any, rows: Rows, sets: Array | None, settings: Any) -> dict[str, Any]:
        """Return what :meth:`Objective.measure` does; `settings` are what a recording holds."""
        objective: Objective = run.objective
        self.reason = self.differs or _against(run, rows)
        if not self.reason and STATE.debugger is None:
            try:
                measured = self._measured(run, rows, sets, settings)
            except NotRecordable as why:
                self.reason = str(why)
            else:
                if measured is not None:
                    return measured
        return objective.measure(*rows, sets)

    def forget(self) -> None:
        """Forget the rows, but not the programs."""
        self._plans.clear()
        for runner in self._programs.values():
            runner.forget()

    def _measured(
        self, run: Any, rows: Rows, sets: Array | None, settings: Any
    ) -> dict[str, Any] | None:
        """Return the machine's measurement, or None if it stops; raise if it may not measure."""
        objective: Objective = run.objective
        plan = self._plan(run, rows, sets, settings)
        if plan.reason:
            raise NotRecordable(plan.reason)
        check_buffers(run)
        sums = self._sums(objective, plan, sets, run.buffers())
        if sums is None:
            return None
        measured = objective.with_penalties(sums)
        if not plan.compared:
            eager, dtype = objective.measure(*rows, sets), objective.vector.value.dtype
            self.differs = _difference(measured, eager, dtype)
            if self.differs:
                raise NotRecordable(self.differs)
            plan.compared = True
        return measured

    def _plan(self, run: Any, rows: Rows, sets: Array | None, settings: Any) -> Plan:
        """Return the plan for these rows; its programs are recorded if they are new."""
        objective, size = run.objective, run.objective.vector.value.size
        for plan in self._plans:
            if plan.rows is rows and plan.size == size and plan.settings == settings:
                return plan
        sources = self._sources.of(rows, sets, objective)
        weights = [source.get("plain") for source in sources]
        means = np.array([1.0 if own is None else own.mean(dtype=float) for own in weights])
        plan = Plan(rows, settings, size, sources, [], means)
        try:
            plan.pieces = self._pieces(run, plan, sets)
        except NotRecordable as why:
            plan.reason = str(why)
        self._plans = [*self._plans[-3:], plan]
        return plan

    def _pieces(self, run: Any, plan: Plan, sets: Array | None) -> list[Piece]:
        """Return the pieces of some rows, with their programs."""
        first, pieces = run.networks()[0].objective, []
        for start, count, steps in _pieces(run.objective, len(plan.sources[0]["X"])):
            key = plan.settings, _form(plan.rows), count
            if key not in self._programs:
                if len(self._programs) >= PROGRAMS:
                    self._programs.clear()
                source = plan.sources[0 if sets is None else int(sets[0])]
                holds = partial(_holds, first, source, start)
                place = start, count
                self._programs[key] = _recorded(first, plan.rows, sets, place, holds)
            pieces.append(Piece(start, count, steps, self._programs[key]))
        return pieces

    def _sums(
        self, objective: Objective, plan: Plan, sets: Array | None, buffers: dict[str, Array]
    ) -> dict[str, Any] | None:
        """Return mean loss and accuracy without penalties, or None if the machine stops.

        It does at a condition that is not as recorded, and at a loss that is not finite.
        """
        value, n = objective.vector.value, len(plan.sources[0]["X"])
        jobs = plan.jobs
        if jobs is None or not jobs.fits(value, buffers):
            jobs = plan.jobs = MeasureJobs(plan, value, sets, buffers)
        if not jobs.measure():
            return None
        self.taken += len(jobs.rights) * sum(piece.steps for piece in plan.pieces)
        losses, rights, single = jobs.losses(), jobs.rights @ jobs.rows, value.ndim == 1
        sums: dict[str, Any] = {"loss": losses[0] / n if single else losses / n}
        if objective.loss.classifies:
            right = rights[0] if single else rights
            counted = plan.counted[0] if sets is None else plan.counted[sets]
            rows = plan.rows
            sums["accuracy"] = objective.fraction(right, rows.t, rows.w, n, counted)
        return sums


def _against(run: Any, rows: Rows) -> str:
    """Return why rows cannot be measured by the machine, as far as is known before, or ""."""
    if rows.X.dtype != run.objective.vector.value.dtype:
        return "large inputs are converted batch by batch"
    elements = min(MOST, rows.X.shape[-2]) * run.objective.vector.largest_matrix
    if run.engine == "auto" and not worthwhile(elements, instruction_set()):
        return LARGE
    return ""


def has_custom(objective: Objective) -> bool:
    """Return whether a layer or the loss is custom, and may so depend on the rows of a batch."""
    return any(map(is_custom, (*parts_of(objective.model), objective.loss)))


def _form(rows: Rows) -> Any:
    """Return what a recording of such rows depends on, but for their number."""
    X, t, w = rows
    return X.shape[-1], t.ndim - X.ndim, t.shape[-1] if t.ndim == X.ndim else 0, t.dtype, w is None


def _pieces(objective: Objective, n: int) -> list[tuple[int, int, int]]:
    """Return for each part of n rows its first row, the rows of a batch, and how many batches.

    Custom code is given the batches of the eager engine.
    """
    most, w = MOST, objective.vector.value
    if has_custom(objective):
        most = max(1, CHUNK * w.shape[-1] // w.size)
    elif (equal := max(d for d in range(1, min(n, most) + 1) if n % d == 0)) >= min(n, LEAST):
        most = equal
    count = min(n, most)
    steps, rest = divmod(n, count)
    return [(0, count, steps)] + ([(n - rest, rest, 1)] if rest else [])


def _holds(objective: Objective, source: dict[str, Array], start: int, runner: Runner) -> bool:
    """Return whether the conditions of a program of another run hold on the first batch."""
    if runner.program.each:
        return False
    buffers = {f"buffer {name}": array for name, array in objective.model.named_buffers()}
    arrays = {"w": objective.vector.value, RIGHT: np.zeros(1, runner.dtype)} | buffers
    job = runner.job(source, None, start, 1, numbers=np.empty((1, 0), runner.dtype))
    return runner.holds(arrays, job)


def _recorded(
    objective: Objective,
    rows: Rows,
    sets: Array | None,
    place: tuple[int, int],
    holds: Callable[[Runner], bool],
) -> Runner:
    """Return the program that measures batches: of the first row, and the rows of a batch."""
    start, count = place
    of_all = [None if a is None else a if sets is None else a[sets[0]] for a in rows]
    X, t, w = (None if a is None else a[start : start + count] for a in of_all)
    assert X is not None
    assert t is not None
    other = X[::-1], t[::-1], None if w is None else w[::-1]
    plain = None
    if w is not None and objective.loss.classifies and objective.weighs(t):
        own = objective.without_own(t, w)
        assert own is not None
        plain = own, own[::-1]
    custom = has_custom(objective)
    targets = of_all[1] if custom else None
    arrays = [X, t, w, None if plain is None else plain[0]]
    key = None if custom else structure(objective, None, arrays)
    recorded = partial(record_measure, objective, (X, t, w), other, plain, targets)
    try:
        runner = runner_of(key, recorded, objective.vector.value.dtype, count, holds)
    except NotRecordable:
        raise
    except Exception as error:  # of custom code; eager gives it, if it is not of the recording
        words = f"recording a measurement raises {type(error).__name__}: {error}"
        raise NotRecordable(words) from error
    if custom and any(step.out is None for step in runner.program.tape.instructions):
        raise NotRecordable("a measurement depends on conditions")
    if runner.program.numbers or runner.program.before:
        raise NotRecordable("a measurement depends on numbers that are not in arrays")
    return runner


def _difference(measured: dict[str, Any], eager: dict[str, Any], dtype: np.dtype[Any]) -> str:
    """Return in words where a measurement differs from the eager one; "" if nowhere."""
    for name, value in eager.items():
        gap = float(np.max(np.abs(np.asarray(measured[name]) - value)))
        if not gap <= AGREE[dtype.char] * max(1.0, float(np.max(np.abs(value)))):
            return f"the {name} differs by {gap:.2g} from the eager measurement"
    return ""
