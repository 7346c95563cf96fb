"""Every differentiable operation: each one block, its formula and its rules together."""

from minidl.autograd.ops.activations import *  # noqa: F403
from minidl.autograd.ops.elementwise import *  # noqa: F403
from minidl.autograd.ops.losses import *  # noqa: F403
from minidl.autograd.ops.products import *  # noqa: F403
from minidl.autograd.ops.reductions import *  # noqa: F403
from minidl.autograd.ops.shapes import *  # noqa: F403
