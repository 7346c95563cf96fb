"""``load``: tasks, shapes, the split, and standardising on the training rows alone."""

import dataclasses

import numpy as np
import pytest

from minidl.datasets import TABLE, generate, load, names
from minidl.datasets.dataset import Raw, prepare
from minidl.errors import ArgumentError, DataError

# Name: rows, features, outputs.
SHAPES = dict.fromkeys(names(), (1000, 2, 1)) | {
    "blobs": (1000, 2, 3),
    "gaussian_quantiles": (1000, 2, 3),
    "classification": (1000, 10, 1),
    "iris": (150, 4, 3),
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 1),
    "digits": (1797, 64, 10),
    "diabetes": (442, 10, 1),
    "friedman1": (1000, 10, 1),
    "sine": (1000, 1, 1),
    "linear": (1000, 5, 1),
}
CLASSIFICATION = [info.name for info in TABLE if info.classes]
REGRESSION = [info.name for info in TABLE if not info.classes]
REAL = [info.name for info in TABLE if info.kind == "real"]


def arrays(data):
    return data.X_train, data.y_train, data.X_test, data.y_test


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(arrays(a), arrays(b), strict=True))


def rows(X, y):
    """Return rows with their targets, in an order that does not depend on the split."""
    table = np.column_stack([X, y])
    return table[np.lexsort(table.T)]


def raw(X, y, task="regression", classes=()):
    X = np.asarray(X, dtype=float)
    return Raw("toy", task, X, np.asarray(y), tuple("abcdef"[: X.shape[1]]), classes)


@pytest.mark.parametrize("name", names())
def test_every_set_has_its_task_shapes_and_types(name):
    n, d, outputs = SHAPES[name]
    data = load(name)
    info = next(info for info in TABLE if info.name == name)
    assert (data.name, data.task, data.n_classes) == (name, info.task, info.classes)
    assert (data.n_features, data.n_outputs) == (d, outputs)
    assert len(data.feature_names) == d
    assert len(data.class_names) == info.classes
    assert all(type(text) is str for text in data.feature_names + data.class_names)
    assert data.X_train.shape[1] == data.X_test.shape[1] == d
    assert len(data.X_train) + len(data.X_test) == n
    for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test)):
        assert X.dtype == np.float64
        assert X.flags.c_contiguous
        assert y.dtype == (np.int64 if info.classes else np.float64)
        assert y.shape == (len(X),)
    if info.classes:
        assert np.unique(data.y_train).tolist() == list(range(info.classes))


@pytest.mark.parametrize("name", names())
def test_the_same_seed_gives_the_same_data_and_another_seed_does_not(name):
    assert same(load(name, seed=4), load(name, seed=4))
    assert not same(load(name, seed=4), load(name, seed=5))


@pytest.mark.parametrize("name", ["moons", "iris", "sine"])
def test_a_split_seed_splits_the_same_rows_differently(name):
    a, b = (load(name, seed=1, split_seed=s, standardize=False) for s in (1, 2))
    assert not same(a, b)
    together = [(np.r_[d.X_train, d.X_test], np.r_[d.y_train, d.y_test]) for d in (a, b)]
    assert np.array_equal(rows(*together[0]), rows(*together[1]))
    assert same(a, load(name, seed=1, standardize=False))
    assert not np.array_equal(rows(a.X_test, a.y_test), rows(b.X_test, b.y_test))


@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("test_size", [0.001, 0.25, 0.5, 0.999])
def test_every_class_is_split_in_proportion_and_is_in_both_parts(name, test_size):
    data = load(name, test_size=test_size)
    train, test = (np.bincount(y, minlength=data.n_classes) for y in (data.y_train, data.y_test))
    assert min(train.min(), test.min()) >= 1
    assert np.all(np.abs(test - test_size * (train + test)) <= 1)


@pytest.mark.parametrize("name", REGRESSION)
def test_a_regression_is_split_by_the_fraction(name):
    data = load(name, test_size=0.3)
    assert len(data.X_test) == round(0.3 * SHAPES[name][0])


@pytest.mark.parametrize("name", ["moons", "iris", "sine"])
def test_parts_hold_each_row_once(name):
    whole, parts = (load(name, test_size=t, standardize=False) for t in (0.0, 0.4))
    X, y = np.r_[parts.X_train, parts.X_test], np.r_[parts.y_train, parts.y_test]
    assert np.array_equal(rows(X, y), rows(whole.X_train, whole.y_train))


