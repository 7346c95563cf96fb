"""What `gradcheck` can measure, what it cannot, and how small an error it sees."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, gradcheck, ops, primitive
from minidl.autograd import GradientCheckError
from minidl.errors import ArgumentError

A, B = np.array([[0.3, -1.2, 0.8], [0.5, 1.1, -0.4]]), np.array([0.7, -0.9, 1.6])


def leaves(*arrays: Any) -> list[Tensor]:
    return [Tensor(array, requires_grad=True) for array in arrays]


def cubed(factor: float) -> Callable[..., Any]:
    """Return x^3, with a derivative that is so many times too large."""

    @primitive(lambda g, y, x: g * 3 * x * x * factor)
    def planted(x: Any) -> Any:
        return x * x * x

    return planted


@pytest.mark.parametrize("tolerance", [0, 1, -1e-6, np.nan])
def test_the_tolerance_is_between_0_and_1(tolerance: float) -> None:
    with pytest.raises(ArgumentError, match=r"tolerance .*a number between 0 and 1"):
        gradcheck(ops.tanh, leaves(A), tolerance=tolerance)


def test_a_function_that_gives_more_results_the_second_time_is_refused() -> None:
    kept: list[Tensor] = []

    def f(x: Tensor) -> tuple[Tensor, ...]:
        kept.append(ops.tanh(Tensor(1.0)))
        return (x * x, *kept)

    with pytest.raises(GradientCheckError, match=r"two values of result 2"):
        gradcheck(f, leaves(A))


@np.errstate(invalid="ignore")
def test_outside_of_the_domain_nothing_can_be_measured() -> None:
    with pytest.raises(GradientCheckError, match=r"cannot be measured here: .* give nan"):
        gradcheck(ops.log, leaves(-1.0))


def test_what_oscillates_within_a_step_cannot_be_measured() -> None:
    with pytest.raises(GradientCheckError, match="cannot be measured here"):
        gradcheck(lambda x: ops.sin(2e5 * x), leaves(A))


def test_where_the_gradient_is_0_a_cubic_passes_and_a_kink_of_the_gradient_does_not() -> None:
    assert gradcheck(cubed(1.0), leaves(0.0))
    with pytest.raises(GradientCheckError, match="cannot be measured here"):
        gradcheck(lambda x: x * ops.absolute(x), leaves(0.0))


def test_a_large_constant_beside_it_neither_spoils_the_check_nor_hides_an_error() -> None:
    assert gradcheck(lambda x: ops.sin(x) + 1e8, leaves(A))
    nearly = cubed(1.001)
    with pytest.raises(GradientCheckError, match="is wrong"):
        gradcheck(lambda x: nearly(x) + 1e4, leaves(A))


def test_an_error_in_a_tiny_gradient_is_found() -> None:
    nearly = cubed(1.001)
    with pytest.raises(GradientCheckError, match="is wrong"):
        gradcheck(lambda x: nearly(x) * 1e-12, leaves(A))


def test_the_error_of_second_order_is_removed_from_what_is_measured() -> None:
    @primitive(lambda g, y, x: g * 2e4 * np.cos(1e4 * x))  # twice what is right
    def planted(x: Any) -> Any:
        return np.sin(1e4 * x)

    with pytest.raises(GradientCheckError) as caught:
        gradcheck(planted, leaves(1.3))
    found = re.search(r"got (\S+) in .*expected (\S+) by", str(caught.value))
    assert found is not None
    assert float(found[1]) / float(found[2]) == pytest.approx(2, rel=1e-8)


def test_a_second_derivative_wrong_at_a_large_element_does_not_hide_beside_a_small_one() -> None:
    @primitive(
        lambda g, y, x: (
            g * np.where((x.data if isinstance(x, Tensor) else x) > 100, -2, -1) / (x * x)
        )
    )
    def inverse(x: Any) -> Any:
        return 1 / x

    @primitive(lambda g, y, x: g * inverse(x))
    def logarithm(x: Any) -> Any:
        return np.log(x)

    expected = "second derivative .*By itself inverse is wrong: its rule for argument 0"
    with pytest.raises(GradientCheckError, match=expected):
        gradcheck(logarithm, leaves([1.0, 1e4]), order=2)


def test_a_constant_in_float32_is_not_blamed() -> None:
    constant, planted = Tensor(B.astype(np.float32)), cubed(1.01)
    with pytest.raises(GradientCheckError, match="By itself planted is wrong"):
        gradcheck(lambda b: (constant * constant).astype(np.float64) * planted(b), leaves(B))
