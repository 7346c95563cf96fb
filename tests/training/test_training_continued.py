"""Several calls of fit, saving and loading, and Ctrl-C anywhere: always the same one run."""

import os
import signal
import time

import numpy as np
import pytest
from training_problems import LR, NAMES, Do, content, two_class_trainer, two_classes

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError
from minidl.training import (
    Callback,
    Checkpoint,
    EarlyStopping,
    LearningRateSchedule,
    StopAtTarget,
    load_run,
    save_run,
)

X, Y = two_classes()
PAIR = (X[:20], Y[:20])


class Halving(Callback):
    """Halve the rate when the loss has not improved, and count in attributes of several types."""

    def __init__(self):
        self.best, self.calls, self.pairs = np.inf, 0, []

    def on_epoch_begin(self, trainer, epoch):
        self.calls += 1

    def on_epoch_end(self, trainer, record):
        self.pairs.append((int(record["epoch"]), float(trainer.optimizer.lr)))
        if record["train_loss"] > self.best - 1e-3:
            trainer.optimizer.lr = trainer.optimizer.lr / 2
        self.best = min(self.best, record["train_loss"])


CALLBACKS = {
    "none": list,
    "early stopping": lambda: [EarlyStopping(patience=4)],
    "patient": lambda: [EarlyStopping("train_loss", patience=90)],
    "two rules": lambda: [EarlyStopping(patience=9), EarlyStopping("train_accuracy", patience=6)],
    "target": lambda: [StopAtTarget(0.6, sustained=2)],
    "schedule": lambda: [LearningRateSchedule(optim.ExponentialDecay(1.5, 0.9))],
    "halving": lambda: [Halving()],
    "all": lambda: [Halving(), StopAtTarget(0.5), EarlyStopping(patience=8)],
}


def trainer_of(name, callbacks, **arguments):
    """Return a Trainer with dropout, whose rate is so large that the loss goes up as well."""
    optimizer = optim.lookup(name).make(1.5)
    model = nn.mlp(2, 6, 1, dropout=0.2, seed=0)
    return two_class_trainer(
        name, model=model, optimizer=optimizer, callbacks=CALLBACKS[callbacks](), **arguments
    )


def state(trainer):
    """Return everything that must be the same in the end."""
    hooks = [hook.state_dict() for hook in trainer.callbacks]
    for hook in hooks:
        hook.pop("paused", None)  # where training was; the next assertion has it
    return (
        content(trainer.history),
        trainer.model.parameters.value.tobytes(),
        trainer.stored_vector().tobytes(),
        {name: vector.tobytes() for name, vector in trainer.optimizer.state.items()},
        repr(trainer.optimizer),
        (trainer.epoch, trainer.samples, trainer.optimizer.step_count),
        repr(hooks),
    )


@pytest.mark.unmeasured
@pytest.mark.parametrize("callbacks", CALLBACKS)
@pytest.mark.parametrize("name", ["mini-batch", "nag", "nag-reformulated"])
def test_eight_fits_of_five_epochs_are_one_of_forty(name, callbacks):
    whole, parts = trainer_of(name, callbacks), trainer_of(name, callbacks)
    whole.fit(X, Y, epochs=40, validation=PAIR)
    for _ in range(8):
        parts.fit(X, Y, epochs=5, validation=PAIR)
    assert state(parts) == state(whole)


@pytest.mark.parametrize("callbacks", CALLBACKS)
@pytest.mark.parametrize("name", ["mini-batch", "nag", "nag-reformulated"])
def test_saving_after_five_epochs_and_loading_changes_nothing(name, callbacks, tmp_path):
    whole = trainer_of(name, callbacks)
    whole.fit(X, Y, epochs=20, validation=PAIR)
    for _ in range(4):
        trainer = trainer_of(name, callbacks)
        if (tmp_path / "run.npz").exists():
            load_run(trainer, tmp_path / "run.npz")
        trainer.fit(X, Y, epochs=5, validation=PAIR)
        save_run(trainer, tmp_path / "run.npz")
    assert state(trainer) == state(whole)


