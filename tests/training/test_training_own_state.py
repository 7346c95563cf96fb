"""Custom optimizers with state in attributes: runs, checkpoints, replicas, comparisons."""

from __future__ import annotations

import json
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import content, two_classes

from minidl import Trainer, compare, datasets, nn, optim, train_replicas
from minidl.archive import read_arrays, write_arrays
from minidl.errors import ArgumentError, DataError, DivergenceWarning
from minidl.optim import Optimizer, learning_rate
from minidl.training import load_run, save_run

X, Y = two_classes(40)


class Adam(Optimizer):
    """Adam, with its state in attributes that are rebound in each step, and some noise."""

    lr = learning_rate()

    def __init__(self, lr: Any, beta: float = 0.9) -> None:
        super().__init__(lr=lr)
        self.beta, self.t, self.m, self.v = beta, 0, None, None
        self.last: list[Any] = []
        self.noise = np.random.default_rng(1), random.Random(2)

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        if self.m is None:
            self.m, self.v = np.zeros_like(w), np.zeros_like(w)
        self.t += 1
        self.m = self.beta * self.m + (1 - self.beta) * g
        self.v = 0.999 * self.v + 0.001 * g * g
        self.last = [*self.last[-1:], float(np.abs(g).max())]
        noise = 1e-3 * (self.noise[0].normal() + self.noise[1].random()) * max(self.last)
        root = np.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8
        w -= self.lr * (self.m / (1 - self.beta**self.t) / root + noise)


class ByNorm(Optimizer):
    """A factor from the norm of the whole gradient, in place of one for each network."""

    lr = learning_rate()

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)
        self.scale = 1.0

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        self.scale = 0.9 * self.scale + 0.1 * float(np.linalg.norm(g))
        w -= self.lr * g / self.scale


def network(seed: int) -> nn.Sequential:
    return nn.mlp(2, 4, 1, seed=seed)


def trainer(optimizer: Optimizer, seed: int = 0) -> Trainer:
    return Trainer(network(seed), "bce", optimizer=optimizer, seed=seed, batch_size=16)


@pytest.mark.parametrize("kind", [Adam, ByNorm])
def test_a_saved_run_goes_on_bit_for_bit(kind: Any, tmp_path: Path) -> None:
    whole, first, second = (trainer(kind(0.05)) for _ in range(3))
    whole.fit(X, Y, epochs=6)
    first.fit(X, Y, epochs=3)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    for run in (first, second):
        run.fit(X, Y, epochs=3)
        assert content(run.history) == content(whole.history)
        assert_array_equal(run.model.parameters.value, whole.model.parameters.value)


def test_a_run_whose_optimizer_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    class Odd(Adam):
        def update(self, w: Any, grad: Any) -> None:
            super().update(w, grad)
            self.f = lambda: self.t

    run = trainer(Odd(0.05))
    run.fit(X, Y, epochs=1)
    with pytest.raises(ArgumentError, match="Odd keeps state in f, which cannot be saved"):
        save_run(run, tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [Adam, ByNorm])
def test_a_reset_optimizer_trains_as_a_new_one(kind: Any) -> None:
    optimizer = kind(0.05)
    trainer(optimizer).fit(X, Y, epochs=3)
    optimizer.reset()
    again, new = trainer(optimizer), trainer(kind(0.05))
    assert content(again.fit(X, Y, epochs=4)) == content(new.fit(X, Y, epochs=4))


@pytest.mark.parametrize("kind", [Adam, ByNorm])
@pytest.mark.parametrize("jobs", [1, 2])
def test_replicas_are_single_runs(kind: Any, jobs: int) -> None:
    options: dict[str, Any] = {"loss": "bce", "epochs": 4, "batch_size": 16, "jobs": jobs}
    for one in train_replicas(network, kind([0.05, 0.1]), X, Y, seeds=3, **options):
        alone = trainer(kind(one.hyperparameters["lr"]), one.seed)
        assert content(alone.fit(X, Y, epochs=4)) == content(one.history)


@pytest.mark.parametrize("kind", [Adam, ByNorm])
def test_undeclared_state_in_a_block_is_an_error_that_names_it(kind: Any) -> None:
    declared = type(kind.__name__, (kind,), {"replicas": True, "__module__": __name__})
    names = {Adam: "m, v, last, noise", ByNorm: "scale"}[kind]

    def call() -> None:
        train_replicas(network, declared(0.05), X, Y, loss="bce", seeds=3, epochs=2)

    with pytest.raises(ArgumentError, match=f"replicas = True, but keeps state in .*{names}"):
        call()


class Declared(Optimizer):
    """Momentum with a setting in an attribute, on one row for each network."""

    replicas = True
    lr = learning_rate()
    state_names = ("velocity",)

    def __init__(self, lr: Any, beta: float) -> None:
        super().__init__(lr=lr)
        self.beta = beta

    def update(self, w: Any, grad: Any) -> None:
        v = self.state["velocity"]
        v[...] = self.beta * v + self.lr * grad(w)
        w -= v


