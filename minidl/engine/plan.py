"""From a tape to a program.

Inputs and outputs of a step have a home in memory; a node writes into it once nobody needs the old
numbers and no guard can follow, so that a step is taken as a whole or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.engine.fuse import grouped, into_pieces, with_bias
from minidl.engine.memory import LEAST, PAD, WORDS, Memory
from minidl.engine.nodes import Lowering, needed
from minidl.engine.tape import KEPT, Array, Instruction, NotRecordable, Scalar, Tape


@dataclass
class Program:
    """A program of the machine: code, its initial memory, and where inputs are in it.

    `before` are instructions on numbers for Python; `numbers` those that go into memory at
    `numbers_at`, by their place in the tape. After them follow `drawn`, buffers of random numbers
    and of what Python makes of them by `with_drawn`.
    """

    code: Array
    memory: Array
    homes: dict[str, tuple[int, int]]  # name -> address and size
    numbers: list[int]
    before: list[Instruction]
    loss: int
    tape: Tape
    drawn: list[int]
    with_drawn: list[Instruction]
    numbers_at: int = 0

    @property
    def each(self) -> int:
        """The count of numbers that a step is given."""
        return len(self.numbers) + sum(self.tape.buffers[i].size for i in self.drawn)


def plan(tape: Tape, code_of: dict[str, int], dtype: np.dtype[Any]) -> Program:
    """Return the program of a tape, for a machine with these codes; or raise NotRecordable."""
    outputs = {b.name for b in tape.buffers if b.name == "w" or b.name.startswith(KEPT)}
    lowering = Lowering(tape, outputs)
    named = {i: b.name for i, b in enumerate(tape.buffers) if b.name}
    ends = {i: lowering.current[i] for i, name in named.items() if name in outputs}
    seen = {named[i]: v for i, v in lowering.current.items() if named.get(i) == "gradient"}
    nodes = needed(lowering.nodes, {*ends.values(), *seen.values(), lowering.loss.version})
    for node in nodes:
        for part in node.inputs:
            version = lowering.versions[part.version]
            if not version.complete and sum(size for _, size in version.written) != version.size:
                raise NotRecordable("an array is read of which a part was not written")
    nodes = into_pieces(with_bias(nodes))
    groups = grouped(nodes)
    memory = Memory(lowering, groups, ends, seen)
    code = np.array(memory.code(code_of), np.int64).reshape(-1, WORDS)
    known = memory.inputs | seen
    homes = {name: (memory.at[v], lowering.versions[v].size) for name, v in known.items()}
    start = np.zeros(memory.size + PAD + LEAST, dtype)
    for number, version in enumerate(lowering.versions):
        if version.constant is not None and number in memory.at:
            at = memory.at[number]
            start[at : at + version.size] = version.constant
    numbers = [lowering.versions[v].number for v in memory.numbers]
    loss = memory.at[lowering.loss.version] + lowering.loss.offset
    before = _wanted(lowering.before, set(numbers))
    drawn = [lowering.versions[v].drawn for v in memory.drawn]
    if any(tape.buffers[i].dtype.itemsize > dtype.itemsize for i in drawn):
        raise NotRecordable("random numbers in float64 are used in a float32 network")
    return Program(code, start, homes, numbers, before, loss, tape, drawn, lowering.with_drawn)


def _wanted(before: list[Instruction], numbers: set[int]) -> list[Instruction]:
    """Return the instructions on which conditions and these numbers of the tape depend."""
    kept = list[Instruction]()
    for step in reversed(before):
        if not isinstance(step.out, Scalar) or step.out.number in numbers:
            kept.append(step)
            numbers |= {x.number for x in step.inputs if isinstance(x, Scalar)}
    return kept[::-1]
