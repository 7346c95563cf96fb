"""The machine: instructions against NumPy, steps against eager, programs that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from engine_problems import PAIRS, Step, step_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from minidl import nn, ops, optim
from minidl.engine import runner as runners
from minidl.engine.memory import WORDS
from minidl.engine.record import record
from minidl.engine.runner import SETS, Runner, machine, numbers_of
from minidl.engine.table import BINARY, PRODUCTS, REDUCTIONS, UNARY
from minidl.engine.tape import Buffer, Instruction, NotRecordable, Place, Tape
from minidl.nn.softmax_losses import SoftmaxLoss

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-300, -1e-300, 5e-324, 709.5, -745.0]
FUNCTIONS: dict[str, Any] = {"copy": np.positive, "astype": np.positive, "erf": special.erf}
FUNCTIONS |= {"ndtr": special.ndtr, "number abs": np.abs, "number add": np.add}
FUNCTIONS |= {"number mul": np.multiply, "number sub": np.subtract, "number pow": np.power}
FUNCTIONS |= {"number truediv": np.divide, "number lt": np.less, "number le": np.less_equal}
FUNCTIONS |= {"number gt": np.greater, "number ge": np.greater_equal, "number eq": np.equal}
FUNCTIONS |= {"number ne": np.not_equal, "bitwise_and": np.logical_and, "invert": np.logical_not}
FUNCTIONS |= {"bitwise_or": np.logical_or}
EXACT = {"copy", "astype", "negative", "absolute", "square", "sqrt", "add", "subtract", "multiply"}
EXACT |= {"divide", "maximum", "minimum", "sign", "reciprocal", "floor", "ceil", "positive"}


def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))


def run(name: str, *inputs: np.ndarray[Any, Any], shape: tuple[int, ...], **options: Any) -> Any:
    """Return the result of one instruction, by a tape with it alone; it is written into w."""
    places, buffers = [], []
    for array in inputs:
        base = array if array.base is None else array.base
        start, here = (x.__array_interface__["data"][0] for x in (base, array))
        strides = tuple(s // array.itemsize for s in array.strides)
        places.append(Place(len(buffers), (here - start) // array.itemsize, array.shape, strides))
        buffers.append(Buffer(base.size, base.dtype, constant=base.reshape(-1)))
    out = Place(len(buffers), 0, shape, strides_of(shape))
    buffers.append(Buffer(int(np.prod(shape)), inputs[0].dtype, "w"))
    step = Instruction(name, out, tuple(places), tuple(options.items()))
    tape = Tape(buffers, [], [step])
    runner = Runner(tape, inputs[0].dtype, 1)
    w = np.zeros(shape, inputs[0].dtype)
    runner.write({"w": w})
    numbers = np.zeros((1, 0), w.dtype)
    job = runner.job({"X": np.zeros((1, 1), w.dtype)}, None, 0, 1, numbers=numbers)
    assert runner.take(job) == 1
    runner.read({"w": w})
    return w


def ulps(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        gap = np.abs(a - b) / np.spacing(np.maximum(np.abs(b), np.finfo(b.dtype).tiny))
    return float(np.max(np.where(same, 0.0, gap)))


@pytest.fixture(params=SETS)
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let the machine use each instruction set that the processor has."""
    found = machine()
    assert found is not None
    best, found.set = found.set, min(found.set, SETS.index(request.param))
    yield str(request.param)
    found.set = best


