"""Every differentiable operation: its formula and its rules in one block, or one row of a table.

Networks use the modules of this folder; `extra` is more of NumPy, on top of them.
"""

from types import ModuleType as _Module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from minidl.autograd.ops import choices as choices
from minidl.autograd.ops import methods
from minidl.autograd.ops.activations import *  # noqa: F403
from minidl.autograd.ops.cross_entropy import *  # noqa: F403
from minidl.autograd.ops.elementwise import *  # noqa: F403
from minidl.autograd.ops.extra.activations import *  # noqa: F403
from minidl.autograd.ops.extra.arranging import *  # noqa: F403
from minidl.autograd.ops.extra.averages import *  # noqa: F403
from minidl.autograd.ops.extra.contractions import *  # noqa: F403
from minidl.autograd.ops.extra.diagonals import *  # noqa: F403
from minidl.autograd.ops.extra.joining import *  # noqa: F403
from minidl.autograd.ops.extra.linalg import *  # noqa: F403
from minidl.autograd.ops.extra.more_activations import *  # noqa: F403
from minidl.autograd.ops.extra.norms import *  # noqa: F403
from minidl.autograd.ops.extra.ordering import *  # noqa: F403
from minidl.autograd.ops.extra.products import *  # noqa: F403
from minidl.autograd.ops.extra.reductions import *  # noqa: F403
from minidl.autograd.ops.extra.rounding import *  # noqa: F403
from minidl.autograd.ops.extra.scans import *  # noqa: F403
from minidl.autograd.ops.extra.special import *  # noqa: F403
from minidl.autograd.ops.extra.stacking import *  # noqa: F403
from minidl.autograd.ops.losses import *  # noqa: F403
from minidl.autograd.ops.reductions import *  # noqa: F403
from minidl.autograd.ops.shapes import *  # noqa: F403
from minidl.autograd.ops.ufuncs import *  # noqa: F403
from minidl.keywords import attribute_of as _attribute_of

_OPERATIONS = {
    name: value
    for name, value in globals().items()
    if not name.startswith("_") and not isinstance(value, _Module)
}
__all__ = sorted(_OPERATIONS)  # noqa: PLE0605
methods.attach(_OPERATIONS)

if not _TYPE_CHECKING:
    for _name in [n for n, v in globals().items() if isinstance(v, _Module)]:
        del globals()[_name]  # files are not operations: ops.cross_entropy, ops.losses
    __getattr__ = _attribute_of("minidl.ops")
