"""Runs that go on after a break, in cases that once went wrong in silence."""

import contextlib
import warnings
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import LR, Do, content, two_class_trainer, two_classes

from minidl import Tensor, Trainer, grad, nn, optim, train_replicas
from minidl.comparison.goal import Goal
from minidl.comparison.problem import Problem
from minidl.errors import ArgumentError, DivergenceWarning, GraphError, WorseLossWarning
from minidl.training import Callback, EarlyStopping, load_run, save_run

X, Y = two_classes()


def raising(at, error, hook="on_epoch_end"):
    """Return a callback that raises once, at an epoch."""
    done = []

    def fail(trainer, *arguments):
        if trainer.epoch == at and not done:
            done.append(at)
            raise error

    return Do(**{hook: fail})


def stopping(*before):
    """Return a Trainer whose loss goes up and down, with early stopping after other callbacks."""
    hooks = [*before, EarlyStopping("train_loss", patience=100)]
    return two_class_trainer(optimizer=optim.NAG(1.5), callbacks=hooks)


@pytest.mark.parametrize(
    ("hook", "at"), [("on_epoch_end", 6), ("on_fit_begin", 6), ("on_epoch_begin", 6)]
)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("plot")])
def test_a_callback_that_raises_before_early_stopping_does_not_disturb_it(hook, at, error):
    whole, broken = stopping(Do()), stopping(raising(at, error, hook))
    whole.fit(X, Y, epochs=12)
    broken.fit(X, Y, epochs=3)
    while broken.epoch < 12:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(KeyboardInterrupt, RuntimeError):
                broken.fit(X, Y, epochs=min(3, 12 - broken.epoch))
    broken.fit(X, Y, epochs=0)
    assert content(broken.history) == content(whole.history)
    assert_array_equal(broken.model.parameters.value, whole.model.parameters.value)


def test_an_interrupted_measurement_before_early_stopping_does_not_disturb_it():
    whole, broken = stopping(Do()), stopping(Do())
    whole.fit(X, Y, epochs=12)
    measure, calls = broken.objective.measure, []

    def interrupted(*arguments):
        calls.append(None)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return measure(*arguments)

    broken.objective.measure = interrupted
    with pytest.raises(KeyboardInterrupt):
        broken.fit(X, Y, epochs=12)
    broken.fit(X, Y, epochs=12 - broken.epoch)
    assert content(broken.history) == content(whole.history)


def test_a_parameter_frozen_between_fits_with_early_stopping_does_not_move():
    trainer = stopping()
    while trainer.callbacks[0].best_epoch == trainer.epoch or trainer.epoch == 0:
        trainer.fit(X, Y, epochs=1)  # until the model has other weights than training had
    weight = trainer.model[0].weight
    weight.requires_grad, before = False, weight.data.copy()
    trainer.callbacks[0].restore_best = False
    trainer.fit(X, Y, epochs=3)
    assert_array_equal(weight.data, before)


def test_a_frozen_parameter_makes_another_comparison():
    def problem(frozen):
        def model(seed):
            network = nn.mlp(2, 4, 1, seed=seed)
            network[0].weight.requires_grad = not frozen
            return network

        return Problem("moons", model).fingerprint(Goal("gap", 0.1), (0, 1))

    assert problem(False) == problem(False) != problem(True)


class Cut(nn.Layer):
    def __init__(self):
        self.inner, self.last = nn.Dense(2, 4, seed=0), nn.Dense(4, 1, seed=1)

    def forward(self, x, training=False):
        return self.last(self.inner(x).detach())


def test_a_parameter_that_can_never_train_is_an_error_in_every_fit():
    trainer = Trainer(Cut(), "bce", optimizer=optim.NAG(LR), seed=0)
    for _ in range(3):
        with pytest.raises(GraphError, match="would never train"):
            trainer.fit(X, Y, epochs=2)


def test_a_parameter_that_is_frozen_at_first_is_checked_when_it_is_trained():
    model = Cut()
    model.inner.weight.requires_grad = model.inner.bias.requires_grad = False
    trainer = Trainer(model, "bce", optimizer=optim.NAG(LR), seed=0)
    trainer.fit(X, Y, epochs=2)
    model.inner.weight.requires_grad = True
    with pytest.raises(GraphError, match=r"inner\.weight would never train"):
        trainer.fit(X, Y, epochs=1)


# -- what files keep -------------------------------------------------------------------------------


