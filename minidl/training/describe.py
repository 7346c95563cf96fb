"""Models as plain data, so that a file can store how to build one again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.nn.activations import ACTIVATIONS
from minidl.nn.layer import Layer
from minidl.nn.layers import Dense, Dropout, Embedding, Residual
from minidl.nn.norms import BatchNorm, LayerNorm, Norm
from minidl.nn.sequential import Sequential

NO_SIZE = {"padding_index"}  # integer arguments that are not sizes
LAYERS = (Dense, Dropout, Embedding, BatchNorm, LayerNorm, Residual, Sequential)
CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (*LAYERS, *ACTIVATIONS.values())
    if cls.__module__.startswith("minidl.nn.")
}

ARGUMENTS: dict[type[Layer], tuple[str, ...]] = {  # of layers that hold more than these
    Dense: ("in_features", "out_features"),
    Embedding: ("count", "features", "padding_index"),
    Dropout: ("rate",),
    BatchNorm: ("features", "epsilon", "decay"),
    LayerNorm: ("features", "epsilon"),
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
    if isinstance(layer, Residual):
        inner = describe(layer.layer)
        return None if inner is None else {"type": name, "layer": inner}
    if isinstance(layer, Sequential):
        inside = [describe(part) for part in layer.layers]
        return None if None in inside else {"type": name, "layers": inside}
    arguments = next((names for cls, names in ARGUMENTS.items() if isinstance(layer, cls)), None)
    words = {"type": name} | {n: getattr(layer, n) for n in arguments or vars(layer)}
    return words | ({"bias": layer.bias is not None} if isinstance(layer, Dense) else {})


def elements(description: object) -> int:
    """Return about how many numbers the layers of a description hold, without building them.

    >>> elements(describe(Dense(200, 10)))
    2000
    """
    if isinstance(description, dict):
        sizes = [v for k, v in description.items() if type(v) is int and k not in NO_SIZE]
        parts = [v for v in description.values() if isinstance(v, dict | list)]
        return math.prod(map(abs, sizes)) + sum(map(elements, parts))
    return sum(map(elements, description)) if isinstance(description, list) else 0


def types(description: object) -> list[str]:
    """Return the classes of a description, each before those of the layers within it.

    >>> types(describe(Sequential(Dense(2, 1), Residual(Dense(1, 1)))))
    ['Sequential', 'Dense', 'Residual', 'Dense']
    """
    if isinstance(description, list):
        return [name for part in description for name in types(part)]
    if not isinstance(description, dict):
        return []
    inner = [name for part in description.values() for name in types(part)]
    return [str(description.get("type")), *inner]


def outline(description: object, *, settings: bool) -> object:
    """Return a description without what may differ in one architecture: rates of dropout.

    Without `settings`, all numbers that are not integers are left out.
    """
    if isinstance(description, dict):
        entries = {k: outline(v, settings=settings) for k, v in description.items() if k != "rate"}
        return {k: v for k, v in entries.items() if settings or type(v) is not float}
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
    if name == "Residual":
        return Residual(build(arguments["layer"], dtype))
    if issubclass(CLASSES[name], Dense | Embedding | Norm):
        arguments["dtype"] = dtype
    return CLASSES[name](**arguments)
