"""From a tape to nodes: every array is written once, and what nobody needs is left out.

A node is an instruction of the machine whose operands are not yet at an address. Where the step
writes into an array in place, a new version of the array begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minidl.engine.draws import alone
from minidl.engine.table import BINARY, BOOLEAN, PRODUCTS, REDUCTIONS, UNARY
from minidl.engine.tape import (
    Array,
    Given,
    Instruction,
    NotRecordable,
    Operand,
    Place,
    Scalar,
    Tape,
)


class Part(NamedTuple):
    """A part of a version: its elements in any order of axes."""

    version: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass
class Version:
    """An array between two writes. `home` is the buffer of an input or output, -1 for others."""

    size: int
    home: int = -1
    constant: Array | None = None
    number: int = -1  # of the tape, if it is a number that is known before the step
    drawn: int = -1  # the buffer of the tape, if it is an array that is known before the step
    complete: bool = True  # whether it was an array as a whole, before parts were written
    own: bool = False  # whether it may be written in place
    written: set[tuple[int, int]] = field(default_factory=set)  # (offset, size) of such parts


@dataclass
class Node:
    """`kind` is the name of an instruction of the machine; `out` and `inputs` are its arrays."""

    kind: str
    out: Part | None
    inputs: list[Part]
    shape: tuple[int, ...] = ()  # of the elements that it computes, or (outer, reduced, inner)
    expected: bool = False


def dense(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of an array without gaps."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def is_dense(part: Part) -> bool:
    """Return whether the elements follow each other in the order of the axes."""
    pairs = zip(part.shape, part.strides, dense(part.shape), strict=True)
    return all(n == 1 or a == b for n, a, b in pairs)


class Lowering:
    """Goes through a tape once. Afterwards `nodes` is the step, and `ends` the last versions."""

    def __init__(self, tape: Tape, outputs: set[str]) -> None:
        self.tape, self.outputs, self.nodes = tape, outputs, list[Node]()
        self.versions: list[Version] = []
        self.current: dict[int, int] = {}  # buffer -> its version
        self.constants: dict[Any, int] = {}  # number -> version
        self.numbers: dict[int, Part] = {}  # number of the tape -> where it is
        self.known: set[int] = {i for i, name in enumerate(tape.scalars) if name}
        self.before: list[Instruction] = []  # what is computed with numbers alone
        self.drawn: set[int] = set()  # buffers of random numbers, and of what is made of them
        self.with_drawn: list[Instruction] = []  # which makes it
        for i, buffer in enumerate(tape.buffers):
            if buffer.name == "gradient":
                continue  # its numbers from earlier steps are never read
            if buffer.name.startswith("random "):
                self.drawn.add(i)
                continue
            if buffer.name or buffer.constant is not None:
                home = i if buffer.name in outputs else -1
                self.current[i] = self._new(buffer.size, home, buffer.constant)
        for instruction in tape.instructions:
            self._lower(instruction)
        self.loss = self.part(tape.loss)

    def _new(self, size: int, home: int = -1, constant: Array | None = None) -> int:
        self.versions.append(Version(size, home, constant))
        return len(self.versions) - 1

    def part(self, operand: Operand) -> Part:
        """Return the array that an operand is now; numbers are arrays of no axes."""
        if isinstance(operand, Place):
            if operand.buffer in self.drawn and operand.buffer not in self.current:
                self.current[operand.buffer] = self._new(self.tape.buffers[operand.buffer].size)
                self.versions[self.current[operand.buffer]].drawn = operand.buffer
            if operand.buffer not in self.current:
                raise NotRecordable("an array is read before it is written")
            return Part(self.current[operand.buffer], *operand[1:])
        if isinstance(operand, Scalar):
            if operand.number not in self.numbers:
                version = self._new(1)
                self.versions[version].number = operand.number
                self.numbers[operand.number] = Part(version, 0, (), ())
            return self.numbers[operand.number]
        value = float(operand.value)
        key = repr(value)
        if key not in self.constants:
            self.constants[key] = self._new(1, constant=np.array([value]))
        return Part(self.constants[key], 0, (), ())

    def _written(self, place: Place) -> Part:
        """Return the part that a write to a place fills: of a new version, if it fills all."""
        buffer = self.tape.buffers[place.buffer]
        size = math.prod(place.shape)
        if place.buffer in self.drawn:
            self.part(place)
        if size == buffer.size:
            self.current[place.buffer] = self._new(size, self._home(place.buffer))
        else:
            self._write_part(place.buffer, (place.offset, size), buffer.size)
        return Part(self.current[place.buffer], *place[1:])

    def _write_part(self, buffer: int, region: tuple[int, int], size: int) -> None:
        """Make the version of a buffer one of which a region can be written."""
        old = self.current.get(buffer)
        known = None if old is None else self.versions[old]
        if known is None or (not known.complete and region in known.written):
            self.current[buffer] = self._new(size, self._home(buffer))  # all parts anew
            self.versions[self.current[buffer]].complete = False
        elif known.complete and not known.own:
            new = self._new(size, self._home(buffer))
            whole, (one, two) = (size,), (Part(v, 0, (size,), (1,)) for v in (new, old or 0))
            self.nodes.append(Node("copy", one, [two], whole))
            self.current[buffer] = new
        version = self.versions[self.current[buffer]]
        version.own = True
        version.written.add(region)

    def _home(self, buffer: int) -> int:
        return buffer if self.tape.buffers[buffer].name in self.outputs else -1

    def _lower(self, step: Instruction) -> None:
        """Add the nodes of an instruction."""
        options, out = dict(step.options), step.out
        numbers = [x for x in step.inputs if not isinstance(x, Given)]
        if not isinstance(out, Place) and all(
            isinstance(x, Scalar) and x.number in self.known for x in numbers
        ):
            self.before.append(step)
            if isinstance(out, Scalar):
                self.known.add(out.number)
            return
        if alone(self.tape, step, self.drawn - self.current.keys()):
            assert isinstance(out, Place)
            self.drawn.add(out.buffer)
            self.with_drawn.append(step)
            return
        inputs = [self.part(x) for x in step.inputs]
        if step.name == "item" and isinstance(out, Scalar):
            self.numbers[out.number] = inputs[0]
        elif out is None:
            self.nodes.append(Node("guard", None, inputs, expected=options["expected"]))
        elif isinstance(out, Scalar):
            part = Part(self._new(1), 0, (), ())
            self.numbers[out.number] = part
            self._elementwise(step.name, part, inputs)
        elif step.name in REDUCTIONS:
            self._reduce(REDUCTIONS[step.name], self._written(out), inputs[0], options)
        elif step.name in PRODUCTS:
            self._product(step.name, self._written(out), inputs)
        else:
            self._check_types(step)
            self._elementwise(step.name, self._written(out), inputs)

    def _check_types(self, step: Instruction) -> None:
        """Raise if a result depends on how integers are computed."""
        assert isinstance(step.out, Place)
        kind = self.tape.buffers[step.out.buffer].dtype.kind
        kinds = [
            self.tape.buffers[x.buffer].dtype.kind for x in step.inputs if isinstance(x, Place)
        ]
        if (step.name in BOOLEAN and "i" in [*kinds, kind]) or (kind in "iu" and "f" in kinds):
            raise NotRecordable(f"{step.name} of integers has no instruction")

    def _elementwise(self, name: str, out: Part, inputs: list[Part]) -> None:
        """Add a node whose result is dense; the axes are in the order of its memory."""
        axes = sorted(range(len(out.shape)), key=lambda i: -out.strides[i])
        shape = tuple(out.shape[i] for i in axes)
        turned = [_turned(_spread(part, out.shape), axes) for part in inputs]
        target = _turned(out, axes)
        if name == "clip":  # of a, low, high
            middle = Part(self._new(math.prod(shape)), 0, shape, dense(shape))
            self._add("maximum", middle, turned[:2], shape)
            name, turned = "minimum", [middle, turned[2]]
        kind = UNARY.get(name) or BINARY.get(name) or ("where" if name == "where" else None)
        if kind is None:
            raise NotRecordable(f"there is no instruction for {name}")
        if name in BINARY and kind == "power" and self._is_number(turned[1], 2.0):
            kind, turned = "square", turned[:1]
        self._add(kind, target, turned, shape)

    def _is_number(self, part: Part, value: float) -> bool:
        constant = self.versions[part.version].constant
        return constant is not None and constant.size == 1 and float(constant[0]) == value

    def _add(self, kind: str, out: Part, inputs: list[Part], shape: tuple[int, ...]) -> None:
        if not (is_dense(out) and math.prod(shape) == self.versions[out.version].size):
            if kind == "copy" and is_dense(inputs[0]):
                self.nodes.append(Node("store", out, inputs, shape))
                return
            middle = Part(self._new(math.prod(shape)), 0, shape, dense(shape))
            self.nodes.append(Node(kind, middle, inputs, shape))
            kind, inputs = "store", [middle]
        self.nodes.append(Node(kind, out, inputs, shape))

    def _reduce(self, kind: str, out: Part, x: Part, options: dict[str, Any]) -> None:
        """Add a node for a reduction over axes that lie together, of a dense array."""
        axis = options.get("axis", 0)
        axes = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        reduced = sorted(a % len(x.shape) for a in axes) if x.shape else []
        if "initial" in options and not np.isinf(options["initial"]):
            raise NotRecordable("a reduction with an initial value has no instruction")
        if reduced and reduced[-1] - reduced[0] != len(reduced) - 1:
            raise NotRecordable("a reduction over axes that are apart has no instruction")
        if not is_dense(x):
            middle = Part(self._new(math.prod(x.shape)), 0, x.shape, dense(x.shape))
            self._add("copy", middle, [x], x.shape)
            x = middle
        first, last = (reduced[0], reduced[-1] + 1) if reduced else (0, 0)
        parts = x.shape[:first], x.shape[first:last], x.shape[last:]
        if kind == "argmax" and math.prod(parts[2]) > 1:
            raise NotRecordable("the largest element is sought along an axis that is not the last")
        if not is_dense(out):
            raise NotRecordable("a reduction into an array with gaps has no instruction")
        self.nodes.append(Node(kind, out, [x], tuple(map(math.prod, parts))))

    def _product(self, name: str, out: Part, inputs: list[Part]) -> None:
        """Add a node for the product of two matrices, or vectors."""
        a, b = inputs
        if not a.shape or not b.shape:
            self._elementwise("multiply", out, inputs)
            return
        if max(len(a.shape), len(b.shape)) > 2 or (name == "vecdot" and len(a.shape) > 1):
            raise NotRecordable("there is no instruction for products of stacks of matrices")
        a = a if len(a.shape) == 2 else Part(*a[:2], (1, *a.shape), (0, *a.strides))
        b = b if len(b.shape) == 2 else Part(*b[:2], (*b.shape, 1), (*b.strides, 0))
        shape = (a.shape[0], b.shape[1])
        if math.prod(out.shape) != math.prod(shape) or not is_dense(out):
            raise NotRecordable(f"there is no instruction for {name} of these shapes")
        self.nodes.append(Node("gemm", Part(*out[:2], shape, dense(shape)), [a, b], shape))


def _spread(part: Part, shape: tuple[int, ...]) -> Part:
    """Return a part broadcast to a shape; a write drops leading axes of length 1."""
    extra = len(shape) - len(part.shape)
    own = tuple(0 if n == 1 else s for n, s in zip(part.shape, part.strides, strict=True))
    strides = (0,) * extra + own if extra >= 0 else own[-extra:]
    return Part(part.version, part.offset, shape, strides)


def _turned(part: Part, axes: list[int]) -> Part:
    """Return a part with its axes in another order."""
    shape, strides = part.shape, part.strides
    return Part(*part[:2], tuple(shape[i] for i in axes), tuple(strides[i] for i in axes))


def needed(nodes: list[Node], ends: set[int]) -> list[Node]:
    """Return the nodes on which the versions `ends` and the guards depend."""
    wanted, kept = set(ends), list[Node]()
    for node in reversed(nodes):
        if node.out is None or node.out.version in wanted:
            kept.append(node)
            wanted |= {part.version for part in node.inputs}
    return kept[::-1]
