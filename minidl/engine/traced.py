"""Arrays that write down what is computed with them.

A :class:`Traced` array computes as NumPy does, and adds an instruction to the tape of its thread.
Views need no instruction: the memory of an array says which buffer it is a part of.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.node import EXACT
from minidl.engine.number import Number
from minidl.engine.recorder import ACTIVE, Recorder, active, plain
from minidl.engine.tape import Array, NotRecordable

KNOWN = (np.ndarray, np.generic, bool, int, float)
OPTIONS = {"dtype", "initial", "order", "keepdims", "axis"}


def _ufunc(
    self: object, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **options: Any
) -> Any:
    """Compute a ufunc, or its reduction, and record it."""
    recorder = ACTIVE.recorder
    if not all(isinstance(x, KNOWN) for x in inputs):  # such as a Tensor, which knows what to do
        return NotImplemented
    kept = {k: v for k, v in options.items() if v is not None and v is not np._NoValue}
    if recorder is None:
        outs = {"out": tuple(map(plain, out))} if out else {}
        return getattr(ufunc, method)(*map(plain, inputs), **outs, **kept)
    name = ufunc.__name__ + ("" if method == "__call__" else f".{method}")
    for word in ("casting", "subok"):
        kept.pop(word, None)
    if kept.get("where") is True:
        del kept["where"]
    if method not in ("__call__", "reduce") or ufunc.nout > 1 or set(kept) - OPTIONS:
        raise NotRecordable(f"np.{name}({', '.join(kept)}) is not recorded")
    if "axis" in options and method == "reduce":
        kept["axis"] = options["axis"]  # None is a choice
    return recorder.add(getattr(ufunc, method), inputs, out[0] if out else None, name=name, **kept)


class Traced(np.ndarray):
    """An array whose operations are recorded."""

    __array_ufunc__ = _ufunc

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Record the functions written in C; the others call these and ufuncs."""
        recorder = ACTIVE.recorder
        if not all(issubclass(known, KNOWN) for known in types):
            return NotImplemented
        if recorder is None:
            arguments = [plain(a) for a in args]
            return func(*arguments, **{k: plain(v) for k, v in kwargs.items()})
        return self._record_function(recorder, func, types, args, kwargs)

    def _record_function(
        self, recorder: Recorder, func: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        if func in VIEWS:
            return VIEWS[func](plain(args[0]), *args[1:], **kwargs).view(Traced)
        if func in (np.dot, np.where, np.vdot) and not kwargs:
            return recorder.add(func, args)
        if func is np.empty_like:
            made = func(plain(args[0]), *args[1:], **kwargs)
            recorder._register(made)
            return made.view(Traced)
        if func is np.copyto and len(args) == 2 and not kwargs.get("where", None):
            return recorder.add(np.positive, args[1:], args[0], name="copy")
        return super().__array_function__(func, types, args, kwargs)

    def dot(self, b: Any, out: Any = None) -> Any:
        """Record the function instead of the method."""
        return np.dot(self, b)

    def copy(self, order: Any = "C") -> Any:
        """Record a copy."""
        return active().add(_copied, (self,), name="copy", order=order)

    def astype(  # type: ignore[override]
        self, dtype: Any, *how: Any, copy: bool = True, **options: Any
    ) -> Any:
        """Record a conversion."""
        if not copy and np.dtype(dtype) == self.dtype:
            return self
        if np.dtype(dtype).kind in "iu" and self.dtype.kind == "f":
            raise NotRecordable("numbers are converted to integers")
        return active().add(_converted, (self,), name="astype", dtype=np.dtype(dtype).char)

    def item(self, *index: Any) -> Any:
        """Return a number that is recorded."""
        recorder = active()
        if index and isinstance(index[0], Extreme) and index[0].array is self:
            extreme = recorder.add(index[0].ufunc.reduce, (self,), axis=None, name=index[0].name)
            return recorder.add_number(np.ndarray.item, extreme, name="item")
        if index:
            return self[index[0] if len(index) == 1 and self.ndim == 1 else index].item()
        return recorder.add_number(np.ndarray.item, self.reshape(()), name="item")

    def argmin(self, *how: Any, **options: Any) -> Any:
        """Return a place whose number :meth:`item` records."""
        return Extreme.of(self, np.minimum, super().argmin(*how, **options))

    def argmax(self, *how: Any, **options: Any) -> Any:
        """Return a place whose number :meth:`item` records, or record the places along an axis."""
        recorder, axis = ACTIVE.recorder, options.get("axis", how[0] if how else None)
        if recorder is not None and axis is not None and len(how) + len(options) == 1:
            return recorder.add(np.argmax, (self,), axis=axis)
        return Extreme.of(self, np.maximum, super().argmax(*how, **options))

    def fill(self, value: Any) -> None:
        """Record the numbers that are written."""
        self[...] = value

    def __getitem__(self, key: Any) -> Any:
        plain = self.view(np.ndarray)
        found = plain[key]
        if isinstance(found, np.generic):
            found = plain[_open(key)]
        if ACTIVE.recorder and not np.may_share_memory(found, plain):
            raise NotRecordable("an array is indexed by arrays")
        return found.view(Traced)

    def __setitem__(self, key: Any, value: Any) -> None:
        plain = self.view(np.ndarray)
        if ACTIVE.recorder is None:
            plain[key] = value
            return
        target = plain[_open(key)]
        if not np.may_share_memory(target, plain):
            raise NotRecordable("an array is written at places that arrays choose")
        active().add(_spread, (value,), target.view(Traced), name="copy")

    def __bool__(self) -> bool:
        value = bool(self.view(np.ndarray))
        return active().add_guard(self, value, "a condition") if ACTIVE.recorder else value

    def _hidden(self, *how: Any) -> Any:
        """Raise: what is computed with a plain number cannot be seen."""
        if ACTIVE.recorder is None:
            return getattr(self.view(np.ndarray), how[0])()
        raise NotRecordable(f"Python code takes a number out of an array ({how[0].strip('_')})")

    def __int__(self) -> int:
        return int(self._hidden("__int__"))

    def __index__(self) -> int:
        return int(self._hidden("__index__"))

    def __float__(self) -> float:
        return float(self._hidden("__float__"))

    def tolist(self) -> Any:
        """Raise, while a step is recorded."""
        return self._hidden("tolist")


class Extreme(int):
    """The index of the smallest or largest element of an array."""

    array: Array
    ufunc: np.ufunc
    name: str

    @classmethod
    def of(cls, array: Array, ufunc: np.ufunc, index: Any) -> "Extreme":
        """Return the index of the extreme element of `array`."""
        extreme = cls(index)
        extreme.array, extreme.ufunc, extreme.name = array, ufunc, f"{ufunc.__name__}.reduce"
        return extreme


def _open(key: Any) -> Any:
    """Return an index that gives an array, if only one of no axes."""
    keys = key if isinstance(key, tuple) else (key,)
    return keys if any(part is ... for part in keys) else (*keys, ...)


def _copied(x: Array, order: Any) -> Array:
    return x.copy(order)


def _converted(x: Array, dtype: str) -> Array:
    return x.astype(dtype)


def _spread(x: Any) -> Any:
    return x


VIEWS: dict[Any, Callable[..., Any]] = {
    np.broadcast_to: np.broadcast_to,
    np.transpose: np.transpose,
    np.swapaxes: np.swapaxes,
    np.moveaxis: np.moveaxis,
    np.expand_dims: np.expand_dims,
    np.squeeze: np.squeeze,
}

Number.__array_ufunc__ = _ufunc
EXACT.add(Traced)
