"""A run that diverges ends at once, says so in words, and can be taken up again."""

import math
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import Do, Watch, line, linear_trainer, two_class_trainer, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import DataError, DivergenceWarning
from minidl.training import EarlyStopping, load_run, save_run

X, Y = line()
RULES = [optim.GradientDescent, optim.Momentum, optim.NAG, optim.ReformulatedNAG]


def diverge(trainer, epochs=100, **arguments):
    """Train until the warning comes."""
    with pytest.warns(DivergenceWarning) as caught:
        history = trainer.fit(X, Y, epochs=epochs, **arguments)
    assert len(caught) == 1
    assert str(caught[0].message) == history.advice
    assert caught[0].filename == __file__  # it points at the caller of fit
    return history


@pytest.mark.parametrize("rule", RULES)
def test_a_diverging_run_ends_with_status_epoch_and_advice(rule):
    history = diverge(linear_trainer(optimizer=rule(3.0)))
    assert history.diverged
    assert history.stopped_by == "diverged"
    assert 1 <= history.diverged_at < 20
    assert history["epoch"].tolist() == list(range(history.diverged_at))
    losses = history["train_loss"]
    assert np.all(np.isfinite(losses))
    assert np.all(losses <= 1e4 * max(losses[0], np.mean(Y**2)))  # the loss of outputs 0
    first, last = f"{losses[0]:.4g}", f"{losses[-1]:.4g}"
    for part in (f"{rule.__name__}(lr=3.0", f"in epoch {history.diverged_at}", first, last):
        assert part in history.advice
    assert history.advice.endswith("Try a learning rate ten times smaller.")


@pytest.mark.parametrize("rule", RULES)
def test_the_model_then_holds_the_weights_of_the_last_row(rule):
    watch = Watch()
    trainer = linear_trainer(optimizer=rule(3.0), callbacks=[watch])
    history = diverge(trainer)
    assert_array_equal(trainer.model.parameters.value, watch.thetas[-1])
    assert trainer.evaluate(X, Y)["loss"] == history["train_loss"][-1]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("every", [0, 7])
def test_between_measurements_nothing_is_taken_for_good(rule, every):
    """The run goes from 1 to infinity without a row in between: back to the last row."""
    trainer = linear_trainer(optimizer=rule(1e60), measure_every=every)
    history = diverge(trainer)
    assert history["epoch"].tolist() == [0]
    assert history.diverged_at < 10  # of 100: it ends at once
    assert trainer.evaluate(X, Y)["loss"] == history["train_loss"][0]


@pytest.mark.parametrize("rule", RULES)
def test_fit_can_go_on_with_a_smaller_learning_rate(rule):
    """As if a new optimizer had begun at the weights of the last row."""
    trainer = linear_trainer(optimizer=rule(3.0))
    at = diverge(trainer).diverged_at
    start = trainer.model.parameters.value.copy()
    trainer.optimizer.lr = 0.1
    history = trainer.fit(X, Y, epochs=30)
    assert history.stopped_by == "epochs"
    assert not history.diverged
    assert "diverged" not in history.advice
    assert history["epoch"].tolist() == [*range(at), *range(at + 1, at + 31)]
    fresh = linear_trainer(optimizer=rule(0.1))
    fresh.model.parameters.set(start)
    assert_array_equal(fresh.fit(X, Y, epochs=30)["train_loss"][1:], history["train_loss"][at:])


def jump_to(ratio):
    """Return a Trainer whose first epoch multiplies the loss w^2, 4 at first, by `ratio`."""
    model = nn.Dense(1, 1, bias=False, initializer="constant:2")
    # w <- w - 2 lr w, so |w| is multiplied by 2 lr - 1
    optimizer = optim.GradientDescent((math.sqrt(ratio) + 1) / 2)
    return Trainer(model, "mse", optimizer=optimizer, batch_size="full", seed=0)


