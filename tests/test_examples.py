from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("[0-9]*.py"))

WORDS = {
    "01_train_one_network.py": ["train_loss", "running_loss", "stopped by: epochs"],
    "02_swap_the_optimizer.py": ["batch", "stochastic", "nag-reformulated"],
    "03_custom_loop.py": ["65 parameters", "epoch 10"],
    "04_epochs_to_converge.py": [
        "NAG is fastest here",
        "mean difference",
        "NAG faster",
        "seed by seed",
    ],
    "05_your_own_csv.py": ["accuracy", "target 'kind': missing in 1 of 120 rows (line 62)"],
    "06_look_ahead_on_a_bowl.py": ["0.842", "0.202", "166", "179", "1.357", "never"],
    "07_edge_of_stability.py": ["gradient descent: from 0.62 of the limit to", "NAG: from"],
    "08_many_networks.py": ["0.0825", "7/8", "48 networks in"],
    "09_claims_about_nag.py": [
        "FALSE",
        "TRUE WHEN x <= 1, or m >= 0.55",
        "momentum goes 0.502",
        "0.0114 <= x <= 1.3355",
        "SGD(momentum=0.0, nesterov=True), as tutorials for Keras write, is NAG.",
    ],
    "10_limits_of_nag.py": ["FALSE", "1.357", "One counterexample", "-1.8024, 2.1159, 0.6465"],
    "11_pictures.py": [
        "overview.png: Momentum swings",
        "loss_plane.png",
        "race.png: minidl compare",
    ],
    "12_estimators.py": ["10 seeds, each at its best rate", "nag", "adam", "on 143 test rows"],
}

# Where 4,000 steps lead is tested in test_training_sharpness.py.
ARGUMENTS = {"07_edge_of_stability.py": ["--steps", "400"], "11_pictures.py": ["."]}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_and_prints_its_result(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), *ARGUMENTS.get(path.name, [])],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "Agg"},
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for word in WORDS[path.name]:
        assert word in done.stdout


def test_the_examples_are_numbered_without_gaps() -> None:
    assert [path.name[:2] for path in EXAMPLES] == [f"{i:02d}" for i in range(1, len(EXAMPLES) + 1)]
    assert {path.name for path in EXAMPLES} == set(WORDS)


def test_the_flag_of_the_second_example_accepts_aliases_and_suggests_the_nearest() -> None:
    script = str(EXAMPLES[1])
    nag = subprocess.run(
        [sys.executable, script, "--optimizer", "nesterov", "--epochs", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert nag.stdout.startswith("nag ")
    wrong = subprocess.run(
        [sys.executable, script, "--optimizer", "nestrov"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Did you mean 'nesterov'?" in wrong.stderr