@pytest.mark.parametrize("callbacks", ["early stopping", "halving", "all"])
def test_callbacks_of_fit_are_in_the_file_as_well(callbacks, tmp_path):
    whole, first, second = (two_class_trainer("nag") for _ in range(3))
    for trainer in (whole, first, second):
        trainer.optimizer.lr = 1.5
    hooks = CALLBACKS[callbacks]()
    whole.fit(X, Y, epochs=12, validation=PAIR, callbacks=hooks)
    first.fit(X, Y, epochs=4, validation=PAIR, callbacks=CALLBACKS[callbacks]())
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    save_run(second, tmp_path / "again.npz")  # before they are given
    third = two_class_trainer("nag", optimizer=optim.NAG(1.5))
    load_run(third, tmp_path / "again.npz")
    own = CALLBACKS[callbacks]()
    third.fit(X, Y, epochs=8, validation=PAIR, callbacks=own)
    assert content(third.history) == content(whole.history)
    assert third.model.parameters.value.tobytes() == whole.model.parameters.value.tobytes()
    assert repr([hook.state_dict() for hook in own]) == repr([h.state_dict() for h in hooks])


def test_early_stopping_begins_anew_in_another_run():
    stopping = EarlyStopping("train_loss", patience=1)
    two_class_trainer(callbacks=[stopping], optimizer=optim.GradientDescent(5.0)).fit(
        X, Y, epochs=50
    )
    assert stopping.has_stopped
    second = two_class_trainer(callbacks=[stopping])
    second.fit(X, Y, epochs=3)
    assert (second.epoch, stopping.best_epoch) == (3, 3)


def test_a_stopped_run_goes_on_after_reset_or_without_the_rule():
    stopping = EarlyStopping("train_loss", patience=1)
    trainer = two_class_trainer(optimizer=optim.GradientDescent(5.0), callbacks=[stopping])
    history = trainer.fit(X, Y, epochs=50)
    epoch, best = trainer.epoch, history.best()[1]
    assert trainer.fit(X, Y, epochs=5).stopped_by == "early stopping"
    assert (trainer.epoch, trainer.evaluate(X, Y)["loss"]) == (epoch, best)
    stopping.reset()
    trainer.fit(X, Y, epochs=1)
    assert trainer.epoch == epoch + 1


def test_weights_that_were_changed_after_early_stopping_are_not_taken_back():
    stopping = EarlyStopping("train_loss", patience=50)
    trainer = two_class_trainer(optimizer=optim.GradientDescent(1e-30), callbacks=[stopping])
    trainer.fit(X, Y, epochs=2)
    trainer.model.parameters.value[...] = 0.25
    expected = trainer.evaluate(X, Y)["loss"]
    trainer.fit(X, Y, epochs=1)
    assert trainer.history["train_loss"][-1] == expected


# -- several callbacks -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1])
def test_the_first_callback_that_stops_gives_the_reason_and_all_see_the_row(order):
    seen = []
    watch = Do(on_epoch_end=lambda trainer, record: seen.append(record["epoch"]))
    hooks = [StopAtTarget(10.0), EarlyStopping("train_loss", patience=1, min_delta=9.0)]
    trainer = two_class_trainer(callbacks=[*hooks[:: 1 - 2 * order], watch])
    # The target is reached at epoch 0; early stopping would stop at epoch 1.
    assert trainer.fit(X, Y, epochs=9).stopped_by == "target"
    assert seen == [0]
    both = [Do(on_epoch_end=lambda t, r: t.stop("a")), Do(on_epoch_end=lambda t, r: t.stop("b"))]
    assert two_class_trainer(callbacks=both).fit(X, Y, epochs=9).stopped_by == "a"


@pytest.mark.parametrize("order", [1, -1])
def test_the_rule_that_stopped_gives_back_its_weights_and_others_see_them(order, tmp_path):
    """Wherever the rules and the checkpoint stand in the list."""
    path, seen = tmp_path / "run.npz", []
    quick = EarlyStopping("train_loss", patience=1)
    slow = EarlyStopping("running_loss", patience=90)
    end = Do(on_fit_end=lambda trainer: seen.append(trainer.evaluate(X, Y)["loss"]))
    hooks = [Checkpoint(path), slow, quick, end][::order]
    trainer = two_class_trainer(optimizer=optim.GradientDescent(5.0), callbacks=hooks)
    history = trainer.fit(X, Y, epochs=50)
    assert seen == [history.best()[1]]
    loaded = two_class_trainer(optimizer=optim.GradientDescent(5.0))
    load_run(loaded, path)
    assert loaded.evaluate(X, Y)["loss"] == seen[0]
    assert loaded.history.stopped_by == "early stopping"


