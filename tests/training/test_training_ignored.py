"""Losses with ignored rows and weights of classes in a Trainer, replicas and measurements."""

import numpy as np
import pytest
from training_problems import three_classes

from minidl import Tensor, Trainer, errors, nn, optim, train_replicas
from minidl.training import class_accuracy, measure

X, T = three_classes(40)
Y = np.where(np.arange(40) % 4 == 1, -100, T)
KEPT = Y >= 0
CE = nn.SoftmaxCrossEntropy
IGNORING = CE(ignore_index=-100)
WEIGHTS = [1.0, 5.0, 0.5]


def trained(loss: nn.Loss, X: np.ndarray, y: np.ndarray, size: int | str, **options) -> Trainer:
    model = nn.mlp(4, 5, 3, seed=1)
    trainer = Trainer(model, loss, "nag", lr=0.1, batch_size=size, seed=0, shuffle=False)
    trainer.fit(X, y, epochs=4, **options)
    return trainer


def test_ignored_rows_are_as_if_they_were_not_there() -> None:
    whole = trained(IGNORING, X, Y, "full", validation=(X, Y))
    without = trained(CE(), X[KEPT], T[KEPT], "full", validation=(X[KEPT], T[KEPT]))
    for column in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(whole.history[column], without.history[column], rtol=1e-12)
    for name in ("loss", "accuracy"):
        found = whole.evaluate(X, Y)[name]
        assert found == pytest.approx(whole.evaluate(X[KEPT], T[KEPT])[name], rel=1e-12)
    logits = whole.model.predict(X)
    assert whole.loss.accuracy(logits, Y) == np.mean(logits[KEPT].argmax(axis=1) == T[KEPT])
    assert whole.loss.accuracy(logits, Y) != np.mean(logits.argmax(axis=1) == Y)  # planted
    assert set(class_accuracy(whole, X, Y)) == {0, 1, 2}


