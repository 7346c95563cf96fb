"""Optimizers: each a formula on one vector and a function that gives the gradient anywhere.

It may import registry, checks and errors; it knows no layer, no batch and no epoch.
"""

from typing import TYPE_CHECKING

from minidl.keywords import attribute_of
from minidl.optim import adam, adam_relatives, adaptive, rules, schedules, signs, table
from minidl.optim.adam import *  # noqa: F403
from minidl.optim.adam_relatives import *  # noqa: F403
from minidl.optim.adaptive import *  # noqa: F403
from minidl.optim.base import Gradient, Optimizer
from minidl.optim.hyperparameters import Hyperparameter, learning_rate, momentum
from minidl.optim.rules import *  # noqa: F403
from minidl.optim.schedules import *  # noqa: F403
from minidl.optim.signs import *  # noqa: F403
from minidl.optim.table import *  # noqa: F403

__all__ = ["Gradient", "Hyperparameter", "Optimizer", "learning_rate", "momentum"]
__all__ += rules.__all__ + adam.__all__ + adam_relatives.__all__
__all__ += adaptive.__all__ + signs.__all__
__all__ += schedules.__all__
__all__ += table.__all__

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
    for _room in (rules, schedules, table, adam, adam_relatives, adaptive, signs):
        _room.__getattr__ = __getattr__
