"""A run has diverged by the scale of its targets, not by the smallness of its first loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Trainer, nn
from minidl.errors import DivergenceWarning
from minidl.training.block import Block
from minidl.training.data import Data, check_rows

X = np.random.default_rng(0).normal(size=(40, 3))
TRUE = np.array([[1.0], [-2.0], [0.5]])
SCALES = [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9]


def at_the_minimum(scale: float, loss: Any = "mse", lr: float = 0.1) -> Trainer:
    """Return a Trainer whose weights are those of the targets."""
    model = nn.Dense(3, 1, bias=False)
    model.weight.data[...] = scale * TRUE
    return Trainer(model, loss, "gd", lr=lr, batch_size="full", seed=0)


@pytest.mark.parametrize("loss", ["mse", "mae", nn.Huber(delta=1e12)], ids=str)
@pytest.mark.parametrize("scale", SCALES)
def test_a_run_that_begins_at_its_minimum_may_leave_it(scale: float, loss: Any) -> None:
    trainer = at_the_minimum(scale, loss, lr=0.01 * min(1.0, scale))
    y = scale * X @ TRUE
    trainer.fit(X, y, epochs=0)
    trainer.model.parameters.value += 0.1 * scale  # a tenth, of a loss of almost 0
    history = trainer.fit(X, y, epochs=2)
    losses = history["train_loss"]
    assert not history.diverged
    assert losses[0] * 1e4 < losses[-1]
    assert losses[-1] < trainer.objective.of_zeros(X, y)


@pytest.mark.parametrize("scale", SCALES)
def test_a_rate_that_is_too_large_is_told_at_every_scale(scale: float) -> None:
    trainer = at_the_minimum(scale, lr=100.0)
    y = scale * (X @ TRUE + 1)  # which no weights reach
    with pytest.warns(DivergenceWarning, match="diverged in epoch"):
        history = trainer.fit(X, y, epochs=60)
    assert history.diverged
    assert history.diverged_at is not None
    assert history.diverged_at < 20


@pytest.mark.parametrize("scale", SCALES)
def test_networks_that_are_trained_together_have_the_same_rule(scale: float) -> None:
    trainers = [at_the_minimum(scale) for _ in range(3)]
    y = scale * X @ TRUE
    for trainer in trainers:
        trainer.fit(X, y, epochs=0)
    rows = check_rows("training", X, y, trainers[0].objective)
    losses = np.array([0.1, 1.0, 1e9]) * scale**2
    assert_array_equal(
        Block(trainers).stop_diverged(losses, Data(rows)), [True, True, scale < 1e-5]
    )


def test_outputs_of_0_of_a_custom_loss_are_not_asked_for() -> None:
    class Own(nn.Loss):
        def mean(self, outputs: Any, targets: Any) -> Any:
            return ((outputs - targets) ** 2).mean()

    assert at_the_minimum(1.0, Own()).objective.of_zeros(X, X @ TRUE) == 0.0


def test_the_loss_of_outputs_0_takes_weights_and_sets() -> None:
    objective, y = at_the_minimum(1.0).objective, X @ TRUE
    assert objective.of_zeros(X, y) == pytest.approx(np.mean(y**2))
    w = np.linspace(0, 2, 40)
    w /= w.mean()
    assert objective.of_zeros(X, y, w) == pytest.approx(np.mean(w[:, None] * y**2))
