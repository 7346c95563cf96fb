"""Write optimizers_adaptive.npz: the runs of optimizer_runs.py in PyTorch, Keras and optax.

Run it with the `bench` extra: ``python tests/golden/write_optimizers.py``. The problems, the steps
that are kept and the halving of the rate are those of write.py.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt
import optax
import torch
from optimizer_runs import LIBRARIES, RUNS, Run, Settings, is_scheduled
from write import HALVED_EVERY, HERE, KEPT, STEPS, jax_gradient, problem_data, torch_objective

Array = npt.NDArray[Any]


def renamed(settings: Settings, names: dict[str, str]) -> Settings:
    """Return the settings under the names of another library."""
    return {names.get(name, name): value for name, value in settings.items()}


def torch_optimizer(run: Run, w: Any) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer, with its defaults where a case names no value."""
    how = dict(run.settings)
    if "beta1" in how:
        how["betas"] = how.pop("beta1"), how.pop("beta2")
    if "shrink" in how:
        how["etas"] = how.pop("shrink"), how.pop("grow")
        how["step_sizes"] = how.pop("smallest"), how.pop("largest")
    how = renamed(how, {"epsilon": "eps"})
    if run.rule.startswith("rmsprop"):
        how = renamed(how, {"rho": "alpha"}) | {"centered": run.rule == "rmsprop-centered"}
    classes: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam,
        "radam": torch.optim.RAdam, "adamax": torch.optim.Adamax, "rmsprop": torch.optim.RMSprop,
        "rmsprop-centered": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
        "adadelta": torch.optim.Adadelta, "rprop": torch.optim.Rprop,
        "amsgrad": lambda *a, **k: torch.optim.Adam(*a, **k, amsgrad=True),
    }  # fmt: skip
    return classes[run.rule]([w], **how)


def run_torch(run: Run, data: dict[str, Array]) -> Array:
    """Return the points of PyTorch."""
    objective = torch_objective(run.problem, data)
    w = torch.tensor(data[f"{run.problem}_start"], requires_grad=True)
    optimizer, points = torch_optimizer(run, w), []
    for step in range(STEPS):
        if is_scheduled(run.case):
            optimizer.param_groups[0]["lr"] = run.settings["lr"] * 0.5 ** (step / HALVED_EVERY)
        optimizer.zero_grad()
        objective(w, step).backward()
        optimizer.step()
        points.append(w.detach().numpy().copy())
    return np.array(points)


def run_keras(run: Run, data: dict[str, Array]) -> Array:
    """Return the points of Keras; its NAdam has no momentum decay, its averages begin at 0."""
    how = renamed(run.settings, {"lr": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"})
    how.pop("momentum_decay", None)
    if is_scheduled(run.case):
        schedule = keras.optimizers.schedules.ExponentialDecay
        how["learning_rate"] = schedule(how["learning_rate"], HALVED_EVERY, 0.5)
    if run.rule == "amsgrad":
        how["amsgrad"] = True
    if run.rule == "rmsprop-centered":
        how["centered"] = True
    k = keras.optimizers
    classes: dict[str, Any] = {
        "adam": k.Adam, "adamw": k.AdamW, "nadam": k.Nadam, "amsgrad": k.Adam, "adamax": k.Adamax,
        "rmsprop": k.RMSprop, "rmsprop-centered": k.RMSprop, "adagrad": k.Adagrad,
        "adadelta": k.Adadelta, "lion": k.Lion,
    }  # fmt: skip
    optimizer, gradient = classes[run.rule](**how), jax_gradient(run.problem, data)
    w = keras.Variable(data[f"{run.problem}_start"], dtype="float64")
    points = []
    for step in range(STEPS):
        optimizer.apply([gradient(w.value, step)], [w])
        points.append(np.array(w.value))
    return np.array(points)


def run_optax(run: Run, data: dict[str, Array]) -> Array:
    """Return the points of optax: RMSprop with epsilon outside the root, AdamW without mask."""
    names = {"lr": "learning_rate", "beta1": "b1", "beta2": "b2", "epsilon": "eps"}
    names |= {"shrink": "eta_minus", "grow": "eta_plus"}
    names |= {"smallest": "min_step_size", "largest": "max_step_size"}
    how = renamed(run.settings, names)
    how.pop("momentum_decay", None)
    if is_scheduled(run.case):
        rate = how["learning_rate"]
        how["learning_rate"] = lambda count: rate * 0.5 ** (count.astype(float) / HALVED_EVERY)
    if run.rule.startswith("rmsprop"):
        how = renamed(how, {"rho": "decay"}) | {"centered": run.rule == "rmsprop-centered"}
        how["eps_in_sqrt"] = False
    if run.rule == "lion":
        how.setdefault("weight_decay", 0.0)
    optimizer = getattr(optax, run.rule.removesuffix("-centered"))(**how)
    gradient, w = jax_gradient(run.problem, data), jnp.asarray(data[f"{run.problem}_start"])
    state, update, points = optimizer.init(w), jax.jit(optimizer.update), []
    for step in range(STEPS):
        updates, state = update(gradient(w, step), state, w)
        w = optax.apply_updates(w, updates)
        points.append(np.array(w))
    return np.array(points)


def main() -> None:
    """Run everything and write the file."""
    keras.config.set_floatx("float64")
    torch.set_default_dtype(torch.float64)  # also of NAdam's product
    data = problem_data()
    by_library = {"torch": run_torch, "keras": run_keras, "optax": run_optax}
    results = {}
    for run in RUNS:
        points = by_library[run.library](run, data)
        assert points.dtype == np.float64
        assert np.isfinite(points).all(), run
        results[run.name] = points[KEPT - 1]
    versions = {"torch": torch.__version__, "keras": keras.__version__, "optax": optax.__version__}
    assert tuple(versions) == LIBRARIES
    written = np.array([f"{name} {version}" for name, version in versions.items()])
    np.savez_compressed(HERE / "optimizers_adaptive.npz", **results, versions=written)


if __name__ == "__main__":
    main()