@pytest.mark.usefixtures("instruction_set")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_elementwise_instructions_equal_numpy(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a = np.concatenate([SPECIAL, rng.standard_normal(999) * np.exp(rng.uniform(-8, 8, 999))])
    small = rng.uniform(-2, 2, len(a))
    b = rng.permutation(a)
    for name in [*UNARY, *BINARY]:
        function = FUNCTIONS.get(name) or getattr(np, name)
        pairs = [(a,), (small,)] if name in UNARY else [(a, b), (a, a), (np.abs(small), a)]
        for pair in pairs:
            args = [x.astype(dtype) for x in pair]
            if "sin cos tan fmod power".find(name) >= 0 or name == "number pow":
                args = [np.clip(x, -100, 100) for x in args]
            with np.errstate(all="ignore"):
                expected = np.asarray(function(*args), dtype)
            found = run(name, *args, shape=a.shape)
            if name in ("ndtr", "erf"):  # SciPy's are less exact in the tails
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)
                continue
            limit = 0.0 if name in EXACT else 2.5 if name in ("exp", "tanh", "log1p") else 4.0
            assert ulps(found, expected) <= limit, (name, dtype)


@pytest.mark.usefixtures("instruction_set")
def test_exp_tanh_and_log1p_are_exact_to_two_and_a_half_ulp() -> None:
    tails = 10.0 ** np.linspace(-320, 300, 5001), -(10.0 ** np.linspace(-320, 0, 999))
    x = np.concatenate([np.linspace(-750, 715, 40001), np.linspace(-3, 3, 40001), *tails])
    exact = x.astype(np.longdouble)
    for name in ("exp", "tanh", "log1p", "expm1", "log"):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(exact).astype(float)
        assert ulps(run(name, x, shape=x.shape), expected) <= 2.5, name


@pytest.mark.usefixtures("instruction_set")
def test_tanh_and_expm1_are_exact_where_their_formulas_change() -> None:
    # tanh: k grows at odd multiples of log(2) / 4, and from 18.5 on the result is 1
    steps = np.arange(1, 54, 2) * np.log(2) / 4
    near = (steps[:, None] + np.linspace(-0.02, 0.02, 401)).ravel()
    x = np.concatenate([near, -near, np.linspace(18, 20, 4001)])
    assert ulps(run("tanh", x, shape=x.shape), np.tanh(x.astype(np.longdouble)).astype(float)) <= 3
    x = np.linspace(709, np.log(np.finfo(float).max), 4001)  # where e^x is near the largest number
    expected = np.expm1(x.astype(np.longdouble)).astype(float)
    assert np.all(np.isfinite(expected))
    assert ulps(run("expm1", x, shape=x.shape), expected) <= 2.5


@pytest.mark.parametrize("n", [1, 5, 16, 511, 512, 513, 1500])
def test_scalars_broadcasting_and_strides(n: int) -> None:
    rng = np.random.default_rng(n)
    matrix, column, row = rng.random((n, 3)), rng.random((n, 1)), rng.random(3)
    one, wide, tall = rng.random(()), rng.random((n, 7)), rng.random((3, n))
    for name in ("subtract", "divide"):
        function = getattr(np, name)
        for pair in [(matrix, row), (row, matrix), (matrix, column), (column, row), (one, matrix)]:
            expected = function(*np.broadcast_arrays(*pair, np.empty((n, 3)))[:2])
            np.testing.assert_array_equal(run(name, *pair, shape=(n, 3)), expected)
        for pair in [(matrix, one), (wide[:, 1:4], tall.T), (wide[:, ::3], wide[:, 4:])]:
            np.testing.assert_array_equal(run(name, *pair, shape=(n, 3)), function(*pair))
    condition = (matrix > 0.5).astype(float)
    for pair in [(one, matrix), (matrix, one), (row, column), (one, one)]:
        found = run("where", condition, *pair, shape=(n, 3))
        np.testing.assert_array_equal(found, np.where(condition, *pair))


