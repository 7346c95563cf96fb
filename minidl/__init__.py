"""minidl: a small, exact deep-learning framework on NumPy.

The floors, from the ground up: :mod:`~minidl.autograd` differentiates NumPy, :mod:`~minidl.nn`
builds networks on one parameter vector, :mod:`~minidl.optim` updates that vector,
:mod:`~minidl.datasets` brings the data, :mod:`~minidl.training` puts them together, and
:mod:`~minidl.comparison` races optimizers.
"""

from minidl import errors, nn, optim
from minidl.autograd import Tensor, debug, grad, gradcheck, no_grad, ops, primitive

__all__ = [
    "Tensor",
    "debug",
    "errors",
    "grad",
    "gradcheck",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
]
__version__ = "0.1.0"
