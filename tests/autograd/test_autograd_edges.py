"""Values and calls at the edge of what is sensible, each of which was once answered wrongly."""

from __future__ import annotations

import copy
import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, debug, grad, gradcheck, hessian, jacobian, primitive
from minidl.autograd import GradientCheckError, ops
from minidl.errors import ArgumentError, DTypeError, GraphError, ShapeError


def leaf(value: Any) -> Tensor:
    return Tensor(value, requires_grad=True)


# -- the check of derivatives ------------------------------------------------------------------


def test_a_rule_that_gives_infinity_is_wrong() -> None:
    @primitive(lambda g, y, x: g * np.inf)
    def everywhere(x: Any) -> Any:
        return np.sin(x)

    @primitive(lambda g, y, x: np.where(np.arange(x.size) == 0, np.inf, g * np.cos(x)))
    def in_one_place(x: Any) -> Any:
        return np.sin(x)

    for f, at in ((everywhere, 0.3), (everywhere, [0.3]), (in_one_place, np.linspace(0.1, 1, 9))):
        with pytest.raises(GradientCheckError, match=f"input 0 is wrong.*{f.__name__}"):
            gradcheck(f, leaf(at))


@pytest.mark.parametrize("step", [0, -1e-6, np.nan, 1.0, "1e-6", True])
def test_a_step_is_a_small_positive_number(step: Any) -> None:
    with pytest.raises(ArgumentError, match=r"step .*a number between 0 and 1"):
        gradcheck(ops.tanh, leaf(0.3), step=step)


