"""Rounding, order statistics, stacks and matrices: edges that the table of examples leaves out."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, ops
from minidl.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
    UnknownNameError,
)

X = np.array([[3.7, -1.2, 0.4], [2.5, -2.6, 5.1]])
NAN, INF = math.nan, math.inf


def leaf(data: Any = X) -> Tensor:
    return Tensor(data, requires_grad=True)


def slope(f: Callable[..., Any], *values: Any) -> list[Any]:
    """Return the gradient for each argument, with every flag of NumPy raised."""
    leaves = [leaf(value) for value in values]
    with np.errstate(all="raise"):
        return [g.data.tolist() for g in grad(f(*leaves).sum(), leaves)]


# -- Python's operators -----------------------------------------------------------------------

OPERATORS: dict[str, Callable[[Any], Any]] = {
    "t % 2": lambda t: t % 2,
    "7.5 % t": lambda t: 7.5 % t,
    "t % t": lambda t: t % (t + 0.3),
    "t // 2": lambda t: t // 2,
    "7.5 // t": lambda t: 7.5 // t,
    "divmod": lambda t: divmod(t, 2)[1],
    "divmod of a number": lambda t: divmod(7.5, t)[0],
    "array % t": lambda t: X % t,
    "t % array": lambda t: t % X[0],
    "+t": operator.pos,
    "-t": operator.neg,
    "abs": abs,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_of_python_is_an_operation(name: str) -> None:
    y = OPERATORS[name](leaf())
    assert isinstance(y, Tensor)
    assert_array_equal(y.data, OPERATORS[name](X))


def test_the_remainder_has_the_slopes_1_and_minus_the_quotient() -> None:
    assert slope(operator.mod, [7.5, -7.5], [2.0, 2.0]) == [[1, 1], [-3, 4]]
    assert slope(np.fmod, [7.5, -7.5], [2.0, 2.0]) == [[1, 1], [-3, 3]]
    assert slope(operator.floordiv, [7.5, -7.5], [2.0, 2.0]) == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("a", "b"),
    [(1.0, 0.1), (0.6, 0.2), (-1.0, 0.1), (1.0, -0.1), (5e-324, 2.0), (1e17, 0.7), (3.0, np.inf)],
)
def test_the_slope_of_a_remainder_is_that_of_its_value(a: float, b: float) -> None:
    # a / b is rounded, to 10 for 1 / 0.1; fractions are exact.
    quotient = (Fraction(a) - Fraction(float(np.fmod(a, b)))) / Fraction(b) if b < np.inf else 0
    assert slope(np.fmod, [a], [b]) == [[1], [-float(round(quotient))]]
    floor = math.floor(Fraction(a) / Fraction(b)) if b < np.inf else 0
    assert slope(operator.mod, [a], [b]) == [[1], [-float(floor)]]


def test_remainders_of_many_numbers_have_the_slopes_of_their_values() -> None:
    a, b = np.arange(1.0, 200) / 10, np.array([[0.1], [0.3], [-0.7], [0.01]])
    for f, whole in ((np.fmod, math.trunc), (np.remainder, math.floor)):
        a_leaf, b_leaf = Tensor(a), Tensor(b * np.ones_like(a), requires_grad=True)
        f(a_leaf, b_leaf).sum().backward()
        exact = [[-whole(Fraction(x) / Fraction(y)) for x in a] for y in b[:, 0]]
        assert_array_equal(b_leaf.grad, np.array(exact, float))


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (round, np.round(X)),
        (lambda t: round(t, 1), X),
        (lambda t: round(t, -1), np.round(X, -1)),
        (np.floor, np.floor(X)),
        (np.ceil, np.ceil(X)),
        (np.trunc, np.trunc(X)),
    ],
)
def test_rounding_gives_a_tensor_with_gradient_zero(rounding: Any, expected: Any) -> None:
    x = leaf()
    y = rounding(x)
    assert_allclose(y.data, expected, rtol=1e-15)
    assert_array_equal(grad(y.sum(), x).data, 0 * X)
    assert slope(rounding, [1.0, 0.0, -2.0]) == [[0, 0, 0]]  # on the steps as well


def test_rounding_of_an_infinite_gradient_is_zero() -> None:
    x = leaf([0.5])
    with np.errstate(divide="ignore"):
        assert grad(ops.sqrt(ops.floor(x)).sum(), x).data.tolist() == [0]


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_operators_of_bits_say_that_comparisons_come_first(name: str) -> None:
    operate = getattr(operator, name)
    for fail in (lambda: operate(leaf(), 1), lambda: operate(True, leaf())):
        with pytest.raises(MissingRuleError, match=r"no operator .*\(x > 0\) & \(x < 1\)"):
            fail()
    with pytest.raises(MissingRuleError, match=r"bitwise.*\(x > 0\) & \(x < 1\)"):
        operate(X > 0, leaf())
    with pytest.raises(MissingRuleError, match="no operator ~"):
        _ = ~leaf()


# -- methods ----------------------------------------------------------------------------------

METHODS: dict[str, Callable[[Any], Any]] = {
    "take": lambda x: x.take([0, 4, 0]),
    "take axis": lambda x: x.take([1, 1], axis=0),
    "copy": lambda x: x.copy(),
    "ravel": lambda x: x.ravel(),
    "diagonal": lambda x: x.diagonal(1),
    "trace": lambda x: x.trace(),
    "round": lambda x: x.round(1),
    "round whole": lambda x: x.round(),
    "repeat": lambda x: x.repeat(2, axis=1),
    "cumprod": lambda x: x.cumprod(axis=1),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "conj": lambda x: x.conj().conjugate(),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_arrays_is_one_of_tensors(name: str) -> None:
    x = leaf()
    y = METHODS[name](x)
    assert y.requires_grad
    assert_allclose(y.data, METHODS[name](X), rtol=1e-15)


def test_argsort_gives_integers() -> None:
    for order in (leaf().argsort(), np.argsort(leaf()), leaf().argsort(axis=-1)):
        assert_array_equal(order, np.argsort(X), strict=True)
    assert leaf([2.0, 1.0, 1.0, 2.0]).argsort().tolist() == [1, 2, 0, 3]
    assert_array_equal(leaf().argsort(None), np.argsort(X, None))


def test_methods_of_values_give_arrays() -> None:
    x = leaf([[0.0, 1.0], [0.0, 0.0]])
    assert (bool(x.any()), bool(x.all())) == (True, False)
    assert x.any(axis=1).tolist() == [True, False]
    assert x.all(axis=0, keepdims=True).tolist() == [[False, False]]
    assert [places.tolist() for places in x.nonzero()] == [[0], [1]]


@pytest.mark.parametrize(
    ("method", "arguments", "hint"),
    [
        ("sort", (), r"np\.sort\(x\)"),
        ("partition", (1,), r"np\.sort\(x\)"),
        ("fill", (0.0,), "full_like"),
        ("resize", ((3,),), "reshape"),
        ("put", ([0], [1.0]), r"np\.where"),
    ],
)
def test_methods_that_write_in_place_are_refused(method: str, arguments: Any, hint: str) -> None:
    x = leaf()
    with pytest.raises(GraphError, match=rf"x\.{method}\(.*in place.*{hint}"):
        getattr(x, method)(*arguments)
    assert_array_equal(x.data, X)


def test_a_copy_shares_no_memory() -> None:
    x = leaf()
    assert not np.shares_memory(x.copy().data, x.data)
    assert not np.shares_memory(np.copy(x).data, x.data)


@pytest.mark.parametrize("name", ["vstack", "hstack", "dstack", "column_stack", "concatenate"])
def test_lists_may_mix_tensors_arrays_and_lists(name: str) -> None:
    x, f = leaf(), getattr(np, name)
    for given in ([x, X], [X, x], (x, X.tolist(), x), [X.tolist(), x]):
        y = f(given)
        assert_array_equal(y.data, f([np.asarray(v.data if v is x else v) for v in given]))
        assert_array_equal(grad(y.sum(), x).data, np.full_like(X, sum(v is x for v in given)))
    assert_array_equal(f(x).data, f(X))  # the rows of one array


# -- what is not finite -----------------------------------------------------------------------


def test_reductions_that_leave_out_nan_send_it_gradient_zero() -> None:
    x = [[1.0, NAN, 3.0], [NAN, NAN, NAN]]
    assert slope(lambda t: ops.nansum(t, 1), x) == [[[1, 0, 1], [0, 0, 0]]]
    assert slope(lambda t: ops.nanprod(t, 1), x) == [[[3, 0, 1], [0, 0, 0]]]
    assert slope(lambda t: ops.nanmax(t, 1), x) == [[[0, 0, 1], [0, 0, 0]]]
    assert slope(lambda t: ops.nanmin(t, 1), x) == [[[1, 0, 0], [0, 0, 0]]]
    assert slope(lambda t: ops.nanmean(t, 1), x) == [[[0.5, 0, 0.5], [0, 0, 0]]]
    with np.errstate(all="raise"):
        assert_array_equal(ops.nanmean(leaf(x), axis=1).data, [2, NAN])
        assert_array_equal(ops.nanmax(leaf(x), axis=1).data, [3, NAN])
        assert_array_equal(ops.nanmin(leaf(x), axis=1, keepdims=True).data, [[1], [NAN]])
        assert_array_equal(ops.nansum(leaf(x), axis=1).data, [4, 0])
        assert_array_equal(ops.nanprod(leaf(x), axis=1).data, [3, 1])
    assert slope(ops.nanmax, [INF, NAN, 1.0]) == [[1, 0, 0]]
    assert slope(ops.nanmax, [2.0, NAN, 2.0]) == [[0.5, 0, 0.5]]


def test_nan_to_num_replaces_and_cuts_the_gradient() -> None:
    x = [NAN, INF, -INF, 1.5]
    largest = np.finfo(np.float64).max
    assert ops.nan_to_num(leaf(x)).data.tolist() == [0, largest, -largest, 1.5]
    y = np.nan_to_num(leaf(x), nan=7.0, posinf=8.0, neginf=-8.0)
    assert y.data.tolist() == [7, 8, -8, 1.5]
    assert slope(ops.nan_to_num, x) == [[0, 0, 0, 1]]
    assert ops.nan_to_num(leaf(np.float32([INF]))).data[0] == np.finfo(np.float32).max


def test_a_nan_makes_a_median_nan_and_gets_its_gradient() -> None:
    x = [[3.0, 1.0, 2.0], [3.0, NAN, 1.0]]
    assert_array_equal(ops.median(leaf(x), axis=1).data, [2, NAN])
    assert slope(lambda t: ops.median(t, 1), x) == [[[0, 0, 1], [0, 1, 0]]]
    assert_array_equal(ops.sort(leaf(x)).data, np.sort(x))


def test_a_quantile_beside_infinity_is_that_of_the_elements_it_lies_between() -> None:
    with np.errstate(all="raise"):
        assert ops.median(leaf([1.0, 2.0, INF])).item() == 2
        assert ops.quantile(leaf([-INF, 2.0, INF]), [0.0, 0.5, 1.0]).data.tolist() == [-INF, 2, INF]
        assert ops.median(leaf([1.0, INF])).item() == INF
    assert slope(ops.median, [1.0, 2.0, INF]) == [[0, 1, 0]]


def test_ties_of_order_statistics_go_to_the_first_element_in_a_stable_order() -> None:
    assert slope(lambda t: ops.sort(t) * [1.0, 2.0, 3.0], [1.0, 1.0, 0.0]) == [[2, 3, 1]]
    assert slope(ops.median, [1.0, 1.0, 1.0]) == [[0, 1, 0]]
    assert slope(ops.median, [1.0, 1.0, 1.0, 1.0]) == [[0, 0.5, 0.5, 0]]


def test_cumulative_sums_of_exponentials_start_from_nothing_and_meet_infinity() -> None:
    x = [-INF, -INF, 1.0, INF, 2.0]
    assert ops.logcumsumexp(leaf(x)).data.tolist() == [-INF, -INF, 1, INF, INF]
    x = leaf([800.0, 900.0, -800.0])
    y = ops.logcumsumexp(x)
    assert_allclose(y.data, [800, 900, 900])
    assert_allclose(grad(y, x, [0.0, 1.0, 1.0]).data, [0, 2, 0], atol=1e-40)


def test_cumprod_is_exact_at_zeros() -> None:
    x = leaf([2.0, 0.0, 3.0, 0.0, 5.0])
    y = ops.cumprod(x)
    assert y.data.tolist() == [2, 0, 0, 0, 0]
    assert grad(y, x, np.ones(5)).data.tolist() == [1, 2 + 6, 0, 0, 0]
    y = ops.cumprod(x)
    assert grad(y, x, [0.0, 0.0, 0.0, 0.0, 1.0]).data.tolist() == [0, 0, 0, 0, 0]


# -- special functions ------------------------------------------------------------------------


def test_sinc_keeps_its_precision_near_zero_in_both_derivatives() -> None:
    x = np.array([0.0, 1e-300, 1e-9, 1e-5, 0.01, 0.3, 0.49999, 0.50001, 1.0, 7.3])
    t = leaf(x)
    with np.errstate(under="ignore"):
        first = grad(ops.sinc(t).sum(), t, create_graph=True)
        second = grad(first.sum(), t)
    u = np.longdouble(np.pi) ** 2 * np.longdouble(x) ** 2  # (pi x)^2, in series of 60 terms
    factors = [(-1) ** k / np.longdouble(math.factorial(2 * k + 1)) for k in range(60)]
    slopes = sum(2 * k * f * u ** (k - 1) for k, f in enumerate(factors) if k) * x * np.pi**2
    bends = sum(2 * k * (2 * k - 1) * f * u ** (k - 1) for k, f in enumerate(factors) if k)
    assert_allclose(first.data[:-1], slopes[:-1].astype(float), rtol=1e-14, atol=0)
    assert_allclose(second.data[:-1], (bends * np.pi**2)[:-1].astype(float), rtol=1e-13)
    assert_allclose(first.data[-1], (np.cos(np.pi * 7.3) - np.sinc(7.3)) / 7.3, rtol=1e-13)


def test_small_and_extreme_values_of_the_special_functions() -> None:
    assert_allclose(ops.logit(leaf([0.5 + 1e-10, 1e-300])).data, [4e-10, -690.7755278982137], 1e-6)
    with np.errstate(divide="ignore"):
        assert ops.logit(leaf([0.0, 1.0])).data.tolist() == [-INF, INF]
        assert slope(lambda t: t, 0.0) == [1]
    assert_allclose(ops.erfc(leaf(10.0)).item(), 2.088487583762545e-45, rtol=1e-14)
    a, b = np.array([0.1, 1e17, -3.0]), np.array([0.7, 1.0, 3e-17])
    assert_array_equal(ops.lerp(leaf(a), b, 0.0).data, a)
    assert_array_equal(ops.lerp(leaf(a), b, 1.0).data, b)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (ops.relu6, [0, 0, 1, 1, 0, 0]),
        (ops.hardsigmoid, [0, 1 / 6, 1 / 6, 0, 0, 0]),
        (ops.hardswish, [0, 0.5, 5 / 6, 1, 1, 1]),
        (lambda x: ops.softshrink(x, 3.0), [0, 0, 0, 0, 1, 1]),
        (lambda x: ops.prelu(x, 0.25), [0.25, 0.25, 1, 1, 1, 1]),
    ],
)
def test_slopes_at_the_kinks_are_those_of_pytorch(f: Any, expected: list[float]) -> None:
    assert_allclose(slope(f, [-3.0, 0.0, 1.0, 3.0, 6.0, 7.0]), [expected], rtol=1e-15)


# -- matrices ---------------------------------------------------------------------------------

RANK_1 = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]])
RANK_2 = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])


def test_the_gradient_of_a_zero_determinant_is_the_matrix_of_cofactors() -> None:
    assert slope(ops.det, [[1.0, 2.0], [2.0, 4.0]]) == [[[4, -2], [-2, 1]]]
    assert_allclose(slope(ops.det, RANK_2)[0], [[4, 4, -4], [-2, -2, 2], [0, 0, 0]], atol=1e-13)
    assert_allclose(slope(ops.det, RANK_1)[0], np.zeros((3, 3)), atol=1e-13)
    assert slope(ops.det, [[0.0]]) == [[[1]]]
    assert slope(ops.det, np.zeros((2, 2))) == [[[0, 0], [0, 0]]]
    mixed = np.array([RANK_2, np.eye(3), np.diag([2.0, 0.0, 5.0])])
    found = slope(ops.det, mixed)[0]
    assert_allclose(found[1:], [np.eye(3), np.diag([0.0, 10.0, 0.0])], atol=1e-13)


def test_the_second_derivative_of_a_zero_determinant() -> None:
    x = leaf(np.zeros((2, 2)))
    first = grad(ops.det(x), x, create_graph=True)  # [[d, -c], [-b, a]]
    assert grad(first, x, [[1.0, 2.0], [3.0, 4.0]]).data.tolist() == [[4, -3], [-2, 1]]


def test_singular_matrices_are_errors_where_there_is_no_result() -> None:
    for a in (np.zeros((2, 2)), np.ones((3, 2, 2))):
        for given in (a, leaf(a)):
            with pytest.raises(ArgumentError, match=r"inv needs an invertible .*singular.*np\.eye"):
                ops.inv(given)
            with pytest.raises(ArgumentError, match="solve needs an invertible"):
                ops.solve(given, np.ones(2))
    sign, log = ops.slogdet(leaf(np.zeros((2, 2))))
    assert (sign.item(), log.item()) == (0, -INF)
    with pytest.raises(ArgumentError, match="singular"):
        log.backward()
    large = leaf(np.zeros((65, 65)))
    with pytest.raises(ArgumentError, match=r"order 65 is 0.*slogdet"):
        ops.det(large).backward()


def test_slogdet_has_names_and_does_not_underflow() -> None:
    found = np.linalg.slogdet(leaf(-1e-3 * np.eye(201)))
    assert found.sign.item() == -1
    assert found.logabsdet.item() == pytest.approx(-201 * math.log(1e3))
    assert_allclose(slope(lambda a: ops.slogdet(a).logabsdet, np.diag([2.0, -4.0])),
                    [np.diag([0.5, -0.25])])  # fmt: skip


# -- arguments --------------------------------------------------------------------------------

T, V = leaf(), leaf([1.0, 2.0, 3.0])
FAILURES: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "take of a float": (DTypeError, "integers.*float64", lambda: np.take(V, 1.5)),
    "take of a mask": (DTypeError, r"integers.*bool.*x\[mask\]", lambda: np.take(V, [True])),
    "take beyond the end": (OutOfRangeError, "index 3.*size 3", lambda: np.take(V, 3)),
    "take axis": (ShapeError, "axis 2", lambda: np.take(T, 0, axis=2)),
    "take mode": (UnknownNameError, "'wrp'.*'wrap'", lambda: np.take(V, 3, mode="wrp")),
    "take with out": (MissingRuleError, "'out'.*take", lambda: np.take(V, 0, out=X)),
    "take_along_axis": (
        ShapeError,
        r"\(3,\), expected the shape of the array, \(2, 3\).*np\.take\.",
        lambda: np.take_along_axis(T, np.array([0, 1, 0]), axis=1),
    ),
    "sort axis": (ShapeError, "axis 2", lambda: np.sort(T, axis=2)),
    "sort of a number": (ShapeError, "axis -1", lambda: np.sort(leaf(1.0))),
    "sort kind": (ShapeError, "sort", lambda: np.sort(T, kind="nonsense")),  # type: ignore[call-overload]
    "quantile above 1": (
        ArgumentError,
        r"q must be from 0 to 1, got 1\.5",
        lambda: ops.quantile(V, 1.5),
    ),
    "quantile of nan": (ArgumentError, "q must be .*nan", lambda: ops.quantile(V, NAN)),
    "quantile of text": (ArgumentError, "q must be ", lambda: ops.quantile(V, "0.5")),
    "quantile method": (
        UnknownNameError,
        "'linar'.*'linear'",
        lambda: ops.quantile(V, 0.5, method="linar"),
    ),
    "quantile of a tensor": (
        MissingRuleError,
        "respect to q.*detach",
        lambda: ops.quantile(V, leaf(0.5)),
    ),
    "percentile": (
        ArgumentError,
        "q must be from 0 to 100, got 101",
        lambda: np.percentile(V, 101),
    ),
    "median of nothing": (ArgumentError, r"at least one.*\(0,\)", lambda: np.median(leaf([]))),
    "median axis": (ShapeError, "axis 2", lambda: np.median(T, axis=2)),
    "vstack of other lengths": (ShapeError, "3.*2", lambda: np.vstack([V, leaf([1.0, 2.0])])),
    "vstack of nothing": (ShapeError, "vstack needs at least one array", lambda: ops.vstack([])),
    "hstack of a number": (DTypeError, r"hstack needs a list", lambda: ops.hstack(1.5)),  # type: ignore[arg-type]
    "append": (ShapeError, "append|concatenate", lambda: np.append(T, V, axis=0)),
    "meshgrid": (UnknownNameError, "'yx'.*xy", lambda: np.meshgrid(V, V, indexing="yx")),  # type: ignore[call-overload]
    "diff of a number": (ShapeError, "axis -1", lambda: np.diff(leaf(1.0))),
    "diff n": (ArgumentError, "n must be an integer >= 0, got -1", lambda: np.diff(V, -1)),
    "diff with a half": (ArgumentError, "n must be an integer", lambda: ops.diff(V, 1.5)),  # type: ignore[arg-type]
    "fliplr": (ShapeError, r"\(3,\).*2 axes", lambda: np.fliplr(V)),
    "rot90 axes": (ShapeError, "two different axes", lambda: np.rot90(T, 1, (1, -1))),
    "rot90 half": (DTypeError, r"k must be an integer.*1\.5", lambda: np.rot90(T, 1.5)),  # type: ignore[arg-type]
    "average": (
        ShapeError,
        r"weights \(2,\), a \(2, 3\).*a vector and its axis",
        lambda: np.average(T, weights=np.ones(2)),
    ),
    "average of no weight": (
        ArgumentError,
        "weights must not sum to 0",
        lambda: np.average(V, weights=[1.0, -1.0, 0.0]),
    ),
    "cumprod axis": (ShapeError, "axis 2", lambda: np.cumprod(T, 2)),
    "cross": (
        ShapeError,
        r"three elements: got 2 and 2.*a\[\.\.\., 0\]",
        lambda: ops.cross(V[:2], V[:2]),
    ),
    "kron": (DTypeError, "kron|multiply", lambda: ops.kron(V, "a")),
    "vecdot": (ShapeError, r"\(3,\), \(2,\)", lambda: ops.vecdot(V, V[:2])),
    "multi_dot": (ShapeError, "two arrays", lambda: ops.multi_dot([V])),
    "linalg.outer": (ShapeError, r"vectors.*\(2, 3\).*np\.outer", lambda: np.linalg.outer(T, V)),
    "matrix_transpose": (ShapeError, r"matrices.*\(3,\)", lambda: np.matrix_transpose(V)),
    "det": (ShapeError, r"square.*\(2, 3\)", lambda: np.linalg.det(T)),
    "det of a vector": (ShapeError, r"square.*\(3,\)", lambda: np.linalg.det(V)),
    "inv of a list": (ShapeError, "square", lambda: ops.inv([[1.0, 2.0]])),
    "inv of text": (DTypeError, "is not a real number", lambda: ops.inv([["a"]])),
    "solve": (
        ShapeError,
        r"A \(3, 3\), B \(2,\).*\(3,\) or",
        lambda: ops.solve(leaf(np.eye(3)), V[:2]),
    ),
    "glu": (ShapeError, r"even length.*\(2, 3\).*axis -1 has length 3", lambda: ops.glu(T)),
    "glu axis": (ShapeError, "axis 5", lambda: ops.glu(T, 5)),
    "softshrink": (
        ArgumentError,
        "lambd must be a number >= 0, got -1",
        lambda: ops.softshrink(T, -1),
    ),
    "prelu": (ShapeError, r"float64\[2, 3\]", lambda: ops.prelu(T, np.ones(2))),
    "remainder": (ShapeError, r"remainder .*float64\[2, 3\]", lambda: T % np.ones(2)),
    "round": (DTypeError, "round .*'a'", lambda: ops.round(T, "a")),  # type: ignore[arg-type]
    "split": (
        ShapeError,
        "vsplit needs more",
        lambda: np.vsplit(leaf(1.0), 1),
    ),
    "select": (ShapeError, "2 and 1", lambda: np.select([X > 0, X < 0], [T])),
    "floor of text": (DTypeError, "floor failed.*'a'", lambda: ops.floor("a")),
    "relu6 of ragged rows": (ShapeError, "rectangular", lambda: ops.relu6([[1.0, 2.0], [3.0]])),
    "copy of two": (MissingRuleError, "copy: .*copy\\(a\\)", lambda: ops.copy(T, 1)),  # type: ignore[call-arg]
}


if hasattr(np, "cumulative_sum"):  # from NumPy 2.1 on
    message = r"cumulative_sum needs an axis.*\(2, 3\).*axis=0"
    FAILURES["cumulative_sum"] = (ShapeError, message, lambda: np.cumulative_sum(T))


@pytest.mark.parametrize("name", FAILURES)
def test_a_wrong_argument_is_an_error_in_minidl_s_words(name: str) -> None:
    kind, pattern, fail = FAILURES[name]
    with pytest.raises(kind, match=pattern) as caught:
        fail()
    assert type(caught.value) is kind


def test_full_like_repeats_a_tensor_with_its_gradient() -> None:
    t = leaf(2.0)
    y = np.full_like(leaf(), t)
    assert_array_equal(y.data, np.full((2, 3), 2.0))
    assert grad(y.sum(), t).item() == 6
    assert_array_equal(np.full_like(leaf(), 7.0), np.full((2, 3), 7.0))


def test_float32_stays_beside_python_numbers() -> None:
    x = leaf(X.astype(np.float32))
    for y in (
        x % 2, x // 2, divmod(x, 2)[0], round(x, 1), np.append(x, 1.5), np.diff(x, prepend=0.0),
        np.median(x), np.quantile(x, 0.3), np.average(x, 1, [1, 2, 1]), ops.lerp(x, 2.0, 0.5),
        ops.prelu(x, 0.1), ops.nan_to_num(x, nan=1.0), np.select([X > 0], [x], 0.5),
        np.fmax(x, 1.0),
    ):  # fmt: skip
        assert y.dtype == np.float32
