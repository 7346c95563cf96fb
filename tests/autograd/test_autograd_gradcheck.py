"""Tests of the test: `gradcheck` finds rules with planted faults, and says where they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, gradcheck, no_grad, ops, primitive
from minidl.autograd import GradientCheckError
from minidl.errors import ArgumentError, DTypeError

Rule = Callable[..., Any]
A, B = np.array([[0.3, -1.2, 0.8], [0.5, 1.1, -0.4]]), np.array([0.7, -0.9, 1.6])


def leaves(*arrays: Any) -> list[Tensor]:
    return [Tensor(array, requires_grad=True) for array in arrays]


def product(left: Rule, right: Rule) -> Callable[..., Any]:
    @primitive(left, right)
    def planted(a: Any, b: Any) -> Any:
        return a * b

    return planted


def cube(rule: Rule) -> Callable[..., Any]:
    @primitive(rule)
    def planted(x: Any) -> Any:
        return x * x * x

    return planted


def right(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * b


FAULTS: dict[str, tuple[int, Rule]] = {
    "wrong sign": (1, lambda g, y, a, b: -g * a),
    "missing factor": (1, lambda g, y, a, b: g),
    "factor a hundred thousandth too large": (1, lambda g, y, a, b: g * a * (1 + 1e-5)),
    "other argument": (1, lambda g, y, a, b: g * b),
    "mean in place of the sum over what was broadcast": (
        1,
        lambda g, y, a, b: np.mean(g * a, axis=0),
    ),
    "first row in place of the sum": (1, lambda g, y, a, b: (g * a)[0]),
    "zero": (1, lambda g, y, a, b: 0.0 * g * a),
    "gradient not multiplied": (1, lambda g, y, a, b: a + 0 * g),
    "not a number": (1, lambda g, y, a, b: g * a * np.nan),
    "infinite": (1, lambda g, y, a, b: g * np.inf),
    "one element": (1, lambda g, y, a, b: g * a * np.array([1.0, 1.0, 0.0])),
    "reversed": (1, lambda g, y, a, b: (g * a)[:, ::-1]),
}


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_its_input_named(name: str) -> None:
    where, rule = FAULTS[name]
    message = rf"the gradient with respect to input {where} is wrong: .* off by .*planted"
    with pytest.raises(GradientCheckError, match=message):
        gradcheck(product(right, rule), leaves(A, B))
    mirrored = product(lambda g, y, a, b: rule(g, y, b, a), lambda g, y, a, b: g * a)
    with pytest.raises(GradientCheckError, match="input 0 is wrong"):
        gradcheck(mirrored, leaves(B, A))


def test_the_right_rules_of_the_planted_product_pass() -> None:
    assert gradcheck(product(right, lambda g, y, a, b: g * a), leaves(A, B), order=2)


def test_a_rule_that_lets_no_gradient_through_is_found() -> None:
    @primitive(None, lambda g, y, a, b: g * a)
    def planted(a: Any, b: Any) -> Any:
        return a * b

    assert gradcheck(lambda b: planted(A, b), leaves(B)[0])
    with pytest.raises(GradientCheckError, match="input 0"):
        gradcheck(planted, leaves(A, B))


def array(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


SECOND: dict[str, Rule] = {
    "dropped graph": lambda g, y, x: g * 3 * array(x) ** 2,
    "part of the graph dropped": lambda g, y, x: g * 3 * array(x) * x,
    "gradient taken for a constant": lambda g, y, x: (
        Tensor(array(g)) * 3 * x * x if isinstance(g, Tensor) else g * 3 * x * x
    ),
}


@pytest.mark.parametrize("name", list(SECOND)[:2])
def test_a_rule_wrong_in_second_order_only_passes_the_first_and_fails_the_second(name: str) -> None:
    planted = cube(SECOND[name])
    x = leaves(A)[0]
    assert gradcheck(planted, x)
    with pytest.raises(GradientCheckError, match="second derivative with respect to input 0"):
        gradcheck(planted, x, order=2)


def test_a_gradient_that_loses_the_way_back_to_its_seed_is_found_behind_another_operation() -> None:
    planted = cube(SECOND["gradient taken for a constant"])
    x = leaves(A)[0]
    assert gradcheck(lambda t: ops.tanh(planted(t)), x)
    with pytest.raises(GradientCheckError, match="second derivative"):
        gradcheck(lambda t: ops.tanh(planted(t)), x, order=2)


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ((lambda g, y, a, b: g * array(b), lambda g, y, a, b: g * a), 1),
        ((lambda g, y, a, b: g * b, lambda g, y, a, b: g * array(a)), 0),
    ],
)
def test_a_missing_mixed_second_derivative_is_found(rules: tuple[Rule, Rule], where: int) -> None:
    planted = product(*rules)
    assert gradcheck(planted, leaves(A, B))
    with pytest.raises(
        GradientCheckError, match=f"second derivative with respect to input {where}"
    ):
        gradcheck(planted, leaves(A, B), order=2)


def test_a_forward_function_that_leaves_the_graph_is_found() -> None:
    with pytest.raises(GradientCheckError, match="the gradient with respect to input 0"):
        gradcheck(lambda x: Tensor(np.sin(x.data)), leaves(A))


def test_inputs_without_requires_grad_are_constants() -> None:
    faulty = product(right, lambda g, y, a, b: -g * a)
    assert gradcheck(faulty, [*leaves(A), Tensor(B)], order=2)


def test_every_seed_finds_the_fault_and_passes_the_right_rule() -> None:
    faulty = cube(lambda g, y, x: g * 2 * x * x)
    correct = cube(lambda g, y, x: g * 3 * x * x)
    for seed in range(20):
        assert gradcheck(correct, leaves(A), order=2, seed=seed)
        with pytest.raises(GradientCheckError):
            gradcheck(faulty, leaves(A), seed=seed)


def test_the_tolerance_is_relative_to_one_plus_the_derivative() -> None:
    nearly = cube(lambda g, y, x: g * 3 * x * x * 1.001)
    assert gradcheck(nearly, leaves(A), tolerance=2e-3)
    with pytest.raises(GradientCheckError):
        gradcheck(nearly, leaves(A), tolerance=1e-5)


@pytest.mark.parametrize("order", [0, 3, -1, "2", None])
def test_only_the_orders_one_and_two_exist(order: Any) -> None:
    with pytest.raises(ArgumentError, match=rf"order (?=.*1 or 2).*got {order!r}"):
        gradcheck(ops.tanh, leaves(A), order=order)


def test_something_must_be_there_to_check() -> None:
    with pytest.raises(ArgumentError, match="none of the 1 inputs has requires_grad"):
        gradcheck(ops.tanh, Tensor(A))
    with pytest.raises(ArgumentError, match="none of the 0 inputs has requires_grad"):
        gradcheck(ops.tanh, [])


def test_the_inputs_are_left_as_they_were() -> None:
    x = leaves(A)[0]
    gradcheck(lambda t: ops.tanh(t) * t, x, order=2)
    assert x.grad is None
    assert np.array_equal(x.data, A)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_a_relative_error_is_found_whatever_the_size_of_input_and_result(
    size: float, scale: float
) -> None:
    def scaled(error: float) -> Callable[..., Any]:
        @primitive(lambda g, y, x: g * (1 + error) * scale * 3 * x * x / size**3)
        def planted(x: Any) -> Any:
            return scale * x**3 / size**3

        return planted

    x = leaves(A * size)
    for seed in range(5):
        assert gradcheck(scaled(0.0), x, order=2, seed=seed)
        with pytest.raises(GradientCheckError, match="By itself planted is wrong"):
            gradcheck(scaled(1e-4), x, seed=seed)


def test_a_small_gradient_does_not_hide_beside_a_large_one() -> None:
    faulty = product(right, lambda g, y, a, b: 1.0001 * g * a)
    with pytest.raises(GradientCheckError, match="input 1"):
        gradcheck(faulty, leaves(A * 1e-3, B * 1e3))


def test_one_wrong_entry_of_a_hundred_is_found() -> None:
    factor = np.ones(100)
    factor[37] = 1.001
    faulty = cube(lambda g, y, x: g * 3 * x * x * factor)
    for seed in range(100):  # one direction alone would miss it in a few of these
        with pytest.raises(GradientCheckError):
            gradcheck(faulty, leaves(np.linspace(1, 2, 100)), seed=seed)


def test_in_a_program_of_many_the_wrong_operation_and_its_argument_are_named() -> None:
    faulty = product(right, lambda g, y, a, b: 1.01 * g * a)

    def program(a: Tensor, b: Tensor) -> Tensor:
        h = ops.tanh(a @ b)
        return ops.exp(faulty(h, ops.sigmoid(b[:2]))).sum() * h.mean()

    expected = r"By itself planted is wrong: its rule for argument 1, at float64\[2\], float64\[2\]"
    with pytest.raises(GradientCheckError, match=expected):
        gradcheck(program, leaves(A, B))


def test_the_operation_wrong_in_second_order_only_is_named() -> None:
    planted = cube(SECOND["dropped graph"])
    expected = (
        "second derivative .* By itself planted is wrong: its second derivative for argument 0"
    )
    with pytest.raises(GradientCheckError, match=expected):
        gradcheck(lambda x: ops.tanh(ops.exp(planted(x)).sum()), leaves(A), order=2)


@pytest.mark.parametrize("leave", [lambda t: t.detach(), lambda t: Tensor(t.data)])
def test_a_program_that_leaves_the_graph_is_not_blamed_on_an_operation(leave: Any) -> None:
    with pytest.raises(GradientCheckError, match=r"right by itself, so f .*detach\(\)"):
        gradcheck(lambda x: ops.tanh(x) * leave(x), leaves(A))


def test_random_numbers_and_memory_are_found() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(GradientCheckError, match=r"two values of result 0 .*random"):
        gradcheck(lambda x: x * generator.standard_normal(3), leaves(A))


def test_a_kink_is_an_error_at_it_and_next_to_it() -> None:
    with pytest.raises(GradientCheckError, match=r"By itself relu .*kink"):
        gradcheck(ops.relu, leaves(0.0))
    with pytest.raises(GradientCheckError, match=r"relu .*kink"):
        gradcheck(ops.relu, leaves([1e-7, 1.0]))


def test_float32_is_refused_as_input_and_as_result() -> None:
    with pytest.raises(DTypeError, match=r"float64: in float32 .*rounding: .*input 1"):
        gradcheck(ops.add, leaves(A, A.astype(np.float32)))
    with pytest.raises(DTypeError, match=r"got result 0 of dtype float32"):
        gradcheck(lambda x: x.astype(np.float32), leaves(A))
    with pytest.raises(GradientCheckError, match="astype computes in float32"):
        gradcheck(lambda x: ops.tanh(x.astype(np.float32)).astype(np.float64), leaves(A))


@pytest.mark.parametrize("f", [lambda x: x.data, lambda x: (x, 1.0), lambda x: None])
def test_a_function_that_gives_no_tensor_is_refused(f: Any) -> None:
    with pytest.raises(ArgumentError, match=r"f must return a Tensor.*(ndarray|float|NoneType)"):
        gradcheck(f, leaves(A))


def test_arrays_in_place_of_tensors_are_refused_with_advice() -> None:
    with pytest.raises(ArgumentError, match=r"ndarray.*Tensor\(x, requires_grad=True\)"):
        gradcheck(ops.tanh, A)  # type: ignore[arg-type]


def test_several_results_are_all_checked() -> None:
    faulty = cube(lambda g, y, x: g * 2 * x * x)
    assert gradcheck(lambda x: (ops.tanh(x), x * x), leaves(A), order=2) is True
    with pytest.raises(GradientCheckError, match="input 0 of result 1 is wrong"):
        gradcheck(lambda x: (ops.tanh(x), faulty(x)), leaves(A))


def test_results_may_share_operations() -> None:
    def f(x: Tensor) -> tuple[Tensor, Tensor]:
        h = ops.tanh(x)
        return h * h, ops.exp(h)

    assert gradcheck(f, leaves(A), order=2)


def test_empty_inputs_and_inputs_that_do_not_matter_pass() -> None:
    assert gradcheck(ops.tanh, leaves(np.ones((0, 3))), order=2)
    assert gradcheck(lambda a, b: a * 2, leaves(A, B), order=2)
    assert gradcheck(lambda a: Tensor(1.0), leaves(A), order=2)


@pytest.mark.parametrize("array", [A[:, ::-1], A.T, A[::-1, ::2], np.ones((4, 6))[::2, ::3]])
def test_the_function_is_given_the_strides_of_the_inputs(array: Any) -> None:
    seen = set()

    def f(x: Tensor) -> Tensor:
        seen.add(x.data.strides)
        return x * x

    x = leaves(array)[0]
    x.data = array
    before = array.copy()
    assert gradcheck(f, x, order=2)
    assert seen == {array.strides}
    assert np.array_equal(array, before)


def test_the_strides_of_a_constant_that_holds_nan_are_kept() -> None:
    mask, seen = np.array([[1.0, 0.0, np.nan], [2.0, 0.0, 3.0]])[:, ::2], set()

    def f(x: Tensor, constant: Tensor) -> Tensor:
        seen.add(constant.data.strides)
        return x * 2

    constant = Tensor(mask)
    constant.data = mask
    assert gradcheck(f, [*leaves(A), constant])
    assert seen == {mask.strides}


def test_elements_that_share_their_memory_are_moved_apart() -> None:
    x = leaves(A)[0]
    x.data = np.broadcast_to(A, (2, 2, 3))
    assert gradcheck(lambda t: t * t * np.arange(12.0).reshape(2, 2, 3), x)


def test_no_grad_is_refused() -> None:
    with no_grad(), pytest.raises(ArgumentError, match="no_grad"):
        gradcheck(ops.tanh, leaves(A))
