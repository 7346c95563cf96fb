"""The record of a run, epoch by epoch, as columns; in and out as JSON and CSV."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import (
    ArgumentError,
    DataError,
    OutOfRangeError,
    UnknownNameError,
    invalid,
)
from minidl.files import atomic_write, check_path
from minidl.html import paragraph, preformatted, table
from minidl.keywords import answers
from minidl.training.epochs import epoch_rows
from minidl.training.history_files import (
    COUNTS,
    ENDING,
    as_count,
    check_counts,
    check_form,
    data_of_json,
    json_of,
    rows_of_csv,
)
from minidl.training.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Target = float | None  # one of two, the loss or the accuracy, is given


@answers
class History:
    """The record of a run: a row for each measured epoch, from epoch 0, before training.

    Epochs are numbered from 1; epoch 0 is the measurement before training. Only schedules count
    from 0, as in PyTorch: they are given the number of completed epochs, or of steps.

    ``history["train_loss"]`` is an array over rows. The columns are

    - ``epoch``, ``updates``, ``gradient_evaluations``, ``samples``: counts since the start;
    - ``seconds``: time spent on updates since the start, without measuring;
    - ``train_loss``: the loss on all training rows, with the weights after the epoch;
    - ``running_loss``: the mean over the epoch's batches, while the weights moved, which is what
      Keras and scikit-learn report; nan at epoch 0;
    - ``gradient_norm``: of the epoch's last batch; nan at epoch 0;
    - ``look_ahead_loss``, with ``look_ahead=True``: ``train_loss`` at the point where the next
      step evaluates its gradient: the iterate minus m v with both forms of NAG, otherwise the
      iterate itself;
    - ``train_accuracy`` for classes; ``validation_loss`` and ``validation_accuracy`` with
      validation rows. With sample weights, losses and accuracies are weighted means.

    Attributes
    ----------
    stopped_by : str or None
        ``"epochs"``, ``"target"``, ``"early stopping"``, ``"diverged"``, ``"interrupted"`` or the
        reason that a callback gave; None while running.
    diverged_at : int or None
        The epoch in which the loss was not finite or exceeded 10^4 times its first value (a first
        value below 0.001 counts as 0.001).
    advice : str
        What to do about a divergence, or about a loss that is higher at the end than at the start;
        otherwise empty.

    Examples
    --------
    >>> history = History.from_columns({"epoch": [0, 1], "train_loss": [0.7, 0.4]})
    >>> history["train_loss"]
    array([0.7, 0.4])
    >>> history.epochs_to(loss=0.5)
    1
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {}
        self._arrays: dict[str, Array] = {}  # of `arrays`, with room for further rows
        self._converted = 0  # how many rows they have
        self.stopped_by: str | None = None
        self.diverged_at: int | None = None
        self.advice = ""

    @classmethod
    @answers
    def from_columns(cls, columns: Mapping[str, Sequence[float] | Array]) -> Self:
        """Return a history with these columns: name -> list or 1-D array of equal lengths."""
        history = cls()
        history.extend(columns)
        return history

    @answers
    def append(self, record: Mapping[str, float]) -> None:
        """Add a row; other columns than those of the first raise :class:`ArgumentError`."""
        if self._columns and record.keys() != self._columns.keys():
            raise self._other_columns(record)
        row: dict[str, float] = {}
        for name, value in record.items():
            row[name] = as_count(name, value) if name in COUNTS else float(value)
        for name, value in row.items():
            self._columns.setdefault(name, []).append(value)

    @answers
    def extend(self, columns: Mapping[str, Sequence[float] | Array]) -> None:
        """Add rows, given as columns of one length; see :meth:`append`."""
        if not isinstance(columns, Mapping):
            raise invalid("columns", columns, "a dictionary of names and lists")
        if self._columns and columns and columns.keys() != self._columns.keys():
            raise self._other_columns(columns)
        added: dict[str, list[float]] = {}
        for name, values in columns.items():
            of = partial(as_count, name) if name in COUNTS else float
            added[name] = list(map(of, values))
        lengths = {name: len(values) for name, values in added.items()}
        if len(set(lengths.values())) > 1:
            raise ArgumentError("columns differ in length", received=lengths)
        for name, values in added.items():
            self._columns.setdefault(name, []).extend(values)

    def _other_columns(self, names: Iterable[str]) -> ArgumentError:
        received, expected = ", ".join(names), ", ".join(self._columns)
        message = "rows have other columns than the history"
        return ArgumentError(message, received=received, expected=expected)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    @property
    def diverged(self) -> bool:
        """Whether the run diverged."""
        return self.diverged_at is not None

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def __getitem__(self, name: str) -> Array:
        if isinstance(name, (int, slice)):
            raise invalid("column", name, "a name", "A row is history.row(-1).")
        if name not in self._columns:
            raise UnknownNameError("column", name, self._columns)
        return np.array(self._columns[name], dtype=np.int64 if name in COUNTS else np.float64)

    def arrays(self) -> dict[str, Array]:
        """Return all columns as arrays, not to be changed; only new rows take time."""
        n, done = len(self), self._converted
        for name, values in self._columns.items():
            kept = self._arrays.get(name)
            if kept is None or len(kept) < n:
                kept = np.empty(2 * n, np.int64 if name in COUNTS else np.float64)
                kept[:done] = self._arrays[name][:done] if done else 0
                self._arrays[name] = kept
            kept[done:n] = values[done:]
        self._converted = n
        return {name: self._arrays[name][:n] for name in self._columns}

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[Record]:
        return map(self.row, range(len(self)))

    @answers
    def row(self, position: int) -> Record:
        """Return a row; -1 is the last. A row that does not exist is an OutOfRangeError."""
        if not isinstance(position, int | np.integer):
            raise invalid("position", position, "an integer", 'A column is history["train_loss"].')
        if not -len(self) <= position < len(self):
            raise OutOfRangeError(f"there is no row {position}", received=f"{len(self)} rows")
        return Record((name, values[position]) for name, values in self._columns.items())

    @answers
    def entry(self, name: str, position: int) -> float:
        """Return an entry of a column; -1 is the last."""
        return self._columns[name][position]

    @answers
    def best(self, name: str = "train_loss") -> tuple[int, float]:
        """Return the epoch and the value of the smallest entry (the largest, for an accuracy)."""
        values = self[name]
        if np.all(np.isnan(values)):
            raise DataError(f"column {name!r} has no value yet")
        at = int(np.nanargmax(values) if "accuracy" in name else np.nanargmin(values))
        return int(self["epoch"][at]), float(values[at])

    @answers
    def plot(
        self, what: str | None = None, ax: "Axes | None" = None, *, label: str | None = None
    ) -> "Axes":
        """Draw loss and accuracy, or a column, and return Matplotlib's Axes.

        ``history.plot()`` has a panel for each of the two, ``history.plot("accuracy")`` and
        ``history.plot(ax=ax)`` have one. Arguments and errors are those of
        :func:`minidl.plots.plot_history`.
        """
        from minidl.plots.curves import plot_history

        return plot_history(self, what, ax, label=label)

    @answers
    def epochs_to(
        self, loss: Target = None, *, accuracy: Target = None, on: str = "train", sustained: int = 1
    ) -> int | None:
        """Return the first epoch at which a target is reached, or None if it never is.

        The target is a `loss` (this or below) or an `accuracy` (this or above), measured `on` the
        rows "train" or "validation". It must hold for `sustained` rows of the history in
        succession; the epoch of the first of them is returned.
        """
        if (loss is None) == (accuracy is None):
            raise ArgumentError("give either loss or accuracy as the target")
        check_count("sustained", sustained)
        if on not in ("train", "validation"):
            raise invalid("on", on, '"train" or "validation"')
        holds = self[f"{on}_accuracy"] >= accuracy if loss is None else self[f"{on}_loss"] <= loss
        starts = range(len(holds) - sustained + 1)
        first = next((i for i in starts if holds[i : i + sustained].all()), None)
        return None if first is None else int(self["epoch"][first])

    def tell_divergence(self, optimizer: str, epoch: int, loss: float) -> None:
        """Write the divergence into :attr:`diverged_at` and :attr:`advice`."""
        self.diverged_at = epoch
        first, last = self.row(0), self.row(-1)
        self.advice = (
            f"{optimizer} diverged in epoch {epoch}: the loss became {loss:.4g},"
            f" from {last['train_loss']:.4g} after epoch {last['epoch']} and"
            f" {first['train_loss']:.4g} at the start. Try a learning rate ten times smaller."
        )

    def advise_if_worse(self, optimizer: str) -> None:
        """Write into :attr:`advice` that the last training loss is above the first by 0.1 %."""
        if len(self) < 2 or self.diverged:
            return
        first, last = self.row(0), self.row(-1)
        if last["train_loss"] > 1.001 * first["train_loss"] + 1e-9:
            self.advice = (
                f"{optimizer} has made the training loss worse: {last['train_loss']:.4g} after"
                f" epoch {last['epoch']}, from {first['train_loss']:.4g} at the start. Try a"
                " smaller learning rate."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; numbers that are not finite become None, as JSON has none."""
        columns = self._columns.items()
        finite = {n: [v if math.isfinite(v) else None for v in values] for n, values in columns}
        return {name: getattr(self, name) for name in ENDING} | {"columns": finite}

    @classmethod
    @answers
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the history that :meth:`to_dict` described; None becomes nan."""
        try:
            check_form(data)
        except ValueError as error:
            raise DataError("this is not a saved history", received=str(error)) from None
        return cls._from_form(data)

    @classmethod
    def _from_form(cls, data: Mapping[str, Any]) -> Self:
        columns = data["columns"].items()
        history = cls.from_columns(
            {n: [math.nan if v is None else v for v in values] for n, values in columns}
        )
        vars(history).update({name: data[name] for name in ENDING})
        return history

    @answers
    def to_json(self, path: str | Path | None = None) -> str:
        """Return the history as JSON with a checksum, and write it to `path` if that is given."""
        text = json_of(self.to_dict())
        if path is not None:
            with atomic_write(path, "w") as file:
                file.write(text)
        return text

    @classmethod
    @answers
    def from_json(cls, source: str | Path) -> Self:
        """Return the history of a JSON file, or of a JSON text that begins with a brace.

        Any damage is a DataError; files of earlier versions have no checksum that would find all.
        """
        return cls._from_form(data_of_json(source))

    @answers
    def to_csv(self, path: str | Path) -> None:
        """Write a header and a line for each row; numbers keep all their digits."""
        with atomic_write(path, "w") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(map(repr, row.values()) for row in self)

    @classmethod
    @answers
    def from_csv(cls, path: str | Path) -> Self:
        """Return the columns of a CSV file; it does not say why the run stopped.

        It has no checksum, because other programs read it, too. A line that is cut off, text,
        and epochs that do not ascend are a DataError.
        """
        check_path(path)
        history, number = cls(), 0
        try:
            for number, row in rows_of_csv(path):  # noqa: B007
                history.append(row)
            check_counts(history._columns)
        except DataError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{path}, row {number}: {error}") from None
        return history

    def _repr_html_(self) -> str:
        """Return about eight epochs as a table, for notebooks."""
        if "epoch" not in self or "train_loss" not in self:
            return preformatted(repr(self))
        values = self["validation_loss" if "validation_loss" in self else "train_loss"]
        best = None if np.all(np.isnan(values)) else int(np.nanargmin(values))
        title, *rows = epoch_rows(self._columns, best)
        words = table(rows, title, f"stopped by: {self.stopped_by}" if self.stopped_by else "")
        return words + (paragraph(self.advice) if self.advice else "")

    def __repr__(self) -> str:
        if not len(self):
            return "History(empty)"
        last = self.row(-1)
        loss = f", train_loss={last['train_loss']:.6g}" if "train_loss" in last else ""
        return f"History(epoch={last.get('epoch')}{loss}, stopped_by={self.stopped_by!r})"
