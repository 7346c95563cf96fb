"""Which engine takes a step depends on where the run is, never on time or on the process."""

from __future__ import annotations

import functools
import json
import os
import signal
import threading
import warnings
from typing import Any

import numpy as np
import pytest

from minidl import Trainer, datasets, nn, optim, train_replicas
from minidl.engine import outside, record, shared
from minidl.engine.runner import machine
from minidl.engine.tape import Given
from minidl.engine.worth import LIMITS
from minidl.errors import ArgumentError, UntrainedWarning
from minidl.training import (
    Callback,
    Checkpoint,
    compilable,
    compiled,
    engine_choice,
    load_run,
    machine_steps,
    save_run,
)
from minidl.training.data import Data, Rows
from minidl.training.engine_choice import (
    NO_MACHINE,
    TOO_OFTEN,
    WARM,
    WARM_CUSTOM,
    as_in_parent,
    engine_words,
    instruction_set,
)
from minidl.training.many import train_many

DATA = datasets.load("moons", n=200, seed=0, test_size=0.25)
X, Y = DATA.X_train, DATA.y_train  # 150 rows: 19 batches of 8, the last of 6


class Turning(optim.Optimizer):
    """A rule with conditions on values that turn out in ever new ways."""

    lr = optim.learning_rate()
    state_names = ("chaos",)

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        g, chaos = grad(w), self.state["chaos"]
        if np.max(chaos) == 0:
            chaos[...] = 0.3
        x = 1.0 * chaos
        for _ in range(9):
            x = 3.9 * x * (1 - x)
            if np.max(x) > 0.6:
                g = 0.9 * g
        w -= self.lr * g
        chaos[...] = x


class Press:
    """A learning rate that presses Ctrl-C when it is asked for that of a step, once."""

    def __init__(self, at: int = -1) -> None:
        self.at = at

    def __call__(self, step: int) -> float:
        if step == self.at:
            self.at = -1
            os.kill(os.getpid(), signal.SIGINT)
        return 0.3


RULES: dict[str, Any] = {
    "nag": optim.NAG,
    "gradient restart": lambda lr: optim.GradientRestart(optim.NAG(lr, 0.9)),
    "clipped": lambda lr: optim.ClipByNorm(optim.NAG(lr), 0.1),
    "turning": Turning,
}


def trainer(engine: str = "auto", rule: str = "nag", lr: Any = 0.3, **options: Any) -> Trainer:
    own = {"batch_size": 8, "seed": 0, **options}
    made = Trainer(nn.mlp(2, 6, 1, seed=0), "bce", RULES[rule](lr), engine=engine, **own)
    made.warm = WARM  # also with custom rules
    return made


def content(own: Trainer) -> Any:
    """Return the bytes of all that a run ends with, but times."""
    rows = [{n: v for n, v in row.items() if n != "seconds"} for row in own.history]
    state = {name: array.tobytes() for name, array in own.optimizer.state.items()}
    w = own.model.parameters.value
    return w.tobytes(), own.model.parameters.grad.tobytes(), state, repr(rows), own.epoch


@pytest.fixture
def stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)  # Ctrl-C is looked for after each step


@pytest.fixture
def few_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "PATTERNS", 5)  # each costs 24 recordings


