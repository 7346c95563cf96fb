"""Custom code that a recording might not see: equal to eager, or refused, never different."""

from __future__ import annotations

import copy
import functools
import math
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_engine_training import ROWS, assert_same, trainer

from minidl import Trainer, nn, ops, optim
from minidl.training import Callback

COUNTS: dict[str, Any] = {"calls": 0, "memory": [], "table": {0: 0.05, 1: 0.02}}
CALLS = 0
RNG = np.random.default_rng(3)


class Helper:
    """Keeps state for a layer."""

    def __init__(self) -> None:
        self.calls = 0


HELPER = Helper()


class Rule(optim.Optimizer):
    """Gradient descent, whose size of a step is computed by a trap."""

    lr = optim.learning_rate()
    seen = 0

    def __init__(self, size: Callable[..., Any], lr: Any = 0.05) -> None:
        super().__init__(lr=lr)
        self.size, self.calls, self.kept = size, 0, deque[Any](maxlen=3)
        self.rng, self.helper = np.random.default_rng(4), Helper()

    def update(self, w: Any, grad: Any) -> None:
        w -= self.size(self, w, grad(w))


def counted(self: Any, w: Any, g: Any) -> Any:
    self.calls += 1
    return (0.05 if self.calls < 60 else 0.01) * g


def counted_in_the_class(self: Any, w: Any, g: Any) -> Any:
    type(self).seen += 1
    return (0.05 if type(self).seen < 60 else 0.01) * g


def counted_in_a_global(self: Any, w: Any, g: Any) -> Any:
    global CALLS  # noqa: PLW0603
    CALLS += 1
    return (0.05 if CALLS < 60 else 0.01) * g


def counted_in_a_table(self: Any, w: Any, g: Any) -> Any:
    COUNTS["calls"] += 1
    return (0.05 if COUNTS["calls"] < 60 else 0.01) * g


def counted_by_a_helper(self: Any, w: Any, g: Any) -> Any:
    HELPER.calls += 1
    return (0.05 if HELPER.calls < 60 else 0.01) * g


def counted_by_an_own_helper(self: Any, w: Any, g: Any) -> Any:
    self.helper.calls += 1
    return (0.05 if self.helper.calls < 60 else 0.01) * g


def counted_in_a_default(self: Any, w: Any, g: Any, calls: list[int] = [0]) -> Any:  # noqa: B006
    calls[0] += 1
    return (0.05 if calls[0] < 60 else 0.01) * g


def counted_in_a_function(self: Any, w: Any, g: Any) -> Any:
    counted_in_a_function.calls += 1  # type: ignore[attr-defined]
    return (0.05 if counted_in_a_function.calls < 60 else 0.01) * g  # type: ignore[attr-defined]


counted_in_a_function.calls = 0  # type: ignore[attr-defined]


def closure() -> Callable[..., Any]:
    calls = 0

    def size(self: Any, w: Any, g: Any) -> Any:
        nonlocal calls
        calls += 1
        return (0.05 if calls < 60 else 0.01) * g

    return size


def past_gradients(self: Any, w: Any, g: Any) -> Any:
    COUNTS["memory"].append(g.copy())
    return 0.05 * sum(COUNTS["memory"][-3:])


def own_past_gradients(self: Any, w: Any, g: Any) -> Any:
    self.kept.append(g.copy())
    return 0.02 * sum(self.kept)


