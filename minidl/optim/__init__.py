"""Optimizers: each a formula on one vector and a function that gives the gradient anywhere.

It may import registry, checks and errors; it knows no layer, no batch and no epoch.
"""

from typing import TYPE_CHECKING

from minidl.keywords import attribute_of
from minidl.optim import (
    adam,
    adam_relatives,
    adaptive,
    cycles,
    modifiers,
    restarts,
    rules,
    schedules,
    signs,
    table,
)  # fmt: skip
from minidl.optim.adam import *  # noqa: F403
from minidl.optim.adam_relatives import *  # noqa: F403
from minidl.optim.adaptive import *  # noqa: F403
from minidl.optim.base import Gradient, Optimizer
from minidl.optim.cycles import *  # noqa: F403
from minidl.optim.hyperparameters import Hyperparameter, learning_rate, momentum
from minidl.optim.modifiers import *  # noqa: F403
from minidl.optim.restarts import *  # noqa: F403
from minidl.optim.rules import *  # noqa: F403
from minidl.optim.schedules import *  # noqa: F403
from minidl.optim.signs import *  # noqa: F403
from minidl.optim.table import *  # noqa: F403

__all__ = ["Gradient", "Hyperparameter", "Optimizer", "learning_rate", "momentum"]
__all__ += rules.__all__ + adam.__all__ + adam_relatives.__all__
__all__ += adaptive.__all__ + signs.__all__
__all__ += modifiers.__all__ + restarts.__all__
__all__ += schedules.__all__ + cycles.__all__
__all__ += table.__all__

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
    _rooms = (adam, adam_relatives, adaptive, cycles, modifiers, restarts)
    for _room in (*_rooms, rules, schedules, signs, table):  # optim.schedules.StepLR
        _room.__getattr__ = __getattr__
