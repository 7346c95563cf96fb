"""Clipping, decoupled weight decay and adaptive restarts, around every rule of the table."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optim_problems import Quadratic, diagonal_quadratic

from minidl import optim
from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.optim.named import modified
from minidl.optim.restarts import restarts

Array = Any
with np.load(Path(__file__).parent.parent / "golden" / "modifiers.npz") as file:
    GOLDEN = dict(file)
LR, M, CLIP, DECAY = (float(GOLDEN[name]) for name in ("lr", "momentum", "clip", "decay"))
RULES = {entry.name: entry for entry in optim.TABLE if not entry.fixed}
WITH_VELOCITY = [name for name, entry in RULES.items() if restarts(entry.make(0.1))]
Wrap = Callable[[optim.Optimizer], optim.Optimizer]
AROUND: dict[str, Wrap] = {
    "norm": lambda rule: optim.ClipByNorm(rule, 0.5),
    "value": lambda rule: optim.ClipByValue(rule, 0.25),
    "decay": lambda rule: optim.DecoupledWeightDecay(rule, 0.05),
    "gradient": optim.GradientRestart,
    "function": optim.FunctionRestart,
    "nested": lambda rule: optim.GradientRestart(optim.ClipByNorm(rule, 0.5)),
}
QUADRATIC = diagonal_quadratic(0.02, 0.1, 0.5, 1.0)


def fits(name: str, around: str) -> bool:
    """Return whether a modifier can be put around a rule."""
    if around in ("gradient", "function", "nested"):
        return name in WITH_VELOCITY
    return around != "decay" or not hasattr(RULES[name].optimizer, "weight_decay")


PAIRS = [(name, around) for name in RULES for around in AROUND if fits(name, around)]


def run(optimizer: optim.Optimizer, w: Array, steps: int = 40) -> Array:
    """Take steps on the quadratic, and tell the optimizer its losses; return the iterates."""
    points = []
    for _ in range(steps):
        optimizer.step(w, lambda point: point * np.diag(QUADRATIC.A).astype(point.dtype))
        points.append(optimizer.iterate(w).copy())
        theta = points[-1].astype(float)
        optimizer.note_loss(np.sum(np.diag(QUADRATIC.A) * theta**2, axis=-1) / 2)
    return np.array(points)


def made(name: str, around: str, lr: Any = 0.3) -> optim.Optimizer:
    """Return a rule of the table in a modifier."""
    return AROUND[around](RULES[name].make(lr))


@pytest.mark.parametrize(("name", "around"), PAIRS)
def test_replicas_equal_single_runs_and_keep_float32(name: str, around: str) -> None:
    rates, starts = [0.05, 0.3], np.array([[3.0, -2.0, 1.0, 4.0], [0.5, 1.0, -3.0, 2.0]])
    together = run(made(name, around, rates), starts.copy())
    for k, lr in enumerate(rates):
        assert_allclose(together[:, k], run(made(name, around, lr), starts[k].copy()), rtol=1e-12)
    single = starts.astype(np.float32)
    optimizer = made(name, around, np.array(rates, np.float32))
    assert run(optimizer, single).dtype == np.float32
    vectors = [v for v in optimizer.state.values() if v.shape == single.shape]
    assert all(v.dtype == np.float32 for v in vectors)


@pytest.mark.parametrize(("name", "around"), PAIRS)
def test_saved_reset_copied_and_pickled_optimizers_go_on_as_the_first(
    name: str, around: str
) -> None:
    optimizer, w = made(name, around), np.array([3.0, -2.0, 1.0, 4.0])
    first = run(optimizer, w)
    at, state = w.copy(), optimizer.state_dict()
    others = [copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer)), made(name, around)]
    others[-1].load_state_dict(state)
    expected = run(optimizer, w)
    for other in others:
        assert_array_equal(run(other, at.copy()), expected)
    optimizer.reset()
    assert (optimizer.step_count, optimizer.state) == (0, {})
    assert_array_equal(run(optimizer, np.array([3.0, -2.0, 1.0, 4.0])), first)


def test_hyperparameters_are_reached_and_set_through_every_modifier() -> None:
    rule = optim.NAG(lr=optim.StepDecay(0.4, every=2, factor=0.5))
    optimizer = optim.ClipByNorm(optim.DecoupledWeightDecay(rule, 0.1), 2.0)
    run(optimizer, np.ones(4), 2)
    assert (optimizer.lr, optimizer.momentum, optimizer.step_count) == (0.2, 0.9, 2)
    optimizer.lr, optimizer.weight_decay, optimizer.clip_norm = 0.01, 0.2, 3.0
    assert rule.hyperparameters == {"lr": 0.01, "momentum": 0.9}
    values = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.2, "clip_norm": 3.0}
    assert optimizer.hyperparameters == values
    inner = "DecoupledWeightDecay(NAG(lr=0.01, momentum=0.9), weight_decay=0.2)"
    assert repr(optimizer) == f"ClipByNorm({inner}, clip_norm=3.0)"
    with pytest.raises(ArgumentError, match="lr must be a positive finite number, got -1"):
        optimizer.lr = -1
    with pytest.raises(ArgumentError, match="clip_norm must be a positive finite number, got 0"):
        optimizer.clip_norm = 0
    done = optim.ClipByNorm(optim.ReformulatedNAG(0.1), 1.0)
    run(done, np.ones(4), 1)
    with pytest.raises(ArgumentError, match="ReformulatedNAG cannot be replaced"):
        done.momentum = 0.5


def test_nags_gradient_at_the_look_ahead_point_is_clipped() -> None:
    optimizer, w = optim.ClipByNorm(optim.NAG(0.5), 1.0), np.array([6.0, 8.0])
    asked = []

    def gradient(point: Array) -> Array:
        asked.append(point.copy())
        return point.copy()

    optimizer.step(w, gradient)
    assert_allclose(w, [5.7, 7.6], rtol=1e-15)
    ahead = optimizer.look_ahead(w)
    optimizer.step(w, gradient)
    assert_array_equal(asked[1], ahead)
    assert_allclose(ahead, [5.43, 7.24], rtol=1e-15)
    assert optimizer.gradient_evaluations == 2


def golden_apart(wrap: Wrap, name: str) -> float:
    """Return the largest difference from the points of a library."""
    inner = optim.ReformulatedNAG if name.endswith("nesterov") else optim.Momentum
    optimizer, w, points = wrap(inner(LR, M)), GOLDEN["start"].copy(), []
    for _ in range(1000):
        optimizer.step(w, lambda point: GOLDEN["A"] @ point)
        points.append(w.copy())
    return float(np.abs(np.array(points)[GOLDEN["kept"] - 1] - GOLDEN[name]).max())


MODIFIED: dict[str, Wrap] = {
    "norm": lambda rule: optim.ClipByNorm(rule, CLIP),
    "value": lambda rule: optim.ClipByValue(rule, CLIP),
    "decay": lambda rule: optim.DecoupledWeightDecay(rule, DECAY),
}


@pytest.mark.parametrize("name", [n for n in GOLDEN if n.endswith(("nesterov", " momentum"))])
def test_points_are_those_of_pytorch_keras_and_optax(name: str) -> None:
    library, what, _ = name.split()
    apart = golden_apart(MODIFIED[what], name)
    if (library, what) == ("torch", "norm"):  # which divides by norm + 1e-6
        assert 1e-9 < apart < 1e-4
    else:
        assert apart < 1e-12


def textbook_restart(f: Quadratic, scheme: str, steps: int, constant: float | None) -> Array:
    """O'Donoghue and Candes 2015, algorithm 1 with restarts, in x, y and theta, or a constant."""
    start = np.ones(len(f.b))
    L, x, y, theta = f.extremes[1], start.copy(), start.copy(), 1.0
    points = []
    for _ in range(steps):
        g = f.gradient(y)
        new = y - g / L
        following = (-(theta**2) + np.sqrt(theta**4 + 4 * theta**2)) / 2
        beta = theta * (1 - theta) / (theta**2 + following) if constant is None else constant
        uphill = g @ (new - x) > 0 if scheme == "gradient" else f.gap(new) > f.gap(x)
        y, theta = (new, 1.0) if uphill else (new + beta * (new - x), following)
        x = new
        points.append(x)
    return np.array(points)


