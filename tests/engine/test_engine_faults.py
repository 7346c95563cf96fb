"""Planted faults in instructions, recorder, planner and runner: each is found by a test."""

from __future__ import annotations

import gc
import importlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import test_engine_machine as machines
import test_engine_random as programs
import test_engine_supported as supported
import test_engine_traps as traps
from test_engine_training import ROWS, test_settings_that_callbacks_change_are_noticed, trainer

from minidl import nn, optim
from minidl.engine import draws, memory, nodes, outside, plan, recorder, runner
from minidl.engine.tape import NotRecordable
from minidl.training import compilable, compiled, machine_steps

record: Any = importlib.import_module("minidl.engine.record")  # the name is also a function
pytestmark = pytest.mark.unmeasured  # planted faults repeat the tests of others

SWAPPED = {
    "add": "subtract", "multiply": "divide", "maximum": "minimum", "exp": "expm1",
    "square": "absolute", "negative": "copy", "log1p": "log", "equal": "not_equal",
    "greater": "greater_equal", "logical_and": "logical_or", "isfinite": "isnan", "floor": "ceil",
}  # fmt: skip


@pytest.mark.parametrize("name", SWAPPED)
def test_a_wrong_instruction_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = runner.machine()
    assert found is not None
    codes = dict(found.codes)
    for ending in ("", "_vs", "_sv"):
        if name + ending in codes:
            codes[name + ending] = codes[SWAPPED[name] + ending]
    monkeypatch.setattr(found, "codes", codes)
    with pytest.raises(AssertionError):
        machines.test_elementwise_instructions_equal_numpy(float)


def trap(function: Callable[..., Any]) -> Callable[[], None]:
    def check() -> None:
        compiled = function.__name__ in traps.COMPILED
        traps.assert_equal_or_refused(
            lambda engine: traps.trained(engine, lambda: traps.Rule(function)), compiled
        )

    return check


def random_program(seed: int, rows: int) -> Callable[[], None]:
    def check() -> None:
        model = nn.Sequential(nn.Dense(3, 4), programs.Program(seed, 1), nn.Dense(4, 2), seed=1)
        loss, rule = nn.MeanSquaredError(), optim.NAG(0.01)
        step = programs.step_of(model, loss, rule, rows=rows, features=3)
        programs.assert_close(step, 1e-11, steps=2)

    return check


def run(case: str) -> Callable[[], None]:
    return lambda: supported.test_a_run_equals_eager(case)


def latest_use(self: Any) -> dict[int, tuple[int, int]]:
    last = {}
    for g, group in enumerate(self.groups):
        for k, node in enumerate(group.nodes):
            last |= {part.version: (g, k) for part in node.inputs}
    return last


def spread(part: Any, shape: tuple[int, ...]) -> Any:
    extra = len(shape) - len(part.shape)
    strides = (0,) * extra + tuple(
        0 if n == 1 else s for n, s in zip(part.shape, part.strides, strict=True)
    )
    return nodes.Part(part.version, part.offset, shape, strides)


def unguarded(self: Any, value: Any, expected: Any, name: str) -> bool:
    return bool(recorder.plain(value)) if expected is None else expected


def always(program: Any, given: Any, steps: int, known: Any = runner.numbers_of) -> Any:
    return known(program, given, steps)[0], steps


def turned(tape: Any, *arguments: Any, known: Any = draws.drawn) -> Any:
    return known(tape, *arguments)[:, ::-1]


def other_draws(self: Any, steps: int) -> None:
    for generator in self._generators.values():
        generator.random(1)


def without_values(values: Any) -> Any:
    return tuple(values)


NOTHING: Any = lambda *arguments, **options: None  # noqa: E731
FAULTS: dict[str, tuple[Any, str, Any, Callable[[], None]]] = {
    "conditions are not recorded": (
        recorder.Recorder, "add_guard", unguarded, trap(traps.branch_on_the_step),
    ),
    "results are not wild": (recorder, "_wild", lambda rng, x: x, trap(traps.hidden_nan)),
    "globals are not compared": (
        outside.Outside, "restore", lambda self: "", trap(traps.counted_in_a_global),
    ),
    "attributes are not compared": (record, "attributes", lambda p: {}, trap(traps.counted)),
    "conditions on numbers hold": (
        machine_steps, "numbers_of", always, trap(traps.branch_on_the_step),
    ),
    "results are not written back": (record, "write_back", NOTHING, run("batch norm")),
    "buffers are constants": (record, "trace_buffers", NOTHING, run("batch norm")),
    "random numbers are turned": (machine_steps, "drawn", turned, run("dropout")),
    "generators go on": (machine_steps._Drawing, "finish", other_draws, run("dropout")),
    "frozen parameters move": (compiled, "frozen_step", record.plain_step, run("frozen, adam")),
    "the last use is the latest": (
        memory.Memory, "_last_uses", latest_use, random_program(2, 130),
    ),
    "leading axes of a write are kept": (nodes, "_spread", spread, run("batch norm")),
    "everything is dropped": (plan, "needed", lambda nodes, ends: nodes[-1:], run("frozen")),
    "settings are no key": (
        compilable, "fingerprint", without_values, test_settings_that_callbacks_change_are_noticed,
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, attribute, fault, check = FAULTS[name]
    monkeypatch.setattr(where, attribute, fault)
    known = (AssertionError, NotRecordable, ValueError, IndexError, KeyError)
    with pytest.raises(known):
        check()
    monkeypatch.undo()
    check()


def test_memory_is_flat() -> None:
    model = nn.Sequential(
        nn.Dense(2, 8), nn.BatchNorm(8), nn.Tanh(), nn.Dropout(0.2), nn.Dense(8, 1), seed=0
    )
    rule = optim.NAG(lambda k: 0.01 / (1 + k / 1000))
    own = trainer("compiled", lambda: model, lambda: rule, measure_every=1000)
    own.fit(*ROWS, epochs=60)
    tracemalloc.start()
    try:
        own.fit(*ROWS, epochs=20)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        own.fit(*ROWS, epochs=300)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert own.compiled.steps_taken > 0.9 * own.optimizer.step_count
    assert after - before < 150_000  # the random numbers of these epochs alone would be 9 MB