@pytest.mark.unmeasured
@pytest.mark.usefixtures("stepwise", "few_patterns")
@pytest.mark.parametrize("engine", ["auto", "compiled"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("at", [4, 40, WARM + 1, 77, 113])
def test_a_run_that_is_saved_at_any_batch_and_resumed_ends_with_the_same_bytes(
    engine: str, rule: str, at: int, tmp_path: Any
) -> None:
    one = trainer(engine, rule, Press(at))
    with pytest.raises(KeyboardInterrupt):
        one.fit(X, Y, epochs=8)
    assert at - 2 <= one.optimizer.step_count <= at + 1
    save_run(one, tmp_path / "run.npz")
    two = trainer(engine, rule, Press())
    load_run(two, tmp_path / "run.npz")
    two.fit(X, Y, epochs=8 - two.epoch)
    assert (content(two), two.compiled.account, two.engine_used) == uninterrupted(engine, rule)


@functools.cache
def uninterrupted(engine: str, rule: str) -> tuple[Any, ...]:
    """Return how a run ends that nobody interrupts."""
    whole = trainer(engine, rule, Press())
    whole.fit(X, Y, epochs=8)
    return content(whole), whole.compiled.account, whole.engine_used


@pytest.mark.usefixtures("few_patterns")
@pytest.mark.parametrize("engine", ["auto", "compiled"])
@pytest.mark.parametrize("rule", RULES)
def test_several_fits_are_one_fit(engine: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = trainer(engine, rule), trainer(engine, rule)
    one.fit(X, Y, epochs=8)
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)  # nor does it depend on time
    for epochs in (2, 1, 3, 0, 2):
        two.fit(X, Y, epochs=epochs)
    assert content(two) == content(one)
    assert one.compiled.steps_taken
    assert two.compiled.account == one.compiled.account


def test_conditions_that_change_too_often_leave_the_rest_of_the_run_to_the_eager_engine() -> None:
    both = [trainer(engine, "turning") for engine in ("compiled", "eager")]
    for own in both:
        own.fit(X, Y, epochs=8)
    own = both[0]
    assert own.compiled.reason == TOO_OFTEN
    assert 0 < own.compiled.steps_taken < own.optimizer.step_count - 20
    words = f"compiled ({instruction_set()}), then eager, because {TOO_OFTEN}"
    assert own.engine_used == words
    np.testing.assert_allclose(*(o.model.parameters.value for o in both), rtol=0, atol=1e-12)
    steps = own.compiled.steps_taken
    own.fit(X, Y, epochs=2)
    assert own.compiled.steps_taken == steps


@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_a_block_whose_conditions_change_does_not_depend_on_time(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train() -> list[bytes]:
        replicas = train_replicas(
            lambda seed: nn.mlp(2, 6, 1, seed=seed),
            optim.GradientRestart(optim.NAG([0.1, 0.5], 0.97)),
            X, Y, loss="bce", seeds=3, epochs=10, batch_size=8, engine=engine,
        )  # fmt: skip
        return [replica.model.parameters.value.tobytes() for replica in replicas]

    found = train()
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)
    assert train() == found


class Every(optim.Optimizer):
    """Evaluates the gradient in every second step only."""

    lr = optim.learning_rate()

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        if self.step_count % 2 == 0:
            w -= self.lr * grad(w)


def test_a_step_without_a_gradient_is_eager_and_no_divergence() -> None:
    both = [
        Trainer(nn.mlp(2, 6, 1, seed=0), "bce", Every(0.1), batch_size=8, seed=0, engine=engine)
        for engine in ("eager", "auto")
    ]
    for own in both:
        own.warm = WARM
        own.fit(X, Y, epochs=8)
    for name in ("train_loss", "running_loss"):
        np.testing.assert_allclose(both[1].history[name], both[0].history[name], rtol=1e-12)
    assert both[1].compiled.account.forced


def test_a_program_whose_loss_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*given: Any, **how: Any) -> Any:
        tape = record(*given, **how)
        tape.loss = Given(0.5)
        return tape

    monkeypatch.setattr(compiled, "record", wrong)
    own = trainer("auto", "turning", 0.1)  # custom, so its programs are not shared
    own.fit(X, Y, epochs=8)
    assert "the loss differs by" in own.engine_used


@pytest.mark.parametrize(("n", "why"), [(2**20, ""), (2**20 + 1, "large data are gathered")])
def test_more_than_a_million_rows_are_eager(n: int, why: str) -> None:
    rows = Rows(np.zeros((n, 1)), np.zeros((n, 1)))
    own = Trainer(nn.Dense(1, 1, seed=0), "mse", "gd", lr=0.1)
    epoch = machine_steps.Epoch(Data(rows, None), None, 8, None)
    assert compilable.against(own, epoch).startswith(why)
    assert bool(compilable.against(own, epoch)) is bool(why)


def test_custom_parts_are_eager_for_longer_since_their_recordings_cost_more() -> None:
    rules = {"nag": optim.NAG(0.1), "turning": Turning(0.1)}
    warm = {n: Trainer(nn.Dense(2, 1, seed=0), "mse", rule).warm for n, rule in rules.items()}
    assert warm == {"nag": WARM, "turning": WARM_CUSTOM}


def test_the_machine_takes_over_after_the_first_steps() -> None:
    own, eager = trainer(), trainer("eager")
    assert own.engine == "auto"
    for each in (own, eager):
        each.fit(X, Y, epochs=3)  # 57 steps
    assert content(own) == content(eager)
    assert own.engine_used == "eager, because there were too few steps"
    own.fit(X, Y, epochs=1)
    assert own.compiled.steps_taken == 4 * 19 - WARM
    assert own.engine_used == f"compiled ({instruction_set()})"
    assert eager.engine_used == "eager"


def test_products_of_large_matrices_are_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, instruction_set(), 2**24)
    rng = np.random.default_rng(0)
    rows, y = rng.standard_normal((512, 256)), rng.integers(0, 2, 512)
    own = Trainer(nn.mlp(256, 256, 1, seed=0), "bce", "nag", lr=0.01, batch_size="full", seed=0)
    own.warm = 1
    own.fit(rows, y, epochs=3)
    assert own.engine_used == "eager, because products of large matrices are as fast"
    own.batch_size = 32
    own.fit(rows, y, epochs=1)
    assert own.engine_used == f"compiled ({instruction_set()})"


