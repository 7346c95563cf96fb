"""The proof of the recording: the tape, replayed with NumPy, equals the eager step bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_problems import PAIRS, Step, step_of

from minidl import nn, no_grad, ops, optim
from minidl.engine.recorder import Recorder
from minidl.engine.tape import NotRecordable
from minidl.nn.softmax_losses import SoftmaxLoss
from minidl.optim import Optimizer, learning_rate


def assert_replay_is_exact(step: Step, steps: int = 3) -> None:
    tape = step.record()
    inputs = step.inputs(tape)
    for _ in range(steps):
        numbers = step.inputs(tape)
        inputs |= {name: numbers[name] for name in tape.scalars if name}
        loss = step.take()
        assert tape.replay(inputs) == loss
        np.testing.assert_array_equal(inputs["w"], step.objective.vector.value, strict=True)
        for name, vector in step.optimizer.state.items():
            np.testing.assert_array_equal(inputs[f"state {name}"], vector, strict=True)


RULES: dict[str, Callable[[], Optimizer]] = {
    "gd": lambda: optim.GradientDescent(0.1),
    "momentum": lambda: optim.Momentum(0.1, 0.8),
    "nag": lambda: optim.NAG(lambda k: 0.1 / (1 + k)),
    "reformulated": lambda: optim.ReformulatedNAG(0.1, lambda k: 0.9 - 0.5 / (1 + k)),
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("activation", "name"), PAIRS)
def test_activations_and_losses(activation: str, name: str, weighted: bool) -> None:
    loss = nn.loss(name)
    outputs = 3 if isinstance(loss, SoftmaxLoss) else 1
    model = nn.mlp(2, 5, outputs, activation=activation, seed=0)
    assert_replay_is_exact(step_of(model, loss, optim.NAG(0.1), weighted=weighted))


@pytest.mark.unmeasured
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("rows", [1, 2, 16])
@pytest.mark.parametrize("rule", RULES)
def test_optimizers_schedules_batches_l2_and_float32(
    rule: str, rows: int, l2: float, dtype: Any
) -> None:
    model = nn.mlp(2, 5, 4, 1, dtype=dtype, seed=0)
    step = step_of(model, nn.BinaryCrossEntropy(), RULES[rule](), rows=rows, l2=l2)
    assert_replay_is_exact(step)


class Adam(Optimizer):
    lr = learning_rate()
    state_names = ("m", "v")

    def __init__(self, lr: float, beta1: float = 0.9, beta2: float = 0.99) -> None:
        super().__init__(lr=lr)
        self.beta1, self.beta2 = beta1, beta2

    def update(self, w: Any, grad: Any) -> None:
        g, t = grad(w), self.step_count + 1
        m, v = self.state["m"], self.state["v"]
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        size = self.lr * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)
        w -= size * m / (np.sqrt(v) + 1e-8)


class Centred(nn.Layer):
    """Uses reductions, views, methods and conditions."""

    def forward(self, x: Any, training: Any = False) -> Any:
        centred = x - ops.mean(x, axis=0, keepdims=True)
        if np.all(np.isfinite(ops.max(centred).data)):
            centred = ops.clip(centred, -2.0, 2.0).reshape((-1, 5)).T.T
        return centred * ops.exp(-ops.var(x)) + np.tanh(x[:, ::-1])


def test_custom_layers_and_optimizers() -> None:
    model = nn.Sequential(nn.Dense(2, 5), Centred(), nn.Dense(5, 1), seed=0)
    assert_replay_is_exact(step_of(model, nn.MeanSquaredError(), Adam(0.01)))


# What is refused, and by which words.


class Secret(Optimizer):
    """Computes a number where a recorder cannot see it."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.calls = kind, 0

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        if self.kind == "state":
            self.calls += 1
        size: Any = 0.1
        if self.kind == "math":
            size = 0.1 / math.sqrt(1 + self.step_count)
        elif self.kind == "branch":
            size = (
                0.1 if float(np.asarray(g)[0]) > float(np.asarray(g)[1]) else np.full(len(w), 0.1)
            )
        elif self.kind == "values":
            size = 0.1 * np.ones(len(w)) * abs(np.asarray(g).tolist()[0])
        elif self.kind == "index":
            g[np.abs(g) > 0.1] = 0.0
        elif self.kind == "cumulative":
            g = np.cumsum(g)
        w -= size * g


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("state", "the step of Secret changes calls"),
        ("math", r"takes the value of a number \(float\)"),
        ("values", "numbers for multiply are computed where it cannot be seen"),
        ("index", "an array is written at places that arrays choose"),
        ("cumulative", "np.add.accumulate"),
    ],
)
def test_what_cannot_be_replayed_is_named(kind: str, words: str) -> None:
    step = step_of(nn.mlp(2, 5, 1, seed=0), nn.MeanSquaredError(), Secret(kind))
    with pytest.raises(NotRecordable, match=words):
        step.record()


def test_a_condition_is_checked_in_every_replay() -> None:
    class Restart(optim.Momentum):
        def update(self, w: Any, grad: Any) -> None:
            if self.step_count % 50 == 4:
                self.state["velocity"][...] = 0.0
            super().update(w, grad)

    step = step_of(nn.mlp(2, 5, 1, seed=0), nn.MeanSquaredError(), Restart(0.1))
    tape = step.record()
    tape.replay(step.inputs(tape) | {"step_count": 3})
    with pytest.raises(NotRecordable, match="condition"):
        tape.replay(step.inputs(tape) | {"step_count": 4})


def test_recording_changes_nothing() -> None:
    step = step_of(nn.mlp(2, 5, 1, seed=0), nn.MeanSquaredError(), optim.NAG(0.1))
    w, grad = step.objective.vector.value.copy(), step.objective.vector.grad.copy()
    step.record()
    np.testing.assert_array_equal(step.objective.vector.value, w)
    np.testing.assert_array_equal(step.objective.vector.grad, grad)
    assert type(step.objective.vector.value) is np.ndarray
    assert step.optimizer.step_count == 2
    with no_grad():
        assert type(step.objective.model(step.batch[0]).data) is np.ndarray


@pytest.mark.parametrize("fault", ["operand", "missing", "layout"])
def test_planted_faults_of_the_recorder_are_found(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Recorder.add

    def faulty(self: Any, function: Any, inputs: Any, out: Any = None, **options: Any) -> Any:
        if fault == "operand" and options.get("name") == "subtract":
            inputs = inputs[::-1]
        result = add(self, function, inputs, out, **options)
        if fault == "missing" and options.get("name") == "tanh":
            self.tape.instructions.pop()
        return result

    place = Recorder.place

    def shifted(self: Any, array: Any) -> Any:
        found = place(self, array)
        return found._replace(strides=found.strides[::-1]) if array.ndim == 2 else found

    if fault == "layout":
        monkeypatch.setattr(Recorder, "place", shifted)
    else:
        monkeypatch.setattr(Recorder, "add", faulty)
    step = step_of(nn.mlp(3, 5, 1, seed=0), nn.MeanSquaredError(), optim.NAG(0.1), features=3)
    with pytest.raises((AssertionError, NotRecordable, ValueError, IndexError)):
        assert_replay_is_exact(step)
