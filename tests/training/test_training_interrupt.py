"""Ctrl-C in the middle: what happened until then is kept, and the run can go on."""

import contextlib
import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import NAMES, Do, content, two_class_trainer, two_classes

from minidl import nn
from minidl.autograd.node import STATE, changed
from minidl.training import Checkpoint, CSVLog, load_run, save_run
from minidl.training.interrupts import Interrupts

X, Y = two_classes()


def press(trainer, at):
    """Make the gradient raise KeyboardInterrupt at its call of that number, once."""
    mean, calls = trainer.loss.mean, []

    def interrupted(outputs, targets):
        if outputs.requires_grad:
            calls.append(None)
            if len(calls) == at:
                raise KeyboardInterrupt
        return mean(outputs, targets)

    trainer.loss.mean = interrupted


@pytest.mark.parametrize("hook", ["on_fit_begin", "on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("name", NAMES)
def test_an_interrupt_in_a_callback_keeps_the_history_and_is_raised_again(name, hook):
    def stop(trainer, *arguments):
        if trainer.epoch == (0 if hook == "on_fit_begin" else 2):
            raise KeyboardInterrupt

    ends = []
    end = Do(on_fit_end=lambda trainer: ends.append(trainer.history.stopped_by))
    trainer = two_class_trainer(name, callbacks=[end])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=9, callbacks=[Do(**{hook: stop})])
    assert trainer.history.stopped_by == "interrupted"
    assert ends == ["interrupted"]
    epochs = [row["epoch"] for row in trainer.history]
    assert epochs == ([] if hook == "on_fit_begin" else [0, 1, 2])
    if hook != "on_fit_begin":
        assert trainer.evaluate(X, Y)["loss"] == trainer.history["train_loss"][-1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
def test_a_run_interrupted_between_epochs_goes_on_bit_for_bit(name, hook):
    def stop(trainer, *arguments):
        if trainer.epoch == 2:
            raise KeyboardInterrupt

    trainer, whole = two_class_trainer(name), two_class_trainer(name)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=6, callbacks=[Do(**{hook: stop})])
    trainer.fit(X, Y, epochs=4)
    whole.fit(X, Y, epochs=6)
    assert content(trainer.history) == content(whole.history)


def test_an_interrupt_before_a_run_begins_leaves_a_trainer_that_can_be_fitted(monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    trainer = two_class_trainer(NAMES[0])
    with monkeypatch.context() as patched:
        patched.setattr(Interrupts, "__enter__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(X, Y, epochs=2)
    trainer.fit(X, Y, epochs=2)
    assert trainer.epoch == 2


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupt_within_a_gradient_leaves_the_iterate_in_the_model(name):
    """For both NAGs: neither the look-ahead point where the gradient was, nor the stored one."""
    steps = {"batch": 1, "stochastic": 75}.get(name, 3)
    trainer, twin = two_class_trainer(name), two_class_trainer(name)
    trainer.engine = twin.engine = "eager"  # whose gradients call the loss
    twin.fit(X, Y, epochs=2)
    press(trainer, 2 * steps + 1)  # the first gradient of the third epoch
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=5)
    assert trainer.history.stopped_by == "interrupted"
    assert trainer.history["epoch"].tolist() == [0, 1, 2]
    assert_allclose(trainer.model.parameters.value, twin.model.parameters.value, atol=1e-15)
    assert trainer.optimizer.step_count == 2 * steps


def test_an_interrupt_in_the_middle_of_an_epoch_leaves_the_same_iterate_for_both_nags():
    thetas = []
    for name in ("nag", "nag-reformulated"):
        trainer = two_class_trainer(name)
        press(trainer, 9)
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(X, Y, epochs=5)
        thetas.append(trainer.model.parameters.value.copy())
        assert (trainer.epoch, trainer.optimizer.step_count) == (2, 8)
        assert trainer.samples == 2 * 75 + 2 * 32
    assert np.all(np.isfinite(thetas[0]))
    assert_allclose(*thetas, rtol=0, atol=1e-14)


@pytest.mark.parametrize("at", [4, 5, 6])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("name", ["mini-batch", "momentum", "nag", "nag-reformulated"])
def test_an_interrupted_epoch_is_finished_as_if_nothing_had_happened(name, dropout, at):
    def trainer():
        model = nn.mlp(2, 6, 1, dropout=dropout, seed=0)
        return two_class_trainer(name, model=model)

    stopped, whole = trainer(), trainer()
    press(stopped, at)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y, epochs=5)
    assert (stopped.epoch, stopped.cursor) == (1, 32 * (at - 4))
    stopped.fit(X, Y, epochs=4)
    whole.fit(X, Y, epochs=5)
    assert content(stopped.history) == content(whole.history)
    assert_array_equal(stopped.model.parameters.value, whole.model.parameters.value)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("name", ["mini-batch", "nag", "nag-reformulated"])
def test_a_run_saved_in_the_middle_of_an_epoch_is_finished_after_loading(name, dropout, tmp_path):
    models = [nn.mlp(2, 6, 1, dropout=dropout, seed=0) for _ in range(3)]
    stopped, loaded, whole = (two_class_trainer(name, model=model) for model in models)
    press(stopped, 6)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y, epochs=5)
    save_run(stopped, tmp_path / "run.npz")
    load_run(loaded, tmp_path / "run.npz")
    assert loaded.cursor == 64
    loaded.fit(X, Y, epochs=4)
    whole.fit(X, Y, epochs=5)
    assert content(loaded.history) == content(whole.history)
    assert_array_equal(loaded.model.parameters.value, whole.model.parameters.value)


