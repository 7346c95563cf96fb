"""Fuse elementwise nodes into loops, and write results where they are needed.

A loop runs all its nodes on one block of elements after the other, so what it computes on the way
stays in the cache.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from minidl.engine.nodes import Node, Part, is_dense
from minidl.engine.table import BINARY, REDUCTIONS, UNARY

ELEMENTWISE = {*UNARY.values(), *BINARY.values(), "where", "store"}


@dataclass
class Group:
    """A loop over n elements, or a single other node (n = 0)."""

    n: int
    nodes: list[Node] = field(default_factory=list)


def _made_once(nodes: Iterable[Node]) -> set[int]:
    """Return the versions that a single node makes."""
    counts = Counter(node.out.version for node in nodes if node.out)
    return {version for version, count in counts.items() if count == 1}


def _uses(nodes: Iterable[Node]) -> dict[int, list[Node]]:
    """Return the nodes that read each version."""
    uses: dict[int, list[Node]] = {}
    for node in nodes:
        for part in node.inputs:
            uses.setdefault(part.version, []).append(node)
    return uses


def with_bias(nodes: list[Node]) -> list[Node]:
    """Let a product start with the bias that a node would add to it."""
    uses, kept = _uses(nodes), list[Node]()
    products = {node.out.version: node for node in nodes if node.kind == "gemm" and node.out}
    for node in nodes:
        product = products.get(node.inputs[0].version) if node.kind == "add" else None
        if product is not None and len(uses[node.inputs[0].version]) == 1 and len(node.shape) == 2:
            bias = node.inputs[1]
            rows = bias.strides[0] == 0 and (node.shape[1] == 1 or bias.strides[1] == 1)
            if rows and product.shape == node.shape and len(product.inputs) == 2:
                at = kept.index(product)  # where the bias may not be computed yet
                late = any(other.out and other.out.version == bias.version for other in kept[at:])
                if not late:
                    product.out = node.out
                    product.inputs.append(bias)
                    continue
        kept.append(node)
    return kept


def into_pieces(nodes: list[Node]) -> list[Node]:
    """Let products and reductions write where a node would copy their result."""
    uses = _uses(nodes)
    once = _made_once(nodes)
    makers = {node.out.version: node for node in nodes if node.out and _is_exact(node)}
    kept = list[Node]()
    for node in nodes:
        maker = makers.get(node.inputs[0].version) if node.kind == "store" else None
        if (
            maker is not None
            and maker.out is not None
            and maker.out.version in once
            and node.out is not None
            and len(uses[maker.out.version]) == 1
            and is_dense(node.out)
            and maker.out.offset == 0
        ):
            maker.out = Part(*node.out[:2], maker.out.shape, maker.out.strides)
        else:
            kept.append(node)
    return kept


def _is_exact(node: Node) -> bool:
    return node.kind == "gemm" or node.kind in REDUCTIONS.values()


def how(part: Part, n: int) -> str:
    """Return how a loop over n elements reads a part: "dense", "scalar" or "strided"."""
    if n == 1 or is_dense(part):
        return "dense"
    return "strided" if any(part.strides) else "scalar"


def grouped(nodes: list[Node]) -> list[Group]:
    """Put each elementwise node into the first loop in which its operands are known."""
    groups: list[Group] = []
    made: dict[int, tuple[int, bool]] = {}  # version -> group, and whether a loop made it densely
    read: dict[int, int] = {}  # version -> last group that reads it
    for node in nodes:
        loops = node.kind in ELEMENTWISE
        n = math.prod(node.shape) if loops else 0
        first = 0
        for part in node.inputs:
            group, dense_there = made.get(part.version, (-1, False))
            same = loops and dense_there and groups[group].n == n and how(part, n) == "dense"
            first = max(first, group if same else group + 1)
        if node.out and node.out.version in made:  # another part of it is written
            first = max(first, made[node.out.version][0] + 1, read.get(node.out.version, -1) + 1)
        fitting = (g for g in range(first, len(groups)) if loops and groups[g].n == n)
        at = next(fitting, len(groups))
        if at == len(groups):
            groups.append(Group(n))
        groups[at].nodes.append(node)
        for part in node.inputs:
            read[part.version] = max(at, read.get(part.version, 0))
        if node.out:
            earlier = made.get(node.out.version, (0, True))[0]
            made[node.out.version] = max(at, earlier), loops and node.kind != "store"
    return _sunk(groups)


def _sunk(groups: list[Group]) -> list[Group]:
    """Move nodes of one array into the later loop that alone needs them: less has to be kept."""
    once = _made_once(node for group in groups for node in group.nodes)
    for g in range(len(groups) - 1, -1, -1):
        for node in reversed(groups[g].nodes):
            if node.kind in ("store", "guard") or not groups[g].n or node.out is None:
                continue
            if node.out.version not in once:
                continue
            arrays = {part for part in node.inputs if how(part, groups[g].n) != "scalar"}
            readers = {
                h
                for h in range(g, len(groups))
                for other in groups[h].nodes
                for part in other.inputs
                if part.version == node.out.version
            }
            (to, *others) = readers or {g}
            if to == g or others or len(arrays) != 1 or groups[to].n != groups[g].n:
                continue
            if _sinks(node.out.version, groups[to]):
                groups[g].nodes.remove(node)
                groups[to].nodes.insert(0, node)
    return [group for group in groups if group.nodes]


def _sinks(version: int, group: Group) -> bool:
    """Return whether a loop reads a version element by element only."""
    return all(
        how_of(node, version, group.n)
        for node in group.nodes
        if any(part.version == version for part in node.inputs)
    )


def how_of(node: Node, version: int, n: int) -> bool:
    """Return whether a node reads all that it reads of a version element by element."""
    parts = [part for part in node.inputs if part.version == version]
    return all(how(part, n) == "dense" and not part.offset for part in parts)
