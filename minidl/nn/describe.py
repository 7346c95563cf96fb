"""Models as plain data, so that a file can say how to build one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.errors import DataError
from minidl.nn.activations import ACTIVATIONS, Activation
from minidl.nn.dense import Dense
from minidl.nn.dropout import Dropout
from minidl.nn.layer import Layer
from minidl.nn.sequential import Sequential

__all__ = ["build", "describe"]


def describe(layer: Layer) -> dict[str, Any] | None:
    """Return a layer's class and arguments as plain data, or None if it is not one of minidl's.

    Neither is one whose ``forward`` has been replaced.

    Examples
    --------
    >>> describe(Dense(2, 1))
    {'type': 'Dense', 'in_features': 2, 'out_features': 1, 'bias': True}
    """
    if "forward" in vars(layer):
        return None
    kind = {"type": type(layer).__name__}
    if type(layer) is Dense:
        return {
            **kind,
            "in_features": layer.in_features,
            "out_features": layer.out_features,
            "bias": layer.has_bias,
        }
    if type(layer) is Dropout:
        return {**kind, "rate": layer.rate}
    if type(layer) in ACTIVATIONS.values():
        return {**kind, **vars(layer)}
    if type(layer) is Sequential:
        inside = [describe(part) for part in layer.layers]
        return None if None in inside else {**kind, "layers": inside}
    return None


def build(description: Mapping[str, Any], dtype: Any = np.float64) -> Layer:
    """Return a new layer of the class and arguments that :func:`describe` gave.

    Raises
    ------
    DataError
        The description names no class of minidl's.
    """
    arguments = dict(description)
    name = arguments.pop("type", None)
    activations: dict[str, type[Activation]] = {c.__name__: c for c in ACTIVATIONS.values()}
    if name == "Dense":
        return Dense(**arguments, dtype=dtype)
    if name == "Dropout":
        return Dropout(**arguments)
    if name == "Sequential":
        return Sequential(*(build(part, dtype) for part in arguments["layers"]))
    if name in activations:
        return activations[name](**arguments)
    raise DataError("a saved model has a layer that minidl does not know", received=repr(name))
