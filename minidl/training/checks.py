"""Checks for mistakes that raise no error themselves.

The run would train nothing, or not what was meant.
"""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minidl.autograd import Array
from minidl.checks import is_minidl, refuse_class
from minidl.errors import (
    ArgumentError,
    CallError,
    DivergenceWarning,
    UntrainedWarning,
    WorseLossWarning,
    shown,
)
from minidl.nn import Layer, Loss, ParameterVector, Sequential, Sigmoid, Softmax
from minidl.nn.binary_losses import BinaryCrossEntropy, Focal
from minidl.nn.parameters import Checksums
from minidl.nn.softmax_losses import SoftmaxLoss
from minidl.optim import Optimizer
from minidl.text import counted

DIVERGED = 1e4  # times the initial loss
LEAST = 1e-3  # as which a smaller initial loss counts: a run may begin at its minimum
FURTHER = 100  # steps in which an optimizer that accumulates gradients must change the weights


def check_model(model: object) -> None:
    """Raise unless this is a Layer, and not its class."""
    refuse_class("model", model, Layer)
    if not isinstance(model, Layer):
        raise ArgumentError("model is not a layer", received=shown(model), expected="nn.mlp(...)")


def check_continuation(trainer: Any, validated: bool) -> None:
    """Check that a run can be continued, and reset how the last call ended."""
    if trainer.fitting:
        hint = 'A callback changes settings, or ends the run: trainer.stop("why").'
        raise CallError("fit is called by a callback of the same fit", hint=hint)
    history, steps, begun = trainer.history, trainer.optimizer.step_count, trainer.recorded >= 0
    trainer.optimizer.note_attributes()
    if not begun and steps:
        problem = "this optimizer has already taken steps in another run"
        received = f"{trainer.optimizer!r} after {counted(steps, 'step')}"
        hint = "Give each Trainer a new optimizer, or call optimizer.reset()."
        raise ArgumentError(problem, received=received, hint=hint)
    if begun and trainer.recorded == trainer.epoch and not trainer.cursor:
        check_owner(trainer.optimizer, int(history.entry("updates", -1)))
    if begun and ("validation_loss" in history) != validated:
        problem = "must be given in every fit() of a Trainer, or in none"
        raise ArgumentError(problem, argument="validation")
    if begun and ("look_ahead_loss" in history) != trainer.look_ahead:
        raise ArgumentError("cannot change during a run", argument="look_ahead")
    trainer.stop_reason = history.stopped_by = history.diverged_at = None
    history.advice = ""


def check_owner(optimizer: Optimizer, steps: int) -> None:
    """Raise if an optimizer that had taken so many steps in a run has taken others since."""
    if optimizer.step_count not in (0, steps):  # 0 after a reset
        problem = "this optimizer has taken steps in another run since the last fit"
        steps_taken = counted(optimizer.step_count, "step")
        received = f"{optimizer!r} after {steps_taken}, {steps} of them here"
        hint = "Give each Trainer a separate optimizer."
        raise ArgumentError(problem, received=received, hint=hint)


def check_logits(model: Layer, loss: Loss) -> None:
    """Raise if a model ends with the sigmoid or softmax that its loss contains already."""
    output_layer = model.layers[-1] if isinstance(model, Sequential) else model
    for activation, criteria in ((Sigmoid, (BinaryCrossEntropy, Focal)), (Softmax, SoftmaxLoss)):
        if isinstance(output_layer, activation) and isinstance(loss, criteria):
            name = activation.__name__
            problem = f"{type(loss).__name__} takes logits, and the model ends with {name}"
            hint = f"Leave {name} out: the loss contains it, in a stable form."
            raise ArgumentError(problem, received=shown(model), hint=hint)


def check_first_epoch(
    optimizer: Optimizer, before: Array, parameters: ParameterVector, running: float
) -> None:
    """Raise if a custom optimizer has trained nothing in the first epoch.

    `before` are the weights before the epoch, `parameters` those after it with the gradient of the
    last batch, and `running` is the mean loss of the batches, nan if nobody asked for a gradient.
    """
    g, w, cls = parameters.grad, parameters.value, type(optimizer.chain()[-1])
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


def _may_train(optimizer: Optimizer, w: Array, g: Array) -> bool:
    """Return True unless it is custom, skips no gradient and would not write into w."""
    if optimizer.gradient_evaluations < optimizer.step_count:
        return True
    if all(map(is_minidl, optimizer.chain())):
        return True
    vector = w.copy()
    vector.flags.writeable = False
    try:
        copied = copy.deepcopy(optimizer)
        for _ in range(FURTHER):  # it may write once in so many steps
            copied.step(vector, lambda point: g.copy())
    except Exception:  # it writes into the vector, or has failed
        return True
    return False


def check_stacked(optimizer: Optimizer) -> None:
    """Raise if an optimizer of several networks keeps state that is not one row for each."""
    undeclared = optimizer.state.keys() - set(optimizer.state_names)
    if names := [*optimizer.own_state(), *sorted(undeclared)]:
        cls = type(optimizer).__name__
        problem = f"{cls} has replicas = True, but keeps state in {', '.join(names)}"
        hint = "Declare it as vectors, state_names = (...), or leave out replicas = True."
        raise ArgumentError(problem, hint=hint)


def undeclared_state(model: Layer, before: Checksums | None = None) -> str | None:
    """Return a sentence that names arrays of custom layers that changed but are not buffers."""
    if not (names := model.undeclared(before)):
        return None
    *_, holder, attribute = ["", *names[0].split(".")]
    target, several = f"{holder}[{attribute}]" if attribute.isdigit() else attribute, len(names) > 1
    return (
        f"{', '.join(names)} changed in training but {'are' if several else 'is'} not an"
        f" nn.Buffer, so {'they are' if several else 'it is'} neither saved nor restored with the"
        f" model. In __init__, write self.{target} = nn.Buffer(...), and in forward write into it:"
        f" self.{target}[...] = ..."
    )


def warnings_after(
    trainer: Any, before: Checksums, untrained_before: str
) -> Iterator[tuple[str, type[Warning]]]:
    """Yield what ``fit`` warns of at its end; `untrained_before` was said earlier."""
    history = trainer.history
    if history.advice:
        yield history.advice, DivergenceWarning if history.diverged else WorseLossWarning
    if trainer.untrained != untrained_before:
        yield trainer.untrained, UntrainedWarning
    if message := undeclared_state(trainer.model, before):
        yield message, UserWarning


def check_reproducible(network: Layer, rebuilt: Layer, seed: int) -> None:
    """Raise if two networks that ``model(seed)`` returned have different weights."""
    pairs = zip(network.named_parameters(), rebuilt.named_parameters(), strict=False)
    if not all(np.array_equal(p.data, q.data) for (_, p), (_, q) in pairs):
        problem = f"ignores its seed: two networks for seed {seed} have different weights"
        hint = "Give the seed to the network: lambda seed: nn.mlp(..., seed=seed)."
        raise ArgumentError(problem, argument="model", hint=hint)


def too_large(losses: Array, initial: ArrayLike, of_zeros: Callable[[], Array]) -> Array:
    """Return where a loss is not finite, or above 10^4 times the initial one and that of outputs 0.

    The latter, `of_zeros`, has the scale of the targets: a run may begin at its minimum. It is only
    asked for if a loss is large, and an initial loss counts as 0.001 at least.
    """
    limits = DIVERGED * np.maximum(np.abs(initial), LEAST)
    above: Array = ~(losses <= limits)
    if above.any() and np.isfinite(losses[above]).any():
        above = ~(losses <= np.maximum(limits, DIVERGED * of_zeros()))
    return above
