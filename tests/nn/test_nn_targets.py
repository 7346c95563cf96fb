"""What targets may look like, what each wrong one is told, accuracies and names."""

import re

import numpy as np
import pytest

from minidl import Tensor, errors, nn

SOFTMAX = ["softmax_cross_entropy", "kl_divergence"]
COLUMN_LOSSES = [name for name in nn.LOSSES if name not in SOFTMAX]
BINARY = ["binary_cross_entropy", "hinge", "focal"]
RNG = np.random.default_rng(6)
Z1, Z3 = RNG.standard_normal((4, 1)), RNG.standard_normal((4, 3))
CLASSES = np.array([2, 0, 1, 2])


@pytest.mark.parametrize("name", COLUMN_LOSSES)
@pytest.mark.parametrize("n", [1, 4])
def test_targets_of_shape_n_are_a_column(name: str, n: int) -> None:
    loss, t = nn.loss(name), np.array([0.0, 1, 1, 0])[:n]
    column = loss(Z1[:n], t[:, None])
    for same in (t, t.astype(int), t.astype(bool), t.tolist(), Tensor(t)):
        assert loss(Z1[:n], same) == column
    assert loss(Z1[:n, 0], t) == column  # outputs without columns


@pytest.mark.parametrize("name", COLUMN_LOSSES)
def test_targets_of_replicas_may_leave_the_column_out(name: str) -> None:
    loss, z = nn.loss(name), RNG.standard_normal((2, 4, 1))
    t = np.array([[0, 1, 1, 0], [1, 1, 1, 0]])
    assert np.array_equal(loss(z, t), loss(z, t[..., None]))
    assert np.array_equal(loss(z, t[0]), loss(z, np.stack([t[0], t[0]])))


@pytest.mark.parametrize("name", COLUMN_LOSSES)
@pytest.mark.parametrize(
    ("outputs", "targets"),
    [
        ((4, 1), (3,)),
        ((4, 1), (1, 4)),
        ((4, 1), (4, 2)),
        ((4, 2), (4,)),
        ((4, 1), ()),
        ((4,), (4, 1)),
    ],
)
def test_targets_are_never_broadcast(name: str, outputs: tuple, targets: tuple) -> None:
    with pytest.raises(errors.ShapeError) as caught:
        nn.loss(name)(np.zeros(outputs), np.zeros(targets))
    assert f"outputs {outputs}, targets {targets}" in str(caught.value)


@pytest.mark.parametrize("targets", [(3,), (4, 2), (1, 4), (3, 4), (), (4, 1, 1)])
def test_class_targets_of_another_shape_are_an_error(targets: tuple) -> None:
    with pytest.raises(errors.ShapeError) as caught:
        nn.SoftmaxCrossEntropy()(Z3, np.zeros(targets))
    assert f"logits (4, 3), targets {targets}" in str(caught.value)
    assert "expected class indices (4,) or probabilities (4, 3)" in str(caught.value)


@pytest.mark.parametrize("name", nn.LOSSES)
def test_text_labels_are_an_error_that_says_how_to_number_them(name: str) -> None:
    z = Z3 if name in SOFTMAX else Z1
    for labels in (np.array(["a", "b", "b", "a"]), np.array([1, 0, "c", 0], dtype=object)):
        number = r"np\.unique\(y, return_inverse=True\)\[1\]"
        advice = number if nn.loss(name).classifies else r"\.astype\(float\)"
        with pytest.raises(errors.DataError, match=advice):
            nn.loss(name)(z, labels)


@pytest.mark.parametrize(
    ("name", "targets", "message"),
    [
        ("bce", [0, 1, 2, 1], r" 2\.0 in row 2.* expected 0 or 1 .* SoftmaxCrossEntropy"),
        ("bce", [0, 1, 0, -1], r" -1\.0 in row 3"),
        ("bce", [0, float("nan"), 0, 1], " nan in row 1"),
        ("hinge", [0, 1, 0, 2], r" 2\.0 in row 3.* expected -1 or 1, or 0 or 1"),
        ("hinge", [1, 0.5, 1, 0], r" 0\.5 in row 1"),
        ("hinge", [1, -1, 0, 1], r" 0\.0 in row 2"),
        ("cross_entropy", [0, 3, 1, 1], " 3 in row 1.* expected an integer from 0 to 2"),
        ("cross_entropy", [0, 1, 1, -1], " -1 in row 3"),
        ("cross_entropy", [0, 1, 0.5, 1], r" 0\.5 in row 2"),
        ("cross_entropy", [0, 1, float("nan"), 1], " nan in row 2"),
    ],
)
def test_invalid_class_is_an_error_that_names_the_row(
    name: str, targets: list, message: str
) -> None:
    with pytest.raises(errors.DataError, match=message):
        nn.loss(name)(Z3 if name == "cross_entropy" else Z1, targets)


