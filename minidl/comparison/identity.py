"""Texts that identify the parts of a comparison in its file, the same in every process.

``repr`` may hold memory addresses, and leaves out attributes of custom classes and what a function
computes. Custom classes and functions are identified by their compiled code as well.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from minidl.autograd import Tensor
from minidl.checks import is_minidl
from minidl.nn import Layer, Loss
from minidl.nn.layer import parts_of
from minidl.optim import Optimizer
from minidl.optim.source import code_of

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.ufunc, np.dtype)
KNOWN = ("builtins", "functools", "minidl", "numpy")  # modules whose classes are not custom
DEPTH = 3  # of objects in objects; of what is deeper, the class alone counts


def shown(part: object) -> str:
    """Return the repr without memory addresses."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(part))


def custom_code(part: Optimizer | Loss) -> str:
    """Return a hash of what the repr does not say of a custom part; "" if all is minidl's own.

    >>> from minidl import optim
    >>> custom_code(optim.NAG(0.1)), len(custom_code(optim.NAG(lambda step: 0.1)))
    ('', 12)
    """
    parts = part.chain() if isinstance(part, Optimizer) else [part]
    values = [v for p in parts for v in vars(p).values()]
    values += getattr(part, "hyperparameters", {}).values()
    all_minidl = all(map(is_minidl, parts)) and all(is_minidl(v) or not callable(v) for v in values)
    return "" if all_minidl else digest("".join(_text(p) + code_of(type(p)) for p in parts))


def custom_layers(networks: Iterable[Layer]) -> str:
    """Return a hash of buffers, and of what custom layers hold besides weights; "" without both."""
    texts = []
    for network in networks:
        texts += [f"{name} {_text(array)}" for name, array in network.named_buffers()]
        for layer in parts_of(network):
            if not is_minidl(layer):
                texts.append(f"{_text(type(layer))} {_text(dict(layer.other_state()))}")
    return digest("; ".join(texts)) if texts else ""


def digest(text: str) -> str:
    """Return the first digits of a hash of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _text(value: Any, depth: int = DEPTH) -> str:
    """Return a text that is equal for equal values."""
    inner = functools.partial(_text, depth=depth)
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, np.ndarray | Tensor):
        array = np.ascontiguousarray(value.data if isinstance(value, Tensor) else value)
        return f"{array.shape} {array.dtype} {hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{inner(k)}: {inner(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        texts = list(map(inner, value))
        return str(sorted(texts) if isinstance(value, set | frozenset) else texts)
    return _object(value, depth - 1) if depth else type(value).__qualname__


def _object(value: Any, depth: int) -> str:
    """Return a text for a class, a function or another object."""
    if isinstance(value, type):
        library = value.__module__.split(".")[0] in KNOWN
        functions = [] if library else [*map(_function_of, vars(value).values())]
        methods = [_code(f.__code__, f.__doc__) for f in functions if f is not None]
        return f"{value.__qualname__} {methods} {[] if library else _text(value.__bases__)}"
    parts = [type(value), getattr(value, "__qualname__", ""), getattr(value, "__dict__", {})]
    if isinstance(value, FunctionType):
        cells = [c.cell_contents for c in value.__closure__ or () if c != CellType()]
        code = _code(value.__code__, value.__doc__)
        parts = [value.__qualname__, code, value.__defaults__, value.__kwdefaults__, cells]
    elif isinstance(value, MethodType):
        parts = [value.__func__, value.__self__]
    elif isinstance(value, functools.partial):
        parts = [value.func, value.args, value.keywords]
    return _text(parts, depth)


def _function_of(member: Any) -> FunctionType | None:
    """Return the Python function of a method, also of a static one or of a property."""
    for name in ("__func__", "fget"):
        member = getattr(member, name, member)
    return member if isinstance(member, FunctionType) else None


def _code(code: CodeType, doc: str | None = None) -> str:
    """Return a hash of instructions, names and constants, but not of the docstring or of lines."""
    constants = [c for c in code.co_consts if c is None or c != doc]
    texts = [_code(c) if isinstance(c, CodeType) else _text(c) for c in constants]
    return digest(f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {texts}")
