"""Sums of products over chosen axes: dot, outer, tensordot, einsum.

einsum is linear in every argument, so its rules are einsums of the gradient and the others.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.ufuncs import matmul
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ArgumentError, ShapeError

__all__ = ["dot", "einsum", "outer", "tensordot"]

LETTERS = "".join(filter(str.isalpha, map(chr, range(128))))
Axes = int | tuple[int | Sequence[int], int | Sequence[int]]


@composite
def tensordot(a: Value, b: Value, axes: Axes = 2) -> Value:
    """Sum of products over pairs of axes; the result has the other axes of a, then those of b.

    `axes` is how many to sum, the last of a with the first of b in order, or a pair: the axes of a
    and those of b. Lengths must be equal, as in NumPy (PyTorch broadcasts length 1).

    >>> tensordot(np.ones((2, 3, 5)), np.ones((5, 2)), ((0, 2), (1, 0))).shape
    (3,)
    """
    a, b = (x if isinstance(x, Node) else np.asarray(x) for x in (a, b))
    if isinstance(axes, int | np.integer):
        limit = min(a.ndim, b.ndim)
        if not 0 <= axes <= limit:
            message = "axes of tensordot is out of range"
            received = f"axes={axes}, arrays of shapes {a.shape} and {b.shape}"
            raise ShapeError(message, received=received, expected=f"0 to {limit}")
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    pairs = zip(axes, (a, b), strict=True)
    left, right = (list(normalize_axis_tuple(summed, x.ndim, "axes")) for summed, x in pairs)
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        message = "the axes summed by tensordot differ in length or number"
        received = f"axes {left} of shape {a.shape} and axes {right} of shape {b.shape}"
        raise ShapeError(message, received=received)
    rows = [axis for axis in range(a.ndim) if axis not in left]
    columns = [axis for axis in range(b.ndim) if axis not in right]
    shape = [a.shape[axis] for axis in rows], [b.shape[axis] for axis in columns]
    n = math.prod(a.shape[axis] for axis in left)
    a = np.reshape(np.transpose(a, rows + left), (math.prod(shape[0]), n))
    b = np.reshape(np.transpose(b, right + columns), (n, math.prod(shape[1])))
    return np.reshape(matmul(a, b), shape[0] + shape[1])


@composite
def dot(a: Value, b: Value) -> Value:
    """Product of a's last axis with b's last but one, or its only one: y = sum_k a[..k] b[..k, :].

    As NumPy's dot: for vectors the inner product, for matrices the matrix product, with a number
    the multiple. Beyond two axes on both sides the result has all other axes, (..a, ..b, m).

    >>> dot(np.ones((5, 2, 3)), np.ones((5, 3, 4))).shape
    (5, 2, 5, 4)
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(a) > 1 and np.ndim(b) > 2:
        return tensordot(a, b, (-1, -2))
    return matmul(a, b)


@composite
def outer(a: Value, b: Value) -> Value:
    """Outer product of the elements in order, y_ij = a_i b_j, of shape (a.size, b.size)."""
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


def _letters(subscripts: str, operands: Sequence[Value]) -> tuple[list[str], str]:
    """Return each operand's letters and the output's, one for each axis, without ellipses."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:  # NumPy's rule: the letters that occur once, in alphabetical order
        once = sorted(c for c in set(left) - {",", "."} if left.count(c) == 1)
        output = "..." * ("..." in left) + "".join(once)
    free = "".join(c for c in LETTERS if c not in subscripts)
    pairs = zip(terms, operands, strict=True)
    hidden = [np.ndim(x) - len(term.replace("...", "")) for term, x in pairs]  # axes under "..."
    shared = [free[max(hidden) - n : max(hidden)] for n in hidden]  # counted from the last axis
    terms = [term.replace("...", under) for term, under in zip(terms, shared, strict=True)]
    return terms, output.replace("...", free[: max(hidden)])


def _expanded(d: Value, kept: str, term: str, shape: tuple[int, ...]) -> Value:
    """Return `d`, with the axes `kept`, repeated to `shape` with the axes `term`."""
    first = [term.index(c) for c in term]
    here = [c in kept and first[i] == i for i, c in enumerate(term)]
    d = d.reshape(tuple(n if yes else 1 for n, yes in zip(shape, here, strict=True)))
    for i, j in enumerate(first):
        if j < i:  # of a repeated letter only the diagonal is filled
            places = np.ogrid[tuple(slice(n) for n in shape)]
            d = np.where(np.equal(places[i], places[j]), d, 0.0)
    return d if d.shape == shape else np.broadcast_to(d, shape)


def _einsum_rule(
    k: int, g: Value, y: Value, subscripts: str, *operands: Value, **options: Value
) -> Value:
    """Return the gradient of the k-th operand: an einsum of g, in its place, and the others."""
    terms, output = _letters(subscripts, operands)
    term, shape = terms[k], np.shape(operands[k])
    size = dict(zip(term, shape, strict=True))
    terms[k] = output
    # A letter of length 1 here was broadcast if it is longer elsewhere: it is summed.
    kept = "".join(c for c in size if size[c] != 1 and any(c in letters for letters in terms))
    form = f"{','.join(terms)}->{kept}"
    d = einsum(form, *operands[:k], g, *operands[k + 1 :], **options)
    # Nor must a letter that is longer here, and of length 1 elsewhere, be missing in d.
    lengths = zip(kept, d.shape, strict=True)
    d = np.broadcast_to(d, tuple(size[c] if n == 1 else n for c, n in lengths))
    return _expanded(d, kept, term, shape)


@primitive(None, rule_at=lambda position: functools.partial(_einsum_rule, position - 1))
def einsum(subscripts: str, *operands: Value, optimize: Value = False) -> Value:
    """Sum of products in Einstein's notation: each axis has a letter; those not in the output go.

    For operands A, B with letters a, b and output c, y_c = sum A_a B_b, and dL/dA_a is the sum of
    g_c B_b over the letters that are not in a: an einsum again, "c,b->a".

    Parameters
    ----------
    subscripts : str
        As in NumPy: "ij,jk->ik"; without "->" the output is the letters that occur once, in
        alphabetical order; "..." stands for any further axes, which are broadcast. NumPy's other
        form, of operands and lists of numbers, raises an ArgumentError.
    *operands : array_like
        One for each group of letters; a ShapeError says that they do not fit.
    optimize : bool, str or path, default False
        The order of summation, as in NumPy; the rules use it as well.

    Examples
    --------
    >>> einsum("ij,jk->ik", [[0.0, 1.0], [2.0, 3.0]], np.eye(2)).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    if not isinstance(subscripts, str):
        message = f"must be text, got a {type(subscripts).__name__}"
        raise ArgumentError(message, argument="subscripts", hint='Write einsum("ij,jk->ik", a, b).')
    return np.einsum(subscripts, *operands, optimize=optimize)
