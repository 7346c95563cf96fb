"""Models as plain data, so that a file can store how to build one again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.nn.layer import Layer
from minidl.nn.layers import ACTIVATIONS, Dense, Dropout
from minidl.nn.norms import BatchNorm, LayerNorm, Norm
from minidl.nn.sequential import Sequential

CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (Dense, Dropout, BatchNorm, LayerNorm, Sequential, *ACTIVATIONS.values())
    if cls.__module__.startswith("minidl.nn.")
}


def describe(layer: Layer) -> dict[str, Any] | None:
    """Return a layer's class and arguments as plain data, or None for a custom layer.

    A layer whose ``forward`` has been replaced is a custom layer, too.

    >>> describe(Dense(2, 1))
    {'type': 'Dense', 'in_features': 2, 'out_features': 1, 'bias': True}
    """
    name = type(layer).__name__
    if type(layer) is not CLASSES.get(name) or "forward" in vars(layer):
        return None
    if isinstance(layer, Dense):
        sizes = {"in_features": layer.in_features, "out_features": layer.out_features}
        return {"type": name, **sizes, "bias": layer.bias is not None}
    if isinstance(layer, Dropout):
        return {"type": name, "rate": layer.rate}
    if isinstance(layer, Norm):
        numbers = ("features", "epsilon", *(["decay"] if isinstance(layer, BatchNorm) else []))
        return {"type": name} | {number: getattr(layer, number) for number in numbers}
    if isinstance(layer, Sequential):
        inside = [describe(part) for part in layer.layers]
        return None if None in inside else {"type": name, "layers": inside}
    return {"type": name, **vars(layer)}


def elements(description: object) -> int:
    """Return about how many numbers the layers of a description hold, without building them.

    >>> elements(describe(Dense(200, 10)))
    2000
    """
    if isinstance(description, dict):
        inside = [v for v in description.values() if type(v) not in (bool, float, str)]
        parts = [v for v in inside if isinstance(v, list)]
        return math.prod(map(abs, (v for v in inside if type(v) is int))) + sum(
            map(elements, parts)
        )
    return sum(map(elements, description)) if isinstance(description, list) else 0


def outline(description: object, *, settings: bool) -> object:
    """Return a description without what may differ in one architecture: rates of dropout.

    Without `settings`, all numbers that are not integers are left out.
    """
    if isinstance(description, dict):
        kept = {k: outline(v, settings=settings) for k, v in description.items() if k != "rate"}
        return {k: v for k, v in kept.items() if settings or type(v) is not float}
    if isinstance(description, list):
        return [outline(part, settings=settings) for part in description]
    return description


def build(description: Mapping[str, Any], dtype: npt.DTypeLike = np.float64) -> Layer:
    """Return a new layer of the class and arguments that :func:`describe` returned.

    An unknown class is a DataError.
    """
    arguments = dict(description)
    name = arguments.pop("type", None)
    if name not in CLASSES:
        message = "a saved model has a layer that minidl does not know"
        raise DataError(message, received=repr(name))
    if name == "Sequential":
        return Sequential(*(build(part, dtype) for part in arguments["layers"]))
    if issubclass(CLASSES[name], Dense | Norm):
        arguments["dtype"] = dtype
    return CLASSES[name](**arguments)