def own_generator(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (1 + 0.1 * self.rng.random())


def global_generator(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (1 + 0.1 * RNG.random())


def legacy_generator(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (1 + 0.0 * np.random.rand())  # noqa: NPY002


def generator_of_python(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (1 + 0.0 * random.random())


def clock(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if time.time() > 0 else 0.01) * g


def printed(self: Any, w: Any, g: Any) -> Any:
    print("a step", end="")
    return 0.05 * g


def integer_of_the_step(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * 0.5 ** int(self.step_count / 60) * g


def floor_of_the_step(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * 0.5 ** math.floor(self.step_count / 60) * g


def floor_division_of_the_step(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * 0.5 ** (self.step_count // 60) * g


def sign_of_the_step(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if math.copysign(1, self.step_count - 60) < 0 else 0.01) * g


def rounded_step(self: Any, w: Any, g: Any) -> Any:
    return 0.05 / (1 + round(self.step_count / 100)) * g


def step_as_text(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if len(f"{self.step_count}") < 3 else 0.01) * g


def step_in_a_table(self: Any, w: Any, g: Any) -> Any:
    return {60: 0.01, 61: 0.02}.get(self.step_count, 0.05) * g


def step_in_a_list(self: Any, w: Any, g: Any) -> Any:
    return [0.05, 0.02, 0.01][min(self.step_count // 60, 2)] * g


@functools.lru_cache
def _cached(step: Any) -> float:
    return 0.05 / (1 + step // 50)  # type: ignore[no-any-return]


def cached(self: Any, w: Any, g: Any) -> Any:
    return _cached(self.step_count) * g


def divmod_of_the_step(self: Any, w: Any, g: Any) -> Any:
    cycle, _ = divmod(self.step_count, 60)
    return 0.05 / (1 + cycle) * g


def branch_on_the_step(self: Any, w: Any, g: Any) -> Any:
    return 0.01 * g if self.step_count > 60 else 0.05 * g


def chained_conditions(self: Any, w: Any, g: Any) -> Any:
    return 0.01 * g if 40 < self.step_count < 60 or self.step_count % 7 == 3 else 0.05 * g


def smallest_rate(self: Any, w: Any, g: Any) -> Any:
    return min(self.lr, 0.02 + 0.0001 * self.step_count) * g


def numpy_of_the_rate(self: Any, w: Any, g: Any) -> Any:
    return np.minimum(self.lr, 0.04) * g


def where_with_numbers(self: Any, w: Any, g: Any) -> Any:
    return np.where(g > self.lr, self.lr, 0.05) * g


def hidden_branch(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if np.abs(np.asarray(g)).max() > 0.2 else 0.02) * g


def hidden_branch_on_the_weights(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if np.asarray(w).sum() < 1e6 else 0.02) * g


def hidden_nan(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g if np.isfinite(np.asarray(g)).all() else 0.0 * g


def hidden_list(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if max(np.asarray(g).tolist()) < 0.3 else 0.02) * g


def hidden_bytes(self: Any, w: Any, g: Any) -> Any:
    return (0.05 if g.tobytes() != b"" and memoryview(g).nbytes else 0.02) * g


def seen_branch(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g if np.abs(g).max() > 0.2 else 0.02 * g


def seen_branches(self: Any, w: Any, g: Any) -> Any:
    size = 0.02 if g[0] > 0 else 0.04
    return size * g if g[1] > 0 and g[2] > 0 else 0.5 * size * g


def branch_on_a_number(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g if np.abs(g).max().item() > 0.2 else 0.02 * g


def branch_on_a_float(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g if float(np.abs(g).max()) > 0.2 else 0.02 * g


def in_place_on_a_view(self: Any, w: Any, g: Any) -> Any:
    half = g[: len(g) // 2]
    half *= 0.5
    half[::2] += 0.01
    return 0.05 * g


def in_place_on_overlapping_views(self: Any, w: Any, g: Any) -> Any:
    g[1:] += g[:-1]
    return 0.02 * g


def out_argument(self: Any, w: Any, g: Any) -> Any:
    np.multiply(g, 0.5, out=g)
    out = np.empty_like(g)
    np.add(g, g, out=out)
    return 0.05 * out


def plain_out_argument(self: Any, w: Any, g: Any) -> Any:
    out = np.zeros(len(w))
    np.multiply(g, 0.5, out=out)
    return 0.05 * out


def masked_out_argument(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * np.multiply(g, 2.0, out=g.copy(), where=g > 0)


def fancy_index(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g[np.argsort(np.asarray(w))][::-1]


def fancy_mask(self: Any, w: Any, g: Any) -> Any:
    g[g > 0.05] = 0.05
    return 0.05 * g


def choice_of_an_index(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (1 + g[np.argmax(np.abs(g))] ** 2)


def largest_element(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g / (1 + g.item(g.argmax()) ** 2)


def norm_of_numpy(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g / (1 + np.linalg.norm(g))


def python_sum(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g / (1 + sum(x * x for x in g))


def sorted_gradient(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (np.abs(g) >= np.sort(np.abs(g))[3])


def quantile(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * np.clip(g, -np.quantile(np.abs(g), 0.9), np.quantile(np.abs(g), 0.9))


def deep_copy(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * copy.deepcopy(g)


def integers(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * g * (g * 100).astype(int) / 10


def rounded(self: Any, w: Any, g: Any) -> Any:
    return 0.05 * np.round(g, 2)


def loop_until_small(self: Any, w: Any, g: Any) -> Any:
    g = g.copy()
    while np.abs(g).sum() > 1.0:
        g *= 0.5
    return 0.05 * g


def caught(self: Any, w: Any, g: Any) -> Any:
    try:
        return 0.05 * g / math.sqrt(self.step_count)
    except Exception:
        return 0.01 * g


TRAPS: list[Callable[..., Any]] = [
    counted, counted_in_the_class, counted_in_a_global, counted_in_a_table, counted_by_a_helper,
    counted_by_an_own_helper, counted_in_a_default, counted_in_a_function, closure, past_gradients,
    own_past_gradients, own_generator, global_generator, legacy_generator, generator_of_python,
    clock, printed, integer_of_the_step, floor_of_the_step, floor_division_of_the_step,
    sign_of_the_step, rounded_step, step_as_text, step_in_a_table, step_in_a_list, cached,
    divmod_of_the_step, branch_on_the_step, chained_conditions, smallest_rate, numpy_of_the_rate,
    where_with_numbers, hidden_branch, hidden_branch_on_the_weights, hidden_nan, hidden_list,
    hidden_bytes, seen_branch, seen_branches, branch_on_a_number, branch_on_a_float,
    in_place_on_a_view, in_place_on_overlapping_views, out_argument, plain_out_argument,
    masked_out_argument, fancy_index, fancy_mask, choice_of_an_index, largest_element,
    norm_of_numpy, python_sum, sorted_gradient, quantile, deep_copy, integers, rounded,
    loop_until_small, caught,
]  # fmt: skip


def begin() -> None:
    """Set all that the traps keep outside to what it is at first."""
    global CALLS, RNG
    CALLS, RNG, HELPER.calls, Rule.seen = 0, np.random.default_rng(3), 0, 0
    COUNTS.update(calls=0, memory=[])
    counted_in_a_function.calls = 0  # type: ignore[attr-defined]
    counted_in_a_default.__defaults__[0][0] = 0  # type: ignore[index]
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)


def trained(engine: str, rule: Callable[[], optim.Optimizer], model: Any = None) -> Trainer:
    begin()
    own = trainer(engine, model or (lambda: nn.mlp(2, 4, 1, seed=0)), rule, batch_size=32)
    own.fit(*ROWS, epochs=30)
    return own


SCHEDULED = lambda k: 0.06 - 0.0004 * k  # noqa: E731
COMPILED = {
    "floor_division_of_the_step", "branch_on_the_step", "chained_conditions", "smallest_rate",
    "numpy_of_the_rate", "where_with_numbers", "hidden_bytes", "seen_branch", "seen_branches",
    "branch_on_a_number", "out_argument", "largest_element", "python_sum", "loop_until_small",
}  # fmt: skip


def assert_equal_or_refused(make: Callable[[str], Trainer], compiled: bool) -> None:
    one, two = make("eager"), make("auto")
    taken, reason = two.compiled.steps_taken, two.compiled.reason
    assert (taken > 0.9 * two.optimizer.step_count) is compiled, reason
    assert (reason == "") is compiled
    assert_same(one, two, 1e-11)
    if not compiled:
        assert taken == 0
        np.testing.assert_array_equal(one.model.parameters.value, two.model.parameters.value)


@pytest.mark.unmeasured
@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_a_trap_in_an_optimizer_is_equal_to_eager_or_refused(
    trap: Callable[..., Any], scheduled: bool
) -> None:
    """In a step that no comparison sees, each does something else; recording has no effects."""

    def rule() -> optim.Optimizer:
        return Rule(trap() if trap is closure else trap, SCHEDULED if scheduled else 0.05)

    assert_equal_or_refused(lambda engine: trained(engine, rule), trap.__name__ in COMPILED)


class Trap(nn.Layer):
    """A layer whose forward is a trap."""

    slope = 0.0

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.calls, self.array = function, 0, np.zeros(1)
        self.rng, self.kept = np.random.default_rng(1), dict[str, Any]()
        self.inner = {"helper": Helper()}

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.function(self, x, training)


def array_that_counts(self: Any, x: Any, training: Any) -> Any:
    self.array[0] += 1
    return x * (1.0 if self.array[0] < 100 else 0.5)


def attribute_that_counts(self: Any, x: Any, training: Any) -> Any:
    self.calls += bool(training)
    return x * (1.0 if self.calls < 60 else 0.5)


def helper_in_a_container(self: Any, x: Any, training: Any) -> Any:
    self.inner["helper"].calls += bool(training)
    return x * (1.0 if self.inner["helper"].calls < 60 else 0.5)


def batch_before(self: Any, x: Any, training: Any) -> Any:
    before = self.kept.get("x", 0.0)
    self.kept["x"] = float(x.data.mean())
    return x + 0.01 * before


def noise_of_an_own_generator(self: Any, x: Any, training: Any) -> Any:
    return x + 0.01 * self.rng.standard_normal(x.shape) if training else x


def rows_in_a_loop(self: Any, x: Any, training: Any) -> Any:
    return ops.stack([ops.tanh(x[i]) * (i + 1) / len(x) for i in range(len(x))])


def rows_by_value(self: Any, x: Any, training: Any) -> Any:
    return ops.where(x > ops.mean(x), x, 0.5 * x)


def size_of_the_batch(self: Any, x: Any, training: Any) -> Any:
    return x * (1.0 if len(x) == 32 else 0.9)


def sign_of_the_mean(self: Any, x: Any, training: Any) -> Any:
    return x * 0.9 if float(x.data.mean()) > 0 else x


def seen_sign_of_the_mean(self: Any, x: Any, training: Any) -> Any:
    return x * 0.9 if x.data.mean() > 0 else x


def hidden_sign_of_the_mean(self: Any, x: Any, training: Any) -> Any:
    return x * 0.9 if np.asarray(x.data).mean() > 100.0 else x


def assigned(self: Any, x: Any, training: Any) -> Any:
    mask = np.ones(x.shape)
    mask[:, 0] = x.data[:, 1]
    return x * mask


def written_row(self: Any, x: Any, training: Any) -> Any:
    mask = np.empty_like(x.data)
    mask[...] = 1.0
    mask[1:2] = np.tanh(x.data[:1])
    mask[:, 0] = x.data[:, 1]
    return x * mask


def sorted_features(self: Any, x: Any, training: Any) -> Any:
    order = np.argsort(x.data.mean(axis=0))
    return x[:, order]


def put_by_numpy(self: Any, x: Any, training: Any) -> Any:
    mask = np.tanh(x.data)
    np.put(mask, [0, 1], 2.0)
    return x * mask


def masked_by_numpy(self: Any, x: Any, training: Any) -> Any:
    mask = np.tanh(x.data)
    np.putmask(mask, np.asarray(x.data) > 0.5, 0.5)
    return x * mask


def copied_by_numpy(self: Any, x: Any, training: Any) -> Any:
    mask = np.tanh(x.data)
    np.copyto(mask, 0.5, where=np.asarray(x.data) > 0.5)
    return x * mask


def shuffled(self: Any, x: Any, training: Any) -> Any:
    mask = np.tanh(x.data)
    np.random.default_rng(0).shuffle(mask)
    return x * mask


def einsum(self: Any, x: Any, training: Any) -> Any:
    return x * np.einsum("ij,ij->i", x.data, x.data)[:, None]


def reversed_rows(self: Any, x: Any, training: Any) -> Any:
    return x + 0.1 * x[::-1]


FORWARDS: list[Callable[..., Any]] = [
    array_that_counts, attribute_that_counts, helper_in_a_container, batch_before,
    noise_of_an_own_generator, rows_in_a_loop, rows_by_value, size_of_the_batch, sign_of_the_mean,
    seen_sign_of_the_mean, hidden_sign_of_the_mean, assigned, written_row, sorted_features,
    put_by_numpy, masked_by_numpy, copied_by_numpy, shuffled, einsum, reversed_rows,
]  # fmt: skip
COMPILED_FORWARDS = {"rows_by_value", "size_of_the_batch", "seen_sign_of_the_mean", "written_row"}


@pytest.mark.unmeasured
@pytest.mark.filterwarnings("ignore:.* changed in training but")
@pytest.mark.parametrize("trap", FORWARDS, ids=lambda trap: trap.__name__)
def test_a_trap_in_a_layer_is_equal_to_eager_or_refused(trap: Callable[..., Any]) -> None:
    rule = lambda: optim.NAG(0.05)  # noqa: E731
    model = lambda: nn.Sequential(nn.Dense(2, 4), Trap(trap), nn.Tanh(), nn.Dense(4, 1), seed=0)  # noqa: E731
    compiled = trap.__name__ in COMPILED_FORWARDS
    assert_equal_or_refused(lambda engine: trained(engine, rule, model), compiled)


class Counting(nn.Loss):
    """A loss that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def prepare(self, targets: Any, shape: Any, dtype: Any = None) -> Any:
        return np.asarray(targets, dtype).reshape(shape)

    def mean(self, outputs: Any, targets: Any) -> Any:
        self.calls += 1
        return ops.mean(ops.square(outputs - targets)) * (1.0 if self.calls < 100 else 0.5)


class Second(optim.Modifier):
    """Halves every step but the first ones, which it counts itself."""

    taken = 0

    def update(self, w: Any, grad: Any) -> None:
        self.taken += 1
        self.optimizer.step(w, lambda point: grad(point) * (1.0 if self.taken < 60 else 0.5))


class NotState(optim.Momentum):
    """Keeps a list that is said to be no state."""

    not_state = ("seen",)

    def __init__(self) -> None:
        super().__init__(0.05)
        self.seen: list[float] = []

    def update(self, w: Any, grad: Any) -> None:
        super().update(w, grad)
        self.seen.append(1.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": Counting}, "the step of Counting changes calls"),
        ({"optimizer": lambda: Second(optim.NAG(0.05))}, "the step of Second changes taken"),
        ({"optimizer": NotState}, "the step of NotState changes seen"),
    ],
)
def test_losses_and_modifiers_that_count_are_refused(options: dict[str, Any], words: str) -> None:
    own = {name: value() if name == "loss" else value for name, value in options.items()}
    two = trainer("auto", **own)
    own = {name: value() if name == "loss" else value for name, value in options.items()}
    one = trainer("eager", **own)
    for each in (one, two):
        each.fit(*ROWS, epochs=20)
    assert two.compiled.reason == words
    assert_same(one, two, 1e-13)
    if isinstance(two.optimizer, NotState):
        assert len(two.optimizer.seen) == two.optimizer.step_count


def test_a_schedule_that_counts_its_calls_is_refused() -> None:
    def make() -> optim.Optimizer:
        calls = iter(range(10**6))
        return optim.NAG(lambda step: 0.05 / (1 + next(calls) // 50))

    one, two = (trainer(engine, optimizer=make) for engine in ("eager", "auto"))
    two.fit(*ROWS, epochs=1)
    assert "takes values from the iterator calls" in two.compiled.reason
    one.fit(*ROWS, epochs=1)


def test_a_schedule_that_fails_does_so_in_the_same_step() -> None:
    def rate(step: int) -> float:
        return 0.05 if step < 33 else -1.0

    ended = []
    for engine in ("eager", "compiled"):
        own = trainer(engine, optimizer=lambda: optim.NAG(rate))
        with pytest.raises(ValueError, match="must be a positive finite number, got -1"):
            own.fit(*ROWS, epochs=20)
        ended.append((own.optimizer.step_count, own.cursor, own.samples))
    assert ended[0] == ended[1]
    assert ended[0][0] == 33


FACTOR = 1.0


class Between(Callback):
    """Changes what custom layers read, between epochs."""

    def on_epoch_end(self, trainer: Any, row: dict[str, float]) -> None:
        global FACTOR  # noqa: PLW0603
        FACTOR = 1.0 + 0.1 * (row["epoch"] % 3)
        HELPER.calls = int(row["epoch"])
        trainer.model[1].inner["helper"].calls = int(row["epoch"])
        trainer.model[1].array[...] = row["epoch"]
        Trap.slope = 0.1 * row["epoch"]


@pytest.mark.unmeasured
@pytest.mark.filterwarnings("ignore:.* changed in training but")
@pytest.mark.parametrize(
    "function",
    [
        lambda self, x, training: x * FACTOR,
        lambda self, x, training: x * (1.0 if HELPER.calls < 5 else 0.5),
        lambda self, x, training: x / (1 + self.inner["helper"].calls),
        lambda self, x, training: x / (1.0 + self.array),
        lambda self, x, training: ops.maximum(x, type(self).slope * x),
    ],
)
def test_what_callbacks_change_between_epochs_is_noticed(function: Any) -> None:
    def make(engine: str) -> Trainer:
        global FACTOR
        FACTOR, Trap.slope, HELPER.calls = 1.0, 0.0, 0
        model = nn.Sequential(nn.Dense(2, 4), Trap(function), nn.Dense(4, 1), seed=0)
        own = trainer(engine, lambda: model, callbacks=[Between()])
        own.fit(*ROWS, epochs=12)
        return own

    one, two = make("eager"), make("auto")
    assert two.compiled.steps_taken > 0.9 * two.optimizer.step_count
    assert_same(one, two, 1e-11)
