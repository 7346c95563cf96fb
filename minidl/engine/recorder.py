"""The recorder: it knows where arrays are in memory, and writes instructions on the tape."""

import bisect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minidl.engine.number import Number
from minidl.engine.tape import (
    Array,
    Buffer,
    Given,
    Instruction,
    NotRecordable,
    Operand,
    Place,
    Scalar,
    Tape,
    guard,
)


class _Active(threading.local):
    recorder: "Recorder | None" = None


ACTIVE = _Active()


class Recorder:
    """Writes the tape while it is active in a ``with`` block."""

    def __init__(
        self,
        array: type[Array],
        answers: Sequence[bool] = (),
        wild: np.random.Generator | None = None,
    ) -> None:
        self.array = array  # the type of arrays that are recorded
        self._wild = wild  # makes all results other numbers, so that who reads them is noticed
        self._answers = list(answers)[::-1]  # of conditions, whatever they are; the last is first
        self.tape = Tape()
        self._starts: list[int] = []  # addresses of buffers, sorted
        self._spans: list[tuple[int, int, int]] = []  # first address, last address, buffer
        self._kept: list[Array] = []  # so that no address is used twice
        self.now = 0  # the step count
        self.states: dict[str, Array] = {}  # of the optimizer, as they are given
        self.given: dict[str, Any] = {}  # the inputs as they are at first
        self.active = False

    def __enter__(self) -> "Recorder":
        ACTIVE.recorder, self.active = self, True
        return self

    def __exit__(self, *error: object) -> None:
        ACTIVE.recorder, self.active = None, False

    def input(self, name: str, array: Array) -> Array:
        """Return an array whose numbers are other ones in each step."""
        if self._wild is not None and name != "t":
            array[...] = _wild(self._wild, array)
        self._register(array, name)
        self.given[name] = array.copy()
        return array.view(self.array)

    def number(self, name: str, value: float) -> Number:
        """Return a number that is another one in each step."""
        self.tape.scalars.append(name)
        self.given[name] = value
        return Number(value, Scalar(len(self.tape.scalars) - 1), self)

    def schedule(self, name: str, function: Callable[[Any], float]) -> Callable[[Any], Number]:
        """Return a schedule whose values are numbers that are recorded."""
        known: dict[str, Number] = {}

        def call(step: Any) -> Number:
            count = int(plain(step))
            key = f"{name}+{count - self.now}" if count != self.now else name
            if key not in known:
                known[key] = self.number(key, function(count))
            return known[key]

        return call

    def check_replay(self, after: Mapping[str, Array]) -> None:
        """Raise unless the tape makes of the inputs what the step has made of these arrays."""
        inputs = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in self.given.items()}
        self.tape.replay(inputs)
        for name, array in after.items():
            if inputs[name].tobytes() != array.tobytes():
                raise NotRecordable(f"{name} is changed where it cannot be seen")

    def _register(self, array: Array, name: str = "", constant: bool = False) -> int:
        low, high = np.lib.array_utils.byte_bounds(array)
        size = (high - low) // array.itemsize
        if size == 0:
            raise NotRecordable("an array is empty")
        values = array.view(np.ndarray)
        kept = None
        if constant:
            kept = np.ndarray(size, array.dtype, np.empty(size, array.dtype))
            strides = tuple(s // array.itemsize for s in array.strides)
            offset = (array.__array_interface__["data"][0] - low) // array.itemsize
            target = np.lib.stride_tricks.as_strided(kept[offset:], array.shape, array.strides)
            assert len(strides) == array.ndim
            target[...] = values
        self.tape.buffers.append(Buffer(size, array.dtype, name, kept))
        at = bisect.bisect(self._starts, low)
        self._starts.insert(at, low)
        self._spans.insert(at, (low, high, len(self.tape.buffers) - 1))
        self._kept.append(array)
        return len(self.tape.buffers) - 1

    def place(self, array: Array) -> Place:
        """Return where an array is; unknown memory is a constant, which recording twice tests."""
        low, high = np.lib.array_utils.byte_bounds(array)
        at = bisect.bisect(self._starts, low) - 1
        if at < 0 or self._spans[at][1] < high:
            self._register(array, constant=True)
            return self.place(array)
        start, _, buffer = self._spans[at]
        address = array.__array_interface__["data"][0]
        itemsize = self.tape.buffers[buffer].dtype.itemsize
        if array.dtype != self.tape.buffers[buffer].dtype:
            raise NotRecordable("an array is read as another dtype")
        strides = tuple(stride // itemsize for stride in array.strides)
        return Place(buffer, (address - start) // itemsize, array.shape, strides)

    def operand(self, value: Any) -> Operand:
        """Return what an instruction takes in the place of a value."""
        if isinstance(value, np.ndarray):
            return self.place(value)
        if type(value) is Number:
            return value.place
        if not isinstance(value, bool | int | float | np.generic):
            raise NotRecordable(f"an operation takes a {type(value).__name__}")
        return Given(value)

    def add(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        out: Any = None,
        *,
        name: str = "",
        **options: Any,
    ) -> Any:
        """Compute, and write an instruction. The result is a new array, or `out`."""
        operands = tuple(map(self.operand, inputs))
        result = function(*map(plain, inputs), **options)
        if self._wild is not None:
            result = _wild(self._wild, np.asarray(result))
        if out is None:
            out = np.array(result) if np.ndim(result) == 0 else result
            if not out.flags.owndata:  # such as clip without bounds
                out = out.copy(order="K")
            self._register(out)
            out = out.view(self.array)
        else:
            self.place(out)  # before it is written: it may be a constant
            out.view(np.ndarray)[...] = result
        kept = tuple(sorted(options.items()))
        name = name or getattr(function, "__name__", "?")
        self.tape.instructions.append(Instruction(name, self.place(out), operands, kept, function))
        return out

    def add_number(self, function: Callable[..., Any], *inputs: Any, name: str = "") -> Number:
        """Compute a Python number, and write an instruction."""
        operands = tuple(map(self.operand, inputs))
        try:
            value = float(function(*map(plain, inputs)))
        except (ArithmeticError, TypeError, ValueError):
            if self._wild is None:
                raise
            value = 1.0
        result = self.number("", value)
        name = name or function.__name__.strip("_")
        step = Instruction(name, result.place, operands, (), function)
        self.tape.instructions.append(step)
        return result

    def add_guard(self, value: Any, expected: bool | None, name: str) -> bool:
        """Write a condition on which Python code depends, and return it."""
        if expected is None:
            expected = bool(plain(value))
        expected = self._answers.pop() if self._answers else expected
        options = (("expected", expected),)
        self.tape.instructions.append(
            Instruction(name, None, (self.operand(value),), options, guard)
        )
        return expected


def _wild(rng: np.random.Generator, result: Array) -> Array:
    """Return numbers of any size and sign in the place of a result; integers as they are."""
    if result.dtype.kind == "b":
        return rng.random(result.shape) < rng.random()
    if result.dtype.kind != "f":
        return result
    numbers = rng.standard_normal(result.shape) * 10.0 ** rng.uniform(-9, 9)
    how = rng.integers(5)
    if how < 2:
        numbers = np.abs(numbers) * (1 - 2 * how)
    elif how == 2:
        numbers = np.where(rng.random(result.shape) < 0.5, numbers, rng.choice([np.nan, np.inf]))
    return np.asarray(numbers, result.dtype)


def active() -> Recorder:
    """Return the recorder of this thread."""
    if ACTIVE.recorder is None:
        raise NotRecordable("an array of a recording is used after it")
    return ACTIVE.recorder


def plain(value: Any) -> Any:
    """Return the array or the number that computes as usual."""
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    return value.followed if type(value) is Number else value
