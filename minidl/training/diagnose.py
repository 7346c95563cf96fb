"""Why a run fails: the stability of its learning rate, its layers and its inputs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from minidl.errors import ArgumentError, MinidlError, shown
from minidl.keywords import answers
from minidl.nn import BatchNorm, Embedding
from minidl.nn.layer import parts_of
from minidl.streams import stream
from minidl.training.data import Rows, check_rows, rows_per_batch
from minidl.training.diagnosis import Diagnosis
from minidl.training.history import History
from minidl.training.limits import Limit, limit_of
from minidl.training.measure import Objective
from minidl.training.sharpness import Hessian, rightmost
from minidl.training.suggest import LARGEST
from minidl.training.trainer import Trainer
from minidl.training.units import column_scales, layer_states

TOLERANCE = 1e-6  # of the sharpness
STILL = 0.99  # a loss that has not fallen below this share of the first stands still
BATCH_NORM = "Batch norm is measured with its running statistics; training uses those of a batch."


@answers
def diagnose(trainer: Trainer, X: npt.ArrayLike, y: npt.ArrayLike) -> Diagnosis:
    """Return why a run fails, or may fail: measured at the present weights, before or after it.

    Along the sharpest direction of the loss, of curvature h, a step with the learning rate a
    overshoots and grows if a h is above the optimizer's limit: 2 for gradient descent, 2 (1 + m)
    for momentum m, 2 (1 + m) / (1 + 2 m) for NAG (:func:`minidl.paths.stability_limit`). For Adam
    it is 2 (1 + beta1) / (1 - beta1), for RMSprop 2 (1 + momentum), where h is the sharpness of the
    Hessian divided by their present scales (Cohen et al. 2022, arXiv 2207.14484), which exist from
    the first step on. Of other rules no limit is known, and the result says so.

    The limit holds for a quadratic and the full batch. Training may raise the sharpness (Cohen et
    al. 2021, arXiv 2103.00065), and the noise of mini-batches lowers the limit; that is why
    `suggested_lr` keeps a margin of 2, for momentum and Adam of 4.

    Parameters
    ----------
    trainer : Trainer
        Used or new; neither its weights nor its state are changed. After a divergence it has the
        weights of the last measured epoch, and they are what is examined.
    X, y : array_like
        Training rows, as for :meth:`Trainer.fit`; of more than 20,000 a random part is used.

    Returns
    -------
    Diagnosis
        Numbers as attributes; as text, the findings.

    Raises
    ------
    ArgumentError
        `trainer` is no Trainer.
    DataError, ShapeError
        As for :meth:`Trainer.fit`.

    Examples
    --------
    A linear model with the squared error has the Hessian 2 X'X / n, here 8:

    >>> from minidl import nn
    >>> X, y = np.array([[2.0], [-2.0]]), np.array([1.0, -1.0])
    >>> model = nn.Dense(1, 1, bias=False, seed=0)
    >>> found = diagnose(Trainer(model, "mse", "gd", lr=0.3, batch_size="full"), X, y)
    >>> round(found.product, 6), found.limit, found.stable, found.suggested_lr
    (2.4, 2.0, False, 0.1)
    """
    if not isinstance(trainer, Trainer):
        raise ArgumentError("trainer must be a Trainer", received=shown(trainer))
    with np.errstate(over="ignore", invalid="ignore"):  # at weights that are not finite, in words
        return _diagnosed(trainer, X, y)


def _diagnosed(trainer: Trainer, X: npt.ArrayLike, y: npt.ArrayLike) -> Diagnosis:
    terms = trainer.objective.penalty.strength, trainer.objective.l1_penalty.strength
    objective = Objective(trainer.model, trainer.loss, *terms)
    rows = check_rows("training", X, y, objective, class_weight=trainer.class_weight)
    if len(rows.X) > LARGEST:
        part = stream(trainer.seed, "split", 1).permutation(len(rows.X))[:LARGEST]
        rows = rows.each(lambda values: values[part])
    limit = limit_of(trainer.optimizer)
    value, unknown = _sharpness(objective, rows, limit)
    parts = list(parts_of(trainer.model))
    learned = any(isinstance(layer, Embedding) for layer in parts)  # its columns are numbers
    scales = np.ones(rows.X.shape[1]) if learned else column_scales(rows.X)
    notes = [limit.reason, BATCH_NORM * any(isinstance(layer, BatchNorm) for layer in parts)]
    return Diagnosis(
        optimizer=repr(trainer.optimizer),
        lr=_rate(trainer),
        sharpness=value,
        preconditioned=limit.scale is not None,
        limit=None if unknown else limit.value,
        margin=limit.margin,
        layers=tuple(layer_states(objective, rows)),
        columns=tuple(map(float, scales)),
        mini_batches=rows_per_batch(trainer.batch_size, len(rows.X)) < len(rows.X),
        course=_course(trainer.history),
        notes=tuple(filter(None, [unknown, *notes])),
    )


def _rate(trainer: Trainer) -> float | None:
    lr = getattr(trainer.optimizer, "lr", None)
    return float(lr) if isinstance(lr, float) else None


def _sharpness(objective: Objective, rows: Rows, limit: Limit) -> tuple[float, str]:
    """Return the sharpness, or nan and why it is unknown."""
    try:
        sharpness = rightmost(Hessian(objective, rows, limit.scale), TOLERANCE, 0)
    except MinidlError as error:
        return math.nan, f"The sharpness is unknown: {error}"
    return sharpness.value, ""


def _course(history: History) -> str:
    """Return "diverged", "worse", "standing still" or, of other runs, ""."""
    if len(history) < 2:
        return "diverged" if history.diverged else ""
    initial, final = (history.entry("train_loss", row) for row in (0, -1))
    if history.diverged:
        return "diverged"
    if history.advice:
        return "worse"
    return "standing still" if final > STILL * initial else ""
