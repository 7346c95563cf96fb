"""The compiled engine in the training loop: it takes the steps that it can, eager the others.

A step is recorded when it is first needed. The first steps on batches of each size are taken by
both engines and compared; the machine goes on alone only if they agree.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.engine import NotRecordable, Runner, plain_step, record, runner_of
from minidl.errors import ArgumentError
from minidl.training.compilable import against, check_state, is_ours, settings_of
from minidl.training.data import Rows
from minidl.training.engine_choice import TOO_OFTEN, EngineAccount, eager_steps, unable
from minidl.training.frozen import frozen_step
from minidl.training.machine_epoch import Whole
from minidl.training.machine_measure import Measuring
from minidl.training.machine_rows import Sources
from minidl.training.machine_steps import PROGRAMS, Eager, Epoch, Known, Network, Part
from minidl.training.measure import Objective
from minidl.training.orders import Orders
from minidl.training.structure import structure

COMPARED = 2  # steps on batches of each size that both engines take


class Compiled:
    """The programs of a run, and why there are none."""

    def __init__(self, account: Any = None) -> None:
        self.account = EngineAccount(**account or {})
        self._programs: dict[Any, list[Known]] = {}  # one for each way that conditions turn out
        self._key: Any = None
        self._settled: tuple[Objective, Any] | None = None
        self._numbers: dict[Any, int] = {}  # of settings that cannot change meanwhile
        self._sources = Sources()
        self.measuring = Measuring(self._sources, self.account.differs)
        self.orders = Orders()
        self.whole = Whole(self.orders)

    def __reduce__(self) -> Any:
        return Compiled, (vars(self.account),)  # without programs

    @property
    def reason(self) -> str:
        """Why the last steps were eager, or ""."""
        return self.account.reason

    @property
    def steps_taken(self) -> int:
        """How many steps of the run the machine has taken."""
        return self.account.steps

    def __enter__(self) -> None:
        """Begin a call of fit: forget what may have changed since the last one."""
        self._settled = None

    def __exit__(self, *_: object) -> None:
        """End a call of fit: its rows may be large, and the next one may have others."""
        for keeper in (self._sources, self.measuring, self.whole, self.orders):
            keeper.forget()
        for known in itertools.chain(*self._programs.values()):
            known.runner.forget()

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
        measured = self.measuring.measure(run, rows, sets, self._settings(run))
        self.account.differs = self.measuring.differs
        return measured

    def steps(self, run: Any, epoch: Epoch, eager: Eager) -> bool:
        """Take the steps of an epoch from the cursor on; return False if `eager` must take them."""
        account = self.account
        if account.final:
            return False
        account.reason = unable(run, epoch) or against(run, epoch)
        try:
            if not account.reason:
                self._key = self._settings(run)
                self._take(run, epoch, eager)
        except NotRecordable as why:
            account.give_up(str(why))
        if account.reason and run.engine == "compiled" and not account.steps:
            problem = "the compiled engine cannot train this run"
            hint = 'Use engine="auto", which then takes the eager engine.'
            raise ArgumentError(problem, received=account.reason, hint=hint)
        return not account.reason

    def _take(self, run: Any, epoch: Epoch, eager: Eager) -> None:
        n, single = epoch.data.n, run.objective.vector.value.ndim == 1
        if first := eager_steps(run):
            eager(run, epoch, first)
        check_state(run)
        if epoch.order is not None:
            epoch = epoch._replace(order=np.ascontiguousarray(epoch.order, np.int64))
        while run.cursor < n and not (single and not math.isfinite(run.running_total)):
            self._go_on(run, epoch, eager)
            if run.interrupts.pressed and run.cursor < n:
                run.interrupts.check()

    def _go_on(self, run: Any, epoch: Epoch, eager: Eager) -> None:
        """Take some steps.

        Which engine takes a step depends on the state of the run alone, and not on what happened
        before it was saved: so a run that is resumed has the same bits.
        """
        sources = self._sources.of(epoch.data.train, epoch.data.sets, run.objective)
        part = Part(run, epoch, sources)
        if taken := self.whole.take(part, self._ready(part)):
            self.account.note(taken)
            return
        branches = self._branches(run, epoch)
        watched = run.watched is not None and not run.watched.complete  # of eager steps
        first = branches[0] if branches and not watched else None
        if first is not None and first.compared >= COMPARED and part.advance(first):
            self.account.note(part.taken)
        elif self._step(part, branches, eager, watched):
            self.account.note(part.taken)
            branches.sort(key=lambda known: known not in part.used[:1])
        else:
            eager(run, epoch, 1)
            self.account.forced += 1
        if self.account.too_often:
            raise NotRecordable(TOO_OFTEN)

    def _step(self, part: Part, branches: list[Known], eager: Eager, watched: bool) -> bool:
        """Take a step with programs whose conditions hold, recorded if need be; or return False.

        It is compared with the eager step if one of the programs is new.
        """
        most = len(branches) + len(part.networks) + 1
        while True:
            compared = watched or any(known.compared < COMPARED for known in branches)
            if branches and (part.compare(branches, eager) if compared else part.step(branches)):
                return True
            if len(branches) >= most or self.account.too_often:
                return False
            try:
                branches.append(self._recorded(part))
            except NotRecordable:
                if not self.account.steps:  # else it is so in some steps only
                    raise
                return False

    def _branches(self, run: Any, epoch: Epoch) -> list[Known]:
        """Return the programs for the next batch, the last one that was used first."""
        if self._settled is None:
            self._key = self._settings(run)
        count = min(epoch.size, epoch.data.n - run.cursor)
        key = count, *self._kinds(run, epoch), self._key
        if key not in self._programs and len(self._programs) >= PROGRAMS:
            self._programs.clear()
        return self._programs.setdefault(key, [])

    def _kinds(self, run: Any, epoch: Epoch) -> tuple[Any, ...]:
        """Return which hyperparameters are schedules, what is frozen, and whether there is more."""
        kinds = {
            tuple(map(callable, own.optimizer.hyperparameters.values())) for own in run.networks()
        }
        if len(kinds) > 1:
            raise NotRecordable("a hyperparameter is a schedule in some of the networks only")
        penalties = [bool(p.strength) for p in (run.objective.penalty, run.objective.l1_penalty)]
        parts = () if epoch.frozen is None else epoch.frozen.parts
        frozen = tuple((part.start, part.stop) for part in parts)
        return *kinds, *penalties, frozen, bool(run._generators)

    def _ready(self, part: Part) -> list[Known]:
        """Return the programs of the rest of an epoch, or none if one is new or takes new numbers.

        Only for settings that nobody can change within the epoch.
        """
        run, epoch = part.run, part.epoch
        watched = run.watched is not None and not run.watched.complete
        if self._settled is None or watched or run.buffered or run._generators:
            return []
        if any(map(callable, run.optimizer.hyperparameters.values())):
            return []
        kinds, programs = self._kinds(run, epoch), []
        full, rest = divmod(epoch.data.n - run.cursor, epoch.size)
        for count in [epoch.size] * bool(full) + [rest] * bool(rest):
            branches = self._programs.get((count, *kinds, self._key), [])
            if len(branches) != 1 or branches[0].compared < COMPARED:
                return []
            if not branches[0].runner.constant:
                return []
            programs.append(branches[0])
        return programs

    def _recorded(self, part: Part) -> Known:
        """Return a program of the next step of the network that needs one."""
        network, epoch, cursor = part.networks[part.stuck], part.epoch, part.run.cursor
        count = min(epoch.size, epoch.data.n - cursor)
        arrays = part.arrays_of(network)
        counted = part.run.optimizer.step_count
        holds = partial(part.holds, network, count)
        runner = _recorded(network, epoch, (cursor, count, counted), arrays, holds)
        self.account.note_pattern(count, runner.program.tape.answers())
        return Known(runner, count)


def _recorded(
    network: Network,
    epoch: Epoch,
    place: tuple[int, int, int],
    begin: dict[str, Array],
    holds: Callable[[Runner], bool],
) -> Runner:
    """Return the program of a step: of the cursor, rows of the batch, and step count."""
    rows, sets, order = epoch.data.train, epoch.data.sets, epoch.order
    cursor, count, steps = place
    k = network.row or 0
    own = order if order is None or order.ndim == 1 else order[k]
    part: Any = slice(cursor, cursor + count) if own is None else own[cursor : cursor + count]
    arrays = [None if a is None else a if sets is None else a[sets[k]] for a in rows]
    X, t, w = (None if a is None else a[part] for a in arrays)
    assert X is not None
    assert t is not None
    other = X[::-1], t[::-1], None if w is None else w[::-1]
    take = plain_step if epoch.frozen is None else frozen_step
    ours = is_ours(network.objective, network.optimizer)
    targets, parts = None if ours else arrays[1], network[:2]
    key = structure(*parts, (X, t, w)) if ours and epoch.frozen is None else None
    given: dict[str, Any] = {"take": take, "begin": begin, "step_count": steps}
    recorded = partial(record, *parts, (X, t, w), other, targets, **given)
    try:
        return runner_of(key, recorded, network.objective.vector.value.dtype, count, holds)
    except NotRecordable:
        raise
    except Exception as error:  # of custom code; eager gives it, if it is not of the recording
        raise NotRecordable(f"recording a step raises {type(error).__name__}: {error}") from error
