"""Write modifiers.npz: clipping, decoupled decay, schedules and plateaus of PyTorch, Keras, optax.

Run it with the `bench` extra: ``python tests/golden/write_modifiers.py``. Everything is float64.
The tests need only NumPy.
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
import optax
import torch
from torch.optim import lr_scheduler as torch_schedules

Array = npt.NDArray[Any]
STEPS = 1_000
KEPT = np.unique(np.concatenate([np.arange(1, 11), np.arange(25, STEPS + 1, 25)]))
LR, MOMENTUM, CLIP, DECAY = 0.0625, 0.9, 0.5, 0.01
PEAK, END = 0.1, 0.001


def problem() -> dict[str, Array]:
    """Return a quadratic whose gradient is long at the start."""
    rng = np.random.default_rng(1204)
    Q, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    A = Q * np.geomspace(1e-2, 1, 6) @ Q.T
    return {"A": (A + A.T) / 2, "start": 10 * rng.standard_normal(6)}


def of_torch(data: dict[str, Array], change: Callable[[Any], object], **settings: Any) -> Array:
    """Return the points of torch.optim.SGD, whose gradients are changed in place."""
    w = torch.tensor(data["start"], requires_grad=True)
    A, points = torch.tensor(data["A"]), []
    optimizer = torch.optim.SGD([w], LR, momentum=MOMENTUM, **settings)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (w @ A @ w / 2).backward()
        change(w)
        optimizer.step()
        points.append(w.detach().numpy().copy())
    return np.array(points)[KEPT - 1]


def of_keras(data: dict[str, Array], **settings: Any) -> Array:
    """Return the points of keras.optimizers.SGD."""
    keras.config.set_floatx("float64")
    w = keras.Variable(data["start"], dtype="float64")
    optimizer = keras.optimizers.SGD(LR, momentum=MOMENTUM, **settings)
    points, A = [], jnp.asarray(data["A"])
    for _ in range(STEPS):
        optimizer.apply([A @ w.value], [w])
        points.append(np.array(w.value))
    return np.array(points)[KEPT - 1]


def of_optax(data: dict[str, Array], *transformations: Any) -> Array:
    """Return the points of a chain of optax."""
    chain = optax.chain(*transformations)
    w, points = jnp.asarray(data["start"]), []
    state, A = chain.init(w), jnp.asarray(data["A"])
    step = jax.jit(chain.update)
    for _ in range(STEPS):
        updates, state = step(A @ w, state, w)
        w = optax.apply_updates(w, updates)
        points.append(np.array(w))
    return np.array(points)[KEPT - 1]


def trajectories(data: dict[str, Array]) -> dict[str, Array]:
    """Return the points of each library with clipping and with decoupled decay."""
    norm = lambda w: torch.nn.utils.clip_grad_norm_([w], CLIP)  # noqa: E731
    value = lambda w: torch.nn.utils.clip_grad_value_([w], CLIP)  # noqa: E731
    runs = {}
    for nesterov in (False, True):
        rule = "nesterov" if nesterov else "momentum"
        runs[f"torch norm {rule}"] = of_torch(data, norm, nesterov=nesterov)
        runs[f"torch value {rule}"] = of_torch(data, value, nesterov=nesterov)
        runs[f"keras norm {rule}"] = of_keras(data, global_clipnorm=CLIP, nesterov=nesterov)
        runs[f"keras value {rule}"] = of_keras(data, clipvalue=CLIP, nesterov=nesterov)
        trace = optax.trace(MOMENTUM, nesterov=nesterov)
        scale = optax.scale(-LR)
        runs[f"optax norm {rule}"] = of_optax(data, optax.clip_by_global_norm(CLIP), trace, scale)
        runs[f"optax value {rule}"] = of_optax(data, optax.clip(CLIP), trace, scale)
    runs["keras decay momentum"] = of_keras(data, weight_decay=DECAY)
    decay = optax.add_decayed_weights(DECAY)
    runs["optax decay momentum"] = of_optax(data, optax.trace(MOMENTUM), decay, optax.scale(-LR))
    return runs


def schedule_of_torch(make: Callable[[Any], Any], momenta: bool = False) -> Array:
    """Return the rates of a scheduler of PyTorch that is stepped after each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], PEAK, momentum=MOMENTUM)
    scheduler, values = make(optimizer), []
    for step in range(STEPS):
        values.append(optimizer.param_groups[0]["momentum" if momenta else "lr"])
        optimizer.step()
        if step < STEPS - 1:
            scheduler.step()
    return np.array(values)


