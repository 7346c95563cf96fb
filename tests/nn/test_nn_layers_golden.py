"""Losses with settings, activations at their kinks, Embedding and Residual: PyTorch's own numbers.

The golden file was written by ``tests/golden/write_layers.py``. It holds values, gradients and
second derivatives. Planted faults are told from the right formula by the same numbers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, grad, nn, ops

with np.load(Path(__file__).parent.parent / "golden" / "layers.npz") as file:
    G = dict(file)

TOLERANCE = 1e-12  # of the largest entry
IGNORED = "class_ignored"
Function = Callable[[Any], Any]


def loss(made: nn.Loss, target: str | None) -> Function:
    """Return outputs -> the loss; without a target, that of 0."""
    return lambda z: made(z, np.zeros(z.shape) if target is None else G[target])


def layer(made: nn.Layer) -> Function:
    """Return x -> the weighted sum of an activation."""
    return lambda x: (made(x) * G["weights"]).sum()


def embedded(table: Any, made: nn.Embedding | None = None) -> Any:
    made = made or nn.Embedding(7, 2, padding_index=2)
    made.weight = nn.Parameter(table.data)  # the graph begins at its own parameter
    return ops.tanh(made(G["places"])).sum(), made.weight


def residual(w: Any) -> Any:
    inner = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 3))
    block = nn.Residual(inner)
    block.parameters.set(w.data)
    return (ops.tanh(block(G["rows"])) ** 2).sum(), list(block.parameters)


CE, BCE = nn.SoftmaxCrossEntropy, nn.BinaryCrossEntropy
W, P = G["class_weights"].tolist(), G["pos_weights"].tolist()
CASES: dict[str, Function] = {
    "softmax smoothed": loss(CE(label_smoothing=0.1), "class"),
    "softmax ignored": loss(CE(ignore_index=-100), IGNORED),
    "softmax ignored and smoothed": loss(CE(ignore_index=-100, label_smoothing=0.3), IGNORED),
    "softmax weighted": loss(CE(class_weight=W), "class"),
    "softmax weighted and ignored": loss(CE(class_weight=W, ignore_index=-100), IGNORED),
    "binary weighted": loss(BCE(pos_weight=3.0), "zero_one"),
    "binary weighted each": loss(BCE(pos_weight=P), "share"),
    "binary smoothed": loss(BCE(label_smoothing=0.2), "zero_one"),
    "huber 0.3": loss(nn.Huber(0.3), None),
    "huber 2": loss(nn.Huber(2.0), None),
    "smooth_l1 0.3": loss(nn.SmoothL1(0.3), None),
    "smooth_l1 2": loss(nn.SmoothL1(2.0), None),
    "poisson": loss(nn.Poisson(), "count"),
    "poisson of means": loss(nn.Poisson(log_input=False), "count"),
    "focal": loss(nn.Focal(), "zero_one"),
    "focal 0.5": loss(nn.Focal(0.5, 0.9), "zero_one"),
    "focal 0": loss(nn.Focal(0.0, None), "zero_one"),
    "CELU 0.5": layer(nn.CELU(0.5)),
    "GELU tanh": layer(nn.GELU(approximate="tanh")),
    "Hardswish": layer(nn.Hardswish()),
    "Hardtanh -0.5 1.5": layer(nn.Hardtanh(-0.5, 1.5)),
    "LogSigmoid": layer(nn.LogSigmoid()),
    "Mish": layer(nn.Mish()),
    "ReLU6": layer(nn.ReLU6()),
    "Softshrink 0.3": layer(nn.Softshrink(0.3)),
    "Softsign": layer(nn.Softsign()),
}
GOLDEN = [key.removesuffix(": input") for key in G if key.endswith(": input")]
# On a bound, PyTorch's hardtanh has the slope 0, ours 1; PyTorch's second derivative of hardswish
# at +-3 is 0, ours that of the inside or outside by choice.
KINKS = {"Hardtanh -0.5 1.5": [-0.5, 1.5], "Hardswish": [-3, 3]}
# The slope of Huber's loss has a kink at delta, that of CELU at 0: second derivatives differ.
BENDS = KINKS | {f"{name} {d}": [-d, d] for name in ("huber", "smooth_l1") for d in (0.3, 2)}
BENDS["CELU 0.5"] = [0.0]


def difference(ours: Any, key: str, where: Any = True) -> float:
    """Return the largest difference from a golden entry, as a share of its largest."""
    assert np.shape(ours) == G[key].shape
    ours, theirs = (np.where(where, values, 0.0) for values in (ours, G[key]))
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300))


def test_every_golden_case_is_tested() -> None:
    assert {*CASES, "embedding", "residual"} == set(GOLDEN)


@pytest.mark.parametrize("case", CASES)
def test_value_gradient_and_second_derivative_are_those_of_pytorch(case: str) -> None:
    x = Tensor(G[str(G[f"{case}: input"])], requires_grad=True)
    where = ~np.isin(x.data, KINKS.get(case, []))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = CASES[case](x)
        gradient = grad(value, x, create_graph=True)
        assert difference(value.data, f"{case}: value") < TOLERANCE
        assert difference(gradient.data, f"{case}: gradient", where) < TOLERANCE
        along = (gradient * np.cos(np.arange(x.size)).reshape(x.shape)).sum()
        second = grad(along, x).data if along.requires_grad else np.zeros(x.shape)
    if (expected := G.get(f"{case}: second")) is not None:  # PyTorch's mish is nan at 10^4
        where = ~np.isin(x.data, BENDS.get(case, [])) & np.isfinite(expected)
        assert difference(second, f"{case}: second", where) < 100 * TOLERANCE


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32_with_the_same_numbers(case: str) -> None:
    x = Tensor(G[str(G[f"{case}: input"])].astype(np.float32), requires_grad=True)
    gradient = grad(CASES[case](x), x)
    assert gradient.dtype == np.float32
    where = ~np.isin(x.data, KINKS.get(case, []))
    assert difference(gradient.data, f"{case}: gradient", where) < 1e-5


def test_label_smoothing_of_two_classes_is_that_of_keras() -> None:
    z = Tensor(G["logit"], requires_grad=True)
    value = BCE(label_smoothing=0.2)(z, G["zero_one"])
    value.backward()
    assert difference(value.data, "keras smoothed: value") < TOLERANCE
    assert difference(z.grad, "keras smoothed: gradient") < TOLERANCE


def test_embedding_has_pytorchs_gradient_and_none_for_padding() -> None:
    value, weight = embedded(Tensor(G["table"]))
    taken = np.where(np.arange(7)[:, None] == 2, 0.0, G["table"])  # ours is 0 at padding
    assert value.item() == pytest.approx(np.tanh(taken)[G["places"].astype(int)].sum(), rel=1e-14)
    gradient = grad(value, weight, create_graph=True)
    assert not gradient.data[2].any()
    assert not gradient.data[[3, 4]].any()  # rows that do not occur
    assert difference(gradient.data, "embedding: gradient") < TOLERANCE
    along = (gradient * np.cos(np.arange(14.0)).reshape(7, 2)).sum()
    assert difference(grad(along, weight).data, "embedding: second") < TOLERANCE
    once = np.zeros((7, 2))
    places = G["places"].astype(int)
    once[places] = 1 - np.tanh(taken[places]) ** 2  # planted: assigned, not accumulated
    assert difference(once, "embedding: gradient") > 0.1


def test_residual_block_has_pytorchs_gradient() -> None:
    value, parts = residual(Tensor(G["block"]))
    gradients = grad(value, parts)
    flat = np.concatenate([g.data.ravel() for g in gradients])
    assert difference(value.data, "residual: value") < TOLERANCE
    assert difference(flat, "residual: gradient") < TOLERANCE


def planted(case: str) -> Any:
    """Return the value of a formula with a typical mistake."""
    log_p = ops.log_softmax(G["logits"])
    t, z, y = G["class"], G["logit"], G["zero_one"]
    rows, K = np.arange(8), 4
    known = G[IGNORED] >= 0
    w = G["class_weights"]
    plus, minus = ops.softplus(z), ops.softplus(-z)
    m, s = G["moderate_logit"], 2 * y - 1
    p = 1 / (1 + np.exp(-s * m))
    e = np.abs(G["residue"])
    return {
        "softmax ignored": -(log_p[rows, G[IGNORED] * known] * known).sum() / 8,
        "softmax smoothed": (
            -(0.9 * log_p[rows, t] + 0.1 / (K - 1) * (log_p.sum(1) - log_p[rows, t])).mean()
        ),
        "softmax weighted": -(w[t] * log_p[rows, t]).mean(),
        "softmax weighted and ignored": (
            -(w[G[IGNORED] * known] * log_p[rows, G[IGNORED] * known] * known).sum() / known.sum()
        ),
        "binary weighted": (y * minus + 3.0 * (1 - y) * plus).mean(),
        "binary weighted each": (
            ((G["share"] * minus) + (1 - G["share"]) * plus) * G["pos_weights"]
        ).mean(),
        "huber 0.3": np.where(e <= 0.3, e**2 / 2, e - 0.15).mean(),
        "smooth_l1 0.3": np.where(e <= 0.3, e**2 / 2, 0.3 * (e - 0.15)).mean(),
        "smooth_l1 2": np.where(e <= 2, e**2 / 2, e - 1).mean(),
        "focal": (np.where(y > 0, 0.75, 0.25) * (1 - p) ** 2 * -np.log(p)).mean(),
        "focal 0.5": (np.where(y > 0, 0.9, 0.1) * p**0.5 * -np.log(p)).mean(),
        "poisson": (np.exp(G["log_mean"]) * (1 - G["count"])).mean(),
        "poisson of means": (np.exp(G["mean"]) - G["count"] * G["mean"]).mean(),
        "residual": (residual_without_identity() ** 2).sum(),
    }[case]


def residual_without_identity() -> Any:
    block = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 3))
    block.parameters.set(G["block"])
    return np.tanh(block.predict(G["rows"]))


PLANTED = [
    "softmax ignored", "softmax smoothed", "softmax weighted", "softmax weighted and ignored",
    "binary weighted", "binary weighted each", "huber 0.3", "smooth_l1 0.3", "smooth_l1 2", "focal",
    "focal 0.5", "poisson", "poisson of means", "residual",
]  # fmt: skip


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_told_from_pytorchs_value(case: str) -> None:
    assert difference(planted(case), f"{case}: value") > 1e-6


def test_the_direction_of_the_divergence_matters() -> None:
    z = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    q = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    p = np.exp(z)
    right = (0.2 * np.log(0.2 / 0.7) + 0.3 * np.log(1.5) + 0.5 * np.log(5) + np.log(10)) / 2
    assert nn.KLDivergence()(z, q) == pytest.approx(right, rel=1e-14)
    turned = (p[0] * np.log(p[0] / q[0])).sum() / 2
    assert abs(turned - right) > 0.1
    assert nn.KLDivergence()(z, p) == pytest.approx(0, abs=1e-15)
