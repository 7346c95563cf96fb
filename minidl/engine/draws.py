"""Random numbers of a step, such as those of dropout: inputs that Python draws before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.engine.table import BINARY, UNARY
from minidl.engine.tape import Array, Given, Instruction, NotRecordable, Place, Scalar, Tape


@dataclass(frozen=True)
class Draw:
    """A call of a generator's method, whose result is an input of the step."""

    name: str  # of the input
    method: str
    arguments: str
    shape: tuple[int, ...]
    call: Callable[[Any], Any] = field(compare=False)


class Generator:
    """Stands for the generator of a step while the step is recorded."""

    def __init__(self, recorder: Any, seed: int) -> None:
        self._recorder, self._generator = recorder, np.random.default_rng(seed)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_") or not hasattr(np.random.Generator, method):
            raise AttributeError(method)

        def draw(*arguments: Any, **options: Any) -> Any:
            given = [*arguments, *options.values()]
            if any(hasattr(value, "followed") or isinstance(value, np.ndarray) for value in given):
                raise NotRecordable(f"random numbers of {method} depend on values")

            def call(generator: Any) -> Any:
                return getattr(generator, method)(*arguments, **options)

            numbers = call(self._generator)
            if not isinstance(numbers, np.ndarray) or numbers.dtype.char not in "fd":
                raise NotRecordable(f"{method} draws something other than an array of floats")
            draws = self._recorder.tape.draws
            name, words = f"random {len(draws)}", repr((arguments, sorted(options.items())))
            draws.append(Draw(name, method, words, numbers.shape, call))
            return self._recorder.input(name, np.array(numbers, order="C"))

        return draw


def flat(draws: list[Draw]) -> bool:
    """Return whether draws are the numbers of one long draw, one after the other."""
    return all(d.method == "random" and d.arguments in _of_shape(d.shape) for d in draws)


def _of_shape(shape: tuple[int, ...]) -> set[str]:
    """Return the arguments of a draw of this shape alone."""
    return {
        repr((arguments, [])) for arguments in [(shape,), *([shape] if len(shape) == 1 else [])]
    }


def drawn(program: Any, rng: Any, count: int) -> Array:
    """Return what a program is given of the random numbers of so many steps, a row for each."""
    tape: Tape = program.tape
    draws: list[Draw] = tape.draws
    if flat(draws):
        sizes = [math.prod(draw.shape) for draw in draws]
        parts = np.split(rng.random((count, sum(sizes))), np.cumsum(sizes)[:-1], axis=1)
    else:
        rows = [[np.asarray(draw.call(rng)) for draw in draws] for _ in range(count)]
        parts = [np.stack(column) for column in zip(*rows, strict=True)]
    places = {buffer.name: i for i, buffer in enumerate(tape.buffers) if buffer.name}
    known = {places[draw.name]: part for draw, part in zip(draws, parts, strict=True)}
    for step in program.with_drawn:
        inputs = [
            known[x.buffer].reshape(count, *x.shape) if isinstance(x, Place) else x.value
            for x in step.inputs
            if isinstance(x, Place | Given)
        ]
        assert isinstance(step.out, Place)
        known[step.out.buffer] = step.function(*inputs, **dict(step.options))
    if not program.drawn:
        return np.empty((count, 0))
    return np.concatenate([known[buffer].reshape(count, -1) for buffer in program.drawn], axis=1)


def alone(tape: Tape, step: Instruction, known: set[int]) -> bool:
    """Return whether an instruction computes a new array element by element from `known` ones."""
    out, inputs = step.out, [x for x in step.inputs if isinstance(x, Place)]
    if not (known and inputs and isinstance(out, Place) and step.name in (*UNARY, *BINARY)):
        return False
    return (
        out.buffer not in known
        and all(x.buffer in known and x.shape == out.shape for x in inputs)
        and all(_is_whole(tape, x) for x in (out, *inputs))
        and not any(isinstance(x, Scalar) for x in step.inputs)
    )


def _is_whole(tape: Tape, place: Place) -> bool:
    """Return whether a place is all of its buffer, in order."""
    strides = tuple(math.prod(place.shape[i + 1 :]) for i in range(len(place.shape)))
    return math.prod(place.shape) == tape.buffers[place.buffer].size and place.strides == strides