def test_numbers_that_another_thread_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording of minidl's own parts neither looks at the global generators nor resets them."""
    right, numbers = outside.snapshot, list[float]()

    def drawing(*arguments: Any) -> Any:
        kept = right(*arguments)
        numbers.append(np.random.random())  # noqa: NPY002 (as another thread does meanwhile)
        return kept

    monkeypatch.setattr(outside, "snapshot", drawing)
    shared.PROGRAMS.clear()
    own = trainer("compiled", lr=optim.CosineDecay(0.1, 100, 0.01))
    own.fit(X, Y, epochs=2)
    assert own.engine_used == f"compiled ({instruction_set()})"
    assert len(set(numbers)) == len(numbers) > 1


def test_a_schedule_that_draws_within_one_of_minidl_is_eager() -> None:
    def rate(step: int) -> float:
        return 0.1 + 0.01 * float(np.random.random())  # noqa: NPY002

    own = trainer(lr=optim.LinearWarmup(0.1, 3, rate))
    own.fit(X, Y, epochs=6)
    assert own.engine_used == "eager, because a step changes a global generator of random numbers"


@pytest.mark.usefixtures("without_machine")
def test_an_installation_without_the_machine_says_so() -> None:
    own, eager = trainer(), trainer("eager")
    for each in (own, eager):
        each.fit(X, Y, epochs=6)
    assert content(own) == content(eager)
    assert own.engine_used == f"eager, because {NO_MACHINE}"
    words = f"there is no compiled engine: {NO_MACHINE}. Install a C compiler"
    with pytest.raises(ArgumentError, match=words):
        trainer("compiled")
    with pytest.raises(ArgumentError, match=words):
        own.engine = "compiled"
    vars(own)["engine"] = "compiled"  # as in a Trainer from another installation
    with pytest.raises(ArgumentError, match=f"cannot train this run: got {NO_MACHINE}"):
        own.fit(X, Y, epochs=1)


def saved_after_six(path: Any, engine: str = "auto") -> Trainer:
    own = trainer(engine)
    own.fit(X, Y, epochs=6)
    save_run(own, path)
    own.fit(X, Y, epochs=2)
    return own