STEEP = Quadratic(np.diag(np.geomspace(1e-3, 1, 50)), np.zeros(50))


def textbook_apart(
    wrap: Wrap, scheme: str, rule: Any = optim.NAG, constant: float | None = None
) -> float:
    """Return the largest difference from the points of the textbook."""
    optimizer = wrap(rule(1.0, optim.NesterovMomentum() if constant is None else constant))
    w, points = np.ones(50), []
    for _ in range(800):
        optimizer.step(w, STEEP.gradient)
        points.append(optimizer.iterate(w).copy())
        optimizer.note_loss(STEEP.gap(points[-1]))
    assert optimizer.state["restarted_at"].shape == (1,)
    return float(np.abs(points - textbook_restart(STEEP, scheme, 800, constant)).max())


@pytest.mark.parametrize("constant", [None, 0.99])
@pytest.mark.parametrize("rule", [optim.NAG, optim.ReformulatedNAG])
@pytest.mark.parametrize("scheme", ["gradient", "function"])
def test_restarts_visit_the_points_of_the_textbook(
    scheme: str, rule: Any, constant: float | None
) -> None:
    assert textbook_apart(AROUND[scheme], scheme, rule, constant) < 1e-10


def test_restarts_need_a_third_of_the_iterations_at_condition_number_1000() -> None:
    f = STEEP

    def iterations(optimizer: optim.Optimizer) -> int:
        w, count = np.ones(50), 0
        while f.gap(optimizer.iterate(w)) > 1e-10:
            optimizer.step(w, f.gradient)
            optimizer.note_loss(f.gap(optimizer.iterate(w)))
            count += 1
        return count

    def nag() -> optim.NAG:
        return optim.NAG(1.0, optim.NesterovMomentum())

    counts = map(iterations, [nag(), optim.FunctionRestart(nag()), optim.GradientRestart(nag())])
    assert [*counts, iterations(optim.GradientDescent(1.0))] == [2504, 705, 609, 7765]


