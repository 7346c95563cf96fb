"""A gradient that is an array and can be asked for at other points."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


class Slope(np.ndarray[Any, Any]):
    """The gradient at the weights, as an array; called with a point, the gradient there.

    So ``w - lr * grad`` and ``w - lr * grad(w)`` mean the same. Results are plain arrays.
    """

    at: Callable[[Array], Array]

    def __new__(cls, values: Array, at: Callable[[Array], Array]) -> "Slope":
        """Return an array with a function; it shares the memory of `values`."""
        slope = values.view(cls)
        slope.at = at
        return slope

    def __array_finalize__(self, parent: Any) -> None:
        self.at = getattr(parent, "at", None)  # type: ignore[assignment]

    def __call__(self, point: Array) -> Array:
        """Return the gradient at another point."""
        return self.at(point)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(map(plain, options["out"]))
        return getattr(ufunc, method)(*map(plain, inputs), **options)


def plain(value: Any) -> Any:
    """Return a Slope as an ordinary array, anything else as it is."""
    return np.asarray(value) if isinstance(value, Slope) else value
