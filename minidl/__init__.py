"""minidl: a small, exact deep-learning framework on NumPy.

The floors, from the ground up: :mod:`~minidl.autograd` differentiates NumPy, :mod:`~minidl.nn`
builds networks on one parameter vector, :mod:`~minidl.optim` updates that vector,
:mod:`~minidl.paths` shows it on surfaces, :mod:`~minidl.datasets` brings the data,
:mod:`~minidl.training` puts them together, :mod:`~minidl.estimators` fits them to scikit-learn,
:mod:`~minidl.comparison` races optimizers, and :mod:`~minidl.plots` draws them.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as _numpy  # noqa: F401 (first: imported later, from within minidl, it takes 9 ms more)

from minidl import errors
from minidl.autograd import (
    Tensor,
    debug,
    grad,
    gradcheck,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    ops,
    primitive,
)
from minidl.keywords import attribute_of
from minidl.memory import keep_freed_memory
from minidl.words import ATTRIBUTES

if TYPE_CHECKING:  # imported when first asked for, see FLOORS: the import costs half as much
    from minidl import comparison, datasets, estimators, nn, optim, paths, plots, training
    from minidl.comparison import compare
    from minidl.estimators import MLPClassifier, MLPRegressor
    from minidl.identification import identify
    from minidl.training import (
        History,
        Predictor,
        Trainer,
        load,
        load_model,
        save_model,
        sharpness,
        suggest_lr,
        train_replicas,
    )

__all__ = [
    "History", "MLPClassifier", "MLPRegressor", "Predictor", "Tensor", "Trainer", "compare",
    "comparison", "datasets", "debug", "errors", "estimators", "grad", "gradcheck", "hessian",
    "hvp", "identify", "jacobian", "jvp", "load", "load_model", "nn", "no_grad", "ops", "optim",
    "paths", "plots", "primitive", "save_model", "sharpness", "suggest_lr", "train_replicas",
    "training",
]  # fmt: skip
__version__ = "0.1.0"

FLOORS = ("nn", "optim", "paths", "datasets", "plots", "training", "estimators", "comparison")
ROOMS = ("nn", "optim", "training", "datasets", "ops", "plots")
TRAINING = (
    "History", "Predictor", "Trainer", "load", "load_model", "save_model", "sharpness",
    "suggest_lr", "train_replicas",
)  # fmt: skip
ESTIMATORS = ("MLPClassifier", "MLPRegressor")
WITHIN = {"compare": "comparison", "identify": "identification"}
WITHIN |= dict.fromkeys(TRAINING, "training") | dict.fromkeys(ESTIMATORS, "estimators")
sys.modules["minidl.ops"] = ops  # for ``from minidl.ops import tanh``
keep_freed_memory()


def __getattr__(name: str) -> Any:
    if name not in FLOORS and name not in WITHIN:
        attribute_of("minidl", _place_of)(name)  # raises
    module = importlib.import_module(f"minidl.{WITHIN.get(name, name)}")
    globals()[name] = getattr(module, name) if name in WITHIN else module
    return globals()[name]


def _place_of(name: str) -> str | None:
    """Return where a name is, here or in another library's words."""
    for floor in () if name.startswith("_") else ROOMS:
        room = importlib.import_module(f"minidl.{floor}")
        if name in room.__all__:
            return f"It is {floor}.{name}."
        if answer := ATTRIBUTES.get(room.__name__.replace("autograd.", ""), {}).get(name):
            return answer
    return None


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
