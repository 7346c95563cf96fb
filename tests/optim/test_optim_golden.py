"""The same trajectories as PyTorch's and Keras's own optimizers, over 1,000 steps.

The golden file was written by ``tests/golden/write.py`` with the frameworks and their own
automatic differentiation; here the network's gradient is the hand-written one.
"""

from pathlib import Path

import numpy as np
import pytest
from optim_problems import Network, Quadratic, batches

from minidl import optim

with np.load(Path(__file__).parent.parent / "golden" / "optimizers.npz") as file:
    GOLDEN = dict(file)

LR, M = float(GOLDEN["lr"]), float(GOLDEN["momentum"])
HALVING = optim.ExponentialDecay(LR, rate=0.5 ** (1 / int(GOLDEN["halved_every"])))
RULES = {"plain": (0.0, False), "momentum": (M, False), "nesterov": (M, True)}
RUNS = [name for name in GOLDEN if name.startswith(("torch ", "keras "))]
LR_OUTSIDE = ("scheduled", "rescaled")
PROBLEMS = ("quadratic", "network")
TOLERANCE = 1e-13  # of the run's largest weight; the largest seen is 1e-14


def ours(rule: str, schedule: str, problem: str) -> np.ndarray:
    """Return minidl's points at the steps that the golden file keeps."""
    momentum, nesterov = RULES[rule]
    optimizer = optim.SGD(LR if schedule == "constant" else HALVING, momentum, nesterov=nesterov)
    net = Network(GOLDEN["X"], GOLDEN["y"])
    parts = batches(len(net.y), int(GOLDEN["batch"]))
    quadratic = Quadratic(GOLDEN["A"], GOLDEN["b"])
    w = GOLDEN[f"{problem}_start"].copy()
    points = []
    for step in range(int(GOLDEN["kept"][-1])):
        rows = parts[step % len(parts)]
        if problem == "network":
            optimizer.step(w, lambda point, rows=rows: net.gradient(point, rows))
        else:
            optimizer.step(w, quadratic.gradient)
        points.append(w.copy())
    return np.array(points)[GOLDEN["kept"] - 1]


def difference(name: str) -> float:
    """Return the largest difference from a golden run, as a share of its largest weight."""
    _, rule, schedule, problem = name.split()
    apart = np.abs(ours(rule, schedule, problem) - GOLDEN[name]).max()
    return float(apart / np.abs(GOLDEN[name]).max())


def test_golden_file_holds_every_rule_of_both_libraries_and_is_small() -> None:
    expected = {f"{lib} {r} constant" for lib in ("torch", "keras") for r in RULES}
    expected |= {f"keras {r} scheduled" for r in RULES}
    expected |= {f"torch {r} {s}" for r in ("momentum", "nesterov") for s in LR_OUTSIDE}
    assert set(RUNS) == {f"{e} {p}" for e in expected for p in PROBLEMS}
    assert GOLDEN["kept"][-1] == 1_000
    versions = [str(v).split()[0] for v in GOLDEN["versions"]]
    assert versions == ["torch", "keras", "jax"]
    assert all(GOLDEN[name].dtype == np.float64 for name in RUNS)


@pytest.mark.parametrize("name", [r for r in RUNS if not r.startswith("torch") or "constant" in r])
def test_minidl_visits_the_same_points_as_the_library(name: str) -> None:
    assert difference(name) < TOLERANCE


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", ["momentum", "nesterov"])
def test_pytorch_under_a_schedule_is_another_method(rule: str, problem: str) -> None:
    """Its learning rate is outside the velocity, so old steps are scaled by the new rate."""
    assert difference(f"torch {rule} scheduled {problem}") > 0.01


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", ["momentum", "nesterov"])
def test_pytorch_with_its_buffer_rescaled_is_the_same_method_again(rule: str, problem: str) -> None:
    """Goyal et al. 2017, section 3: b <- b a_{t-1} / a_t before each step."""
    assert difference(f"torch {rule} rescaled {problem}") < TOLERANCE


@pytest.mark.parametrize("problem", PROBLEMS)
def test_golden_runs_go_somewhere_and_differ_from_each_other(problem: str) -> None:
    """So that agreement says something: no two of a library's rules visit the same points."""
    finals = {r: GOLDEN[f"keras {r} constant {problem}"] for r in RULES}
    start = GOLDEN[f"{problem}_start"]
    for rule, points in finals.items():
        assert np.abs(points[-1] - start).max() > 0.1
        for other in set(RULES) - {rule}:
            assert np.abs(points - finals[other]).max() > 1e-3
