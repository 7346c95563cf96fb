"""Reductions over nothing: NumPy's value, or an error of minidl where NumPy raises one."""

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, ops
from minidl.errors import ArgumentError, MinidlError, ShapeError

SHAPES = [(0,), (0, 3), (3, 0), (2, 0, 3), (), (1,), (2, 3)]
AXES = [None, 0, 1, -1, (), (0,), (1,), (0, 1), (1, 0), (0, 0), 5]
ORDERS = [None, 0, 1, 2, 3, -1, 0.5, np.inf, -np.inf, "fro"]


def ones(*shape: int) -> Any:
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


def outcome(f: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Return the value, or the exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*arguments, **keywords)
        except Exception as error:
            return error


def check(name: str, f: Any, library: Any, x: Any, *arguments: Any, **keywords: Any) -> None:
    """Compare a value with NumPy's, for an array and a Tensor, and look at the gradient."""
    leaf = Tensor(x, requires_grad=True)
    expected = outcome(library, x, *arguments, **keywords)
    found = outcome(f, leaf, *arguments, **keywords)
    plain = outcome(f, Tensor(x) if name.startswith("arg") else x, *arguments, **keywords)
    where = f"{name}, shape {x.shape}, {arguments}, {keywords}: {found!r} for {expected!r}"
    if isinstance(expected, Exception):
        assert isinstance(found, MinidlError), where
        assert isinstance(plain, MinidlError), where
        return
    assert not isinstance(found, Exception), where
    value = found.data if isinstance(found, Tensor) else found
    for one in (value, plain):
        assert np.shape(one) == np.shape(expected), where
        np.testing.assert_allclose(one, expected, rtol=1e-13, err_msg=where)
    if isinstance(found, Tensor):
        outcome(found.sum().backward)
        assert leaf.grad is not None, where
        assert leaf.grad.shape == x.shape, where
        assert np.isfinite(leaf.grad).all(), where


NAMES = ["sum", "mean", "max", "min", "prod", "argmax", "argmin"]
REDUCTIONS: dict[str, Any] = {name: getattr(np, name) for name in NAMES}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_are_numpy_s(name: str) -> None:
    f = getattr(Tensor if name.startswith("arg") else ops, name)
    for shape, axis, keepdims in itertools.product(SHAPES, AXES, [False, True]):
        if isinstance(axis, tuple) and name.startswith("arg"):
            continue
        check(name, f, REDUCTIONS[name], ones(*shape), axis, keepdims=keepdims)


@pytest.mark.parametrize("order", ORDERS)
def test_norms_are_numpy_s(order: Any) -> None:
    for shape, axis, keepdims in itertools.product(SHAPES, AXES, [False, True]):
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else [axis]
        if len(axes) == 2 and order in (2, -2):
            continue  # of singular values
        if 0 in shape and (order == np.inf or (order == 1 and len(axes) == 2)):
            continue  # 0, which older versions of NumPy do not return
        check("norm", ops.norm, np.linalg.norm, ones(*shape), order, axis, keepdims=keepdims)


def test_the_largest_magnitude_of_nothing_is_zero() -> None:
    x = Tensor(np.zeros((3, 0)), requires_grad=True)
    assert ops.norm(x, np.inf, axis=1).tolist() == [0, 0, 0]
    assert ops.norm(x, 1).item() == ops.norm(x, np.inf).item() == ops.norm(x.ravel()).item() == 0
    ops.norm(x, np.inf, axis=1).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (3, 0)
    for order, empty in ((-1, x), (-np.inf, x.T), (-np.inf, x.ravel())):
        with pytest.raises(ShapeError, match="min failed"):
            ops.norm(empty, order)
    with pytest.raises(ShapeError, match="axis 5"):
        ops.norm(x, np.inf, axis=5)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("ddof", [0, 1, 2, 5, 2.5])
def test_variances_are_numpy_s_or_an_error_where_it_divides_by_nothing(
    name: str, ddof: float
) -> None:
    def library(x: Any, axis: Any, **keywords: Any) -> Any:
        """Return NumPy's variance, or raise where it has no degrees of freedom."""
        y = getattr(np, name)(x, axis=axis, **keywords)
        n = np.sum(np.ones_like(x), axis=axis)
        if np.any(np.asarray(n) <= ddof):
            raise ArgumentError("too few elements")
        return y

    for shape, axis, keepdims in itertools.product(SHAPES, AXES, [False, True]):
        f = getattr(ops, name)
        check(name, f, library, ones(*shape), axis, ddof=ddof, keepdims=keepdims)


def test_the_error_of_a_variance_tells_how_many_elements_there_are() -> None:
    for f, (x, keywords, n) in itertools.product(
        [ops.var, ops.std, np.var, np.std],
        [
            (np.zeros(0), {}, "0 elements with ddof=0"),
            (np.zeros((0, 3)), {"axis": 0}, "0 elements with ddof=0"),
            (np.zeros((3, 1)), {"axis": 1, "ddof": 1}, "1 elements with ddof=1"),
            (np.zeros(2), {"correction": 2}, "2 elements with ddof=2"),
        ],
    ):
        with pytest.raises(ArgumentError, match=f"more elements than ddof: got {n}"):
            f(Tensor(x), **keywords)
    assert ops.var(np.zeros((0, 3)), axis=1, ddof=7).shape == (0,)


