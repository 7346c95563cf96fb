"""What is recorded of a run: points, losses, where gradients were asked for, divergence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl import optim
from minidl.errors import ArgumentError, UnknownNameError
from minidl.paths import SURFACES, common_lr, descend, surface

THREE = ["gd", "momentum", "nag"]
OWN = """
import numpy as np
from minidl import optim
class Twice(optim.Optimizer):
    lr = optim.learning_rate()
    def __init__(self, lr):
        super().__init__(lr=lr)
    def update(self, w, grad):
        w -= self.lr * (grad(w) + grad(w + 1)) / 2
"""


def by_hand(name, lr, m, start, slope):
    """The iterates and the points of gradients, from the formulas of Sutskever et al. 2013."""
    theta, v, iterates, asked = np.array(start), np.zeros(len(start)), [start], []
    for _ in range(40):
        point = theta + m * v if name == "nag" else theta
        v = (0 if name == "gd" else m) * v - lr * slope(point)
        theta = theta + v
        iterates.append(theta)
        asked.append(point)
    return np.array(iterates), np.array(asked)


@pytest.mark.parametrize("name", THREE)
def test_iterates_and_points_of_gradients_are_those_of_the_formulas(name):
    path = descend("valley", name, lr=0.02, momentum=0.8, steps=40)
    slope = np.array([1.0, 20.0])
    iterates, asked = by_hand(name, 0.02, 0.8, [-4.0, 1.0], lambda point: slope * point)
    assert_allclose(path.iterates, iterates, atol=1e-12)
    assert_allclose(np.concatenate(path.asked), asked, atol=1e-12)
    assert_allclose(path.losses, (iterates**2 @ slope) / 2, atol=1e-12)
    assert path.diverged is None


def test_both_forms_of_nag_have_the_same_path_and_the_same_points_of_gradients():
    one, other = (descend("beale", name, lr=0.005) for name in ("nag", "nag-reformulated"))
    assert_allclose(one.iterates, other.iterates, atol=1e-11)
    assert_allclose(np.concatenate(one.asked), np.concatenate(other.asked), atol=1e-11)


def test_a_half_step_of_nag_is_its_velocity_and_then_the_gradient_there():
    path = descend("valley", "nag", lr=0.02, momentum=0.8, steps=10)
    halves = list(path.half_steps())
    assert len(halves) == 9  # the first step has no velocity
    for k, (here, ahead, there) in enumerate(halves, start=1):
        velocity = path.iterates[k] - path.iterates[k - 1]
        assert_allclose(ahead - here, 0.8 * velocity, atol=1e-13)
        assert_allclose(there - ahead, -0.02 * ahead * [1.0, 20.0], atol=1e-13)
    for name in ("gd", "momentum"):
        assert list(descend("valley", name, lr=0.02).half_steps()) == []


@pytest.mark.parametrize("name", ["batch", "stochastic", "mini-batch", "Gradient-Descent"])
def test_batching_means_nothing_on_a_surface(name):
    path, gd = descend("beale", name, lr=0.005), descend("beale", "gd", lr=0.005)
    assert path.iterates.tobytes() == gd.iterates.tobytes()
    assert path.name == name


def test_an_optimizer_is_reset_and_its_name_is_its_class():
    optimizer = optim.NAG(0.02)
    first, second = descend("valley", optimizer), descend("valley", optimizer)
    assert first.name == "NAG"
    assert first.iterates.tobytes() == second.iterates.tobytes()
    assert descend("valley", optimizer, name="mine").name == "mine"


def test_schedules_are_followed():
    path = descend("x**2/2", optim.GradientDescent(lambda step: 1 / (step + 2)), steps=3)
    assert_allclose(path.iterates[:, 0], [1, 1 / 2, 1 / 3, 1 / 4], atol=1e-15)
    assert path.rule is None


def test_a_class_in_a_file_may_ask_several_times(tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    path = descend("x**2/2", f"{tmp_path / 'own.py'}:Twice", lr=0.5, steps=3)
    assert [len(points) for points in path.asked] == [2, 2, 2]
    assert path.name == "Twice"
    assert list(path.half_steps()) == []
    assert_allclose(path.iterates[1], [1 - 0.5 * 1.5])


def test_a_run_that_diverges_ends_there_with_finite_points():
    path = descend("x**2/2", "gd", lr=4.0, start=1.0)  # times -3 in each step
    assert path.diverged == 5  # the loss is 9^5 = 59,049 times the first
    assert_allclose(path.iterates[:, 0], [1, -3, 9, -27, 81, -243])
    path = descend("exp(x**2)", "gd", lr=1.0, start=2.0)
    assert path.diverged == 1
    assert len(path.iterates) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("valley", "nag"), ArgumentError, 'optimizer "nag" needs a learning rate'),
        (("valley", "nga"), UnknownNameError, "Did you mean 'nag'"),
        (("valley", optim.NAG), ArgumentError, "optimizer must be an instance, got the class NAG"),
        (("valley", 3), ArgumentError, "optimizer must be a name such as"),
        (("valley", optim.NAG(0.1), None, 0), ArgumentError, "steps must be an integer from 1 to"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        descend(*arguments)
    with pytest.raises(ArgumentError, match="lr belongs to the optimizer, which already exists"):
        descend("valley", optim.NAG(0.1), lr=0.1)


@pytest.mark.parametrize("name", ["himmelblau", "beale", "saddle", "sin(x)*y"])
def test_no_path_meets_a_curvature_above_that_of_the_common_rate(name):
    rate = common_lr(name, THREE)
    assert rate.lr == 0.5 / rate.curvature
    paths = [descend(name, optimizer, lr=rate.lr) for optimizer in THREE]
    points = np.concatenate([np.concatenate([p.iterates, *p.asked]) for p in paths])
    hessians = surface(name).hessians(points)
    largest = max(np.abs(np.linalg.eigvalsh(hessian)).max() for hessian in hessians)
    assert 0.4 * rate.curvature < largest <= rate.curvature * (1 + 1e-8)


def test_curvature_at_the_look_ahead_points_counts():
    text = "x**2 + exp(-3*x)"  # curved most where NAG looks ahead, beyond the minimum
    rate = common_lr(text, ["nag"], 2.0)
    path = descend(text, "nag", 2.0, lr=rate.lr)
    at_points, at_iterates = (
        surface(text).curvatures(points).max()
        for points in (np.concatenate(path.asked), path.iterates)
    )
    assert at_points > 1.1 * at_iterates
    assert at_points <= rate.curvature * (1 + 1e-8)


@pytest.mark.parametrize("name", SURFACES)
def test_no_optimizer_diverges_at_the_common_rate(name):
    lr = common_lr(name, THREE).lr
    for optimizer in THREE:
        path = descend(name, optimizer, lr=lr)
        assert path.diverged is None
        assert path.losses[-1] < 0.2 * path.losses[0]


def test_a_plane_has_no_curvature():
    assert common_lr("3*x - y", THREE).lr == 0.1
    assert common_lr("abs(x)", THREE).lr == 0.1


def test_a_first_loss_near_zero_is_no_divergence():
    for name in THREE:
        path, plain = (descend(text, name, lr=0.25) for text in ("x**2 - 1.00001", "x**2"))
        assert path.diverged is None
        assert_allclose(path.iterates, plain.iterates, atol=1e-12)
    assert descend("x**2 - 1.00001", "gd", lr=1.2).diverged  # a rise still is


def test_a_rise_is_measured_by_how_far_the_loss_has_fallen():
    rates = [0.4, 6.0, 0.5]  # close to the minimum of -9801, up to 37,600, and to the minimum
    optimizer = optim.GradientDescent(lambda step: rates[step])
    path = descend("(x - 100)**2 - 9801", optimizer, 1.0, 3)
    assert path.losses.max() > 3e4
    assert path.diverged is None
    assert_allclose(path.iterates[-1], 100)


@pytest.mark.parametrize("text", ["-x**2", "x**3", "-exp(x)"])
def test_a_fall_without_end_diverges(text):
    path = descend(text, "gd", -1.0 if text == "x**3" else 1.0, lr=0.25)
    assert path.diverged
    assert path.diverged < 40


def test_a_common_rate_of_a_quadratic_checks_the_names_too():
    with pytest.raises(UnknownNameError, match="unknown optimizer 'nosuch'"):
        common_lr("x**2", ["nag", "nosuch"])
