"""Write identify.npz: how the optimizers of PyTorch, Keras and optax answer minidl's probes.

Run it with the `bench` extra: ``python tests/golden/write_identify.py``. Everything is float64. The
adapters are those of minidl/identification/README.md. The tests need only NumPy.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import optax
import torch

from minidl.identification import record

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")


def of_torch(make: Callable[..., Any]) -> Callable[[float], Any]:
    """Return the factory of an optimizer of PyTorch."""

    def factory(lr: float) -> Any:
        p = torch.zeros(10, dtype=torch.float64)
        rule = make([p], lr=lr)

        def step(w: Any, grad: Any, lr: float) -> None:
            rule.param_groups[0]["lr"] = lr
            p.data, p.grad = torch.from_numpy(w), torch.from_numpy(grad(w))
            rule.step()

        return step

    return factory


def of_keras(make: Callable[..., Any]) -> Callable[[float], Any]:
    """Return the factory of an optimizer of Keras."""

    def factory(lr: float) -> Any:
        rule, variables = make(learning_rate=lr), []

        def step(w: Any, grad: Any, lr: float) -> Any:
            rule.learning_rate = lr
            variables.append(keras.Variable(w)) if not variables else variables[0].assign(w)
            rule.apply([keras.ops.array(grad(w))], variables)
            return np.array(variables[0])

        return step

    return factory


def of_optax(make: Callable[..., Any]) -> Callable[[float], Any]:
    """Return the factory of an optimizer of optax."""

    def factory(lr: float) -> Any:
        rule = make(learning_rate=lr)
        update = jax.jit(rule.update)

        def step(w: Any, g: Any, state: Any) -> Any:
            move, state = update(np.array(g), state or rule.init(w), w)
            return w + np.array(move), state

        return step

    return factory


def with_options(make: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Return a constructor that gets these options."""
    return lambda *args, **kwargs: make(*args, **kwargs, **options)


