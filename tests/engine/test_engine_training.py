"""Training with the compiled engine equals eager training; what it cannot do is named."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest

from minidl import Trainer, datasets, nn, optim, train_replicas
from minidl.engine.runner import machine
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.training import Callback, EarlyStopping, StopAtTarget, load_run, machine_steps, save_run
from minidl.training.engine_choice import ENGINES

DATA = datasets.load("moons", n=200, seed=0, test_size=0.25)
ROWS = DATA.X_train, DATA.y_train
HELD_OUT = DATA.X_test, DATA.y_test


def trainer(engine: str, model: Any = None, optimizer: Any = "nag", **options: Any) -> Trainer:
    model = nn.mlp(2, 8, 8, 1, seed=0) if model is None else model()
    optimizer = optimizer() if callable(optimizer) else optimizer
    settings = {"lr": 0.05} if isinstance(optimizer, str) else {}
    loss = options.pop("loss", "bce")
    own = Trainer(model, loss, optimizer, seed=0, engine=engine, **settings, **options)
    own.warm = 1  # "auto" begins at once
    return own


def assert_same(one: Trainer, two: Trainer, tolerance: float = 1e-12) -> None:
    for name in one.history.row(0):
        if name != "seconds":
            a, b = one.history[name], two.history[name]
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)
    a, b = (t.model.parameters for t in (one, two))
    np.testing.assert_allclose(a.value, b.value, rtol=0, atol=tolerance)
    np.testing.assert_allclose(a.grad, b.grad, rtol=0, atol=tolerance)
    assert one.optimizer.step_count == two.optimizer.step_count
    assert one.history.stopped_by == two.history.stopped_by
    assert one.history.advice == two.history.advice


CASES: dict[str, dict[str, Any]] = {
    "ragged": {},
    "full": {"batch_size": "full"},
    "single rows": {"batch_size": 1, "optimizer": lambda: optim.GradientDescent(0.05)},
    "l2, momentum": {"l2": 0.01, "optimizer": lambda: optim.Momentum(0.05, 0.8)},
    "schedule": {"optimizer": lambda: optim.ReformulatedNAG(0.05, lambda k: 0.9 - 0.5 / (1 + k))},
    "relu": {"model": lambda: nn.mlp(2, 16, 1, activation="relu", seed=0), "look_ahead": True},
    "softmax": {"model": lambda: nn.mlp(2, 8, 2, seed=0), "loss": "softmax_cross_entropy"},
    "in order": {"shuffle": False, "loss": "mse", "measure_every": 7},
}


@pytest.mark.parametrize("case", CASES)
def test_hundred_epochs_equal_eager(case: str) -> None:
    epochs = 20 if case == "single rows" else 100
    one, two = (trainer(engine, **CASES[case]) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=epochs, validation=HELD_OUT, sample_weight=1.0 + ROWS[0][:, 0] ** 2)
    assert_same(one, two)
    assert two.compiled.steps_taken > 0.9 * two.optimizer.step_count


def test_float32_stays_float32() -> None:
    model = lambda: nn.mlp(2, 8, 1, dtype=np.float32, seed=0)  # noqa: E731
    one, two = (trainer(engine, model) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=10)
    assert two.model.parameters.value.dtype == np.float32
    assert_same(one, two, 1e-4)


class Adam(optim.Optimizer):
    lr = optim.learning_rate()
    state_names = ("m", "v")
    replicas = True

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        g, t = grad(w), self.step_count + 1
        self.state["m"] += 0.1 * (g - self.state["m"])
        self.state["v"] += 0.01 * (g * g - self.state["v"])
        mean, square = self.state["m"] / (1 - 0.9**t), self.state["v"] / (1 - 0.99**t)
        w -= self.lr * mean / (np.sqrt(square) + 1e-8)


def test_a_custom_optimizer_and_a_custom_layer() -> None:
    class Square(nn.Activation):
        function = staticmethod(lambda x: x * x / (1 + abs(x)))

    model = lambda: nn.mlp(2, 8, 1, activation=Square, seed=0)  # noqa: E731
    one, two = (trainer(e, model, lambda: Adam(0.01)) for e in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=50)
    assert_same(one, two)
    assert two.compiled.steps_taken


class Counts(nn.Activation):
    """A layer with side effects, which a replay would leave out."""

    def __init__(self) -> None:
        self.calls, self.seen = 0, list[Any]()

    def forward(self, x: Any, training: Any = False) -> Any:
        self.seen.append(x.shape)
        return x


class Picky(nn.Activation):
    """A layer that fails with arrays that are recorded."""

    def forward(self, x: Any, training: Any = False) -> Any:
        if type(x.data) is not np.ndarray:
            raise TypeError("only plain arrays")
        return x


COUNTS = "the forward of Counts changes seen"
PICKY = "recording a step raises TypeError: only plain arrays"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model": lambda: nn.mlp(2, 8, 1, activation=Counts, seed=0)}, COUNTS),
    ({"model": lambda: nn.mlp(2, 8, 1, activation=Picky, seed=0)}, PICKY),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_compiled_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=f"cannot train this run: got {words}"):
        trainer("compiled", **options).fit(*ROWS, epochs=2)
    one, two = (trainer(engine, **options) for engine in ("eager", "auto"))
    for own in (one, two):
        own.fit(*ROWS, epochs=3)
    assert_same(one, two)  # to the last bit but for the measurements
    assert two.compiled.reason == words


def test_without_the_machine_auto_is_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIDL_MACHINE", "none")
    machine.cache_clear()
    try:
        own = trainer("auto")
        own.fit(*ROWS, epochs=1)
        assert own.compiled.reason == "the machine was not compiled when minidl was installed"
    finally:
        monkeypatch.undo()
        machine.cache_clear()


def test_wrong_names_of_engines_are_an_error() -> None:
    with pytest.raises(ArgumentError, match=r"engine must be .* got 'fast'"):
        trainer("fast")


def test_settings_that_callbacks_change_are_noticed() -> None:
    class Changes(Callback):
        def on_epoch_end(self, trainer: Trainer, row: dict[str, float]) -> None:
            trainer.optimizer.lr *= 0.9  # type: ignore[attr-defined]
            trainer.objective.penalty.strength = 0.01 * (row["epoch"] % 3)
            trainer.model[1].slope = 0.1 * row["epoch"] % 1  # type: ignore[index]

    model = lambda: nn.mlp(2, 8, 1, activation="leaky_relu", seed=0)  # noqa: E731
    one, two = (trainer(e, model, callbacks=[Changes()]) for e in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=12)
    assert_same(one, two)
    assert two.compiled.steps_taken


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_divergence_is_found_in_the_same_epoch_with_the_same_words(batch_size: Any) -> None:
    model = lambda: nn.mlp(2, 8, 1, activation="relu", seed=0)  # noqa: E731
    rate = lambda k: 0.01 if k < 40 else 1e5  # noqa: E731
    optimizer = lambda: optim.Momentum(rate, 0.99)  # noqa: E731
    both = [trainer(e, model, optimizer, loss="mse", batch_size=batch_size) for e in ENGINES]
    for own in both:
        with pytest.warns(DivergenceWarning):
            own.fit(*ROWS, epochs=90)
    auto, eager, fast = both
    assert eager.history.diverged
    for own in (auto, fast):
        assert own.history.diverged_at == eager.history.diverged_at
        assert own.history.advice == eager.history.advice
        assert own.epoch == eager.epoch


@pytest.mark.parametrize(
    "engines", [("compiled", "compiled"), ("compiled", "eager"), ("eager", "auto")]
)
def test_ctrl_c_within_an_epoch_and_resuming_with_another_engine(
    engines: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)  # a step at a time

    def rate(step: int) -> float:
        if step == press[0]:
            press[0] = -1
            os.kill(os.getpid(), signal.SIGINT)
        return 0.05

    press = [-1]
    whole = trainer("eager", optimizer=lambda: optim.NAG(rate), batch_size=8)
    whole.fit(*ROWS, epochs=6)
    press[0] = 50  # in the third epoch of 19 steps
    one = trainer(engines[0], optimizer=lambda: optim.NAG(rate), batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        one.fit(*ROWS, epochs=6)
    assert 0 < one.cursor < len(ROWS[0])
    save_run(one, tmp_path / "run.npz")
    two = trainer(engines[1], optimizer=lambda: optim.NAG(rate), batch_size=8)
    load_run(two, tmp_path / "run.npz")
    two.fit(*ROWS, epochs=6 - two.epoch)
    assert_same(whole, two)


@pytest.mark.filterwarnings("ignore:3 of 9 replicas diverged")
def test_replicas_with_their_own_rates_rows_and_early_stopping() -> None:
    rng = np.random.default_rng(0)
    X = np.stack([ROWS[0] + 0.1 * rng.standard_normal(ROWS[0].shape) for _ in range(3)])
    y = np.stack([ROWS[1]] * 3)
    found = [
        train_replicas(
            lambda seed: nn.mlp(2, 8, 1, seed=seed),
            optim.NAG([0.02, 0.05, 1e6]),
            *rows,
            loss="bce",
            seeds=3,
            epochs=15,
            batch_size=32,
            callbacks=lambda: [StopAtTarget(0.35)],
            engine=engine,
        )
        for engine in ("eager", "compiled")
        for rows in (ROWS, (X, y))
    ]
    for eager, fast in zip([*found[0], *found[1]], [*found[2], *found[3]], strict=True):
        assert eager.history.stopped_by == fast.history.stopped_by
        a, b = eager.history["train_loss"], fast.history["train_loss"]
        np.testing.assert_allclose(a, b, rtol=1e-11)
        if not eager.history.diverged:
            a, b = eager.model.parameters.value, fast.model.parameters.value
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


def test_early_stopping_and_a_second_fit() -> None:
    both = [trainer(e, callbacks=[EarlyStopping(patience=5)]) for e in ("eager", "compiled")]
    for own in both:
        own.fit(*ROWS, epochs=7, validation=HELD_OUT)
        own.fit(*ROWS, epochs=40, validation=HELD_OUT)
    assert_same(*both)


ADAPTIVE = ["Adam", "AdamW", "NAdam", "AMSGrad", "AdaMax", "RMSprop", "CenteredRMSprop", "Adagrad"]
ADAPTIVE += ["Adadelta", "Lion", "Rprop", "RAdam"]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_optimizers(name: str) -> None:
    rule = getattr(optim, name)
    one, two = (trainer(engine, optimizer=lambda: rule(0.01)) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=20)
    assert_same(one, two, 1e-10)  # a root of a tiny average enlarges rounding errors
    assert two.compiled.steps_taken > 0.8 * two.optimizer.step_count
