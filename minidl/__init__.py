"""minidl: a small, exact deep-learning framework on NumPy.

The floors, from the ground up: :mod:`~minidl.autograd` differentiates NumPy, :mod:`~minidl.nn`
builds networks on one parameter vector, :mod:`~minidl.optim` updates that vector,
:mod:`~minidl.datasets` brings the data, :mod:`~minidl.training` puts them together, and
:mod:`~minidl.comparison` races optimizers.
"""

from minidl import comparison, datasets, errors, nn, optim, training
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
from minidl.comparison import compare
from minidl.memory import keep_freed_memory
from minidl.training import History, Trainer, load_model, save_model, sharpness

__all__ = [
    "History",
    "Tensor",
    "Trainer",
    "compare",
    "comparison",
    "datasets",
    "debug",
    "errors",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load_model",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "save_model",
    "sharpness",
    "training",
]
__version__ = "0.1.0"

keep_freed_memory()