T, K, O = torch.optim, keras.optimizers, optax  # noqa: E741
TORCH: list[tuple[str, Any, float, dict[str, Any]]] = [
    ("SGD", T.SGD, 0.1, {}),
    ("SGD momentum", T.SGD, 0.1, {"momentum": 0.9}),
    ("SGD dampening", T.SGD, 0.1, {"momentum": 0.9, "dampening": 0.5}),
    ("SGD nesterov", T.SGD, 0.1, {"momentum": 0.9, "nesterov": True}),
    ("SGD weight_decay", T.SGD, 0.1, {"weight_decay": 0.01}),
    ("SGD momentum weight_decay", T.SGD, 0.1, {"momentum": 0.9, "weight_decay": 0.01}),
    ("SGD nesterov weight_decay", T.SGD, 0.1,
     {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    ("SGD maximize", T.SGD, 0.1, {"momentum": 0.9, "maximize": True}),
    ("Adam", T.Adam, 0.001, {}),
    ("Adam betas", T.Adam, 0.02, {"betas": (0.8, 0.95), "eps": 1e-6}),
    ("Adam weight_decay", T.Adam, 0.001, {"weight_decay": 0.1}),
    ("Adam decoupled_weight_decay", T.Adam, 0.001,
     {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam amsgrad", T.Adam, 0.001, {"amsgrad": True}),
    ("Adam maximize", T.Adam, 0.001, {"maximize": True}),
    ("AdamW", T.AdamW, 0.001, {}),
    ("AdamW amsgrad", T.AdamW, 0.001, {"amsgrad": True}),
    ("AdamW maximize", T.AdamW, 0.001, {"maximize": True}),
    ("NAdam", T.NAdam, 0.002, {}),
    ("NAdam weight_decay", T.NAdam, 0.002, {"weight_decay": 0.01, "momentum_decay": 0.01}),
    ("NAdam decoupled_weight_decay", T.NAdam, 0.002,
     {"weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("RAdam", T.RAdam, 0.001, {}),
    ("RAdam weight_decay", T.RAdam, 0.001, {"weight_decay": 0.01, "betas": (0.9, 0.99)}),
    ("RAdam decoupled_weight_decay", T.RAdam, 0.001,
     {"weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("Adamax", T.Adamax, 0.002, {}),
    ("Adamax weight_decay", T.Adamax, 0.002, {"weight_decay": 0.01}),
    ("RMSprop", T.RMSprop, 0.01, {}),
    ("RMSprop momentum", T.RMSprop, 0.01, {"momentum": 0.9}),
    ("RMSprop centered", T.RMSprop, 0.01, {"centered": True}),
    ("RMSprop centered momentum", T.RMSprop, 0.01, {"centered": True, "momentum": 0.9}),
    ("RMSprop weight_decay", T.RMSprop, 0.01, {"weight_decay": 0.01}),
    ("Adagrad", T.Adagrad, 0.01, {}),
    ("Adagrad lr_decay", T.Adagrad, 0.01, {"lr_decay": 0.01}),
    ("Adagrad initial_accumulator_value", T.Adagrad, 0.01, {"initial_accumulator_value": 0.1}),
    ("Adagrad weight_decay", T.Adagrad, 0.01, {"weight_decay": 0.01}),
    ("Adadelta", T.Adadelta, 1.0, {}),
    ("Adadelta weight_decay", T.Adadelta, 1.0, {"weight_decay": 0.01, "rho": 0.95}),
    ("Rprop", T.Rprop, 0.01, {}),
    ("Rprop etas", T.Rprop, 0.1, {"etas": (0.4, 1.1), "step_sizes": (1e-3, 1.0)}),
    ("Rprop maximize", T.Rprop, 0.01, {"maximize": True}),
    ("ASGD", T.ASGD, 0.01, {}),
]  # fmt: skip
KERAS: list[tuple[str, Any, float, dict[str, Any]]] = [
    ("SGD", K.SGD, 0.01, {}),
    ("SGD momentum", K.SGD, 0.01, {"momentum": 0.9}),
    ("SGD nesterov", K.SGD, 0.01, {"momentum": 0.9, "nesterov": True}),
    ("SGD weight_decay", K.SGD, 0.01, {"momentum": 0.9, "weight_decay": 0.1}),
    ("SGD clipvalue", K.SGD, 0.01, {"clipvalue": 0.5}),
    ("SGD clipnorm", K.SGD, 0.01, {"clipnorm": 1.0, "momentum": 0.9}),
    ("SGD global_clipnorm", K.SGD, 0.01, {"global_clipnorm": 2.0}),
    ("RMSprop", K.RMSprop, 0.001, {}),
    ("RMSprop momentum", K.RMSprop, 0.001, {"momentum": 0.9}),
    ("RMSprop centered", K.RMSprop, 0.001, {"centered": True}),
    ("RMSprop weight_decay", K.RMSprop, 0.001, {"weight_decay": 0.01}),
    ("Adam", K.Adam, 0.001, {}),
    ("Adam amsgrad", K.Adam, 0.001, {"amsgrad": True}),
    ("Adam clipnorm", K.Adam, 0.001, {"clipnorm": 1.0}),
    ("Adam weight_decay", K.Adam, 0.001, {"weight_decay": 0.01}),
    ("AdamW", K.AdamW, 0.001, {}),
    ("AdamW amsgrad", K.AdamW, 0.001, {"amsgrad": True, "weight_decay": 0.01}),
    ("Adamax", K.Adamax, 0.001, {}),
    ("Nadam", K.Nadam, 0.001, {}),
    ("Adagrad", K.Adagrad, 0.001, {}),
    ("Adagrad initial", K.Adagrad, 0.1, {"initial_accumulator_value": 0.5, "epsilon": 1e-3}),
    ("Adadelta", K.Adadelta, 0.001, {}),
    ("Lion", K.Lion, 0.001, {}),
    ("Lion weight_decay", K.Lion, 0.001, {"weight_decay": 0.1}),
    ("Ftrl", K.Ftrl, 0.001, {}),
]  # fmt: skip
OPTAX: list[tuple[str, Any, float, dict[str, Any]]] = [
    ("sgd", O.sgd, 0.1, {}),
    ("sgd momentum", O.sgd, 0.1, {"momentum": 0.9}),
    ("sgd nesterov", O.sgd, 0.1, {"momentum": 0.9, "nesterov": True}),
    ("adam", O.adam, 0.001, {}),
    ("adam nesterov", O.adam, 0.001, {"nesterov": True}),
    ("adamw", O.adamw, 0.001, {}),
    ("nadam", O.nadam, 0.001, {}),
    ("nadamw", O.nadamw, 0.001, {"weight_decay": 0.01}),
    ("radam", O.radam, 0.001, {}),
    ("amsgrad", O.amsgrad, 0.001, {}),
    ("adamax", O.adamax, 0.001, {}),
    ("adamaxw", O.adamaxw, 0.001, {"weight_decay": 0.01}),
    ("rmsprop", O.rmsprop, 0.001, {}),
    ("rmsprop eps outside", O.rmsprop, 0.001, {"eps_in_sqrt": False}),
    ("rmsprop centered", O.rmsprop, 0.001, {"centered": True}),
    ("rmsprop momentum", O.rmsprop, 0.001, {"momentum": 0.9}),
    ("adagrad", O.adagrad, 0.01, {}),
    ("adadelta", O.adadelta, 1.0, {}),
    ("lion", O.lion, 0.001, {}),
    ("lion weight_decay", O.lion, 0.001, {"weight_decay": 0.1, "b1": 0.95, "b2": 0.98}),
    ("rprop", O.rprop, 0.01, {}),
    ("signsgd", O.sign_sgd, 0.01, {}),
    ("adabelief", O.adabelief, 0.001, {}),
    ("yogi", O.yogi, 0.01, {}),
    ("novograd", O.novograd, 0.01, {}),
    ("lamb", O.lamb, 0.01, {}),
]  # fmt: skip


def main() -> None:
    """Record all, and write the file."""
    arrays = {}
    groups = (("torch", of_torch, TORCH), ("keras", of_keras, KERAS), ("optax", of_optax, OPTAX))
    for library, adapter, rows in groups:
        for name, make, lr, options in rows:
            factory = adapter(with_options(make, **options))
            response = record(lambda lr=lr, factory=factory: factory(lr))
            for key, array in response.to_arrays().items():
                arrays[f"{library} {name}|{key}"] = array
            print(library, name, flush=True)
    np.savez_compressed(HERE / "identify.npz", **arrays)


if __name__ == "__main__":
    main()