def test_an_interrupted_epoch_is_not_continued_on_other_rows():
    trainer = two_class_trainer("nag")
    press(trainer, 6)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=5)
    assert trainer.cursor == 64
    history = trainer.fit(X[:40], Y[:40], epochs=1)
    assert history["epoch"].tolist() == [0, 1, 2]
    assert history["samples"].tolist() == [0, 75, 75 + 64 + 40]


def test_another_error_closes_the_hooks_and_is_not_called_an_interrupt():
    def fail(trainer, epoch):
        raise RuntimeError("broken")

    ends = []
    trainer = two_class_trainer()
    hooks = [Do(on_epoch_begin=fail), Do(on_fit_end=lambda trainer: ends.append("end"))]
    with pytest.raises(RuntimeError, match="broken"):
        trainer.fit(X, Y, epochs=2, callbacks=hooks)
    assert ends == ["end"]
    assert trainer.history.stopped_by is None
    assert len(trainer.history) == 1


def test_files_written_until_then_are_complete(tmp_path):
    trainer = two_class_trainer("nag")
    press(trainer, 8)  # in epoch 3
    log, saved = tmp_path / "log.csv", tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=5, callbacks=[CSVLog(log), Checkpoint(saved)])
    assert len(log.read_text().splitlines()) == 4
    with np.load(saved) as file:
        assert np.all(np.isfinite(file["model/value"]))
    twin = two_class_trainer("nag")
    twin.fit(X, Y, epochs=2)
    model = nn.mlp(2, 6, 1, seed=9)
    with np.load(saved) as file:
        model.parameters.set(file["model/value"])
    assert_array_equal(model.parameters.value, twin.model.parameters.value)


CODES = {
    changed.__wrapped__.__code__,
    contextlib._GeneratorContextManager.__enter__.__code__,
    contextlib._GeneratorContextManager.__exit__.__code__,
}


def interrupted(line, function):
    """Whether the call is interrupted, at that line of those that begin and end ``no_grad``."""
    lines = itertools.count(1)

    def trace(frame, event, _):
        if event == "line" and frame.f_code in CODES and next(lines) == line:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("what", ["reading", "predict"])
def test_ctrl_c_at_any_line_of_no_grad_leaves_the_thread_with_graphs(what):
    X, y = two_classes(20)
    trainer = two_class_trainer()
    functions = {
        "reading": lambda: trainer.objective.measure(X, y.reshape(-1, 1)),
        "predict": lambda: trainer.model.predict(X),
    }
    for line in itertools.count(1):
        stopped = interrupted(line, functions[what])
        assert STATE.recording
        if not stopped:
            break
    assert line > 8
    trainer.fit(X, y, epochs=1)
