"""Recording: run one step of the general engine on copies, and write down what it computes."""

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine.draws import Generator
from minidl.engine.inputs import (
    Batch,
    trace_buffers,
    trace_optimizer,
    trace_rows,
    trace_vector,
    write_back,
)
from minidl.engine.outside import Outside, attributes, is_custom
from minidl.engine.recorder import Recorder
from minidl.engine.tape import NotRecordable, Tape, difference
from minidl.engine.traced import Traced
from minidl.nn import Layer
from minidl.nn.layer import parts_of
from minidl.optim import Optimizer
from minidl.optim.attributes import changed, snapshot

TARGETS = 20  # at most, that are tried
Take = Callable[[Any, Optimizer, Any], None]  # take a step, of a function: point -> gradient


def plain_step(objective: Any, optimizer: Optimizer, gradient: Any) -> None:
    """Take a step of the optimizer."""
    optimizer.step(objective.vector.value, gradient)


def record(
    objective: Any,
    optimizer: Optimizer,
    one: Batch,
    two: Batch,
    targets: Array | None = None,
    *,
    take: Take = plain_step,
    begin: Mapping[str, Array] | None = None,
    step_count: int | None = None,
) -> Tape:
    """Return the tape of a step of this optimizer on batches of this shape.

    The step is recorded with other numbers again: what then differs without having been seen is a
    :class:`NotRecordable`, as is all else that cannot be replayed. Objective and optimizer are
    copied; the copies begin with `begin`, weights, state and buffers, and this `step_count`, if
    these are other ones. Conditions are answered as they are at first.

    With all `targets` of the run, as for custom code, batches of each target alone are recorded,
    too, and all that is computed is replaced by numbers of any size: custom code must not notice.
    """
    parts = [*parts_of(objective.model), objective.loss, *optimizer.chain()]
    outside = Outside(parts, filter(callable, optimizer.hyperparameters.values()))
    count = optimizer.step_count if step_count is None else step_count
    step = _Step(objective, optimizer, take, begin or {}, count)
    return recordings(partial(_recorded, step), outside, one, two, targets)


def recordings(
    recorded: Callable[[Batch, int, Sequence[bool]], Tape],
    outside: Outside,
    one: Batch,
    two: Batch,
    targets: Array | None,
) -> Tape:
    """Return what `recorded` does for the first batch; raise if it is not the same for others."""
    try:
        first = recorded(one, 0, ())
    finally:
        name = outside.restore()
    if name:
        raise NotRecordable(f"a step changes {name}")
    answers = first.answers()
    wild = [] if targets is None else _wild(one, targets)
    try:
        for batch, change in ((two, 1), *((batch, 2) for batch in wild)):
            if words := difference(first, recorded(batch, change, answers)):
                raise NotRecordable(words)
    finally:
        outside.restore()
    return first


def _wild(batch: Batch, targets: Array) -> Iterator[Batch]:
    """Yield batches of these shapes with wild numbers, each with one target: extremes, and all."""
    rng, (X, t, weights) = np.random.default_rng(9), batch
    values = np.unique(targets[:: 1 + targets.size // 10**6])
    values = values[np.linspace(0, len(values) - 1, min(len(values), TARGETS)).astype(int)]
    integers = t.dtype.kind in "iu"  # the extremes are indices of no array
    ends = (np.iinfo(t.dtype).min, np.iinfo(t.dtype).max) if integers else (-1e3, 1e3)
    for value in itertools.islice(itertools.cycle([*ends, *values]), TARGETS + 2):
        shapes = (None if a is None else (a.shape, a.dtype) for a in (X, weights))
        other, w = ((100 * rng.random(s[0])).astype(s[1]) if s else None for s in shapes)
        assert other is not None
        yield other - np.asarray(50, X.dtype), np.full(t.shape, value, t.dtype), w


def recorder_of(batch: Batch, change: int, answers: Sequence[bool]) -> Recorder:
    """Return a recorder, which makes all results wild, other ones for each batch, if it should."""
    seed = int.from_bytes(np.asarray(batch[0]).tobytes()[:7])
    return Recorder(Traced, answers, np.random.default_rng(seed) if change > 1 else None)


class _Step(NamedTuple):
    """A step to record, before its parts are copied."""

    objective: Any
    optimizer: Optimizer
    take: Take
    begin: Mapping[str, Array]
    step_count: int


def _recorded(step: _Step, batch: Batch, change: int, answers: Sequence[bool]) -> Tape:
    """Return the tape of one step, from numbers that `change` makes others."""
    objective, optimizer = copy.deepcopy(step[:2])
    _begin(objective, optimizer, step.begin)
    vars(optimizer.chain()[-1])["step_count"] = step.step_count
    recorder = recorder_of(batch, change, answers)
    parts = *parts_of(objective.model), objective.loss, *optimizer.chain()
    with np.errstate(all="ignore"), recorder:
        w = trace_vector(recorder, objective.vector, change)
        trace_buffers(recorder, objective.model, change)
        trace_optimizer(recorder, optimizer, w, change)
        for name, penalty in (("l2", objective.penalty), ("l1", objective.l1_penalty)):
            if strength := penalty.strength:
                vars(penalty)["strength"] = recorder.number(name, strength * (1 + change))
        evaluations = optimizer.gradient_evaluations
        training: Any = Generator(recorder, change) if objective.model.stochastic else True
        rows = trace_rows(recorder, batch)
        with unchanged(*parts):
            step.take(objective, optimizer, partial(objective.batch_gradient, *rows, training))
            write_back(recorder, optimizer, objective.model, [w, objective.vector.grad])
        recorder.tape.loss = recorder.operand(objective.value)
    if not change and any(map(is_custom, parts)):
        recorder.check_replay(recorder.states | {"w": w, "gradient": objective.vector.grad})
    recorder.tape.evaluations = optimizer.gradient_evaluations - evaluations
    if not recorder.tape.evaluations:  # so its loss is that of an earlier step
        raise NotRecordable("a step evaluates no gradient")
    return recorder.tape


@contextlib.contextmanager
def unchanged(*parts: Any) -> Iterator[None]:
    """Raise if attributes of custom parts change in the block, as they would not in a replay."""
    before = [(part, snapshot(attributes(part))) for part in parts]
    yield
    for part, own in before:
        if names := changed(attributes(part), own):
            kind = "forward of" if isinstance(part, Layer) else "step of"
            raise NotRecordable(f"the {kind} {type(part).__name__} changes {names[0]}")


def _begin(objective: Any, optimizer: Optimizer, arrays: Mapping[str, Array]) -> None:
    """Give copies the arrays with which the step begins."""
    buffers = dict(objective.model.named_buffers())
    for name, array in arrays.items():
        if name == "w":
            objective.vector.value[...] = array.reshape(objective.vector.value.shape)
        elif name.startswith("state "):
            optimizer.state[name.removeprefix("state ")] = array.copy()
        elif name.startswith("buffer "):
            own = buffers[name.removeprefix("buffer ")]
            own[...] = array.reshape(own.shape)
