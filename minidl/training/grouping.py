"""Which networks can be trained together as one block."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from minidl.nn import Layer
from minidl.training.callbacks import StopRule
from minidl.training.trainer import Trainer

__all__ = ["block_key"]


def block_key(trainer: Trainer) -> Hashable | None:
    """Return what must be equal for two networks to be one block; None if it must train alone.

    All layers, the loss and the optimizer must be minidl's own, or of a class with ``replicas =
    True``; and the only callbacks are those that decide on recorded columns when to stop.
    """
    layers, vector = list(_layers(trainer.model)), trainer.objective.vector
    optimizer = trainer.optimizer
    rules = [isinstance(c, StopRule) and _is_minidl(c) for c in trainer.callbacks]
    parts = [*(layer for layer, _ in layers), trainer.loss, optimizer]
    buffers = list(trainer.model.named_buffers())
    if trainer.cursor or buffers or not all(rules) or not all(map(_knows_replicas, parts)):
        return None
    return (
        tuple(repr(layer) if _is_minidl(layer) and leaf else type(layer) for layer, leaf in layers),
        repr(trainer.loss),
        type(optimizer),
        tuple((p.shape, p.dtype.char, p.penalized, p.requires_grad) for p in vector),
        vector.names,
        (trainer.batch_size, trainer.shuffle, trainer.measure_every, trainer.look_ahead),
        trainer.objective.penalty.strength,
        (trainer.epoch, trainer.samples, optimizer.step_count, optimizer.gradient_evaluations),
    )


def _layers(layer: Layer) -> Iterator[tuple[Layer, bool]]:
    """Yield each layer, and whether it has no layers within it."""
    children = [child for _, child in layer.children()]
    yield layer, not children
    for child in children:
        yield from _layers(child)


def _is_minidl(part: object) -> bool:
    return type(part).__module__.split(".")[0] == "minidl"


def _knows_replicas(part: object) -> bool:
    """Return True if a part works on a leading axis of networks."""
    cls = type(part)
    if any(callable(getattr(cls, name, None)) for name in vars(part)):
        return False  # a method of this object has been replaced, such as a layer's forward
    declared = vars(cls).get("replicas")  # not inherited: a subclass may do anything
    return _is_minidl(part) if declared is None else bool(declared)