def test_functions_are_given_as_functions_of_so_many_inputs() -> None:
    x = leaf(0.3)
    with pytest.raises(ArgumentError, match=r"f is not a function: .*Tensor.*gradcheck\(f"):
        gradcheck(ops.sin(x), x)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"cannot be called .*: .*2 inputs.*np\.array"):
        hessian(lambda v: (v * v).sum(), [1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"got 2 inputs"):
        jacobian(ops.tanh, (1.0, 2.0))
    with pytest.raises(ArgumentError, match=r"got function.*grad\(f\(x\), x\)"):
        grad(lambda v: v * v, x)  # type: ignore[arg-type]


# -- losses ------------------------------------------------------------------------------------

ODD = [np.array(["2020", "2021"], "M8[Y]"), np.array([1j, 2]), np.array([1.0, 0.0], object)]


@pytest.mark.parametrize("target", ODD, ids=["dates", "complex", "objects"])
def test_targets_are_real_numbers(target: Any) -> None:
    x = leaf([1.0, 2.0])
    losses = [ops.mean_squared_error, ops.mean_absolute_error, ops.huber, ops.hinge]
    for loss in (*losses, ops.bce_with_logits, ops.softmax_cross_entropy):
        with pytest.raises(DTypeError, match="targets must be real numbers"):
            loss(x, target)


def test_a_scalar_prediction_takes_a_plain_number_as_target() -> None:
    expected = {
        ops.mean_squared_error: 2 * (2.0 - 0.5),
        ops.mean_absolute_error: 1.0,
        ops.huber: 1.0,
        ops.hinge: 0.0,
        ops.bce_with_logits: 1 / (1 + np.exp(-2.0)) - 0.5,
    }
    for loss, slope in expected.items():
        x = leaf(2.0)
        loss(x, 0.5).backward()
        assert x.grad == pytest.approx(slope, rel=1e-15)


def test_what_has_no_weight_may_be_anything() -> None:
    w, z = [1.0, 0.0], np.array([[1.0, 2.0], [np.inf, np.nan]])
    one = leaf(z[:1])
    right = ops.softmax_cross_entropy(one, np.array([0]))
    right.backward()
    for options in ({"sample_weight": w}, {"ignore_index": 1}):
        x = leaf(z)
        loss = ops.softmax_cross_entropy(x, np.array([0, 1]), **options)
        loss.backward()
        assert loss.item() == right.item()
        assert np.array_equal(x.grad, [*one.grad, [0.0, 0.0]])
    p = leaf([1.0, np.inf])
    loss = ops.mean_squared_error(p, np.array([3.0, 0.0]), sample_weight=w)
    loss.backward()
    assert loss.item() == 4.0
    assert np.array_equal(p.grad, [-4.0, 0.0])


def test_replicas_as_many_as_rows_and_classes_share_probabilities() -> None:
    z = np.random.default_rng(0).normal(size=(3, 3, 3))
    q = np.eye(3)[[2, 0, 1]]
    shared = ops.softmax_cross_entropy(z, q, axis=-1)
    assert np.array_equal(shared, ops.softmax_cross_entropy(z, np.stack([q] * 3), axis=-1))


def test_numpy_scalars_do_not_widen_float32() -> None:
    z = np.zeros((2, 3), np.float32)
    smoothed = ops.softmax_cross_entropy(z, np.array([0, 1]), label_smoothing=np.float64(0.1))
    assert smoothed.dtype == np.float32
    p = Tensor(z, requires_grad=True)
    loss = ops.huber(p, z + 3, delta=np.float64(1))
    loss.backward()
    assert loss.dtype == p.grad.dtype == np.float32


# -- rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [np.uint8(1), True, np.array([1], np.uint64)])
def test_a_shift_of_any_integer_type_is_rolled_back(shift: Any) -> None:
    w = np.array([1.0, 10.0, 100.0])
    x = leaf(w)
    axis = (0,) if np.ndim(shift) else None
    assert np.array_equal(grad((ops.roll(x, shift, axis) * w).sum(), x).data, [10.0, 100.0, 1.0])


def test_relu_stops_whatever_arrives_where_its_slope_is_zero() -> None:
    with np.errstate(divide="ignore"):
        for outer in (ops.sqrt, lambda y: y**0.5):
            x = leaf([-1.0, 4.0])
            assert np.array_equal(grad(outer(ops.relu(x)).sum(), x).data, [0.0, 0.25])


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_derivatives_of_a_power_beyond_its_degree_are_zero_however_small_the_base(
    exponent: int,
) -> None:
    x = leaf(1e-160)
    y = x**exponent
    for _ in range(exponent + 2):
        y = grad(y, x, create_graph=True)
    assert y.item() == 0.0


def test_numpy_integers_as_exponents_do_not_wrap_around() -> None:
    x = leaf(1.1)
    assert grad(x ** np.int8(-128), x).item() == pytest.approx(-128 * 1.1**-129, rel=1e-12)
    assert grad(leaf(100.0) ** np.uint8(0), x).item() == 0.0


def test_quotients_and_norms_of_extreme_size() -> None:
    a, b = leaf(1e200), leaf(1e200)
    assert grad(a / b, b, np.array(1e200)).item() == -1.0
    x = leaf([3e-310, 4e-310])
    assert grad(ops.norm(x), x).data == pytest.approx([0.6, 0.8], rel=1e-12)
    assert ops.norm(np.array([-128, 1], np.int8), 1) == 129.0


def test_logsumexp_beside_infinity_raises_no_flag() -> None:
    with np.errstate(all="raise"):
        assert ops.logsumexp([np.inf, 800.0]) == np.inf


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_the_gradient_of_the_mean_of_nothing_is_nothing() -> None:
    x = leaf(np.zeros(0))
    y = x.mean()
    with np.errstate(all="raise"):
        y.backward()
    assert x.grad.shape == (0,)


# -- the graph ---------------------------------------------------------------------------------


def test_data_given_anew_are_not_differentiated_as_if_they_were_the_old() -> None:
    x = leaf([1.0, 2.0])
    y = (x**3).sum()
    x.data = x.data - 0.5
    assert np.array_equal(grad(y, x, retain_graph=True).data, [3.0, 12.0])
    with pytest.raises(GraphError, match=r"but \.data was replaced"):
        grad(y, x, create_graph=True)


def test_a_copy_has_a_gradient_of_its_own() -> None:
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    z = copy.copy(x)
    (z * z).sum().backward()
    assert np.array_equal(x.grad, [2.0, 4.0])
    assert np.array_equal(z.grad, [4.0, 8.0])


def test_backward_adds_to_all_leaves_or_to_none() -> None:
    good, bad = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    cases: list[tuple[Any, Any, str]] = [
        (np.zeros(3), ShapeError, "another shape than its data"),
        (np.zeros(2, int), DTypeError, "dtype int64, writeable=True"),
        (frozen, DTypeError, "writeable=False"),
    ]
    for held, error, message in cases:
        good.grad, bad.grad = np.ones(2), held
        with pytest.raises(error, match=message):
            (good * bad).sum().backward()
        assert np.array_equal(good.grad, [1.0, 1.0])


def test_debug_names_a_rule_that_changes_the_gradient_it_is_given() -> None:
    @primitive(lambda g, y, x: np.multiply(g, 2.0, out=g))
    def doubled(x: Any) -> Any:
        return 2 * x

    x, z = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    with debug(), pytest.raises(GraphError, match="a rule of doubled changes the gradient"):
        ((doubled(x) + z) * np.array([1.0, 1.0])).sum().backward()


def test_no_large_array_is_kept_from_step_to_step() -> None:
    tracemalloc.start()
    for extra in range(3):
        x, b = Tensor(np.zeros((100_000 + extra, 1))), leaf(np.zeros(1))
        ops.dense(x, leaf(np.zeros((1, 1))), b).sum().backward()
        assert b.grad == 100_000 + extra
    del x, b
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


# -- what a mutation run showed to be unasserted -----------------------------------------------


def test_outputs_of_any_age_are_passed_once() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * 3.0
    u = z * y
    for outputs in ([y, z, u], [u, y, z], [z, u, y]):
        assert grad(outputs, x, retain_graph=True).item() == 4.0 + 12.0 + 12 * 2.0**3
    assert grad([y, z, u], x).item() == 4.0 + 12.0 + 12 * 2.0**3


def test_an_error_of_ours_in_a_rule_is_left_as_it_is() -> None:
    def refuse(g: Any, y: Any, x: Any) -> Any:
        raise DTypeError("not today")

    @primitive(refuse)
    def planted(x: Any) -> Any:
        return 2 * x

    with pytest.raises(DTypeError, match="not today") as caught:
        planted(leaf(1.0)).backward()
    assert caught.value.__cause__ is None


def test_a_layer_s_input_is_blamed_only_for_its_columns() -> None:
    x, b = np.zeros((3, 5, 2)), np.zeros((4, 1, 2))
    with pytest.raises(ShapeError, match="dense failed"):
        ops.dense(x, np.zeros((4, 2, 2)), leaf(b))
    with pytest.raises(
        ShapeError,
        match=r"the input does not fit the layer.*\(3, 5, 2\)[,:] expected shape \(n, 3\)",
    ):
        ops.dense(x, np.zeros((3, 3, 2)), leaf(b))


def test_floats_that_are_no_probabilities_for_each_logit_are_refused() -> None:
    for z, t in (((2, 3, 4), (2, 3)), ((3, 3), (3,))):
        with pytest.raises(ShapeError, match="targets of floats must be probabilities"):
            ops.softmax_cross_entropy(leaf(np.zeros(z)), np.zeros(t))
    with pytest.raises(DTypeError, match="targets must be real numbers"):
        ops.softmax_cross_entropy(leaf(np.zeros((2, 3))), np.zeros(2, complex))


def test_debug_names_such_a_rule_in_the_second_order_too() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        array = g.data if isinstance(g, Tensor) else g
        array *= 2.0
        return g * 1.0

    @primitive(rule)
    def doubled(x: Any) -> Any:
        return 2 * x

    x = leaf([1.0, 2.0])
    with debug():
        y = (doubled(x) * np.array([1.0, 3.0])).sum()
        with pytest.raises(GraphError, match="a rule of doubled changes the gradient"):
            grad(y, x, create_graph=True)