def test_the_logarithm_of_no_exponentials_is_minus_infinity() -> None:
    for shape, axis, result in (
        ((0, 3), 0, (3,)),
        ((0, 3), 1, (0,)),
        ((3, 0), (0, 1), ()),
        ((0, 3), (), (0, 3)),
        ((2, 0, 3), None, ()),
    ):
        x = Tensor(np.zeros(shape), requires_grad=True)
        y = ops.logsumexp(x, axis)
        assert_array_equal(y.data, np.full(result, -np.inf))
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == shape


OTHERS: dict[str, Callable[..., Any]] = {
    "cumsum": lambda t: np.cumsum(t(0, 3)),
    "cumsum of columns": lambda t: np.cumsum(t(0, 3), axis=0),
    "cumsum of rows": lambda t: np.cumsum(t(0, 3), axis=1),
    "matmul": lambda t: t(0, 3) @ t(3, 2),
    "matmul over nothing": lambda t: t(2, 0) @ t(0, 3),
    "inner product": lambda t: t(0) @ t(0),
    "vector and matrix": lambda t: t(0) @ t(0, 3),
    "batches": lambda t: t(4, 2, 0) @ t(0, 3),
    "no batches": lambda t: t(0, 2, 3) @ t(3, 2),
    "einsum": lambda t: np.einsum("ij,jk->ik", t(2, 0), t(0, 3)),
    "einsum to a number": lambda t: np.einsum("ij->", t(2, 0)),
    "trace by einsum": lambda t: np.einsum("ii", t(0, 0)),
    "dot": lambda t: np.dot(t(0), t(0)),
    "tensordot": lambda t: np.tensordot(t(2, 0), t(0, 3), 1),
    "outer": lambda t: np.outer(t(0), t(3)),
    "trace": lambda t: np.trace(t(0, 3)),
    "trace beside": lambda t: np.trace(t(3, 3), 5),
    "diagonal": lambda t: np.diagonal(t(0, 3)),
    "diag": lambda t: np.diag(t(0)),
    "concatenate": lambda t: np.concatenate([t(0, 3), t(2, 3)]),
    "stack": lambda t: np.stack([t(0), t(0)]),
    "split": lambda t: np.concatenate(np.split(t(0), 3)),
    "pad": lambda t: np.pad(t(0), 2),
    "tile": lambda t: np.tile(t(3), 0),
    "repeat": lambda t: np.repeat(t(3), 0),
    "broadcast": lambda t: np.broadcast_to(t(1, 3), (0, 3)),
    "sum of a broadcast": lambda t: np.sum(t(0, 3) * t(3), axis=0),
    "where": lambda t: np.where(np.zeros((0, 3), bool), t(0, 3), t(3)),
    "maximum": lambda t: np.maximum(t(0, 3), t(3)),
    "index": lambda t: t(3)[5:],
    "mask": lambda t: t(3)[np.zeros(3, bool)],
    "squeeze": lambda t: np.squeeze(t(1, 0)),
    "pad by nothing": lambda t: np.pad(t(0), 2, "edge"),
    "reshape by nothing": lambda t: np.reshape(t(0, 3), (0, -1)),
    "stack of nothing": lambda t: np.stack([t(0), t(1)]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_operations_on_nothing_are_numpy_s(name: str) -> None:
    leaves: list[Tensor] = []

    def leaf(*shape: int) -> Tensor:
        leaves.append(Tensor(ones(*shape), requires_grad=True))
        return leaves[-1]

    found, expected = outcome(OTHERS[name], leaf), outcome(OTHERS[name], ones)
    if isinstance(expected, Exception):
        assert isinstance(found, MinidlError)
        return
    assert_array_equal(found.data, expected)
    found.sum().backward()
    for one in leaves:
        assert one.grad is not None
        assert one.grad.shape == one.shape
        assert np.isfinite(one.grad).all()


def test_functions_of_values_take_lists_and_tuples() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    assert np.any(x, axis=(0, 1))
    assert np.zeros_like(x, shape=(4, 1)).shape == (4, 1)
    assert (x == [1.0, 1.0, 2.0]).sum() == 4
    assert (x < (1.0, 2.0, x[0, 0])).sum() == 2


def test_comparisons_and_searches_that_do_not_fit_are_shape_errors() -> None:
    x = Tensor(np.ones((2, 3)))
    for fail in (
        lambda: x > [1.0, 2.0],
        lambda: np.less(x, [1.0, 2.0]),
        lambda: x.argmax(5),
        lambda: np.argmin(Tensor([])),
        lambda: np.any(x, axis=3),
    ):
        with pytest.raises(ShapeError, match=r" failed: .*(shape|float64\[)"):
            fail()
