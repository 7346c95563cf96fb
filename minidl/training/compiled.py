"""The compiled engine in the training loop: it takes the steps that it can, eager the others.

A step is recorded when it is first needed. The first steps on batches of each size are taken by
both engines and compared; the machine goes on alone only if they agree.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.engine import NotRecordable, Runner, record
from minidl.errors import ArgumentError
from minidl.training.compilable import against, check_state, is_ours, settings_of
from minidl.training.data import Data, Rows
from minidl.training.engine_choice import TOO_OFTEN, Answers, EngineAccount, eager_steps, unable
from minidl.training.machine_steps import Eager, Epoch, Known, Network, Part

COMPARED = 2  # steps on batches of each size that both engines take
PROGRAMS = 8  # at most, of one run; more are of settings that keep changing


class Compiled:
    """The programs of a run, and why there are none."""

    def __init__(self, account: Any = None) -> None:
        self.account = EngineAccount.from_dict(account) if account else EngineAccount()
        self._programs: dict[Any, Known] = {}
        self._key: Any = None
        self._sources: tuple[Rows, list[dict[str, Array]]] | None = None

    def __reduce__(self) -> Any:
        return Compiled, (self.account.to_dict(),)  # without programs

    @property
    def reason(self) -> str:
        """Why the last steps were eager, or ""."""
        return self.account.reason

    @property
    def steps_taken(self) -> int:
        """How many steps of the run the machine has taken."""
        return self.account.steps

    def steps(self, run: Any, epoch: Epoch, eager: Eager) -> bool:
        """Take the steps of an epoch from the cursor on; return False if `eager` must take them."""
        account = self.account
        if account.final:
            return False
        why = unable(run, epoch) or against(run, epoch)
        if why:
            account.reason = why
        else:
            try:
                self._key, account.reason = settings_of(run), ""
                self._take(run, epoch, eager)
                return True
            except NotRecordable as error:
                account.give_up(str(error))
        if run.engine == "compiled" and not account.steps:
            problem = "the compiled engine cannot train this run"
            hint = 'Use engine="auto", which then takes the eager engine.'
            raise ArgumentError(problem, received=account.reason, hint=hint)
        return False

    def _take(self, run: Any, epoch: Epoch, eager: Eager) -> None:
        n, single = epoch.data.n, run.objective.vector.value.ndim == 1
        if first := eager_steps(run):
            eager(run, epoch, first)
        check_state(run)
        if epoch.order is not None:
            epoch = epoch._replace(order=np.ascontiguousarray(epoch.order, np.int64))
        while run.cursor < n and not (single and not math.isfinite(run.running_total)):
            known = self._known(run, epoch)
            part = Part(run, epoch, self._arrays(run, epoch.data))
            watching = run.watched is not None and not run.watched.complete
            if known.compared < COMPARED or watching:  # which needs eager gradients
                done = part.compare(known, eager)
            else:
                done = part.advance(known)
            before = run.cursor
            try:
                if not done:
                    eager(run, epoch, 1)
            finally:  # an interruption comes after the step, an error before
                if done or run.cursor > before:
                    self.account.note(known.count, part.taken, done)
            if known.count not in self.account.answers:
                self._programs = {k: v for k, v in self._programs.items() if v is not known}
            if self.account.too_often:
                raise NotRecordable(TOO_OFTEN)
            if run.interrupts.pressed and run.cursor < n:
                run.interrupts.check()

    def _known(self, run: Any, epoch: Epoch) -> Known:
        """Return the program for the next batch, recorded if it is new."""
        networks = run.networks()
        kinds = {tuple(map(callable, own.optimizer.hyperparameters.values())) for own in networks}
        if len(kinds) > 1:
            raise NotRecordable("a hyperparameter is a schedule in some of the networks only")
        if not all(map(is_minidl, run.hooks.callbacks)):
            self._key = settings_of(run)
        count = min(epoch.size, epoch.data.n - run.cursor)
        penalties = run.objective.penalty, run.objective.l1_penalty
        key = (count, *kinds, *(bool(p.strength) for p in penalties), self._key)
        if key not in self._programs:
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            runner = _recorded(networks[0], epoch, run.cursor, count, self.account.answers)
            self._programs[key] = Known(runner, count)
        return self._programs[key]

    def _arrays(self, run: Any, data: Data) -> list[dict[str, Array]]:
        """Return the rows of each set as matrices of the model's dtype, made once."""
        rows, dtype = data.train, run.objective.vector.value.dtype
        if self._sources is None or self._sources[0] is not rows:
            places = [...] if data.sets is None else range(len(rows.X))
            made = []
            for place in places:
                own = [None if array is None else array[place] for array in rows]
                made.append(
                    {
                        name: np.ascontiguousarray(array.reshape(len(array), -1), dtype)
                        for name, array in zip(("X", "t", "weights"), own, strict=True)
                        if array is not None
                    }
                )
            self._sources = rows, made
        return self._sources[1]


def _recorded(
    network: Network, epoch: Epoch, cursor: int, count: int, answers: dict[int, Answers]
) -> Runner:
    """Return the program of a step on a batch of so many rows; keep how it answers conditions."""
    rows, sets, order = epoch.data.train, epoch.data.sets, epoch.order
    own = order if order is None or order.ndim == 1 else order[0]
    part: Any = slice(cursor, cursor + count) if own is None else own[cursor : cursor + count]
    arrays = [None if a is None else a if sets is None else a[sets[0]] for a in rows]
    X, t, w = (None if a is None else a[part] for a in arrays)
    assert X is not None
    assert t is not None
    other = X[::-1], t[::-1], None if w is None else w[::-1]
    try:
        targets = None if is_ours(network.objective, network.optimizer) else arrays[1]
        given = answers[count].given if count in answers else ()
        how: Any = {"targets": targets, "answers": given}
        tape = record(network.objective, network.optimizer, (X, t, w), other, **how)
    except NotRecordable:
        raise
    except Exception as error:  # of custom code; eager gives it, if it is not of the recording
        raise NotRecordable(f"recording a step raises {type(error).__name__}: {error}") from error
    answers.setdefault(count, Answers(tape.answers()))
    return Runner(tape, network.objective.vector.value.dtype, count)
