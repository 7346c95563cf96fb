"""What batches and momentum do to the size of a step."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import A, check_batches_add_up, trajectory
from optim_problems import Network, batches, network

from minidl import optim

NET, START = network(rows=23)


@pytest.mark.parametrize("size", [1, 2, 5, 22, 23, 32])
def test_weighted_batch_gradients_add_up_to_the_full_one(size: int) -> None:
    check_batches_add_up(NET.gradient, START, batches(23, size), NET.gradient(START))


def test_unweighted_batch_gradients_do_not_add_up_when_the_last_is_ragged() -> None:
    parts = batches(23, 5)
    mean = sum(NET.gradient(START, part) for part in parts) / len(parts)
    assert np.abs(mean - NET.gradient(START)).max() > 1e-3


def shuffled_epochs(size: int, seed: int, epochs: int) -> tuple[np.ndarray, int]:
    """Train by gradient descent on reshuffled rows; return the weights and the step count."""
    rng = np.random.default_rng(seed)
    optimizer, w = optim.GradientDescent(0.5), START.copy()
    for _ in range(epochs):
        order = rng.permutation(23)
        net = Network(NET.X[order], NET.y[order])
        for rows in batches(23, size):
            optimizer.step(w, lambda point, net=net, rows=rows: net.gradient(point, rows))
    return w, optimizer.step_count


def test_full_batch_descent_takes_one_step_an_epoch_and_ignores_the_shuffle() -> None:
    (one, steps), (other, _) = (shuffled_epochs(23, seed, 200) for seed in (0, 1))
    assert steps == 200
    assert_allclose(one, other, rtol=0, atol=1e-12)
    batch, _ = trajectory(optim.GradientDescent(0.5), NET.gradient, START, 200)
    assert_allclose(one, batch[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("size", "updates"), [(1, 23), (5, 5)])
def test_smaller_batches_take_more_steps_an_epoch_and_depend_on_the_shuffle(
    size: int, updates: int
) -> None:
    (one, steps), (other, _) = (shuffled_epochs(size, seed, 20) for seed in (0, 1))
    assert steps == 20 * updates
    assert np.abs(one - other).max() > 1e-3


def test_epoch_of_small_steps_is_nearly_one_full_step() -> None:
    """At a learning rate so small that the weights hardly move, weighted batches are one batch."""
    parts, a = batches(23, 5), 1e-7
    w = START.copy()
    for part in parts:
        share = (part.stop - part.start) / 23
        optim.GradientDescent(a * share).step(w, lambda p, part=part: NET.gradient(p, part))
    assert_allclose(w - START, -a * NET.gradient(START), rtol=0, atol=1e-13)


@pytest.mark.parametrize("m", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("make", [optim.Momentum, optim.NAG, optim.ReformulatedNAG])
def test_momentum_at_a_fraction_of_the_rate_takes_descents_steady_step(make: Any, m: float) -> None:
    g = np.array([0.7, -2.0])
    stored, iterates = trajectory(make(A * (1 - m), m), lambda w: g.copy(), np.zeros(2), 5_000)
    assert_allclose(np.diff(stored, axis=0)[-1], -A * g, rtol=1e-12)
    assert_allclose(np.diff(iterates, axis=0)[-1], -A * g, rtol=1e-12)
    assert_allclose(np.diff(iterates, axis=0)[0], -A * (1 - m) * g, rtol=1e-12)
