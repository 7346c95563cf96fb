"""Data and arguments that must be are errors before the first step, in plain words."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import (
    LR,
    line,
    linear_trainer,
    three_classes,
    two_class_trainer,
    two_classes,
)

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError, DataError, ShapeError, UnknownNameError

X, Y = two_classes(6)


def spoilt(array, place, value):
    """Return a copy of an array with one entry replaced."""
    array = np.array(array, dtype=float)
    array[place] = value
    return array


BAD_DATA = {
    "no rows": (np.empty((0, 2)), [], DataError, r"no training rows: got X of shape \(0, 2\)"),
    "one axis": (X[:, 0], Y, DataError, r"not a table: got shape \(6,\).*\(X, \(-1, 1\)\)"),
    "a number": (3.0, Y, DataError, r"not a table: got shape \(\)"),
    "an empty list": ([], [], DataError, "not a table"),
    "too few y": (X, Y[:5], DataError, r"differ in length.*\(6, 2\), y of shape \(5,\)"),
    "too many y": (X, [*Y, 1], DataError, "differ in length"),
    "y a number": (X, 1, DataError, "differ in length"),
    "nan": (spoilt(X, (4, 1), math.nan), Y, DataError, "input .*got nan in row 4, column 1"),
    "inf": (spoilt(X, (0, 0), math.inf), Y, DataError, "got inf in row 0, column 0"),
    "None": ([[1.0, 2.0], [None, 3.0]], [0, 1], DataError, "None in row 1, column 0"),
    "nan in y": (X, spoilt(Y, 3, math.nan), DataError, "target .*got nan in row 3.*fill in"),
    "text": ([["a", "b"]] * 6, Y, DataError, "inputs are not a table of numbers.*'a'"),
    "some text": ([[1.0, "b"]] * 6, Y, DataError, "inputs are not a table of numbers.*'b'"),
    "ragged": ([[1.0, 2.0], [3.0]], [0, 1], DataError, "inputs are not a table of numbers"),
    "complex": (X * 1j, Y, DataError, "inputs are not a table of numbers.*complex128"),
    "dates": (np.zeros((6, 2), "M8[s]"), Y, DataError, "not a table of numbers.*datetime64"),
    "ragged y": (X, [[1], [0, 1], [0], [0], [0], [0]], DataError, "targets are not an array"),
    "text y": (
        X,
        ["a", "b"] * 3,
        DataError,
        "targets are not an array.*'a' in row 0.*np.unique",
    ),
    "wrong width": (
        np.ones((6, 3)),
        Y,
        ShapeError,
        r"X of shape \(6, 3\), 6 rows of 3 columns, expected 2 columns, X of shape \(n, 2\)",
    ),
    "wrong y width": (X, np.zeros((6, 2)), ShapeError, r"outputs \(6, 1\), targets \(6, 2\)"),
    "no class": (X, [0, 1, 2, 0, 1, 1], DataError, "2.0 in row 2"),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_rows_are_an_error_that_says_what_and_where(kind):
    bad_X, bad_y, error, match = BAD_DATA[kind]
    trainer = two_class_trainer()
    before = trainer.model.parameters.value.copy()
    with pytest.raises(error, match=match):
        trainer.fit(bad_X, bad_y, epochs=3)
    assert len(trainer.history) == 0
    assert_array_equal(trainer.model.parameters.value, before)
    with pytest.raises(error):
        trainer.evaluate(bad_X, bad_y)
    with pytest.raises(error, match=match.replace("training", "validation")):
        trainer.fit(X, Y, epochs=3, validation=(bad_X, bad_y))
    assert trainer.epoch == 0


def test_every_bad_row_error_is_a_value_error_and_says_which_rows():
    for what, arguments in {
        "training": {"X": spoilt(X, (1, 1), math.nan), "y": Y},
        "validation": {"X": X, "y": Y, "validation": (spoilt(X, (1, 1), math.nan), Y)},
    }.items():
        with pytest.raises(ValueError, match=f"a {what} input is not a finite number"):
            two_class_trainer().fit(**arguments, epochs=1)


def test_a_bad_value_in_the_last_of_many_rows_is_found():
    rows, labels = np.zeros((140_000, 2)), np.zeros(140_000)
    rows[139_999, 1] = math.inf
    with pytest.raises(DataError, match="row 139999, column 1"):
        two_class_trainer().fit(rows, labels, epochs=1)


@pytest.mark.filterwarnings("error")
def test_a_number_too_large_for_float32_is_named():
    model = nn.mlp(2, 3, 1, seed=0, dtype="float32")
    trainer = Trainer(model, "bce", optimizer=optim.NAG(LR), seed=0)
    with pytest.raises(DataError, match="got inf in row 2, column 0"):
        trainer.fit(spoilt(X, (2, 0), 1e300), Y, epochs=1)


@pytest.mark.parametrize(
    ("targets", "error", "match"),
    [
        ([0, 1, 3] * 20, DataError, "got 3 in row 2, expected an integer from 0 to 2"),
        ([0, 1, -1] * 20, DataError, "got -1 in row 2"),
        ([0, 1, 0.5] * 20, DataError, "got 0.5 in row 2"),
        (np.full((60, 3), 0.5), DataError, "probabilities"),
        (np.eye(4)[[0, 1, 2] * 20], ShapeError, r"\(60, 3\), targets \(60, 4\)"),
    ],
)
def test_targets_that_are_no_classes_are_named(targets, error, match):
    rows, _ = three_classes()
    trainer = Trainer(nn.mlp(4, 3, seed=0), "cross_entropy", optimizer=optim.NAG(LR), seed=0)
    with pytest.raises(error, match=match):
        trainer.fit(rows, targets, epochs=1)


@pytest.mark.parametrize(
    "form",
    [
        lambda a: a.tolist(),
        lambda a: tuple(map(tuple, a.tolist())) if a.ndim > 1 else tuple(a.tolist()),
        lambda a: a.astype(object),
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
    ],
)
def test_lists_and_arrays_of_any_make_are_accepted_and_mean_the_same(form):
    expected = two_class_trainer().fit(X, Y, epochs=2)["train_loss"]
    labels = Y if form(Y[:1]).__class__ is np.ndarray and form(Y).dtype == object else form(Y)
    assert_array_equal(two_class_trainer().fit(form(X), labels, epochs=2)["train_loss"], expected)


@pytest.mark.parametrize("form", [bool, float, np.int8, np.float32])
@pytest.mark.parametrize("column", [False, True])
def test_targets_of_any_number_type_and_as_a_column_are_accepted(form, column):
    expected = two_class_trainer().fit(X, Y, epochs=2)["train_loss"]
    labels = Y.astype(form)[:, None] if column else Y.astype(form)
    assert_array_equal(two_class_trainer().fit(X, labels, epochs=2)["train_loss"], expected)


def test_targets_of_shape_n_are_not_broadcast_against_outputs_of_shape_n_1():
    rows, targets = line(5)
    flat = linear_trainer().fit(rows, targets, epochs=3)["train_loss"]
    column = linear_trainer().fit(rows, targets[:, None], epochs=3)["train_loss"]
    assert_array_equal(flat, column)


def test_an_optimizer_that_has_been_used_in_another_run_is_refused():
    optimizer = optim.Momentum(LR)
    two_class_trainer(optimizer=optimizer).fit(X, Y, epochs=1)
    second = two_class_trainer(optimizer=optimizer)
    with pytest.raises(ArgumentError, match=r"Momentum\(.*\) after 1 step.*optimizer.reset\(\)"):
        second.fit(X, Y, epochs=1)
    optimizer.reset()
    assert second.fit(X, Y, epochs=1).stopped_by == "epochs"


@pytest.mark.parametrize("bad", [int, None, 0.1])
def test_an_optimizer_must_be_one_and_the_error_shows_how(bad):
    with pytest.raises(ArgumentError, match=r"neither a name nor.*optim\.NAG\(lr=0\.1"):
        Trainer(nn.mlp(2, 1), "bce", optimizer=bad)


@pytest.mark.parametrize("bad", ["mlp", None, nn.mlp, dict, lambda x: x])
def test_a_model_must_be_a_layer(bad):
    with pytest.raises(ArgumentError, match="model is not a layer"):
        Trainer(bad, "bce", optimizer=optim.NAG(LR))


def test_a_model_without_parameters_cannot_be_trained():
    with pytest.raises(ArgumentError, match="no parameters"):
        Trainer(nn.Tanh(), "mse", optimizer=optim.NAG(LR))


def test_a_misspelt_loss_gets_the_nearest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'huber'"):
        Trainer(nn.mlp(2, 1), "hubber", optimizer=optim.NAG(LR))


@pytest.mark.parametrize("loss", ["mse", nn.MeanSquaredError, nn.MeanSquaredError()])
def test_a_loss_can_be_a_name_a_class_or_an_instance(loss):
    trainer = Trainer(nn.mlp(2, 1, seed=0), loss, optimizer=optim.NAG(LR), seed=0)
    assert repr(trainer.loss) == "MeanSquaredError()"


@pytest.mark.parametrize("bad", [0, -1, 2.5, 32.0, True, "all", "32", math.nan])
def test_a_batch_size_must_be_full_or_a_count(bad):
    with pytest.raises(ArgumentError, match=r'batch_size must be "full" or an integer'):
        two_class_trainer(batch_size=bad)


@pytest.mark.parametrize("bad", [-1, 2.5, True, "5", None])
def test_epochs_must_be_a_count(bad):
    trainer = two_class_trainer()
    with pytest.raises(ArgumentError, match="epochs must be an integer from 0 to 1000000000, got"):
        trainer.fit(X, Y, epochs=bad)


@pytest.mark.parametrize("bad", [-1, 1.5, True])
def test_measure_every_and_seed_must_be_counts(bad):
    for name in ("measure_every", "seed"):
        with pytest.raises(ArgumentError, match=f"{name} must be"):
            two_class_trainer(**{name: bad})


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_l2_must_be_a_number_of_at_least_0(bad):
    with pytest.raises(ArgumentError, match=r"^l2 must be"):
        two_class_trainer(l2=bad)


@pytest.mark.parametrize(
    ("bad", "received"),
    [
        (X, "ndarray of shape (6, 2)"),
        ((X,), "tuple of length 1"),
        ([X, Y, Y, Y], "list of length 4"),
        (0.2, "float"),
        ("xy", "str"),
        ({"X": X, "y": Y}, "dict"),
    ],
)
def test_validation_must_be_a_pair(bad, received):
    trainer = two_class_trainer()
    with pytest.raises(ArgumentError) as caught:
        trainer.fit(X, Y, epochs=1, validation=bad)
    expected = "(X, y), or with weights (X, y, sample_weight)"
    assert str(caught.value) == f"validation must be {expected}, got {received}"


def test_validation_may_be_a_list_of_two():
    assert "validation_loss" in two_class_trainer().fit(X, Y, epochs=1, validation=[X, Y])


def test_bad_rows_in_a_later_fit_leave_the_run_as_it_was():
    trainer = two_class_trainer("nag")
    trainer.fit(X, Y, epochs=2)
    with pytest.raises(DataError):
        trainer.fit(X, Y[:2], epochs=2)
    assert (trainer.epoch, trainer.history.stopped_by) == (2, "epochs")


@pytest.mark.parametrize("n", [1, 2])
def test_one_row_is_enough(n):
    history = two_class_trainer("nag", batch_size=32).fit(X[:n], Y[:n], epochs=3)
    assert history["updates"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("squash", "loss", "outputs"),
    [(nn.Sigmoid(), "bce", 1), (nn.Softmax(), "cross_entropy", 3)],
    ids=["sigmoid", "softmax"],
)
def test_a_model_that_squashes_its_outputs_is_refused_by_a_loss_on_logits(
    squash: nn.Layer, loss: str, outputs: int
) -> None:
    model = nn.Sequential(nn.Dense(2, outputs), squash, seed=0)
    with pytest.raises(ArgumentError, match=r"takes logits.*Leave S\w+ out"):
        Trainer(model, loss, optimizer=optim.GradientDescent(0.1))
    assert Trainer(model, "mse", optimizer=optim.GradientDescent(0.1)).loss.classifies is False
