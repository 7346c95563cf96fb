"""Dropout, buffers, frozen parameters and formulas chosen by numbers: compiled, and resumed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from test_engine_training import HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, optim, train_replicas
from minidl.training import Callback, load_run, machine_steps, save_run


class Noise(nn.Layer):
    """Adds noise from the normal distribution in training."""

    stochastic = True

    def forward(self, x: Any, training: Any = False) -> Any:
        if training is False:
            return x
        noise = training.normal(0.0, 0.1, size=x.shape)
        return x + noise.astype(x.dtype) * training.random(x.shape[-1]).astype(x.dtype)


class Centre(nn.Layer):
    """Subtracts the mean of a batch, and keeps a running one of custom form."""

    def __init__(self) -> None:
        self.seen = nn.Buffer(np.zeros(8))
        self.largest = nn.Buffer(np.zeros(()))

    def forward(self, x: Any, training: Any = False) -> Any:
        if not training:
            return x - self.seen
        mean = np.mean(x, axis=0)
        self.seen[2:] = 0.5 * self.seen.data[2:] + 0.5 * mean.data[2:]
        self.largest[...] = np.maximum(self.largest.data, np.max(mean.data))
        return x - mean


class Network(nn.Layer):
    """Calls layers, the first one with rows that are no Tensor."""

    def __init__(self) -> None:
        self.hidden, self.act = nn.Dense(2, 8, seed=0), nn.Tanh()
        self.out = nn.Dense(8, 1, seed=1)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.out(self.act(self.hidden(x, training=training)))


class Freezes(Callback):
    """Freezes the first layer in every second epoch."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        for parameter in list(trainer.model.parameters)[:2]:
            parameter.requires_grad = epoch % 2 == 0


