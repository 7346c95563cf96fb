"""Several jobs in one call: each on its own arrays, and none after one that has stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_problems import step_of

from minidl import nn, optim
from minidl.engine import (
    DONE,
    GUARD,
    IN,
    LOSS,
    OUT,
    Jobs,
    NotRecordable,
    Runner,
    networks_of,
    numbers_of,
)

SIZE = 20


class Problem:
    """Steps of a softmax network, whose loss may be made infinite, and whose guard may fail."""

    def __init__(self) -> None:
        model = nn.mlp(2, 5, 3, activation="leaky_relu", seed=0)
        self.step = step_of(model, nn.SoftmaxCrossEntropy(), optim.NAG(0.1), rows=SIZE)
        self.tape = self.step.record()
        self.runner = Runner(self.tape, np.dtype(float), SIZE)
        X, t, _ = self.step.batch
        self.sources = {"X": X, "t": t.reshape(-1, 1).astype(float)}
        inputs = self.step.inputs(self.tape)
        given = {name: inputs[name] for name in self.tape.scalars if name}
        self.numbers, _ = numbers_of(self.runner.program, given, 1)

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return weights and velocity before the step, and room for the gradient."""
        w = self.step.inputs(self.tape)["w"].copy()
        return {"w": w, "state velocity": np.zeros_like(w), "gradient": np.full_like(w, 7.0)}

    def alone(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the arrays after the step of a single job."""
        own = self.arrays()
        job = self.runner.job(self.sources, None, 0, 1, numbers=self.numbers)
        self.runner.write(own)
        assert self.runner.take(job) == 1
        self.runner.read(own)
        return own


def put(jobs: Jobs, place: int, problem: Problem, ways: int = IN | OUT, **how: Any) -> Any:
    own = problem.arrays()
    sources = how.pop("sources", problem.sources)
    (copied,) = networks_of(own, 1, ways, single=True)
    jobs.put(place, problem.runner, sources, copied, problem.numbers, **how)
    jobs.table["steps"][place] = 1
    return own


def test_each_job_has_its_own_arrays() -> None:
    problem = Problem()
    expected, jobs = problem.alone(), Jobs(3, np.dtype(float))
    all_of_them = [put(jobs, place, problem) for place in range(3)]
    jobs.take(0, 2)
    for own in all_of_them[:2]:
        for name, array in own.items():
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
    np.testing.assert_array_equal(all_of_them[2]["w"], problem.arrays()["w"])
    assert jobs.table["taken"].tolist() == [1, 1, 0]
    first, second, _ = jobs.table[["total", "last", "status"]].tolist()
    total, last, _ = first
    assert first == second == (total, last, DONE)
    assert total == SIZE * last > 0


@pytest.mark.parametrize("ways", [IN, OUT])
def test_arrays_are_copied_in_the_ways_that_are_asked_for(ways: int) -> None:
    problem, jobs = Problem(), Jobs(1, np.dtype(float))
    before, expected = problem.arrays(), problem.alone()
    problem.runner.write(before)
    own = put(jobs, 0, problem, ways)
    own["w"][...] = 0.0
    jobs.take(0, 1)
    if ways == IN:  # the weights 0 were read, and what has changed is not there
        assert not own["w"].any()
        assert problem.runner.memory[problem.runner.program.homes["w"][0]] != expected["w"][0]
    else:  # the weights in memory were read
        np.testing.assert_array_equal(own["w"], expected["w"])


@pytest.mark.parametrize(("spoilt", "status"), [("t", GUARD), ("X", GUARD), ("w", LOSS)])
def test_a_job_is_left_out_if_the_one_it_follows_stopped(spoilt: str, status: int) -> None:
    problem, jobs = Problem(), Jobs(4, np.dtype(float))
    sources = {name: rows.copy() for name, rows in problem.sources.items()}
    if spoilt != "w":
        sources[spoilt][3] = {"t": 99.0, "X": np.inf}[spoilt]
    stopped = put(jobs, 0, problem, sources=sources)
    if spoilt == "w":  # finite logits whose loss is not
        stopped["w"][...] *= 1e300
    after = [put(jobs, 1, problem, follows=True), put(jobs, 2, problem, follows=True)]
    other = put(jobs, 3, problem)
    jobs.take(0, 4)
    stops, *others = jobs.table["status"]
    assert others == [stops, stops, DONE]
    assert stops in (status, GUARD)
    for own in after:
        np.testing.assert_array_equal(own["w"], problem.arrays()["w"])
    np.testing.assert_array_equal(other["w"], Problem().alone()["w"])


@pytest.mark.parametrize(("spoilt", "value"), [("t", 99.0), ("X", np.inf), ("X", np.nan)])
def test_the_conditions_of_a_program_hold_or_not(spoilt: str, value: float) -> None:
    problem = Problem()
    wrong = {name: rows.copy() for name, rows in problem.sources.items()}
    wrong[spoilt][3] = value
    for sources, hold in ((problem.sources, True), (wrong, False), (problem.sources, True)):
        job = problem.runner.job(sources, None, 0, 1, numbers=problem.numbers)
        assert problem.runner.holds(problem.arrays(), job) == hold


def test_the_first_job_of_a_call_follows_none() -> None:
    problem, jobs = Problem(), Jobs(2, np.dtype(float))
    put(jobs, 0, problem, sources={"X": problem.sources["X"] * np.inf, "t": problem.sources["t"]})
    own = put(jobs, 1, problem, follows=True)
    with np.errstate(invalid="ignore"):
        jobs.take(0, 1)
    jobs.take(1, 2)
    np.testing.assert_array_equal(own["w"], Problem().alone()["w"])


def test_a_job_goes_on_with_the_sum_of_losses_of_the_one_it_follows() -> None:
    problem, jobs = Problem(), Jobs(2, np.dtype(float))
    for place in range(2):
        put(jobs, place, problem, follows=place > 0)
    jobs.table["total"] = 0.1, 0.0
    jobs.take(0, 2)
    (first, _), (total, last) = jobs.table[["total", "last"]].tolist()
    assert total == SIZE * last + first != SIZE * last


def test_arrays_with_gaps_and_of_other_types_or_sizes_are_refused() -> None:
    problem, jobs = Problem(), Jobs(1, np.dtype(float))
    w = problem.arrays()["w"]
    for wrong in (w.astype(np.float32), w[:-1].copy()):
        (copied,) = networks_of({"w": wrong}, 1, IN, single=True)
        with pytest.raises(NotRecordable, match="w has another size or type"):
            jobs.put(0, problem.runner, problem.sources, copied, problem.numbers)
    with pytest.raises(NotRecordable, match="w is an array with gaps"):
        networks_of({"w": np.repeat(w, 2)[::2]}, 1, IN, single=True)
    w.flags.writeable = False
    networks_of({"w": w}, 1, IN, single=True)
    with pytest.raises(NotRecordable, match="w is an array that cannot be written"):
        networks_of({"w": w}, 1, OUT, single=True)


def test_a_wrong_job_raises_and_none_after_it_runs() -> None:
    problem, jobs = Problem(), Jobs(3, np.dtype(float))
    own = [put(jobs, place, problem) for place in range(3)]
    jobs.table["first"][1] = 1  # a batch would end behind the last row
    with pytest.raises(AssertionError, match="instruction -2"):
        jobs.take(0, 3)
    assert jobs.table["taken"].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(own[2]["w"], problem.arrays()["w"])


def test_the_rows_of_arrays_are_those_of_networks() -> None:
    arrays = {"w": np.arange(6.0).reshape(3, 2), "state v": np.zeros((3, 2))}
    each = networks_of(arrays, 3, OUT)
    for k, own in enumerate(each):
        for name, array in arrays.items():
            assert own[name][1:] == (array[k].ctypes.data, 2, OUT)
