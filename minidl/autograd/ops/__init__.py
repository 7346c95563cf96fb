"""Every differentiable operation: each one block, its formula and its rules together."""

from minidl.autograd.ops import (
    activations,
    contractions,
    cross_entropy,
    diagonals,
    elementwise,
    indexing,
    joining,
    losses,
    norms,
    products,
    reductions,
    shapes,
    transcendental,
)
from minidl.autograd.ops.activations import *  # noqa: F403
from minidl.autograd.ops.contractions import *  # noqa: F403
from minidl.autograd.ops.cross_entropy import *  # noqa: F403
from minidl.autograd.ops.diagonals import *  # noqa: F403
from minidl.autograd.ops.elementwise import *  # noqa: F403
from minidl.autograd.ops.indexing import *  # noqa: F403
from minidl.autograd.ops.joining import *  # noqa: F403
from minidl.autograd.ops.losses import *  # noqa: F403
from minidl.autograd.ops.norms import *  # noqa: F403
from minidl.autograd.ops.products import *  # noqa: F403
from minidl.autograd.ops.reductions import *  # noqa: F403
from minidl.autograd.ops.shapes import *  # noqa: F403
from minidl.autograd.ops.transcendental import *  # noqa: F403

_FAMILIES = (
    activations,
    contractions,
    cross_entropy,
    diagonals,
    elementwise,
    indexing,
    joining,
    losses,
    norms,
    products,
    reductions,
    shapes,
    transcendental,
)
__all__ = sorted(name for family in _FAMILIES for name in family.__all__)  # noqa: PLE0605