@pytest.mark.parametrize("shape", [(1,), (7,), (40, 3), (3, 40), (5, 4, 6), (1, 9)])
def test_reductions(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    axes: list[Any] = [None, *range(len(shape))] + ([(1, 2)] if len(shape) > 2 else [])
    for name in REDUCTIONS:
        if name == "argmax":  # which has its own test
            continue
        ufunc = getattr(np, name.removesuffix(".reduce"))
        for axis in axes:
            for array in (x, x.T if x.ndim < 3 else x, (np.abs(x) > 0.3).astype(float)):
                expected = np.asarray(ufunc.reduce(array, axis=axis), float)
                found = run(name, array, shape=expected.shape, axis=axis)
                np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("shape", [(1, 1), (40, 3), (3, 40), (7,)])
def test_the_place_of_the_largest(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for x in (rng.standard_normal(shape), rng.integers(0, 3, shape).astype(float)):
        for value in (0.0, np.inf, -np.inf, np.nan):
            x.reshape(-1)[rng.integers(0, x.size, 3)] = value
            expected = x.argmax(axis=-1)
            found = run("argmax", x, shape=expected.shape, axis=len(shape) - 1)
            np.testing.assert_array_equal(found, expected)
    with pytest.raises(NotRecordable, match="along an axis that is not the last"):
        run("argmax", np.zeros((2, 3)), shape=(3,), axis=0)


@pytest.mark.usefixtures("instruction_set")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products(dtype: Any) -> None:
    rng, tolerance = np.random.default_rng(0), 1e-13 if dtype is np.float64 else 1e-4
    random = lambda *shape: rng.random(shape).astype(dtype)  # noqa: E731
    sizes = rng.choice([1, 2, 3, 7, 8, 16, 17, 33, 65], (60, 3)).tolist()
    for m, k, n in [*sizes, [3, 600, 20], [20, 300, 3], [70, 90, 80]]:
        for left in (random(m, k), random(k, m).T, random(m, 2 * k)[:, ::2]):
            for right in (random(k, n), random(n, k).T, random(k, n + 3)[:, 1:-2]):
                found = run("dot", left, right, shape=(m, n))
                np.testing.assert_allclose(found, left @ right, rtol=tolerance)


class Everything(nn.Layer):
    """A random mixture of operations."""

    CHOICES: tuple[Callable[[Any], Any], ...] = (
        lambda x: ops.tanh(x) * 2.0,
        lambda x: x - ops.mean(x, axis=0, keepdims=True),
        lambda x: x / (1.0 + ops.sum(ops.square(x), axis=-1, keepdims=True)),
        lambda x: ops.where(x > 0.1, x, 0.3 * x),
        lambda x: ops.maximum(x, ops.sin(x)),
        lambda x: x * ops.exp(-ops.absolute(x)),
        lambda x: ops.clip(x, -0.5, 0.8) + x,
        lambda x: ops.tanh(x[:, 2:3] + x) * ops.cos(x[:, :1]),
        lambda x: ops.softmax(x) + ops.max(x, axis=1, keepdims=True),
        lambda x: ops.tanh(ops.matmul(x, ops.matmul(x.T, x)) * 0.01),
        lambda x: ops.log1p(ops.square(x)) ** 1.5,
        lambda x: ops.sqrt(ops.square(x) + 0.1) - 0.2 / (2.0 + ops.square(x)),
    )

    def __init__(self, choices: list[int]) -> None:
        self.choices = choices

    def forward(self, x: Any, training: Any = False) -> Any:
        for choice in self.choices:
            x = self.CHOICES[choice](x)
        return x


def taken(step: Step, steps: int = 1) -> tuple[dict[str, Any], float]:
    """Return the arrays and the loss after steps of the machine; the eager state is unchanged."""
    tape = step.record(thorough=False)
    X, t, w = step.batch
    runner = Runner(tape, X.dtype, len(X))
    rows = zip(("X", "t", "weights"), (X, t, w), strict=True)
    sources = {n: np.array(a.reshape(len(X), -1), X.dtype) for n, a in rows if a is not None}
    inputs, loss = step.inputs(tape), 0.0
    runner.write(inputs)
    for k in range(steps):
        numbers = inputs | {"step_count": step.optimizer.step_count + k}
        known = {name: numbers[name] for name in tape.scalars if name}
        table, held = numbers_of(runner.program, known, 1)
        assert held == 1
        job = runner.job(sources, None, 0, 1, numbers=table.astype(X.dtype))
        assert runner.take(job) == 1
        loss = job.last
    runner.read(inputs)
    return inputs, loss


def assert_close(step: Step, tolerance: float = 1e-12, steps: int = 3) -> None:
    inputs, loss = taken(step, steps)
    for _ in range(steps):
        expected = step.take()
    scale = max(1.0, float(np.abs(step.objective.vector.value).max()))
    np.testing.assert_allclose(inputs["w"], step.objective.vector.value, 0, tolerance * scale)
    np.testing.assert_allclose(inputs["gradient"], step.objective.vector.grad, 0, tolerance * scale)
    assert loss == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("rows", [1, 16, 300])
@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_steps_equal_eager(activation: str, loss: str, rows: int) -> None:
    criterion = nn.loss(loss)
    outputs = 3 if isinstance(criterion, SoftmaxLoss) else 1
    weighted, dtype = rows == 16, np.float32 if rows == 300 else np.float64
    model = nn.mlp(2, 5, 7, outputs, activation=activation, dtype=dtype, seed=0)
    lr = 1e-5 if activation == "log_softmax" else 0.05  # whose outputs grow from layer to layer
    step = step_of(model, criterion, optim.NAG(lr), rows=rows, weighted=weighted, l2=0.01)
    assert_close(step, 1e-12 if dtype is np.float64 else 1e-4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, len(Everything.CHOICES) - 1), min_size=1, max_size=5),
    st.sampled_from([2, 9, 130]),
    st.sampled_from([optim.GradientDescent, optim.Momentum, optim.ReformulatedNAG]),
)
def test_random_programs_equal_eager(choices: list[int], rows: int, rule: Any) -> None:
    model = nn.Sequential(nn.Dense(3, 4), Everything(choices), nn.Dense(4, 2), seed=1)
    step = step_of(model, nn.MeanSquaredError(), rule(0.01), rows=rows, features=3)
    assert_close(step, 1e-9, steps=2)


