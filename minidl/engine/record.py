"""Recording: run one step of the general engine on copies, and write down what it computes."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
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

TARGETS = 20  # at most, that are tried
Batch = tuple[Array, Array, Array | None]  # inputs, targets as the loss prepared them, weights


def record(
    objective: Any, optimizer: Optimizer, one: Batch, two: Batch, targets: Array | None = None
) -> Tape:
    """Return the tape of a step of this optimizer on batches of this shape.

    The step is recorded with other numbers again: what then differs without having been seen is a
    :class:`NotRecordable`, as is all else that cannot be replayed. `objective`, which is one of
    :mod:`minidl.training.measure`, and `optimizer` are copied and do not change.

    With all `targets` of the run, as for custom code, more is recorded: wild numbers, and batches
    of each target alone, with the answers that conditions had. So a weight that targets choose is
    noticed, even if these batches have but one.
    """
    return recordings(partial(_recorded, objective, optimizer), one, two, targets)


def recordings(
    recorded: Callable[[Batch, int, Sequence[bool]], Tape],
    one: Batch,
    two: Batch,
    targets: Array | None,
) -> Tape:
    """Return what `recorded` does for the first batch; raise if it is not the same for others."""
    first = recorded(one, 0, ())
    answers = [dict(i.options)["expected"] for i in first.instructions if i.out is None]
    wild = [] if targets is None else _wild(one, targets)
    for batch, change, given in ((two, 1, []), *((batch, 2, answers) for batch in wild)):
        if words := difference(first, recorded(batch, change, given)):
            raise NotRecordable(words)
    return first


def _wild(batch: Batch, targets: Array) -> Iterator[Batch]:
    """Yield batches of these shapes with wild numbers, each with one target: extremes, and all."""
    rng, (X, t, weights) = np.random.default_rng(9), batch
    values = np.unique(targets[:: 1 + targets.size // 10**6])
    values = values[np.linspace(0, len(values) - 1, min(len(values), TARGETS)).astype(int)]
    integers = t.dtype.kind in "iu"  # the extremes are no index of any array
    ends = (np.iinfo(t.dtype).min, np.iinfo(t.dtype).max) if integers else (-1e3, 1e3)
    for value in [*ends, *values]:
        shapes = (None if a is None else (a.shape, a.dtype) for a in (X, weights))
        other, w = ((100 * rng.random(s[0])).astype(s[1]) if s else None for s in shapes)
        assert other is not None
        yield other - np.asarray(50, X.dtype), np.full(t.shape, value, t.dtype), w


def _recorded(
    objective: Any, optimizer: Optimizer, batch: Batch, change: int, answers: Sequence[bool]
) -> Tape:
    """Return the tape of one step, from numbers that `change` makes others."""
    objective, optimizer = copy.deepcopy((objective, optimizer))
    recorder = Recorder(Traced, answers)
    with np.errstate(all="ignore"), recorder:
        w = _traced_vector(recorder, objective.vector, change)
        _trace_optimizer(recorder, optimizer, w, change)
        for name, penalty in (("l2", objective.penalty), ("l1", objective.l1_penalty)):
            if strength := penalty.strength:
                vars(penalty)["strength"] = recorder.number(name, strength * (1 + change))
        X, t, weights = (_input(recorder, *pair) for pair in zip("Xtw", batch, strict=True))
        attributes = optimizer.attributes()
        before, evaluations = snapshot(attributes), optimizer.gradient_evaluations
        gradient = partial(objective.batch_gradient, X, t, weights, True)
        with unchanged(objective.model):
            optimizer.step(w, gradient)
        _write_back(optimizer, recorder.states, [w, objective.vector.grad])
        if names := changed(optimizer.attributes(), before):
            raise NotRecordable(f"{type(optimizer).__name__} keeps state in {names[0]}")
        recorder.tape.loss = recorder.operand(objective.value)
    recorder.tape.evaluations = optimizer.gradient_evaluations - evaluations
    return recorder.tape


@contextlib.contextmanager
def unchanged(model: Layer) -> Iterator[None]:
    """Raise if the attributes of a layer change in the block, as they would not in a replay."""
    layers = {id(part): (part, _held(part)) for part in _parts(model)}
    yield
    for part, held in layers.values():
        if names := [name for name, what in _held(part).items() if held.get(name) != what]:
            raise NotRecordable(f"the forward of {type(part).__name__} changes {names[0]}")


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
    size = (0.0, 0.01, 10.0)[change]
    vector.value[...] += size * rng.standard_normal(vector.value.shape)
    own = vars(vector)
    own["value"] = recorder.input("w", vector.value)
    own["grad"] = recorder.input("gradient", vector.grad)
    for p in vector:
        p._data = p._data.view(Traced)
        object.__setattr__(p, "_grad", p._grad.view(Traced))  # type: ignore[union-attr]
        vector.gradients[p._order] = p._grad  # type: ignore[assignment]
    return own["value"]  # type: ignore[no-any-return]


def _write_back(optimizer: Optimizer, states: dict[str, Array], others: list[Array]) -> None:
    """Copy state that the step has replaced, ``self.state["m"] = ...``, to where it was."""
    after = {name: optimizer.state.get(name) for name in states}
    for name, array in after.items():
        rest = [a for n, a in after.items() if n != name and a is not None] + others
        if array is None or any(np.may_share_memory(array, a) for a in rest):
            raise NotRecordable(f"state {name} is removed, or the same array as another")
        if array.shape != states[name].shape or array.dtype != states[name].dtype:
            raise NotRecordable(f"state {name} changes its shape or dtype")
    for name, array in after.items():
        if array is not states[name]:
            states[name][...] = array


def _trace_optimizer(recorder: Recorder, optimizer: Optimizer, w: Array, change: int) -> None:
    """Make state, hyperparameters and the step count values that are recorded."""
    rng, chain = np.random.default_rng(8), optimizer.chain()
    single = {name for part in chain for name in getattr(part, "own_names", ())}
    for name in optimizer.state_names:
        vector = optimizer.state.get(name)
        shape = (1,) if name in single else w.shape
        vector = np.zeros(shape, w.dtype) if vector is None else vector
        noise = rng.random(vector.shape) if name not in single else 0.5  # so they compare as before
        vector += (0.0, 0.002, 10.0)[change] * noise
        optimizer.state[name] = recorder.input(f"state {name}", vector)
        recorder.states[name] = optimizer.state[name]
    counts = vars(chain[-1])
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
    recorder.now = max(1, optimizer.step_count) + change
    counts["step_count"] = recorder.number("step_count", recorder.now)