def test_a_loss_above_ten_thousand_times_the_first_is_a_divergence():
    with pytest.warns(DivergenceWarning):
        history = jump_to(1.001e4).fit([[1.0]], [0.0], epochs=1)
    assert (history.diverged_at, len(history)) == (1, 1)


def test_a_loss_just_below_that_is_not():
    history = jump_to(0.999e4).fit([[1.0]], [0.0], epochs=1)
    assert not history.diverged
    assert history["train_loss"].tolist() == pytest.approx([4.0, 4.0 * 0.999e4])


def test_the_first_loss_of_all_is_the_measure_also_in_a_later_fit():
    trainer = jump_to(100.0)
    trainer.fit([[1.0]], [0.0], epochs=1)
    with pytest.warns(DivergenceWarning):
        history = trainer.fit([[1.0]], [0.0], epochs=5)
    assert history.diverged_at == 3


def test_a_run_that_starts_at_loss_zero_has_not_diverged_when_it_rises():
    def push(trainer, epoch):
        trainer.model.parameters.value[...] = 1.0

    model = nn.Dense(1, 1, bias=False, initializer="zeros")
    trainer = Trainer(model, "mse", optimizer=optim.GradientDescent(0.1), seed=0)
    hook = Do(on_epoch_begin=push)
    history = trainer.fit([[1.0]], [0.0], epochs=2, callbacks=[hook])
    assert history["train_loss"][0] == 0.0
    assert history["train_loss"][1] > 0.0
    assert history.stopped_by == "epochs"


def test_a_loss_that_is_infinite_is_a_divergence_though_it_began_at_zero():
    def push(trainer, epoch):
        trainer.model.parameters.value[...] = 1e200

    model = nn.Dense(1, 1, bias=False, initializer="zeros")
    trainer = Trainer(model, "mse", optimizer=optim.GradientDescent(0.1), seed=0)
    with pytest.warns(DivergenceWarning):
        history = trainer.fit([[1.0]], [0.0], epochs=9, callbacks=[Do(on_epoch_begin=push)])
    assert (history.diverged_at, len(history)) == (1, 1)


