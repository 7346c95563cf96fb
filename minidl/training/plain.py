"""Numbers, text, arrays and containers of them as JSON and arrays, and back again."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array

CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple, "set": set, "frozenset": frozenset, "dict": dict,
    "deque": lambda parts: deque(parts[1], maxlen=parts[0]),
}  # fmt: skip


def pack(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    """Return a value for JSON; its arrays are added to `arrays`, by their `place` in it.

    What is neither a number, text, None, an array nor a container of these raises TypeError.
    """
    name = type(value).__name__
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays[place] = value
        return {"array": place}
    if isinstance(value, (np.number, np.bool_)):
        return value.item()
    if type(value) in (bool, int, float, str, type(None)):
        return value
    if type(value) is list:
        return [pack(item, f"{place}/{k}", arrays) for k, item in enumerate(value)]
    if type(value) is dict and len(value) != 1 and all(type(key) is str for key in value):
        return {key: pack(item, f"{place}/{key}", arrays) for key, item in value.items()}
    if type(value) not in (tuple, set, frozenset, dict, deque):
        raise TypeError(f"{place} is {name}, not a number, text, an array or a list of these")
    packed = pack(list(value.items() if type(value) is dict else value), place, arrays)
    return {name: [value.maxlen, packed] if type(value) is deque else packed}


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the value that :func:`pack` was given."""
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    name = next(iter(value)) if len(value) == 1 else ""
    if name == "array":
        return arrays[value[name]]
    if name in CONTAINERS:
        return CONTAINERS[name](unpack(value[name], arrays))
    return {key: unpack(item, arrays) for key, item in value.items()}


def plain_attributes(owner: object) -> dict[str, Any]:
    """Return the attributes of an object that :func:`pack` can write."""
    attributes = {}
    for name, value in vars(owner).items():
        try:
            pack(value, name, {})
        except TypeError:
            continue
        attributes[name] = value
    return attributes
