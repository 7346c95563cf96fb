"""Networks: layers on one parameter vector, activations, initializers and losses.

It may import autograd, streams, registry, checks and errors; it knows no optimizer and no data.
"""

from typing import TYPE_CHECKING

from minidl.keywords import attribute_of
from minidl.nn import activations, initializers, layers, losses, norms
from minidl.nn.activations import *  # noqa: F403
from minidl.nn.initializers import *  # noqa: F403
from minidl.nn.layer import Layer
from minidl.nn.layers import *  # noqa: F403
from minidl.nn.losses import *  # noqa: F403
from minidl.nn.norms import *  # noqa: F403
from minidl.nn.parameters import Buffer, Parameter, ParameterVector
from minidl.nn.penalty import L1Penalty, L2Penalty
from minidl.nn.sequential import Sequential, mlp

__all__ = ["Buffer", "L1Penalty", "L2Penalty", "Layer", "Parameter", "ParameterVector"]
__all__ += ["Sequential", "mlp"]
__all__ += activations.__all__
__all__ += initializers.__all__
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += norms.__all__

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
    for _room in (activations, initializers, layers, losses, norms):  # nn.layers.Linear
        _room.__getattr__ = __getattr__
