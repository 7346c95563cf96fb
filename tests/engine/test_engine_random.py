"""Random networks and random programs: the tape bit for bit, the machine to rounding."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from engine_problems import Step, step_of
from hypothesis import given, note, settings
from hypothesis import strategies as st
from test_engine_machine import assert_close
from test_engine_recording import assert_replay_is_exact
from test_engine_training import assert_same, trainer

from minidl import nn, optim
from minidl.engine.runner import Runner
from minidl.engine.tape import NotRecordable

pytestmark = pytest.mark.unmeasured  # hundreds of random programs

# Rates at which all of these are stable; signs and maxima jump, so they are not among them.
RULES: list[Any] = [
    optim.GradientDescent, optim.Momentum, optim.NAG, lambda lr: optim.ReformulatedNAG(lr, 0.7),
    optim.Adam, optim.RMSprop, optim.Adagrad, optim.AMSGrad, optim.NAdam, optim.RAdam,
]  # fmt: skip
MODIFIERS: list[Any] = [
    lambda rule: rule, lambda rule: rule, lambda rule: optim.ClipByNorm(rule, 0.5),
    lambda rule: optim.ClipByValue(rule, 0.3), lambda rule: optim.DecoupledWeightDecay(rule, 0.01),
]  # fmt: skip
RATES: list[Any] = [0.01, lambda k: 0.01 / (1 + k / 50), lambda k: 0.005 if k < 11 else 0.002]
LOSSES = [
    "mse", "bce", "huber", "softmax_cross_entropy", "mae", "smooth_l1", "hinge", "poisson", "focal",
]  # fmt: skip
ACTIVATIONS = sorted(nn.ACTIVATIONS)


@st.composite
def runs(draw: Any) -> dict[str, Any]:
    """Return the arguments of a Trainer, and of its fit."""
    widths = draw(st.lists(st.integers(1, 9), min_size=0, max_size=3))
    loss = draw(st.sampled_from(LOSSES))
    single = draw(st.integers(0, 4)) == 0
    extra = draw(st.sampled_from([(), (), ("dropout",), ("batch norm",), ("layer norm",)]))
    return {
        "widths": widths, "loss": loss, "dtype": np.float32 if single else np.float64,
        "activations": [draw(st.sampled_from(ACTIVATIONS)) for _ in widths], "extra": extra,
        "rule": draw(st.sampled_from(RULES)), "modifier": draw(st.sampled_from(MODIFIERS)),
        "rate": draw(st.sampled_from(RATES)), "l2": draw(st.sampled_from([0.0, 0.01])),
        "l1": draw(st.sampled_from([0.0, 0.0, 0.001])),
        "batch_size": draw(st.sampled_from([2, 7, 16, 64, "full"])),
        "rows": draw(st.sampled_from([18, 41, 80])), "weighted": draw(st.booleans()),
        "frozen": draw(st.integers(0, 3)) == 0, "shuffle": draw(st.booleans()),
    }  # fmt: skip


def model_of(run: dict[str, Any], outputs: int) -> nn.Layer:
    layers: list[nn.Layer] = []
    width, dtype = 3, run["dtype"]
    for next_, name in zip(run["widths"], run["activations"], strict=True):
        layers.append(nn.Dense(width, next_, dtype=dtype))
        if "batch norm" in run["extra"]:
            layers.append(nn.BatchNorm(next_, dtype=dtype))
        if "layer norm" in run["extra"] and next_ > 1:
            layers.append(nn.LayerNorm(next_, dtype=dtype))
        layers.append(nn.activation(name))
        if "dropout" in run["extra"]:
            layers.append(nn.Dropout(0.2))
        width = next_
    layers.append(nn.Dense(width, outputs, dtype=dtype))
    model = nn.Sequential(*layers, seed=0)
    if run["frozen"] and len(layers) > 1:
        model.parameters["0.weight"].requires_grad = False
    return model


@pytest.mark.filterwarnings("ignore")  # of units that do not train, and the like
@settings(max_examples=25, deadline=None, derandomize=True)
@given(runs())
def test_random_networks_equal_eager(run: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((run["rows"], 3)).astype(run["dtype"])
    classes = run["loss"] == "softmax_cross_entropy"
    y: Any = rng.integers(0, 3 if classes else 2, run["rows"])
    weights = rng.random(run["rows"]) if run["weighted"] else None
    both = []
    for engine in ("eager", "auto"):
        own = trainer(
            engine, lambda: model_of(run, 3 if classes else 1),
            lambda: run["modifier"](run["rule"](run["rate"])), loss=run["loss"], l2=run["l2"],
            l1=run["l1"], batch_size=run["batch_size"], shuffle=run["shuffle"],
        )  # fmt: skip
        own.fit(X, y, epochs=4, sample_weight=weights)
        both.append(own)
    one, two = both
    note(two.compiled.reason)
    assert two.compiled.reason == "" or "BatchNorm needs at least 2 rows" in two.compiled.reason
    single = run["dtype"] is np.float32
    assert_same(one, two, 2e-3 if single else 1e-10)


ELEMENTWISE = [
    np.tanh, np.exp, np.square, np.negative, np.abs, np.sin, np.cos, np.sign, np.sqrt, np.log1p,
]  # fmt: skip
PAIRS = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.hypot]


class Program(nn.Layer):
    """Random instructions on some arrays, in place and on views of each other."""

    def __init__(self, seed: int, length: int) -> None:
        self.seed, self.length = seed, length

    def forward(self, x: Any, training: Any = False) -> Any:
        rng = np.random.default_rng(self.seed)  # the same program in each step
        arrays = [np.tanh(x.data), np.zeros_like(x.data), np.cos(x.data)]
        arrays[1][...] = x.data[0]
        for _ in range(self.length):
            self.step(rng, arrays)
        return x * np.tanh(sum(arrays[1:], arrays[0]))

    def step(self, rng: Any, arrays: list[Any]) -> None:
        """Take one instruction on these arrays."""
        a, b = (arrays[rng.integers(len(arrays))] for _ in range(2))
        k, n, m = int(rng.integers(12)), a.shape[0] // 2, a.shape[1] // 2
        if k == 0:
            arrays.append(np.tanh(ELEMENTWISE[rng.integers(8)](np.clip(a, -2, 2))))
        elif k == 1:
            arrays.append(np.tanh(PAIRS[rng.integers(len(PAIRS))](a, b)))
        elif k == 2:
            a += 0.3 * b
        elif k == 3:
            a[:n] *= b[-n:] if rng.random() < 0.5 else 0.7
        elif k == 4:
            a[:, m:] = np.tanh(b[:, : a.shape[1] - m])
        elif k == 5:
            a[...] = b[:, ::-1] if a is not b else a.mean(axis=0)
        elif k == 6:
            arrays.append(np.tanh(a - b.sum(axis=0, keepdims=True) / len(b)))
        elif k == 7:
            arrays.append(np.tanh(0.3 * (a @ (b.T @ a))))
        elif k == 8:
            arrays.append(np.where(a > b.max(axis=1, keepdims=True) - 0.5, a, 0.2 * b))
        elif k == 9:
            np.multiply(a, 0.9, out=a)
            a[1:2] = b[:1]
        elif k == 10:
            view = a.T[m:]
            view += 0.1
            arrays.append(np.tanh(view.T @ view.sum(axis=1)[:, None] + a))
        else:
            kept = a.copy()
            a[n:] = np.tanh(b[n:] * kept[n:])
            arrays.append(kept * a)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([4, 8, 130]))
def test_random_programs_are_recorded_bit_for_bit(seed: int, length: int, rows: int) -> None:
    model = nn.Sequential(nn.Dense(3, 4), Program(seed, length), nn.Dense(4, 2), seed=1)
    step = step_of(model, nn.MeanSquaredError(), optim.NAG(0.01), rows=rows, features=3)
    assert_replay_is_exact(step, 1)
    with contextlib.ExitStack() as refusals:
        if refused := why_not(step):
            refusals.enter_context(pytest.raises(NotRecordable, match=refused))
        assert_close(step, 1e-11, steps=2)


def why_not(step: Step) -> str:
    """Return why a step cannot be planned, if it is one of the limits that are known, or ""."""
    try:
        Runner(step.record(), np.dtype(float), len(step.batch[0]))
    except NotRecordable as why:
        note(f"refused: {why}")
        known = ("of which a part was not written", "three axes", "apart", "gaps")
        return next((words for words in known if words in str(why)), "a limit that is known")
    return ""
