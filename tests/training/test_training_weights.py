"""A weight of 2 is a row that occurs twice: sample_weight in fit, validation and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import Array, content, line, three_classes, two_classes

from minidl import Trainer, nn
from minidl.errors import ArgumentError, DataError, MinidlError
from minidl.streams import stream
from minidl.training import History, load_run, save_run

RNG = np.random.default_rng(7)
X, Y = two_classes(30)
X3, Y3 = three_classes(30)
XL, YL = line(30)
COUNTS = RNG.integers(0, 4, 30)  # how often each row occurs
TWO_TARGETS = np.column_stack([YL, YL**2])
PROBLEMS: dict[str, tuple[str | nn.Loss, Array, Array, int]] = {
    "mse": ("mse", XL, YL, 1),
    "mse of two": ("mse", XL, TWO_TARGETS, 2),
    "mae": ("mae", XL, YL, 1),
    "huber": (nn.losses.Huber(0.3), XL, YL, 1),
    "bce": ("bce", X, Y, 1),
    "bce of two": ("bce", X, np.column_stack([Y, 1 - Y]), 2),
    "hinge": ("hinge", X, 2 * Y - 1, 1),
    "softmax": ("softmax_cross_entropy", X3, Y3, 3),
    "one-hot": ("softmax_cross_entropy", X3, np.eye(3)[Y3], 3),
}


def trainer(loss: Any, features: int, outputs: int, **options: Any) -> Trainer:
    settings = {"batch_size": "full", "l2": 0.01, "seed": 0, "lr": 0.1} | options
    model = settings.pop("model", None) or nn.mlp(features, 5, outputs, seed=1)
    return Trainer(model, loss, settings.pop("optimizer", "nag"), **settings)


def linear(**options: Any) -> Trainer:
    """Return a Trainer of w x on two inputs, from the weights (0, 0)."""
    model = nn.Dense(2, 1, initializer="zeros", bias=False)
    return trainer("mse", 2, 1, **({"model": model, "optimizer": "gd", "l2": 0.0} | options))


def demand_equal(ours: History, theirs: History, but: tuple[str, ...] = ()) -> None:
    assert set(ours.columns) == set(theirs.columns)
    for name in set(ours.columns) - {"seconds", *but}:
        assert_allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-12, err_msg=name)


# -- what a weight means ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROBLEMS)
def test_in_full_batches_a_weight_is_how_often_the_row_occurs(kind: str) -> None:
    loss, inputs, targets, outputs = PROBLEMS[kind]
    weighted, repeated = (
        trainer(loss, inputs.shape[1], outputs, look_ahead=True) for _ in range(2)
    )
    several = np.repeat(inputs, COUNTS, axis=0), np.repeat(targets, COUNTS, axis=0)
    ours = weighted.fit(
        inputs, targets, epochs=8, sample_weight=COUNTS, validation=(inputs, targets, COUNTS[::-1])
    )
    back = COUNTS[::-1]
    held_out = np.repeat(inputs, back, axis=0), np.repeat(targets, back, axis=0)
    theirs = repeated.fit(*several, epochs=8, validation=held_out)
    demand_equal(ours, theirs, but=("samples",))
    assert_allclose(
        weighted.model.parameters.value, repeated.model.parameters.value, rtol=0, atol=1e-12
    )
    measured = weighted.evaluate(inputs, targets, sample_weight=0.1 * COUNTS)
    assert measured == pytest.approx(repeated.evaluate(*several), rel=1e-12)
    plain = trainer(loss, inputs.shape[1], outputs)
    plain.fit(inputs, targets, epochs=8)
    moved = np.abs(plain.model.parameters.value - weighted.model.parameters.value)
    assert moved.max() > 1e-3  # or nothing of this is a test


@pytest.mark.parametrize("size", ["full", 1, 4, 7])
def test_a_batch_is_divided_by_its_rows_and_the_mean_weight_of_all_rows(size: Any) -> None:
    """By hand: linear regression, w <- w - lr sum(s 2 e x) / (B m) - lr l2 w."""
    s = RNG.uniform(0, 3, 30) * (RNG.uniform(size=30) < 0.5)  # half of them 0
    ours = linear(batch_size=size, l2=0.1)
    history = ours.fit(XL, YL, epochs=3, sample_weight=s)
    w, m, rows = np.zeros(2), s.mean(), 30 if size == "full" else size
    for epoch in range(1, 4):
        order = np.arange(30)
        if rows < 30:
            stream(0, "shuffle", epoch).shuffle(order)
        total = 0.0
        for first in range(0, 30, rows):
            part = order[first : first + rows]
            e, B = XL[part] @ w - YL[part], len(part)
            total += (s[part] * e**2).sum() / m + B * 0.1 * (w @ w) / 2
            w = w - 0.1 * ((2 * s[part] * e) @ XL[part] / (B * m) + 0.1 * w)
        assert history["running_loss"][epoch] == pytest.approx(total / 30, rel=1e-12)
        loss = (s * (XL @ w - YL) ** 2).sum() / s.sum() + 0.1 * (w @ w) / 2
        assert history["train_loss"][epoch] == pytest.approx(loss, rel=1e-12)
    assert_allclose(ours.model.parameters.value, w, rtol=0, atol=1e-12)


def test_a_batch_whose_weights_are_all_0_takes_no_part_even_if_its_loss_is_infinite() -> None:
    s, wild = np.ones(30), XL.copy()
    s[8:16], wild[8:16] = 0, 1e200
    ours, theirs = (linear(batch_size=8, shuffle=False, lr=0.05) for _ in range(2))
    history = ours.fit(wild, YL, epochs=5, sample_weight=s)
    assert not history.diverged
    theirs.fit(XL, YL, epochs=5, sample_weight=s)
    assert_array_equal(ours.model.parameters.value, theirs.model.parameters.value)


@pytest.mark.parametrize("weights", [np.ones(30), [3] * 30, np.full(30, 0.1), [True] * 30])
@pytest.mark.parametrize("size", ["full", 8])
def test_equal_weights_are_no_weights_to_the_last_bit(weights: Any, size: Any) -> None:
    found = []
    for given in (None, weights):
        one = trainer("bce", 2, 1, batch_size=size)
        history = one.fit(X, Y, epochs=3, sample_weight=given, validation=(X, Y, given))
        found.append((content(history), one.model.parameters.value.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 5, 1e300])
def test_only_the_ratios_of_weights_matter(scale: float) -> None:
    ours, theirs = trainer("bce", 2, 1, batch_size=8), trainer("bce", 2, 1, batch_size=8)
    s = COUNTS + 0.5
    demand_equal(
        ours.fit(X, Y, epochs=3, sample_weight=scale * s),
        theirs.fit(X, Y, epochs=3, sample_weight=s.tolist()),
    )


def test_weights_may_be_a_mask_an_object_array_or_another_librarys_column() -> None:
    class Column:  # as a column of pandas or polars
        def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
            return np.asarray(COUNTS, dtype)

    expected = trainer("bce", 2, 1).fit(X, Y, epochs=2, sample_weight=COUNTS)
    for given in (tuple(COUNTS), COUNTS.astype(object), COUNTS.astype(np.uint8), Column()):
        found = trainer("bce", 2, 1).fit(X, Y, epochs=2, sample_weight=given)  # type: ignore[arg-type]
        assert content(found) == content(expected)
    masked = trainer("bce", 2, 1).fit(X, Y, epochs=2, sample_weight=COUNTS > 0)
    without = trainer("bce", 2, 1).fit(X[COUNTS > 0], Y[COUNTS > 0], epochs=2)
    demand_equal(masked, without, but=("samples",))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_measured_in_several_chunks_have_one_weighted_mean(dtype: Any) -> None:
    n = 20_000  # chunks have 8,192 rows
    rng = np.random.default_rng(0)
    inputs, s = rng.standard_normal((n, 2)), rng.uniform(size=n)
    s[:8192] *= 0.01
    targets = (inputs[:, 0] + rng.standard_normal(n) > 0).astype(int)
    one = trainer("bce", 2, 1, model=nn.mlp(2, 3, 1, seed=0, dtype=dtype), l2=0.0)
    history = one.fit(inputs, targets, epochs=0, sample_weight=s)
    z = one.model.predict(inputs)[:, 0].astype(float)
    losses = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - targets * z
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    row = history.row(0)
    assert row["train_loss"] == pytest.approx((s * losses).sum() / s.sum(), rel=tolerance)
    right = (s * ((z > 0) == targets)).sum() / s.sum()
    assert row["train_accuracy"] == pytest.approx(right, rel=tolerance)


# -- over several calls ----------------------------------------------------------------------------


def test_a_run_continues_exactly_with_the_same_weights_and_can_change_them(tmp_path: Path) -> None:
    s = COUNTS + 0.5
    whole = trainer("bce", 2, 1, batch_size=8)
    whole.fit(X, Y, epochs=6, sample_weight=s)
    parts, loaded = trainer("bce", 2, 1, batch_size=8), trainer("bce", 2, 1, batch_size=8)
    parts.fit(X, Y, epochs=2, sample_weight=s)
    save_run(parts, tmp_path / "run.npz")
    load_run(loaded, tmp_path / "run.npz")
    for one in (parts, loaded):
        assert content(one.fit(X, Y, epochs=4, sample_weight=s)) == content(whole.history)
    before = parts.model.parameters.value.copy()
    history = parts.fit(X, Y, epochs=1, sample_weight=s[::-1])
    assert history["train_loss"][-1] == parts.evaluate(X, Y, s[::-1])["loss"]
    other = trainer("bce", 2, 1, batch_size=8)
    other.fit(X, Y, epochs=6, sample_weight=s)
    assert_array_equal(other.model.parameters.value, before)
    other.fit(X, Y, epochs=1)
    assert np.any(other.model.parameters.value != parts.model.parameters.value)


def test_an_interrupted_epoch_is_finished_with_its_weights() -> None:
    s, calls = COUNTS + 0.5, []
    whole, parts = trainer("bce", 2, 1, batch_size=8), trainer("bce", 2, 1, batch_size=8)
    whole.fit(X, Y, epochs=3, sample_weight=s)
    mean = parts.loss.mean

    def interrupted(outputs: Any, targets: Any, sample_weight: Any = None) -> Any:
        calls.append(outputs.requires_grad)
        if sum(calls) == 6:
            raise KeyboardInterrupt
        return mean(outputs, targets, sample_weight)  # type: ignore[call-arg]

    parts.loss.mean = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        parts.fit(X, Y, epochs=3, sample_weight=s)
    assert parts.cursor
    parts.fit(X, Y, epochs=2, sample_weight=s)
    assert content(parts.history) == content(whole.history)


# -- custom losses ---------------------------------------------------------------------------------


class Plain(nn.Loss):
    def mean(self, outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 2).mean()


class Weighted(nn.Loss):
    def mean(self, outputs: Any, targets: Any, sample_weight: Any = None) -> Any:
        losses = ((outputs - targets) ** 2).sum(axis=-1)
        if sample_weight is None:
            return losses.mean()
        return (sample_weight * losses).sum() / sample_weight.sum()


class Halved(nn.MeanSquaredError):
    def mean(self, outputs: Any, targets: Any) -> Any:  # type: ignore[override]
        return super().mean(outputs, targets) / 2


@pytest.mark.parametrize("loss", [Plain, Halved])
def test_a_custom_loss_that_takes_no_weights_says_what_to_write(loss: Any) -> None:
    one = linear(model=nn.Dense(2, 1, seed=0))
    one = Trainer(one.model, loss(), "gd", lr=0.1)
    one.fit(XL, YL, epochs=1)
    for call in (
        lambda: one.fit(XL, YL, epochs=1, sample_weight=COUNTS),
        lambda: one.fit(XL, YL, epochs=1, validation=(XL, YL, COUNTS)),
        lambda: one.evaluate(XL, YL, COUNTS),
        lambda: loss()(XL[:, :1], YL, COUNTS),
    ):
        with pytest.raises(ArgumentError) as caught:
            call()
        text = str(caught.value)
        assert text.startswith(f"{loss.__name__}.mean takes no sample_weight. Write mean(self, ")
        assert "outputs, targets, sample_weight=None), which returns sum(w l) / sum(w)" in text


def test_a_custom_loss_with_weights_trains_as_minidls_own() -> None:
    found = []
    for loss in (Weighted(), nn.MeanSquaredError()):
        one = Trainer(nn.mlp(2, 3, 1, seed=0), loss, "nag", lr=0.05, batch_size=4, seed=0)
        found.append(one.fit(XL, YL, epochs=3, sample_weight=COUNTS))
    demand_equal(*found)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_loss_called_with_weights_is_the_mean_of_repeated_rows(kind: str) -> None:
    loss, _, targets, outputs = PROBLEMS[kind]
    criterion, z = nn.loss(loss), RNG.standard_normal((30, outputs))
    several = np.repeat(z, COUNTS, axis=0), np.repeat(targets, COUNTS, axis=0)
    assert criterion(z, targets, COUNTS) == pytest.approx(criterion(*several), rel=1e-12)
    if criterion.classifies:
        found = criterion.accuracy(z, targets, 0.5 * COUNTS)
        assert found == pytest.approx(criterion.accuracy(*several), rel=1e-12)
        with pytest.raises(ArgumentError, match="no accuracy if all rows have weight 0"):
            criterion.accuracy(z, targets, np.zeros(30))


# -- errors ----------------------------------------------------------------------------------------

ROWS = [1.0] * 29
BAD: list[tuple[Any, str]] = [
    (ROWS, "weight for each row: got shape (29,), expected shape (30,). Weights are never"),
    (2.0, "weight for each row: got shape (), expected shape (30,)"),
    ([], "weight for each row: got shape (0,)"),
    (np.ones((30, 1)), "weight for each row: got shape (30, 1), expected shape (30,)"),
    ([*ROWS, -1], "weight is not a finite number >= 0: got -1.0 in row 29"),
    ([*ROWS, np.nan], "weight is not a finite number >= 0: got nan in row 29"),
    ([*ROWS, None], "weight is missing: got None in row 29"),
    ([*ROWS, np.inf], "weight is not a finite number >= 0: got inf in row 29"),
    (np.ma.masked_equal(COUNTS, 2), "weight is missing: got a masked value in row"),
    (np.zeros(30), "weights are 0"),
    (["1"] * 30, "weights are not numbers: '1' in row 0"),
    ("balanced", "weights are not numbers: 'balanced'"),
    (np.array(["1"] * 30, dtype=object), "weights are not numbers"),
    (np.array([1] * 29 + ["1"], dtype=object), "weights are not numbers"),
    ({0: 1.0}, "weights are not numbers"),
    ([*ROWS, 10**400], "weights are not numbers"),
    (np.ones(30) + 1j, "weights are not numbers: dtype complex128"),
    (np.ones(30, "m8[s]"), "weights are not numbers"),
    ([[1.0], [1.0, 2.0]], "weights are not numbers"),
    ([{}] * 30, "weights are not numbers"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_bad_weights_are_refused_wherever_they_are_given(bad: Any, words: str) -> None:
    one = trainer("bce", 2, 1)
    for what, call in (
        ("training", lambda: one.fit(X, Y, epochs=1, sample_weight=bad)),
        ("validation", lambda: one.fit(X, Y, epochs=1, validation=(X, Y, bad))),
        ("evaluation", lambda: one.evaluate(X, Y, bad)),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert words in str(caught.value), caught.value
        assert what in str(caught.value)
    assert one.epoch == 0


@pytest.mark.parametrize(
    "bad", [ROWS, 2.0, [*ROWS, -1], [*ROWS, np.nan], [0] * 30, ["1"] * 30, [[1.0], [1.0, 2.0]]]
)
def test_a_loss_called_with_bad_weights_raises(bad: Any) -> None:
    with pytest.raises(MinidlError, match="weight"):
        nn.loss("bce")(X[:, :1], Y, bad)