@pytest.mark.parametrize("fault", ["subtract", "tanh", "gemm", "sum", "greater"])
def test_planted_faults_in_instructions_are_found(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = machine()
    assert found is not None
    swapped = {"subtract": "add", "tanh": "sin", "sum": "max", "greater": "less"}
    codes = dict(found.codes)
    if fault != "gemm":
        for ending in ("", "_vs", "_sv"):
            if fault + ending in codes:
                codes[fault + ending] = codes[swapped[fault] + ending]
    else:
        plan = runners.plan

        def faulty(*args: Any) -> Any:
            program = plan(*args)
            gemms = program.code[:, 0] == codes["gemm"]
            program.code[gemms, 12] = -1  # no bias
            return program

        monkeypatch.setattr(runners, "plan", faulty)
    monkeypatch.setattr(found, "codes", codes)
    model = nn.mlp(2, 5, 3, 1, activation="tanh" if fault == "tanh" else "leaky_relu", seed=0)
    with pytest.raises(AssertionError):
        assert_close(step_of(model, nn.BinaryCrossEntropy(), optim.NAG(0.1), rows=20))


def test_what_has_no_instruction_is_named() -> None:
    class Stacked(nn.Layer):
        def forward(self, x: Any, training: Any = False) -> Any:
            return ops.matmul(x.reshape((-1, 2, 2)), x.reshape((-1, 2, 2))).reshape((-1, 4))

    model = nn.Sequential(nn.Dense(2, 4), Stacked(), nn.Dense(4, 1), seed=0)
    step = step_of(model, nn.MeanSquaredError(), optim.NAG(0.1))
    with pytest.raises(NotRecordable, match="no instruction for products of stacks of matrices"):
        taken(step)


def test_every_name_of_the_table_is_an_instruction() -> None:
    found = machine()
    assert found is not None
    used = {*UNARY.values(), *BINARY.values(), *REDUCTIONS.values()}
    own = {name for name in found.codes if not name.endswith(("_vs", "_sv"))}
    assert own == used | {"loop", "load", "store", "gemm", "guard", "where"}
    assert set(PRODUCTS) == {"dot", "matmul", "vdot", "vecdot"}


def program() -> tuple[Runner, Any, Any]:
    """Return a correct job, and what must live as long."""
    model = nn.mlp(2, 5, 3, activation="leaky_relu", seed=0)
    step = step_of(model, nn.SoftmaxCrossEntropy(), optim.NAG(0.1), rows=20)
    tape = step.record()
    runner = Runner(tape, np.dtype(float), 20)
    X, t, _ = step.batch
    sources = {"X": X, "t": t.reshape(-1, 1).astype(float)}
    inputs = step.inputs(tape)
    numbers, _ = numbers_of(runner.program, {n: inputs[n] for n in tape.scalars if n}, 1)
    order = np.arange(20)
    job = runner.job(sources, order, 0, 1, numbers=numbers)
    return runner, job, (sources, order, numbers)


def test_wrong_programs_are_refused() -> None:
    """Whatever the check lets pass may compute nonsense, but stays inside its memory."""
    runner, job, _kept = program()
    code, rng = runner.program.code, np.random.default_rng(0)
    assert runner.take(job) == 1
    refused, correct = 0, code.copy()
    size = len(runner.memory)
    for _ in range(3000):
        code[...] = correct
        for _ in range(rng.integers(1, 3)):
            odd = [-1, 0, 1, 2, 3, 17, size - 80, size - 1, size, 2**31, 2**62, -(2**62)]
            extreme = rng.choice(odd)
            code[rng.integers(len(code)), rng.integers(WORDS)] = extreme
        guarded = runner.memory.copy()
        try:
            runner.take(job)
        except AssertionError:
            refused += 1
        runner.memory[...] = guarded
    code[...] = correct
    assert refused > 800
    order = _kept[1]
    wrong = pytest.raises(AssertionError, match="instruction -2")
    order[3] = 20
    with wrong:
        runner.take(job)
    order[3] = 0
    job.steps = 2
    with wrong:
        runner.take(job)
    job.steps = 1
    for move in ([size, 1], [size - 80, 2], [-1, 1], [0, -1], [0, 2**62]):
        moves = np.array([[0, *move, 0]], np.int64)
        job.moves, job.moved = moves.ctypes.data, 1
        with wrong:
            runner.take(job)


def test_a_guard_leaves_the_state_as_it_was() -> None:
    runner, job, _kept = program()
    sources = _kept[0]
    before = runner.memory.copy()
    sources["X"][3, 0] = np.inf  # makes logits, and so the losses, not finite
    assert runner.take(job) == 0
    for name in ("w", "state velocity"):
        at, size = runner.program.homes[name]
        np.testing.assert_array_equal(runner.memory[at : at + size], before[at : at + size])


def test_recording_takes_rows_of_three_axes() -> None:
    class Flat(nn.Layer):
        def forward(self, x: Any, training: Any = False) -> Any:
            return x.reshape((len(x), 6))

    model = nn.Sequential(Flat(), nn.Dense(6, 1), seed=0)
    step = step_of(nn.mlp(2, 1, seed=0), nn.MeanSquaredError(), optim.GradientDescent(0.1))
    rng = np.random.default_rng(0)
    objective = type(step.objective)(model, nn.MeanSquaredError())
    batch = rng.random((8, 2, 3)), rng.random((8, 1)), None
    other = batch[0][::-1], batch[1][::-1], None
    tape = record(objective, step.optimizer, batch, other)
    assert Runner(tape, np.dtype(float), 8).program.homes["X"][1] == 48
