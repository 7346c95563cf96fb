"""Elementwise rules where the textbook formula overflows, cancels or divides zero by zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, ops
from minidl.errors import ArgumentError, UnknownNameError

Functions = Callable[..., Any]


def slopes(f: Functions, *values: Any, seed: Any = None) -> list[Any]:
    """Return the gradients of f at these values, computed with every flag raised."""
    leaves = [Tensor(value, requires_grad=True) for value in values]
    with np.errstate(all="raise"):
        y = f(*leaves)
        return [g.data for g in grad(y, leaves, np.ones(y.shape) if seed is None else seed)]


def curvature(f: Functions, value: Any) -> Any:
    x = Tensor(value, requires_grad=True)
    with np.errstate(all="raise"):
        first = grad(f(x).sum(), x, create_graph=True)
        return grad(first.sum(), x).data


TAIL = np.array([-600.0, -300.0, -40.0, -3.0, -1e-9])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (ops.elu, np.exp),
        (lambda x: ops.elu(x, 0.7), lambda x: 0.7 * np.exp(x)),
        (lambda x: ops.celu(x, 2.0), lambda x: np.exp(x / 2)),
        (ops.selu, lambda x: 1.0507009873554805 * 1.6732632423543772 * np.exp(x)),
        (ops.expm1, np.exp),
        (ops.softplus, lambda x: np.exp(x) / (1 + np.exp(x))),
        (lambda x: ops.logsigmoid(-x), lambda x: -np.exp(x) / (1 + np.exp(x))),
        (lambda x: ops.logaddexp(x, 0.0), lambda x: np.exp(x) / (1 + np.exp(x))),
    ],
)
def test_slopes_that_decay_keep_their_relative_precision(f: Functions, slope: Functions) -> None:
    assert_allclose(slopes(f, TAIL)[0], slope(TAIL), rtol=1e-14, atol=0)


@pytest.mark.parametrize("f", [ops.elu, lambda x: ops.celu(x, 1.0)])
def test_curvatures_that_decay_keep_their_relative_precision(f: Functions) -> None:
    assert_allclose(curvature(f, TAIL), np.exp(TAIL), rtol=1e-14, atol=0)


def test_gelu_keeps_its_relative_precision_far_left() -> None:
    """Against the asymptotic series of Mills's ratio: Phi(x) = phi(x) (1/|x| - 1/|x|^3 + ...)."""
    x = np.array([-35.0, -30.0, -25.0])
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    r, terms, term = 1 / (x * x), 0.0 * x, 1.0 / np.abs(x)
    for k in range(12):
        terms, term = terms + term, -term * (2 * k + 1) * r
    assert_allclose(ops.gelu(x), x * density * terms, rtol=1e-12, atol=0)
    assert_allclose(slopes(ops.gelu, x)[0], density * (terms + x), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("f", "scaled"),
    [
        (ops.arcsinh, lambda x: 1 / np.abs(x)),
        (ops.arccosh, lambda x: 1 / np.abs(x)),
        (ops.arctan, lambda x: 1 / x / x),
        (ops.log10, lambda x: np.log10(np.e) / x),
        (ops.log2, lambda x: np.log2(np.e) / x),
        (ops.reciprocal, lambda x: -1 / x / x),
        (ops.softsign, lambda x: 1 / x / x),
        (ops.erf, lambda x: 0 * x),
        (ops.gelu, lambda x: 1 + 0 * x),
        (lambda x: ops.gelu(x, approximate="tanh"), lambda x: 1 + 0 * x),
        (ops.silu, lambda x: 1 + 0 * x),
        (ops.mish, lambda x: 1 + 0 * x),
    ],
)
def test_slopes_at_huge_inputs_do_not_overflow(f: Functions, scaled: Functions) -> None:
    x = np.array([1e150, 1e200, 1e300])
    with np.errstate(under="ignore"):
        assert_allclose(slopes(f, x)[0], scaled(x), rtol=1e-14, atol=0)
    assert np.all(np.isfinite(curvature(f, x)))
    assert np.all(np.isfinite(slopes(f, np.float32([1e15, 1e20, 1e37]))[0]))
    if f is not ops.arccosh and f not in (ops.log10, ops.log2):
        assert np.all(np.isfinite(slopes(f, -x)[0]))


