"""Runs of equal structure share programs; runs that differ in anything that counts do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from engine_problems import step_of
from test_engine_training import HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, optim
from minidl.engine import shared
from minidl.engine.recorder import Recorder
from minidl.engine.shared import PROGRAMS, has_no_ties, runner_of
from minidl.engine.tape import Tape
from minidl.engine.traced import Traced
from minidl.training.structure import structure


@pytest.fixture(autouse=True)
def _nothing_is_known() -> Iterator[None]:
    PROGRAMS.clear()
    yield
    PROGRAMS.clear()


def test_a_second_run_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = trainer("compiled", look_ahead=True)
    first.fit(*ROWS, epochs=3, validation=HELD_OUT)
    known = dict(PROGRAMS)
    assert len(known) >= 4  # steps of two sizes, measurements of two
    monkeypatch.setattr(Recorder, "__enter__", None)  # which cannot be called
    model = lambda: nn.mlp(2, 8, 8, 1, seed=5)  # noqa: E731
    one, two = (
        trainer(e, model, lambda: optim.NAG(0.02, 0.8), look_ahead=True)
        for e in ("eager", "compiled")
    )
    for own in (one, two):
        own.fit(*ROWS, epochs=30, validation=HELD_OUT)
    assert two.compiled.reason == two.compiled.measuring.reason == ""
    assert known == PROGRAMS
    assert_same(one, two)


def mlp(**options: Any) -> Callable[[], nn.Layer]:
    return lambda: nn.mlp(2, 8, 8, 1, seed=0, **options)


def changed(change: Callable[[Any], object]) -> Callable[[], nn.Layer]:
    def make() -> nn.Layer:
        model = nn.mlp(2, 8, 8, 1, seed=0)
        change(model)
        return model

    return make


def twice() -> nn.Layer:
    layer = nn.Dense(8, 8)
    return nn.Sequential(nn.Dense(2, 8), layer, nn.Tanh(), layer, nn.Dense(8, 1), seed=0)


def once() -> nn.Layer:
    layers = nn.Dense(2, 8), nn.Dense(8, 8), nn.Tanh(), nn.Dense(8, 8), nn.Dense(8, 1)
    return nn.Sequential(*layers, seed=0)


def unpenalized(model: Any) -> None:
    model[0].weight.penalized = False


MODELS: dict[str, Callable[[], nn.Layer]] = {
    "plain": mlp(),
    "relu": mlp(activation="relu"),
    "leaky": mlp(activation="leaky_relu"),
    "steeper": lambda: nn.mlp(2, 8, 8, 1, activation=nn.LeakyReLU(0.3), seed=0),
    "other slope": changed(lambda model: None),
    "wider": lambda: nn.mlp(2, 8, 9, 1, seed=0),
    "float32": mlp(dtype=np.float32),
    "residual": lambda: nn.Sequential(
        nn.Dense(2, 8), nn.Tanh(), nn.Residual(nn.Dense(8, 8)), nn.Dense(8, 1), seed=0
    ),
    "twice": twice,
    "once": once,
    "less penalized": changed(unpenalized),
    "norm": lambda: nn.Sequential(nn.Dense(2, 8), nn.LayerNorm(8), nn.Dense(8, 1), seed=0),
    "other norm": lambda: nn.Sequential(
        nn.Dense(2, 8), nn.LayerNorm(8, epsilon=0.1), nn.Dense(8, 1), seed=0
    ),
}
LOSSES = ["bce", nn.BinaryCrossEntropy(pos_weight=2), nn.BinaryCrossEntropy(label_smoothing=0.1)]
LOSSES += ["focal", nn.Focal(gamma=1.0), "hinge", "mse", nn.Huber(), nn.Huber(delta=0.1)]
OPTIMIZERS: list[Callable[[], Any]] = [
    lambda: optim.NAG(0.05, 0.9),
    lambda: optim.NAG(lambda k: 0.05, 0.9),
    lambda: optim.NAG(optim.ExponentialDecay(0.05, rate=0.999), 0.9),
    lambda: optim.ReformulatedNAG(0.05, 0.9),
    lambda: optim.Momentum(0.05, 0.9),
    lambda: optim.Adam(0.01),
    lambda: optim.NAdam(0.01),
    lambda: optim.ClipByNorm(optim.NAG(0.05, 0.9), 0.1),
    lambda: optim.ClipByValue(optim.NAG(0.05, 0.9), 0.1),
    lambda: optim.DecoupledWeightDecay(optim.NAG(0.05, 0.9), 0.1),
]


def runs(engine: str) -> Iterator[tuple[Trainer, bool]]:
    """Yield runs that differ from each other, and whether each is given weights."""
    for model in MODELS.values():
        yield trainer(engine, model, l2=0.01), False
    for loss in LOSSES:
        yield trainer(engine, loss=loss), False
    for optimizer in OPTIMIZERS:
        yield trainer(engine, optimizer=optimizer), False
    for size in (16, 32, "full"):
        yield trainer(engine, batch_size=size), False
    for options in ({}, {"l2": 0.1}, {"l1": 0.1}, {"l2": 0.1, "l1": 0.1}):
        yield trainer(engine, **options), True


def test_runs_that_differ_equal_eager_ones_whatever_was_recorded_before() -> None:
    for (one, weighted), (two, _) in zip(runs("eager"), runs("auto"), strict=True):
        weights = 1 + ROWS[0][:, 0] ** 2 if weighted else None
        for own in (one, two):
            own.fit(*ROWS, epochs=3, sample_weight=weights)
        small = two.model.parameters.value.dtype == np.float32
        assert_same(one, two, 1e-4 if small else 1e-11)
        assert two.compiled.steps_taken or callable(one.optimizer.hyperparameters["lr"])


def key_of(own: Trainer, weights: Any = None) -> Any:
    own.optimizer.state = {"velocity": np.zeros_like(own.objective.vector.value)}
    X, t = np.zeros((5, 2)), np.zeros((5, 1))
    return structure(own.objective, own.optimizer, (X, t, weights))


def test_the_keys_of_runs_that_differ() -> None:
    models, others = list(MODELS.values()), list(MODELS.values())
    models.remove(MODELS["other slope"])  # which is the plain one
    keys = [key_of(trainer("auto", model)) for model in models]
    again = [key_of(trainer("auto", model)) for model in others if model in models]
    assert len(set(keys)) == len(keys)
    assert keys == again
    keys = [key_of(trainer("auto", loss=loss)) for loss in LOSSES]
    assert len(set(keys)) == len(keys)
    keys = [key_of(trainer("auto", optimizer=own)) for own in OPTIMIZERS]
    assert keys.count(None) == 1  # a custom schedule
    assert len(set(keys)) == len(keys)
    assert key_of(trainer("auto", l2=0.1)) == key_of(trainer("auto", l2=0.2))
    penalties = [key_of(trainer("auto", **p)) for p in ({}, {"l1": 0.1}, {"l2": 0.1})]
    assert len(set(penalties)) == 3
    one, two = key_of(trainer("auto")), key_of(trainer("auto"), np.ones(5))
    assert one != two


class Square(nn.Activation):
    function = staticmethod(lambda x: x * x)


class Own(optim.NAG):
    """A custom optimizer."""


def test_custom_parts_are_never_shared() -> None:
    assert key_of(trainer("auto", lambda: nn.mlp(2, 8, 1, activation=Square, seed=0))) is None
    assert key_of(trainer("auto", optimizer=lambda: Own(0.1))) is None
    marked = changed(lambda model: setattr(model[1], "mark", object()))
    assert key_of(trainer("auto", marked)) is None
    replaced = changed(lambda model: setattr(model[1], "forward", lambda x, training: x))
    assert key_of(trainer("auto", replaced)) is None
    norm = lambda: nn.Sequential(nn.Dense(2, 8), nn.BatchNorm(8), nn.Dense(8, 1), seed=0)  # noqa: E731
    assert key_of(trainer("auto", norm)) is None
    assert key_of(trainer("auto", mlp(dropout=0.5))) is None


def test_an_attribute_or_a_method_that_is_changed_makes_another_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = key_of(trainer("auto"))
    assert key_of(trainer("auto", changed(lambda model: setattr(model[1], "mark", 1)))) != one
    frozen = changed(lambda model: setattr(model[0].weight, "requires_grad", False))
    assert key_of(trainer("auto", frozen)) != one
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, x, training=False: x)
    assert key_of(trainer("auto")) != one


def restarting(rate: float, batch_size: Any = 32) -> Trainer:
    """Return a run whose conditions depend on weights and rows."""
    rule = lambda: optim.GradientRestart(optim.NAG(rate, 0.97))  # noqa: E731
    return trainer("compiled", optimizer=rule, batch_size=batch_size)


SOFTMAX = {"model": lambda: nn.mlp(2, 8, 2, seed=0), "loss": "softmax_cross_entropy"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: trainer("compiled", **SOFTMAX),
        lambda: trainer("compiled", optimizer=lambda: optim.RAdam(0.01)),
    ],
)
def test_a_program_with_conditions_is_shared(
    make: Callable[[], Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(), make()
    first.fit(*ROWS, epochs=3)
    monkeypatch.setattr(Recorder, "__enter__", None)  # which cannot be called
    second.fit(*ROWS, epochs=3)
    assert second.compiled.reason == second.compiled.measuring.reason == ""
    assert_same(first, second, 0.0)


@pytest.mark.parametrize("rate", [0.02, 0.3, 2.0])
def test_what_other_runs_recorded_decides_nothing(rate: float) -> None:
    alone = restarting(rate)
    alone.fit(*ROWS, epochs=12)
    assert len(alone.compiled.account.patterns) > 2  # a step restarts, or does not
    for others in ([0.3], [2.0, 0.02], [0.3, 2.0, 0.02, 0.3]):
        PROGRAMS.clear()
        for other in others:
            restarting(other).fit(*ROWS, epochs=5)
        again = restarting(rate)
        again.fit(*ROWS, epochs=12)
        assert_same(alone, again, 0.0)
        assert vars(alone.compiled.account) == vars(again.compiled.account)


def test_conditions_on_targets_that_turn_out_otherwise_are_recorded_anew() -> None:
    def run(ignored: int) -> Trainer:
        loss = nn.SoftmaxCrossEntropy(ignore_index=2)
        own = trainer("compiled", lambda: nn.mlp(2, 8, 2, seed=0), loss=loss, batch_size="full")
        y = ROWS[1].astype(int).reshape(-1)
        own.fit(ROWS[0], np.where(np.arange(len(y)) < ignored, 2, y), epochs=4)
        return own

    for first, second in ((0, 30), (30, 0)):
        PROGRAMS.clear()
        alone = run(second)
        PROGRAMS.clear()
        run(first)
        again = run(second)
        assert_same(alone, again, 0.0)
        assert vars(alone.compiled.account) == vars(again.compiled.account)


def test_a_known_program_is_taken_only_if_its_conditions_hold() -> None:
    step, recordings = step_of(nn.mlp(2, 4, 1, seed=0), nn.loss("bce"), optim.NAG(0.1)), []

    def recorded() -> Tape:
        recordings.append(step.record())
        return recordings[-1]

    def tape(accepted: int | None) -> int:
        """Return the number of the tape that a run takes which accepts this one alone."""
        holds = lambda runner: runner.program.tape is recordings[accepted or 0]  # noqa: E731
        never = lambda runner: False  # noqa: E731
        own = runner_of("key", recorded, np.dtype(float), 5, never if accepted is None else holds)
        return [own.program.tape is one for one in recordings].index(True)

    assert [tape(k) for k in (None, 0, None, 0, 1, None, 1)] == [0, 0, 1, 0, 1, 2, 1]
    assert len(recordings) == 3


def tape_of(condition: Callable[[Any, Any, Any], object]) -> Tape:
    """Return the tape of a condition on weights, targets and the step count."""
    recorder = Recorder(Traced)
    with recorder:
        w, t = recorder.input("w", np.ones(2)), recorder.input("t", np.ones(2))
        bool(condition(w, t, recorder.number("step_count", 6.0)))
    return recorder.tape


def test_programs_are_shared_if_their_conditions_have_no_ties() -> None:
    assert has_no_ties(tape_of(lambda w, t, k: True))
    assert has_no_ties(tape_of(lambda w, t, k: (t > 0).all()))
    assert has_no_ties(tape_of(lambda w, t, k: k % 5 == 0))
    assert has_no_ties(tape_of(lambda w, t, k: np.isfinite(t - w * w).all()))
    assert not has_no_ties(tape_of(lambda w, t, k: (t + w > 0).all()))
    assert not has_no_ties(tape_of(lambda w, t, k: (w > 0).all()))
    assert not has_no_ties(tape_of(lambda w, t, k: w.dot(w) > k))
    restart = optim.GradientRestart(optim.NAG(0.1))
    for rule, shared_by_runs in ((optim.Adam(0.1), True), (restart, False)):
        tape = step_of(nn.mlp(2, 4, 1, seed=0), nn.loss("bce"), rule).record()
        assert has_no_ties(tape) == shared_by_runs


def test_few_programs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST", 3)
    for width in range(2, 9):
        own = trainer("auto", lambda width=width: nn.mlp(2, width, 1, seed=0))
        own.fit(*ROWS, epochs=1)
        assert len(PROGRAMS) <= 3


def test_threads_share_programs_and_not_memory() -> None:
    def fit(seed: int) -> Trainer:
        own = trainer("compiled", lambda: nn.mlp(2, 8, 1, seed=seed))
        own.fit(*ROWS, epochs=10)
        return own

    alone = [fit(seed) for seed in range(6)]
    PROGRAMS.clear()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(fit, range(6)))
    for one, two in zip(alone, together, strict=True):
        assert_same(one, two, 0.0)
