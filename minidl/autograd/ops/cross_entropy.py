"""The cross-entropy of logits and classes, or distributions over classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minidl.autograd.node import Array, Rule, Value
from minidl.autograd.ops.activations import log_softmax, softmax
from minidl.autograd.ops.losses import Weights, aligned, like, reduce, spread, weighted, weights
from minidl.autograd.ops.ufuncs import Axis
from minidl.autograd.primitive import primitive, quiet
from minidl.checks import check_number
from minidl.errors import ArgumentError, DTypeError, ShapeError, shown

__all__ = ["softmax_cross_entropy"]

USUAL = ((), ("mean", None))  # reduction and axis


def _are_indices(t: Value, z: Value) -> bool:
    """Return True if targets are class indices, one per row; raise if they fit in no way."""
    shapes = [z.shape, z.shape[1:]] if z.ndim > 2 else [z.shape]  # replicas may share targets
    rows = [shape[:-1] for shape in shapes]
    if t.dtype.kind not in "biu":
        if t.shape == rows[0] and t.shape not in shapes:
            message = "targets of floats must be probabilities, one for each logit"
            received = f"logits {z.shape}, targets {t.shape} of {t.dtype}"
            hint = "Class indices are an array of an integer type."
            raise ShapeError(message, received=received, hint=hint)
        return False
    if t.shape in rows + shapes:
        return t.shape in rows  # otherwise one-hot rows
    received = f"logits {z.shape}, indices {t.shape}"
    expected = f"one index per row, shape {rows[0]}"
    raise ShapeError("class indices do not fit the logits", received=received, expected=expected)


def _probabilities(t: Value, z: Value, label_smoothing: float) -> Value:
    """Return targets as rows q of probabilities: one-hot and smoothed."""
    K = z.shape[-1]
    q = like(np.equal(t[..., None], np.arange(K)) if _are_indices(t, z) else t, z)
    share = float(label_smoothing)
    return (1.0 - share) * q + share / K if share else q


def _row_weights(t: Value, z: Value, w: Weights, ignore_index: int | None) -> Array | None:
    """Return the weight of each row, 0 where it is ignored; None if all are 1."""
    if w is None and ignore_index is None:
        return None
    rows = z.shape[:-1]
    w = weights(np.ones(rows) if w is None else w, rows, z.dtype, False)
    return w if ignore_index is None else w * np.not_equal(t, ignore_index)


def _check(t: Value, z: Value, label_smoothing: float, ignore_index: int | None) -> None:
    """Check that targets and options fit the logits."""
    if not hasattr(t, "dtype"):
        raise DTypeError("targets must be an array of classes or probabilities", received=shown(t))
    if t.dtype.kind not in "biuf":
        raise DTypeError("targets must be real numbers", received=f"dtype {t.dtype}")
    if ignore_index is not None and not isinstance(ignore_index, int | np.integer):
        raise DTypeError("ignore_index must be an integer", received=shown(ignore_index))
    if label_smoothing:
        check_number("label_smoothing", label_smoothing, lambda e: 0 <= e <= 1, "from 0 to 1")
    if not _are_indices(t, z):
        if ignore_index is not None:
            message = f"needs class indices, got targets {t.shape} of {t.dtype}"
            hint = "Give the rows a sample_weight of 0."
            raise ArgumentError(message, argument="ignore_index", hint=hint)
        aligned(z, t)
        return
    if ignore_index is not None:
        t = np.where(np.not_equal(t, ignore_index), t, 0)  # 0 is always in range
    if t.size:
        low, high = t.item(t.argmin()), t.item(t.argmax())  # on few numbers faster than t.min()
        if low < 0 or high >= z.shape[-1]:
            received = f"indices from {low} to {high}"
            expected = f"0 to {z.shape[-1] - 1}, for logits {z.shape}"
            message = "a class index is out of range"
            raise ArgumentError(message, received=received, expected=expected)


def _is_usual(t: Value, z: Value, how: tuple[Value, ...]) -> bool:
    """Return True for the mean of class indices of one network, as in training."""
    if type(z) is not np.ndarray or type(t) is not np.ndarray or how not in USUAL:
        return False
    return t.dtype.kind in "iu" and t.shape == z.shape[:1] and len(z) > 0


def _rule(slope: Callable[..., Value]) -> Rule:
    """Return the rule for the rows' derivative ``slope(z, t, e)``, e the label smoothing."""

    def rule(g: Value, y: Value, z: Value, t: Value, *how: Value, **options: Value) -> Value:
        if slope is _logits_slope and not options and _is_usual(t, z, how):
            return _usual_slope(z, t) * (g / len(t))
        d = slope(z, t, options.get("label_smoothing", 0.0))
        w = _row_weights(t, z, options.get("sample_weight"), options.get("ignore_index"))
        g = spread(g, z.shape[:-1], w, *how, **options)
        return g.reshape((*g.shape, 1)) * (d if w is None else weighted(d, w[..., None]))

    return rule


