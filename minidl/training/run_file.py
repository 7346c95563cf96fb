"""Save and load runs: a model's file that also says where the run was."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.errors import ArgumentError, DataError
from minidl.keywords import answers
from minidl.optim import FunctionRestart, Optimizer
from minidl.optim.attributes import pack, unpack
from minidl.optim.base import BASE
from minidl.training.compiled import Compiled
from minidl.training.engine_choice import check_instructions
from minidl.training.history import History
from minidl.training.history_files import ENDING
from minidl.training.hooks import States
from minidl.training.model_file import (
    Arrays,
    Saved,
    below,
    check_extra,
    check_model,
    check_order,
    read,
    restore_model,
    write,
)
from minidl.training.run_form import (
    check_arrays,
    copied,
    generator_of,
    history_of,
    misfit_of_custom,
    states_of,
    words_of,
    wrong_state,
)
from minidl.training.settings import check_settings, take_over_changes
from minidl.training.single import SingleRun
from minidl.training.stopping import EarlyStopping
from minidl.training.unchanged import all_or_nothing

NUMBERS = ("epoch", "samples", "cursor", "running_total", "seconds", "seed", "schedule_epochs")


@answers
def save_run(
    trainer: SingleRun, path: str | Path, extra: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Save a run, so that :func:`load_run` can continue it.

    The file holds the model, the state of the optimizer and of all callbacks (also those given to
    the last ``fit``), the history, the settings, and the number of epochs and rows that the run has
    seen, also in the middle of an interrupted epoch. `extra` holds further arrays of numbers or
    text, which :func:`load_extra` returns.

    Raises
    ------
    DataError
        The ``state_dict`` of a callback holds something other than numbers, text, arrays and
        containers of these; or weights, buffers or the optimizer's state are not finite.
    """
    check_order(trainer, SingleRun, path)
    words = trainer.optimizer.state_dict()
    state = words.pop("state")
    if problem := wrong_state(trainer.optimizer, state):
        hint = "Train with a smaller learning rate. The file is as it was."
        raise DataError(f"the run is not saved to {path}: {problem}", hint=hint)
    arrays = check_extra(extra) | {f"state/{name}": vector for name, vector in state.items()}
    arrays["run/stored"] = trainer.stored_vector()
    words |= {name: getattr(trainer, name) for name in NUMBERS}
    history = trainer.history
    arrays |= {f"history/{name}": column for name, column in history.arrays().items()}
    words |= {"columns": history.columns, "ending": {n: getattr(history, n) for n in ENDING}}
    words |= {"started_with": trainer.started_with, "settings": check_settings(trainer)}
    words |= {"digest": trainer.digest, "waiting": trainer.hooks.place()}
    words |= {"loss": type(trainer.objective.loss).__name__, "unrecorded": None, "dropout": None}
    words |= {
        "callbacks": _states(trainer, arrays),
        "engine": vars(trainer.compiled.account),
    }
    if trainer.unrecorded is not None:
        words["unrecorded"] = trainer.unrecorded.tolist()
    if trainer.cursor and trainer._generators:
        words["dropout"] = trainer._generators[trainer.seed].bit_generator.state
    if trainer.good is not None and (trainer.cursor or trainer.recorded < trainer.epoch):
        arrays |= {"run/good": trainer.good, "run/gradient": trainer.objective.vector.grad}
        arrays |= {f"good/{name}": array for name, array in trainer.good_buffers.items()}
    arrays["run/words"] = np.array(json.dumps(words, default=lambda number: number.item()))
    write(path, trainer.model, arrays, "run")


def _states(trainer: SingleRun, arrays: dict[str, Array]) -> list[tuple[str, Any]]:
    """Return the class and the state of each callback; add its arrays to `arrays`."""
    hooks = trainer.hooks
    states = [(type(hook).__name__, hooks.state_of(hook)) for hook in hooks.callbacks]
    packed = []
    for k, (name, state) in enumerate([*states, *hooks.states]):
        try:
            packed.append((name, pack(dict(state), f"callback/{k}", arrays)))
        except TypeError as error:
            raise DataError(f"the state of a callback cannot be saved: {name}, {error}") from None
    return packed


