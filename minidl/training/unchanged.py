"""All or nothing: if a block raises, a Trainer is as it was before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from minidl.nn.layer import parts_of
from minidl.optim.attributes import snapshot
from minidl.training.single import SingleRun


@contextlib.contextmanager
def all_or_nothing(trainer: SingleRun) -> Iterator[None]:
    """Give a Trainer, its model, optimizer and callbacks their attributes back after an error."""
    model, optimizer, objective = trainer.model, trainer.optimizer, trainer.objective
    parts = [trainer, trainer.hooks, *optimizer.chain(), objective.loss]
    parts += [objective.penalty, objective.l1_penalty]
    parts += [*parts_of(model), *trainer.hooks.callbacks]
    before = [_attributes(part) for part in parts]
    value, grad = objective.vector.value.copy(), objective.vector.grad.copy()
    needed = [(p, p.requires_grad) for _, p in model.named_parameters()]
    buffers = model.copy_buffers()
    try:
        yield
    except BaseException:
        for part, attributes in zip(parts, before, strict=True):
            current = vars(part)
            for name in current.keys() - attributes.keys():
                del current[name]
            current.update(attributes)
        objective.vector.value[...], objective.vector.grad[...] = value, grad
        for parameter, trained in needed:
            parameter.requires_grad = trained
        for name, array in model.named_buffers():
            array[...] = buffers[name]
        raise


def _attributes(part: object) -> dict[str, Any]:
    """Return the attributes of an object, with copies of those that are plain containers."""
    copies = snapshot({n: v for n, v in vars(part).items() if isinstance(v, (list, dict, set))})
    return vars(part) | {name: copy for name, (copy, _) in copies.items()}