def test_both_parts_are_in_random_order():
    data = load("iris")
    for y in (data.y_train, data.y_test):
        assert not np.array_equal(y, np.sort(y))


@pytest.mark.parametrize("name", ["moons", "diabetes"])
def test_test_size_zero_leaves_no_test_rows(name):
    data = load(name, test_size=0)
    assert data.X_test.shape == (0, data.n_features)
    assert data.y_test.shape == (0,)
    assert len(data.X_train) == SHAPES[name][0]
    assert data.summary().endswith("test rows: 0")


@pytest.mark.parametrize("name", names())
def test_training_rows_have_mean_zero_and_deviation_one(name):
    data = load(name)
    constant = np.ptp(data.X_train, axis=0) == 0
    assert np.allclose(data.X_train.mean(axis=0), 0.0, atol=1e-12)
    assert np.allclose(data.X_train.std(axis=0)[~constant], 1.0, atol=1e-12)
    assert np.all(data.X_train[:, constant] == 0.0)
    assert np.all(data.x_scale[constant] == 1.0)
    if data.task == "regression":
        assert abs(data.y_train.mean()) < 1e-12
        assert abs(data.y_train.std() - 1.0) < 1e-12


@pytest.mark.parametrize("name", names())
def test_standardising_can_be_undone_and_left_out(name):
    scaled, plain = load(name), load(name, standardize=False)
    for part in ("train", "test"):
        X = getattr(scaled, f"X_{part}") * scaled.x_scale + scaled.x_mean
        assert np.allclose(X, getattr(plain, f"X_{part}"), rtol=1e-12, atol=1e-12)
        y = scaled.inverse_y(getattr(scaled, f"y_{part}"))
        assert np.allclose(y, getattr(plain, f"y_{part}"), rtol=1e-12, atol=1e-12)
    assert np.all(plain.x_mean == 0.0)
    assert np.all(plain.x_scale == 1.0)
    assert (plain.y_mean, plain.y_scale) == (0.0, 1.0)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_class_numbers_are_never_scaled(name):
    data = load(name)
    assert (data.y_mean, data.y_scale) == (0.0, 1.0)
    assert data.inverse_y(data.y_train).tolist() == data.y_train.tolist()


def test_statistics_do_not_move_when_a_test_row_changes():
    X = np.arange(40.0).reshape(20, 2) ** 1.5
    y = np.arange(20.0)
    before = prepare(raw(X, y), test_size=0.25, seed=0, standardize=True)
    number = before.inverse_y(before.y_test[0]).round().astype(int)
    X[number], y[number] = 1e6, 1e6
    after = prepare(raw(X, y), test_size=0.25, seed=0, standardize=True)
    assert before.x_mean.tolist() == after.x_mean.tolist()
    assert before.x_scale.tolist() == after.x_scale.tolist()
    assert (before.y_mean, before.y_scale) == (after.y_mean, after.y_scale)
    assert np.array_equal(before.X_train, after.X_train)
    assert after.X_test[0].min() > 1e3
    assert after.y_test[0] > 1e3


def test_statistics_move_when_a_training_row_changes():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    before = prepare(raw(X, y), test_size=0.2, seed=0, standardize=True)
    number = before.inverse_y(before.y_train[0]).round().astype(int)
    X[number] = 1e6
    after = prepare(raw(X, y), test_size=0.2, seed=0, standardize=True)
    assert before.x_mean.max() < after.x_mean.min()


def test_a_constant_column_becomes_exactly_zero():
    X = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    data = prepare(raw(X, np.full(7, 0.1)), test_size=0.0, seed=0, standardize=True)
    assert data.X_train[:, 0].tolist() == [0.0] * 7
    assert (data.x_mean[0], data.x_scale[0]) == (0.1, 1.0)
    assert data.y_train.tolist() == [0.0] * 7
    assert (data.y_mean, data.y_scale) == (0.1, 1.0)


def test_a_column_whose_squares_vanish_is_left_in_scale():
    X = np.arange(4.0)[:, None] * 1e-200
    data = prepare(raw(X, np.arange(4.0)), test_size=0.0, seed=0, standardize=True)
    assert data.x_scale.tolist() == [1.0]


