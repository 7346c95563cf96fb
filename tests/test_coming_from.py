"""The table for users of Keras, PyTorch and scikit-learn: what it says to write runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, Trainer, datasets, load_model, nn, optim, save_model
from minidl.training import Checkpoint, EarlyStopping, LearningRateSchedule, load_run, save_run

PAGE = Path(__file__).parent.parent / "minidl" / "training" / "README.md"
README = PAGE.read_text(encoding="utf-8")
SECTION = README.split("## Coming from Keras, PyTorch or scikit-learn\n")[1].split("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| Keras")
]
OPTIMIZERS = README.split("## Arguments of PyTorch's optimizers\n")[1].split("\n## ")[0]
NOT_CALLS = {"forward(self, x, training=False)", "seed=0"}  # a part of a class, and of a call
HERE = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row[-1])]


def test_the_table_is_short_and_has_four_columns() -> None:
    assert 15 <= len(ROWS) <= 36
    assert {len(row) for row in ROWS} == {4}
    assert all(row[-1] and any(row[:3]) for row in ROWS)


@pytest.mark.parametrize("code", [code for code in HERE if code not in NOT_CALLS])
def test_what_to_write_here_runs(code: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    data = datasets.load("moons", n=60, seed=0)
    X, y, X_val, y_val = data.X_train, data.y_train, data.X_test, data.y_test
    model = nn.mlp(2, 4, 1, seed=0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(X, y, epochs=1, validation=(X_val, y_val) if "validation" in code else None)
    save_model(model, "model.npz")
    save_run(trainer, "run.npz")
    scope = {**globals(), "layer": model[0], "x": Tensor(np.ones((2, 3)))}
    scope |= {"w": np.ones(len(y)), "logits": model.predict(X)}
    scope |= {"X": X, "y": y, "X_val": X_val, "y_val": y_val, "model": model, "trainer": trainer}
    exec(code, scope)


def test_names_of_losses_and_the_nesterov_forms_are_what_the_table_says() -> None:
    assert type(nn.loss("bce")) is nn.BinaryCrossEntropy
    assert type(nn.loss("cross_entropy")) is nn.SoftmaxCrossEntropy
    assert repr(optim.SGD(0.1, 0.9, nesterov=True)) == "ReformulatedNAG(lr=0.1, momentum=0.9)"
    assert EarlyStopping("validation_loss").restore_best
    for name in (Checkpoint, LearningRateSchedule, load_model, load_run):  # used by cells
        assert callable(name)


def test_the_three_libraries_are_given_the_same_l2_penalty() -> None:
    """The gradient of the loss, computed as each library defines it for 32 rows."""
    row = next(row for row in ROWS if "regularizers.L2" in row[0])
    keras, torch, sklearn, here = (float(re.findall(r"=?(0\.\d+)[`)]", cell)[-1]) for cell in row)
    W = np.array([[3.0, -1.0], [0.5, 2.0]])
    model = nn.Dense(2, 2)
    assert model.bias is not None
    model.weight.data[...], model.bias.data[...] = W, 5.0
    nn.L2Penalty(here)(model).backward()
    assert model.weight.grad is not None
    for gradient in (2 * keras * W, torch * W, sklearn * W / 32):
        np.testing.assert_allclose(model.weight.grad, gradient)
    assert model.bias.grad is None or not model.bias.grad.any()


W = np.array([[1.0, -2.0], [0.25, 0.5], [-1.0, 3.0], [0.0, 1.0], [0.5, 0.5]])  # gradients


def amsgrad(g: Any, s: dict[str, Any], t: int) -> Any:
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, 0.999 * s.get("v", 0) + 0.001 * g**2
    s["u"] = np.maximum(s.get("u", 0), s["v"])
    return 0.001 * s["m"] / (1 - 0.9**t) / (np.sqrt(s["u"] / (1 - 0.999**t)) + 1e-8)


def adagrad(g: Any, s: dict[str, Any], t: int) -> Any:
    s["sum"] = s.get("sum", 0) + g**2
    return 0.1 / (1 + 0.5 * (t - 1)) * g / (np.sqrt(s["sum"]) + 1e-10)


@pytest.mark.parametrize(
    ("words", "formula", "decay"),
    [
        ("`AdamW(amsgrad=True)`", amsgrad, 1e-5),
        ("`Adam(amsgrad=True)`", amsgrad, 0.0),
        ("`Adagrad(lr=0.1, lr_decay=0.5)`", adagrad, 0.0),
    ],
)
def test_an_optimizer_is_written_as_pytorch_computes_it(
    words: str, formula: Any, decay: float
) -> None:
    line = next(line for line in OPTIMIZERS.splitlines() if line.startswith(f"| {words}"))
    optimizer = eval(re.findall(r"`(optim[^`]+)`", line)[0])
    w, state = np.array([2.0, -1.0]), dict[str, Any]()
    expected = w.copy()
    for t, g in enumerate(W, start=1):
        optimizer.step(w, lambda point, g=g: g)
        expected = (1 - decay) * expected - formula(g, state, t)
    np.testing.assert_allclose(w, expected, rtol=1e-12)


def test_every_optimizer_that_is_written_otherwise_can_be_made() -> None:
    codes = re.findall(r"`(optim\.[^`]+)`", OPTIMIZERS)
    assert len(codes) == 6
    for code in codes:
        eval(code).step(np.ones(2), lambda point: point)
