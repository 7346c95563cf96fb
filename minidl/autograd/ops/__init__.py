"""Every differentiable operation: its formula and its rules in one block, or one row of a table."""

from minidl.autograd.ops import (
    activations,
    contractions,
    cross_entropy,
    diagonals,
    elementwise,
    joining,
    losses,
    norms,
    products,
    reductions,
    shapes,
    ufuncs,
)  # fmt: skip
from minidl.autograd.ops.activations import *  # noqa: F403
from minidl.autograd.ops.contractions import *  # noqa: F403
from minidl.autograd.ops.cross_entropy import *  # noqa: F403
from minidl.autograd.ops.diagonals import *  # noqa: F403
from minidl.autograd.ops.elementwise import *  # noqa: F403
from minidl.autograd.ops.joining import *  # noqa: F403
from minidl.autograd.ops.losses import *  # noqa: F403
from minidl.autograd.ops.methods import attach
from minidl.autograd.ops.norms import *  # noqa: F403
from minidl.autograd.ops.products import *  # noqa: F403
from minidl.autograd.ops.reductions import *  # noqa: F403
from minidl.autograd.ops.shapes import *  # noqa: F403
from minidl.autograd.ops.ufuncs import *  # noqa: F403

_FAMILIES = (
    activations, contractions, cross_entropy, diagonals, elementwise, joining, losses, norms,
    products, reductions, shapes, ufuncs,
)  # fmt: skip
_OPERATIONS = {name: vars(family)[name] for family in _FAMILIES for name in family.__all__}
__all__ = sorted(_OPERATIONS)  # noqa: PLE0605
attach(_OPERATIONS)
