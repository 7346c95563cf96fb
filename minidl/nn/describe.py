"""Models as plain data, so that a file can store how to build one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.nn.layer import Layer
from minidl.nn.layers import ACTIVATIONS, Activation, Dense, Dropout
from minidl.nn.sequential import Sequential

__all__ = ["build", "describe"]


def _classes() -> dict[str, type[Layer]]:
    """Return the activation classes that come with minidl, by class name."""
    return {c.__name__: c for c in ACTIVATIONS.values() if c.__module__ == Activation.__module__}


def describe(layer: Layer) -> dict[str, Any] | None:
    """Return a layer's class and arguments as plain data, or None for a custom layer.

    A layer whose ``forward`` has been replaced is a custom layer, too.

    Examples
    --------
    >>> describe(Dense(2, 1))
    {'type': 'Dense', 'in_features': 2, 'out_features': 1, 'bias': True}
    """
    cls = type(layer)
    arguments: dict[str, Any] | None = None
    if "forward" in vars(layer):
        return None
    if cls is Dense and isinstance(layer, Dense):
        sizes = {"in_features": layer.in_features, "out_features": layer.out_features}
        arguments = {**sizes, "bias": layer.bias is not None}
    elif cls is Dropout and isinstance(layer, Dropout):
        arguments = {"rate": layer.rate}
    elif cls is Sequential and isinstance(layer, Sequential):
        inside = [describe(part) for part in layer.layers]
        arguments = None if None in inside else {"layers": inside}
    elif cls in _classes().values():
        arguments = dict(vars(layer))
    return None if arguments is None else {"type": cls.__name__, **arguments}


def build(description: Mapping[str, Any], dtype: npt.DTypeLike = np.float64) -> Layer:
    """Return a new layer of the class and arguments that :func:`describe` returned.

    Raises
    ------
    DataError
        The description has an unknown class.
    """
    arguments = dict(description)
    name = arguments.pop("type", None)
    if name == "Dense":
        return Dense(**arguments, dtype=dtype)
    if name == "Dropout":
        return Dropout(**arguments)
    if name == "Sequential":
        return Sequential(*(build(part, dtype) for part in arguments["layers"]))
    if name in (classes := _classes()):
        return classes[name](**arguments)
    raise DataError("a saved model has a layer that minidl does not know", received=repr(name))
