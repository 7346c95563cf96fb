"""Operations as methods and operators of the Tensor, and as NumPy's functions.

A NumPy function called with a Tensor is the operation of its name: ``np.tanh`` is ``ops.tanh``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.elementwise import where
from minidl.autograd.ops.shapes import reshape, transpose
from minidl.autograd.primitive import composite
from minidl.autograd.tensor import NUMPY, Tensor

__all__: list[str] = []

METHODS = """
    abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh astype broadcast_to clip
    cos cosh cumsum diag diagonal divide dot erf exp expm1 flip hypot log log10 log1p log2
    log_softmax logaddexp logsumexp matmul max maximum mean min minimum moveaxis multiply negative
    norm outer positive prod reciprocal relu repeat roll sigmoid sign silu sin sinh softmax split
    sqrt square squeeze std subtract sum swapaxes tan tanh tile trace tril triu var
"""
OPERATORS = {
    "__abs__": "absolute", "__add__": "add", "__getitem__": "getitem", "__matmul__": "matmul",
    "__mul__": "multiply", "__neg__": "negative", "__pos__": "positive", "__pow__": "power",
    "__sub__": "subtract", "__truediv__": "divide", "pow": "power",
}  # fmt: skip
REFLECTED = "add matmul mul pow sub truediv"  # __radd__ is __add__ in the exchanged order


@composite
def _reshape(a: Value, *shape: Value) -> Value:
    return reshape(a, shape[0] if len(shape) == 1 else shape)


@composite
def _transpose(a: Value, *axes: Value) -> Value:
    return transpose(a, axes[0] if len(axes) == 1 else axes or None)


@composite
def _ravel(a: Value) -> Value:
    return reshape(a, -1)


@composite
def _where(a: Value, condition: Value, b: Value) -> Value:
    return where(condition, a, b)  # a.where(condition, b), in the order of PyTorch's method


def _reflected(operation: Callable[..., Value]) -> Callable[..., Value]:
    return lambda self, other: operation(other, self)


def attach(ops: Mapping[str, Callable[..., Value]]) -> None:
    """Make operations, by name, methods of the Tensor and NumPy's functions."""
    NUMPY.update({getattr(np, name): ops[name] for name in ops if hasattr(np, name)})
    NUMPY.update({np.amax: ops["max"], np.amin: ops["min"], np.fabs: ops["absolute"]})
    NUMPY.update({np.float_power: ops["power"], np.linalg.norm: ops["norm"], np.ravel: _ravel})
    methods = {name: ops[name] for name in METHODS.split()}
    methods |= {method: ops[name] for method, name in OPERATORS.items()}
    methods |= {f"__r{word}__": _reflected(methods[f"__{word}__"]) for word in REFLECTED.split()}
    methods |= {"flatten": _ravel, "ravel": _ravel}
    methods |= {"reshape": _reshape, "transpose": _transpose, "where": _where}
    for name, method in methods.items():
        setattr(Tensor, name, method)
