"""Callbacks: early stopping, targets, learning rates, the CSV log, and the order of hooks."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import (
    LR,
    NAMES,
    Do,
    Watch,
    line,
    linear_trainer,
    two_class_trainer,
    two_classes,
)

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError, UnknownNameError
from minidl.training import (
    CSVLog,
    EarlyStopping,
    History,
    LearningRateSchedule,
    StopAtTarget,
)

X, Y = two_classes()


def following(losses, *callbacks, epochs=None, accuracy=None):
    """Run a Trainer whose losses (from epoch 0) are prescribed; return it.

    The model is one weight w whose loss is w^2 on one row, and a hook writes w.
    """
    model = nn.Dense(1, 1, bias=False, initializer=f"constant:{math.sqrt(losses[0])}")
    trainer = Trainer(model, "mse", optimizer=optim.GradientDescent(1e-30), seed=0)

    def write(trainer, epoch):
        trainer.model.parameters.value[...] = math.sqrt(losses[epoch])

    last = len(losses) - 1 if epochs is None else epochs
    hooks = [Do(on_epoch_begin=write), *callbacks]
    trainer.fit([[1.0]], [0.0], epochs=last, callbacks=hooks, validation=([[1.0]], [0.0]))
    return trainer


LOSSES = [1.0, 0.8, 0.5, 0.6, 0.7, 0.65, 0.6, 0.55, 0.4, 0.3]


@pytest.mark.parametrize(
    ("patience", "stops_at", "best"), [(1, 3, 2), (2, 4, 2), (5, 7, 2), (6, 9, 9), (50, 9, 9)]
)
def test_early_stopping_ends_at_the_patience_th_epoch_without_improvement(patience, stops_at, best):
    stopping = EarlyStopping(patience=patience)
    trainer = following(LOSSES, stopping)
    assert trainer.epoch == stops_at
    assert stopping.best_epoch == best
    stopped = "early stopping" if stops_at < 9 else "epochs"
    assert trainer.history.stopped_by == stopped


def test_early_stopping_starts_to_count_again_at_each_improvement():
    assert following([1, 2, 2, 0.5, 2, 2, 0.4, 2, 2, 2], EarlyStopping(patience=3)).epoch == 9


@pytest.mark.parametrize("losses", [LOSSES[:6], [*LOSSES, 0.9]])
def test_early_stopping_gives_back_the_best_weights_also_if_it_never_stopped(losses):
    trainer = following(losses, EarlyStopping(patience=20))
    assert trainer.model.parameters.value**2 == pytest.approx(min(losses))
    assert trainer.history["train_loss"][-1] == pytest.approx(losses[-1])


def test_early_stopping_leaves_the_last_weights_if_told_to():
    trainer = following(LOSSES[:6], EarlyStopping(patience=20, restore_best=False))
    assert trainer.model.parameters.value**2 == pytest.approx(LOSSES[5])


@pytest.mark.parametrize(("delta", "best"), [(0.0, 5), (0.04, 5), (0.06, 3), (0.2, 2), (0.6, 0)])
def test_an_improvement_must_be_larger_than_min_delta(delta, best):
    stopping = EarlyStopping(patience=50, min_delta=delta)
    following([1.0, 0.9, 0.7, 0.6, 0.59, 0.55], stopping)
    assert stopping.best_epoch == best


def test_an_equal_loss_is_no_improvement():
    assert following([1.0] * 9, EarlyStopping(patience=4)).epoch == 4


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_restores_the_weights_that_were_judged(name):
    """For the reformulated NAG those are its iterate, not the point it stores."""
    stopping, watch = EarlyStopping("train_loss", patience=3), Watch()
    optimizer = optim.lookup(name).make(1.5)  # fast enough to go up as well
    trainer = two_class_trainer(optimizer=optimizer, callbacks=[watch, stopping])
    history = trainer.fit(X, Y, epochs=100)
    epoch, value = history.best()
    assert stopping.best_epoch == epoch
    assert trainer.evaluate(X, Y)["loss"] == pytest.approx(value, rel=1e-14)  # which is eager
    assert_array_equal(trainer.model.parameters.value, watch.thetas[epoch])


def test_early_stopping_continues_from_its_saved_state():
    losses = [1.0, 0.5, 0.6, 0.7, 0.6, 0.6]
    first, second = EarlyStopping(patience=3), EarlyStopping(patience=3)
    following(losses[:3], first, epochs=2)
    second.load_state_dict({"best": 0.5, "best_epoch": 1, "waited": 2, "weights": None})
    assert following(losses, second).epoch == 0  # one more epoch without improvement
    assert (second.best, second.best_epoch) == (0.5, 1)
    assert first.state_dict()["waited"] == 1


def test_early_stopping_on_an_accuracy_waits_for_larger_values():
    stopping = EarlyStopping("train_accuracy", patience=200)
    history = two_class_trainer("nag", callbacks=[stopping]).fit(X, Y, epochs=60)
    assert stopping.best_epoch == history.best("train_accuracy")[0] > 0


@pytest.mark.parametrize("column", ["running_loss", "gradient_norm"])
def test_early_stopping_does_not_count_an_epoch_0_that_has_no_value(column):
    trainer = two_class_trainer(callbacks=[EarlyStopping(column, patience=1)])
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"


def test_early_stopping_on_a_missing_column_is_an_error_that_names_those_there_are():
    with pytest.raises(
        ArgumentError, match=r"'validation_loss', which is not recorded.*train_loss"
    ):
        two_class_trainer(callbacks=[EarlyStopping()]).fit(X, Y, epochs=3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": 0},
        {"patience": -1},
        {"patience": 1.5},
        {"min_delta": -1},
        {"min_delta": math.nan},
    ],
)
def test_early_stopping_checks_its_arguments(arguments):
    with pytest.raises(ArgumentError, match=f"{next(iter(arguments))} must be"):
        EarlyStopping(**arguments)


@pytest.mark.parametrize(
    ("target", "sustained", "epoch"),
    [(1.0, 1, 0), (0.85, 1, 1), (0.6, 1, 2), (0.6, 2, 3), (0.6, 3, 8), (0.35, 1, 9), (0.3, 9, 9)],
)
@pytest.mark.parametrize("on", ["train", "validation"])
def test_a_run_stops_as_soon_as_its_loss_has_held_the_target(target, sustained, epoch, on):
    target += 1e-9  # the loss is the square of a square root
    trainer = following(LOSSES, StopAtTarget(target, sustained=sustained, on=on))
    assert trainer.epoch == epoch
    reached = trainer.history.epochs_to(target, sustained=sustained)
    assert trainer.history.stopped_by == ("target" if reached is not None else "epochs")
    assert reached in (None, epoch - sustained + 1)


@pytest.mark.parametrize("on", ["train", "validation"])
def test_a_run_stops_at_an_accuracy(on):
    trainer = two_class_trainer("nag", callbacks=[StopAtTarget(accuracy=0.7, on=on)])
    history = trainer.fit(X, Y, epochs=200, validation=(X[:30], Y[:30]))
    assert history.stopped_by == "target"
    accuracies = history[f"{on}_accuracy"]
    assert accuracies[-1] >= 0.7
    assert np.all(accuracies[:-1] < 0.7)


def test_a_target_is_also_found_in_the_rows_of_an_earlier_fit():
    trainer = two_class_trainer(callbacks=[StopAtTarget(10.0, sustained=3)])
    trainer.fit(X, Y, epochs=1)
    assert trainer.fit(X, Y, epochs=5)["epoch"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"loss": 0.1, "accuracy": 0.9},
        {"loss": math.nan},
        {"loss": math.inf},
        {"accuracy": 1.1},
        {"accuracy": -0.1},
        {"loss": 0.1, "on": "test"},
        {"loss": 0.1, "sustained": 0},
    ],
)
def test_a_target_checks_its_arguments(arguments):
    with pytest.raises(ArgumentError):
        StopAtTarget(**arguments)


def test_an_accuracy_for_a_regression_is_an_error_before_training():
    trainer = linear_trainer(callbacks=[StopAtTarget(accuracy=0.9)])
    with pytest.raises(UnknownNameError, match="train_accuracy"):
        trainer.fit(*line(), epochs=3)
    assert trainer.epoch == 0


def test_a_schedule_sets_the_learning_rate_of_each_epoch():
    rates = []
    look = Do(on_epoch_end=lambda trainer, record: rates.append(trainer.optimizer.lr))
    schedule = LearningRateSchedule(lambda epoch: 0.5 / (epoch + 1))
    trainer = two_class_trainer("batch", callbacks=[schedule, look])
    trainer.fit(X, Y, epochs=2)
    trainer.fit(X, Y, epochs=2)
    assert rates == [LR, 0.5, 0.25, 0.5 / 3, 0.125]


@pytest.mark.parametrize(
    "rule", [optim.GradientDescent, optim.Momentum, optim.NAG, optim.ReformulatedNAG]
)
def test_a_schedule_by_epochs_is_that_schedule_by_steps(rule):
    by_epoch = two_class_trainer(optimizer=rule(LR))
    by_step = two_class_trainer(optimizer=rule(lambda step: 0.3 * 0.8 ** (step // 3)))  # 3 batches
    hook = LearningRateSchedule(lambda epoch: 0.3 * 0.8**epoch)
    a = by_epoch.fit(X, Y, epochs=6, callbacks=[hook])
    b = by_step.fit(X, Y, epochs=6)
    assert_array_equal(a["train_loss"], b["train_loss"])


def test_a_schedule_that_goes_to_zero_is_an_error():
    hook = LearningRateSchedule(lambda epoch: 0.1 if epoch < 2 else 0.0)
    with pytest.raises(ArgumentError, match="lr must be"):
        two_class_trainer().fit(X, Y, epochs=5, callbacks=[hook])


def test_the_csv_log_is_complete_after_each_epoch(tmp_path):
    path = tmp_path / "log.csv"
    lengths = []

    def look(trainer, record):
        logged = History.from_csv(path)
        lengths.append(len(logged))
        for name in trainer.history.columns:
            assert_array_equal(logged[name], trainer.history[name], strict=True)

    trainer = two_class_trainer("nag", callbacks=[CSVLog(path), Do(on_epoch_end=look)])
    path.write_text("of an earlier run\n", encoding="utf-8")
    trainer.fit(X, Y, epochs=3)
    trainer.fit(X, Y, epochs=2)
    assert lengths == [1, 2, 3, 4, 5, 6]
    trainer.history.to_csv(tmp_path / "end.csv")
    assert path.read_bytes() == (tmp_path / "end.csv").read_bytes()


def test_the_csv_log_of_a_later_fit_has_the_rows_before_it_too(tmp_path):
    path = tmp_path / "log.csv"
    trainer = two_class_trainer(callbacks=[CSVLog(path)])
    trainer.fit(X, Y, epochs=1)
    path.unlink()
    trainer.fit(X, Y, epochs=1)
    assert_array_equal(History.from_csv(path)["epoch"], [0, 1, 2])


def noting(log, name):
    """Return a callback that writes its calls into a list."""
    return Do(
        on_fit_begin=lambda trainer, epochs: log.append(f"{name} begin {epochs}"),
        on_epoch_begin=lambda trainer, epoch: log.append(f"{name} {epoch}"),
        on_epoch_end=lambda trainer, record: log.append(f"{name} after {record['epoch']}"),
        on_fit_end=lambda trainer: log.append(f"{name} end"),
    )


def test_hooks_run_in_list_order_the_trainers_before_those_of_fit():
    log = []
    trainer = two_class_trainer(callbacks=[noting(log, "a")])
    trainer.fit(X, Y, epochs=1, callbacks=[noting(log, "b")])
    steps = ["begin 1", "after 0", "1", "after 1", "end"]
    assert log == [f"{name} {step}" for step in steps for name in "ab"]
    log.clear()
    trainer.fit(X, Y, epochs=2)
    assert log == ["a begin 3", "a 2", "a after 2", "a 3", "a after 3", "a end"]


def test_a_callback_can_stop_a_run_with_its_own_reason():
    stop = Do(on_epoch_end=lambda trainer, record: record["epoch"] == 2 and trainer.stop("tea"))
    trainer = two_class_trainer(callbacks=[stop])
    assert trainer.fit(X, Y, epochs=9).stopped_by == "tea"
    assert trainer.epoch == 2
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"


@pytest.mark.parametrize("bad", [print, int, None, "target"])
def test_something_that_is_no_callback_is_an_error_at_once(bad):
    for callbacks in ([bad], bad):
        with pytest.raises(ArgumentError, match="must be a list of callbacks"):
            two_class_trainer(callbacks=callbacks)
        with pytest.raises(ArgumentError, match="must be a list of callbacks"):
            two_class_trainer().fit(X, Y, epochs=1, callbacks=callbacks)


def test_a_single_callback_is_an_error_that_shows_a_list():
    with pytest.raises(ArgumentError, match=r"such as \[EarlyStopping\(\)\]"):
        two_class_trainer(callbacks=EarlyStopping())
