"""The tests' own problems are right: derivatives by complex step, known minima and limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_problems import Huber, Network, WorstFunction, batches, network, random_quadratic


@pytest.mark.parametrize("rows", [slice(None), slice(0, 5), slice(20, 23), slice(7, 8)])
def test_network_gradient_equals_the_complex_step(rows: slice) -> None:
    net, w = network()
    steps = w + 1e-30j * np.eye(Network.size)
    expected = [net.loss(point, rows).imag / 1e-30 for point in steps]
    assert_allclose(net.gradient(w, rows), expected, rtol=0, atol=1e-15)


def test_random_quadratic_has_the_eigenvalues_asked_for() -> None:
    problem = random_quadratic(np.array([0.5, 2.0, 3.0]), seed=1)
    assert_allclose(np.linalg.eigvalsh(problem.A), [0.5, 2, 3], rtol=1e-13)
    assert_allclose(problem.gradient(problem.minimum), np.zeros(3), atol=1e-14)
    assert problem.gap(problem.minimum + 1) > problem.gap(problem.minimum) == 0


@pytest.mark.parametrize("k", [1, 7, 50])
def test_worst_function_has_the_minimum_the_bound_speaks_of(k: int) -> None:
    f = WorstFunction(k)
    assert_allclose(f.gradient(f.minimum), np.zeros(f.n), atol=1e-15)
    assert_allclose(f.value(f.minimum), f.lowest, rtol=1e-13)
    T = np.column_stack([f.gradient(e) - f.gradient(np.zeros(f.n)) for e in np.eye(f.n)])
    assert np.linalg.eigvalsh(T)[-1] < 1  # L = 1


def test_worst_function_gradient_equals_the_slope_of_its_value() -> None:
    f = WorstFunction(3)
    w = np.random.default_rng(0).standard_normal(f.n)
    slopes = [(f.value(w + e) - f.value(w - e)) / 2 for e in np.eye(f.n)]  # exact: f is quadratic
    assert_allclose(f.gradient(w), slopes, atol=1e-14)


def test_huber_gradient_equals_the_slope_of_its_gap() -> None:
    f = Huber(0.3)
    for x in (-1.0, -0.2, 0.1, 0.31, 2.0):
        slope = (f.gap(np.array([x + 1e-6])) - f.gap(np.array([x - 1e-6]))) / 2e-6
        assert_allclose(f.gradient(np.array([x])), [slope], atol=1e-9)


def test_batches_cover_every_row_once() -> None:
    assert batches(7, 3) == [slice(0, 3), slice(3, 6), slice(6, 7)]
