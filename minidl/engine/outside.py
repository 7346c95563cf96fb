"""State that custom code may keep where a recording would not see it.

A custom layer, loss or optimizer can change more than arrays: its attributes, those of its class,
variables that its functions close over, globals, default arguments, NumPy's global generator. All
are compared before and after a step is recorded, and put back: recording has no effects.
"""

from __future__ import annotations

import builtins
import dis
import functools
import random
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from minidl.checks import is_minidl, replaced
from minidl.engine.tape import NotRecordable
from minidl.nn import Layer, Parameter
from minidl.nn.parameters import Buffer, ParameterVector
from minidl.optim import Optimizer
from minidl.optim.attributes import changed, fingerprint, plain, snapshot
from minidl.optim.base import BASE

WORLD = {"time", "datetime", "random", "os", "io", "logging", "secrets", "uuid"}  # modules
EFFECTS = {id(vars(builtins)[n]): n for n in ("print", "open", "input", "exec", "eval", "globals")}
HELD = (Parameter, Buffer, Layer, ParameterVector, Optimizer)  # which are followed by themselves
GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL")
OURS = ("minidl", "numpy", "scipy")


class Cell(NamedTuple):
    """A variable: its name in words, its value, and how another one is put there."""

    name: str
    value: Any
    put: Callable[[Any], object]


def is_custom(part: Any) -> bool:
    """Return whether a part is of a custom class, or has a custom method."""
    return not is_minidl(part) or bool(replaced(part))


def reached(parts: Iterable[Any]) -> Hashable:
    """Return what custom parts of a step can reach, as it is now, as a key."""
    own = [part for part in parts if is_custom(part)]
    cells = ((cell.name, cell.value) for cell in _cells(own, (), strict=False))
    return fingerprint(dict(cells)), *(fingerprint(attributes(part)) for part in own)


class Outside:
    """The present state of all that custom parts and functions can reach."""

    def __init__(self, parts: Iterable[Any], functions: Iterable[Any] = ()) -> None:
        self.parts = [part for part in parts if is_custom(part)]
        self.functions = [function for function in functions if not _is_ours(function)]
        cells = {cell.name: cell for cell in _cells(self.parts, self.functions)}
        self._before = cells, snapshot({name: cell.value for name, cell in cells.items()})
        # minidl's own code draws nothing from them, but other threads do
        self._draws = bool(self.parts or self.functions)
        self._generators = np.random.get_state(), random.getstate()  # noqa: NPY002
        self._drawn = snapshot({"": self._generators})

    def restore(self) -> str:
        """Put back what has changed; return the name of the first in words, or ""."""
        cells, before = self._before
        now = {cell.name: cell.value for cell in _cells(self.parts, self.functions)}
        names = [*changed(now, before), *(name for name in before if name not in now)]
        for name in names:
            if name in cells:
                _put_back(cells[name], before[name][0])
        drawn = {"": (np.random.get_state(), random.getstate())}  # noqa: NPY002
        if self._draws and changed(drawn, self._drawn):
            np.random.set_state(self._generators[0])  # noqa: NPY002
            random.setstate(self._generators[1])
            names.append("a global generator of random numbers")
        return names[0] if names else ""


def _is_ours(function: Any) -> bool:
    """Return whether a schedule is minidl's own, and so is what it goes on with."""
    if not is_minidl(function):
        return False
    return all(map(_is_ours, filter(callable, getattr(function, "__dict__", {}).values())))


def _cells(parts: Iterable[Any], functions: Iterable[Any], strict: bool = True) -> Iterator[Cell]:
    """Yield all variables that these parts can change, each once.

    If `strict`, raise if they look at the world, or take values from an iterator.
    """
    seen: set[int] = set()
    for part in parts:
        for cls in type(part).__mro__:
            if cls.__module__.split(".")[0] == "minidl" or cls is object:
                continue
            for name, value in list(vars(cls).items()):
                if not name.startswith("__") and plain(value):
                    put = functools.partial(setattr, cls, name)
                    yield Cell(f"{cls.__name__}.{name}", value, put)
                if not name.startswith("__") or name == "__call__":
                    yield from _of_function(value, seen, strict)
        for value in vars(part).values():
            yield from _of_function(value, seen, strict)
    for function in functions:  # schedules, which look at the world in each step
        yield from _of_function(function, seen, strict, called=True)


