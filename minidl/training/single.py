"""The run of one network: how its history grows, and how it ends after a divergence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from minidl.autograd import Array
from minidl.nn import Layer
from minidl.training.checks import too_large
from minidl.training.data import Data
from minidl.training.engine_choice import engine_words
from minidl.training.history import History
from minidl.training.loop import Row, Run


class SingleRun(Run):
    """The training loop's state for one network; a Trainer adds checks, callbacks and fit."""

    seed: int  # of dropout and of the order of rows
    schedule: str | None  # the name of a schedule of the learning rate
    schedule_epochs: int | None = None  # its length, by default that of the first fit
    scheduled: bool = False  # whether the optimizer has it
    fitting: bool = False  # whether fit is running
    same_rows: bool = True  # in all calls of fit
    _other_rows: bool = False  # than in the calls before
    digest: int | None = None  # of the rows
    untrained: str = ""  # which part got no gradient in the first epoch
    _told: str = ""  # what has been told of it

    @property
    def model(self) -> Layer:
        """The model."""
        return self.objective.model

    @property
    def engine_used(self) -> str:
        """The engine that has taken the steps, its instruction set, or why it is the eager one."""
        return engine_words(self.engine, self.compiled.account)

    def note_rows(self, digest: int) -> None:
        """Note whether these are the rows of earlier calls: only then can losses be compared."""
        self._other_rows = self.recorded >= 0 and self.digest not in (None, digest)
        self.same_rows = self.same_rows and not self._other_rows
        self.digest = digest

    def stop_diverged(self, losses: Array, data: Data) -> Array:
        """Stop if the loss is not finite or too large: end the run with the last good weights."""
        of_zeros = partial(self.objective.of_zeros, *data.train)
        diverged = too_large(losses, self.history.entry("train_loss", 0), of_zeros)
        if diverged[0]:
            self.diverge(float(losses[0]))
        return ~diverged

    def diverge(self, loss: float) -> None:
        """End the run with the last good weights and without velocity, and give advice."""
        if self.good is not None:
            self.objective.vector.set(self.good)
            self.model.set_buffers(self.good_buffers)
        self.unrecorded, self.stop_reason = None, "diverged"
        self.history.tell_divergence(repr(self.optimizer), self.epoch, loss)
        if kept := self.optimizer.forget():
            self.history.advice += f" The optimizer's {', '.join(kept)} could not be restored."

    def tell(self, network: int, problem: str) -> None:
        """Keep what :meth:`fit` warns of: that a part of the network does not train."""
        self.untrained = problem

    def record(self, row: Row, left: Array) -> Array:
        """Add a row to the history and show it to the callbacks."""
        self.history.append(row)
        self.recorded = self.epoch
        self.hooks.show(self, self.history)
        return left

    def restore(self, counts: Mapping[str, Any], history: History, stored: Array) -> None:
        """Take over a saved run; the model and the optimizer have been restored already."""
        vars(self).update(counts)
        self.history = history
        self.recorded = int(history.entry("epoch", -1)) if len(history) else -1
        self._stored = (stored.copy(), self.objective.vector.value.copy())
