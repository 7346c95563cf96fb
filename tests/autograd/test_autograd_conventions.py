"""What happens at kinks, at ties, on bounds, at 0^0, and far out at +-800."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from minidl import Tensor, grad, ops


def slope(f: Callable[..., Tensor], *values: Any) -> list[Any]:
    leaves = [Tensor(value, requires_grad=True) for value in values]
    return [g.data.tolist() for g in grad(f(*leaves).sum(), leaves)]


@pytest.mark.parametrize("f", [ops.max, ops.min])
def test_tied_extremes_share_the_gradient_equally(f: Any) -> None:
    sign = 1.0 if f is ops.max else -1.0
    x = sign * np.array([[3.0, 1.0, 3.0, 3.0], [2.0, 2.0, 0.0, 2.0]])
    third = 1 / 3
    assert slope(f, x) == [[[third, 0, third, third], [0, 0, 0, 0]]]
    rows = [[third, 0, third, third], [third, third, 0, third]]
    assert slope(lambda t: f(t, axis=1), x) == [rows]
    assert slope(lambda t: f(t, axis=(0, 1), keepdims=True), x) == slope(f, x)
    assert slope(f, np.zeros((2, 5))) == [[[0.1] * 5] * 2]


@pytest.mark.parametrize("f", [ops.maximum, ops.minimum])
def test_tied_arguments_share_the_gradient_equally(f: Any) -> None:
    assert slope(f, [1.0, 2.0], [1.0, 2.0]) == [[0.5, 0.5], [0.5, 0.5]]
    assert slope(f, [1.0, 1.0], 1.0) == [[0.5, 0.5], 1.0]


def test_the_larger_and_the_smaller_argument_get_all_of_the_gradient() -> None:
    assert slope(ops.maximum, [1.0, 5.0], [2.0, 3.0]) == [[0, 1], [1, 0]]
    assert slope(ops.minimum, [1.0, 5.0], [2.0, 3.0]) == [[1, 0], [0, 1]]


def test_clip_passes_the_gradient_on_its_bounds() -> None:
    x = [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert slope(lambda t: ops.clip(t, -1, 1), x) == [[0, 1, 1, 1, 0]]
    assert slope(lambda t: ops.clip(t, min=-1), x) == [[0, 1, 1, 1, 1]]
    assert slope(lambda t: ops.clip(t, None, 1), x) == [[1, 1, 1, 1, 0]]


def test_clip_with_crossed_bounds_is_its_upper_bound_alone_as_in_pytorch() -> None:
    x, low, high = [0.0, 1.0, 1.5, 2.0, 3.0, 1.0, 1.0], [2.0] * 5 + [1.0, 0.0], [1.0] * 7
    # as torch.clamp 2.13
    assert slope(ops.clip, x, low, high) == [[0] * 5 + [1, 1], [0] * 7, [1] * 5 + [0, 0]]
    assert slope(lambda t: ops.clip(t, 2, 1), x) == [[0] * 7]


def test_logit_outside_its_domain_has_no_slope_as_in_pytorch() -> None:
    with np.errstate(all="ignore"):
        x = Tensor([-1.0, 2.0, 0.5, 0.0, 1.0], requires_grad=True)
        first = grad(ops.logit(x).sum(), x, create_graph=True)
        assert_array_equal(first.data, [np.nan, np.nan, 4, np.inf, np.inf])
        assert_array_equal(grad(first[:3].sum(), x).data[:3], [np.nan, np.nan, 0])
        x = Tensor([-1.0, 0.5], requires_grad=True)
        assert_array_equal(grad(np.where([False, True], ops.logit(x), 0).sum(), x).data, [0, 4])


@pytest.mark.parametrize(
    ("f", "left", "at_zero", "right"),
    [
        (ops.relu, 0, 0, 1),
        (ops.absolute, -1, 0, 1),
        (ops.sign, 0, 0, 0),
        (ops.leaky_relu, 0.01, 0.01, 1),
        (lambda x: ops.leaky_relu(x, 0.3), 0.3, 0.3, 1),
        (lambda x: ops.leaky_relu(x, slope=0.3), 0.3, 0.3, 1),
        (lambda x: ops.mean_absolute_error(x, np.zeros(3), reduction="sum"), -1, 0, 1),
    ],
)
def test_slopes_beside_and_at_a_kink(f: Any, left: float, at_zero: float, right: float) -> None:
    assert slope(f, [-2.0, 0.0, 2.0]) == [[left, at_zero, right]]
    assert slope(f, [-2.0, -0.0, 2.0]) == [[left, at_zero, right]]


def test_slopes_of_elu_and_selu_at_zero_are_those_from_the_left() -> None:
    assert slope(lambda x: ops.elu(x, 0.7), 0.0) == [0.7]
    assert slope(ops.selu, 0.0) == [1.0507009873554805 * 1.6732632423543772]


def test_hinge_has_slope_zero_where_the_margin_is_just_met() -> None:
    s = np.array([1, 1, -1])
    assert slope(lambda z: ops.hinge(z, s, reduction="sum"), [1.0, 0.9, 0.0]) == [[0, -1, 1]]


def test_huber_is_smooth_where_its_parts_meet() -> None:
    t = np.zeros(3)
    f = lambda p: ops.huber(p, t, delta=0.5, reduction="none")  # noqa: E731
    assert_allclose(f(Tensor([0.5, -0.5, 0.6])).data, [0.125, 0.125, 0.175])
    assert slope(f, [0.5, -0.5, 0.6]) == [[0.5, -0.5, 0.5]]


@pytest.mark.parametrize("exponent", [0, 0.0, np.zeros(3), np.zeros(3, int)])
def test_the_power_zero_is_one_with_gradient_zero_also_at_zero(exponent: Any) -> None:
    with np.errstate(all="raise"):
        x = Tensor([0.0, -1.5, 2.0], requires_grad=True)
        y = x**exponent
        g = grad(y.sum(), x, create_graph=True)
        assert_array_equal(y.data, [1, 1, 1])
        assert_array_equal(g.data, [0, 0, 0])


def test_the_power_zero_has_gradient_zero_even_of_what_is_not_finite() -> None:
    x = Tensor([np.inf, -np.inf, np.nan], requires_grad=True)
    with np.errstate(invalid="ignore"):
        assert_array_equal(grad((x**0).sum(), x).data, [0, 0, 0])


def test_whole_powers_have_all_their_derivatives_at_zero_without_a_flag() -> None:
    with np.errstate(all="raise"):
        x = Tensor(0.0, requires_grad=True)
        y, found = x**3 + x**2 + x**1 + x**0, []
        for _ in range(4):
            y = grad(y, x, create_graph=True)
            found.append(y.item())
    assert found == [1, 2, 6, 0]


def test_the_exponent_of_zero_has_gradient_zero() -> None:
    assert slope(ops.power, 0.0, 2.0) == [0, 0]
    assert slope(ops.power, [0.0, 1.0], [0.0, 5.0]) == [[0, 5], [0, 0]]


FAR = np.array([-800.0, -400.0, -80.0, -30.0, -1.0, 0.0, 1.0, 30.0, 80.0, 400.0, 800.0])
LIMITS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "tanh": (ops.tanh, np.tanh),
    "sigmoid": (ops.sigmoid, special.expit),
    "logsigmoid": (ops.logsigmoid, special.log_expit),
    "relu": (ops.relu, lambda x: np.maximum(x, 0)),
    "leaky_relu": (ops.leaky_relu, lambda x: np.where(x > 0, x, x / 100)),
    "elu": (ops.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "celu": (
        lambda x: ops.celu(x, 0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(
            np.minimum(x, 0) / 0.7))),
    "selu": (ops.selu, lambda x: 1.0507009873554805 * np.where(
        x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))),
    "erf": (ops.erf, special.erf),
    "gelu": (ops.gelu, lambda x: x * special.ndtr(x)),
    "gelu by tanh": (
        lambda x: ops.gelu(x, approximate="tanh"), lambda x: x * special.expit(
            np.sqrt(8 / np.pi) * (x + 0.044715 * x**3))),
    "silu": (ops.silu, lambda x: x * special.expit(x)),
    "mish": (ops.mish, lambda x: x * np.tanh(np.logaddexp(0, x))),
    "softplus": (ops.softplus, lambda x: np.logaddexp(0, x)),
    "softsign": (ops.softsign, lambda x: x / (1 + np.abs(x))),
    "hardtanh": (ops.hardtanh, lambda x: np.clip(x, -1, 1)),
    "relu6": (ops.relu6, lambda x: np.clip(x, 0, 6)),
    "hardsigmoid": (ops.hardsigmoid, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hardswish": (ops.hardswish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "softshrink": (ops.softshrink, lambda x: x - np.clip(x, -0.5, 0.5)),
    "prelu": (lambda x: ops.prelu(x, 0.1), lambda x: np.where(x > 0, x, x / 10)),
    "glu": (lambda x: ops.glu(ops.stack([x, -x]), 0)[0], lambda x: x * special.expit(-x)),
    "erfc": (ops.erfc, special.erfc),
    "exp2": (lambda x: ops.exp2(-ops.absolute(x)), lambda x: np.exp2(-np.abs(x))),
    "sinc": (lambda x: ops.sinc(x / 7), lambda x: np.sinc(x / 7)),
    "floor": (lambda x: ops.floor(x + 0.5), lambda x: np.floor(x + 0.5)),
    "remainder": (lambda x: ops.remainder(x, 7.0), lambda x: np.remainder(x, 7.0)),
    "logcumsumexp": (ops.logcumsumexp, np.logaddexp.accumulate),
    "sort": (ops.sort, np.sort),
    "median": (ops.median, np.median),
    "logaddexp": (lambda x: ops.logaddexp(x, -x), lambda x: np.logaddexp(x, -x)),
    "logaddexp of 0": (lambda x: ops.logaddexp(x, 0.0), lambda x: np.logaddexp(x, 0)),
    "exp": (lambda x: ops.exp(-ops.absolute(x)), lambda x: np.exp(-np.abs(x))),
    "expm1": (lambda x: ops.expm1(-ops.absolute(x)), lambda x: np.expm1(-np.abs(x))),
    "sin": (ops.sin, np.sin),
    "cos": (ops.cos, np.cos),
    "arctan": (ops.arctan, np.arctan),
    "arctan2": (lambda x: ops.arctan2(x, 2.0), lambda x: np.arctan2(x, 2)),
    "arcsinh": (ops.arcsinh, np.arcsinh),
    "hypot": (lambda x: ops.hypot(x, 2.0), lambda x: np.hypot(x, 2)),
    "softmax": (ops.softmax, special.softmax),
    "log_softmax": (ops.log_softmax, special.log_softmax),
    "logsumexp": (ops.logsumexp, special.logsumexp),
    "absolute": (ops.absolute, np.absolute),
    "square": (ops.square, np.square),
    "maximum": (lambda x: ops.maximum(x, -x), lambda x: np.maximum(x, -x)),
    "clip": (lambda x: ops.clip(x, -30, 30), lambda x: np.clip(x, -30, 30)),
    "bce of 0": (
        lambda x: ops.bce_with_logits(x, 0 * FAR, reduction="none"), lambda x: np.logaddexp(0, x)),
    "bce of 1": (
        lambda x: ops.bce_with_logits(x, 0 * FAR + 1, reduction="none"),
        lambda x: np.logaddexp(0, -x)),
    "cross-entropy": (
        lambda x: ops.softmax_cross_entropy(x[None], np.array([2])),
        lambda x: -special.log_softmax(x)[2]),
    "hinge": (
        lambda x: ops.hinge(x, np.sign(FAR)), lambda x: np.maximum(1 - np.abs(x), 0).mean()),
    "huber": (lambda x: ops.huber(x, -FAR), lambda x: special.huber(1, 2 * x).mean()),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LIMITS)
def test_nothing_overflows_or_raises_any_flag_far_from_zero(name: str, dtype: Any) -> None:
    """Values and both derivatives, also along a direction; there e^-800 is silently 0."""
    f, library = LIMITS[name]
    far = FAR.astype(dtype)
    direction = np.linspace(1, 2, len(far), dtype=dtype)
    with np.errstate(all="raise"):
        x = Tensor(far, requires_grad=True)
        y = f(x)
        first = grad(y.sum(), x, create_graph=True)
        second = grad(first, x, direction)
    tolerance = 1e-14 if dtype is np.float64 else 2e-6
    with np.errstate(under="ignore"):
        assert_allclose(y.data, library(FAR), rtol=tolerance, atol=tolerance)
    assert y.dtype == first.dtype == second.dtype == dtype
    assert np.all(np.isfinite(first.data))
    assert np.all(np.isfinite(second.data))


@pytest.mark.parametrize(
    ("f", "library"),
    [
        (ops.softplus, lambda x: np.logaddexp(0, x)),
        (ops.sigmoid, special.expit),
        (ops.silu, lambda x: x * special.expit(x)),
        (ops.elu, np.expm1),
        (ops.expm1, np.expm1),
        (ops.log1p, np.log1p),
        (lambda x: ops.bce_with_logits(x, 0 * x.data, reduction="none"), ops.softplus),
    ],
)
def test_small_values_keep_their_relative_precision(f: Any, library: Any) -> None:
    for x in (np.array([-700.0, -100.0, -40.0]), np.array([-1e-3, -1e-10, -1e-200])):
        if f is not ops.log1p or x[0] > -1:
            assert_allclose(f(Tensor(x)).data, library(x), rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (ops.tanh, [0, 1, 0]),
        (ops.sigmoid, [0, 0.25, 0]),
        (ops.softplus, [0, 0.5, 1]),
        (ops.silu, [0, 0.5, 1]),
        (ops.gelu, [0, 0.5, 1]),
        (ops.elu, [0, 1, 1]),
    ],
)
def test_slopes_far_from_zero_are_the_limits(f: Any, expected: list[float]) -> None:
    assert_allclose(slope(f, [-800.0, 0.0, 800.0]), [expected], rtol=0, atol=1e-300)


@pytest.mark.parametrize("data", [3, [1, 2], np.arange(3, dtype=np.int8), [True, False], 2**60])
def test_integers_and_booleans_become_float64(data: Any) -> None:
    assert Tensor(data).dtype == np.float64
    assert_array_equal(Tensor(data).data, np.asarray(data, dtype=np.float64))


def test_float32_beside_python_numbers_stays_float32_and_beside_float64_is_promoted() -> None:
    x = Tensor(np.float32([1.5, 2.5]), requires_grad=True)
    for y in (x + 1, 2.0 * x, x**2, 2**x, 1 / x, x - 0.5, ops.maximum(x, 0)):
        assert y.dtype == np.float32
    z = x * np.array([1.0, 2.0])
    assert z.dtype == np.float64
    z.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32


def test_parameters_of_both_precisions_get_gradients_of_their_own() -> None:
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    w = Tensor(np.ones((3, 2)), requires_grad=True)
    gx, gw = grad((x @ w).sum(), [x, w])
    assert (gx.dtype, gw.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_slope_of_silu_is_1_however_large_the_input(dtype: type) -> None:
    x = Tensor(np.array([1e3, 1e8, 1e17], dtype=dtype), requires_grad=True)
    ops.silu(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 1])