@pytest.mark.parametrize("order", [1, -1])
def test_a_checkpoint_has_the_same_run_wherever_it_stands(order, tmp_path):
    """The callbacks after it see the epoch when the run goes on."""

    def hooks():
        return [Halving(), EarlyStopping(patience=8)]

    def killed(trainer, epoch):
        if epoch == 4:
            raise RuntimeError("power failure")

    path = tmp_path / "run.npz"
    whole, first, second = (
        two_class_trainer(optimizer=optim.NAG(1.5), callbacks=hooks()) for _ in range(3)
    )
    whole.fit(X, Y, epochs=12, validation=PAIR)
    first.callbacks = [Checkpoint(path), *first.callbacks][::order]
    with pytest.raises(RuntimeError):
        first.fit(X, Y, epochs=12, validation=PAIR, callbacks=[Do(on_epoch_begin=killed)])
    second.callbacks = [Checkpoint(path), *second.callbacks][::order]
    load_run(second, path)
    second.fit(X, Y, epochs=9, validation=PAIR, callbacks=[Do()])
    second.callbacks = [hook for hook in second.callbacks if not isinstance(hook, Checkpoint)]
    whole.callbacks = whole.callbacks[::order]
    assert state(second) == state(whole)


def test_a_callback_that_is_given_twice_is_an_error():
    hook = EarlyStopping("train_loss")
    with pytest.raises(ArgumentError, match="callbacks must not contain a callback twice"):
        two_class_trainer(callbacks=[hook]).fit(X, Y, epochs=1, callbacks=[hook])
    with pytest.raises(ArgumentError, match="callbacks must not contain a callback twice"):
        two_class_trainer(callbacks=[hook, hook])


def test_every_last_hook_runs_although_one_raises():
    ends = []

    def fail(trainer):
        ends.append("fails")
        raise RuntimeError("broken")

    hooks = [Do(on_fit_end=fail), Do(on_fit_end=lambda trainer: ends.append("next"))]
    with pytest.raises(RuntimeError, match="broken"):
        two_class_trainer(callbacks=hooks).fit(X, Y, epochs=1)
    assert ends == ["fails", "next"]


def test_a_callback_cannot_change_the_row_that_the_next_one_sees():
    def change(trainer, record):
        record["train_loss"] = 0.0

    with pytest.raises(TypeError):
        two_class_trainer(callbacks=[Do(on_epoch_end=change)]).fit(X, Y, epochs=1)


# -- Ctrl-C ----------------------------------------------------------------------------------------


class Interrupting:
    """Raise KeyboardInterrupt at the nth call of a function, once."""

    def __init__(self, function, at):
        self.function, self.left = function, at

    def __call__(self, *arguments, **keywords):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.function(*arguments, **keywords)


class Reversed(optim.Optimizer):
    """A custom rule that moves weights before it asks for the gradient, and has two states."""

    lr = optim.learning_rate()
    state_names = ("velocity",)

    def __init__(self, lr):
        super().__init__(lr=lr)
        self.mean = 0.0

    def update(self, w, grad):
        v = self.state["velocity"]
        w -= v
        v *= 0.5
        self.mean = 0.9 * self.mean + 0.1 * float(np.abs(v).mean())
        g = grad(w)
        v += self.lr * g + 1e-3 * self.mean


OPTIMIZERS = {
    "gd": lambda: optim.GradientDescent(LR),
    "momentum": lambda: optim.Momentum(LR),
    "nag": lambda: optim.NAG(LR),
    "nag-reformulated": lambda: optim.ReformulatedNAG(LR),
    "custom": lambda: Reversed(LR),
}
PLACES = ["loss", "lr", "momentum", "measure"]


def interrupted_at(trainer, place, at):
    """Make a function that training calls raise KeyboardInterrupt at its nth call."""
    if place == "loss":  # of steps and of measurements
        trainer.loss.mean = Interrupting(trainer.loss.mean, at)
    elif place == "measure":
        trainer.objective.measure = Interrupting(trainer.objective.measure, at)
    elif place in trainer.optimizer.hyperparameters:
        number = getattr(trainer.optimizer, place)
        setattr(trainer.optimizer, place, Interrupting(lambda step: number, at))


