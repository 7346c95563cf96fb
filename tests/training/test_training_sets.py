"""train_replicas with one set of rows for each seed, against single runs on each set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_training_jobs import Looking
from test_training_many import demand_equal
from training_problems import Array

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import DataError, ShapeError

RNG = np.random.default_rng(1)
X = RNG.standard_normal((3, 60, 2))
Y = (X[..., 0] > 0.3).astype(int)
OPTIONS: dict[str, Any] = {"loss": "bce", "seeds": [4, 0, 9], "epochs": 3, "batch_size": 16}


def small(seed: int) -> nn.Layer:
    return nn.mlp(2, 5, 1, seed=seed)


def train(X: Any = X, y: Any = Y, **options: Any) -> Any:
    return train_replicas(small, optim.NAG([0.1, 0.3]), X, y, **(OPTIONS | options))


@pytest.mark.parametrize(
    "form",
    [
        lambda values: values,
        lambda values: values.tolist(),
        np.asfortranarray,
        lambda values: np.repeat(values, 2, axis=1)[:, ::2],
    ],
    ids=["array", "lists", "Fortran", "gaps"],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_seed_has_its_own_rows(form: Any, jobs: int) -> None:
    found = train(form(X), form(Y), validation=(form(X[:, ::3]), form(Y[:, ::3])), jobs=jobs)
    assert [one.seed for one in found] == [4, 0, 9] * 2
    for k, one in enumerate(found):
        s = k % 3
        optimizer = optim.NAG(one.hyperparameters["lr"])
        alone = Trainer(small(one.seed), "bce", optimizer=optimizer, batch_size=16, seed=one.seed)
        alone.fit(X[s], Y[s], epochs=3, validation=(X[s, ::3], Y[s, ::3]))
        demand_equal(one, alone)


def test_float32_is_converted_once_for_all() -> None:
    found, expected = train(X.astype(np.float32)), train(X.astype(np.float32).astype(float))
    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(ours.history["train_loss"], theirs.history["train_loss"])


class Pooled(nn.Layer):
    """Takes rows (steps, features), and averages over the steps."""

    def __init__(self, seed: int) -> None:
        self.inner = small(seed)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.inner.forward(np.mean(x, axis=1), training)


def test_rows_of_two_axes_are_still_rows() -> None:
    rows, y = X.transpose(1, 0, 2), Y[0]
    found = train_replicas(Pooled, optim.NAG(0.1), rows, y, **OPTIONS)  # type: ignore[arg-type]
    alone = Trainer(Pooled(4), "bce", optimizer=optim.NAG(0.1), batch_size=16, seed=4)
    alone.fit(rows, y, epochs=3)
    demand_equal(found[0], alone)  # type: ignore[arg-type]


def test_targets_of_the_shape_of_the_inputs_are_no_sets() -> None:
    def encoder(seed: int) -> nn.Layer:
        return nn.mlp(2, 3, 2, seed=seed)

    options = OPTIONS | {"loss": "mse"}
    found = train_replicas(encoder, optim.NAG(0.1), X[0], X[0], **options)
    alone = Trainer(encoder(4), "mse", optimizer=optim.NAG(0.1), batch_size=16, seed=4)
    alone.fit(X[0], X[0], epochs=3)
    demand_equal(found[0], alone)  # type: ignore[arg-type]


def test_each_set_is_without_gaps() -> None:
    """NumPy 2.0 multiplies matrices with gaps without the BLAS, and so rounds another way."""
    table = np.asfortranarray(RNG.standard_normal((3, 60, 4)))
    options = OPTIONS | {"batch_size": "full", "memory": 1}
    found = train_replicas(Looking, optim.NAG(0.1), table, Y, **options)  # type: ignore[arg-type]
    assert all(isinstance(one.model, Looking) and one.model.whole for one in found)


def test_sets_that_do_not_fit_are_told() -> None:
    words = r"not one set of training rows for each seed: got X of shape \(2, 60, 2\),"
    with pytest.raises(DataError, match=rf"{words} y of shape \(2, 60\), 3 seeds, expected X \(se"):
        train(X[:2], Y[:2])
    for validation in ((X[0], Y[0]), (X[:2], Y[:2])):
        with pytest.raises(DataError, match="not one set of validation rows for each seed"):
            train(validation=validation)
    with pytest.raises(DataError, match="not one set of training rows for each seed"):
        train(X[0], Y[0], validation=(X, Y))
    with pytest.raises(DataError, match="differ in length"):
        train(X, Y[0])


def wrong(values: Array, place: Any, value: float) -> Array:
    values = values.astype(float)
    values[place] = value
    return values


def test_a_set_with_wrong_values_is_named() -> None:
    cases: list[tuple[Any, Any, str]] = [
        (wrong(X, (1, 7, 0), np.nan), Y, "a training input is not a finite number.*row 7, column"),
        (X, wrong(Y, (1, 7), 3.0), "BinaryCrossEntropy: a target is not a valid class"),
    ]
    for inputs, targets, words in cases:
        with pytest.raises(DataError, match=words) as caught:
            train(inputs, targets)
        assert caught.value.__notes__ == ["in the training rows of seed 0"]
    with pytest.raises(ShapeError, match="do not fit the model") as shape:
        train(np.ones((3, 60, 5)), Y)
    assert shape.value.__notes__ == ["in the training rows of seed 4"]
    with pytest.raises(DataError, match="the training inputs are not a table of numbers"):
        train(X.astype(complex), Y)