def test_wrong_class_is_named_with_its_row_in_any_replica() -> None:
    with pytest.raises(errors.DataError, match=" 7 in row 2"):
        nn.SoftmaxCrossEntropy()(np.zeros((2, 4, 3)), [[0, 1, 1, 2], [0, 1, 7, 2]])
    with pytest.raises(errors.DataError, match=r" 7\.0 in row 2"):
        nn.BinaryCrossEntropy()(np.zeros((2, 4, 1)), [[0, 1, 1, 0], [0, 1, 7, 0]])


@pytest.mark.parametrize("wrong", [[0.5, 0.4, 0.0], [1.5, -0.5, 0.0], [float("nan"), 0.5, 0.5]])
def test_rows_that_do_not_sum_to_one_are_an_error(wrong: list[float]) -> None:
    rows = np.eye(3)[CLASSES]
    rows[1] = wrong
    with pytest.raises(errors.DataError, match="numbers >= 0 that sum to 1 in each row"):
        nn.SoftmaxCrossEntropy()(Z3, rows)


def test_indices_one_hot_rows_and_columns_of_indices_are_the_same_targets() -> None:
    loss = nn.SoftmaxCrossEntropy()
    value = loss(Z3, CLASSES)
    hot = np.eye(3)[CLASSES]
    forms = [CLASSES[:, None], CLASSES.astype(float), CLASSES.tolist(), Tensor(CLASSES)]
    assert all(loss(Z3, form) == value for form in forms)
    for rows in (hot, hot.astype(int), hot.astype(bool), hot.tolist()):
        assert loss(Z3, rows) == pytest.approx(value, rel=1e-15)
    square = np.eye(3)[[2, 0, 1]]  # as many rows as classes
    assert loss(Z3[:3], square) == pytest.approx(loss(Z3[:3], [2, 0, 1]), rel=1e-15)
    stacked = np.stack([Z3, 2 * Z3])
    for form in (CLASSES[:, None], np.stack([CLASSES] * 2)[..., None], hot):
        np.testing.assert_allclose(loss(stacked, form), loss(stacked, CLASSES), rtol=1e-15)


def test_hinge_takes_zero_and_one_for_minus_one_and_one() -> None:
    assert nn.Hinge()(Z1, [0, 1, 1, 0]) == nn.Hinge()(Z1, [-1, 1, 1, -1])
    assert nn.Hinge()([[0.5], [0.5]], [0, 1]) == 1.0


@pytest.mark.parametrize("name", nn.LOSSES)
def test_prepared_targets_are_prepared_already(name: str) -> None:
    loss, z = nn.loss(name), (Z3 if name in SOFTMAX else Z1)
    once = loss.prepare([0, 1, 1, 0], z.shape)
    assert np.array_equal(once, loss.prepare(once, z.shape))
    assert loss.mean(z, once) == loss(z, [0, 1, 1, 0])


@pytest.mark.parametrize("name", BINARY)
def test_accuracy_counts_scores_on_the_side_of_their_class(name: str) -> None:
    loss = nn.loss(name)
    z = np.array([[2.0], [-1.0], [0.5], [0.0], [3.0]])
    t = np.array([1, 0, 0, 0, 1])
    signs = [t] if name == "binary_cross_entropy" else [t, 2 * t - 1]
    for targets in signs:
        for form in (targets, targets[:, None], loss.prepare(targets, z.shape)):
            assert loss.accuracy(z, form) == 0.8
            assert loss.accuracy(Tensor(z), form) == 0.8
    stacked = np.stack([z, -z])
    assert loss.accuracy(stacked, t).tolist() == [0.8, 0.4]


def test_accuracy_counts_rows_whose_largest_logit_is_the_targets() -> None:
    loss = nn.SoftmaxCrossEntropy()
    z = np.array([[0.0, 1, 5], [3, 2, 1], [1, 2, 0], [4, 0, 1]])
    for form in (CLASSES, CLASSES[:, None], np.eye(3)[CLASSES], CLASSES.tolist()):
        assert loss.accuracy(z, form) == 0.75
        assert loss.accuracy(Tensor(z), form) == 0.75
    assert loss.accuracy(np.stack([z, z[::-1]]), CLASSES).tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    "name", ["mean_squared_error", "mean_absolute_error", "huber", "smooth_l1", "poisson"]
)
def test_regression_has_no_accuracy(name: str) -> None:
    assert not nn.loss(name).classifies
    with pytest.raises(errors.ArgumentError, match="has no accuracy"):
        nn.loss(name).accuracy(Z1, Z1)