@pytest.mark.unmeasured
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("place", PLACES)
def test_a_run_interrupted_anywhere_goes_on_as_if_nothing_had_happened(optimizer, place, tmp_path):
    def make():
        model = nn.mlp(2, 6, 1, dropout=0.2, seed=0)
        hooks = [EarlyStopping("train_loss", patience=9)]
        hooks += [] if place in ("lr", "momentum") else [Halving()]  # which reads and sets lr
        return two_class_trainer(model=model, optimizer=OPTIMIZERS[optimizer](), callbacks=hooks)

    whole = make()
    whole.fit(X, Y, epochs=4, validation=PAIR)
    for at in range(1, 13):
        stopped, loaded = make(), make()
        interrupted_at(stopped, place, at)
        try:
            stopped.fit(X, Y, epochs=4, validation=PAIR)
        except KeyboardInterrupt:
            save_run(stopped, tmp_path / "run.npz")
            load_run(loaded, tmp_path / "run.npz")
            loaded.fit(X, Y, epochs=4 - loaded.epoch, validation=PAIR)
            assert state(loaded)[:4] == state(whole)[:4]
            assert state(loaded)[5:] == state(whole)[5:]
            stopped.fit(X, Y, epochs=4 - stopped.epoch, validation=PAIR)
        assert state(stopped)[:4] == state(whole)[:4]
        assert state(stopped)[5:] == state(whole)[5:]


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nag", "nag-reformulated"])
def test_a_rule_that_is_interrupted_in_its_gradient_leaves_the_same_bytes(optimizer):
    def fail(point):
        raise KeyboardInterrupt

    rule, w = OPTIMIZERS[optimizer](), np.random.default_rng(0).standard_normal(1000)
    rule.step(w, lambda point: 30 * point**2)  # so that velocities are larger than weights
    before = w.tobytes(), {name: v.tobytes() for name, v in rule.state.items()}
    with pytest.raises(KeyboardInterrupt):
        rule.step(w, fail)
    assert (w.tobytes(), {name: v.tobytes() for name, v in rule.state.items()}) == before


def test_ctrl_c_itself_at_random_moments_changes_nothing():
    """Signals, as a terminal sends them: in rules, in callbacks, between epochs."""
    random = np.random.default_rng(0)

    def make(name):
        hooks = [EarlyStopping("train_loss", patience=99)]
        return two_class_trainer(name, optimizer=OPTIMIZERS[name](), callbacks=hooks)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for name in ("momentum", "nag", "nag-reformulated"):
            whole, stopped, interrupts = make(name), make(name), 0
            whole.fit(X, Y, epochs=60)
            while stopped.epoch < 60 or stopped.unrecorded is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)
                alarm = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), 2))
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 4e-3))
                    stopped.fit(X, Y, epochs=60 - stopped.epoch)
                    time.sleep(0.01)  # so that the signal does not come later
                except KeyboardInterrupt:
                    interrupts += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    signal.signal(signal.SIGALRM, alarm)
            assert interrupts > 0
            stopped.fit(X, Y, epochs=0)  # the last signal may have come after the end
            assert state(stopped) == state(whole)
    finally:
        signal.signal(signal.SIGINT, handler)


def test_ctrl_c_a_second_time_does_not_wait():
    def press(outputs, targets):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("Ctrl-C did nothing")

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trainer = two_class_trainer()
        trainer.fit(X, Y, epochs=1)
        trainer.loss.mean = press
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(X, Y, epochs=1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


def test_a_callback_that_raises_has_seen_the_row_and_the_others_see_it_next_time():
    seen = []

    def stop(trainer, record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    late = Do(on_epoch_end=lambda trainer, record: seen.append(int(record["epoch"])))
    trainer = two_class_trainer(callbacks=[Do(on_epoch_end=stop), late])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=4)
    trainer.fit(X, Y, epochs=2)
    assert seen == [0, 1, 2, 3, 4]


# -- a loss that has become worse ------------------------------------------------------------------


def test_a_run_that_made_its_loss_worse_says_so():
    trainer = Trainer(
        nn.Dense(1, 1, bias=False, initializer="constant:1"),
        "mse",
        batch_size="full",
        optimizer=optim.GradientDescent(1.1),
    )  # w <- w - 2.2 w: the loss w^2 grows by 1.44 in each step
    with pytest.warns(
        UserWarning, match=r"made the training loss worse: 2.074 after epoch 2, from 1"
    ):
        history = trainer.fit([[1.0]], [[0.0]], epochs=2)
    assert not history.diverged
    assert "Try a smaller learning rate" in history.advice


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_improves_says_nothing(name):
    assert two_class_trainer(name).fit(X, Y, epochs=9).advice == ""
