"""Checks for mistakes that raise no error themselves.

The run would train nothing, or not what was meant.
"""

import math
from collections.abc import Iterator

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl, refuse_class
from minidl.errors import ArgumentError
from minidl.nn import Layer, Loss, ParameterVector, Sequential, Sigmoid, Softmax
from minidl.nn.losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from minidl.nn.parameters import Checksums
from minidl.optim import Optimizer

NAG = "for instance minidl.optim.NAG(lr=0.1, momentum=0.9)"


def check_parts(model: object, optimizer: object) -> None:
    """Raise unless these are a Layer and an Optimizer, and not their classes."""
    refuse_class("model", model, Layer)
    if not isinstance(model, Layer):
        raise ArgumentError("model is not a layer", received=repr(model), expected="nn.mlp(...)")
    refuse_class("optimizer", optimizer, Optimizer)
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError("optimizer is not an Optimizer", received=repr(optimizer), expected=NAG)


def check_logits(model: Layer, loss: Loss) -> None:
    """Raise if a model ends with the sigmoid or softmax that its loss contains already."""
    last = model.layers[-1] if isinstance(model, Sequential) else model
    for activation, criterion in ((Sigmoid, BinaryCrossEntropy), (Softmax, SoftmaxCrossEntropy)):
        if isinstance(last, activation) and isinstance(loss, criterion):
            name = activation.__name__
            problem = f"{criterion.__name__} takes logits, and the model ends with {name}"
            hint = f"Leave {name} out: the loss contains it, in a stable form."
            raise ArgumentError(problem, received=repr(model), hint=hint)


def check_first_epoch(
    optimizer: Optimizer, before: Array, parameters: ParameterVector, running: float
) -> None:
    """Raise if a custom optimizer has trained nothing in the first epoch.

    `before` are the weights before the epoch, `parameters` those after it with the gradient of the
    last batch, and `running` is the mean loss of the batches, nan if nobody asked for a gradient.
    """
    g, w, cls = parameters.grad, parameters.value, type(optimizer)
    method = "update" if cls.step is Optimizer.step else "step"
    if math.isnan(running) and not np.any(g) and not optimizer.gradient_evaluations:
        problem = f"{cls.__name__}.{method} did not evaluate the gradient"
        expected = f"{method}(self, w, grad) to call grad(w), or grad at another point"
        raise ArgumentError(problem, received=repr(optimizer), expected=expected)
    unchanged = np.array_equal(before, w) and np.any(g) and np.all(np.isfinite(g))
    if unchanged and not _may_train(optimizer, w, g):
        problem = f"{cls.__name__} changed no weight in the first epoch, although the gradient is"
        hint = f"Its {method} must write into w: w -= ... or w[...] = ..., because w = w - ..."
        hint += " makes a new array."
        raise ArgumentError(f"{problem} not 0", received=repr(optimizer), hint=hint)


def parts_of(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and all layers within it."""
    yield layer
    for _, child in layer.children():
        yield from parts_of(child)


def _may_train(optimizer: Optimizer, w: Array, g: Array) -> bool:
    """Return True unless it is custom, keeps no state, skips no gradient and leaves w unchanged."""
    counts = optimizer.step_count, optimizer.gradient_evaluations
    known = {"hyperparameters", "state", "step_count", "gradient_evaluations"}
    stores = bool(optimizer.state) or not vars(optimizer).keys() <= known
    if stores or counts[1] < counts[0] or is_minidl(optimizer):
        return True
    vector = w.copy()
    vector.flags.writeable = False
    try:
        optimizer.step(vector, lambda point: g.copy())
    except Exception:  # it writes into the vector, or has failed
        return True
    finally:
        optimizer.step_count, optimizer.gradient_evaluations = counts
    return False


def undeclared_state(model: Layer, before: Checksums | None = None) -> str | None:
    """Return a sentence on arrays of custom layers that training changes, but are no buffers."""
    if not (names := model.undeclared(before)):
        return None
    first, several = names[0].split(".")[-1], len(names) > 1
    return (
        f"{', '.join(names)} {'have' if several else 'has'} changed in training, but"
        f" {'are' if several else 'is'} no nn.Buffer, and so neither saved nor restored with the"
        f" model. Declare it in __init__: self.{first} = nn.Buffer(...), and write into it:"
        f" self.{first}[...] = ..."
    )


def check_reproducible(network: Layer, again: Layer, seed: int) -> None:
    """Raise if two networks that ``model(seed)`` returned have different weights."""
    pairs = zip(network.named_parameters(), again.named_parameters(), strict=False)
    if not all(np.array_equal(first.data, second.data) for (_, first), (_, second) in pairs):
        problem = f"forgets its seed: two networks for seed {seed} have different weights"
        hint = "Give the seed to the network: lambda seed: nn.mlp(..., seed=seed)."
        raise ArgumentError(problem, argument="model", hint=hint)
