"""The display of a Trainer and a Replica: their settings, and how far they are."""

from typing import Any

from minidl.html import settings
from minidl.text import in_words
from minidl.training.epochs import LOSSES, number
from minidl.training.history import History

Rows = list[tuple[str, object]]


def progress(history: History) -> Rows:
    """Return the last epoch of a history and what was measured after it, by name.

    >>> history = History.from_columns({"epoch": [0, 1], "train_loss": [0.7, 0.4]})
    >>> progress(history)
    [('epoch', 1), ('training loss', '0.4000')]
    """
    if not len(history):
        return [("epoch", "0, not trained yet")]
    rows: Rows = [("epoch", history.entry("epoch", -1))]
    columns = [name for name in LOSSES if name in history]
    rows += [(in_words(name), number(history.entry(name, -1))) for name in columns]
    ended = history.stopped_by not in (None, "epochs")
    return [*rows, ("stopped by", history.stopped_by)] if ended else rows


def in_a_line(history: History) -> str:
    """Return :func:`progress` as text, such as "epoch 20, training loss 0.1234"."""
    return ", ".join(f"{name} {value}" for name, value in progress(history))


def trainer_settings(trainer: Any) -> str:
    """Return the settings of a Trainer, and how far it is, as a table."""
    model = trainer.model
    rows: Rows = [("model", f"{model!r}, {model.parameters.size} parameters")]
    rows += [("loss", repr(trainer.loss)), ("optimizer", repr(trainer.optimizer))]
    rows += [("batch size", trainer.batch_size), ("seed", trainer.seed)]
    penalties = {"l2": trainer.objective.penalty, "l1": trainer.objective.l1_penalty}
    rows += [(name, penalty.strength) for name, penalty in penalties.items() if penalty.strength]
    rows += [("class weight", trainer.class_weight)] * (trainer.class_weight is not None)
    rows += [("callbacks", ", ".join(map(repr, trainer.callbacks)))] * bool(trainer.callbacks)
    return settings([*rows, *progress(trainer.history)])
