"""Which networks can be trained as one computation: those of known parts that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minidl.nn import Layer
from minidl.training.trainer import Trainer

__all__ = ["Mark", "alike", "kind_of"]


def alike(trainers: Sequence[Trainer]) -> bool:
    """Tell whether these networks differ in nothing but numbers that can have a leading axis.

    All layers, the loss and the optimizer must be minidl's own, or of a class that says
    ``replicas = True``: it works on the last two axes, (rows, features), of arrays with one axis
    more, treats a vector (R, P) row by row, and keeps nothing but parameters and ``state``.
    """
    kinds = [kind_of(one) for one in trainers]
    return kinds[0] is not None and all(kind == kinds[0] for kind in kinds)


def kind_of(trainer: Trainer) -> Any:
    """Return what must be equal for two trainers to be alike, or None if a part is not known."""
    kind = _kind(trainer)
    optimizer = trainer.optimizer
    so_far = trainer.epoch, trainer.samples, optimizer.step_count, optimizer.gradient_evaluations
    return kind and (kind, so_far)


def _kind(trainer: Trainer) -> Any:
    """Return what may not change either, or None if a part is not known."""
    layers = list(_layers(trainer.model))  # one that occurs twice is there twice
    if not all(map(_known, [*(one for one, _ in layers), trainer.loss, trainer.optimizer])):
        return None
    vector = trainer.model.parameters
    parameters = [
        (name, p.shape, p.dtype, p.penalized, p.requires_grad)
        for name, p in zip(vector.names, vector, strict=True)
    ]
    described = [  # that of a Sequential would show what is in it
        repr(layer) if _own(layer) and not within else type(layer) for layer, within in layers
    ]
    penalty = trainer.objective.penalty.strength
    common = (trainer.batch_size, trainer.shuffle, trainer.look_ahead, penalty)
    return described, repr(trainer.loss), type(trainer.optimizer), parameters, common


def _layers(layer: Layer) -> Iterator[tuple[Layer, bool]]:
    """Yield each layer, and whether there are layers within it."""
    children = [child for _, child in layer.children()]
    yield layer, bool(children)
    for child in children:
        yield from _layers(child)


def _own(part: object) -> bool:
    return type(part).__module__.split(".")[0] == "minidl"


def _known(part: object) -> bool:
    kind = type(part)
    if any(callable(getattr(kind, name, None)) for name in vars(part)):
        return False  # a method has been replaced in this object alone, such as a layer's forward
    said = vars(kind).get("replicas")  # not inherited: a subclass may do anything
    return _own(part) if said is None else bool(said)


class Mark:
    """What callbacks may not change while a network is trained together with others."""

    def __init__(self, trainer: Trainer) -> None:
        self.kind = _kind(trainer)
        self.renew(trainer)

    def renew(self, trainer: Trainer) -> None:
        """Take over what the block itself has changed: the number of steps, and the state."""
        optimizer = trainer.optimizer
        self.steps = optimizer.step_count
        self.objects = [trainer.model, trainer.loss, optimizer, *optimizer.state.values()]

    def still(self, trainer: Trainer) -> bool:
        """Tell whether that is as it was."""
        now = Mark(trainer)
        same = [a is b for a, b in zip(self.objects, now.objects, strict=False)]
        alike = len(self.objects) == len(now.objects) and all(same) and self.steps == now.steps
        return alike and self.kind == now.kind
