"""Optimizers: each a formula on one vector and a function that gives the gradient anywhere.

It may import registry, checks and errors; it knows no layer, no batch and no epoch.
"""

from minidl.optim.base import Gradient, Hyperparameter, Optimizer, learning_rate, momentum
from minidl.optim.gradient_descent import GradientDescent
from minidl.optim.momentum import NAG, Momentum, ReformulatedNAG
from minidl.optim.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearWarmup,
    NesterovMomentum,
    Schedule,
    StepDecay,
    SutskeverMomentum,
)
from minidl.optim.table import OPTIMIZERS, SGD, TABLE, BatchSize, Entry, lookup

__all__ = [
    "NAG",
    "OPTIMIZERS",
    "SGD",
    "TABLE",
    "BatchSize",
    "CosineDecay",
    "Entry",
    "ExponentialDecay",
    "Gradient",
    "GradientDescent",
    "Hyperparameter",
    "LinearWarmup",
    "Momentum",
    "NesterovMomentum",
    "Optimizer",
    "ReformulatedNAG",
    "Schedule",
    "StepDecay",
    "SutskeverMomentum",
    "learning_rate",
    "lookup",
    "momentum",
]
