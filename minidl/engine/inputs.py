"""The inputs of a step that is recorded: copies of what it reads, as values that are followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.engine.recorder import Recorder
from minidl.engine.tape import NotRecordable
from minidl.engine.traced import Traced
from minidl.nn import Layer, ParameterVector
from minidl.optim import Optimizer

Batch = tuple[Array, Array, Array | None]  # inputs, targets as the loss prepared them, weights
SIZES = (0.0, 0.01, 10.0), (0.0, 0.002, 10.0)  # by which weights and state are made others


def trace_rows(recorder: Recorder, batch: Batch) -> list[Array | None]:
    """Return the rows of a batch as arrays that are recorded."""
    return [
        None if array is None else recorder.input(name, np.array(array, order="C"))
        for name, array in zip(("X", "t", "weights"), batch, strict=True)
    ]


def trace_vector(recorder: Recorder, vector: ParameterVector, change: int) -> Array:
    """Make the vector, its gradient and all views of them arrays that are recorded."""
    rng, own = np.random.default_rng(7), vars(vector)
    vector.value[...] += SIZES[0][change] * rng.standard_normal(vector.value.shape)
    own["value"] = recorder.input("w", vector.value)
    own["grad"] = recorder.input("gradient", vector.grad)
    for p in vector:
        p._data = p._data.view(Traced)
        object.__setattr__(p, "_grad", p._grad.view(Traced))  # type: ignore[union-attr]
        vector.gradients[p._order] = p._grad  # type: ignore[assignment]
    return own["value"]  # type: ignore[no-any-return]


def trace_buffers(recorder: Recorder, model: Layer, change: int) -> None:
    """Make the buffers of a model arrays that are recorded, and state that the step changes."""
    names = [name for name, _ in model.named_buffers()]
    for name, buffer in zip(names, model.buffers(), strict=True):
        array = np.array(buffer.data, order="C")
        array *= np.asarray(1 + 0.01 * change, array.dtype)
        recorder.states[f"buffer {name}"] = recorder.input(f"buffer {name}", array)
        object.__setattr__(buffer, "_data", recorder.states[f"buffer {name}"])


def trace_optimizer(recorder: Recorder, optimizer: Optimizer, w: Array, change: int) -> None:
    """Make state, hyperparameters and the step count values that are recorded."""
    rng, chain = np.random.default_rng(8), optimizer.chain()
    single = {name for part in chain for name in getattr(part, "own_names", ())}
    for name in optimizer.state_names:
        vector = optimizer.state.get(name)
        shape = (1,) if name in single else w.shape
        vector = np.zeros(shape, w.dtype) if vector is None else vector
        noise = rng.random(vector.shape) if name not in single else 0.5  # so they compare as before
        vector += SIZES[1][change] * noise
        optimizer.state[name] = recorder.input(f"state {name}", vector)
        recorder.states[f"state {name}"] = optimizer.state[name]
    counts = vars(chain[-1])
    recorder.now = max(1, optimizer.step_count) + change
    for name, value in optimizer.hyperparameters.items():
        smaller = 1 - 0.001 * change
        if callable(value):
            traced: Any = recorder.schedule(name, value)
        elif isinstance(value, np.ndarray):
            traced = recorder.input(name, value * np.asarray(smaller, value.dtype))
        else:
            traced = recorder.number(name, value * smaller or 0.001 * (change > 1))
        optimizer.hyperparameters[name] = traced
    optimizer.note_attributes()
    counts["step_count"] = recorder.number("step_count", recorder.now)


def write_back(recorder: Recorder, optimizer: Optimizer, model: Layer, others: list[Array]) -> None:
    """Copy state that the step has replaced, ``self.state["m"] = ...``, to where it was."""
    after: dict[str, Any] = {f"state {name}": a for name, a in optimizer.state.items()}
    names = [f"buffer {name}" for name, _ in model.named_buffers()]
    after |= dict(zip(names, (buffer.data for buffer in model.buffers()), strict=True))
    known: Mapping[str, Array] = recorder.states
    for name, given in known.items():
        array = after.get(name)
        rest = [a for n, a in after.items() if n != name] + others
        if array is None or any(np.may_share_memory(array, a) for a in rest):
            raise NotRecordable(f"{name} is removed, or the same array as another")
        if array.shape != given.shape or array.dtype != given.dtype:
            raise NotRecordable(f"{name} changes its shape or dtype")
    for name, given in known.items():
        if after[name] is not given:
            given[...] = after[name]
