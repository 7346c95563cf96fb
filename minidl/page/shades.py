"""Outputs of a network as bytes: 256 shades, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.datasets import Dataset
from minidl.nn import BinaryCrossEntropy, Hinge, Loss, Sigmoid, Softmax
from minidl.plots.points import class_words
from minidl.plots.shades import MARKERS, colours_of

LEVELS, MOST_CLASSES = 256, 64
MARGIN = 0.15  # of the range of the targets, beyond the ends of a curve's axis


@dataclass(frozen=True)
class Shades:
    """The rule by which outputs become bytes.

    Attributes
    ----------
    kind : "share", "class" or "value"
        A number from 0 to 1 for one of two classes, where 0.5 decides; the most probable of K
        classes with its lead over the next, which is 0 where the class changes; or a number for a
        regression.
    words : str
        What is shown, such as "probability of class 1".
    low, high : float
        What the bytes 0 and 255 mean; values beyond them are drawn as these.
    classes : tuple of str
        The names of the classes.

    Examples
    --------
    >>> from minidl import datasets, nn
    >>> shades = Shades.of(datasets.load("moons"), nn.loss("bce"))
    >>> shades.words, shades.bytes_of(np.array([[-50.0], [0.0], [50.0]])).tolist()
    ('probability of class 1', [0, 128, 255])
    """

    kind: str
    words: str
    low: float
    high: float
    classes: tuple[str, ...]
    loss: Loss
    scale: float = 1.0  # of a regression's target
    shift: float = 0.0
    fine: bool = False  # whether each number takes two bytes, for a curve without steps

    @classmethod
    def of(cls, data: Dataset, loss: Loss) -> Shades:
        """Return the shades for the outputs of a network trained on a data set with a loss."""
        names, fine = data.class_names, data.n_features == 1
        if data.task == "regression":
            y = data.inverse_y(np.concatenate([data.y_train, data.y_test]))
            room = (MARGIN if fine else 0.01) * (float(np.ptp(y)) or 1.0)
            low, high = float(y.min()) - room, float(y.max()) + room
            return cls("value", "prediction", low, high, (), loss, data.y_scale, data.y_mean, fine)
        if data.task == "multiclass":
            words = "most probable class, and how far its probability leads"
            return cls("class", words, 0.0, 1.0, names, loss)
        output = "probability" if isinstance(loss, BinaryCrossEntropy) else "output"
        return cls(
            "share",
            f"{output} of {class_words(names[1]).strip()}",
            0.0,
            1.0,
            names,
            loss,
            fine=fine,
        )

    @property
    def levels(self) -> int:
        """Number of shades of each class, or of all values."""
        return LEVELS // len(self.classes) if self.kind == "class" else LEVELS

    @property
    def error(self) -> float:
        """The largest difference between an output within the ends and its shade."""
        return (self.high - self.low) / (self.levels - 1) / (LEVELS if self.fine else 2)

    def bytes_of(self, outputs: Array) -> Array:
        """Return outputs (n, 1) or (n, K) as uint8 (n,), or (2 n,) if `fine`; nan is 0.

        The second n bytes of fine ones are the 256ths of a level that the first leave out.
        """
        with np.errstate(all="ignore"):
            if self.kind == "class":
                return self._classes(outputs)
            values = np.asarray(self._values(outputs[:, 0]), dtype=np.float64)
            shares = np.nan_to_num((values - self.low) / (self.high - self.low), nan=0.0)
        levels = (LEVELS - 1) * shares.clip(0, 1)
        if not self.fine:
            return np.asarray(np.rint(levels), np.uint8)
        return np.concatenate([levels, LEVELS * (levels % 1)]).astype(np.uint8)

    def _values(self, outputs: Array) -> Array:
        """Return outputs of one column in the units of `low` and `high`."""
        if self.kind == "value":
            return outputs * self.scale + self.shift
        if isinstance(self.loss, BinaryCrossEntropy):
            return np.asarray(Sigmoid()(outputs))
        return (1 + outputs) / 2 if isinstance(self.loss, Hinge) else outputs

    def _classes(self, outputs: Array) -> Array:
        """Return class * levels + the level of its lead."""
        probabilities = np.nan_to_num(np.asarray(Softmax()(outputs)))
        second_largest, largest = np.sort(probabilities, axis=1)[:, -2:].T
        level = np.rint((self.levels - 1) * (largest - second_largest))
        return np.asarray(self.levels * probabilities.argmax(axis=1) + level).astype(np.uint8)

    def to_dict(self) -> dict[str, Any]:
        """Return the meaning of the bytes as JSON data."""
        names = ("kind", "words", "low", "high", "levels", "fine", "error")
        looks = zip(self.classes, colours_of(len(self.classes)), cycle(MARKERS), strict=False)
        classes = [{"name": class_words(n).strip(), "color": c, "marker": m} for n, c, m in looks]
        return {name: getattr(self, name) for name in names} | {"classes": classes}