class Odd(Callback):
    """State of many types, which the rate depends on."""

    def __init__(self, factor=0.5):
        self.factor, self.counts, self.waits = factor, Counter(), defaultdict(int)
        self.order, self.numbers, self.parts = OrderedDict(), {}, (1j, b"x")
        self.inner = EarlyStopping("train_loss", patience=2)

    def on_epoch_end(self, trainer, record):
        epoch = int(record["epoch"])
        self.counts["seen"] += 1
        self.waits[epoch % 3] += 1
        self.order[str(epoch)] = record["train_loss"]
        self.numbers[np.int64(epoch % 2)] = np.arange(epoch)
        if self.inner.observe(record, trainer.model.parameters.value):
            trainer.optimizer.lr = trainer.optimizer.lr * self.factor
        if self.counts["seen"] % 4 == 0:
            trainer.batch_size = 20 + self.waits[0]


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_state_of_any_type_is_in_the_file(cut, tmp_path):
    whole, first, second = (
        two_class_trainer(optimizer=optim.NAG(1.5), callbacks=[Odd()]) for _ in range(3)
    )
    whole.fit(X, Y, epochs=10)
    first.fit(X, Y, epochs=cut)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=10 - cut)
    assert content(second.history) == content(whole.history)
    assert repr(vars(second.callbacks[0])["order"]) == repr(vars(whole.callbacks[0])["order"])
    assert type(second.callbacks[0].waits) is defaultdict


def test_settings_of_a_callback_can_be_changed_on_purpose(tmp_path):
    first, second = (
        two_class_trainer(optimizer=optim.NAG(1.5), callbacks=[Odd(f)]) for f in (0.5, 0.9)
    )
    first.fit(X, Y, epochs=2)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    assert second.callbacks[0].factor == 0.9
    assert second.callbacks[0].counts == {"seen": 3}


def test_a_changed_attribute_that_cannot_be_saved_is_told(tmp_path):
    class Plot(Callback):
        def on_fit_begin(self, trainer, epochs):
            self.figure = object()

    class Quiet(Plot):
        not_state = ("figure",)

    for hook, told in ((Plot(), 1), (Quiet(), 0)):
        trainer = two_class_trainer(callbacks=[hook])
        trainer.fit(X, Y, epochs=1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            save_run(trainer, tmp_path / "run.npz")
        assert len(caught) == told
        assert not told or "Plot.figure cannot be saved" in str(caught[0].message)


def test_states_are_for_the_first_fit_after_loading(tmp_path):
    first, second = two_class_trainer(), two_class_trainer()
    first.fit(X, Y, epochs=3, callbacks=[EarlyStopping("train_loss", min_delta=9.0)])
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=1)
    late = EarlyStopping("train_loss", min_delta=9.0)
    second.fit(X, Y, epochs=1, callbacks=[late])
    assert late.best_epoch == 5


def test_a_row_that_a_callback_has_not_seen_is_shown_though_others_are_gone(tmp_path):
    class Seeing(Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_end(self, trainer, record):
            self.seen.append(int(record["epoch"]))

    first, second = two_class_trainer(callbacks=[]), two_class_trainer(callbacks=[Seeing()])
    first.callbacks = [raising(2, KeyboardInterrupt()), Seeing()]
    with pytest.raises(KeyboardInterrupt):
        first.fit(X, Y, epochs=4)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=2)
    assert second.callbacks[0].seen == [0, 1, 2, 3, 4]


def test_what_changes_in_the_loss_or_from_a_schedule_is_taken_over(tmp_path):
    def change(trainer, epoch):
        trainer.loss.delta = 0.1
        trainer.optimizer.lr = 0.02

    def trainer(*hooks):
        optimizer = optim.NAG(optim.StepDecay(0.1, every=5))
        return Trainer(nn.mlp(2, 4, 1, seed=0), nn.Huber(2.0), optimizer=optimizer, seed=0,
                       callbacks=hooks)  # fmt: skip

    whole, first, second = trainer(), trainer(), trainer()
    target = X[:, 0] * 3
    for run in (whole, first):
        run.fit(X, target, epochs=2)
        change(run, 0)
    whole.fit(X, target, epochs=2)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, target, epochs=2)
    assert content(second.history) == content(whole.history)
    rate = two_class_trainer()
    rate.fit(X, Y, epochs=1)
    rate.optimizer.lr = optim.StepDecay(0.1, every=5)
    with pytest.raises(ArgumentError, match="lr has become a schedule during the run"):
        save_run(rate, tmp_path / "run.npz")


def test_a_run_saved_between_measurements_goes_back_to_good_weights(tmp_path):
    whole, first, second = (two_class_trainer("batch", measure_every=4) for _ in range(3))

    def explode(trainer, epoch):
        if epoch == 7:
            trainer.optimizer.lr = 1e9

    hook = Do(on_epoch_begin=explode)
    save = Do(on_epoch_begin=lambda t, epoch: epoch == 7 and save_run(t, tmp_path / "run.npz"))
    for run, hooks in ((whole, [hook]), (first, [save, hook])):
        with pytest.warns(DivergenceWarning):
            run.fit(X, Y, epochs=9, callbacks=hooks)
    load_run(second, tmp_path / "run.npz")
    with pytest.warns(DivergenceWarning):
        second.fit(X, Y, epochs=3, callbacks=[hook])
    assert_array_equal(second.model.parameters.value, whole.model.parameters.value)