def of_schedule(schedule: Any) -> Array:
    """Return the values of a schedule of Keras, compiled once."""
    value = jax.jit(schedule)
    return np.array([float(value(jnp.asarray(step))) for step in range(STEPS)])


def schedules() -> dict[str, Array]:
    """Return the value of each schedule at 1,000 steps."""
    t, k = torch_schedules, keras.optimizers.schedules
    cycle = {"max_lr": PEAK, "total_steps": STEPS}
    values = {}
    for name, make in {
        "step": lambda o: t.StepLR(o, 100, 0.5),
        "exponential": lambda o: t.ExponentialLR(o, 0.995),
        "cosine": lambda o: t.CosineAnnealingLR(o, STEPS, END),
        "restarts 1": lambda o: t.CosineAnnealingWarmRestarts(o, 130, 1, END),
        "restarts 2": lambda o: t.CosineAnnealingWarmRestarts(o, 70, 2, END),
        "pieces": lambda o: t.MultiStepLR(o, [300, 800], 0.1),
        "cycle cosine": lambda o: t.OneCycleLR(o, **cycle),
        "cycle linear": lambda o: t.OneCycleLR(o, **cycle, anneal_strategy="linear"),
    }.items():
        values[f"torch {name}"] = schedule_of_torch(make)
    for name in ("cos", "linear"):
        make = lambda o, name=name: t.OneCycleLR(o, **cycle, anneal_strategy=name)  # noqa: E731
        values[f"torch momentum {name}"] = schedule_of_torch(make, momenta=True)
    for name, schedule in {
        "exponential": k.ExponentialDecay(PEAK, 1, 0.995),
        "cosine": k.CosineDecay(PEAK, STEPS, END / PEAK),
        "restarts 1": k.CosineDecayRestarts(PEAK, 130, t_mul=1.0, alpha=END / PEAK),
        "restarts 2": k.CosineDecayRestarts(PEAK, 70, alpha=END / PEAK),
        "pieces": k.PiecewiseConstantDecay([300, 800], [PEAK, PEAK / 10, PEAK / 100]),
    }.items():
        values[f"keras {name}"] = of_schedule(schedule)
    return values


def plateaus() -> dict[str, Array]:
    """Return losses that fall ever more slowly, and the rates on them, before each epoch."""
    rng = np.random.default_rng(7)
    losses = 1 / (1 + np.arange(200) / 5) + 0.02 * rng.standard_normal(200)
    rates: dict[str, list[float]] = {"keras": [], "torch": []}
    keras_rule = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=5, min_delta=1e-3, min_lr=1e-3
    )
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(PEAK))
    keras_rule.set_model(model)
    keras_rule.on_train_begin()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], PEAK)
    torch_rule = torch_schedules.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=4, threshold=1e-3, threshold_mode="abs", min_lr=1e-3
    )
    for epoch, loss in enumerate(losses):
        rates["keras"].append(float(model.optimizer.learning_rate))
        rates["torch"].append(optimizer.param_groups[0]["lr"])
        keras_rule.on_epoch_end(epoch, {"loss": loss})
        torch_rule.step(loss)
    return {"losses": losses, **{f"plateau {name}": np.array(r) for name, r in rates.items()}}


if __name__ == "__main__":
    keras.config.set_floatx("float64")
    data = problem()
    settings = {"lr": LR, "momentum": MOMENTUM, "clip": CLIP, "decay": DECAY}
    settings |= {"peak": PEAK, "end": END}
    libraries = (torch, keras, jax, optax)
    versions = np.array([f"{lib.__name__} {lib.__version__}" for lib in libraries])
    arrays = {**data, **trajectories(data), **schedules(), **plateaus(), "kept": KEPT}
    arrays |= {name: np.array(value) for name, value in settings.items()}
    file = Path(__file__).parent / "modifiers.npz"
    np.savez_compressed(file, versions=versions, **arrays)  # type: ignore[arg-type]
