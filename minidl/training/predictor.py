"""A trained network with the preparation of its data: from a person's rows to names and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.datasets import Preparation
from minidl.datasets.dataset import LOSS_OF_TASK
from minidl.datasets.new_rows import new_rows
from minidl.errors import ArgumentError, DataError, invalid
from minidl.keywords import answers
from minidl.nn import (
    BinaryCrossEntropy,
    KLDivergence,
    Layer,
    Loss,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
)
from minidl.nn import loss as named_loss
from minidl.text import listed
from minidl.training.model_file import below, model_of, read, save_model

SCALING = "mean", "scale"  # of the inputs; in a file x_mean and x_scale, in older ones twice


@answers
class Predictor:
    """A trained network and how its inputs and targets were prepared.

    Parameters
    ----------
    model : Layer
        The network.
    preparation : Preparation
        That of the data it was trained on, ``Dataset.preparation``.
    loss : str or Loss, optional
        The loss it was trained with; by default the usual one for the task.

    Attributes
    ----------
    threshold : float
        The output above which one of two classes is the second: 0 for a logit, 0.5 if the network
        was trained on 0 and 1 as numbers.
    probabilistic : bool
        Whether the loss is a cross-entropy, so that outputs are probabilities.

    Raises
    ------
    ArgumentError
        `model` or `preparation` is something else.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn
    >>> data = datasets.load("iris", seed=0)
    >>> trainer = Trainer(nn.mlp(4, 8, 3, seed=0), "cross_entropy", "nag", lr=0.1, seed=0)
    >>> history = trainer.fit(data.X_train, data.y_train, epochs=30)
    >>> predictor = Predictor(trainer.model, data.preparation)
    >>> predictor.predict([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])  # in centimetres
    array(['setosa', 'virginica'], dtype='<U10')
    """

    def __init__(
        self, model: Layer, preparation: Preparation, loss: str | Loss | None = None
    ) -> None:
        if not isinstance(model, Layer):
            raise invalid("model", model, "a Layer, such as trainer.model")
        if not isinstance(preparation, Preparation):
            raise invalid("preparation", preparation, "that of a Dataset, data.preparation")
        criterion = named_loss(loss or LOSS_OF_TASK[preparation.task])
        self.model, self.preparation = model, preparation
        self.threshold = 0.0 if criterion.classifies else 0.5
        probable = BinaryCrossEntropy, SoftmaxCrossEntropy, KLDivergence
        self.probabilistic = type(criterion) in probable

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the order of :meth:`predict_proba`; none for a regression."""
        return self.preparation.class_names

    @answers
    def predict(
        self, rows: Any, *, header: bool | None = None, separator: str | None = None
    ) -> Array:
        """Return the prediction for each row (n,): a class's name, or a number in its own units.

        Parameters
        ----------
        rows : str, Path, DataFrame, array or list of shape (n, d)
            Rows as they were before training: a text file or a DataFrame, of which columns are
            found by name, in any order and beside others; or an array with the features in the
            order of training. Categories that no training row had count as none of the known ones,
            and missing values are filled in if they were in training; a warning says which and in
            how many rows.
        header, separator
            Of a text file, as for :func:`minidl.datasets.load`.

        Raises
        ------
        TableError
            Columns are absent, or hold values that cannot be used; the message has all of them.
        DataError
            The file cannot be read, an array has another number of columns, or an output is not
            finite.
        """
        outputs = self._outputs(rows, header, separator)
        known = self.preparation
        if known.task == "regression":
            return outputs[:, 0] * known.y_scale + known.y_mean
        names = np.array(known.class_names)
        if outputs.shape[1] == 1:
            return np.asarray(names[(outputs[:, 0] > self.threshold).astype(int)])
        return np.asarray(names[outputs.argmax(axis=1)])

    @answers
    def predict_proba(
        self, rows: Any, *, header: bool | None = None, separator: str | None = None
    ) -> Array:
        """Return the probability of each class (n, K), in the order of :attr:`classes`.

        The arguments and errors are those of :meth:`predict`; an ArgumentError is raised for a
        regression, and if the network was trained with another loss than cross-entropy.

        >>> from minidl import datasets, nn
        >>> data = datasets.load("moons")
        >>> Predictor(nn.mlp(2, 1, seed=0), data.preparation).predict_proba([[0.0, 0.0]]).shape
        (1, 2)
        """
        if not self.probabilistic:
            hint = "A network that is trained with cross-entropy does."
            raise ArgumentError("this network does not predict probabilities", hint=hint)
        outputs = self._outputs(rows, header, separator)
        if outputs.shape[1] == 1:
            second = np.asarray(Sigmoid()(outputs))
            return np.concatenate([1 - second, second], axis=1)
        return np.asarray(Softmax()(outputs))

    def _outputs(self, rows: Any, header: bool | None, separator: str | None) -> Array:
        X = new_rows(rows, self.preparation, header=header, separator=separator)
        outputs = self.model.predict(X)
        finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
        if not finite.all():
            bad = np.flatnonzero(~finite)
            rows_of = f"rows {listed(bad.tolist())}, counted from 0"
            hint = "Their numbers may be too large for the network, or it is not trained."
            raise DataError("outputs are not finite", received=rows_of, hint=hint)
        return outputs

    def check(self) -> None:
        """Raise a ValueError unless the network has the inputs and outputs of the preparation."""
        known = self.preparation
        width = self.model.predict(np.zeros((1, len(known.mean)))).shape[-1]
        classes = len(known.class_names)
        if (known.task == "regression") != (classes == 0):
            raise ValueError(f"it has {classes} classes for a {known.task}")
        if classes not in ((0, 2) if width == 1 else (width,)):
            raise ValueError(f"the network has {width} outputs for {classes} classes")

    @answers
    def save(self, path: str | Path) -> None:
        """Write network and preparation to a file for :func:`load`, which is replaced.

        Errors are those of :func:`save_model`.
        """
        known = self.preparation
        extra: dict[str, npt.ArrayLike] = {"x_mean": known.mean, "x_scale": known.scale}
        targets = {"y_mean": known.y_mean, "y_scale": known.y_scale}
        extra |= {"class_names": known.class_names} if known.class_names else targets
        rest = {n: a for n, a in known.to_arrays().items() if n not in SCALING}
        extra |= {f"preparation/{name}": array for name, array in rest.items()}
        extra["outputs"] = [self.threshold, self.probabilistic]
        save_model(self.model, path, extra)

    def __repr__(self) -> str:
        known = self.preparation
        words = f"{known.task} of {known.target!r} by {len(known.features)} columns"
        return f"Predictor({self.model!r}, {words})"


