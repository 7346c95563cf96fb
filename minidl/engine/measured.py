"""Recording a measurement: mean loss and accuracy of some rows, without a gradient."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.autograd.node import array_of
from minidl.engine.inputs import Batch, trace_buffers, trace_rows, trace_vector
from minidl.engine.outside import Outside
from minidl.engine.record import recorder_of, recordings, unchanged
from minidl.engine.recorder import Recorder
from minidl.engine.tape import NotRecordable, Place, Tape
from minidl.nn.layer import parts_of

RIGHT = "state right"  # the sum of the accuracies of batches, which a program keeps as if of a step


def record_measure(
    objective: Any,
    one: Batch,
    two: Batch,
    plain: tuple[Array, Array] | None = None,
    targets: Array | None = None,
) -> Tape:
    """Return the tape of a measurement of batches of this shape.

    Its loss is that of the batch, and "state right" grows by the accuracy. `plain` are the weights
    of the rows of both batches without those that the loss gives; see
    :meth:`minidl.training.measure.Objective.of_rows`. The other arguments and errors are those of
    :func:`record`.
    """
    own = None if plain is None else plain[0]

    def recorded(batch: Batch, change: int, answers: Sequence[bool]) -> Tape:
        other = plain[1] if plain is not None and batch is two else own
        return _recorded(objective, batch, other, change, answers)

    outside = Outside([*parts_of(objective.model), objective.loss])
    return recordings(recorded, outside, one, two, targets)


def _recorded(
    objective: Any, batch: Batch, plain: Array | None, change: int, answers: Sequence[bool]
) -> Tape:
    """Return the tape of one measurement, at weights that `change` makes others."""
    objective = copy.deepcopy(objective)
    recorder = recorder_of(batch, change, answers)
    with np.errstate(all="ignore"), recorder:
        w = trace_vector(recorder, objective.vector, change)
        trace_buffers(recorder, objective.model, change)
        right = recorder.input(RIGHT, np.full(1, float(change), w.dtype))
        X, t, weights = trace_rows(recorder, batch)
        counted = weights
        if plain is not None:
            counted = recorder.input("plain", np.array(plain, order="C"))
        with unchanged(*parts_of(objective.model), objective.loss):
            loss, accuracy = objective.reading(lambda: objective.of_rows(X, t, weights, counted))
        if accuracy is not None:
            right += accuracy
        value = array_of(loss)
        if not isinstance(value, np.ndarray) or value.shape != () or value.dtype.kind != "f":
            raise NotRecordable("the mean of the loss is not a number")
        _check_buffers(recorder, objective)
        recorder.tape.loss = recorder.operand(value)
    return recorder.tape


def _check_buffers(recorder: Recorder, objective: Any) -> None:
    """Raise if a measurement changes a buffer."""
    tape, given = recorder.tape, [id(array) for array in recorder.states.values()]
    names = (tape.buffers[i.out.buffer].name for i in tape.instructions if isinstance(i.out, Place))
    replaced = [id(buffer.data) for buffer in objective.model.buffers()] != given
    if replaced or any(name.startswith("buffer ") for name in names):
        raise NotRecordable("a measurement changes a buffer")