class Replaces(Callback):
    """Gives the model another activation in each epoch, often in the memory of one before."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        vars(trainer.model).pop("act")
        trainer.model.act = (nn.Tanh, nn.ReLU, nn.Sigmoid)[epoch % 3]()


FORMULAS: list[Any] = [
    lambda layer, x, training=False: x * 0.5,
    lambda layer, x, training=False: x * 1.5,
    lambda layer, x, training=False: x * 2.0,
]


class Patches(Callback):
    """Replaces the formula of an activation in each epoch: of its class, or of the object alone."""

    def __init__(self, of_class: bool, patch: pytest.MonkeyPatch) -> None:
        self.of_class, self.patch = of_class, patch

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        layer, formula = trainer.model.layers[1], FORMULAS[epoch % 3]
        if self.of_class:
            self.patch.setattr(type(layer), "forward", formula)
        else:
            layer.forward = partial(formula, layer)


def layers(*middle: nn.Layer, dtype: Any = np.float64) -> nn.Layer:
    first, last = nn.Dense(2, 8, dtype=dtype), nn.Dense(8, 1, dtype=dtype)
    return nn.Sequential(first, *middle, nn.Tanh(), last, seed=0)


def frozen(dtype: Any = np.float64) -> nn.Layer:
    model = nn.mlp(2, 8, 8, 1, seed=0, dtype=dtype)
    for name in ("0.bias", "2.weight", "2.bias"):
        model.parameters[name].requires_grad = False
    return model


SINGLE = np.float32
CASES: dict[str, dict[str, Any]] = {
    "dropout": {"model": lambda: nn.mlp(2, 8, 8, 1, dropout=0.3, seed=0)},
    "dropout, full batch": {
        "model": lambda: nn.mlp(2, 8, 1, dropout=0.3, seed=0), "batch_size": "full",
    },
    "dropout, float32": {"model": lambda: nn.mlp(2, 8, 1, dropout=0.3, dtype=SINGLE, seed=0)},
    "noise": {"model": lambda: layers(Noise())},
    "batch norm": {"model": lambda: layers(nn.BatchNorm(8))},
    "batch norm, float32": {"model": lambda: layers(nn.BatchNorm(8, dtype=SINGLE), dtype=SINGLE)},
    "dropout and batch norm": {"model": lambda: layers(nn.BatchNorm(8), nn.Dropout(0.2))},
    "own buffers": {"model": lambda: layers(Centre())},
    "layers that are called": {"model": Network},
    "layers that are replaced": {"model": Network, "callbacks": lambda: [Replaces()]},
    "layer norm": {"model": lambda: layers(nn.LayerNorm(8))},
    "frozen": {"model": frozen, "l2": 0.01},
    "frozen, reformulated": {"model": frozen, "optimizer": lambda: optim.ReformulatedNAG(0.05)},
    "frozen, adam": {"model": frozen, "optimizer": lambda: optim.AdamW(0.01)},
    "frozen, float32": {"model": lambda: frozen(SINGLE)},
    "freezing": {"callbacks": lambda: [Freezes()]},
    "radam": {"optimizer": lambda: optim.RAdam(0.01)},
    "two schedules": {
        "optimizer": lambda: optim.AdamW(lambda k: 1 / (50 + k), weight_decay=lambda k: 1 / (9 + k))
    },
    "clipped schedules": {"optimizer": lambda: Largest(lambda k: 0.002 * k)},
    "restarts of adam": {
        "optimizer": lambda: optim.GradientRestart(optim.Adam(0.03)), "batch_size": "full",
        "loss": "mse",
    },
    "restarts of nadam": {"optimizer": lambda: optim.FunctionRestart(optim.NAdam(0.02))},
}  # fmt: skip


class Largest(optim.Optimizer):
    """Limits its learning rate in Python, and changes it in a step that no comparison sees."""

    lr = optim.learning_rate()

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lambda k: lr(k + 1))

    def update(self, w: Any, grad: Any) -> None:
        size = min(self.lr, 0.05)
        if self.step_count >= 60:
            size = size / 2
        w -= size * grad(w)


def made(engine: str, case: str) -> Trainer:
    options = dict(CASES[case])
    if "callbacks" in options:
        options["callbacks"] = options["callbacks"]()
    return trainer(engine, **options)


@pytest.mark.unmeasured
@pytest.mark.parametrize("case", CASES)
def test_a_run_equals_eager(case: str) -> None:
    one, two = (made(engine, case) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=40, validation=HELD_OUT)
    tolerance = 1e-3 if "float32" in case else 1e-10
    assert_same(one, two, tolerance)
    buffers = dict(two.model.named_buffers())
    for name, array in one.model.named_buffers():
        np.testing.assert_allclose(buffers[name], array, rtol=tolerance, atol=tolerance)
    assert two.compiled.steps_taken >= two.optimizer.step_count - 1, two.compiled.reason


@pytest.mark.parametrize("of_class", [False, True])
def test_formulas_that_are_replaced_between_epochs(of_class: bool) -> None:
    model = lambda: nn.Sequential(nn.Dense(2, 8), nn.Softsign(), nn.Dense(8, 1), seed=0)  # noqa: E731
    one, two = (trainer(engine, model) for engine in ("eager", "compiled"))
    for own in (one, two):
        with pytest.MonkeyPatch.context() as patch:
            own.fit(*ROWS, epochs=9, callbacks=[Patches(of_class, patch)])
    assert_same(one, two, 1e-10)
    assert two.compiled.steps_taken


def assert_same_bits(one: Trainer, two: Trainer) -> None:
    for name in one.history.row(0):
        if name != "seconds":
            np.testing.assert_array_equal(one.history[name], two.history[name], err_msg=name)
    np.testing.assert_array_equal(one.model.parameters.value, two.model.parameters.value)
    np.testing.assert_array_equal(one.model.parameters.grad, two.model.parameters.grad)
    for arrays in (lambda t: t.optimizer.state, lambda t: dict(t.model.named_buffers())):
        for name, array in arrays(one).items():
            np.testing.assert_array_equal(array, arrays(two)[name], err_msg=name)


def pressed(make: Callable[[Callable[[int], float]], optim.Optimizer], at: int) -> Any:
    """Return an optimizer whose learning rate presses Ctrl-C when a step begins, once."""
    left = [at]

    def rate(step: int) -> float:
        if step == left[0]:
            left[0] = -1
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    return make(rate)


def dead() -> nn.Layer:
    """Return a network with a layer that gets a gradient from few rows: the first epoch waits."""
    model = nn.mlp(2, 1, 1, activation="relu", seed=0)
    model.parameters["0.weight"].data[...] = [[3.0], [0.0]]
    model.parameters["0.bias"].data[...] = -5.5
    return model


RESUMED: dict[str, tuple[Callable[[Any], optim.Optimizer], Callable[[], nn.Layer]]] = {
    "radam": (optim.RAdam, lambda: nn.mlp(2, 8, 1, seed=0)),
    "dropout": (optim.NAG, CASES["dropout"]["model"]),
    "dropout, float32": (optim.NAG, CASES["dropout, float32"]["model"]),
    "noise": (optim.NAG, CASES["noise"]["model"]),
    "batch norm": (optim.Momentum, CASES["batch norm"]["model"]),
    "frozen": (optim.Adam, frozen),
    "restarts": (lambda rate: optim.GradientRestart(optim.NAG(rate, 0.98)), nn.Tanh),
    "dead units": (optim.NAG, dead),
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("at", [2, 5, 6, 7, 11, 30, 47])
@pytest.mark.parametrize("case", RESUMED)
def test_a_run_that_is_saved_and_resumed_has_the_same_bits(
    case: str, at: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Which engine takes a step depends on the state of the run alone."""
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)  # a step at a time
    make, model = RESUMED[case]
    if case == "restarts":
        model = lambda: nn.mlp(2, 8, 1, seed=0)  # noqa: E731
    whole, first, second = (
        trainer("compiled", model, lambda k=k: pressed(make, k), batch_size=8) for k in (-1, at, -1)
    )
    whole.fit(*ROWS, epochs=4)
    with pytest.raises(KeyboardInterrupt):
        first.fit(*ROWS, epochs=4)
    assert first.cursor  # a recording has asked for the rate of the step after it
    assert at - 1 <= first.optimizer.step_count <= at + 1
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(*ROWS, epochs=4 - second.epoch)
    assert_same_bits(whole, second)
    assert second.compiled.steps_taken
    if case == "restarts":
        assert whole.optimizer.state["restarted_at"] > 0


REPLICATED = ["dropout", "batch norm", "frozen", "radam", "restarts of adam"]


@pytest.mark.parametrize("case", REPLICATED)
def test_replicas_equal_eager(case: str) -> None:
    """Some of them share a seed for dropout; each has its own conditions."""
    options = dict(CASES[case])
    model = options.pop("model", lambda: nn.mlp(2, 8, 1, seed=0))
    optimizer = options.pop("optimizer", None)
    found = [
        train_replicas(
            lambda seed: model(), optimizer() if optimizer else optim.NAG([0.02, 0.05, 0.1]), *ROWS,
            seeds=3, epochs=10, engine=engine, **({"loss": "bce", "batch_size": 32} | options),
        )
        for engine in ("eager", "compiled")
    ]  # fmt: skip
    for one, two in zip(*found, strict=True):
        a, b = one.model.parameters.value, two.model.parameters.value
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)
        np.testing.assert_allclose(one.history["train_loss"], two.history["train_loss"], rtol=1e-11)
        for name, array in one.model.named_buffers():
            np.testing.assert_allclose(dict(two.model.named_buffers())[name], array, atol=1e-11)
