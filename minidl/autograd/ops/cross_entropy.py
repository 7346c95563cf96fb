"""The cross-entropy of logits and classes, or distributions over classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.activations import log_softmax, softmax
from minidl.autograd.ops.loss_reduction import (
    aligned,
    like,
    reduce,
    spread,
    weighted,
    weights,
)
from minidl.autograd.ops.reductions import Axis
from minidl.autograd.primitive import primitive, quiet
from minidl.checks import check_number
from minidl.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["softmax_cross_entropy"]


def _are_indices(t: Any, z: Any) -> bool:
    """Return whether targets are class indices, one per row; say so if they can be neither."""
    rows = z.shape[:-1]
    if t.dtype.kind not in "biu":
        if t.shape == rows and not (z.ndim > 2 and t.shape == z.shape[1:]):
            raise ShapeError(
                "targets of floats are probabilities, one for each logit",
                received=f"logits {z.shape}, targets {t.shape} of {t.dtype}",
                hint="Class indices are an array of an integer type.",
            )
        return False
    if t.shape == rows or (z.ndim > 2 and t.shape == rows[1:]):
        return True
    if t.shape == z.shape or (z.ndim > 2 and t.shape == z.shape[1:]):
        return False  # one-hot rows
    raise ShapeError(
        "class indices do not fit the logits",
        received=f"logits {z.shape}, indices {t.shape}",
        expected=f"one index per row, shape {z.shape[:-1]}",
    )


def _distribution(t: Any, z: Any, label_smoothing: float) -> Any:
    """Return targets as rows q of probabilities: one-hot and smoothed."""
    K = z.shape[-1]
    q = like(np.equal(t[..., None], np.arange(K)) if _are_indices(t, z) else t, z)
    if label_smoothing:
        share = float(label_smoothing)
        q = (1.0 - share) * q + share / K
    return q


def _row_weights(t: Any, z: Any, sample_weight: Any, ignore_index: int | None) -> Any:
    """Return the weight of each row, 0 where it is ignored; None if all are 1."""
    if sample_weight is None and ignore_index is None:
        return None
    shape = z.shape[:-1]
    given = np.ones(shape) if sample_weight is None else sample_weight
    w = weights(given, shape, z.dtype, columns=False)
    return w if ignore_index is None else w * np.not_equal(t, ignore_index)


def _check(t: Any, z: Any, label_smoothing: float, ignore_index: int | None) -> None:
    if not hasattr(t, "dtype"):
        raise DTypeError("targets are an array of classes or probabilities", received=repr(t))
    if t.dtype.kind not in "biuf":
        raise DTypeError("targets are real numbers", received=f"targets of dtype {t.dtype}")
    if ignore_index is not None and not isinstance(ignore_index, int | np.integer):
        raise DTypeError("ignore_index is an integer", received=repr(ignore_index))
    if label_smoothing:
        check_number("label_smoothing", label_smoothing, lambda e: 0 <= e <= 1, "0 to 1")
    if not _are_indices(t, z):
        if ignore_index is not None:
            raise ArgumentError(
                "only class indices can be ignored",
                received=f"ignore_index={ignore_index!r}, targets {t.shape} of {t.dtype}",
                hint="Give the rows a sample_weight of 0.",
            )
        aligned(z, t)
        return
    if ignore_index is not None:
        t = t[np.not_equal(t, ignore_index)]
    if t.size:
        low, high = t.item(t.argmin()), t.item(t.argmax())  # on few numbers faster than t.min()
        if low < 0 or high >= z.shape[-1]:
            raise ArgumentError(
                "a class index is out of range",
                received=f"indices from {low} to {high}",
                expected=f"0 to {z.shape[-1] - 1}, for logits {z.shape}",
            )


def _times_rows(  # noqa: PLR0917 (as an operation is called)
    slope: Any, g: Any, z: Any, t: Any, reduction: str, axis: Axis, **options: Any
) -> Any:
    """Return the slopes of the rows times what arrives at each row, and its weight."""
    w = _row_weights(t, z, options.get("sample_weight"), options.get("ignore_index"))
    rows = spread(g, z.shape[:-1], reduction, axis, w)
    if w is not None:
        slope = weighted(slope, w[..., None])
    return rows.reshape((*rows.shape, 1)) * slope


def _to_logits(  # noqa: PLR0917 (called by position, as the operation is)
    g: Any, y: Any, z: Any, t: Any, reduction: str = "mean", axis: Axis = None, **options: Any
) -> Any:
    q = _distribution(t, z, options.get("label_smoothing", 0.0))
    slope = softmax(z) * q.sum(axis=-1, keepdims=True) - q
    return _times_rows(slope, g, z, t, reduction, axis, **options)


def _to_targets(  # noqa: PLR0917 (called by position, as the operation is)
    g: Any, y: Any, z: Any, t: Any, reduction: str = "mean", axis: Axis = None, **options: Any
) -> Any:
    slope = (options.get("label_smoothing", 0.0) - 1.0) * log_softmax(z)
    return _times_rows(slope, g, z, t, reduction, axis, **options)


@primitive(_to_logits, _to_targets)
@quiet
def softmax_cross_entropy(
    z: Any,
    t: Any,
    reduction: str = "mean",
    axis: Axis = None,
    *,
    sample_weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any:
    """Cross-entropy of logits z (..., n, K) and targets, -sum_k q_k log softmax(z)_k for each row.

    d/dz = softmax(z) sum_k q_k - q, where the sum is 1 for probabilities; d/dq = -log softmax(z).

    Parameters
    ----------
    z : array or Tensor (..., n, K)
        The logits.
    t : array, list or Tensor
        Class indices (..., n) of an integer type, or probabilities q (..., n, K). Replicas
        (R, n, K) may share theirs. Integers that could be either, as R = n = K, are indices.
    reduction, axis : optional
        As for all losses; the axes are those of the rows.
    sample_weight : array_like, optional
        One weight for each row, shaped as the indices. A weighted mean is sum(w l) / sum(w).
    label_smoothing : float from 0 to 1, default 0.0
        The share e that is spread over all classes: q' = (1 - e) q + e / K. Szegedy et al. 2016,
        arXiv 1512.00567, section 7; the same in PyTorch and Keras.
    ignore_index : int, optional
        A class index, also one out of range, whose rows have loss and gradient 0 and do not count
        in the mean: PyTorch's rule, where the default is -100. Here nothing is ignored unasked.

    Raises
    ------
    ArgumentError
        A class index or `label_smoothing` is out of range, `ignore_index` stands beside
        probabilities, or there is nothing to take the mean of.
    ShapeError
        Targets or weights do not fit the logits.

    Examples
    --------
    >>> z = np.log([[1.0, 3.0], [1.0, 1.0]])
    >>> np.exp(-softmax_cross_entropy(z, [1, 0], "none"))
    array([0.75, 0.5 ])
    >>> softmax_cross_entropy(z, [-1, 0], ignore_index=-1).item()  # log 2
    0.6931471805599453
    """
    _check(t, z, label_smoothing, ignore_index)
    q = _distribution(t, z, label_smoothing)
    logs = log_softmax(z)
    if not np.isfinite(logs).all():  # a logit of -inf: a class that is masked out
        logs = np.where(np.equal(q, 0), 0.0, logs)
    losses = -np.add.reduce(q * logs, axis=-1)
    return reduce(losses, reduction, axis, _row_weights(t, z, sample_weight, ignore_index))