@answers
def load_run(trainer: SingleRun, path: str | Path) -> None:
    """Restore a saved run into a Trainer made with the same arguments, so that ``fit`` continues.

    The continued run equals, bit for bit, one that never stopped. A setting that changed during the
    saved run, such as a learning rate lowered by a callback, is restored. But a setting in which
    this Trainer differs from the start of the saved run was changed on purpose and is kept:
    learning rate, momentum, batch size, penalty, and settings of layers. The Trainer's callbacks
    and those of the next ``fit`` receive the states of the saved callbacks of the same class, in
    order.

    Raises
    ------
    DataError
        The file does not exist, does not hold a run, or is damaged.
    ArgumentError
        The optimizer, the loss or a layer is of another class, or the seed differs.
    ShapeError, DTypeError
        The model has other parameters or buffers, or another dtype.

    After any of these errors, the Trainer is as it was.
    """
    check_order(trainer, SingleRun, path)
    saved = read(path, "a saved run")
    if "run/words" not in saved.arrays:
        raise DataError(f"{path} holds a model without a run to continue")
    try:
        words = words_of(saved)
        check_arrays(saved, words, _numbers(trainer.optimizer))
        history, states = history_of(saved, words), states_of(saved, words)
        generator = generator_of(words)
    except Exception as error:  # of whatever the file holds
        raise saved.damaged(error) from error
    received, expected = f"Trainer(seed={trainer.seed})", f"seed={words['seed']}"
    if words["seed"] != trainer.seed:
        raise ArgumentError("the saved run has another seed", received=received, expected=expected)
    loss = type(trainer.objective.loss).__name__
    if words["loss"] not in (None, loss):
        message = "the saved run has another loss"
        raise ArgumentError(message, received=loss, expected=f"{words['loss']}, as in {path}")
    check_model(trainer.model, saved)
    with all_or_nothing(trainer):
        _restore(trainer, saved, words, (history, generator, states))
    check_instructions(trainer)


def _restore(
    trainer: SingleRun,
    saved: Saved,
    words: Mapping[str, Any],
    made: tuple[History, np.random.Generator | None, States],
) -> None:
    """Give a Trainer what a file holds, and what was made of it."""
    arrays, (history, generator, states) = saved.arrays, made
    state: dict[str, Any] = {**words, "state": below("state/", arrays)}
    with _blaming(saved):
        _check_attributes(trainer.optimizer, words["attributes"], state["state"])
        trainer.started_with = dict(words["started_with"])
        take_over_changes(trainer, trainer.started_with, words["settings"])
        replaced = "optimizer.lr" in words["settings"]  # a schedule by a number
        named = words["schedule_epochs"] is not None
        trainer.scheduled = trainer.scheduled or (named and replaced)
    fresh = copied(trainer.optimizer)
    trainer.optimizer.load_state_dict(state)  # an ArgumentError if it is that of another one
    with _blaming(saved):
        if problem := wrong_state(trainer.optimizer, below("state/", arrays)):
            raise ValueError(problem)
        if problem := misfit_of_custom(trainer.optimizer, fresh, saved.value):
            raise ValueError(problem)
        restore_model(trainer.model, saved)
        counts = {name: words[name] for name in NUMBERS}
        trainer.restore(counts, history, arrays["run/stored"])
        losses = words["unrecorded"]
        trainer.unrecorded = None if losses is None else np.array(losses)
        if "run/gradient" in arrays:
            trainer.objective.vector.grad[...] = arrays["run/gradient"]
        trainer.good, trainer.good_buffers = arrays.get("run/good"), below("good/", arrays)
        trainer._generators = None if generator is None else {trainer.seed: generator}
        trainer.digest, trainer.compiled = words["digest"], Compiled(words.get("engine"))
        trainer.hooks.restore(words["waiting"], states)
        for hook in trainer.hooks.callbacks:
            if isinstance(hook, EarlyStopping):
                hook.check_fits(trainer)


def _numbers(optimizer: Optimizer) -> set[str]:
    """Return the names of state of one number, of this optimizer and of restarts."""
    own = {name for part in optimizer.chain() for name in getattr(part, "own_names", ())}
    return own.union(FunctionRestart.own_names)


def _check_attributes(optimizer: Optimizer, packed: Mapping[str, Any], arrays: Arrays) -> None:
    """Raise a ValueError if the state of an optimizer would replace a method, or is incomplete."""
    for name, value in packed.items():
        unpack(value, arrays)
        taken = name in BASE or name in optimizer.hyperparameters
        if taken or callable(getattr(type(optimizer), name, None)):
            raise ValueError(f"{name} is no state of {type(optimizer).__name__}")


@contextlib.contextmanager
def _blaming(saved: Saved) -> Iterator[None]:
    """Turn any error into one that names the file."""
    try:
        yield
    except Exception as error:  # of whatever a setting or a callback is given
        raise saved.damaged(error) from error
