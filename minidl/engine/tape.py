"""The tape: one optimizer step as a list of array instructions, and its replay with NumPy.

A step is recorded by :mod:`minidl.engine.record`. Its replay computes what the step computed, with
the same NumPy functions on arrays of the same layout, so it must equal the step bit for bit.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
KEPT = "state ", "buffer "  # how the names of arrays begin that a step changes, besides "w"


class NotRecordable(BaseException):
    """Why a step cannot be replayed, in words that go on after "because".

    Custom code that catches every Exception does not catch it.
    """


class Place(NamedTuple):
    """An array: a part of a buffer. Offset and strides count elements."""

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Scalar(NamedTuple):
    """A Python number: a hyperparameter, the step count, or what was computed from numbers."""

    number: int


@dataclass(frozen=True, eq=False)
class Given:
    """A number that stands in the code, or is the same in every step; NumPy's types are kept."""

    value: Any

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Given) and type(self.value) is type(other.value)
        return same and repr(self.value) == repr(getattr(other, "value", None))  # also nan

    def __hash__(self) -> int:
        return hash(repr(self.value))


Operand = Place | Scalar | Given


@dataclass(frozen=True)
class Instruction:
    """``out = function(*inputs, **options)``; `name` is the name of the function."""

    name: str
    out: Place | Scalar | None
    inputs: tuple[Operand, ...]
    options: tuple[tuple[str, Any], ...] = ()
    function: Callable[..., Any] = field(default=operator.pos, compare=False)


@dataclass
class Buffer:
    """The memory of arrays. An input has a name; a constant has its numbers; others are made."""

    size: int
    dtype: np.dtype[Any]
    name: str = ""
    constant: Array | None = None


@dataclass
class Tape:
    """Buffers, numbers and instructions of a step.

    `scalars` are the names of numbers that are inputs, such as "lr", and "" for computed ones. A
    name such as "lr+1" is the value of a schedule one step later. `loss` is the loss of the batch.
    """

    buffers: list[Buffer] = field(default_factory=list)
    scalars: list[str] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    loss: Operand = field(default_factory=lambda: Given(0.0))
    evaluations: int = 1  # of the gradient in a step
    draws: list[Any] = field(default_factory=list)  # of random numbers, which are inputs

    def answers(self) -> list[bool]:
        """Return how the conditions were answered, in order."""
        return [dict(i.options)["expected"] for i in self.instructions if i.out is None]

    def replay(self, inputs: Mapping[str, Any]) -> float:
        """Take one step: change the arrays of `inputs` in place; return the loss.

        `inputs` has an array for each named buffer, contiguous, and a number for each named scalar.
        """
        memory = [
            np.empty(b.size, b.dtype) if b.constant is None else b.constant.copy()
            for b in self.buffers
        ]
        for i, buffer in enumerate(self.buffers):
            if buffer.name:
                memory[i] = inputs[buffer.name].reshape(-1)
                assert np.shares_memory(memory[i], inputs[buffer.name])
        numbers: list[Any] = [inputs[name] if name else None for name in self.scalars]

        def value(operand: Operand) -> Any:
            if isinstance(operand, Place):
                return view(memory[operand.buffer], operand)
            return numbers[operand.number] if isinstance(operand, Scalar) else operand.value

        for instruction in self.instructions:
            arguments = map(value, instruction.inputs)
            result = instruction.function(*arguments, **dict(instruction.options))
            out = instruction.out
            if isinstance(out, Scalar):
                numbers[out.number] = result
            elif out is not None:
                value(out)[...] = result
            elif bool(result) is not dict(instruction.options).get("expected", result):
                raise NotRecordable(f"a condition on {instruction.name} has changed")
        return float(np.asarray(value(self.loss)))


def view(memory: Array, place: Place) -> Array:
    """Return the array at a place of a flat buffer."""
    size = memory.dtype.itemsize
    strides = tuple(size * stride for stride in place.strides)
    return np.ndarray(place.shape, memory.dtype, memory, size * place.offset, strides)


def guard(value: Any, expected: bool) -> Any:
    """Return a condition; a replay stops if it is not as it was."""
    return bool(value)


def difference(one: Tape, two: Tape) -> str:
    """Return in words where two recordings of the same step differ; "" if nowhere."""
    steps = zip(one.instructions, two.instructions, strict=False)
    if words := next(filter(None, starmap(_between, steps)), ""):
        return words
    if len(one.instructions) != len(two.instructions) or one.draws != two.draws:
        return "Python code chooses by values what it computes"
    for c, d in zip(one.buffers, two.buffers, strict=True):
        if c.constant is not None and c.constant.tobytes() != np.asarray(d.constant).tobytes():
            return f"{c.size} numbers for {_user(one, c)} are computed where it cannot be seen"
    return "" if one.loss == two.loss else "the loss is computed where it cannot be seen"


def _between(a: Instruction, b: Instruction) -> str:
    """Return in words where two instructions differ."""
    if a.name != b.name or a.options != b.options or len(a.inputs) != len(b.inputs):
        return f"Python code chooses by values what it computes ({a.name} or {b.name})"
    for x, y in zip(a.inputs, b.inputs, strict=True):
        if x == y:
            continue
        if isinstance(x, Given) and isinstance(y, Given):
            became = f"{x.value} became {y.value}"
            return f"a number for {a.name} changes where it cannot be seen: {became}"
        return f"the arrays of {a.name} depend on values"
    if a.out != b.out:
        return f"the shape of the result of {a.name} depends on values"
    return ""


def _user(tape: Tape, buffer: Buffer) -> str:
    """Return the name of the first instruction that uses a buffer."""
    index = next(i for i, b in enumerate(tape.buffers) if b is buffer)
    uses = (
        step.name
        for step in tape.instructions
        if any(isinstance(x, Place) and x.buffer == index for x in step.inputs)
    )
    return next(uses, "the step")
