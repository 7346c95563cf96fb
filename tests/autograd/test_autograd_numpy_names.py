"""NumPy's other names of operations with their options: values and gradients as NumPy has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl import Tensor, grad, gradcheck

NAN = np.nan
CUBE = np.cos(2.3 * np.arange(24.0)).reshape(2, 3, 4)
GAPS = np.array([[1.5, NAN, -2.0, 0.5], [NAN, NAN, 3.0, 0.25]])
OTHER = np.array([[2.0, 1.0, NAN, 0.25], [NAN, 1.0, 4.0, 0.5]])
NEWER = hasattr(np, "cumulative_sum")  # from NumPy 2.1 on

CALLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "ptp axes": (lambda x: np.ptp(x, (0, 2), keepdims=True), CUBE),
    "percentile": (lambda x: np.percentile(x, [0, 30, 100], axis=1, keepdims=True), CUBE),
    "percentile method": (lambda x: np.percentile(x, 30, method="weibull"), CUBE),
    "quantile axes": (lambda x: np.quantile(x, [0.2, 0.7], axis=(0, -1)), CUBE),
    "median axes": (lambda x: np.median(x, axis=(0, -1), keepdims=True), CUBE),
    "average returned": (
        lambda x: np.average(x, axis=1, weights=[1, 2, 3], returned=True)[0],
        CUBE,
    ),
    "vector_norm": (np.linalg.vector_norm, CUBE),
    "vector_norm order": (lambda x: np.linalg.vector_norm(x, ord=3, axis=1), CUBE),
    "vector_norm axes": (lambda x: np.linalg.vector_norm(x, axis=(0, -1), keepdims=True), CUBE),
    "vector_norm axis": (lambda x: np.linalg.vector_norm(x, axis=-2, keepdims=True), CUBE),
    "vector_norm all": (lambda x: np.linalg.vector_norm(x, ord=np.inf, keepdims=True), CUBE),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(x, ord=1, keepdims=True), CUBE),
    "linalg.trace": (lambda x: np.linalg.trace(x, offset=1), CUBE),
    "linalg.diagonal": (lambda x: np.linalg.diagonal(x, offset=-1), CUBE),
    "linalg.matrix_transpose": (np.linalg.matrix_transpose, CUBE),
    "linalg.vecdot": (lambda x: np.linalg.vecdot(x, CUBE[::-1], axis=1), CUBE),
    "linalg.cross": (lambda x: np.linalg.cross(x, CUBE[::-1], axis=1), CUBE),
    "linalg.tensordot": (lambda x: np.linalg.tensordot(x, CUBE, axes=((0, 1), (0, 1))), CUBE),
    "matvec": (lambda x: np.linalg.matmul(x, CUBE[0, 0]), CUBE),
    "array_split": (lambda x: np.array_split(x, 3, axis=2)[1], CUBE),
    "array_split at places": (lambda x: np.array_split(x, [1, 1, 3], axis=-1)[2], CUBE),
    "dsplit": (lambda x: np.dsplit(x, [1, 3])[1], CUBE),
    "hsplit": (lambda x: np.hsplit(x, 3)[2], CUBE),
    "vsplit": (lambda x: np.vsplit(x, 2)[0], CUBE),
    "select": (lambda x: np.select([CUBE > 0.5, CUBE > 0], [x, x * x], -x), CUBE),
    "select default": (lambda x: np.select([CUBE > 0.5, CUBE > 0], [x, x * x], 7.0), CUBE),
    "nancumsum": (lambda x: np.nancumsum(x, 1), GAPS),
    "nancumprod": (np.nancumprod, GAPS),
    "fmax": (lambda x: np.fmax(x, OTHER), GAPS),
    "fmin": (lambda x: np.fmin(OTHER, x), GAPS),
    "nanmax": (lambda x: np.nanmax(x, axis=0), GAPS[:, 2:]),
    "around": (lambda x: np.around(x, 1), CUBE),
    "rint": (np.rint, CUBE),
    "deg2rad": (np.radians, CUBE),
    "rad2deg": (np.degrees, CUBE),
    "divmod": (lambda x: np.divmod(x, 0.3)[1], CUBE),
    "take": (lambda x: np.take(x, [[0, -1]], axis=1, mode="wrap"), CUBE),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(CUBE, 1), axis=1), CUBE),
    "sort": (lambda x: np.sort(x, axis=0, kind="mergesort"), CUBE),
    "sort stable": (lambda x: np.sort(x, stable=True), CUBE),
    "vecdot axis": (lambda x: np.vecdot(x, CUBE[::-1], axis=1), CUBE),
    "rot90": (lambda x: np.rot90(x, axes=(1, 2)), CUBE),
    "diff": (lambda x: np.diff(x, 2, axis=1, prepend=0.0), CUBE),
}
if NEWER:
    CALLS |= {
        "cumulative_sum": (lambda x: np.cumulative_sum(x, axis=-1, include_initial=True), CUBE),
        "cumulative_prod": (lambda x: np.cumulative_prod(x, axis=1, include_initial=True), CUBE),
        "unstack": (lambda x: np.unstack(x, axis=1)[1], CUBE),
    }


@pytest.mark.parametrize("name", CALLS)
def test_a_name_of_numpy_has_its_values_and_the_right_gradient(name: str) -> None:
    f, data = CALLS[name]
    x = Tensor(data, requires_grad=True)
    y, expected = f(x), f(data)
    assert y.requires_grad
    assert y.shape == np.shape(expected)
    assert_allclose(y.data, expected, rtol=1e-14, atol=1e-14)
    if np.isnan(data).any():
        g = grad(y, x, np.where(np.isnan(expected), 0.0, 1.0)).data
        assert np.isfinite(g).all()
        assert not g[np.isnan(data)].any()
    else:
        assert gradcheck(f, x)


def test_the_sum_of_the_weights_of_an_average_is_returned_on_request() -> None:
    mean, total = np.average(Tensor(CUBE), axis=1, weights=[1, 2, 3], returned=True)
    assert_allclose(mean.data, np.average(CUBE, axis=1, weights=[1, 2, 3]))
    assert np.all(total == 6)


def test_many_ties_are_sorted_in_their_order() -> None:
    x = Tensor(np.repeat([[2.0, 1.0]], 100, axis=0).ravel(), requires_grad=True)
    g = grad(np.sort(x), x, np.arange(200.0)).data
    assert g.tolist() == [n for k in range(100) for n in (100 + k, k)]
    assert x.argsort().tolist() == [*range(1, 200, 2), *range(0, 200, 2)]
