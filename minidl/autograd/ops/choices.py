"""Operations that choose elements, and those that only move and sum them, for the backward pass.

An element that is not chosen gets a gradient of exactly 0, and so does all that it alone was
computed from, even where a derivative on the way is infinite or nan (uses.py).
"""

from minidl.autograd.ops import activations, cross_entropy, elementwise, reductions, shapes, ufuncs
from minidl.autograd.ops.extra import arranging, contractions, diagonals, joining, linalg, norms
from minidl.autograd.ops.extra import reductions as sums
from minidl.autograd.uses import CHOICES, ELEMENTWISE, MATRICES, MIXES, MOVES, PRODUCTS

__all__: list[str] = []

PRODUCTS |= {ufuncs.matmul, ufuncs.linear, ufuncs.dense, contractions.einsum}
MIXES |= {
    activations.softmax, activations.log_softmax, cross_entropy.softmax_cross_entropy, sums.var,
    sums.std, sums.prod, sums.logsumexp, norms.euclidean_norm, norms.p_norm,
}  # fmt: skip
MATRICES |= {linalg._inv, linalg._det, linalg._log_det, linalg._solve}
CHOICES |= {
    ufuncs.maximum, ufuncs.minimum, reductions.max, reductions.min, elementwise.where,
    elementwise._clip, shapes.getitem, diagonals.diagonal, diagonals.tril, diagonals.triu,
}  # fmt: skip
MOVES |= CHOICES | {
    shapes.broadcast_to, shapes.reshape, shapes.transpose, shapes.swapaxes, shapes.moveaxis,
    shapes.expand_dims, shapes.squeeze, shapes.flip, shapes.scatter, reductions.sum,
    reductions.mean, sums.cumsum, joining._concatenate, joining.pad, joining.roll, joining.tile,
    arranging.copy,
}  # fmt: skip
ELEMENTWISE -= MOVES
