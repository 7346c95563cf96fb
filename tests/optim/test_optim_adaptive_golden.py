"""The same trajectories as PyTorch's, Keras's and optax's adaptive rules, over 1,000 steps.

The golden file was written by ``tests/golden/write_optimizers.py`` with the libraries. Where a
definition differs, the library's trajectory is that of another form of the rule, and not ours.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from library_forms import LIBRARY_FORMS
from optim_problems import Network, Quadratic, batches

from minidl import optim

FOLDER = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(FOLDER))
from optimizer_runs import CASES, LIBRARIES, MISSING, NOWHERE, RUNS, Run, is_scheduled  # noqa: E402

with np.load(FOLDER / "optimizers.npz") as file:
    PROBLEMS = dict(file)
with np.load(FOLDER / "optimizers_adaptive.npz") as file:
    GOLDEN = dict(file)
TOLERANCE = 1e-13  # of the run's largest weight; the largest seen is 1.5e-14


def form_of(run: Run) -> str | None:
    """Return the key of the library's form, if its definition is another."""
    keys = (f"{run.library} {run.rule} {run.case}", f"{run.library} {run.rule}")
    return next((key for key in keys if key in LIBRARY_FORMS), None)


def difference(run: Run, *, ours: bool) -> float:
    """Return the largest difference from a golden run, as a share of its largest weight."""
    form, settings = form_of(run), dict(run.settings)
    make = optim.lookup(run.rule).optimizer if ours or form is None else LIBRARY_FORMS[form]
    if is_scheduled(run.case):
        half = 0.5 ** (1 / int(PROBLEMS["halved_every"]))
        settings["lr"] = optim.ExponentialDecay(settings["lr"], half)
    optimizer = make(**settings)
    net, quadratic = Network(PROBLEMS["X"], PROBLEMS["y"]), Quadratic(PROBLEMS["A"], PROBLEMS["b"])
    parts = batches(len(net.y), int(PROBLEMS["batch"]))
    w, points = PROBLEMS[f"{run.problem}_start"].copy(), []
    for step in range(int(PROBLEMS["kept"][-1])):
        rows = parts[step % len(parts)]
        if run.problem == "network":
            optimizer.step(w, lambda point, rows=rows: net.gradient(point, rows))
        else:
            optimizer.step(w, quadratic.gradient)
        points.append(w.copy())
    golden = GOLDEN[run.name]
    return float(np.abs(np.array(points)[PROBLEMS["kept"] - 1] - golden).max() / abs(golden).max())


def test_golden_file_holds_every_rule_of_every_library_that_has_it() -> None:
    assert set(GOLDEN) == {run.name for run in RUNS} | {"versions"}
    assert [str(v).split()[0] for v in GOLDEN["versions"]] == list(LIBRARIES)
    linear = {optim.GradientDescent, optim.Momentum, optim.NAG, optim.ReformulatedNAG}
    assert set(CASES) | NOWHERE == {e.name for e in optim.TABLE if e.optimizer not in linear}
    held = {(run.library, run.rule) for run in RUNS}
    assert held == {(lib, rule) for lib in LIBRARIES for rule in CASES} - MISSING
    used = {form_of(run) for run in RUNS}
    assert used - {None} == set(LIBRARY_FORMS)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_library_visits_the_points_of_its_form(run: Run) -> None:
    assert difference(run, ours=False) < TOLERANCE


OTHERS = [run for run in RUNS if form_of(run) and run.case != "without-momentum"]


@pytest.mark.parametrize("run", OTHERS, ids=lambda run: run.name)
def test_where_the_definition_differs_the_points_do_too(run: Run) -> None:
    assert difference(run, ours=True) > 1e-4


def test_golden_runs_go_somewhere_and_no_two_rules_are_the_same() -> None:
    for library in LIBRARIES:
        runs = [r for r in RUNS if (r.library, r.case, r.problem) == (library, "coarse", "network")]
        for run in runs:
            points = GOLDEN[run.name]
            assert np.abs(points[-1] - PROBLEMS["network_start"]).max() > 0.1
            for other in runs:
                if other is not run:
                    assert np.abs(points - GOLDEN[other.name]).max() > 1e-3
