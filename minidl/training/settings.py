"""Settings that callbacks may change during a run, so that a saved run has them too."""

from collections.abc import Iterator, Mapping
from typing import Any

from minidl.errors import ArgumentError
from minidl.nn.layer import parts_of
from minidl.training.data import rows_per_batch
from minidl.training.loop import Run


def settings_of(run: Run) -> dict[str, Any]:
    """Return each setting by a name, such as ``optimizer.lr``; schedules are not among them."""
    return {name: getattr(owner, attribute) for name, owner, attribute in _places(run)}


def check_settings(run: Run) -> dict[str, Any]:
    """Return the settings to save; a hyperparameter that has become a schedule is an error."""
    settings = settings_of(run)
    for name, value in run.optimizer.hyperparameters.items():
        if callable(value) and f"optimizer.{name}" in run.started_with:
            problem = f"{name} has become a schedule during the run, which a file cannot hold"
            hint = f"Give the schedule to the optimizer from the start: {name}=..."
            raise ArgumentError(problem, received=repr(value), hint=hint)
    return settings


def take_over_changes(run: Run, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Give a run the settings that changed during a saved run.

    A setting that differs from the one with which the saved run began is kept: it was chosen on
    purpose. Values of another type than the settings are a TypeError.
    """
    for name, owner, attribute in list(_places(run)):
        if name not in before or name not in after:
            continue
        current = getattr(owner, attribute)
        if current == before[name] != after[name]:
            if name == "batch_size":
                rows_per_batch(after[name], 1)
            elif not isinstance(after[name], type(current)):
                raise TypeError(f"{name} is {after[name]!r}, and not a {type(current).__name__}")
            setattr(owner, attribute, after[name])
    for name, value in after.items():  # a number in place of a schedule
        owner_name, _, attribute = name.partition(".")
        is_hyperparameter = attribute in run.optimizer.hyperparameters
        if owner_name == "optimizer" and is_hyperparameter and before and name not in before:
            setattr(run.optimizer, attribute, value)


def _places(run: Run) -> Iterator[tuple[str, Any, str]]:
    """Yield the name of each setting, and the object and attribute that hold it."""
    yield "batch_size", run, "batch_size"
    yield "shuffle", run, "shuffle"
    yield "l2", run.objective.penalty, "strength"
    yield "l1", run.objective.l1_penalty, "strength"
    for name, value in run.optimizer.hyperparameters.items():
        if isinstance(value, float):
            yield f"optimizer.{name}", run.optimizer, name
    for name, parameter in run.objective.model.named_parameters():
        yield f"requires_grad of {name}", parameter, "requires_grad"
    for name, value in vars(run.objective.loss).items():
        if isinstance(value, (bool, int, float, str)):
            yield f"loss.{name}", run.objective.loss, name
    for k, layer in enumerate(parts_of(run.objective.model)):
        for name, value in vars(layer).items():
            if isinstance(value, (bool, int, float, str)):
                yield f"layer {k}.{name}", layer, name