def _usual_slope(z: Array, t: Array) -> Array:
    """Return softmax(z) - q for class indices, to the last bit as :func:`_logits_slope`."""
    d: Array = np.exp(z - np.maximum.reduce(z, axis=1, keepdims=True))
    d /= np.add.reduce(d, axis=1, keepdims=True)
    d[np.arange(len(t)), t] -= 1
    return d


def _usual_mean(z: Array, t: Array) -> Value:
    """Return the mean of log(sum e^z) - z_t, to the last bit as below."""
    z = z - np.maximum.reduce(z, axis=1, keepdims=True)
    logs = np.log(np.add.reduce(np.exp(z), axis=1))
    return np.add.reduce(logs - z[np.arange(len(t)), t]) / len(t)


def _logits_slope(z: Value, t: Value, label_smoothing: float) -> Value:
    q = _probabilities(t, z, label_smoothing)
    return softmax(z) * q.sum(axis=-1, keepdims=True) - q


@primitive(_rule(_logits_slope), _rule(lambda z, t, e: (e - 1.0) * log_softmax(z)))
@quiet
def softmax_cross_entropy(
    z: Value,
    t: Value,
    reduction: str = "mean",
    axis: Axis = None,
    *,
    sample_weight: Weights = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Value:
    """Cross-entropy of logits z (..., n, K) and targets, -sum_k q_k log softmax(z)_k for each row.

    d/dz = softmax(z) sum_k q_k - q, where the sum is 1 for probabilities; d/dq = -log softmax(z).
    Targets or weights that do not fit the logits are a ShapeError, values out of range and the mean
    of no losses an ArgumentError.

    Parameters
    ----------
    t : array, list or Tensor
        Class indices (..., n) of an integer type, or probabilities q (..., n, K). Replicas
        (R, n, K) may share theirs. Integers that could be either, as R = n = K, are indices.
    reduction, axis, sample_weight
        As for all losses; the axes and the weights are those of the rows.
    label_smoothing : float from 0 to 1, default 0.0
        The share e that is spread over all classes: q' = (1 - e) q + e / K, as in PyTorch and
        Keras. Szegedy et al. 2016, arXiv 1512.00567, section 7.
    ignore_index : int, optional
        A class index whose rows have loss and gradient 0 and do not count in the mean; PyTorch's
        default is -100. With probabilities it raises an ArgumentError.

    Examples
    --------
    >>> z = np.log([[1.0, 3.0], [1.0, 1.0]])
    >>> np.exp(-softmax_cross_entropy(z, [1, 0], "none"))
    array([0.75, 0.5 ])
    """
    _check(t, z, label_smoothing, ignore_index)
    plain = sample_weight is None and ignore_index is None and not label_smoothing
    if plain and _is_usual(t, z, (reduction, axis)):
        return _usual_mean(z, t)
    q = _probabilities(t, z, label_smoothing)
    logs = log_softmax(z)
    if not np.isfinite(logs).all():  # a logit of -inf masks a class
        logs = np.where(np.equal(q, 0), 0.0, logs)
    losses = -np.add.reduce(q * logs, axis=-1)
    return reduce(losses, reduction, axis, _row_weights(t, z, sample_weight, ignore_index))
