"""The callbacks of a run: which have been called in this epoch, and what each has saved."""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

from minidl.checks import is_minidl
from minidl.errors import ArgumentError, shown
from minidl.optim.attributes import Snapshot, changed, snapshot
from minidl.training.callbacks import Callback, check_paths
from minidl.training.history import History
from minidl.training.interrupts import Interrupts
from minidl.training.stopping import EarlyStopping

Name = tuple[str, int]
States = list[tuple[str, dict[str, Any]]]  # the class and the state of callbacks


class Hooks:
    """The callbacks of a run, in the order in which their hooks run.

    After an interruption, only the hooks that have not run yet are called. A saved run identifies a
    callback by its class and its number among those of the class.
    """

    def __init__(self, interrupts: Interrupts, callbacks: Iterable[Callback] = ()) -> None:
        self.interrupts = interrupts
        self.callbacks = _each_once(list(callbacks))
        self.begun: list[Callback] = []  # after on_epoch_begin of this epoch
        self.waiting: list[Callback] = []  # those that have not seen the last row
        self.states: States = []  # of a saved run, for callbacks that are not given yet
        self._saved: tuple[list[Name], list[Name]] = [], []  # in it, `begun` and `waiting`
        self._attributes: dict[int, Snapshot] = {}  # of each callback when it was given, by its id
        self._note_attributes()

    def take(self, callbacks: Sequence[Callback]) -> None:
        """Take the callbacks of a call of fit instead of those of the last one."""
        before = set(map(id, self.callbacks))
        self.callbacks = _each_once(callbacks)
        self._note_attributes()
        self._hand_states([hook for hook in self.callbacks if id(hook) not in before])
        self.states = []  # whoever is given later is a new callback
        names = _names(self.callbacks)
        for hooks, saved in zip((self.begun, self.waiting), self._saved, strict=True):
            present = [h for h, name in zip(self.callbacks, names, strict=True) if name in saved]
            hooks[:] = [hook for hook in hooks if any(hook is h for h in self.callbacks)] + present
        self._saved = [], []

    def _note_attributes(self) -> None:
        for hook in self.callbacks:
            self._attributes.setdefault(id(hook), snapshot(vars(hook)))

    def state_of(self, hook: Callback) -> dict[str, Any]:
        """Return the state of a callback to save: by default, what has changed since it was given.

        Its settings can thus be changed on purpose. A warning names what cannot be saved.
        """
        state, before = hook.state_dict(), self._attributes.get(id(hook))
        if type(hook).state_dict is not Callback.state_dict or before is None:
            return state
        names = changed(vars(hook), before)
        inner = [name for name, value in vars(hook).items() if isinstance(value, Callback)]
        if unsaved := [n for n in names if n not in state and n not in hook.not_state]:
            cls = type(hook).__name__
            words = f"{', '.join(f'{cls}.{name}' for name in unsaved)} cannot be saved, so a run"
            words += (
                " that continues from the file loses it. Write state_dict, or list it in not_state."
            )
            warnings.warn(words, stacklevel=5)
        return {name: value for name, value in state.items() if name in (*names, *inner)}

    def begin_epoch(self, trainer: Any, epoch: int) -> None:
        """Call on_epoch_begin of the callbacks that have not seen this epoch begin."""
        for hook in self.callbacks:
            if not any(hook is begun for begun in self.begun):
                self.call(hook.on_epoch_begin, trainer, epoch)
                self.begun.append(hook)

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
            return
        returned = self.interrupts.run(hook, *arguments)
        if returned is not None and returned is not False:  # of `condition and trainer.stop(...)`
            owner = type(getattr(hook, "__self__", None)).__name__
            problem = f"a hook of {owner} must return nothing"
            hint = 'trainer.stop("why") ends the run; a hook with yield does nothing.'
            raise ArgumentError(problem, received=shown(returned), hint=hint)

    def place(self) -> tuple[list[Name], list[Name]]:
        """Return the names of the callbacks that began the epoch, and of those awaiting a row."""
        names = dict(zip(map(id, self.callbacks), _names(self.callbacks), strict=True))
        return [names[id(h)] for h in self.begun], [names[id(h)] for h in self.waiting]

    def restore(self, place: Sequence[Sequence[Sequence[Any]]], states: States) -> None:
        """Take over what :meth:`place` returned, and the states, of a saved run."""
        begun, waiting = ([(cls, number) for cls, number in names] for names in place)
        self._saved, self.states, self.begun, self.waiting = (begun, waiting), states, [], []
        self._hand_states(self.callbacks)

    def _hand_states(self, callbacks: Sequence[Callback]) -> None:
        """Give callbacks the saved states of the same class, in order."""
        for hook in callbacks:
            saved = (pair for pair in self.states if pair[0] == type(hook).__name__)
            if (pair := next(saved, None)) is not None:
                self.states = [state for state in self.states if state is not pair]
                if pair[1]:
                    hook.load_state_dict(pair[1])


def _names(callbacks: Sequence[Callback]) -> list[Name]:
    """Return for each callback its class and its number among those of the class."""
    classes = [type(hook).__name__ for hook in callbacks]
    return [(cls, classes[:k].count(cls)) for k, cls in enumerate(classes)]


def _each_once(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks as a list; one that occurs twice is an error."""
    if len(set(map(id, callbacks))) < len(callbacks):
        problem, hint = "must not contain a callback twice", "Give it to the Trainer or to fit()."
        raise ArgumentError(problem, argument="callbacks", hint=hint)
    check_paths(callbacks)
    return list(callbacks)


def end_fit(trainer: Any, callbacks: Sequence[Callback]) -> None:
    """Give the model its best weights, if a callback keeps them, then call each on_fit_end."""
    rules = [hook for hook in callbacks if isinstance(hook, EarlyStopping) and hook.keeps_weights]
    if rules:
        min(rules, key=lambda rule: not rule.has_stopped).restore(trainer)
    elif trainer.same_rows:
        trainer.history.advise_if_worse(repr(trainer.optimizer))
    with contextlib.ExitStack() as stack:  # which calls all, also if one raises
        for hook in reversed(callbacks):
            stack.callback(trainer.hooks.call, hook.on_fit_end, trainer)