def test_each_replica_restarts_by_itself() -> None:
    def gradient(point: Array) -> Array:
        return point * np.array([1.0, 0.01])

    starts, schedule = np.array([[1.0, 1.0], [0.001, 1.0]]), optim.NesterovMomentum()
    together = optim.GradientRestart(optim.NAG(np.array([0.9, 0.5]), schedule))
    w, alone = starts.copy(), starts.copy()
    singles = [optim.GradientRestart(optim.NAG(lr, schedule)) for lr in (0.9, 0.5)]
    for _ in range(60):
        together.step(w, gradient)
        for row, single in zip(alone, singles, strict=True):
            single.step(row, gradient)
    assert_array_equal(w, alone)
    at = together.state["restarted_at"].ravel()
    assert at.tolist() == [float(s.state["restarted_at"][0]) for s in singles]
    assert at[0] != at[1]


@pytest.mark.parametrize("restart", [optim.GradientRestart, optim.FunctionRestart])
def test_a_schedule_with_a_momentum_for_each_replica_begins_again_in_each(restart: Any) -> None:
    most, rates = np.array([0.95, 0.8, 0.99]), np.array([0.4, 0.2, 0.1])

    def rising(step: int, of: Any = slice(None)) -> Any:
        return most[of] * step / (step + 3)

    together = restart(optim.Momentum(rates, rising))
    alone = [restart(optim.Momentum(rates[k], lambda step, k=k: rising(step, k))) for k in range(3)]
    starts = np.array([[0.0, 0.0, 1.0, 4.0], [0.0, 0.0, 3.0, 1.0], [0.0, 1.0, 2.0, 0.0]])
    points = run(together, starts.copy())
    for k, single in enumerate(alone):
        assert_allclose(points[:, k], run(single, starts[k].copy()), rtol=1e-12, atol=1e-300)
    at = together.state["restarted_at"].ravel().tolist()
    assert at == [single.state["restarted_at"].item() for single in alone]
    assert len(set(at)) == 3
    assert min(at) > 0


