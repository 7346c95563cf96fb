"""Losses: weights, smoothing, ignored rows, dtypes of targets, extreme logits, and the errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, ops
from minidl.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError

generator = np.random.default_rng(7)
P = generator.standard_normal((4, 3))
T = generator.random((4, 3))
CLASSES = np.array([0, 2, 1, 2])
NAMES = ["bce_with_logits", "hinge", "huber", "mean_absolute_error", "mean_squared_error"]
every_loss = pytest.mark.parametrize("name", NAMES)
REDUCTIONS = ("mean", "sum")


def slope(f: Callable[..., Any], p: Any) -> Any:
    leaf = Tensor(p, requires_grad=True)
    f(leaf).sum().backward()
    return leaf.grad


def test_a_single_number_is_compared_with_a_python_number() -> None:
    assert ops.mean_squared_error(Tensor(1.0), 0.5).item() == 0.25
    assert ops.mean_squared_error(np.array(1.0), 0.5) == 0.25


def test_huber_s_gradient_ends_at_plus_and_minus_1_unless_told_otherwise() -> None:
    p, t = Tensor([3.0, -3.0], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)
    to_p, to_t = grad(ops.huber(p, t, "sum"), [p, t])
    assert (to_p.data.tolist(), to_t.data.tolist()) == ([1, -1], [-1, 1])


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_whole_weight_is_a_row_that_often(name: str, reduction: str) -> None:
    f, times = getattr(ops, name), np.array([2, 0, 1, 3])
    again = np.repeat(np.arange(4), times)
    weighted = f(P, T, reduction, sample_weight=times)
    assert_allclose(weighted, f(P[again], T[again], reduction), rtol=1e-14)
    found = slope(lambda p: f(p, T, reduction, sample_weight=times), P)
    repeated = slope(lambda p: f(p[again], T[again], reduction), P)
    assert_allclose(found, repeated, rtol=1e-14)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("t", [CLASSES, T], ids=["indices", "probabilities"])
def test_a_whole_weight_is_a_row_that_often_in_the_cross_entropy(reduction: str, t: Any) -> None:
    f, times = ops.softmax_cross_entropy, np.array([2, 0, 1, 3])
    again = np.repeat(np.arange(4), times)
    found = slope(lambda z: f(z, t, reduction, sample_weight=times, label_smoothing=0.1), P)
    repeated = slope(lambda z: f(z[again], t[again], reduction, label_smoothing=0.1), P)
    assert_allclose(found, repeated, rtol=1e-13, atol=1e-16)


@every_loss
def test_weights_of_rows_are_never_broadcast_along_the_columns(name: str) -> None:
    f, w = getattr(ops, name), np.array([1.0, 2.0, 3.0, 4.0])
    p, t = P[:, :1], T[:, :1]
    expected = np.sum(w[:, None] * f(p, t, "none")) / w.sum()
    assert_allclose(f(p, t, sample_weight=w), expected, rtol=1e-15)
    assert_allclose(f(p, t, sample_weight=w[:, None]), expected, rtol=1e-15)
    square = P[:3]
    per_row = f(square, T[:3], "none", sample_weight=w[:3])
    assert_allclose(per_row, w[:3, None] * f(square, T[:3], "none"), rtol=1e-15)


@every_loss
def test_replicas_share_targets_and_weights(name: str) -> None:
    f, w = getattr(ops, name), np.array([1.0, 0.0, 3.0, 4.0])
    p = generator.standard_normal((2, 4, 3))
    found = f(p, T, "mean", (-2, -1), sample_weight=w)
    own = f(p, T, "mean", (-2, -1), sample_weight=np.stack([w, w]))
    assert_allclose(found, [f(one, T, sample_weight=w) for one in p], rtol=1e-14)
    assert_array_equal(found, own)


def test_replicas_share_classes_and_weights() -> None:
    w, f = np.array([1.0, 0.0, 3.0, 4.0]), ops.softmax_cross_entropy
    z = generator.standard_normal((2, 4, 3))
    options = {"sample_weight": w, "label_smoothing": 0.2, "ignore_index": 1}
    found = f(z, CLASSES, "mean", -1, **options)
    assert_allclose(found, [f(one, CLASSES, **options) for one in z], rtol=1e-14)


@every_loss
@pytest.mark.parametrize(
    ("w", "error", "words"),
    [
        ([1.0, -1.0, 1.0, 1.0], ArgumentError, "-1.0"),
        ([1.0, np.nan, 1.0, 1.0], ArgumentError, "finite"),
        ([1.0, np.inf, 1.0, 1.0], ArgumentError, "finite"),
        ([0.0] * 4, ArgumentError, "weight 0"),
        ([1.0] * 3, ShapeError, r"weights \(3,\)"),
        ([[1.0]] * 4, ShapeError, r"weights \(4, 1\)"),
        (2.0, ShapeError, r"weights \(\)"),
        (["a"] * 4, DTypeError, "numbers"),
    ],
)
def test_weights_that_cannot_be_used(name: str, w: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        getattr(ops, name)(Tensor(P), T, sample_weight=w)


def test_no_gradient_of_weights_is_dropped_silently() -> None:
    with pytest.raises(MissingRuleError, match="sample_weight"):
        ops.huber(Tensor(P), T, sample_weight=Tensor(np.ones(4), requires_grad=True))
    found = ops.huber(Tensor(P), T, sample_weight=Tensor(np.arange(4.0)))
    assert found.item() == ops.huber(P, T, sample_weight=np.arange(4.0))


def test_weights_of_zero_sum_to_zero_without_a_mean() -> None:
    assert ops.mean_squared_error(P, T, "sum", sample_weight=np.zeros(4)) == 0.0
    with pytest.raises(ArgumentError, match="ignored"):
        ops.softmax_cross_entropy(P, CLASSES * 0, ignore_index=0)
    with pytest.raises(ArgumentError, match="weight 0"):  # one mean of several has no weight
        ops.mean_squared_error(P, T, "mean", 1, sample_weight=[1, 0, 1, 1])


@pytest.mark.parametrize("name", [*NAMES, "softmax_cross_entropy"])
def test_there_is_no_mean_of_an_empty_batch(name: str) -> None:
    with pytest.raises(ArgumentError, match="no mean of no losses"):
        getattr(ops, name)(np.zeros((0, 3)), np.zeros((0, 3)))
    assert getattr(ops, name)(np.zeros((0, 3)), np.zeros((0, 3)), "sum") == 0.0


@pytest.mark.parametrize("ignored", [2, -100, 99])
def test_ignored_rows_cost_nothing_and_are_not_counted(ignored: int) -> None:
    t, kept = np.array([0, ignored, 1, ignored]), [0, 2]
    f = ops.softmax_cross_entropy
    for e in (0.0, 0.3):
        each = f(P, t, "none", ignore_index=ignored, label_smoothing=e)
        assert_array_equal(each[[1, 3]], 0.0)
        mean = f(P, t, ignore_index=ignored, label_smoothing=e)
        assert_allclose(mean, f(P[kept], t[kept], label_smoothing=e), rtol=1e-15)
        g = slope(lambda z, e=e: f(z, t, ignore_index=ignored, label_smoothing=e), P)
        assert_array_equal(g[[1, 3]], 0.0)
        assert_allclose(
            g[kept], slope(lambda z, e=e: f(z, t[kept], label_smoothing=e), P[kept]), rtol=1e-14
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e4, np.inf])
def test_class_indices_give_bit_for_bit_what_one_hot_rows_give(dtype: Any, size: float) -> None:
    z = generator.standard_normal((37, 5)).astype(dtype) * min(dtype(size), 1e4)
    t = generator.integers(0, 5, 37)
    if size == np.inf:  # masked classes, but never that of the row
        z[np.not_equal(np.arange(5), t[:, None]) & (generator.random(z.shape) < 0.3)] = -np.inf
    leaves = Tensor(z, requires_grad=True), Tensor(z, requires_grad=True)
    found = ops.softmax_cross_entropy(leaves[0], t)
    expected = ops.softmax_cross_entropy(leaves[1], np.eye(5, dtype=dtype)[t])
    assert found.dtype == expected.dtype == dtype
    assert found.item() == expected.item()
    (3 * found).backward()
    (3 * expected).backward()
    assert leaves[0].grad is not None
    assert_array_equal(leaves[0].grad, leaves[1].grad)


def test_smoothing_mixes_the_target_with_the_uniform_distribution() -> None:
    one_hot = np.eye(3)[CLASSES]
    f = ops.softmax_cross_entropy
    mixed = f(P, 0.7 * one_hot + 0.1, "none")
    assert_allclose(f(P, CLASSES, "none", label_smoothing=0.3), mixed, rtol=1e-14)
    assert_allclose(f(P, one_hot, "none", label_smoothing=0.3), mixed, rtol=1e-14)
    assert_allclose(f(P, one_hot.astype(int), "none"), f(P, CLASSES, "none"), rtol=1e-14)


@pytest.mark.parametrize(
    ("t", "options", "error"),
    [
        (CLASSES, {"label_smoothing": -0.1}, ArgumentError),
        (CLASSES, {"label_smoothing": 1.1}, ArgumentError),
        (CLASSES, {"label_smoothing": np.nan}, ArgumentError),
        (CLASSES, {"ignore_index": 1, "sample_weight": np.ones((4, 3))}, ShapeError),
        (CLASSES + 1, {"ignore_index": 0}, ArgumentError),
        (T, {"ignore_index": 0}, ArgumentError),
        (CLASSES.astype(float), {}, ShapeError),
        (np.zeros((3, 3), int), {}, ShapeError),
    ],
)
def test_targets_and_options_that_cannot_be_used(t: Any, options: Any, error: Any) -> None:
    with pytest.raises(error, match=r"got "):
        ops.softmax_cross_entropy(Tensor(P), t, **options)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan])
def test_huber_needs_a_positive_delta(delta: float) -> None:
    with pytest.raises(ArgumentError, match="delta"):
        ops.huber(P, T, delta=delta)


@every_loss
@pytest.mark.parametrize("dtype", [bool, int, np.float64, np.float32, list])
def test_plain_targets_take_the_dtype_of_the_predictions(name: str, dtype: Any) -> None:
    t = (T > 0.5).tolist() if dtype is list else (T > 0.5).astype(dtype)
    p = Tensor(P.astype(np.float32), requires_grad=True)
    for w in (None, np.arange(4.0), np.arange(4)):
        y = getattr(ops, name)(p, t, sample_weight=w)
        (g,) = grad(y, [p], create_graph=True)
        assert y.dtype == g.dtype == np.float32
        exact = getattr(ops, name)(P, (T > 0.5).astype(float), sample_weight=w)
        assert_allclose(y.data, exact, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [800.0, 1e4])
def test_extreme_logits_raise_no_flag_in_either_order(dtype: Any, size: float) -> None:
    z = (np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0]]) * size).astype(dtype)
    t = np.array([[1.0, 0.0, 0.5], [1.0, 0.0, 0.25]]).astype(dtype)
    calls: list[Callable[..., Any]] = [
        ops.bce_with_logits,
        ops.softmax_cross_entropy,
        lambda z, t: ops.softmax_cross_entropy(z, np.array([1, 0]), label_smoothing=0.1) + 0 * t,
        lambda z, t: ops.bce_with_logits(z, t, sample_weight=[1, 2]),
    ]
    with np.errstate(all="raise"):
        for f in calls:
            leaves = [Tensor(z, requires_grad=True), Tensor(t, requires_grad=True)]
            first = grad(f(*leaves).sum(), leaves, create_graph=True)
            second = grad(sum((g * g).sum() for g in first), leaves)
            assert all(np.isfinite(g.data).all() for g in [*first, *second])


def test_a_tiny_binary_cross_entropy_is_right_in_all_digits() -> None:
    z = np.array([40.0, -40.0, 300.0, -300.0])
    assert_allclose(ops.bce_with_logits(z, z > 0, "none"), np.exp(-np.abs(z)), rtol=1e-15)
