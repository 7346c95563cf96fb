"""Give every array an address, and write the code of the machine."""

from __future__ import annotations

from typing import Any

from minidl.engine.fuse import Group, how, how_of
from minidl.engine.nodes import Lowering, Node, Part
from minidl.engine.table import BINARY
from minidl.engine.tape import NotRecordable

BLOCK, PAD, LEAST, WORDS = 512, 16, 64, 13  # BLOCK and PAD in elements; see machine.c


Line = list[Any]  # an instruction: the name of its code, and integers


class Memory:
    """Gives every version an address, and writes the code."""

    def __init__(
        self,
        lowering: Lowering,
        groups: list[Group],
        ends: dict[int, int],
        seen: dict[str, int],
    ) -> None:
        self.versions, self.groups, self.size = lowering.versions, groups, 0
        self.at: dict[int, int] = {}  # version -> address
        self.slots: dict[int, int] = {}  # version -> address of its block
        self._free: list[tuple[int, int]] = []  # size and address
        used = {part.version for group in groups for node in group.nodes for part in node.inputs}
        used |= {lowering.loss.version, *ends.values(), *seen.values()}
        self.numbers = sorted(v for v in used if self.versions[v].number >= 0)
        for place, version in enumerate(self.numbers):
            self.at[version] = place
        self.drawn = sorted(v for v in used if self.versions[v].drawn >= 0)
        end = len(self.numbers)
        for version in self.drawn:  # they are written together with the numbers
            self.at[version], end = end, end + self.versions[version].size
        self.size = _padded(end)
        self.inputs: dict[str, int] = {}
        buffers = lowering.tape.buffers
        firsts = self._first_versions(lowering)
        for buffer, version in firsts.items():
            if version in used or buffer in ends:
                self.at[version] = self._new(self.versions[version].size)
                self.inputs[buffers[buffer].name] = version
        for version in sorted(used):
            if self.versions[version].constant is not None:
                self.at[version] = self._new(self.versions[version].size)
        self.last = self._last_uses()
        self._commit(ends, firsts)
        after = {lowering.loss.version, *ends.values(), *seen.values()}
        self.last |= dict.fromkeys(after, (len(self.groups), 0))
        self.fixed = set(self.at)  # what is there before the step, or after it
        for number, group in enumerate(groups):
            self._place(number, group)

    @staticmethod
    def _first_versions(lowering: Lowering) -> dict[int, int]:
        """Return the version of each named buffer before the step, in the order they were made."""
        later = "gradient", "random "
        buffers = lowering.tape.buffers
        made = [i for i, b in enumerate(buffers) if not b.name.startswith(later)]
        named = [i for i in made if buffers[i].name]
        made = [i for i in made if i in named or buffers[i].constant is not None]
        return {buffer: made.index(buffer) for buffer in named}

    def _last_uses(self) -> dict[int, tuple[int, int]]:
        """Return the last group, and the last node in it, that reads each version."""
        last: dict[int, tuple[int, int]] = {}
        for g, group in enumerate(self.groups):
            for k, node in enumerate(group.nodes):
                for part in node.inputs:
                    partly = group.n and how(part, group.n) != "dense"
                    use = g, len(group.nodes) if partly else k  # in each block of the loop
                    last[part.version] = max(use, last.get(part.version, use))
        return last

    def _commit(self, ends: dict[int, int], firsts: dict[int, int]) -> None:
        """Let the last version of an output be written into its home, or copy it there."""
        made: dict[int, tuple[int, int, bool]] = {}
        guards = [g for g, group in enumerate(self.groups) if group.nodes[0].kind == "guard"]
        for g, group in enumerate(self.groups):
            for k, node in enumerate(group.nodes):
                if node.out:
                    exact = node.kind == "store" or node.out.offset != 0
                    made.setdefault(node.out.version, (g, k, exact))
        for buffer, end in ends.items():
            first = firsts[buffer]
            if end == first:
                continue
            g, k, partly = made[end]
            after = self.last.get(first, (-1, 0)) <= (g, k)
            if after and not partly and not any(guard >= g for guard in guards):
                self.at[end] = self.at[first]
            else:
                shape = (self.versions[end].size,)
                parts = [Part(v, 0, shape, (1,)) for v in (first, end)]
                self.groups.append(Group(shape[0], [Node("copy", parts[0], parts[1:], shape)]))

    def _new(self, size: int) -> int:
        """Return an address for so many elements."""
        size = _padded(size)
        fitting = [(s, a) for s, a in self._free if s >= size]
        if not fitting:
            self.size += size
            return self.size - size
        found, at = min(fitting)
        self._free.remove((found, at))
        if found > size:
            self._free.append((found - size, at + size))
        return at

    def _place(self, number: int, group: Group) -> None:
        """Give the results of a group their addresses, and free what is not needed after it."""
        blocks, taken = group.n > BLOCK, set[int]()
        free_slots: list[int] = []
        local = self._local(number, group) if blocks else set()
        for k, node in enumerate(group.nodes):
            ends_here = (p.version for p in node.inputs if self.last[p.version] == (number, k))
            dying = list(dict.fromkeys(ends_here))
            for version in dying:
                if version in self.slots and group.n and how_of(node, version, group.n):
                    free_slots.append(self.slots[version])
            if node.out is None or node.out.version in self.at:
                continue
            out = node.out.version
            if out in local:
                self.slots[out] = free_slots.pop() if free_slots else self._new(BLOCK)
                continue
            size = _padded(self.versions[out].size)
            for version in dying if group.n else []:
                free = version in self.at and version not in self.fixed | taken
                fits = free and _padded(self.versions[version].size) == size
                if fits and how_of(node, version, group.n):
                    self.at[out] = self.at[version]
                    taken.add(version)
                    break
            else:
                self.at[out] = self._new(self.versions[out].size)
        slots = {self.slots[v] for v in local if v in self.slots}
        self._free += [(BLOCK, at) for at in slots]
        for version, (last, _) in self.last.items():
            free = version in self.at and version not in self.fixed | taken
            if last == number and free:
                self._free.append((_padded(self.versions[version].size), self.at[version]))

    def _local(self, number: int, group: Group) -> set[int]:
        """Return the versions of which a loop needs only a block."""
        made = {n.out.version for n in group.nodes if n.out and n.kind != "store"}
        for node in group.nodes:
            for part in node.inputs:
                if how(part, group.n) != "dense" or part.offset:
                    made.discard(part.version)
        return {
            version
            for version in made
            if self.last.get(version, (number, 0))[0] == number and version not in self.at
        }

    def code(self, code_of: dict[str, int]) -> list[Line]:
        """Return the instructions."""
        lines: list[Line] = []
        for group in self.groups:
            if group.n:
                own = [line for node in group.nodes for line in self._element(node, group.n)]
                loop: Line = ["loop", len(own), group.n, BLOCK]
                lines += [loop, *own]
            else:
                lines.append(self._single(group.nodes[0]))
        return [
            [code_of[line[0]], *line[1:], *(0 for _ in range(WORDS - len(line)))] for line in lines
        ]

    def _address(self, part: Part) -> tuple[int, int]:
        """Return where a part begins, and 1 if it advances with the blocks of a loop."""
        if part.version in self.slots:
            return self.slots[part.version], 0
        return self.at[part.version] + part.offset, 1

    def _single(self, node: Node) -> Line:
        """Return the instruction of a product, reduction or guard."""
        name: Line = [node.kind]
        if node.out is None:
            return [*name, self._address(node.inputs[0])[0], int(node.expected)]
        out = self._address(node.out)[0]
        if node.kind != "gemm":
            return [*name, out, self._address(node.inputs[0])[0], *node.shape]
        a, b = node.inputs[:2]
        bias = self._address(node.inputs[2])[0] if node.inputs[2:] else -1
        (m, n), k = node.shape, a.shape[1]
        matrices = [self._address(a)[0], *a.strides, self._address(b)[0], *b.strides]
        return [*name, out, n, m, n, k, *matrices, bias]

    def _element(self, node: Node, n: int) -> list[Line]:
        """Return the instruction of a node in a loop, after those that load its operands."""
        assert node.out is not None
        lines: list[Line] = []
        if node.kind == "store":
            dense_part, target = node.inputs[0], _matrix(node.out)
            return [["store", *self._address(dense_part), self._address(node.out)[0], 0, *target]]
        hows = [how(part, n) for part in node.inputs]
        out, step = self._address(node.out)
        if node.kind == "copy" and hows[0] != "dense":
            return [self._load(node.inputs[0], out, step)]
        binary, scalar = node.kind in BINARY.values(), -1
        operands = []
        for k, (part, way) in enumerate(zip(node.inputs, hows, strict=True)):
            if way == "dense":
                operands.append(self._address(part))
            elif way == "scalar" and binary and scalar < 0:
                scalar = k
                operands.append((self._address(part)[0], 2))
            else:
                room = self._room(k)
                lines.append(self._load(part, room, 0))
                operands.append((room, 0))
        name = node.kind + ("", "_sv", "_vs")[scalar + 1]
        places, steps = zip(*operands, strict=True)
        gap = [0] * (3 - len(operands))
        return [*lines, [name, out, *places, *gap, step, *steps]]

    def _room(self, k: int) -> int:
        """Return a block for operand k of a node that must be loaded."""
        key = -1 - k
        if key not in self.slots:
            self.slots[key] = self.size
            self.size += BLOCK
        return self.slots[key]

    def _load(self, part: Part, out: int, step: int) -> Line:
        return ["load", out, step, self._address(part)[0], 0, *_matrix(part)]


def _matrix(part: Part) -> list[int]:
    """Return columns, and the strides of rows and columns, of a part as a matrix."""
    axes: list[tuple[int, int]] = []
    for n, stride in zip(part.shape, part.strides, strict=True):
        if n == 1:
            continue
        if axes and axes[-1][1] == n * stride:
            axes[-1] = axes[-1][0] * n, stride
        else:
            axes.append((n, stride))
    if len(axes) > 2 or any(stride < 0 for _, stride in axes):
        raise NotRecordable("an array of three axes with gaps, or reversed, has no instruction")
    axes = [(1, 0)] * (2 - len(axes)) + axes
    return [axes[1][0], axes[0][1], axes[1][1]]


def _padded(size: int) -> int:
    return max(1, -(-size // PAD)) * PAD
