"""Networks: layers on one parameter vector, activations, initializers and losses.

It may import autograd, streams, registry, checks and errors; it knows no optimizer and no data.
"""

from minidl.nn.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    activation,
)
from minidl.nn.dense import Dense
from minidl.nn.dropout import Dropout
from minidl.nn.initializers import (
    INITIALIZERS,
    Initializer,
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    initializer,
    lecun_normal,
    lecun_uniform,
    orthogonal,
    zeros,
)
from minidl.nn.layer import Layer
from minidl.nn.losses import (
    LOSSES,
    BinaryCrossEntropy,
    Hinge,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
    loss,
)
from minidl.nn.parameters import Buffer, Parameter, ParameterVector
from minidl.nn.penalty import L2Penalty
from minidl.nn.sequential import Sequential, mlp

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "INITIALIZERS",
    "LOSSES",
    "SELU",
    "Activation",
    "BinaryCrossEntropy",
    "Buffer",
    "Dense",
    "Dropout",
    "Hinge",
    "Huber",
    "Identity",
    "Initializer",
    "L2Penalty",
    "Layer",
    "LeakyReLU",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Parameter",
    "ParameterVector",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "Tanh",
    "activation",
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "initializer",
    "lecun_normal",
    "lecun_uniform",
    "loss",
    "mlp",
    "orthogonal",
    "zeros",
]
