"""State that a custom optimizer keeps in attributes instead of ``state_names``.

Its attributes are compared with those before the first step: what has changed is state.
"""

import contextlib
import copy
import functools
import pickle
import random
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import ArgumentError

Array = npt.NDArray[Any]
Snapshot = dict[str, tuple[Any, bytes | None]]  # name -> (copy of the value, its pickle)
FUNCTIONS = (FunctionType, MethodType, BuiltinFunctionType, functools.partial, type)
HINT = "Keep state in state_names, or as numbers, arrays, and lists or dicts of them. Name what is"
HINT += " not state, such as a model, in the class: not_state = (...,)."


def _pickled(value: object) -> bytes | None:
    """Return the pickle of a value, by which it is compared; None for a lambda and the like."""
    if isinstance(value, FUNCTIONS):  # compared by identity
        return None
    for data in (value, getattr(value, "__dict__", value)):
        with contextlib.suppress(Exception):
            return pickle.dumps(data)
    return None


def snapshot(values: Mapping[str, Any]) -> Snapshot:
    """Return copies of attributes; objects that :func:`pack` does not know are not copied."""
    copies = {}
    for name, value in values.items():
        try:
            pack(value)
            copies[name] = copy.deepcopy(value), _pickled(value)
        except (TypeError, RecursionError):
            copies[name] = value, _pickled(value)
    return copies


def changed(values: Mapping[str, Any], before: Snapshot) -> list[str]:
    """Return the names of attributes that are new or differ from a snapshot."""
    names = []
    for name, value in values.items():
        previous, pickled = before.get(name, (None, b""))
        unchanged = value is previous if pickled is None else _pickled(value) == pickled
        unchanged = unchanged and not isinstance(value, Iterator)  # which moves on when it is used
        if not unchanged:
            names.append(name)
    return names


def fingerprint(values: Mapping[str, Any]) -> Hashable:
    """Return a key that is equal for optimizers with equal attributes."""
    return tuple((name, _pickled(value) or id(value)) for name, value in values.items())


def pack_all(values: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return attributes as JSON data, and the arrays that it names; or raise an ArgumentError."""
    arrays: dict[str, Array] = {}
    words = {}
    for name, value in values.items():
        try:
            words[name] = pack(value, f"@{name}", arrays)
        except (TypeError, RecursionError) as error:
            problem = f"{owner} keeps state in {name}, which cannot be saved or reset"
            raise ArgumentError(problem, received=str(error), hint=HINT) from None
    return words, arrays


def plain(value: object) -> bool:
    """Return whether :func:`pack` knows a value."""
    try:
        pack(value)
    except (TypeError, RecursionError):
        return False
    return True


def pack(value: Any, name: str = "", arrays: dict[str, Array] | None = None) -> Any:
    """Return data as JSON data, and put its arrays into `arrays`; a TypeError names the type.

    >>> arrays = {}
    >>> packed = pack({"m": np.ones(2), "t": 3}, "@s", arrays)
    >>> packed, arrays
    ({'dict': [['m', {'array': '@s.0'}], ['t', 3]]}, {'@s.0': array([1., 1.])})
    >>> unpack(packed, arrays)
    {'m': array([1., 1.]), 't': 3}
    """
    arrays, cls = {} if arrays is None else arrays, type(value)

    def each(items: Any) -> list[Any]:
        return [pack(item, f"{name}.{i}", arrays) for i, item in enumerate(items)]

    if value is None or cls in (bool, int, float, str):
        return value
    if (cls is np.ndarray or isinstance(value, np.generic)) and not value.dtype.hasobject:
        arrays[name] = np.array(value)
        return {"array" if cls is np.ndarray else "number": name}
    if cls in CONTAINERS:
        return {cls.__name__: each(value), "maxlen": getattr(value, "maxlen", None)}
    if cls is dict:
        keys = [pack(key, f"{name}.key{i}", arrays) for i, key in enumerate(value)]
        return {"dict": [list(pair) for pair in zip(keys, each(value.values()), strict=True)]}
    if cls in OTHERS:
        return {cls.__name__: pack(OTHERS[cls][0](value), name, arrays)}
    raise TypeError(f"a value of type {cls.__name__}")


def unpack(packed: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the data of :func:`pack`, with new arrays; other data raise some exception."""
    if not isinstance(packed, dict):
        if packed is not None and type(packed) not in (bool, int, float, str):
            raise TypeError(f"a packed value is a {type(packed).__name__}")
        return packed
    type_name, inside = next(iter(packed.items()))
    if type_name in ("array", "number"):
        array = np.array(arrays[inside])
        return array if type_name == "array" else array[()]
    for cls, (_, restored) in OTHERS.items():
        if type_name == cls.__name__:
            return restored(unpack(inside, arrays))
    if not isinstance(inside, list):  # bytes(10**12) would be as many zeros
        raise TypeError(f"a packed {type_name} is a {type(inside).__name__}")
    if type_name == "dict":
        return {unpack(key, arrays): unpack(value, arrays) for key, value in inside}
    items = [unpack(item, arrays) for item in inside]
    if type_name == "deque":
        return deque(items, packed["maxlen"])
    return next(cls for cls in CONTAINERS if cls.__name__ == type_name)(items)


GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
WITHIN = {
    "pos": 624,
    "buffer_pos": 4,
    "has_uint32": 1,
    "has_gauss": 1,
}  # which NumPy does not check


def check_generator(state: Mapping[str, Any]) -> None:
    """Raise a ValueError for a state with which a generator would read other memory."""
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(f"unknown generator {state['bit_generator']!r:.50}")
    for name, value in [*state.items(), *state["state"].items()]:
        if name in WITHIN and not 0 <= int(value) <= WITHIN[name]:
            raise ValueError(f"the state of a generator has {name} {value!r:.50}")


def _generator(state: dict[str, Any]) -> np.random.Generator:
    check_generator(state)
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


def _random_state(state: dict[str, Any]) -> np.random.RandomState:
    check_generator(state)
    generator = np.random.RandomState()
    generator.set_state(state)
    return generator


def _random(state: tuple[Any, ...]) -> random.Random:
    generator = random.Random()
    generator.setstate(state)
    return generator


def _bytes(numbers: list[int]) -> bytes:
    if not isinstance(numbers, list):
        raise TypeError("packed bytes are not a list")
    return bytes(numbers)


def _of_defaultdict(value: Any) -> tuple[str | None, dict[Any, Any]]:
    name = getattr(value.default_factory, "__name__", None)
    if FACTORIES.get(name) is not value.default_factory:
        raise TypeError("a defaultdict whose values are made by a function")
    return name, dict(value)


FACTORIES: dict[str | None, Any] = {None: None} | {
    cls.__name__: cls for cls in (int, float, str, list, dict, set)
}
CONTAINERS: tuple[type[Any], ...] = (list, tuple, set, frozenset, deque)
OTHERS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # parts, restore
    complex: (lambda z: (z.real, z.imag), lambda parts: complex(*parts)),
    bytes: (list, _bytes),
    Counter: (dict, Counter),
    OrderedDict: (dict, OrderedDict),
    defaultdict: (_of_defaultdict, lambda parts: defaultdict(FACTORIES[parts[0]], parts[1])),
    np.random.Generator: (lambda g: g.bit_generator.state, _generator),
    np.random.RandomState: (lambda g: g.get_state(legacy=False), _random_state),
    random.Random: (lambda g: g.getstate(), _random),
}