def test_the_momentum_that_a_callback_set_before_the_first_step_is_loaded(tmp_path):
    def begin(trainer, last):
        if trainer.epoch == 0:
            trainer.optimizer.momentum = 0.5

    whole, first, second = (
        two_class_trainer("nag-reformulated", callbacks=[Do(on_fit_begin=begin)]) for _ in range(3)
    )
    whole.fit(X, Y, epochs=4)
    first.fit(X, Y, epochs=2)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=2)
    assert content(second.history) == content(whole.history)


@pytest.mark.parametrize("rows", [32, 33, 64])
def test_an_interrupted_epoch_begins_again_on_other_rows(rows):
    trainer, mean, calls = two_class_trainer("nag"), nn.BinaryCrossEntropy.mean, []
    begun = []
    trainer.callbacks = [Do(on_epoch_begin=lambda t, epoch: begun.append(epoch))]

    def interrupted(outputs, targets, sample_weight=None):
        calls.append(outputs.requires_grad)
        if sum(calls) == 5:
            raise KeyboardInterrupt
        return mean(trainer.loss, outputs, targets, sample_weight)

    trainer.loss.mean = interrupted
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=3)
    assert trainer.cursor == 32
    history = trainer.fit(X[:rows], Y[:rows], epochs=1)
    assert history["samples"].tolist() == [0, 75, 75 + 32 + rows]
    assert begun == [1, 2, 2]


# -- steps that are taken back ---------------------------------------------------------------------


class Noisy(optim.Optimizer):
    """A rule that draws and remembers before it asks for the gradient."""

    lr = optim.learning_rate()

    def __init__(self, lr):
        super().__init__(lr=lr)
        self.random, self.past, self.pair = np.random.default_rng(0), deque(maxlen=3), (0, {1})

    def update(self, w, grad):
        noise = self.random.standard_normal(w.shape)
        self.past.append(float(noise[0]))
        self.pair = (self.pair[0] + 1, {self.pair[0]})
        w -= self.lr * (grad(w) + 0.01 * noise + sum(self.past) + 0.001 * self.pair[0])


def test_a_step_that_is_taken_back_draws_and_remembers_the_same_again():
    whole, broken = (two_class_trainer(optimizer=Noisy(0.01)) for _ in range(2))
    whole.fit(X, Y, epochs=3)
    mean, calls = broken.loss.mean, []

    def interrupted(outputs, targets):
        calls.append(outputs.requires_grad)
        if sum(calls) == 5 and calls[-1]:
            raise KeyboardInterrupt
        return mean(outputs, targets)

    broken.loss.mean = interrupted
    with pytest.raises(KeyboardInterrupt):
        broken.fit(X, Y, epochs=3)
    broken.fit(X, Y, epochs=2)
    assert_array_equal(broken.model.parameters.value, whole.model.parameters.value)


def test_state_in_an_iterator_is_refused(tmp_path):
    class Drawing(optim.GradientDescent):
        def __init__(self, lr):
            super().__init__(lr)
            self.signs = iter([1.0, 0.5] * 99)

        def update(self, w, grad):
            w -= self.lr * next(self.signs) * grad(w)

    trainer = two_class_trainer(optimizer=Drawing(0.1))
    trainer.fit(X, Y, epochs=1)
    with pytest.raises(ArgumentError, match="keeps state in signs"):
        save_run(trainer, tmp_path / "run.npz")


def test_a_second_error_leaves_no_interrupt_behind():
    trainer = two_class_trainer()
    trainer.interrupts.pressed, trainer.interrupts.waits = True, False
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"


# -- frozen parameters, odd optimizers -------------------------------------------------------------


def test_a_velocity_in_an_attribute_is_forgotten_too():
    class Own(optim.GradientDescent):
        def update(self, w, grad):
            self.v = 0.9 * getattr(self, "v", np.zeros_like(w)) + self.lr * grad(w)
            w -= self.v

    models = [nn.Dense(2, 1, seed=0) for _ in range(2)]
    for model, optimizer in zip(models, (Own(0.1), optim.Momentum(0.1)), strict=True):
        trainer = Trainer(model, "mse", optimizer=optimizer, batch_size="full", seed=0)
        for free in (True, False, True):
            model.weight.requires_grad = free
            trainer.fit(X, Y, epochs=3)
    assert_allclose(models[0].parameters.value, models[1].parameters.value, rtol=1e-12)


