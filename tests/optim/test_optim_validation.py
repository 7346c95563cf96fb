"""What an optimizer refuses, when, and what the error says it received."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optim_checks import MAKES, Make, trajectory

from minidl import optim
from minidl.errors import ArgumentError, DTypeError, ShapeError, shown

NOT_NUMBERS = ["0.1", b"0.1", True, np.True_, None, [], {}, 1j, 10**400]
NOT_NUMBERS += [["0.1"], [True], [0.1, None], [[0.1], [0.2, 0.3]], [[[0.1]]], np.complex128(0.1)]
WRONG_LR = [*NOT_NUMBERS, 0, 0.0, -1, -1e-300, np.nan, np.inf, -np.inf, [0.1, 0.0], [0.1, np.nan]]
WRONG_MOMENTUM = [*NOT_NUMBERS, -0.1, 1, 1.0, 1.5, np.nan, np.inf, [0.9, 1.0]]
WITH_MOMENTUM = [optim.Momentum, optim.NAG, optim.ReformulatedNAG]
quick = settings(deadline=None, database=None, derandomize=True)


def identity(w: Any) -> Any:
    return w.copy()


@pytest.mark.parametrize("wrong", WRONG_LR, ids=repr)
@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_wrong_learning_rate_is_refused_and_named(make: Make, wrong: object) -> None:
    with pytest.raises(ArgumentError, match=r"^lr must be") as caught:
        make(wrong, 0.9)
    assert str(caught.value) == f"lr must be a positive finite number, got {shown(wrong)}"
    assert caught.value.argument == "lr"


@pytest.mark.parametrize("wrong", WRONG_MOMENTUM, ids=repr)
@pytest.mark.parametrize("make", WITH_MOMENTUM)
def test_wrong_momentum_is_refused_and_named(make: Make, wrong: object) -> None:
    with pytest.raises(ArgumentError, match=r"^momentum must be") as caught:
        make(0.1, wrong)
    assert str(caught.value) == f"momentum must be a number in [0, 1), got {shown(wrong)}"
    assert caught.value.argument == "momentum"


@pytest.mark.parametrize("name", ["lr", "momentum"])
def test_a_refused_assignment_leaves_the_old_value(name: str) -> None:
    optimizer = optim.Momentum(0.1, 0.9)
    before = getattr(optimizer, name)
    with pytest.raises(ArgumentError, match=rf"^{name} must be .*, got -1\b"):
        setattr(optimizer, name, -1)
    assert getattr(optimizer, name) == before


@quick
@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_every_positive_finite_number_is_a_learning_rate(a: float) -> None:
    assert optim.GradientDescent(a).lr == a


@quick
@given(st.floats(min_value=0, max_value=1, exclude_max=True))
def test_every_number_from_zero_to_below_one_is_a_momentum(m: float) -> None:
    assert optim.NAG(0.1, m).momentum == m


@quick
@given(st.one_of(st.floats(max_value=0), st.floats(min_value=1), st.just(float("nan"))))
def test_no_other_number_is_a_momentum(m: float) -> None:
    if m == 0:
        assert optim.NAG(0.1, m).momentum == 0
        return
    with pytest.raises(ArgumentError, match=re.escape(repr(m))):
        optim.NAG(0.1, m)


@pytest.mark.parametrize("a", [1, np.float32(0.5), np.int64(2), np.array(0.25)])
def test_numpy_numbers_become_plain_floats(a: Any) -> None:
    lr = optim.GradientDescent(a).lr
    assert type(lr) is float
    assert lr == a


def test_sequences_become_a_column_with_one_row_per_replica() -> None:
    optimizer = optim.Momentum([0.1, 0.2, 0.3], np.array([[0.0], [0.5], [0.9]]))
    assert optimizer.lr.shape == optimizer.momentum.shape == (3, 1)
    assert optimizer.lr.ravel().tolist() == [0.1, 0.2, 0.3]
    assert repr(optimizer) == "Momentum(lr=[0.1, 0.2, 0.3], momentum=[0.0, 0.5, 0.9])"


def test_changing_the_callers_array_does_not_change_the_learning_rate() -> None:
    mine = np.array([0.1, 0.2])
    optimizer = optim.GradientDescent(mine)
    mine[:] = 9
    assert optimizer.lr.ravel().tolist() == [0.1, 0.2]


def test_schedule_is_checked_when_it_is_read() -> None:
    optimizer = optim.GradientDescent(lambda step: 0.1 if step < 2 else -0.5)
    w = np.ones(1)
    optimizer.step(w, identity)
    optimizer.step(w, identity)
    with pytest.raises(ArgumentError, match=r"^lr must be a positive finite number, got -0\.5$"):
        optimizer.step(w, identity)
    assert optimizer.step_count == 2


def test_reformulated_nag_checks_the_momentum_of_the_next_step() -> None:
    optimizer = optim.ReformulatedNAG(0.1, lambda step: 0.5 if step < 1 else 1.0)
    with pytest.raises(ArgumentError, match=r"^momentum must be a number in \[0, 1\), got 1\.0$"):
        optimizer.step(np.ones(1), identity)


def test_schedules_receive_the_step_count() -> None:
    seen: list[int] = []
    optimizer = optim.GradientDescent(lambda step: seen.append(step) or 0.1)  # type: ignore[func-returns-value]
    trajectory(optimizer, identity, np.ones(1), 4)
    assert seen == [0, 1, 2, 3]


def test_learning_rate_may_be_assigned_between_steps() -> None:
    for make in MAKES.values():
        optimizer = make(0.1, 0.9)
        w = np.ones(1)
        optimizer.step(w, identity)
        optimizer.lr = 0.2
        optimizer.step(w, identity)
        both, _ = trajectory(make(lambda k: (0.1, 0.2)[k], 0.9), identity, np.ones(1), 2)
        assert np.array_equal(w, both[-1])


def test_running_reformulated_nag_refuses_another_momentum() -> None:
    optimizer = optim.ReformulatedNAG(0.1, 0.9)
    optimizer.momentum = 0.5
    optimizer.step(np.ones(1), identity)
    with pytest.raises(ArgumentError, match=r"^the momentum .*cannot be replaced.*: got 0\.25"):
        optimizer.momentum = 0.25
    optimizer.reset()
    optimizer.momentum = 0.25
    assert optimizer.momentum == 0.25


@pytest.mark.parametrize("w", [[1.0], 1.0, (1.0,), None, np.arange(3), np.ones(2, bool)], ids=repr)
def test_step_refuses_what_it_cannot_update_in_place(w: Any) -> None:
    with pytest.raises(DTypeError, match=f": got {type(w).__name__} of "):
        optim.GradientDescent(0.1).step(w, identity)


@pytest.mark.parametrize("dtype", [np.float16, np.complex128, np.int64])
def test_step_names_a_type_it_cannot_use(dtype: Any) -> None:
    with pytest.raises(DTypeError, match=f"ndarray of {np.dtype(dtype)}"):
        optim.NAG(0.1).step(np.ones(2, dtype), identity)


@pytest.mark.parametrize(
    ("gradient", "received"),
    [
        (np.ones(2), "ndarray of shape (2,)"),
        (np.ones((1, 3)), "ndarray of shape (1, 3)"),
        ([1.0, 1.0, 1.0], "list of shape (3,)"),
        (1.0, "float of shape ()"),
        (None, "NoneType of shape ()"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_gradient_of_another_shape_is_refused_and_nothing_moves(
    make: Make, gradient: Any, received: str
) -> None:
    optimizer, w = make(0.1, 0.9), np.ones(3)
    with pytest.raises(ShapeError, match=rf": got {re.escape(received)}, expected an ndarray"):
        optimizer.step(w, lambda point: gradient)
    assert w.tolist() == [1, 1, 1]
    assert optimizer.step_count == 0
    optimizer.step(w, identity)
    fresh, _ = trajectory(make(0.1, 0.9), identity, np.ones(3), 1)
    assert np.array_equal(w, fresh[-1])


@pytest.mark.parametrize("make", WITH_MOMENTUM)
def test_one_optimizer_serves_one_vector_until_reset(make: Make) -> None:
    optimizer = make(0.1, 0.9)
    optimizer.step(np.ones(3), identity)
    with pytest.raises(ShapeError, match=r"got w of shape \(2,\), expected shape \(3,\)"):
        optimizer.step(np.ones(2), identity)
    optimizer.reset()
    assert (optimizer.step_count, optimizer.gradient_evaluations, optimizer.state) == (0, 0, {})
    optimizer.step(np.ones(2), identity)


def test_state_of_another_rule_or_an_incomplete_one_is_refused() -> None:
    source, target = optim.Momentum(0.1), optim.NAG(0.1)
    source.step(np.ones(2), identity)
    with pytest.raises(ArgumentError, match=r"got Momentum with \['velocity'\], expected NAG"):
        target.load_state_dict(source.state_dict())
    lacking = source.state_dict() | {"state": {}}
    adding = source.state_dict() | {"state": {"velocity": np.ones(2), "more": np.ones(2)}}
    for wrong in (lacking, adding):
        with pytest.raises(ArgumentError, match="belongs to another optimizer"):
            optim.Momentum(0.1).load_state_dict(wrong)


def test_state_saved_before_the_first_step_is_accepted() -> None:
    optimizer = optim.Momentum(0.1)
    optimizer.load_state_dict(optim.Momentum(0.5).state_dict())
    assert (optimizer.state, optimizer.step_count, optimizer.lr) == ({}, 0, 0.1)


@pytest.mark.parametrize("make", WITH_MOMENTUM)
def test_loaded_state_is_a_copy_and_goes_on_where_the_saved_one_stopped(make: Make) -> None:
    source, w = make(0.1), np.array([1.0, -2.0])
    for _ in range(3):
        source.step(w, identity)
    saved, target = source.state_dict(), make(0.1)
    target.load_state_dict(saved)
    saved["state"]["velocity"][...] = np.nan
    assert (target.step_count, target.gradient_evaluations) == (3, 3)
    one, other = w.copy(), w.copy()
    source.step(one, identity)
    target.step(other, identity)
    np.testing.assert_array_equal(one, other)


def test_the_stored_point_of_reformulated_nag_is_ahead_of_its_iterate_by_the_velocity() -> None:
    optimizer, w = optim.ReformulatedNAG(0.1, 0.5), np.array([1.0, -2.0])
    for f in (optimizer.iterate, optimizer.stored):  # before the first step, copies
        np.testing.assert_array_equal(f(w), w)
        assert not np.shares_memory(f(w), w)
    optimizer.step(w, identity)
    np.testing.assert_allclose(w, [0.85, -1.7])  # v = 0.1 w; w <- w - (0.5 v + 0.1 w)
    np.testing.assert_allclose(optimizer.iterate(w), [0.9, -1.8])
    np.testing.assert_allclose(optimizer.stored(np.array([0.9, -1.8])), w)


@pytest.mark.parametrize("make", WITH_MOMENTUM)
def test_momentum_is_nine_tenths_by_default(make: Make) -> None:
    assert make(0.1).momentum == 0.9  # type: ignore[attr-defined]


def test_a_custom_optimizer_has_a_momentum_that_is_checked() -> None:
    class Averaging(optim.GradientDescent):
        decay = optim.momentum()

    optimizer = Averaging(0.1)
    optimizer.decay = 0.5
    with pytest.raises(ArgumentError, match=r"^decay must be a number in \[0, 1\), got 1$"):
        optimizer.decay = 1
    assert optimizer.decay == 0.5


def test_optimizer_cannot_be_made_without_a_formula() -> None:
    with pytest.raises(TypeError, match="does not define update"):
        optim.Optimizer(lr=0.1)  # type: ignore[abstract]


@pytest.mark.parametrize("make", [optim.GradientDescent, optim.Momentum, optim.NAG])
def test_a_rate_for_each_replica_needs_a_row_for_each(make) -> None:
    with pytest.raises(ShapeError, match=r"^lr has one value per replica.*: got 2 values for w"):
        make([0.1, 0.2]).step(np.ones(3), lambda point: point)
    for shape in ((2,), (3, 2), (2, 3, 3)):
        with pytest.raises(ShapeError, match=rf"2 values for w of shape {re.escape(str(shape))}"):
            make([0.1, 0.2]).step(np.ones(shape), lambda point: point)
    w = np.ones((2, 3))
    make([0.1, 0.2]).step(w, lambda point: point)
    np.testing.assert_allclose(w, [[0.9] * 3, [0.8] * 3])


def test_a_gradient_in_the_place_of_its_function_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^grad is not a function: got ndarray"):
        optim.NAG(0.1).step(np.ones(3), np.ones(3))