@answers
def load(path: str | Path, into: Layer | None = None) -> Predictor:
    """Return the network of a file with its preparation, which predicts on other rows.

    ``minidl train --save FILE`` and :meth:`Predictor.save` write such files.

    Parameters
    ----------
    path : str or Path
        The file.
    into : Layer, optional
        A network of the same layout, which receives the weights; custom layers need one.

    Raises
    ------
    DataError
        The file does not exist, is not a saved model, or has no preparation.
    ArgumentError, ShapeError
        As for :func:`load_model`.

    Examples
    --------
    >>> import tempfile, os
    >>> from minidl import datasets, nn
    >>> data = datasets.load("diabetes")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.npz")
    ...     Predictor(nn.mlp(10, 1, seed=0), data.preparation).save(path)
    ...     load(path)
    Predictor(Sequential(Dense(10, 1)), regression of 'y' by 10 columns)
    """
    saved = read(path)
    extra = below("extra/", saved.arrays)
    arrays = below("preparation/", extra)
    if not arrays:
        hint = "load_model returns the network; minidl train --save writes files that predict."
        raise DataError(f"{path} has no preparation of data", hint=hint)
    model = model_of(saved, into)
    try:
        scaling = {name: extra[f"x_{name}"] for name in SCALING if name not in arrays}
        predictor = Predictor(model, Preparation.from_arrays(arrays | scaling))
        predictor.threshold, predictor.probabilistic = _outputs(extra)
        if saved.layers is not None:  # a custom layer may need more than a row
            predictor.check()
    except Exception as error:  # of whatever the arrays hold
        raise saved.damaged(error) from error
    return predictor


def _outputs(extra: Mapping[str, Array]) -> tuple[float, bool]:
    """Return the threshold, and whether outputs are probabilities."""
    threshold, probabilistic = extra["outputs"].tolist()
    if not math.isfinite(threshold) or probabilistic not in (0, 1):
        raise ValueError(f"its outputs are {threshold} and {probabilistic}")
    return threshold, bool(probabilistic)