@pytest.mark.parametrize("other", [3, [1, 2], np.zeros(1), np.zeros(())])
def test_other_things_in_the_state_do_not_disturb_freezing(other):
    class Counting(optim.GradientDescent):
        def update(self, w, grad):
            self.state["other"] = other
            w -= self.lr * grad(w)

    trainer = two_class_trainer(optimizer=Counting(0.1))
    weight = trainer.model[0].weight
    weight.requires_grad, before = False, weight.data.copy()
    trainer.fit(X, Y, epochs=1)
    assert_array_equal(weight.data, before)


def test_the_point_of_a_custom_optimizer_is_not_written_into_while_parameters_are_frozen():
    points = []

    class Looking(optim.GradientDescent):
        def update(self, w, grad):
            point = w + 1.0
            w -= self.lr * grad(point)
            points.append(point - w)

    trainer = Trainer(nn.Dense(2, 1, seed=0), "mse", optimizer=Looking(1e-9), batch_size="full")
    trainer.model.weight.requires_grad = False
    trainer.fit(X, Y, epochs=1)
    assert_allclose(points[0], 1.0, atol=1e-6)


def test_a_divergence_is_told_although_an_attribute_cannot_be_set_back():
    class Helper:
        calls = 0

    class Helped(optim.GradientDescent):
        def __init__(self, lr):
            super().__init__(lr)
            self.helper = Helper()

        def update(self, w, grad):
            self.helper.calls += 1
            w -= self.lr * grad(w)

    trainer = Trainer(nn.Dense(2, 1, seed=0), "mse", optimizer=Helped(1e3), seed=0)
    with pytest.warns(DivergenceWarning, match="The optimizer's helper could not be restored"):
        history = trainer.fit(X, Y, epochs=9)
    assert history.diverged
    assert np.all(np.isfinite(trainer.model.parameters.value))


# -- losses ----------------------------------------------------------------------------------------


def test_a_batch_without_weight_does_not_ask_a_custom_loss():
    class Log(nn.Loss):
        def mean(self, outputs, targets, sample_weight=None):
            losses = -(targets * np.log(outputs) + (1 - targets) * np.log(1 - outputs))
            w = np.ones(len(targets)) if sample_weight is None else sample_weight
            return (losses[:, 0] * w).sum() / w.sum()  # not finite at outputs 0

    weights = np.where(np.arange(75) % 3 == 0, 1.0, 0.0)
    model = nn.Sequential(nn.Dense(2, 4), nn.Tanh(), nn.Dense(4, 1), nn.Sigmoid(), seed=0)
    trainer = Trainer(model, Log(), optimizer=optim.NAG(0.01), batch_size=1, seed=0)
    history = trainer.fit(X, Y[:, None], epochs=2, sample_weight=weights)
    assert np.all(np.isfinite(history["running_loss"][1:]))


def test_a_run_that_begins_at_its_minimum_may_leave_it_without_diverging():
    model = nn.Dense(2, 1, seed=0)
    t = X @ model.weight.data[:, 0] + model.bias.data
    trainer = Trainer(model, "mse", optimizer=optim.Momentum(0.02), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WorseLossWarning)
        history = trainer.fit(X, t + 1e-13, epochs=1)
        history = trainer.fit(X, t + 0.1, epochs=5)
    assert not history.diverged


def test_losses_on_other_rows_are_not_compared():
    trainer = two_class_trainer("nag")
    trainer.fit(X, Y, epochs=60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.fit(X, 1 - Y, epochs=1)
    assert trainer.history["train_loss"][-1] > trainer.history["train_loss"][0]


def test_replicas_whose_loss_became_worse_are_counted():
    with pytest.warns(WorseLossWarning, match="2 of 4 replicas have made the training loss worse"):
        replicas = train_replicas(
            lambda seed: nn.Dense(1, 1, bias=False, initializer="constant:1"),
            optim.GradientDescent([0.1, 1.1]), [[1.0]], [[0.0]], loss="mse", seeds=2, epochs=2,
            batch_size="full",
        )  # fmt: skip
    assert [bool(replica.history.advice) for replica in replicas] == [False, False, True, True]


def test_a_model_that_is_a_derivative_can_be_trained():
    """dy/dx of a network, fitted to cos: its integral is sin up to a constant."""

    class Derivative(nn.Layer):
        def __init__(self):
            self.net = nn.mlp(1, 8, 1, seed=0)
            self.net[-1].bias.requires_grad = False  # which a derivative does not contain

        def forward(self, x, training=False):
            x = Tensor(x, requires_grad=True)
            return grad(self.net(x).sum(), x, create_graph=True)

    x = np.linspace(-1, 1, 40)[:, None]
    model = Derivative()
    trainer = Trainer(model, "mse", optimizer=optim.NAG(0.05), seed=0)
    assert trainer.fit(x, np.cos(x), epochs=60)["train_loss"][-1] < 1e-3
    y = model.net.predict(x)
    assert_allclose(y - y.mean(), np.sin(x), atol=0.05)