def test_an_epoch_is_broken_off_at_the_first_batch_that_is_not_finite():
    class Explodes(optim.GradientDescent):
        def update(self, w, grad):
            grad(w)
            w[...] = np.nan if self.step_count == 4 else w

    trainer = linear_trainer(optimizer=Explodes(0.1), batch_size=10)  # 4 batches an epoch
    history = diverge(trainer)
    assert history.diverged_at == 2
    assert trainer.optimizer.step_count == 6  # the next batch saw it
    assert np.all(np.isfinite(trainer.model.parameters.value))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_spoilt_by_the_last_step_of_an_epoch_are_noticed_too(bad):
    class Explodes(optim.GradientDescent):
        def update(self, w, grad):
            grad(w)
            w[...] = bad if self.step_count == 4 else w

    history = diverge(linear_trainer(optimizer=Explodes(0.1)))
    assert (history.diverged_at, history["epoch"].tolist()) == (5, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("every", [0, 3])
def test_weights_spoilt_between_measurements_are_not_kept(every):
    class Explodes(optim.GradientDescent):
        def update(self, w, grad):
            grad(w)
            w[...] = np.nan if self.step_count == 3 else w

    trainer = linear_trainer(optimizer=Explodes(0.1), measure_every=every)
    diverge(trainer)
    assert np.all(np.isfinite(trainer.model.parameters.value))


def test_early_stopping_gives_back_the_best_weights_after_a_divergence():
    trainer = linear_trainer(3.0)
    history = diverge(trainer, callbacks=[EarlyStopping("train_loss", patience=50)])
    assert trainer.evaluate(X, Y)["loss"] == history["train_loss"].min()


def test_hooks_are_told_of_the_end():
    ends = []
    end = Do(on_fit_end=lambda trainer: ends.append(trainer.history.stopped_by))
    diverge(linear_trainer(3.0), callbacks=[end])
    assert ends == ["diverged"]


def test_numpys_own_warnings_stay_silent_and_its_settings_as_they_were():
    before = np.geterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        linear_trainer(1e200).fit(X, Y, epochs=9)
    assert [w.category for w in caught] == [DivergenceWarning]
    assert np.geterr() == before


def test_a_loss_that_is_not_finite_before_training_is_an_error_of_the_data():
    trainer = linear_trainer()
    with pytest.raises(DataError, match="before training: got inf"):
        trainer.fit(X * 1e200, Y, epochs=5)
    assert len(trainer.history) == 0
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"  # nothing has been spoilt


def test_a_stable_run_says_nothing():
    history = two_class_trainer("nag").fit(*two_classes(), epochs=3)
    assert (history.diverged, history.diverged_at, history.advice) == (False, None, "")


def test_the_advice_says_what_the_loss_became() -> None:
    trainer = linear_trainer(lr=1e3)
    with pytest.warns(DivergenceWarning, match=r"the loss became (inf|nan|\d\S*), from \S+ after"):
        trainer.fit(*line(), epochs=50)


def explode(lr, rule):
    """A run of batch 1 whose loss and weights are not finite within the first epoch."""
    inputs, targets = two_classes()
    model = nn.mlp(2, 16, 16, 1, activation="elu", seed=0)
    trainer = Trainer(model, "bce", optimizer=rule(lr), batch_size=1, seed=0)
    return trainer, inputs, targets


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("lr", [1e3, 1e100, 1e300])
def test_a_divergence_in_the_first_epoch_is_no_mistake_of_the_optimizer(lr, rule):
    trainer, inputs, targets = explode(lr, rule)
    good = trainer.model.parameters.value.copy()
    with pytest.warns(DivergenceWarning, match="diverged in epoch 1"):
        history = trainer.fit(inputs, targets, epochs=3)
    assert history.diverged_at == 1
    assert_array_equal(trainer.model.parameters.value, good)


def test_a_sweep_of_networks_one_by_one_survives_a_divergence_in_the_first_epoch():
    inputs, targets = two_classes()
    with pytest.warns(DivergenceWarning, match="2 of 4 replicas diverged"):
        found = train_replicas(
            lambda seed: nn.mlp(2, 16, 16, 1, activation="elu", seed=seed),
            optim.Momentum([1e-3, 1e3]), inputs, targets,
            loss="bce", seeds=2, epochs=2, batch_size=1, memory=1,
        )  # fmt: skip
    assert [one.history.diverged_at for one in found] == [None, None, 1, 1]


@pytest.mark.parametrize("rule", [optim.Adam, optim.NAdam, optim.AMSGrad])
def test_counts_go_on_after_a_divergence_also_in_a_file_and_reset_begins_anew(rule, tmp_path):
    """Without a reset, the averages begin at 0 with the bias correction of the whole run."""
    trainer, loaded = (linear_trainer(optimizer=rule(0.01)) for _ in range(2))
    trainer.fit(X, Y, epochs=30)
    trainer.optimizer.lr = 1e5
    diverge(trainer)
    assert trainer.optimizer.step_count == trainer.optimizer.gradient_evaluations > 30
    assert not any(vector.any() for vector in trainer.optimizer.state.values())
    save_run(trainer, tmp_path / "run.npz")
    load_run(loaded, tmp_path / "run.npz")
    start = trainer.model.parameters.value.copy()
    for run in (trainer, loaded):
        run.optimizer.lr = 0.01
        run.fit(X, Y, epochs=5)
    assert_array_equal(trainer.model.parameters.value, loaded.model.parameters.value)
    load_run(again := linear_trainer(optimizer=rule(0.01)), tmp_path / "run.npz")
    again.optimizer.reset()
    again.optimizer.lr = 0.01
    fresh = linear_trainer(optimizer=rule(0.01))
    fresh.model.parameters.set(start)
    for run in (again, fresh):
        run.fit(X, Y, epochs=5)
    assert_array_equal(again.model.parameters.value, fresh.model.parameters.value)
    assert (again.model.parameters.value != trainer.model.parameters.value).any()
