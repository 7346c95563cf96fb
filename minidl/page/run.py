"""A training run as data for the page: words, a table, curves, pictures and the path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minidl.autograd import Array
from minidl.datasets import Dataset
from minidl.page.film import film
from minidl.page.frames import BUDGET
from minidl.page.words import at, look_of
from minidl.plots.style import looks_of
from minidl.text import in_words
from minidl.training import History, Trainer

CURVES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


def run(
    trainer: Trainer,
    data: Dataset,
    weights: Array,
    *,
    name: str,
    best: int,
    words: Mapping[str, Any],
    room: int = BUDGET,
) -> dict[str, Any]:
    """Return a run of a Trainer as JSON data for the page.

    Parameters
    ----------
    trainer : Trainer
        After ``fit``; its history has at least one row.
    data : Dataset
        What it was trained on.
    weights : array of shape (E + 1, P)
        The weights after each epoch, of :class:`minidl.training.WeightPath`.
    name : str
        What the optimizer is called.
    best : int
        The epoch at which the page opens.
    words : dict
        `headline`, `answer`, `context`, `cautions`, `tables` and `texts`, as those of
        :func:`minidl.page.race.race`.
    room : int
        Characters for the pictures.
    """
    history = trainer.history
    columns = [column for column in CURVES if column in history]
    shots = film(trainer.model, data, trainer.loss, {name: weights}, keep={best}, room=room)
    record = {
        "name": name,
        "look": look_of(looks_of([name])[name]),
        "setting": f"{trainer.optimizer!r}, batch size {trainer.batch_size}",
        "values": {column: at(history[column], shots["epochs"]) for column in columns},
        "bands": {},
        "arrived": None,
        "diverged": history.diverged_at,
    }
    end = int(history.entry("epoch", -1))
    about = {"kicker": f"minidl train: {data.name}", "budget": end, "open": best, "goal": None}
    about |= {
        "seed": f"The network after each epoch{_opened(history, best, end)}",
        "columns": [[c, in_words(c)] for c in columns],
    }
    return {**words, **shots, **about, "runs": [record]}


def _opened(history: History, best: int, end: int) -> str:
    """Return why the page opens at an epoch before the last one."""
    rows = "validation" if "validation_loss" in history else "training"
    why = f"; the slider starts at epoch {best}, which has the lowest {rows} loss"
    return why if best < end else ""