WRONG = {
    "no optimizer": (lambda: optim.ClipByNorm("nag", 1.0), "optimizer must be an optimizer"),
    "twice": (lambda: optim.ClipByNorm(made("nag", "norm"), 1.0), "without clip_norm, which"),
    "two restarts": (lambda: optim.GradientRestart(made("nag", "gradient")), "is nested twice"),
    "both restarts": (lambda: optim.GradientRestart(made("nag", "function")), "without a restart"),
    "restarts around clipping": (
        lambda: optim.FunctionRestart(made("nag", "nested")),
        "needs an optimizer without a restart",
    ),
    "no momentum": (
        lambda: optim.GradientRestart(optim.RMSprop()),
        "with a velocity.*Its momentum is 0: set one",
    ),
    "infinite": (lambda: optim.ClipByValue(optim.NAG(0.1), np.inf), "clip_value must be a pos"),
    "negative": (lambda: optim.DecoupledWeightDecay(optim.NAG(0.1), -1), "weight_decay must be"),
    "no velocity": (lambda: optim.GradientRestart(optim.GradientDescent(0.1)), "with a velocity"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_errors_that_say_so(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        make()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("around", AROUND)
def test_wrong_vectors_and_gradients_are_the_errors_of_the_rule(around: str) -> None:
    optimizer = made("nag", around)
    with pytest.raises(DTypeError, match="updates its vector in place"):
        optimizer.step([1.0], lambda point: point)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="grad is not a function"):
        optimizer.step(np.ones(2), np.ones(2))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="the gradient does not fit the vector"):
        optimizer.step(np.ones(2), lambda point: 1.0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ArgumentError, match="belongs to another optimizer"):
        optimizer.load_state_dict(optim.NAG(0.1).state_dict())


def test_only_a_constant_momentum_of_0_is_no_velocity() -> None:
    assert set(WITH_VELOCITY) >= {"momentum", "nag", "adam", "lion"}
    assert not {"rmsprop", "rmsprop-centered"} & set(WITH_VELOCITY)
    for momentum in (0.5, [0.0, 0.5], lambda step: 0.0):
        optim.GradientRestart(optim.RMSprop(momentum=momentum))
    for momentum in (0.0, [0.0, 0.0]):
        with pytest.raises(ArgumentError, match="with a velocity"):
            optim.FunctionRestart(optim.NAG(0.1, momentum))


@pytest.mark.parametrize("around", ["gradient", "function", "nested"])
def test_a_restart_that_has_forgotten_is_saved_and_goes_on_as_at_the_start(around: str) -> None:
    optimizer, w = made("nag", around, 1.0), np.ones(4)
    run(optimizer, w)
    assert optimizer.state["restarted_at"][0] > 0
    optimizer.forget()
    other = made("nag", around, 1.0)
    other.load_state_dict(optimizer.state_dict())
    goes_on = run(optimizer, np.ones(4))
    assert_array_equal(goes_on, run(made("nag", around, 1.0), np.ones(4)))
    assert_array_equal(goes_on, run(other, np.ones(4)))


def cleared_after_ten_steps(rule: optim.Optimizer) -> tuple[optim.Optimizer, Array]:
    """Return a rule in a restart that has just taken place, and the weights."""
    optimizer, w = optim.GradientRestart(rule), np.array([3.0, -2.0, 1.0, 4.0])
    for _ in range(10):
        optimizer.step(w, lambda point: QUADRATIC.A @ point)
    optimizer.restart(w, np.ones(1, bool))
    return optimizer, w


@pytest.mark.parametrize("name", ["adam", "adamw", "amsgrad", "adamax", "radam"])
def test_the_first_average_after_a_restart_is_the_gradient(name: str) -> None:
    optimizer, w = cleared_after_ten_steps(RULES[name].make(0.1))
    other = optim.GradientRestart(RULES[name].make(0.1))
    other.load_state_dict(optimizer.state_dict())
    other.beta1, v = 0.0, w.copy()  # without an average
    for one, at in ((optimizer, w), (other, v)):
        one.step(at, lambda point: QUADRATIC.A @ point)
    assert_allclose(w, v, rtol=1e-13)


def test_the_average_of_squares_keeps_its_own_step_count() -> None:
    optimizer, w = cleared_after_ten_steps(optim.Adam(0.1))
    g, v = QUADRATIC.A @ w, optimizer.state["square_mean"].copy()
    corrected = (0.999 * v + 0.001 * g**2) / (1 - 0.999**11)
    expected = w - 0.1 * g / (np.sqrt(corrected) + 1e-8)
    optimizer.step(w, lambda point: QUADRATIC.A @ point)
    assert_allclose(w, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam", "adamax", "radam"])
def test_without_averages_of_squares_a_restart_is_a_new_run(name: str) -> None:
    def make() -> optim.Optimizer:
        rule: Any = RULES[name].make(0.1)
        rule.beta2 = 0.0
        return rule  # type: ignore[no-any-return]

    optimizer, w = cleared_after_ten_steps(make())
    fresh, v = make(), w.copy()
    for _ in range(5):
        optimizer.optimizer.step(w, lambda point: QUADRATIC.A @ point)  # type: ignore[attr-defined]
        fresh.step(v, lambda point: QUADRATIC.A @ point)
        assert_allclose(w, v, rtol=1e-13)


@pytest.mark.parametrize("rule", [optim.NAG, optim.ReformulatedNAG])
def test_of_nag_the_iterate_decays(rule: Any) -> None:
    optimizer, w, iterates = optim.DecoupledWeightDecay(rule(0.1, 0.9), 0.5), np.ones(1), []
    for _ in range(3):
        optimizer.step(w, lambda point: point)
        iterates.append(float(optimizer.iterate(w)[0]))
    # v = 0.1, 0.1535, 0.198610: of the gradients 1, 0.85 - 0.9 * 0.1 and 0.6415 - 0.9 * v
    assert_allclose(iterates, [0.85, 0.6415, 0.410815], rtol=1e-14)


HUGE, TINY = 1e200, 1e-200
CLIPPED: dict[str, tuple[list[float], list[float]]] = {
    "huge": ([3 * HUGE, -4 * HUGE], [0.6, -0.8]),
    "largest": ([np.finfo(float).max] * 2, [0.5**0.5] * 2),
    "tiny": ([3 * TINY, 4 * TINY], [3 * TINY, 4 * TINY]),
    "zero": ([0.0, -0.0], [0.0, -0.0]),
    "short": ([0.3, 0.4], [0.3, 0.4]),
    "infinite": ([np.inf, 1.0], [np.inf, 1.0]),
    "no number": ([np.nan, 3.0], [np.nan, 3.0]),
}


def clipped(g: Array, limit: float = 1.0) -> Array:
    """Return a gradient as ClipByNorm gives it to the rule."""
    w = np.zeros_like(g)
    optim.ClipByNorm(optim.GradientDescent(1.0), limit).step(w, lambda point: g)
    return -w


@pytest.mark.parametrize("case", CLIPPED)
def test_norms_do_not_overflow_and_infinite_gradients_stay(case: str) -> None:
    g, expected = map(np.array, CLIPPED[case])
    assert_allclose(clipped(g), expected, rtol=1e-15)


def test_each_replica_is_clipped_by_its_own_scale() -> None:
    g, expected = (np.array([pair[k] for pair in CLIPPED.values()]) for k in (0, 1))
    assert_allclose(clipped(g), expected, rtol=1e-15)


def test_float32_gradients_are_clipped_near_their_limits() -> None:
    got = clipped(np.array([3e38, 3e38], np.float32))
    assert got.dtype == np.float32
    assert_allclose(got, [0.5**0.5] * 2, rtol=1e-7)
    assert_allclose(clipped(np.array([3 * TINY, 4 * TINY]), TINY), [0.6 * TINY, 0.8 * TINY])


def test_a_shallow_copy_is_independent_too() -> None:
    for optimizer in (optim.NAG(0.1), optim.ClipByNorm(optim.NAG(0.1), 1.0)):
        run(optimizer, np.ones(4), 2)
        before, other = copy.deepcopy(optimizer), copy.copy(optimizer)
        other.lr, other.momentum = 0.5, 0.5
        run(other, np.ones(4), 3)
        assert (other.step_count, optimizer.step_count) == (5, 2)
        assert optimizer.hyperparameters == before.hyperparameters
        assert_array_equal(optimizer.state["velocity"], before.state["velocity"])


def test_a_trainers_decay_is_not_written_into_the_callers_adamw() -> None:
    given = optim.AdamW(0.1, weight_decay=0.02)
    made = modified(given, clip_norm=1.0, weight_decay=0.5)
    assert (given.weight_decay, made.weight_decay) == (0.02, 0.5)  # type: ignore[attr-defined]
    assert modified(given) is given


def test_an_optimizer_without_a_rate_has_no_decay() -> None:
    class Fixed(optim.Optimizer):
        def update(self, w: Array, grad: optim.Gradient) -> None:
            w -= 0.1 * grad(w)

    with pytest.raises(ArgumentError, match="needs an optimizer with a learning rate, lr"):
        optim.DecoupledWeightDecay(Fixed(), 0.1)


def test_custom_attributes_inside_a_modifier_are_state() -> None:
    class Counting(optim.Optimizer):
        lr = optim.learning_rate()

        def __init__(self, lr: float) -> None:
            super().__init__(lr=lr)
            self.calls = 0

        def update(self, w: Array, grad: optim.Gradient) -> None:
            self.calls += 1
            w -= self.lr / self.calls * grad(w)

    optimizer, w = optim.ClipByNorm(Counting(0.1), 1.0), np.ones(4)
    run(optimizer, w, 3)
    assert optimizer.calls == 3
    other = optim.ClipByNorm(Counting(0.1), 1.0)
    other.load_state_dict(optimizer.state_dict())
    assert other.calls == 3
    other.reset()
    assert other.calls == 0


class PerElement(optim.ClipByNorm):
    """Clips each element by its own length."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        most = self.clip_norm
        self.optimizer.step(w, lambda p: (g := grad(p)) * np.minimum(1, most / np.abs(g)))


class OverReplicas(optim.ClipByNorm):
    """Takes one norm for all replicas."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        most = self.clip_norm
        self.optimizer.step(w, lambda p: (g := grad(p)) * min(1, most / np.linalg.norm(g)))


class Coupled(optim.DecoupledWeightDecay):
    """Adds the decay to the gradient, as torch.optim.SGD does."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        self.optimizer.step(w, lambda p: grad(p) + self.weight_decay * p)


class WithoutRate(optim.DecoupledWeightDecay):
    """Does not multiply the decay by the rate."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        decay = self.weight_decay * w
        self.optimizer.step(w, grad)
        w -= decay


class AfterTheStep(optim.DecoupledWeightDecay):
    """Decays the weights that the step has reached."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        self.optimizer.step(w, grad)
        w -= self.lr * self.weight_decay * w


class KeepsTheVelocity(optim.GradientRestart):
    """Keeps the velocity; a schedule that begins at 0, such as Nesterov's, would hide it."""

    def restart(self, w: Array, which: Array) -> None:
        self.cleared = ()
        super().restart(w, which)


class KeepsTheSchedule(optim.GradientRestart):
    """Clears the velocity, but lets the schedule of the momentum go on."""

    def restart(self, w: Array, which: Array) -> None:
        super().restart(w, which)
        self.state["restarted_at"][...] = 0


FAULTS: dict[type[optim.Optimizer], Callable[[], float]] = {
    PerElement: lambda: golden_apart(lambda rule: PerElement(rule, CLIP), "optax norm momentum"),
    Coupled: lambda: golden_apart(lambda rule: Coupled(rule, DECAY), "keras decay momentum"),
    WithoutRate: lambda: golden_apart(lambda r: WithoutRate(r, DECAY), "keras decay momentum"),
    AfterTheStep: lambda: golden_apart(lambda r: AfterTheStep(r, DECAY), "keras decay momentum"),
    KeepsTheVelocity: lambda: textbook_apart(KeepsTheVelocity, "gradient", constant=0.99),
    KeepsTheSchedule: lambda: textbook_apart(KeepsTheSchedule, "gradient"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: type[optim.Optimizer]) -> None:
    assert FAULTS[fault]() > 1e-6


def test_one_norm_for_all_replicas_is_found() -> None:
    start = np.array([[3.0, -2.0, 1.0, 4.0], [0.5, 1.0, -3.0, 2.0]])
    together = run(OverReplicas(optim.NAG(0.1), 0.5), start.copy())
    alone = run(optim.ClipByNorm(optim.NAG(0.1), 0.5), start[0].copy())
    assert np.abs(together[:, 0] - alone).max() > 1e-3


def test_every_exported_modifier_is_tested_here() -> None:
    classes = [cls for cls in vars(optim).values() if isinstance(cls, type)]
    exported = {c for c in classes if issubclass(c, optim.Modifier)} - {optim.Modifier}
    assert exported == {type(made("nag", around)) for around in AROUND}