QUIET: list[Functions] = [
    ops.exp,
    ops.expm1,
    ops.erf,
    ops.sigmoid,
    ops.logsigmoid,
    ops.leaky_relu,
    lambda x: ops.elu(x, 0.7),
    lambda x: ops.celu(x, 0.7),
    ops.selu,
    ops.gelu,
    lambda x: ops.gelu(x, approximate="tanh"),
    ops.silu,
    ops.mish,
    ops.softplus,
    ops.softsign,
    ops.softmax,
    ops.log_softmax,
    lambda x: ops.logaddexp(x, 0.0),
    lambda x: ops.exp2(ops.clip(x, None, 0.0)),
    ops.erfc,
    ops.sinc,
    ops.relu6,
    ops.hardsigmoid,
    ops.hardswish,
    ops.softshrink,
    lambda x: ops.prelu(x, 0.3),
    lambda x: ops.glu(ops.stack([x, x]), 0),
    ops.logcumsumexp,
]


@pytest.mark.parametrize("f", QUIET)
@pytest.mark.parametrize(
    "x",
    [
        np.array([1.1e-310, -1.1e-310, 5e-324, -38.2, -15.7, -355.3, -709.3, -740.5, -745.2]),
        np.float32([1.1e-40, -1.1e-40, 1e-45, -13.9, -6.8, -44.3, -88.3, -100.5, -104.2]),
    ],
    ids=["float64", "float32"],
)
def test_results_below_the_normal_numbers_raise_no_flag(f: Functions, x: Any) -> None:
    assert np.all(np.isfinite(slopes(f, x)[0]))
    assert np.all(np.isfinite(curvature(f, x)))


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200, 1e-310])
def test_hypot_has_the_cosines_as_slopes_at_any_scale(scale: float) -> None:
    a, b = slopes(ops.hypot, 3 * scale, -4 * scale)
    assert_allclose([a, b], [0.6, -0.8], rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_arctan2_has_its_slopes_at_any_scale(scale: float) -> None:
    a, b = slopes(ops.arctan2, 3 * scale, -4 * scale)
    assert_allclose([a * scale, b * scale], [-4 / 25, -3 / 25], rtol=1e-14)


@pytest.mark.parametrize("f", [ops.hypot, ops.arctan2])
def test_at_the_origin_length_and_angle_have_gradient_zero(f: Functions) -> None:
    with np.errstate(all="raise"):
        x = Tensor(np.zeros((2, 2)), requires_grad=True)
        g = grad(f(x[0], x[1]).sum(), x, create_graph=True)
        assert_array_equal(g.data, np.zeros((2, 2)))
        assert_array_equal(grad(g, x, np.ones((2, 2))).data, np.zeros((2, 2)))


@pytest.mark.parametrize("tie", [-np.inf, -800.0, 0.0, 800.0, np.inf])
def test_logaddexp_shares_the_gradient_of_equal_arguments_equally(tie: float) -> None:
    assert slopes(ops.logaddexp, tie, tie) == [0.5, 0.5]


def test_logaddexp_of_one_infinity_gives_all_to_the_larger() -> None:
    assert slopes(ops.logaddexp, -np.inf, 2.0) == [0, 1]
    assert slopes(ops.logaddexp, np.inf, 2.0) == [1, 0]
    x = Tensor([1.5, 1.5], requires_grad=True)
    first = grad(ops.logaddexp(x[0], x[1]), x, create_graph=True)
    assert grad(first[0], x).data.tolist() == [0.25, -0.25]


@pytest.mark.parametrize("g", [np.inf, -np.inf, 1e308, np.nan])
def test_a_gradient_of_zero_stays_zero_whatever_arrives(g: float) -> None:
    seed = np.full(3, g)
    assert_array_equal(slopes(ops.sign, [-1.0, 0.0, 2.0], seed=seed)[0], np.zeros(3))
    assert_array_equal(slopes(lambda x: ops.clip(x, -1, 1), [-2.0, 0, 2], seed=seed)[0], [0, g, 0])
    chosen = np.array([True, False, True])
    a, b = slopes(lambda a, b: ops.where(chosen, a, b), [1.0, np.nan, 1], [np.inf] * 3, seed=seed)
    assert_array_equal([a, b], [[g, 0, g], [0, g, 0]])
    a, b = slopes(ops.maximum, [1.0, 2, 3], [3.0, 1, 4], seed=seed)
    assert_array_equal([a, b], [[0, g, 0], [g, 0, g]])


def test_the_root_has_slope_infinity_at_zero() -> None:
    x = Tensor([0.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        assert grad(ops.sqrt(x).sum(), x).data.tolist() == [np.inf, 0.25]


# -- powers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [3, 3.0, np.float64(3), np.int8(3), np.array([3, 3], np.int8)])
def test_a_negative_base_has_both_derivatives_at_a_whole_exponent(exponent: Any) -> None:
    x = np.array([-2.0, 0.0])
    assert_array_equal(slopes(lambda x: x**exponent, x)[0], 3 * x**2)
    assert_array_equal(curvature(lambda x: x**exponent, x), 6 * x)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_the_exponent_less_one_does_not_wrap_around(dtype: Any) -> None:
    b = np.array([np.iinfo(dtype).min, 1, np.iinfo(dtype).max], dtype)
    x = np.array([1.01, 1.01, 1.01])
    exact = [float(n) * 1.01 ** (float(n) - 1) for n in b]
    assert_allclose(slopes(lambda x: x**b, x)[0], exact, rtol=1e-13)
    single = slopes(lambda x: x**b, x.astype(np.float32))[0]
    assert single.dtype == np.float32
    assert_allclose(single, exact, rtol=1e-4)


def test_the_exponent_has_the_slope_y_log_a_and_zero_at_base_zero() -> None:
    a, b = [0.0, 0.0, 2.0, 2.0], [0.0, 2.0, 0.0, 3.0]
    assert_allclose(slopes(ops.power, a, b)[1], [0, 0, np.log(2), 8 * np.log(2)], rtol=1e-15)
    pole, b = Tensor(0.0), Tensor(-1.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        assert grad(pole**b, b).item() == -np.inf


def test_the_mixed_derivative_of_a_power_is_kept_at_exponent_zero() -> None:
    a, b = Tensor(4.0, requires_grad=True), Tensor(0.0, requires_grad=True)
    by_a = grad(a**b, a, create_graph=True)
    assert by_a.item() == 0
    assert grad(by_a, b).item() == 0.25
    by_b = grad(a**b, b, create_graph=True)
    assert grad(by_b, a).item() == 0.25


@pytest.mark.parametrize("base", [0.0, 1e-320, -1e-320, 1e300, np.inf, -np.inf, np.nan])
def test_the_power_zero_has_gradient_zero_without_a_flag_at_any_base(base: float) -> None:
    assert slopes(lambda x: x**0.0, base) == [0]
    assert slopes(lambda x: x ** np.zeros(1, np.int8), [base])[0].tolist() == [0]


# -- arguments --------------------------------------------------------------------------------


def test_clip_takes_its_bounds_by_either_name_but_not_by_both() -> None:
    x = Tensor([-2.0, 0.5, 3.0], requires_grad=True)
    for y in (
        np.clip(x, -1, 1),
        np.clip(x, a_min=-1, a_max=1),
        ops.clip(x, min=-1, max=1),  # by np.clip only from NumPy 2.1 on
        x.clip(-1, 1),
        x.clip(min=-1, max=1),
        ops.clip(x, Tensor(-1.0), max=None, a_max=Tensor(1.0)),
    ):
        assert y.data.tolist() == [-1, 0.5, 1]
    assert ops.clip(x, min=0).data.tolist() == [0, 0.5, 3]
    assert np.clip(x, None, 1).data.tolist() == [-2, 0.5, 1]
    assert np.clip(x, None, None).data.tolist() == [-2, 0.5, 3]
    with pytest.raises(ArgumentError, match=r"not both: .*a_min=-1.*max=1"):
        ops.clip(x, -1, max=1)


def test_bounds_of_clip_get_the_gradient_where_they_are_put_in_the_place_of_a() -> None:
    bounds = [-1.0, 1.0]
    found = slopes(ops.clip, [-2.0, -1, 0, 1, 2], *bounds)
    assert [np.asarray(g).tolist() for g in found] == [[0, 1, 1, 1, 0], 1, 1]
    found = slopes(ops.clip, [-2.0, 0.5, 2], 1.0, 1.0)  # one bound twice: that which is crossed
    assert [np.asarray(g).tolist() for g in found] == [[0, 0, 0], 2, 1]
    found = slopes(ops.clip, [-2.0, 0.5, 2], 1.0, -1.0)  # the upper one counts
    assert [np.asarray(g).tolist() for g in found] == [[0, 0, 0], 0, 3]
    high = Tensor(1.0, requires_grad=True)
    assert grad(ops.clip(Tensor([0.0, 3.0]), max=high).sum(), high).item() == 1
    assert grad(np.clip(Tensor([0.0, 3.0]), None, high).sum(), high).item() == 1


def test_clip_and_hardtanh_without_order_or_outside_have_slope_zero() -> None:
    assert slopes(ops.hardtanh, [-1.5, -1.0, 0.0, 1.0, 1.5])[0].tolist() == [0, 1, 1, 1, 0]
    f = lambda x: ops.hardtanh(x, min_value=0.0, max_value=6.0)  # noqa: E731
    assert slopes(f, [-0.5, 0.0, 6.0, 7.0])[0].tolist() == [0, 1, 1, 0]


def test_gelu_has_two_forms_and_names_them() -> None:
    x = Tensor([1.0])
    for wrong in ("exact", None, True):
        with pytest.raises(UnknownNameError, match=r"'?none'?.*'?tanh'?"):
            ops.gelu(x, approximate=wrong)  # type: ignore[call-arg]
    difference = ops.gelu(x, approximate="tanh").data - ops.gelu(x).data
    assert 1e-5 < abs(difference.item()) < 1e-3


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.nan])
def test_celu_needs_a_positive_alpha(alpha: float) -> None:
    with pytest.raises(ArgumentError, match=r"alpha (?=.*positive).*got "):
        ops.celu(Tensor(1.0), alpha)


@pytest.mark.parametrize("f", [ops.softmax, ops.log_softmax])
def test_softmax_of_nothing_is_nothing(f: Functions) -> None:
    x = Tensor(np.zeros((3, 0)), requires_grad=True)
    with np.errstate(all="raise"):
        y = f(x)
        assert grad(y.sum(), x).shape == y.shape == (3, 0)


METHODS = (
    "exp expm1 log log1p log2 log10 sqrt square reciprocal abs absolute sign sin cos tan sinh cosh"
    " tanh arcsinh arctan erf sigmoid relu silu softmax log_softmax clip negative positive"
)
BINARY = "add subtract multiply divide maximum minimum arctan2 hypot logaddexp"


@pytest.mark.parametrize("name", METHODS.split())
def test_a_method_is_the_operation_of_its_name(name: str) -> None:
    x = Tensor([0.3, 0.7], requires_grad=True)
    assert_array_equal(getattr(x, name)().data, getattr(ops, name)(x.data))


def test_methods_of_two_arguments_take_them_in_order() -> None:
    x, other = Tensor([1.0, 3.0], requires_grad=True), np.array([2.0, 2.0])
    for name in BINARY.split():
        assert_array_equal(getattr(x, name)(other).data, getattr(ops, name)(x.data, other))
    assert x.pow(2).data.tolist() == [1, 9]
    assert x.where(x > 2, other).data.tolist() == [2, 3]
    assert ops.abs is ops.absolute


def test_tanh_passes_an_infinite_gradient_on() -> None:
    x = Tensor(np.zeros(2), requires_grad=True)
    with np.errstate(divide="ignore"):
        ops.sqrt(ops.tanh(x)).backward(np.ones(2))
    assert_array_equal(x.grad, np.inf)  # g - g y^2 would be nan
