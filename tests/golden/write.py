"""Write optimizers.npz: trajectories of the optimizers of PyTorch and Keras.

Run it with the `bench` extra: ``python tests/golden/write.py``. Gradients are those of
torch.autograd and jax.grad. Everything is float64, Keras and the learning rates included. The
tests need only NumPy.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

Array = npt.NDArray[Any]
HERE = Path(__file__).parent

STEPS = 1_000
KEPT = np.unique(np.concatenate([np.arange(1, 11), np.arange(25, STEPS + 1, 25)]))
LR, MOMENTUM = 0.125, 0.9
HALVED_EVERY = 200  # the schedule: LR * 0.5 ** (step / HALVED_EVERY)
BATCH = 5
RULES = {"plain": (0.0, False), "momentum": (MOMENTUM, False), "nesterov": (MOMENTUM, True)}


def scheduled(step: int) -> float:
    """Return the learning rate of a step under the schedule."""
    return LR * 0.5 ** (step / HALVED_EVERY)


def problem_data() -> dict[str, Array]:
    """Return a quadratic of condition number 1000, and XOR data with initial weights."""
    rng = np.random.default_rng(20240229)
    Q, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    A = Q * np.geomspace(1e-3, 1, 6) @ Q.T
    X = rng.uniform(-1, 1, (23, 2))
    return {
        "A": (A + A.T) / 2,
        "b": rng.standard_normal(6),
        "quadratic_start": rng.standard_normal(6),
        "X": X,
        "y": (X[:, 0] * X[:, 1] > 0).astype(float),
        "network_start": rng.standard_normal(33) / 2,
        "kept": KEPT,
        "lr": np.array(LR),
        "momentum": np.array(MOMENTUM),
        "halved_every": np.array(HALVED_EVERY),
        "batch": np.array(BATCH),
    }


def batch_rows(step: int, rows: int) -> slice:
    """Return the rows of a step: consecutive batches; the last of an epoch is smaller."""
    start = step % -(-rows // BATCH) * BATCH
    return slice(start, min(start + BATCH, rows))


def torch_objective(problem: str, data: dict[str, Array]) -> Callable[[Any, int], Any]:
    """Return (w, step) -> loss in PyTorch."""
    t = {name: torch.tensor(value) for name, value in data.items()}

    def quadratic(w: Any, step: int) -> Any:
        return w @ t["A"] @ w / 2 - t["b"] @ w

    def network(w: Any, step: int) -> Any:
        rows = batch_rows(step, len(data["X"]))
        hidden = torch.tanh(t["X"][rows] @ w[:16].reshape(2, 8) + w[16:24])
        logits = hidden @ w[24:32] + w[32]
        return functional.binary_cross_entropy_with_logits(logits, t["y"][rows])

    return {"quadratic": quadratic, "network": network}[problem]


def jax_gradient(problem: str, data: dict[str, Array]) -> Callable[[Any, int], Any]:
    """Return (w, step) -> gradient by jax.grad."""

    def quadratic(w: Any, X: Any, y: Any) -> Any:
        return w @ data["A"] @ w / 2 - data["b"] @ w

    def network(w: Any, X: Any, y: Any) -> Any:
        hidden = jnp.tanh(X @ w[:16].reshape(2, 8) + w[16:24])
        logits = hidden @ w[24:32] + w[32]
        return jnp.mean(jax.nn.softplus(logits) - y * logits)

    slope = jax.jit(jax.grad({"quadratic": quadratic, "network": network}[problem]))

    def gradient(w: Any, step: int) -> Any:
        rows = batch_rows(step, len(data["X"]))
        return slope(w, data["X"][rows], data["y"][rows])

    return gradient


def run_torch(problem: str, rule: str, schedule: str, data: dict[str, Array]) -> Array:
    """Return the kept points of torch.optim.SGD; "rescaled" is the correction of Goyal et al."""
    momentum, nesterov = RULES[rule]
    objective = torch_objective(problem, data)
    w = torch.tensor(data[f"{problem}_start"], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=LR, momentum=momentum, nesterov=nesterov)
    points = []
    for step in range(STEPS):
        if schedule != "constant":
            optimizer.param_groups[0]["lr"] = scheduled(step)
        if schedule == "rescaled" and step > 0:
            optimizer.state[w]["momentum_buffer"] *= scheduled(step - 1) / scheduled(step)
        optimizer.zero_grad()
        objective(w, step).backward()
        optimizer.step()
        points.append(w.detach().numpy().copy())
    return np.array(points)[KEPT - 1]


def run_keras(problem: str, rule: str, schedule: str, data: dict[str, Array]) -> Array:
    """Return the kept points of keras.optimizers.SGD."""
    momentum, nesterov = RULES[rule]
    gradient = jax_gradient(problem, data)
    lr: Any = LR
    if schedule == "scheduled":
        lr = keras.optimizers.schedules.ExponentialDecay(LR, HALVED_EVERY, 0.5)
    optimizer = keras.optimizers.SGD(lr, momentum=momentum, nesterov=nesterov)
    w = keras.Variable(data[f"{problem}_start"], dtype="float64")
    points = []
    for step in range(STEPS):
        optimizer.apply([gradient(w.value, step)], [w])
        points.append(np.array(w.value))
    return np.array(points)[KEPT - 1]


def main() -> None:
    """Run every framework, rule and schedule on both problems and write the file."""
    keras.config.set_floatx("float64")
    data = problem_data()
    runs = [("torch", rule, "constant") for rule in RULES]
    runs += [("keras", rule, schedule) for rule in RULES for schedule in ("constant", "scheduled")]
    runs += [
        ("torch", rule, schedule)
        for rule in ("momentum", "nesterov")
        for schedule in ("scheduled", "rescaled")
    ]
    results = {}
    for problem in ("quadratic", "network"):
        for library, rule, schedule in runs:
            run = run_torch if library == "torch" else run_keras
            results[f"{library} {rule} {schedule} {problem}"] = run(problem, rule, schedule, data)
    versions = {"torch": torch.__version__, "keras": keras.__version__, "jax": jax.__version__}
    written = np.array([f"{name} {version}" for name, version in versions.items()])
    np.savez_compressed(HERE / "optimizers.npz", **data, **results, versions=written)


if __name__ == "__main__":
    main()
