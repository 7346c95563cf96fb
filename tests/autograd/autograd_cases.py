"""One table: for every operation its formula, NumPy's or SciPy's own function, and examples.

To add an operation, add one entry to the `OPERATIONS` of its family, in ``cases_*.py``: everything
else follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import cases_activations
import cases_contractions
import cases_diagonals
import cases_elementwise
import cases_indexing
import cases_joining
import cases_losses
import cases_products
import cases_reductions
import cases_shapes
import cases_transcendental
import numpy as np
from autograd_examples import Array, Operation

from minidl import Tensor, ops

# isort: split
# Examples share a generator, so later families are imported after those above.
import cases_arranging
import cases_linalg
import cases_ordering
import cases_rounding
import cases_special


class Call(NamedTuple):
    """A function of the differentiated arrays alone, by minidl and by the formula."""

    name: str
    arrays: list[Array]
    minidl: Callable[..., Tensor]
    formula: Callable[..., Any]
    library: Callable[..., Any]


FAMILIES = (
    cases_activations,
    cases_arranging,
    cases_contractions,
    cases_diagonals,
    cases_elementwise,
    cases_indexing,
    cases_joining,
    cases_linalg,
    cases_losses,
    cases_ordering,
    cases_products,
    cases_reductions,
    cases_rounding,
    cases_shapes,
    cases_special,
    cases_transcendental,
)
OPERATIONS: dict[str, Operation] = {
    name: operation for family in FAMILIES for name, operation in family.OPERATIONS.items()
}


def differentiated(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


def replaced(argument: Any, arrays: Iterator[Any]) -> Any:
    """Return the argument with each differentiated array in it, also in a list, exchanged."""
    if isinstance(argument, list):
        return [replaced(one, arrays) for one in argument]
    return next(arrays) if differentiated(argument) else argument


def calls() -> Iterator[Call]:
    """Each example as a function of its differentiated arrays alone."""
    for name, operation in OPERATIONS.items():
        for arguments, keywords in operation.examples:
            listed = [one for a in arguments for one in (a if isinstance(a, list) else [a])]
            found = [one for one in listed if differentiated(one)]

            def bound(f: Any, *, a: Any = arguments, k: Any = keywords) -> Any:
                def call(*arrays: Any) -> Any:
                    given = iter(arrays)
                    y = f(*(replaced(one, given) for one in a), **k)
                    if not isinstance(y, list | tuple):
                        return y
                    return np.concatenate([part.reshape(-1) for part in y])  # of split, meshgrid

                return call

            functions = (getattr(ops, name), operation.formula, operation.library)
            yield Call(name, found, *map(bound, functions))


CALLS = list(calls())
IDS = [f"{call.name}-{'-'.join(str(array.shape) for array in call.arrays)}" for call in CALLS]


def tensors(arrays: Iterable[Array]) -> list[Tensor]:
    """Return leaves that keep the strides of these arrays."""
    found = []
    for array in arrays:
        leaf = Tensor(array, requires_grad=True)
        leaf.data = array
        found.append(leaf)
    return found