@pytest.mark.parametrize("where", ["column 'b'", "the target"])
def test_numbers_too_large_to_standardise_are_named(where):
    X, y = np.arange(8.0).reshape(4, 2), np.arange(4.0)
    huge = X[:, 1] if "b" in where else y
    huge[:2] = 1e308, -1e308
    with pytest.raises(DataError, match=f"toy, {where}: .*too large.*standardize=False"):
        prepare(raw(X, y), test_size=0.0, seed=0, standardize=True)
    prepare(raw(X, y), test_size=0.0, seed=0, standardize=False)


def test_generated_rows_are_those_of_generate():
    X, y = generate("moons", n=80, noise=0.1, seed=9)
    data = load("moons", n=80, noise=0.1, seed=9, test_size=0, standardize=False)
    assert np.array_equal(rows(X, y), rows(data.X_train, data.y_train))
    assert len(load("moons", n=80).X_train) == 60


def test_diabetes_comes_in_original_units():
    data = load("diabetes", standardize=False)
    age = data.X_train[:, data.feature_names.index("age")]
    assert age.min() >= 18
    assert data.y_train.max() > 300


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(("argument", "value"), [("n", 100), ("noise", 0.0)])
def test_rows_and_noise_of_a_measured_set_are_an_error(name, argument, value):
    with pytest.raises(
        ArgumentError,
        match=f"^{argument} applies to generated data sets only, got {value} with '{name}'",
    ):
        load(name, **{argument: value})


@pytest.mark.parametrize("name", ["moons", "iris"])
@pytest.mark.parametrize(
    ("argument", "value"), [("target", "y"), ("target", 0), ("task", "binary")]
)
def test_target_and_task_of_a_named_set_are_an_error(name, argument, value):
    with pytest.raises(
        ArgumentError, match=f"^{argument} applies to files only, got {value!r} with '{name}'"
    ):
        load(name, **{argument: value})


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan"), "0.2", True, None])
def test_an_invalid_test_size_is_an_error(value):
    with pytest.raises(ArgumentError, match=r"^test_size must be in \[0, 1\), got "):
        load("iris", test_size=value)


@pytest.mark.parametrize("argument", ["seed", "split_seed"])
@pytest.mark.parametrize("value", [-1, 2**32, 1.0, "1", True])
def test_an_invalid_seed_is_an_error(argument, value):
    with pytest.raises(
        ArgumentError, match=rf"^{argument} must be an integer from 0 to 4294967295, got {value!r}$"
    ):
        load("iris", **{argument: value})


def test_a_class_of_one_row_cannot_be_split():
    toy = raw([[1.0], [2.0], [3.0]], [0, 0, 1], "binary", ("no", "yes"))
    with pytest.raises(DataError, match=r"toy: class 'yes' has too few rows to split: got 1 "):
        prepare(toy, test_size=0.25, seed=0, standardize=True)
    data = prepare(toy, test_size=0.0, seed=0, standardize=True)
    assert sorted(data.y_train.tolist()) == [0, 0, 1]


def test_a_class_without_rows_is_an_error_even_without_a_split():
    toy = raw([[1.0], [2.0]], [0, 0], "binary", ("no", "yes"))
    with pytest.raises(DataError, match=r"toy: class 'yes' has too few rows: got 0 rows"):
        prepare(toy, test_size=0.0, seed=0, standardize=True)


def test_a_regression_of_one_row_cannot_be_split():
    with pytest.raises(DataError, match=r"toy: the set has too few rows to split: got 1 row,"):
        prepare(raw([[1.0]], [1.0]), test_size=0.5, seed=0, standardize=True)


def test_two_rows_per_class_are_enough_for_any_split():
    toy = raw(np.arange(4.0)[:, None], [0, 0, 1, 1], "binary", ("no", "yes"))
    for test_size in (0.01, 0.99):
        data = prepare(toy, test_size=test_size, seed=0, standardize=True)
        assert sorted(data.y_train.tolist()) == sorted(data.y_test.tolist()) == [0, 1]


def test_a_dataset_is_frozen_and_has_a_short_repr():
    data = load("digits")
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"
    assert (
        repr(data)
        == "Dataset('digits', multiclass, 1346 training rows, 451 test rows, 64 features)"
    )


def test_the_summary_counts_rows_and_classes():
    assert load("iris").summary().splitlines() == [
        "iris: multiclass, 4 features, 3 classes",
        "training rows: 111 (setosa: 37, versicolor: 37, virginica: 37)",
        "test rows: 39 (setosa: 13, versicolor: 13, virginica: 13)",
    ]
    assert load("sine", n=8).summary().splitlines() == [
        "sine: regression, 1 feature",
        "training rows: 6",
        "test rows: 2",
    ]
