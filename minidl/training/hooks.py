"""The callbacks of a run: which have been called in this epoch, and what each has saved."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

from minidl.checks import is_minidl
from minidl.errors import ArgumentError
from minidl.training.callbacks import Callback
from minidl.training.history import History
from minidl.training.interrupts import Interrupts
from minidl.training.stopping import EarlyStopping

States = list[tuple[str, dict[str, Any]]]  # the class and the state of callbacks


class Hooks:
    """The callbacks of a run, in the order in which their hooks run.

    After an interruption, only the hooks that have not run yet are called.
    """

    def __init__(self, interrupts: Interrupts, callbacks: Iterable[Callback] = ()) -> None:
        self.interrupts = interrupts
        self.callbacks = _each_once(list(callbacks))
        self.begun = 0  # how many have been told that the present epoch begins
        self.waiting: list[Callback] = []  # those that have not seen the last row
        self.states: States = []  # of a saved run, for callbacks that are not given yet
        self._waiting: tuple[int, list[int]] = 0, []  # in it: how many there were, and who waits

    def take(self, callbacks: Sequence[Callback]) -> None:
        """Take the callbacks of a call of fit instead of those of the last one."""
        before = set(map(id, self.callbacks))
        self.callbacks = _each_once(callbacks)
        self._hand_states([hook for hook in self.callbacks if id(hook) not in before])
        count, places = self._waiting
        if count == len(self.callbacks):
            self.waiting = [self.callbacks[place] for place in places]
        self._waiting = 0, []
        now = set(map(id, self.callbacks))
        self.waiting = [hook for hook in self.waiting if id(hook) in now]

    def begin_epoch(self, trainer: Any, epoch: int) -> None:
        """Call on_epoch_begin of the callbacks that have not seen this epoch begin."""
        while self.begun < len(self.callbacks):
            self.call(self.callbacks[self.begun].on_epoch_begin, trainer, epoch)
            self.begun += 1

    def show(self, trainer: Any, history: History) -> None:
        """Show the last row to all callbacks."""
        self.waiting = list(self.callbacks)
        self.show_waiting(trainer, history)

    def show_waiting(self, trainer: Any, history: History) -> None:
        """Show the last row to the callbacks that have not seen it."""
        while self.waiting:  # removed first: one that raises has seen it
            hook = self.waiting.pop(0)
            self.call(hook.on_epoch_end, trainer, MappingProxyType(history.row(-1)))

    def call(self, hook: Callable[..., object], *arguments: object) -> None:
        """Call a hook; Ctrl-C does not wait for custom callbacks."""
        if is_minidl(getattr(hook, "__self__", None)):
            hook(*arguments)
        else:
            self.interrupts.run(hook, *arguments)

    def place(self) -> tuple[int, int, list[int]]:
        """Return how many callbacks there are, how many began the epoch, and which await a row."""
        return len(self.callbacks), self.begun, [self.callbacks.index(h) for h in self.waiting]

    def restore(self, place: tuple[int, int, list[int]], states: States) -> None:
        """Take over the place and the states of a saved run."""
        count, self.begun, waiting = place
        self._waiting, self.states, self.waiting = (count, waiting), states, []
        self._hand_states(self.callbacks)

    def _hand_states(self, callbacks: Sequence[Callback]) -> None:
        """Give callbacks the saved states of the same class, in order."""
        for hook in callbacks:
            saved = (pair for pair in self.states if pair[0] == type(hook).__name__)
            if (pair := next(saved, None)) is not None:
                self.states = [other for other in self.states if other is not pair]
                if pair[1]:
                    hook.load_state_dict(pair[1])


def _each_once(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks as a list; one that occurs twice is an error."""
    if len(set(map(id, callbacks))) < len(callbacks):
        problem, hint = "a callback is given twice", "Give it to the Trainer or to fit()."
        raise ArgumentError(problem, argument="callbacks", hint=hint)
    return list(callbacks)


def end_fit(trainer: Any, callbacks: Sequence[Callback]) -> None:
    """Give the model its best weights, if a callback keeps them, then call each on_fit_end."""
    rules = [hook for hook in callbacks if isinstance(hook, EarlyStopping) and hook.keeps_weights]
    if rules:
        min(rules, key=lambda rule: not rule.has_stopped).restore(trainer)
    else:
        trainer.history.advise_if_worse(repr(trainer.optimizer))
    with contextlib.ExitStack() as stack:  # which calls all, also if one raises
        for hook in reversed(callbacks):
            stack.callback(trainer.hooks.call, hook.on_fit_end, trainer)
