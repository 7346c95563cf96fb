"""Wrong rules that train: which checks notice them, and that a falling loss is not one.

Every fault here has been shipped by somebody or is one slip of the pen away. The table says
exactly which checks catch it, so it also says what each check is blind to.
"""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import KINDS, MAKES, Make, check_batches_add_up, check_loss_went_down, response
from optim_problems import batches, network

from minidl import optim

Array = Any


class Uphill(optim.Momentum):
    """Sign error: the velocity is added."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w)
        w += v


class Turncoat(optim.Momentum):
    """Sign error: the old velocity enters with a minus."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.lr * grad(w) - self.momentum * v
        w -= v


class MomentumTwice(optim.Momentum):
    """The velocity is multiplied by m once before the gradient and once after the step."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v *= self.momentum
        v[...] = self.momentum * v + self.lr * grad(w)
        w -= v


class Average(optim.Momentum):
    """The velocity is a moving average, so each step is 1 - m times as long."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + (1 - self.momentum) * self.lr * grad(w)
        w -= v


class LrOutside(optim.Momentum):
    """PyTorch's form: the present learning rate multiplies the whole history."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + grad(w)
        w -= self.lr * v


class NeverLooksAhead(optim.NAG):
    """NAG in name: the gradient is taken where the weights are."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w)
        w -= v


class LooksBack(optim.NAG):
    """The gradient is taken at w + m v: a velocity of the other sign, half copied from a book."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w + self.momentum * v)
        w -= v


class LooksTooFar(optim.NAG):
    """The gradient is taken at w - v."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w - v)
        w -= v


class UphillNAG(optim.NAG):
    """Sign error: looks ahead correctly, then climbs."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w - self.momentum * v)
        w += v


class Chainer(optim.ReformulatedNAG):
    """W' = W - m m v' - (1 + m) a g with the new velocity: shipped for years, and it trains."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v, m = self.state["velocity"], self.momentum
        step = self.lr * grad(w)
        v[...] = m * v + step
        w -= m * m * v + (1 + m) * step


class PresentMomentum(optim.ReformulatedNAG):
    """m_t where m_{t+1} belongs."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        step = self.lr * grad(w)
        v[...] = self.momentum * v + step
        w -= self.momentum * v + step


class LrOutsideNesterov(optim.ReformulatedNAG):
    """PyTorch's nesterov=True: b = m b + g; w -= a (g + m b)."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        b, g = self.state["velocity"], grad(w)
        b[...] = self.momentum * b + g
        w -= self.lr * (g + self.momentum * b)

    def iterate(self, w: Array) -> Array:
        b = self.state.get("velocity")
        last = self.hyperparameters["lr"]
        a = last(max(self.step_count - 1, 0)) if callable(last) else last
        return w.copy() if b is None else w + a * self.momentum * b


class ForgetsTheGradient(optim.ReformulatedNAG):
    """The second half of the step, - a g, is missing."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w)
        w -= self.momentum * v


MOMENTUM, NAG = set(KINDS["momentum"]), set(KINDS["nag"])
FAULTS: list[tuple[Make, str, set[str]]] = [
    (Uphill, "momentum", MOMENTUM),
    (Turncoat, "momentum", MOMENTUM),
    (MomentumTwice, "momentum", MOMENTUM),
    (Average, "momentum", MOMENTUM),
    (LrOutside, "momentum", {"lr inside"}),
    (NeverLooksAhead, "nag", {"textbook", "schedules", "recurrence"}),
    (LooksBack, "nag", {"textbook", "schedules", "recurrence"}),
    (LooksTooFar, "nag", {"textbook", "schedules", "recurrence"}),
    (UphillNAG, "nag", NAG),
    (Chainer, "reformulated nag", NAG),
    (PresentMomentum, "reformulated nag", {"schedules"}),
    (LrOutsideNesterov, "reformulated nag", {"lr inside", "schedules"}),
    (ForgetsTheGradient, "reformulated nag", NAG),
]
CLIMB = (Uphill, UphillNAG)
ids = [fault.__name__ for fault, _, _ in FAULTS]


def caught(make: Make, kind: str) -> set[str]:
    """Return the names of the checks of this kind that the rule does not pass."""
    names = set()
    for name, check in KINDS[kind].items():
        try:
            check(make)
        except AssertionError:
            names.add(name)
    return names


@pytest.mark.parametrize("kind", KINDS)
def test_right_rule_passes_every_check(kind: str) -> None:
    for check in KINDS[kind].values():
        check(MAKES[kind])
    check_loss_went_down(MAKES[kind])


@pytest.mark.parametrize(("fault", "kind", "expected"), FAULTS, ids=ids)
def test_wrong_rule_is_caught_by_exactly_these_checks(
    fault: Make, kind: str, expected: set[str]
) -> None:
    assert expected
    assert caught(fault, kind) == expected


@pytest.mark.parametrize(("fault", "kind", "expected"), FAULTS, ids=ids)
def test_loss_goes_down_with_every_wrong_rule_that_does_not_climb(
    fault: Make, kind: str, expected: set[str]
) -> None:
    if fault in CLIMB:
        with pytest.raises(AssertionError):
            check_loss_went_down(fault)
    else:
        check_loss_went_down(fault)


def test_every_check_is_the_one_that_some_fault_needs() -> None:
    for kind, checks in KINDS.items():
        needed = set().union(*(names for _, k, names in FAULTS if k == kind))
        assert needed == set(checks)


def test_sum_over_the_batch_where_its_mean_belongs_is_caught_by_adding_batches_up() -> None:
    net, w = network(rows=23)
    parts, full = batches(23, 5), net.gradient(w)
    check_batches_add_up(net.gradient, w, parts, full)
    with pytest.raises(AssertionError):  # 1 / n is missing
        check_batches_add_up(
            lambda point, rows: net.gradient(point, rows) * (rows.stop - rows.start), w, parts, full
        )
    with pytest.raises(AssertionError):  # 1 / n of the full batch size even in a ragged batch
        check_batches_add_up(
            lambda point, rows: net.gradient(point, rows) * (rows.stop - rows.start) / 5,
            w,
            parts,
            full,
        )


def test_sum_over_the_batch_trains_all_the_same() -> None:
    net, start = network(rows=23)
    optimizer, w = optim.GradientDescent(0.05), start.copy()
    for _ in range(200):
        optimizer.step(w, lambda point: 23 * net.gradient(point))
    assert net.loss(w) < 0.5 * net.loss(start)


def test_known_wrong_rules_have_fingerprints_of_their_own() -> None:
    a, m, k = 0.1, 0.9, np.arange(5)
    chainer, _ = response(Chainer(a, m), [1.0, 0, 0, 0, 0])
    assert_allclose(chainer, -a * np.array([1 + m + m**2, m**3, m**4, m**5, m**6]), rtol=1e-13)
    average, _ = response(Average(a, m), [1.0, 0, 0, 0, 0])
    assert_allclose(average, -a * (1 - m) * m**k, rtol=1e-13)
