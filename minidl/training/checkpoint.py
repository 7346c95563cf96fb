"""Save and load runs: a model's file that also says where the run was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError
from minidl.keywords import answers
from minidl.optim.attributes import pack, unpack
from minidl.streams import stream
from minidl.training.callbacks import Callback
from minidl.training.history import History
from minidl.training.model_file import below, check_model, check_order, read, restore_model, write
from minidl.training.settings import check_settings, take_over_changes
from minidl.training.trainer import Trainer

NUMBERS = ("epoch", "samples", "cursor", "running_total", "seconds", "seed", "schedule_epochs")
OLDER = {  # what older files do not say
    "cursor": 0, "running_total": 0.0, "callbacks": (), "unrecorded": None, "dropout": None,
    "started_with": {}, "waiting": ([], []), "digest": None, "schedule_epochs": None,
}  # fmt: skip


@answers
def save_run(trainer: Trainer, path: str | Path) -> None:
    """Save a run, so that :func:`load_run` can continue it.

    The file holds the model, the state of the optimizer and of all callbacks (also those given to
    the last ``fit``), the history, the settings, and the number of epochs and rows that the run has
    seen, also in the middle of an interrupted epoch.

    Raises
    ------
    DataError
        The ``state_dict`` of a callback holds something other than numbers, text, arrays and
        containers of these.
    """
    check_order(trainer, Trainer, path)
    words = trainer.optimizer.state_dict()
    arrays = {f"state/{name}": vector for name, vector in words.pop("state").items()}
    arrays["run/stored"] = trainer.stored_vector()
    words |= {name: getattr(trainer, name) for name in NUMBERS}
    words |= {"history": trainer.history.to_dict(), "started_with": trainer.started_with}
    words |= {
        "settings": check_settings(trainer),
        "digest": trainer.digest,
        "waiting": trainer.hooks.place(),
    }
    words["callbacks"] = _states(trainer, arrays)
    if trainer.unrecorded is not None:
        words["unrecorded"] = trainer.unrecorded.tolist()
    if trainer.cursor and trainer._generators:
        words["dropout"] = trainer._generators[trainer.seed].bit_generator.state
    if trainer.good is not None and (trainer.cursor or trainer.recorded < trainer.epoch):
        arrays |= {"run/good": trainer.good, "run/gradient": trainer.objective.vector.grad}
        arrays |= {f"good/{name}": array for name, array in trainer.good_buffers.items()}
    arrays["run/words"] = np.array(json.dumps(words, default=lambda number: number.item()))
    write(path, trainer.model, arrays)


def _states(trainer: Trainer, arrays: dict[str, Array]) -> list[tuple[str, Any]]:
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
def load_run(trainer: Trainer, path: str | Path) -> None:
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
        The file does not exist or does not hold a run.
    ArgumentError
        The optimizer is of another class, or the seed differs.
    ShapeError
        The model has other parameters or buffers.
    """
    check_order(trainer, Trainer, path)
    arrays = read(path)
    if "run/words" not in arrays:
        raise DataError(f"{path} holds a model without a run to continue")
    words = OLDER | json.loads(str(arrays["run/words"]))
    if words["seed"] != trainer.seed:
        received, expected = f"Trainer(seed={trainer.seed})", f"seed={words['seed']}"
        raise ArgumentError("the saved run has another seed", received=received, expected=expected)
    check_model(trainer.model, arrays, path)
    trainer.started_with = words["started_with"]
    take_over_changes(trainer, trainer.started_with, words.get("settings", {}))
    replaced = "optimizer.lr" in words.get("settings", {})  # a schedule by a number
    trainer.scheduled = trainer.scheduled or (words["schedule_epochs"] is not None and replaced)
    trainer.optimizer.load_state_dict({**words, "state": below("state/", arrays)})
    restore_model(trainer.model, arrays)
    numbers = {name: words[name] for name in NUMBERS}
    trainer.restore(numbers, History.from_dict(words["history"]), arrays["run/stored"])
    _restore_epoch(trainer, words, arrays)
    trainer.digest = words["digest"]
    states = []
    for k, (name, state) in enumerate(words["callbacks"]):
        of_older_file = "settings" not in words
        own = state | below(f"callback/{k}/", arrays) if of_older_file else unpack(state, arrays)
        states.append((name, own))
    trainer.hooks.restore(words["waiting"], states)


def _restore_epoch(trainer: Trainer, words: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Restore what is known of an epoch that was interrupted."""
    losses, drawn = words["unrecorded"], words["dropout"]
    trainer.unrecorded = None if losses is None else np.array(losses)
    if "run/gradient" in arrays:
        trainer.objective.vector.grad[...] = arrays["run/gradient"]
    trainer.good, trainer.good_buffers = arrays.get("run/good"), below("good/", arrays)
    trainer._generators = None
    if drawn is not None:
        generator = stream(trainer.seed, "dropout", trainer.epoch + 1)
        generator.bit_generator.state = drawn
        trainer._generators = {trainer.seed: generator}


class Checkpoint(Callback):
    """Save the run to a file every few epochs, and at the end.

    The file holds the latest state; see :func:`load_run` and :func:`load_model`. The position in
    the list of callbacks does not matter: callbacks after it see the saved epoch when the run is
    continued.
    """

    _checks: ClassVar = {"every": partial(check_count, "every")}

    def __init__(self, path: str | Path, *, every: int = 1) -> None:
        self.path = Path(path)
        self.every = every

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: path and frequency are settings of the new checkpoint."""
        return {}

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Save every few epochs."""
        if trainer.epoch % self.every == 0:
            save_run(trainer, self.path)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Save the last state, unless an error or Ctrl-C has ended the run."""
        if trainer.history.stopped_by not in (None, "interrupted"):
            save_run(trainer, self.path)
