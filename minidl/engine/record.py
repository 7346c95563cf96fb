"""Recording: run one step of the general engine on copies, and write down what it computes."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.engine.recorder import Recorder
from minidl.engine.tape import NotRecordable, Tape, difference
from minidl.engine.traced import Traced
from minidl.nn import Layer, ParameterVector
from minidl.optim import Optimizer
from minidl.optim.attributes import changed, snapshot

Batch = tuple[Array, Array, Array | None]  # inputs, targets as the loss prepared them, weights


def record(objective: Any, optimizer: Optimizer, one: Batch, two: Batch) -> Tape:
    """Return the tape of a step of this optimizer on batches of this shape.

    The step is recorded twice, with different numbers: what then differs without having been seen
    is a :class:`NotRecordable`, as is all else that cannot be replayed. `objective`, which is one
    of :mod:`minidl.training.measure`, and `optimizer` are copied and do not change.
    """
    first = _recorded(objective, optimizer, one, 0)
    if words := difference(first, _recorded(objective, optimizer, two, 1)):
        raise NotRecordable(words)
    return first


def _recorded(objective: Any, optimizer: Optimizer, batch: Batch, change: int) -> Tape:
    """Return the tape of one step, from numbers that `change` makes others."""
    objective, optimizer = copy.deepcopy((objective, optimizer))
    recorder = Recorder(Traced)
    with np.errstate(all="ignore"), recorder:
        w = _traced_vector(recorder, objective.vector, change)
        _trace_optimizer(recorder, optimizer, w, change)
        if strength := objective.penalty.strength:
            vars(objective.penalty)["strength"] = recorder.number("l2", strength * (1 + change))
        X, t, weights = (_input(recorder, *pair) for pair in zip("Xtw", batch, strict=True))
        attributes = optimizer.attributes()
        before, evaluations = snapshot(attributes), optimizer.gradient_evaluations
        layers = {id(part): (part, _held(part)) for part in _parts(objective.model)}
        gradient = partial(objective.batch_gradient, X, t, weights, True)
        optimizer.step(w, gradient)
        if names := changed(optimizer.attributes(), before):
            raise NotRecordable(f"{type(optimizer).__name__} keeps state in {names[0]}")
        for part, held in layers.values():
            if names := [name for name, what in _held(part).items() if held.get(name) != what]:
                raise NotRecordable(f"the forward of {type(part).__name__} changes {names[0]}")
        recorder.tape.loss = recorder.operand(objective.value)
    recorder.tape.evaluations = optimizer.gradient_evaluations - evaluations
    return recorder.tape


def _parts(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and all within it."""
    yield layer
    for _, child in layer.children():
        yield from _parts(child)


def _held(layer: Layer) -> dict[str, tuple[int, int]]:
    """Return which objects the attributes of a layer are, and the lengths of containers."""
    return {
        name: (id(value), len(value) if isinstance(value, list | dict | set) else 0)
        for name, value in vars(layer).items()
    }


def _input(recorder: Recorder, name: str, array: Array | None) -> Array | None:
    names = {"X": "X", "t": "t", "w": "weights"}
    return None if array is None else recorder.input(names[name], np.array(array, order="C"))


def _traced_vector(recorder: Recorder, vector: ParameterVector, change: int) -> Array:
    """Make the vector, its gradient and all views of them arrays that are recorded."""
    rng = np.random.default_rng(7)
    vector.value[...] += change * 0.01 * rng.standard_normal(vector.value.shape)
    own = vars(vector)
    own["value"] = recorder.input("w", vector.value)
    own["grad"] = recorder.input("gradient", vector.grad)
    for p in vector:
        p._data = p._data.view(Traced)
        object.__setattr__(p, "_grad", p._grad.view(Traced))  # type: ignore[union-attr]
        vector.gradients[p._order] = p._grad  # type: ignore[assignment]
    return own["value"]  # type: ignore[no-any-return]


def _trace_optimizer(recorder: Recorder, optimizer: Optimizer, w: Array, change: int) -> None:
    """Make state, hyperparameters and the step count values that are recorded."""
    rng = np.random.default_rng(8)
    for name in optimizer.state_names:
        vector = optimizer.state.get(name)
        vector = np.zeros(w.shape, w.dtype) if vector is None else vector
        vector += (0.001 + 0.001 * change) * rng.random(w.shape)
        optimizer.state[name] = recorder.input(f"state {name}", vector)
    counts = vars(optimizer)
    for name, value in optimizer.hyperparameters.items():
        smaller = 1 - 0.001 * change
        if callable(value):
            traced: Any = recorder.schedule(name, value)
        elif isinstance(value, np.ndarray):
            traced = recorder.input(name, value * np.asarray(smaller, value.dtype))
        else:
            traced = recorder.number(name, value * smaller)
        optimizer.hyperparameters[name] = traced
    optimizer.note_attributes()
    recorder.now = max(1, optimizer.step_count) + change
    counts["step_count"] = recorder.number("step_count", recorder.now)