def test_networks_with_other_settings_are_not_one_block() -> None:
    from minidl.training.data import check_rows
    from minidl.training.many import block_key, train_many

    def make() -> list[Trainer]:
        pairs = [(0, 0.9), (1, 0.9), (2, 0.5), (3, 0.5)]
        return [trainer(Declared(0.1, beta), seed) for seed, beta in pairs]

    together, alone = make(), make()
    keys = [block_key(t) for t in together]
    assert keys[0] == keys[1] != keys[2] == keys[3]
    train_many(together, (check_rows("training", X, Y, together[0].objective), None), 3)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            one.history["train_loss"], other.fit(X, Y, epochs=3)["train_loss"], rtol=1e-12
        )


def test_a_comparison_is_of_single_runs() -> None:
    data = datasets.load("moons", n=60, seed=0)
    comparison = compare(
        data, network, optimizers={"adam": Adam(0.05), "norm": ByNorm(0.05)},
        tune="none", epochs=4, seeds=3, tuning_seeds=2, engine="eager",
    )  # fmt: skip
    kinds = {"adam": Adam, "norm": ByNorm}
    for run in comparison.runs:
        optimizer = kinds[run.optimizer](run.setting.lr)
        alone = Trainer(
            network(run.seed), "bce", optimizer=optimizer, seed=run.seed, engine="eager"
        ).fit(data.X_train, data.y_train, epochs=4)
        assert_array_equal(run.curves["train_loss"], alone["train_loss"])
    request = comparison.request["optimizers"]
    assert request["adam"] == "Adam(lr=0.05, beta=0.9, t=0)"  # so another beta is another request


def test_after_a_divergence_nothing_is_left_of_the_state() -> None:
    class Growing(Optimizer):
        lr = learning_rate()

        def __init__(self, lr: float) -> None:
            super().__init__(lr=lr)
            self.m: Any = 0.0

        def update(self, w: Any, grad: Any) -> None:
            self.m = 10.0 * self.m + grad(w)
            w -= self.lr * self.m

    run = trainer(Growing(1e3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        run.fit(X, Y, epochs=20)
    assert run.history.diverged
    assert vars(run.optimizer)["m"] == 0.0


def test_an_optimizer_that_two_trainers_share_is_told() -> None:
    optimizer = optim.NAG(0.1)
    first, second = trainer(optimizer), trainer(optimizer, 1)
    first.fit(X, Y, epochs=1)
    with pytest.raises(ArgumentError, match="has already taken steps in another run"):
        second.fit(X, Y, epochs=1)
    optimizer.reset()
    second.fit(X, Y, epochs=2)
    with pytest.raises(ArgumentError, match=r"after 6 steps, 3 of them here\. Give each Trainer"):
        first.fit(X, Y, epochs=1)
    second.fit(X, Y, epochs=1)
    optimizer.reset()
    second.fit(X, Y, epochs=1)  # on purpose, without its velocity


class Forgetful(Adam):
    """With state, and a new vector in place of a step."""

    def update(self, w: Any, grad: Any) -> None:
        before = w
        w = w.copy()
        super().update(w, grad)
        assert w is not before


class ForgetfulVelocity(Declared):
    def update(self, w: Any, grad: Any) -> None:
        v = self.state["velocity"]
        v[...] = self.beta * v + self.lr * grad(w)
        w = w - v


@pytest.mark.parametrize("make", [lambda: Forgetful(0.1), lambda: ForgetfulVelocity(0.1, 0.9)])
def test_an_optimizer_with_state_that_rebinds_its_vector_is_an_error(make: Any) -> None:
    with pytest.raises(ArgumentError, match="changed no weight in the first epoch"):
        trainer(make()).fit(X, Y, epochs=5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("state/@m", np.ones(3), "Adam cannot use its state: operands could not be broadcast"),
        ("state/@m", np.ones(17, "f"), "the m of Adam is float32"),
        ("state/@v", np.full(17, "a"), "Adam cannot use its state: "),
        ("t", "three", "Adam cannot use its state: "),
    ],
)
def test_state_that_a_custom_optimizer_cannot_use_is_refused(
    name: str, value: Any, words: str, tmp_path: Path
) -> None:
    path, run, into = tmp_path / "run.npz", trainer(Adam(0.05)), trainer(Adam(0.05))
    run.fit(X, Y, epochs=1)
    save_run(run, path)
    arrays, holds = read_arrays(path, "a saved run")
    if name == "t":
        said = json.loads(str(arrays["run/words"]))
        said["attributes"]["t"] = value
        arrays["run/words"] = np.array(json.dumps(said))
    else:
        assert name in arrays
        arrays[name] = value
    write_arrays(path, str(holds), arrays)
    before = repr(into.optimizer), vars(into.optimizer).keys()
    with pytest.raises(DataError, match=f"run.npz is not .*damaged: .*{words}"):
        load_run(into, path)
    assert (repr(into.optimizer), vars(into.optimizer).keys()) == before
    into.fit(X, Y, epochs=1)


def test_an_optimizer_that_cannot_take_the_step_of_the_check_is_loaded(tmp_path: Path) -> None:
    class Picky(ByNorm):
        def update(self, w: Any, grad: Any) -> None:
            g = grad(w)
            if np.ptp(g) == 0:
                raise ZeroDivisionError("equal gradients")
            self.scale *= 0.9
            w -= self.lr * g

    run, into = trainer(Picky(0.05)), trainer(Picky(0.05))
    run.fit(X, Y, epochs=1)
    save_run(run, tmp_path / "run.npz")
    load_run(into, tmp_path / "run.npz")
    assert into.optimizer.scale == run.optimizer.scale != 1  # type: ignore[attr-defined]
