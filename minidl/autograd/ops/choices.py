"""Operations that choose elements, and those that only move and sum them, for the backward pass.

An element that is not chosen gets a gradient of exactly 0, and so does all that it alone was
computed from, even where a derivative on the way is infinite or nan (uses.py).
"""

from minidl.autograd.ops import elementwise, reductions, shapes, ufuncs
from minidl.autograd.ops.extra import diagonals, joining
from minidl.autograd.ops.extra import reductions as sums
from minidl.autograd.uses import CHOICES, COMMON, ELEMENTWISE, MOVES, PRODUCTS

__all__: list[str] = []

PRODUCTS |= {ufuncs.matmul, ufuncs.linear, ufuncs.dense}
COMMON |= {ufuncs.maximum, ufuncs.minimum, reductions.max, reductions.min}
CHOICES |= COMMON | {
    elementwise.where, elementwise._clip, shapes.getitem, diagonals.diagonal, diagonals.tril,
    diagonals.triu,
}  # fmt: skip
MOVES |= CHOICES | {
    shapes.broadcast_to, shapes.reshape, shapes.transpose, shapes.swapaxes, shapes.moveaxis,
    shapes.expand_dims, shapes.squeeze, shapes.flip, shapes.scatter, reductions.sum,
    reductions.mean, sums.cumsum, joining._concatenate, joining.pad, joining.roll, joining.tile,
}  # fmt: skip
ELEMENTWISE -= MOVES