def test_a_compiled_run_goes_on_without_the_machine_and_says_so(
    tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    whole, here = saved_after_six(tmp_path / "run.npz"), instruction_set()
    request.getfixturevalue("without_machine")
    two = trainer()
    with pytest.warns(UserWarning, match=f"compiled for {here}, and goes on with the eager engine"):
        load_run(two, tmp_path / "run.npz")
    two.fit(X, Y, epochs=2)
    np.testing.assert_allclose(
        two.model.parameters.value, whole.model.parameters.value, rtol=0, atol=1e-12
    )
    assert two.engine_used == f"compiled ({here}), then eager, because {NO_MACHINE}"
    load_run(trainer("eager"), tmp_path / "run.npz")  # which has asked for it


def test_other_instructions_are_told(tmp_path: Any) -> None:
    found = machine()
    assert found is not None
    with as_in_parent("SSE2"):
        saved_after_six(tmp_path / "run.npz")
    if found.instruction_set == "SSE2":
        load_run(trainer(), tmp_path / "run.npz")
        return
    words = f"compiled for SSE2, and goes on with {found.instruction_set}"
    with pytest.warns(UserWarning, match=words):
        load_run(trainer(), tmp_path / "run.npz")


def test_a_process_that_works_for_another_has_its_engine() -> None:
    one, two, before = trainer(), trainer(), instruction_set()
    with as_in_parent("SSE2"):
        one.fit(X, Y, epochs=6)
    with as_in_parent(""):
        assert instruction_set() == ""
        two.fit(X, Y, epochs=6)
    assert instruction_set() == before
    assert one.engine_used == "compiled (SSE2)"
    assert two.engine_used == f"eager, because {NO_MACHINE}"


def test_files_of_earlier_versions_have_no_account(tmp_path: Any) -> None:
    def older(arrays: Any) -> Any:
        words = json.loads(str(arrays["run/words"]))
        del words["engine"]
        return words

    from minidl.training.model_file import read
    from minidl.training.run_form import words_of

    saved_after_six(tmp_path / "run.npz")
    saved = read(tmp_path / "run.npz", "a saved run")
    assert "engine" in words_of(saved)
    saved.arrays["run/words"] = np.array(json.dumps(older(saved.arrays)))
    assert "engine" not in words_of(saved)
    own = trainer()
    from minidl.training.run_file import _restore
    from minidl.training.run_form import history_of, states_of

    words = words_of(saved)
    _restore(own, saved, words, (history_of(saved, words), None, states_of(saved, words)))
    assert own.compiled.steps_taken == 0
    assert own.epoch == 6


DAMAGED: dict[str, Any] = {"steps": -1, "turns": 0.5, "final": 1, "instruction_set": "SSE9"}
DAMAGED |= {"reason": None, "differs": 1}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_account_is_found(name: str, tmp_path: Any) -> None:
    from minidl.training.engine_choice import SAVED

    own = vars(saved_after_six(tmp_path / "run.npz").compiled.account)
    SAVED(own, "engine")
    with pytest.raises(ValueError, match="expected"):
        SAVED(own | {name: DAMAGED[name]}, "engine")


def test_an_account_survives_copies(tmp_path: Any) -> None:
    import copy
    import pickle

    own = saved_after_six(tmp_path / "run.npz")
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert other.compiled.account == own.compiled.account
        assert other.engine_used == own.engine_used


@pytest.mark.parametrize("engine", ["auto", "compiled"])
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_dead_units_are_told_as_by_the_eager_engine(engine: str, l2: float) -> None:
    told = []
    for each in ("eager", engine):
        model = nn.Sequential(nn.Dense(2, 4), nn.ReLU(), nn.Dense(4, 1), seed=0)
        model[0].bias.data[...] = -100.0  # type: ignore[index]
        own = Trainer(model, "bce", "nag", lr=0.01, batch_size=1, seed=0, engine=each, l2=l2)
        own.warm = 20
        with pytest.warns(UntrainedWarning) as found:
            own.fit(X, Y, epochs=2)
        told.append([str(warning.message) for warning in found])
    assert told[0] == told[1]
    assert "the gradient of 0.weight" in told[0][0]
    assert own.compiled.steps_taken


@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_units_that_wake_late_in_the_first_epoch_are_not_told_dead(engine: str) -> None:
    model = nn.Sequential(nn.Dense(2, 1), nn.ReLU(), nn.Dense(1, 1), seed=0)
    model[0].weight.data[...] = 1.0  # type: ignore[index]
    model[0].bias.data[...] = 0.0  # type: ignore[index]
    rows = np.vstack([-np.ones((100, 2)), np.ones((20, 2))])  # at first, none is active
    own = Trainer(model, "mse", "gd", lr=1e-3, batch_size=1, seed=0, engine=engine, shuffle=False)
    own.warm = 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own.fit(rows, np.r_[np.zeros(100), np.ones(20)], epochs=2)
    assert own.compiled.steps_taken > 100


@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_replicas_have_the_same_bytes_in_one_and_two_processes(engine: str) -> None:
    def train(jobs: int) -> list[Any]:
        rates = [0.1, 0.3]
        made = [
            trainer(engine, lr=lr, seed=seed, batch_size=16) for lr in rates for seed in range(3)
        ]
        rows = made[0].objective.loss.prepare(Y, (len(X), 1), np.dtype(float))
        train_many(made, (Rows(X, rows, None), None), 12, memory=2**14, jobs=jobs)
        assert {own.engine_used for own in made} == {f"compiled ({instruction_set()})"}
        return [(own.model.parameters.value.tobytes(), content(own)[2:]) for own in made]

    assert train(1) == train(2)


def test_networks_of_different_engines_are_not_one_block() -> None:
    engines = ["eager", "compiled", "auto"]
    made = [trainer(engine, seed=3) for engine in engines]
    rows = made[0].objective.loss.prepare(Y, (len(X), 1), np.dtype(float))
    train_many(made, (Rows(X, rows, None), None), 5)
    used = f"compiled ({instruction_set()})"
    assert [own.engine_used for own in made] == ["eager", used, used]
    assert [own.compiled.steps_taken for own in made] == [0, 5 * 19 - 1, 5 * 19 - WARM]


@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_replicas_equal_single_runs(engine: str) -> None:
    replicas = train_replicas(
        lambda seed: nn.mlp(2, 6, 1, seed=seed), optim.NAG([0.1, 0.3]), X, Y,
        loss="bce", seeds=2, epochs=10, batch_size=8, engine=engine,
    )  # fmt: skip
    for replica in replicas:
        seed = replica.seed
        own = Trainer(
            nn.mlp(2, 6, 1, seed=seed), "bce", optim.NAG(replica.hyperparameters["lr"]),
            batch_size=8, seed=seed, engine=engine,
        )  # fmt: skip
        own.fit(X, Y, epochs=10)
        np.testing.assert_allclose(
            replica.history["train_loss"], own.history["train_loss"], rtol=1e-12
        )
        a, b = replica.model.parameters.value, own.model.parameters.value
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
        if engine == "compiled":  # of which the machine has taken all steps but the first
            assert a.tobytes() == b.tobytes()


def test_two_threads_and_a_fork() -> None:
    def train(seed: int) -> Any:
        own = trainer("compiled", seed=seed)
        own.fit(X, Y, epochs=10)
        return content(own)

    expected = [train(seed) for seed in (1, 2)]
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda s=seed: found.update({s: train(s)}))  # type: ignore[misc]
        for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[1], found[2]] == expected
    child = os.fork()
    if child == 0:  # in which no test framework may go on
        os._exit(0 if train(1) == expected[0] else 1)
    assert os.waitpid(child, 0)[1] == 0


class Kill(Callback):
    def on_epoch_end(self, trainer: Any, row: Any) -> None:
        if row["epoch"] == 5:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_a_killed_run_goes_on_from_its_checkpoint_with_the_same_bytes(
    engine: str, tmp_path: Any
) -> None:
    whole = trainer(engine)
    whole.fit(X, Y, epochs=9)
    path = tmp_path / "run.npz"
    child = os.fork()
    if child == 0:
        try:
            trainer(engine, callbacks=[Checkpoint(path, every=2), Kill()]).fit(X, Y, epochs=9)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    two = trainer(engine)
    load_run(two, path)
    assert two.epoch == 4
    two.fit(X, Y, epochs=9 - two.epoch)
    assert content(two) == content(whole)


def test_words_of_all_kinds() -> None:
    from minidl.training.engine_choice import EngineAccount

    account = EngineAccount(steps=3, instruction_set="AVX2")
    assert engine_words("compiled", account) == "compiled (AVX2)"
    account.give_up("of that")
    assert engine_words("auto", account) == "compiled (AVX2), then eager, because of that"
    assert engine_words("eager", account) == "compiled (AVX2), then eager"
    assert engine_words("eager", EngineAccount()) == "eager"