def test_the_batches_of_an_epoch_add_up_and_may_be_all_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch of ignored rows has the gradient 0, and measured chunks are weighted by rows."""
    one = trained(IGNORING, X, Y, 1)
    weighted = trained(CE(), X, np.where(KEPT, Y, 0), 1, sample_weight=KEPT)
    np.testing.assert_allclose(one.history["train_loss"], weighted.history["train_loss"])
    whole = one.evaluate(X, Y)
    monkeypatch.setattr(measure, "CHUNK", 3)
    chunks = one.evaluate(X, Y)
    assert all(chunks[name] == pytest.approx(whole[name], rel=1e-12) for name in whole)


def test_the_gradient_of_ignored_rows_is_zero_and_the_mean_is_of_the_others() -> None:
    z = Tensor(np.random.default_rng(0).normal(size=(40, 3)), requires_grad=True)
    value = IGNORING(z, Y)
    value.backward()
    assert value.item() == pytest.approx(CE()(z.data[KEPT], Y[KEPT]), rel=1e-14)
    assert not z.grad[~KEPT].any()
    assert z.grad[KEPT].all()
    assert IGNORING(z, Y.astype(float)).item() == value.item()
    with_weights = IGNORING(z.data, Y, sample_weight=np.arange(40))
    same = CE()(z.data[KEPT], Y[KEPT], sample_weight=np.arange(40)[KEPT])
    assert with_weights == pytest.approx(same, rel=1e-14)


@pytest.mark.parametrize("size", ["full", 7])
def test_weights_of_classes_in_the_loss_train_as_those_of_fit(size: int | str) -> None:
    by_loss = trained(CE(class_weight=WEIGHTS), X, T, size)
    by_fit = trained(CE(), X, T, size, class_weight=dict(enumerate(WEIGHTS)))
    theirs = by_fit.history["train_loss"]
    np.testing.assert_allclose(by_loss.history["train_loss"], theirs, rtol=1e-12)
    logits = by_loss.model.predict(X)
    share = np.mean(logits.argmax(axis=1) == T)  # the accuracy has no weights
    assert by_loss.evaluate(X, T)["accuracy"] == pytest.approx(share, rel=1e-12)
    assert by_loss.loss.accuracy(logits, T) == share
    assert by_fit.history["train_accuracy"][-1] != pytest.approx(share)
    evaluated = by_loss.evaluate(X, T)["loss"]
    assert evaluated == pytest.approx(CE(class_weight=WEIGHTS)(logits, T), rel=1e-12)


def test_weights_of_rows_and_of_classes_are_multiplied() -> None:
    w = np.random.default_rng(1).random(40)
    by_loss = trained(CE(class_weight=WEIGHTS), X, T, 8, sample_weight=w)
    by_rows = trained(CE(), X, T, 8, sample_weight=w * np.array(WEIGHTS)[T])
    theirs = by_rows.history["train_loss"]
    np.testing.assert_allclose(by_loss.history["train_loss"], theirs, rtol=1e-12)
    z = by_loss.model.predict(X)
    called = CE(class_weight=WEIGHTS)(z, T, sample_weight=w)
    assert called == pytest.approx(by_loss.evaluate(X, T, w)["loss"], rel=1e-12)
    right = np.average(z.argmax(axis=1) == T, weights=w)
    assert by_loss.evaluate(X, T, w)["accuracy"] == pytest.approx(right, rel=1e-12)


LOSSES = [
    IGNORING,
    CE(class_weight=WEIGHTS, ignore_index=-100, label_smoothing=0.1),
    nn.KLDivergence(),
    nn.BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.1),
    nn.Focal(),
    nn.SmoothL1(0.5),
    nn.Poisson(),
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_replicas_equal_single_networks(loss: nn.Loss) -> None:
    classes = isinstance(loss, (CE, nn.KLDivergence))
    rows, outputs = (Y if isinstance(loss, CE) else T, 3) if classes else (T == 1, 1)
    make = lambda seed: nn.mlp(4, 5, outputs, activation="mish", seed=seed)  # noqa: E731
    options = {"loss": loss, "batch_size": 7}
    validation = (X[:9], rows[:9])
    many = train_replicas(
        make, optim.NAG([0.02, 0.1]), X, rows, seeds=2, epochs=3, validation=validation, **options
    )
    for one in many:
        lr = one.hyperparameters["lr"]
        trainer = Trainer(make(one.seed), optimizer="nag", lr=lr, seed=one.seed, **options)
        history = trainer.fit(X, rows, epochs=3, validation=validation)
        for column in history.columns:
            if column != "seconds":
                np.testing.assert_allclose(one.history[column], history[column], rtol=1e-11)


@pytest.mark.parametrize(
    ("loss", "target", "said"),
    [
        (IGNORING, np.eye(3)[T], "ignore_index needs class indices, got a row of probabilities"),
        (CE(class_weight=WEIGHTS), np.eye(3)[T], "class_weight needs class indices"),
        (CE(class_weight=[1.0, 2.0]), T, r"class_weight does not fit the logits: got 2 weights"),
        (IGNORING, np.full(40, -100), "ignores all training rows"),
        (IGNORING, np.where(KEPT, T, -1), "a target is not a valid class: got -1 in row 1"),
        (CE(), Y, "a target is not a valid class: got -100 in row 1"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_an_error(loss: nn.Loss, target: np.ndarray, said: str) -> None:
    with pytest.raises(errors.MinidlError, match=said):
        trained(loss, X, target, "full")


def test_other_targets_and_settings_that_do_not_fit_are_errors() -> None:
    z = np.zeros((2, 1))
    with pytest.raises(errors.DataError, match=r"Poisson: a target is negative.*-1.0 in row 1"):
        nn.Poisson()(z, [0, -1])
    with pytest.raises(errors.DataError, match=r"Focal: a target is not a valid class: got 0.5"):
        nn.Focal()(z, [1, 0.5])
    with pytest.raises(errors.ShapeError, match="pos_weight does not fit the outputs"):
        nn.BinaryCrossEntropy(pos_weight=[1.0, 2.0])(z, [0, 1])
    for make, said in (
        (lambda: CE(label_smoothing=1.5), "label_smoothing must be a number from 0 to 1, got 1.5"),
        (lambda: CE(ignore_index=0.5), "ignore_index must be an integer"),
        (lambda: CE(class_weight={0: 1.0}), "given to fit"),
        (lambda: CE(class_weight=[1.0, -1.0]), r"class_weight\[1\] must be a finite number >= 0"),
        (lambda: nn.BinaryCrossEntropy(pos_weight=-1), "pos_weight must be a finite number >= 0"),
        (lambda: nn.Focal(alpha=2), "alpha must be a number from 0 to 1, got 2"),
        (lambda: nn.Focal(gamma=-1), "gamma must be a finite number >= 0, got -1"),
        (lambda: nn.SmoothL1(0), "beta must be a positive finite number, got 0"),
        (lambda: nn.Hardtanh(1.0, -1.0), "min_value must be less than max_value"),
        (lambda: nn.Softshrink(-1.0), "lambd must be a finite number >= 0, got -1.0"),
        (lambda: nn.GELU("tan"), "Did you mean 'tanh'"),
    ):
        with pytest.raises(errors.MinidlError, match=said):
            make()


@pytest.mark.parametrize(
    ("last", "loss"), [(nn.Sigmoid(), nn.Focal()), (nn.Softmax(), nn.KLDivergence())]
)
def test_an_activation_that_the_loss_contains_is_an_error(last: nn.Layer, loss: nn.Loss) -> None:
    with pytest.raises(errors.ArgumentError, match=f"{type(loss).__name__} takes logits"):
        Trainer(nn.Sequential(nn.Dense(4, 3), last), loss, "nag", lr=0.1)


def test_losses_print_what_is_not_default() -> None:
    shown = {
        "SoftmaxCrossEntropy()": CE(),
        "SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-100)": CE(
            label_smoothing=0.1, ignore_index=-100
        ),
        "SoftmaxCrossEntropy(class_weight=(1.0, 5.0, 0.5))": CE(class_weight=np.array(WEIGHTS)),
        "BinaryCrossEntropy(pos_weight=3.0)": nn.BinaryCrossEntropy(pos_weight=3),
        "SmoothL1(beta=1.0)": nn.SmoothL1(),
        "Poisson(log_input=True)": nn.Poisson(),
        "Focal(gamma=2.0, alpha=0.25)": nn.Focal(),
        "KLDivergence()": nn.KLDivergence(),
    }
    assert list(shown) == [repr(loss) for loss in shown.values()]
    assert [repr(nn.GELU()), repr(nn.GELU("tanh"))] == ["GELU()", "GELU(approximate='tanh')"]
