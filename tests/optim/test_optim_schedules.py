"""Each schedule against its formula, written here a second time."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from minidl import optim
from minidl.errors import ArgumentError

quick = settings(deadline=None, database=None, derandomize=True)
STEPS = np.arange(1_200)
positive = st.floats(1e-6, 1e3)
steps = st.integers(0, 10_000)
lengths = st.integers(1, 1_000)


def values(schedule: optim.Schedule) -> np.ndarray:
    return np.array([schedule(int(k)) for k in STEPS])


def test_step_decay_drops_by_the_factor_every_so_many_steps() -> None:
    expected = 0.4 * 0.7 ** np.floor(STEPS / 50)
    assert_allclose(values(optim.StepDecay(0.4, every=50, factor=0.7)), expected, rtol=1e-14)


def test_exponential_decay_multiplies_by_the_rate() -> None:
    expected = 0.4 * np.exp(STEPS * np.log(0.99))
    assert_allclose(values(optim.ExponentialDecay(0.4, rate=0.99)), expected, rtol=1e-12)


def test_cosine_decay_is_half_a_cosine_and_then_its_end() -> None:
    # (1 + cos x) / 2 = cos^2(x / 2)
    share = np.cos(np.pi * np.minimum(STEPS, 300) / 600) ** 2
    got = values(optim.CosineDecay(0.4, steps=300, end=0.01))
    assert_allclose(got, 0.01 + 0.39 * share, rtol=1e-14)
    assert np.all(got[300:] == 0.01)


def test_linear_warmup_rises_by_equal_amounts_to_its_peak() -> None:
    got = values(optim.LinearWarmup(0.4, steps=40))
    assert_allclose(np.diff(got[:40]), 0.01, rtol=1e-12)
    assert_allclose(got[0], 0.01)
    assert np.all(got[39:] == 0.4)


def test_equal_schedules_are_one_key() -> None:
    several = [optim.NesterovMomentum(), optim.NesterovMomentum(), optim.StepDecay(1.0, 2, 0.5)]
    assert [s(2) for s in dict.fromkeys(several)] == [several[0](2), 0.5]


def test_what_follows_a_warmup_starts_from_its_own_step_zero() -> None:
    after = optim.CosineDecay(0.4, steps=100, end=0.1)
    got = values(optim.LinearWarmup(0.4, steps=40, then=after))
    assert np.array_equal(got[40:], values(after)[:-40])


def test_nesterov_momentum_follows_the_recursion_of_1983() -> None:
    """m_0 = 0; m_k = (t_k - 1) / t_{k+1} with t_1 = 1, t_{k+1}^2 - t_{k+1} = t_k^2."""
    t = [math.nan, 1.0]
    for _ in STEPS:
        t.append(0.5 + math.sqrt(0.25 + t[-1] ** 2))
    expected = [0.0] + [(t[k] - 1) / t[k + 1] for k in STEPS[1:]]
    assert_allclose(values(optim.NesterovMomentum()), expected, rtol=0, atol=1e-15)


def test_nesterov_momentum_starts_with_two_zeros_and_approaches_one_as_three_over_k() -> None:
    momentum = optim.NesterovMomentum()
    assert (momentum(0), momentum(1)) == (0.0, 0.0)
    k = 1_000_000
    assert_allclose((1 - momentum(k)) * k, 3, rtol=1e-4)


def test_nesterov_momentum_is_the_same_in_any_order_of_asking() -> None:
    forwards = values(optim.NesterovMomentum())
    backwards = [optim.NesterovMomentum()(int(k)) for k in STEPS[::-1]]
    assert np.array_equal(forwards, backwards[::-1])


def test_sutskever_momentum_is_one_minus_a_half_over_the_quarter_thousands() -> None:
    # 1 - 2^(-1 - log2(n)) = 1 - 1 / (2 n)
    expected = np.minimum(1 - 0.5 / (STEPS // 250 + 1), 0.88)
    assert_allclose(values(optim.SutskeverMomentum(0.88)), expected, rtol=1e-14)
    assert optim.SutskeverMomentum()(10**7) == 0.99


@quick
@given(positive, lengths, st.floats(0.01, 1), steps)
def test_step_decay_is_constant_between_its_drops(
    start: float, every: int, factor: float, k: int
) -> None:
    schedule = optim.StepDecay(start, every, factor)
    assert schedule(k) == schedule(k // every * every)
    assert_allclose(schedule(k + every), factor * schedule(k), rtol=1e-9, atol=1e-300)


@quick
@given(positive, lengths, positive, steps)
def test_cosine_decay_stays_between_its_ends_and_is_symmetric(
    start: float, length: int, end: float, k: int
) -> None:
    schedule = optim.CosineDecay(start, length, end)
    slack = 1e-15 * (start + end)
    assert min(start, end) - slack <= schedule(k) <= max(start, end) + slack
    if k <= length:
        assert_allclose(schedule(k) + schedule(length - k), start + end, rtol=1e-12)


@quick
@given(positive, lengths, steps)
def test_linear_warmup_never_falls_and_never_passes_its_peak(
    peak: float, length: int, k: int
) -> None:
    schedule = optim.LinearWarmup(peak, length)
    assert 0 < schedule(k) <= schedule(k + 1) <= peak


@quick
@given(steps, st.floats(0, 1, exclude_max=True))
def test_momentum_schedules_never_fall_and_stay_below_one(k: int, limit: float) -> None:
    for schedule in (optim.NesterovMomentum(), optim.SutskeverMomentum(limit)):
        assert 0 <= schedule(k) <= schedule(k + 1) < 1
    assert optim.SutskeverMomentum(limit)(k) <= limit


BROKEN: list[tuple[str, Callable[[Any], optim.Schedule]]] = [
    ("start", lambda x: optim.StepDecay(x, 10)),
    ("every", lambda x: optim.StepDecay(0.1, x)),
    ("factor", lambda x: optim.StepDecay(0.1, 10, x)),
    ("start", lambda x: optim.ExponentialDecay(x, 0.5)),
    ("rate", lambda x: optim.ExponentialDecay(0.1, x)),
    ("start", lambda x: optim.CosineDecay(x, 10, 0.01)),
    ("steps", lambda x: optim.CosineDecay(0.1, x, 0.01)),
    ("end", lambda x: optim.CosineDecay(0.1, 10, x)),
    ("peak", lambda x: optim.LinearWarmup(x, 10)),
    ("steps", lambda x: optim.LinearWarmup(0.1, x)),
]


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize(("name", "make"), BROKEN)
def test_schedule_refuses_a_part_that_is_not_positive(
    name: str, make: Callable[[Any], optim.Schedule], wrong: float
) -> None:
    with pytest.raises(ArgumentError, match=rf"^{name} must be .*, got {re.escape(repr(wrong))}$"):
        make(wrong)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: optim.StepDecay(0.1, 0.5, 10),
            "every must be an integer >= 1, got 0.5. Write",
        ),  # type: ignore[arg-type]
        (lambda: optim.CosineDecay(0.1, 0.01, 1000), "steps must be an integer >= 1, got 0.01. W"),  # type: ignore[arg-type]
        (lambda: optim.LinearWarmup(1000, 0.5), "steps must be an integer >= 1, got 0.5. Write L"),  # type: ignore[arg-type]
    ],
)
def test_a_schedule_whose_arguments_are_exchanged_is_an_error(make: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(said)}"):
        make()


@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, math.nan])
def test_sutskever_momentum_refuses_a_limit_outside_0_to_1(wrong: float) -> None:
    with pytest.raises(ArgumentError, match=rf"^limit must be .*, got {re.escape(repr(wrong))}$"):
        optim.SutskeverMomentum(wrong)


def test_schedules_are_values_that_compare_and_do_not_change() -> None:
    one = optim.StepDecay(0.1, 10)
    assert one == optim.StepDecay(0.1, 10) != optim.StepDecay(0.1, 11)
    schedules = [one, optim.ExponentialDecay(0.1, 0.5), optim.CosineDecay(0.1, 10, 0.01)]
    schedules += [optim.LinearWarmup(0.1, 10), optim.NesterovMomentum(), optim.SutskeverMomentum()]
    for schedule in schedules:
        with pytest.raises(AttributeError, match="cannot assign"):
            schedule.start = 0.2  # type: ignore[attr-defined]


def test_step_decay_falls_to_a_tenth_by_default() -> None:
    assert optim.StepDecay(0.1, 10) == optim.StepDecay(0.1, 10, 0.1)


def test_every_exported_schedule_is_tested_here() -> None:
    modules = (optim.schedules, optim.cycles)
    exported = {name for module in modules for name in module.__all__} - {"Schedule"}
    assert exported == {
        "StepDecay",
        "ExponentialDecay",
        "CosineDecay",
        "CosineRestarts",
        "LinearWarmup",
        "NesterovMomentum",
        "OneCycle",
        "OneCycleMomentum",
        "PiecewiseConstant",
        "StronglyConvexMomentum",
        "SutskeverMomentum",
    }
