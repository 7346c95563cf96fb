"""The compiled engine in the training loop: it takes the steps that it can, eager the others.

A step is recorded when it is first needed. The first steps on batches of each size are taken by
both engines and compared; the machine goes on alone only if they agree.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.engine import NotRecordable, Runner, record, runner_of
from minidl.errors import ArgumentError
from minidl.training.compilable import against, check_state, is_ours, settings_of
from minidl.training.data import Rows
from minidl.training.machine_epoch import Whole
from minidl.training.machine_measure import Measuring
from minidl.training.machine_steps import PROGRAMS, Eager, Epoch, Known, Network, Part, Sources
from minidl.training.measure import Objective
from minidl.training.structure import structure

COMPARED = 2  # steps on batches of each size that both engines take


class Compiled:
    """The programs of a run, and why there are none."""

    def __init__(self) -> None:
        self.reason = ""  # why the run is eager
        self.steps_taken = 0  # by the machine
        self._programs: dict[Any, Known] = {}
        self._key: Any = None
        self._settled: tuple[Objective, Any] | None = None
        self._numbers: dict[Any, int] = {}  # of settings that cannot change meanwhile
        self._sources = Sources()
        self.measuring = Measuring(self._sources)
        self.whole = Whole()
        self._forced = 0  # steps that had to be eager because a condition had changed

    def __reduce__(self) -> Any:
        return Compiled, ()

    def begin(self) -> None:
        """Forget what may change between calls of fit."""
        self._settled = None

    def _settings(self, run: Any) -> Any:
        """Return what recordings of a run hold; computed once if nobody can change it meanwhile."""
        if self._settled is None or self._settled[0] is not run.objective:
            first = run.networks()[0]
            if not all(map(is_minidl, run.hooks.callbacks)):
                return settings_of(run)
            settings = structure(first.objective, first.optimizer, ())
            if settings is None:  # of custom parts
                return settings_of(run)
            # A number stands for them: the hash of all that they hold takes 10 us
            self._settled = run.objective, self._numbers.setdefault(settings, len(self._numbers))
        return self._settled[1]

    def measure(self, run: Any, rows: Rows, sets: Array | None) -> dict[str, Any]:
        """Return loss and accuracy of the model as it is on all rows, with the penalties."""
        return self.measuring.measure(run, rows, sets, self._settings(run))

    def steps(self, run: Any, epoch: Epoch, eager: Eager) -> bool:
        """Take the steps of an epoch from the cursor on; return False if `eager` must take them."""
        if self.reason:
            return False
        try:
            if why := against(run, epoch):
                raise NotRecordable(why)
            self._key = self._settings(run)
            self._take(run, epoch, eager)
        except NotRecordable as why:
            self.reason = str(why)
            if run.engine == "compiled":
                problem = "the compiled engine cannot train this run"
                hint = 'Use engine="auto", which then takes the eager engine.'
                raise ArgumentError(problem, received=self.reason, hint=hint) from None
            return False
        return True

    def _take(self, run: Any, epoch: Epoch, eager: Eager) -> None:
        n, single = epoch.data.n, run.objective.vector.value.ndim == 1
        if run.optimizer.step_count == 0:
            eager(run, epoch, 1)  # which makes the state
        check_state(run)
        if epoch.order is not None:
            epoch = epoch._replace(order=np.ascontiguousarray(epoch.order, np.int64))
        while run.cursor < n and not (single and not math.isfinite(run.running_total)):
            sources = self._sources.of(epoch.data.train, epoch.data.sets, run.objective)
            part = Part(run, epoch, sources)
            taken = self.whole.take(part, self._ready(part))
            self.steps_taken += taken
            if not taken:
                self._look(part, eager)
            if run.interrupts.pressed and run.cursor < n:
                run.interrupts.check()

    def _look(self, part: Part, eager: Eager) -> None:
        """Take steps of which something is new: a program, numbers, or an answer of a condition."""
        run, epoch = part.run, part.epoch
        known = self._known(run, epoch)
        if known.compared < COMPARED:
            done = part.compare(known, eager)
        elif run.watched is not None and not run.watched.complete:
            eager(run, epoch)  # to the end: later steps may reach more parameters
            return
        else:
            done = part.advance(known)
        self.steps_taken += part.taken
        if not done:
            eager(run, epoch, 1)
        known.failed = 0 if done else known.failed + 1
        if known.failed > 1:  # it is another step from now on
            self._programs = {k: v for k, v in self._programs.items() if v is not known}
        if not done:
            self._forced += 1
            if self._forced > 20 + self.steps_taken // 20:
                raise NotRecordable("conditions in Python code change too often")

    def _known(self, run: Any, epoch: Epoch) -> Known:
        """Return the program for the next batch, recorded if it is new."""
        networks = run.networks()
        if self._settled is None:
            self._key = self._settings(run)
        count = min(epoch.size, epoch.data.n - run.cursor)
        key = count, *self._kinds(run, networks), self._key
        if key not in self._programs:
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            self._programs[key] = Known(_recorded(networks[0], epoch, run.cursor, count), count)
        return self._programs[key]

    def _kinds(self, run: Any, networks: list[Network]) -> tuple[Any, ...]:
        """Return which hyperparameters are schedules, and whether there are penalties."""
        kinds = {tuple(map(callable, own.optimizer.hyperparameters.values())) for own in networks}
        if len(kinds) > 1:
            raise NotRecordable("a hyperparameter is a schedule in some of the networks only")
        penalties = run.objective.penalty, run.objective.l1_penalty
        return *kinds, *(bool(penalty.strength) for penalty in penalties)

    def _ready(self, part: Part) -> list[Known]:
        """Return the programs of the rest of an epoch, or none if one is new or takes new numbers.

        Only for settings that nobody can change within the epoch.
        """
        run, epoch = part.run, part.epoch
        if self._settled is None or (run.watched is not None and not run.watched.complete):
            return []
        kinds = self._kinds(run, part.networks)
        full, rest = divmod(epoch.data.n - run.cursor, epoch.size)
        programs = []
        for count in [epoch.size] * bool(full) + [rest] * bool(rest):
            known = self._programs.get((count, *kinds, self._key))
            if known is None or known.compared < COMPARED or not known.runner.constant:
                return []
            programs.append(known)
        return [] if any(map(callable, run.optimizer.hyperparameters.values())) else programs


def _recorded(network: Network, epoch: Epoch, cursor: int, count: int) -> Runner:
    """Return the program of a step on a batch of so many rows."""
    rows, sets, order = epoch.data.train, epoch.data.sets, epoch.order
    own = order if order is None or order.ndim == 1 else order[0]
    part: Any = slice(cursor, cursor + count) if own is None else own[cursor : cursor + count]
    arrays = [None if a is None else a if sets is None else a[sets[0]] for a in rows]
    X, t, w = (None if a is None else a[part] for a in arrays)
    assert X is not None
    assert t is not None
    other = X[::-1], t[::-1], None if w is None else w[::-1]
    ours = is_ours(network.objective, network.optimizer)
    targets, own = None if ours else arrays[1], network[:2]
    key = structure(*own, (X, t, w)) if ours and epoch.frozen is None else None
    recorded = partial(record, *own, (X, t, w), other, targets)
    try:
        return runner_of(key, recorded, network.objective.vector.value.dtype, count)
    except NotRecordable:
        raise
    except Exception as error:  # of custom code; eager gives it, if it is not of the recording
        raise NotRecordable(f"recording a step raises {type(error).__name__}: {error}") from error
