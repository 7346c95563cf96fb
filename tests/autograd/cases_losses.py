"""Losses: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Example, Operation, draw, example


def weighted(losses: Callable[..., Any]) -> Callable[..., Any]:
    """Return the formula of a loss with weights, given that of its losses, unreduced."""

    def formula(p: Any, t: Any, reduction: str = "mean", axis: Any = None, **options: Any) -> Any:
        w = options.pop("sample_weight", None)
        found = losses(p, t, **options)
        if w is None:
            return formulas.reduced(found, reduction, axis)
        w = np.asarray(w, float)
        w = w if w.shape in (found.shape, found.shape[1:]) else w[..., None]
        each = found * w
        if reduction == "none":
            return each
        total = each.sum(axis=axis)
        return total if reduction == "sum" else total / (w + 0 * found.real).sum(axis=axis)

    return formula


def huber(p: Any, t: Any, delta: float = 1.0) -> Any:
    return formulas.huber(p, t, delta, "none")


def distributions(t: Any, K: int, label_smoothing: float = 0.0, ignore_index: Any = None) -> Any:
    if t.dtype.kind in "fc":
        return (1 - label_smoothing) * t + label_smoothing / K
    rows = [
        np.full(K, label_smoothing / K) + (1 - label_smoothing) * (np.arange(K) == i)
        if i != ignore_index
        else np.zeros(K)
        for i in t.reshape(-1)
    ]
    return np.reshape(rows, (*t.shape, K))


def softmax_cross_entropy(
    z: Any, t: Any, reduction: str = "mean", axis: Any = None, **options: Any
) -> Any:
    w = options.pop("sample_weight", None)
    q = distributions(t, z.shape[-1], **options)
    losses = -(q * formulas.log_softmax(z)).sum(axis=-1)
    w = np.ones(losses.shape) if w is None else w + np.zeros(losses.shape)
    if options.get("ignore_index") is not None:
        w = w * (t != options["ignore_index"])
    found = losses * w
    if reduction == "none":
        return found
    total = found.sum(axis=axis)
    return total if reduction == "sum" else total / w.sum(axis=axis)


def pair(*shape: int, low: float = -2.0, **keywords: Any) -> Example:
    return example(draw(*shape), draw(*shape, low=low, high=1.0), **keywords)


def with_weights(low: float = -2.0) -> list[Example]:
    """Weights of rows, of elements, of replicas, shared by them, integers and zeros."""
    rows, full = draw(3, low=0.5), draw(3, 4, low=0.5)
    found = [pair(3, 4, low=low, reduction=r, sample_weight=rows) for r in ("mean", "sum", "none")]
    found += [pair(3, 4, low=low, axis=axis, sample_weight=full) for axis in (None, 0, -1)]
    return [
        *found,
        pair(3, 1, low=low, sample_weight=[2, 0, 1]),
        pair(4, low=low, sample_weight=np.array([1, 0, 3, 2], np.int8)),
        pair(5, 3, 2, low=low, axis=(1, 2), sample_weight=rows),
        pair(5, 3, 2, low=low, axis=(-2, -1), sample_weight=draw(5, 3, low=0.5)),
    ]


def classes() -> list[Example]:
    """Smoothing, ignored rows and weights, with class indices and with distributions."""
    t = np.array([0, 2, 1, 2])
    own = np.array([[0, 2, 1, 2], [1, 1, 0, 0]])
    w = draw(4, low=0.5)
    q = formulas.softmax(draw(4, 3))
    found = [example(draw(4, 3), t, r, label_smoothing=0.2) for r in ("mean", "sum", "none")]
    found += [example(draw(4, 3), t, r, ignore_index=2) for r in ("mean", "sum", "none")]
    found += [example(draw(4, 3), t, r, sample_weight=w) for r in ("mean", "sum", "none")]
    return [
        *found,
        example(draw(4, 3), q, sample_weight=w, label_smoothing=0.3),
        example(draw(4, 3), draw(4, 3), "sum", label_smoothing=1),
        example(draw(4, 3), np.array([-100, 2, 1, -100]), ignore_index=-100, label_smoothing=0.1),
        example(draw(2, 4, 3), own, axis=1, sample_weight=w, ignore_index=0),
        example(draw(2, 4, 3), t, axis=-1, sample_weight=draw(2, 4, low=0.5)),
        example(draw(2, 4, 3), q, axis=-1, sample_weight=w),
    ]


def operation(formula: Callable[..., Any], found: list[Example]) -> Operation:
    return Operation(formula, formula, found)


OPERATIONS: dict[str, Operation] = {
    "bce_with_logits": operation(
        weighted(lambda z, t: formulas.bce_with_logits(z, t, "none")),
        [*examples.losses(low=0.0, high=1.0), *with_weights(low=0.0)],
    ),
    "hinge": operation(
        weighted(lambda z, s: formulas.hinge(z, s, "none")), [*examples.signs(), *with_weights()]
    ),
    "huber": operation(
        weighted(huber),
        [
            *examples.losses(),
            *examples.losses(delta=0.4),
            *examples.losses(delta=2.5),
            *with_weights(),
        ],
    ),
    "mean_absolute_error": operation(
        weighted(lambda p, t: formulas.mean_absolute_error(p, t, "none")),
        [*examples.losses(), *with_weights()],
    ),
    "mean_squared_error": operation(
        weighted(lambda p, t: formulas.mean_squared_error(p, t, "none")),
        [*examples.losses(), *with_weights()],
    ),
    "softmax_cross_entropy": operation(softmax_cross_entropy, [*examples.classes(), *classes()]),
}
