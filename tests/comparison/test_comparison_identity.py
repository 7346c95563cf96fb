"""A comparison with custom parts can be repeated and continued, in another process too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import datasets, nn, optim
from minidl.comparison import compare
from minidl.comparison.identity import custom_code, custom_layers, shown
from minidl.errors import DataError

SCRIPT = """
import sys
from functools import partial
import numpy as np
from minidl import compare, datasets, nn, optim

class Ramp:
    def __init__(self, top): self.top = top
    def __call__(self, step): return min(self.top, 0.5 + step / 100)

class Clipped(optim.NAG):
    def __init__(self, lr, clip, norm):
        super().__init__(lr=lr)
        self.clip, self.norm, self.words = clip, norm, {"one", "two", "three"}

class Weighted(nn.MeanSquaredError):
    def __init__(self): self.by, self.ramp = (lambda x: x), Ramp(1.0)
    def prepare(self, targets, shape, dtype):
        assert str(dtype) in {"float64", "float32", "other"}
        return super().prepare(targets, shape, dtype)

class Centre(nn.Layer):
    def __init__(self, seed):
        self.mean, self.generator = nn.Buffer(np.zeros(2)), np.random.default_rng(seed)
        self.function, self.ramp = (lambda x: x - self.mean), Ramp(0.5)
    def forward(self, x, training=False):
        if training:
            self.mean[...] = 0.9 * self.mean.data + 0.1 * x.mean(axis=0)
        return self.function(x)

def draw(shape, generator): return generator.normal(0.0, 0.5, shape)

found = compare(
    lambda seed: datasets.load("moons", n=40, split_seed=seed),
    lambda seed: nn.Sequential(Centre(seed), nn.Dense(2, 1, initializer=draw), seed=seed),
    optimizers={"schedule": optim.NAG(0.1, momentum=lambda step: 0.9),
                "object": optim.NAG(0.1, momentum=Ramp(0.9)),
                "method": optim.NAG(0.1, momentum=Ramp(0.9).__call__),
                "partial": optim.NAG(0.1, momentum=partial(min, 0.5)),
                "custom": Clipped(0.1, 2.0, np.linalg.norm)},
    loss=Weighted(), lr=[0.1, 0.2], seeds=2, tuning_seeds=2, epochs=2, target="gap:0.5",
    sustained=1, out=sys.argv[1])
print(len(found.runs))
"""


def run(path: Path, hash_seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_custom_parts_are_recognised_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert run(path, 1)
    whole = path.read_text()
    assert " at 0x" not in whole
    assert run(path, 2)  # reads it
    assert path.read_text() == whole


class Ramp:
    def __init__(self, top: float) -> None:
        self.top = top

    def __call__(self, step: int) -> float:
        return min(self.top, step / 100)


def fast(step: int) -> float:
    """Return a momentum."""
    return 0.9


def same(step: int) -> float:
    """Return another docstring, which does not count."""
    return 0.9


same.__qualname__ = "fast"


def raised(top: float) -> Callable[[int], float]:
    return lambda step: top


def clipped(clip: float, body: str = "w -= grad(w)") -> Any:
    """Return an optimizer of a class with this source."""
    source = "class C(Optimizer):\n def __init__(self, clip): super().__init__(); self.clip = clip"
    scope: dict[str, Any] = {"Optimizer": optim.Optimizer, "__name__": "user"}
    exec(f"{source}\n def update(self, w, grad): {body}", scope)
    return scope["C"](clip)


PAIRS: dict[str, tuple[Any, Any, bool]] = {  # two parts, and whether they are one
    "functions": (fast, fast, True),
    "functions with equal code": (fast, same, True),
    "other functions": (fast, lambda step: 0.9, False),
    "closures": (raised(0.5), raised(0.5), True),
    "other closures": (raised(0.5), raised(0.6), False),
    "objects": (Ramp(0.5), Ramp(0.5), True),
    "other objects": (Ramp(0.5), Ramp(0.6), False),
    "methods": (Ramp(0.5).__call__, Ramp(0.5).__call__, True),
    "other methods": (Ramp(0.5).__call__, Ramp(0.6).__call__, False),
    "partial": (partial(min, 0.5), partial(min, 0.5), True),
    "other partial": (partial(min, 0.5), partial(max, 0.5), False),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_schedules_are_told_apart_by_what_they_compute(kind: str) -> None:
    first, second, equal = PAIRS[kind]
    codes = [custom_code(optim.NAG(0.1, momentum=momentum)) for momentum in (first, second)]
    assert "" not in codes
    assert (codes[0] == codes[1]) is equal


def test_custom_classes_are_told_apart_by_their_attributes_and_their_code() -> None:
    codes = [clipped(1.0), clipped(2.0), clipped(1.0, "w += grad(w)"), clipped(1.0)]
    assert len({custom_code(part) for part in codes[:3]}) == 3
    assert custom_code(codes[3]) == custom_code(codes[0])
    for part in (optim.NAG(0.1), optim.SGD(optim.StepDecay(0.1, every=3)), nn.Huber(0.5)):
        assert custom_code(part) == ""
    assert shown(optim.NAG(0.1, momentum=fast)) == "NAG(lr=0.1, momentum=<function fast>)"


class Scaled(nn.Layer):
    def __init__(self, factor: Any) -> None:
        self.factor = factor

    def forward(self, x: Any, training: Any = False) -> Any:
        return x * self.factor


def test_custom_layers_are_told_apart_by_what_they_hold_besides_weights() -> None:
    factors = (1.0, 2.0, np.ones(2), np.zeros(2), nn.Buffer([1.0, 2.0]), [1.0], (2.0,), np.tanh)
    hashes = [custom_layers([nn.Sequential(Scaled(f), nn.Dense(2, 1))]) for f in factors]
    assert len(set(hashes)) == len(factors)
    assert custom_layers([nn.mlp(2, 3, 1)]) == ""
    assert custom_layers([nn.Sequential(nn.BatchNorm(2))]) != ""


def test_another_custom_part_is_another_comparison(tmp_path: Path) -> None:
    def demand(factor: float, clip: float) -> None:
        compare(
            lambda seed: datasets.load("moons", n=40, split_seed=seed),
            lambda seed: nn.Sequential(Scaled(np.full(2, factor)), nn.Dense(2, 1), seed=seed),
            optimizers={"mine": optim.NAG(0.1, momentum=raised(clip))},
            tune="none", sustained=1, seeds=2, tuning_seeds=1, epochs=1, out=tmp_path / "a.json",
        )  # fmt: skip

    demand(1.0, 0.5)
    demand(1.0, 0.5)
    with pytest.raises(DataError, match="code of mine is"):
        demand(1.0, 0.6)
    with pytest.raises(DataError, match="data and weights differ"):
        demand(2.0, 0.5)
