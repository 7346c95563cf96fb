"""Operations, replicas, custom data sets: the rules hold wherever data come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stand_ins import GAP, Frame, Polars, Series, X, Y, fit, mask

from minidl import Tensor, Trainer, nn, ops, optim, train_replicas
from minidl.datasets import DATASETS, Info, generate, load
from minidl.errors import DataError, DTypeError


def test_hidden_values_of_masked_arrays_do_not_reach_an_operation() -> None:
    x, hidden = Tensor(X, requires_grad=True), np.ma.masked_array(GAP, mask())
    for operation in (
        lambda: x * hidden,
        lambda: x + hidden,
        lambda: np.stack([x, hidden]),
        lambda: ops.where(X > 1, x, hidden),
        lambda: ops.mean_squared_error(x, X, sample_weight=np.ma.masked_equal(Y, 1)),
        lambda: x + list(hidden),
        lambda: ops.mean_squared_error(x, hidden),
        lambda: ops.softmax_cross_entropy(x, np.ma.masked_equal([0, 1, 0, 1], 1)),
    ):
        with pytest.raises(
            DTypeError, match=r"an operation cannot take a masked|must hold numbers|Null"
        ):
            operation()
    assert_array_equal((x + np.ma.masked_array(X)).data, 2 * X)


def test_the_same_index_in_another_order_is_an_error() -> None:
    def frame(index: list[Any]) -> Frame:
        return Frame(index, a=X[:, 0], b=X[:, 1])

    with pytest.raises(DataError, match=r"labels 3 and 0 in row 0\. Give y\.loc\[X\.index\]"):
        fit(frame([3, 1, 2, 0]), Series([0, 1, 2, 3], Y))
    with pytest.raises(DataError, match="the same index in another order"):
        fit(frame([1, "a", None, (2, 3)]), Series(["a", (2, 3), None, 1], Y))
    for index in ([3, 1, 2, 0], [4, 5, 6, 7], ["a", 1, None, 2]):  # the same, or of a part
        assert_array_equal(fit(frame([3, 1, 2, 0]), Series([3, 1, 2, 0], Y)), fit(X))
        assert_array_equal(fit(frame(index), Y), fit(X))
        assert_array_equal(fit(frame([8, 9, 4, 5]), Series(index, Y)), fit(X))


def test_validation_must_have_the_columns_of_the_training_inputs() -> None:
    train, same = (Polars(a=X[:, 0], b=X[:, 1]) for _ in range(2))
    swapped = Polars(b=X[:, 1], a=X[:, 0])
    trainer = Trainer(nn.mlp(2, 1, seed=0), "bce", optimizer=optim.NAG(0.1), seed=0)
    with pytest.raises(DataError, match=r"other columns.*got \['b', 'a'\], expected \['a', 'b'\]"):
        trainer.fit(train, Y, epochs=1, validation=(swapped, Y))
    trainer.fit(train, Y, epochs=1, validation=(same, Y))
    trainer.fit(train, Y, epochs=1, validation=(X, Y))


@pytest.mark.parametrize(
    ("X_made", "y_made", "words"),
    [
        (np.ma.masked_equal(X, 1.0), Y, "a feature is missing: got a masked value in row 0"),
        (X.tolist(), [0, None, 0, 1], "a target is missing: got None in row 1"),
        (X, [0, 0.5, 0, 1], "a target is not a class: got targets from 0.0 to 1.0, expected class"),
        (X, [0, 1, 2, 1], "a target is not a class"),
        (X, [0, -1, 1, 1], "a target is not a class"),
        (np.where(X == 3, np.nan, X), Y, "a feature is not a finite number: got nan in row 2"),
        (X[:, 0], Y, "the wrong shapes"),
        (X.astype(str), Y, "is not a real number"),
    ],
)
def test_a_custom_data_set_is_checked(
    X_made: Any, y_made: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Info("sine", "binary", 2, "made by a user", lambda n, noise, seed: (X_made, y_made))
    monkeypatch.setitem(DATASETS._entries, "sine", made)
    for call in (load, generate):
        with pytest.raises(DataError, match=f"data set 'sine': .*{words}"):
            call("sine", n=4)


def test_original_units_are_not_made_of_text_or_hidden_values() -> None:
    data = load("diabetes")
    assert_array_equal(data.inverse_y([0, 1]), [data.y_mean, data.y_mean + data.y_scale])
    with pytest.raises(DataError, match="a value is missing"):
        data.inverse_y(np.ma.masked_equal([0.0, 1.0], 1.0))
    with pytest.raises(DTypeError, match="'1' in row 0 is not a real number"):
        data.inverse_y(["1"])


def test_a_set_with_missing_values_is_named_by_its_seed() -> None:
    sets, labels = np.ma.masked_equal(np.stack([X, X + 1]), 6.0), np.stack([Y, Y])
    options: Any = {"loss": "bce", "seeds": [3, 4], "epochs": 1}
    network, optimizer = lambda seed: nn.mlp(2, 1, seed=seed), optim.NAG(0.1)
    with pytest.raises(DataError, match=r"got a masked value in row 3, column 1") as caught:
        train_replicas(network, optimizer, sets, labels, **options)
    assert caught.value.__notes__ == ["in the training rows of seed 4"]
    for same in (
        list(sets.data),
        sets.data.tolist(),
        [Polars(a=s[:, 0], b=s[:, 1]) for s in sets.data],
    ):
        trained = train_replicas(network, optim.NAG(0.1), same, list(labels), **options)
        plain = train_replicas(network, optim.NAG(0.1), sets.data, labels, **options)
        for one, other in zip(trained, plain, strict=True):
            assert_array_equal(one.model.parameters.value, other.model.parameters.value)