def test_integer_outputs_do_not_round_the_targets() -> None:
    assert nn.MeanSquaredError()(np.array([[0], [1]]), [0.5, 0.5]) == 0.25


@pytest.mark.parametrize(
    "make", [nn.Huber, nn.SmoothL1, nn.L1Penalty, nn.L2Penalty, nn.LeakyReLU, nn.ELU, nn.CELU]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", True, None])
def test_setting_that_is_not_a_finite_number_is_an_error(make: type, value: object) -> None:
    with pytest.raises(errors.ArgumentError, match=re.escape(repr(value))) as caught:
        make(value)
    assert "finite number" in str(caught.value)
    assert caught.value.argument in ("delta", "beta", "strength", "slope", "alpha")


@pytest.mark.parametrize(("make", "value"), [(nn.Huber, 0), (nn.Huber, -1), (nn.L2Penalty, -1e-9)])
def test_setting_out_of_range_is_an_error(make: type, value: float) -> None:
    with pytest.raises(errors.ArgumentError, match=rf"^(delta|strength) must be .*, got {value}"):
        make(value)


def test_losses_and_activations_are_found_by_name_alias_class_or_instance() -> None:
    for table, find in [(nn.LOSSES, nn.loss), (nn.ACTIVATIONS, nn.activation)]:
        for name, kind in table.items():
            made = kind()
            assert find(made) is made
            assert type(find(name)) is type(find(kind)) is kind
            assert type(find(f" {name.upper().replace('_', '-')} ")) is kind
            assert kind.__name__ in nn.__all__
    aliases = {"bce": "BinaryCrossEntropy", "mse": "MeanSquaredError", "l1": "MeanAbsoluteError"}
    assert {alias: type(nn.loss(alias)).__name__ for alias in aliases} == aliases
    assert repr(nn.loss("huber")) == "Huber(delta=1.0)"
    assert repr(nn.activation("swish")) == "SiLU()"


@pytest.mark.parametrize(
    ("find", "wrong", "nearest"),
    [
        (nn.loss, "hubr", "huber"),
        (nn.loss, "binary_crossentropi", "binary_crossentropy"),
        (nn.activation, "rellu", "relu"),
        (nn.activation, "sigmoyd", "sigmoid"),
    ],
)
def test_misspelt_name_gets_the_nearest(find: object, wrong: str, nearest: str) -> None:
    with pytest.raises(errors.UnknownNameError, match=f"Did you mean '{nearest}'"):
        find(wrong)


def test_two_class_loss_on_one_output_per_class_names_the_right_loss() -> None:
    for loss in (nn.BinaryCrossEntropy(), nn.Hinge()):
        for outputs, targets in ((3, [0, 1, 2, 0]), (2, [0, 1, 1, 0])):
            with pytest.raises(errors.ShapeError) as caught:
                loss(Tensor(np.zeros((4, outputs))), targets)
            hint = str(caught.value)
            assert hint.startswith(type(loss).__name__)
            assert "1 output, or use softmax_cross_entropy" in hint


@pytest.mark.parametrize("targets", [[0, 0, 0], [0, 1, 1], [[1.0]] * 3, [[0]] * 3])
def test_cross_entropy_of_one_output_names_the_right_loss(targets: object) -> None:
    with pytest.raises(errors.ShapeError) as caught:
        nn.SoftmaxCrossEntropy()(np.zeros((3, 1)), targets)
    message = str(caught.value)
    assert message.startswith("SoftmaxCrossEntropy of one output is always 0")
    assert "logits (3, 1)" in message
    assert "use binary_cross_entropy" in message


@pytest.mark.parametrize("wrong", [3, None, np.mean, nn.Dense])
def test_neither_a_name_nor_a_loss_is_another_error_than_a_misspelt_name(wrong: object) -> None:
    with pytest.raises(errors.ArgumentError, match=r"^loss is neither .* nn\.MeanSquaredError\(\)"):
        nn.loss(wrong)


def test_an_accuracy_of_whole_scores_keeps_probabilities_as_targets() -> None:
    assert nn.BinaryCrossEntropy().accuracy([[3], [-2]], [0.9, 0.1]) == 1.0
    targets = [[0.4, 0.6], [0.3, 0.7]]  # the larger ones are those of class 1
    assert nn.SoftmaxCrossEntropy().accuracy([[3, 1], [0, 2]], targets) == 0.5