def attributes(part: Any) -> dict[str, Any]:
    """Return the attributes of a layer, loss or optimizer that a step must not change."""
    if is_minidl(part):
        return {}
    known = BASE | {"own_settings"} if isinstance(part, Optimizer) else set()
    return {name: _without_parts(value) for name, value in vars(part).items() if name not in known}


def _without_parts(value: Any) -> Any:
    """Return a value with the identity of layers and arrays of the model in their place."""
    if isinstance(value, HELD):
        return id(value)
    if type(value) in (list, tuple):
        return [_without_parts(item) for item in value]
    if type(value) is dict:
        return {name: _without_parts(item) for name, item in value.items()}
    return value


def _of_function(value: Any, seen: set[int], strict: bool, called: bool = False) -> Iterator[Cell]:
    """Yield the variables that a function, or one that it calls, may keep state in."""
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, staticmethod | classmethod | MethodType):
        value = value.__func__
    if isinstance(value, functools.partial):
        value = value.func
    value = getattr(value, "__wrapped__", value)
    if id(value) in seen or not isinstance(value, FunctionType) or _root(value) in OURS:
        return
    seen.add(id(value))
    where = value.__qualname__.replace("<locals>.", "")
    for name, cell in _reached(value):
        held = cell.value
        if strict:
            _check(name, held, where, called)
        words = f"which {where} uses"
        if plain(held):
            yield cell._replace(name=f"{name}, {words}")
        elif isinstance(held, FunctionType | functools.partial) or hasattr(held, "__wrapped__"):
            yield from _of_function(held, seen, strict, called)
        elif not isinstance(held, (*HELD, ModuleType, type)):
            for own, inner in getattr(held, "__dict__", {}).items():
                if plain(inner):
                    put = functools.partial(setattr, held, own)
                    yield Cell(f"{name}.{own}, {words}", inner, put)


def _check(name: str, held: Any, where: str, called: bool) -> None:
    """Raise for what a function uses if a replay would leave out its effects."""
    if _root(held) in WORLD and not called:
        raise NotRecordable(f"{where} uses {name}")
    if id(held) in EFFECTS and not called:
        raise NotRecordable(f"{where} calls {EFFECTS[id(held)]}")
    if isinstance(held, Iterator):
        raise NotRecordable(f"{where} takes values from the iterator {name}")


def _root(value: Any) -> str:
    """Return the package, or the module without one, in which a value is defined."""
    if isinstance(value, ModuleType):
        return value.__name__.split(".")[0]
    name = getattr(value, "__module__", None) or type(value).__module__
    return str(name).split(".")[0]


def _reached(function: FunctionType) -> Iterator[tuple[str, Cell]]:
    """Yield what a function names: globals, variables it closes over, defaults, attributes."""
    for name in _names(function.__code__):
        if name in function.__globals__:
            scope = function.__globals__
            yield name, Cell(name, scope[name], functools.partial(scope.__setitem__, name))
        elif hasattr(builtins, name):
            yield name, Cell(name, getattr(builtins, name), bool)
    free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in free:
        try:
            value = cell.cell_contents
        except ValueError:  # not yet bound
            continue
        yield name, Cell(name, value, functools.partial(setattr, cell, "cell_contents"))
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for number, value in enumerate(defaults):
        yield f"default {number}", Cell(f"default {number}", value, bool)
    for name, value in vars(function).items():
        yield name, Cell(name, value, functools.partial(setattr, function, name))


@functools.lru_cache(256)
def _names(code: CodeType) -> tuple[str, ...]:
    """Return the names that code, and functions within it, look up."""
    names = dict.fromkeys(i.argval for i in dis.get_instructions(code) if i.opname in GLOBAL)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= dict.fromkeys(_names(constant))
    return tuple(names)


def _put_back(cell: Cell, kept: Any) -> None:
    """Write a copy into the object that a variable held, and that object into the variable."""
    value = cell.value
    if isinstance(value, list):
        value[:] = kept
    elif isinstance(value, dict | set):
        value.clear()
        value.update(kept)
    elif isinstance(value, deque):
        value.clear()
        value.extend(kept)
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = kept.bit_generator.state
    elif isinstance(value, np.ndarray) and value.shape == kept.shape:
        value[...] = kept
    else:
        value = kept
    cell.put(value)
