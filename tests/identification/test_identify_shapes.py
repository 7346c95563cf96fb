"""What can be identified: objects, factories, functions and generators; and what cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import identify, optim
from minidl.errors import ArgumentError, StepError, UnknownNameError
from minidl.identification import Response, record

README = Path(minidl.__file__).parent / "identification" / "README.md"
Array = np.ndarray


class InPlace:
    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.lr, self.momentum, self.v = lr, momentum, 0.0

    def step(self, w: Array, g: Array) -> None:
        self.v = self.momentum * self.v + self.lr * g
        w -= self.v


class Returning(InPlace):
    def step(self, w: Array, grad: Callable[[Array], Array]) -> Array:  # type: ignore[override]
        self.v = self.momentum * self.v + self.lr * grad(w)
        return w - self.v


class Updating(InPlace):
    step = None  # type: ignore[assignment]

    def update(self, w: Array, g: Array) -> None:
        InPlace.step(self, w, g)


class Called(Updating):
    update = None  # type: ignore[assignment]

    def __call__(self, w: Array, g: Array) -> None:
        InPlace.step(self, w, g)


def changing(w: Array, g: Array, state: dict[str, Any], lr: float = 0.1) -> None:
    state["v"] = 0.9 * state.get("v", 0) + lr * g
    w -= state["v"]


def functional(w: Array, g: Array, state: Any, learning_rate: float = 0.1) -> tuple[Array, Any]:
    v = 0.9 * (state if isinstance(state, np.ndarray) else 0) + learning_rate * g
    return w - v, v


def generator(w: Array, lr: float = 0.1) -> Iterator[Array]:
    v = np.zeros_like(w)
    while True:
        g = yield w
        v = 0.9 * v + lr * g
        w = w - v


def closure(lr: float) -> Callable[[Array, Array], Array]:
    v = [0.0]

    def step(w: Array, g: Array) -> Array:
        v[0] = 0.9 * v[0] + lr * g
        return w - v[0]

    return step


SHAPES = [InPlace, InPlace(), Returning, Updating, Called, changing, functional, generator, closure]
SHAPES += [lambda lr: InPlace(lr, 0.9), lambda rate: InPlace(lr=rate), optim.Momentum(0.1)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: getattr(s, "__name__", type(s).__name__))
def test_every_shape_is_identified(shape: Any) -> None:
    found = identify(shape)
    assert (found.rule, found.matches) == ("Momentum", True)
    assert found.hyperparameters == {"lr": 0.1, "momentum": 0.9}


def test_a_rule_without_a_learning_rate_is_read_off_all_the_same() -> None:
    def step(w: Array, g: Array, state: dict[str, Any]) -> Array:
        state["v"] = 0.75 * state.get("v", 0) + g
        return w - 0.03 * state["v"]

    found = identify(step)
    assert found.hyperparameters == {"lr": 0.03, "momentum": 0.75}
    assert "slower" not in record(step).runs


def test_the_rate_inside_or_outside_the_velocity_shows_when_it_can_change() -> None:
    class Outside(InPlace):
        def step(self, w: Array, g: Array) -> None:
            self.v = self.momentum * self.v + g
            w -= self.lr * self.v

    assert identify(Outside).rule == "Momentum, with the learning rate outside the velocity"
    assert identify(Outside).matches
    assert identify(closure).rule == "Momentum"


def test_the_gradient_is_an_array_and_a_function() -> None:
    def nag(w: Array, grad: Any, state: dict[str, Any], lr: float = 0.1) -> Array:
        ahead = 0.9 * state.get("v", np.zeros_like(w))
        assert type(grad + 0) is type(grad.sum() * np.ones(2)) is np.ndarray
        state["v"] = ahead + lr * grad(w - ahead)
        return w - state["v"]

    assert identify(nag).rule == "NAG"


def test_a_response_can_be_kept(tmp_path: Path) -> None:
    response = record(optim.Lion(lr=0.01, beta1=0.7, beta2=0.83))
    np.savez(tmp_path / "lion.npz", **response.to_arrays())
    with np.load(tmp_path / "lion.npz") as file:
        again = Response.from_arrays(file)
    found = identify(again)
    assert found.hyperparameters == identify(response).hyperparameters
    assert found.hyperparameters["beta2"] == 0.83
    assert "weights again" not in response.to_arrays()


def test_an_error_in_a_step_names_the_step_and_the_line() -> None:
    def breaks(w: Array, g: Array, state: dict[str, Any]) -> Array:
        state["t"] = state.get("t", 0) + 1
        return w - g / (3 - state["t"]) if state["t"] < 3 else state["velocity"]

    with pytest.raises(StepError, match=r"step 3 of breaks failed in test_identify_shapes.py") as e:
        identify(breaks)
    assert re.search(r", line \d+ \(return w - g .*\): KeyError: 'velocity'$", str(e.value))
    with pytest.raises(StepError, match="a step returned no weights: got float64 of shape"):
        identify(lambda w, g: float(w[0]) * np.float64(1))


def test_what_cannot_be_called_is_an_error_that_lists_the_shapes() -> None:
    with pytest.raises(ArgumentError, match=r"int is not an optimizer. Give one of these:"):
        identify(3)

    def step(w: Array, g: Array, state: Any, m: Array, v: Array) -> None: ...

    class Rule:
        def __init__(self, lr: float, size: int) -> None: ...

    with pytest.raises(ArgumentError, match=r"step cannot be called: got step\(w, g, state, m, v"):
        identify(step)
    with pytest.raises(ArgumentError, match=r"calls it with lr alone: got Rule\(lr, size\)"):
        identify(Rule)
    with pytest.raises(ArgumentError, match="lr has one value per replica"):
        identify(optim.NAG(lr=[0.1, 0.2]))
    with pytest.raises(ArgumentError, match=r"has no method step\(w, grad\)"):
        identify(lambda lr: 3)


def test_an_optimizer_of_another_library_needs_an_adapter() -> None:
    foreign = type("Adam", (), {"__module__": "torch.optim.adam"})()
    with pytest.raises(ArgumentError, match="an optimizer of PyTorch needs an adapter"):
        identify(foreign)


def blocks(language: str = "python") -> list[str]:
    """Return the code of the README's blocks."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_code_of_the_readme_runs_where_its_libraries_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CI has no PyTorch, Keras and optax: there, the blocks that need them are only compiled."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    done = 0
    for code in blocks():
        compiled = compile(code, str(README), "exec")
        needed = re.findall(r"^import (torch|keras|optax|jax)", code, re.MULTILINE)
        if all(find_spec(name) for name in needed):
            exec(compiled, {})
            for said in re.findall(r"# prints (.*)", code):
                assert said in capsys.readouterr().out
            done += 1
    assert done


def test_a_name_is_an_optimizer_of_the_table() -> None:
    answer = identify("nesterov")
    assert (answer.rule, answer.hyperparameters) == ("NAG", {"lr": 0.1, "momentum": 0.9})
    with pytest.raises(UnknownNameError, match="unknown optimizer 'adamn'"):
        identify("adamn")


def test_where_else_a_rule_with_weight_decay_is() -> None:
    """torch.optim.Adam has no decoupled decay, so AdamW is not the same as that."""
    assert identify(optim.AdamW(0.01)).also == (
        "torch.optim.AdamW and optax.adamw, whose decay is multiplied by the learning rate"
    )
    assert identify(optim.Adam(0.01)).also == "torch.optim.Adam, optax.adam"
    assert identify(optim.ClipByNorm(optim.Adam(0.01), 1.0)).also == ""
