"""Whether a run can be compiled, as far as it is known before a step is recorded."""

from __future__ import annotations

from typing import Any

from minidl.autograd.node import STATE
from minidl.checks import is_minidl, replaced
from minidl.engine import NotRecordable, is_custom, reached
from minidl.nn.layer import parts_of
from minidl.optim import Optimizer
from minidl.optim.attributes import fingerprint, plain
from minidl.training.data import HALF_WIDTH, LARGE
from minidl.training.measure import Objective
from minidl.training.structure import methods_of


def against(run: Any, epoch: Any) -> str:
    """Return why a run cannot be compiled, as far as is known before it is recorded, or ""."""
    if STATE.debugger is not None or not STATE.recording:
        return "operations are watched by debug(), or not recorded"
    X = epoch.data.train.X
    if X.dtype != run.objective.vector.value.dtype:
        return "large inputs are converted batch by batch"
    if epoch.data.n in HALF_WIDTH or (X.nbytes > LARGE and not X.flags.c_contiguous):
        return "large data are gathered batch by batch"
    return ""


def check_state(run: Any) -> None:
    """Raise if the optimizer's state is not what it declares, or of another type than w."""
    optimizer, dtype = run.optimizer, run.objective.vector.value.dtype
    if optimizer.state.keys() != set(optimizer.state_names):
        raise NotRecordable("the optimizer keeps state that it does not declare")
    for name, array in optimizer.state.items():
        if array.dtype != dtype:
            raise NotRecordable(f"state {name} is {array.dtype}, the weights are {dtype}")
    check_buffers(run)


def check_buffers(run: Any) -> None:
    """Raise if a buffer has another type than the weights."""
    dtype = run.objective.vector.value.dtype
    for name, array in run.buffers().items():
        if array.dtype != dtype:
            raise NotRecordable(f"the buffer {name} is {array.dtype}, the weights are {dtype}")


def is_ours(objective: Objective, optimizer: Optimizer) -> bool:
    """Return whether no part of a step is custom; minidl's own parts are tested, all of them."""
    parts = [*parts_of(objective.model), objective.loss, *optimizer.chain()]
    return not any(map(is_custom, parts))


def settings_of(run: Any) -> Any:
    """Return what a recording holds that may change between steps, as a key."""
    parts: list[Any] = [*parts_of(run.objective.model), run.objective.loss]
    held = [vars(part) for part in parts if is_minidl(part)] + [run.optimizer.attributes()]
    settings = [{name: value for name, value in own.items() if plain(value)} for own in held]
    custom = reached([*parts, *run.optimizer.chain()])
    # With the class and methods, since an id may be that of a part before
    forms = tuple((id(part), *methods_of(part), *replaced(part)) for part in parts)
    return forms, custom, *map(fingerprint, settings)
