"""NumPy functions that work on Tensors: those with an operation, and those of values alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.node import Value

NUMPY: dict[Callable[..., Any], Callable[..., Value]] = {}  # NumPy function -> operation
PLAIN: set[Callable[..., Any]] = {  # NumPy functions of the values alone, without a gradient
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.isfinite, np.isnan, np.isinf, np.isclose, np.allclose, np.array_equal, np.any, np.all,
    np.argmax, np.argmin, np.argwhere, np.argsort, np.nonzero, np.count_nonzero, np.digitize,
    np.searchsorted, np.zeros_like, np.ones_like, np.empty_like, np.shape, np.ndim, np.size,
    np.argpartition, np.lexsort, np.flatnonzero, np.nanargmax, np.nanargmin, np.isin, np.signbit,
    np.isneginf, np.isposinf, np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.array_equiv, np.result_type,
    np.can_cast, np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory,
    np.array2string, np.array_repr, np.array_str, np.einsum_path, np.linalg.matrix_rank,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
}  # fmt: skip
