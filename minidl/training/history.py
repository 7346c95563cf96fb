"""What happened, epoch by epoch: columns of numbers, JSON and CSV out and in."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, UnknownNameError

__all__ = ["History"]

COUNTS = ("epoch", "updates", "gradient_evaluations", "samples")


class History:
    """The record of a run: one row per measured epoch, the first being epoch 0, before training.

    ``history["train_loss"]`` is an array over rows. The columns are

    - ``epoch``, ``updates``, ``gradient_evaluations``, ``samples``: counts since the start;
    - ``seconds``: time spent on updates since the start, without measuring;
    - ``train_loss``: the loss of ONE set of weights, those after the epoch, on all training rows;
    - ``running_loss``: the mean over the epoch's batches, while the weights moved. This is what
      Keras and scikit-learn call the loss; nan at epoch 0;
    - ``gradient_norm``: of the epoch's last batch; nan at epoch 0;
    - ``look_ahead_loss``, with ``look_ahead=True``: as ``train_loss``, but of the point at which
      the next gradient is asked for: the iterate less m v with both forms of NAG, and the iterate
      itself with gradient descent and momentum;
    - ``train_accuracy``, ``validation_loss``, ``validation_accuracy``: where they make sense.

    Attributes
    ----------
    stopped_by : str or None
        ``"epochs"``, ``"target"``, ``"early stopping"``, ``"diverged"``, ``"interrupted"`` or what
        a callback said; None while running.
    diverged_at : int or None
        The epoch in which the loss stopped being finite or exceeded 10^4 times its first value.
    advice : str
        What to do about a divergence, otherwise empty.

    Examples
    --------
    >>> history = History()
    >>> history.append({"epoch": 0, "train_loss": 0.7})
    >>> history.append({"epoch": 1, "train_loss": 0.4})
    >>> history["train_loss"]
    array([0.7, 0.4])
    >>> history.epochs_to(loss=0.5)
    1
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {}
        self.stopped_by: str | None = None
        self.diverged_at: int | None = None
        self.advice = ""

    def append(self, record: Mapping[str, float]) -> None:
        """Add a row; it must have the columns of the first.

        Raises
        ------
        ArgumentError
            The columns differ.
        """
        if self._columns and record.keys() != self._columns.keys():
            raise ArgumentError(
                "a row has other columns than the history",
                received=", ".join(record),
                expected=", ".join(self._columns),
            )
        for name, value in record.items():
            self._columns.setdefault(name, []).append(value)

    def extend(self, columns: Mapping[str, Sequence[float]]) -> None:
        """Add rows, given as columns of one length; their names must be those of the history.

        Raises
        ------
        ArgumentError
            The columns differ.
        """
        if self._columns and columns and columns.keys() != self._columns.keys():
            raise ArgumentError(
                "rows have other columns than the history",
                received=", ".join(columns),
                expected=", ".join(self._columns),
            )
        for name, values in columns.items():
            number = int if name in COUNTS else float
            self._columns.setdefault(name, []).extend(map(number, values))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    @property
    def diverged(self) -> bool:
        """Whether the run diverged."""
        return self.diverged_at is not None

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), []))

    def __getitem__(self, name: str) -> Array:
        if name not in self._columns:
            raise UnknownNameError("column", name, self._columns)
        return np.array(self._columns[name], dtype=np.int64 if name in COUNTS else np.float64)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[dict[str, float]]:
        return (self.row(i) for i in range(len(self)))

    def row(self, position: int) -> dict[str, float]:
        """Return one row as a dict; -1 is the last."""
        return {name: values[position] for name, values in self._columns.items()}

    def entry(self, name: str, position: int) -> float:
        """Return one entry of a column, without the rest of its row; -1 is the last.

        Examples
        --------
        >>> history = History()
        >>> history.append({"epoch": 0, "train_loss": 0.7})
        >>> history.entry("train_loss", -1)
        0.7
        """
        return self._columns[name][position]

    def best(self, name: str = "train_loss") -> tuple[int, float]:
        """Return the epoch and the value of the smallest entry (the largest, for an accuracy)."""
        values = self[name]
        if np.all(np.isnan(values)):
            raise DataError(f"column {name!r} has no value yet")
        at = int(np.nanargmax(values) if "accuracy" in name else np.nanargmin(values))
        return int(self["epoch"][at]), float(values[at])

    def epochs_to(
        self,
        loss: float | None = None,
        *,
        accuracy: float | None = None,
        on: str = "train",
        sustained: int = 1,
    ) -> int | None:
        """Return the first epoch at which a target holds, or None if it never does.

        Parameters
        ----------
        loss, accuracy : float
            One of them: a loss to be reached or undercut, an accuracy to be reached or exceeded.
        on : {"train", "validation"}, default "train"
            Which rows are judged.
        sustained : int, default 1
            For how many rows in a row it must hold, counted from the epoch that is returned.
        """
        if (loss is None) == (accuracy is None):
            raise ArgumentError("a target is a loss or an accuracy, one of the two")
        check_count("sustained", sustained)
        if loss is not None:
            holds = self[f"{on}_loss"] <= loss
        else:
            holds = self[f"{on}_accuracy"] >= accuracy
        for i in range(len(holds) - sustained + 1):
            if holds[i : i + sustained].all():
                return int(self["epoch"][i])
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; numbers that are not finite become None, as JSON has none."""
        return {
            "stopped_by": self.stopped_by,
            "diverged_at": self.diverged_at,
            "advice": self.advice,
            "columns": {
                name: [v if math.isfinite(v) else None for v in map(_plain, values)]
                for name, values in self._columns.items()
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Return the history that :meth:`to_dict` described; None becomes nan."""
        history = cls()
        try:
            history.stopped_by = data["stopped_by"]
            history.diverged_at = data["diverged_at"]
            history.advice = data["advice"]
            for name, values in data["columns"].items():
                history._columns[name] = [math.nan if v is None else v for v in values]
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError("this is not a saved history", received=repr(error)) from None
        return history

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the history as JSON, and write it to `path` if that is given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> History:
        """Return the history of a JSON file, or of a JSON text that begins with a brace."""
        is_text = isinstance(source, str) and source.lstrip().startswith("{")
        text = str(source) if is_text else Path(source).read_text(encoding="utf-8")
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise DataError("this is not JSON", received=str(error)) from None

    def to_csv(self, path: str | Path) -> None:
        """Write one line per row, with a header; numbers keep all their digits."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows([repr(_plain(v)) for v in row.values()] for row in self)

    @classmethod
    def from_csv(cls, path: str | Path) -> History:
        """Return the columns of a CSV file; why the run stopped is not in it."""
        history = cls()
        with Path(path).open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file)):
                try:
                    history.append({k: int(v) if k in COUNTS else float(v) for k, v in row.items()})
                except (TypeError, ValueError) as error:
                    raise DataError(f"{path}, row {number}: {error}") from None
        return history

    def __repr__(self) -> str:
        if not len(self):
            return "History(empty)"
        last = self.row(-1)
        loss = f", train_loss={last['train_loss']:.6g}" if "train_loss" in last else ""
        return f"History(epoch={last.get('epoch')}{loss}, stopped_by={self.stopped_by!r})"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
