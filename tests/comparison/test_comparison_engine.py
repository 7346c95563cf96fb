"""The engine that makes a comparison: its file names it, and another one does not go on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import compare, optim
from minidl.comparison import Comparison, replay
from minidl.comparison.executor import trainer_of
from minidl.errors import ArgumentError, DataError
from minidl.training.engine_choice import NO_MACHINE, as_in_parent, instruction_set

SMALL: dict[str, Any] = {"seeds": 3, "tuning_seeds": 2, "epochs": 6, "lr": [0.125, 0.5]}
SMALL |= {"optimizers": ["gd", "nag"], "sustained": 1}


def content(comparison: Comparison) -> str:
    data = comparison.to_dict()
    for run in data["runs"]:
        del run["seconds"]
    return json.dumps(data)


def test_engines_agree_and_each_is_named() -> None:
    auto, eager = compare("moons", **SMALL), compare("moons", engine="eager", **SMALL)
    assert auto.request["engine"] == "auto"
    assert auto.request["instruction set"] == instruction_set()
    assert not {"engine", "instruction set"} & set(eager.request)
    assert auto.engine == f"compiled ({instruction_set()})"
    assert eager.engine == "eager"
    assert f"; engine: compiled ({instruction_set()})" in str(auto)
    assert "engine: eager\n" in str(eager)
    assert f"engine: compiled ({instruction_set()})" in auto.details()
    for one, two in zip(auto.all_runs(), eager.all_runs(), strict=True):
        np.testing.assert_allclose(one.curves["train_loss"], two.curves["train_loss"], rtol=1e-9)
    words = [(d.first, d.second, d.word) for d in auto.tuned]
    assert words == [(d.first, d.second, d.word) for d in eager.tuned]


def test_the_result_does_not_depend_on_jobs_and_is_read_again(tmp_path: Path) -> None:
    one = compare("moons", **SMALL, jobs=1, out=tmp_path / "one.json")
    assert content(one) == content(compare("moons", **SMALL, jobs=2))
    again = Comparison.from_json(tmp_path / "one.json")
    assert content(again) == content(one)
    assert again.engine == one.engine


def test_a_file_of_another_engine_is_refused(tmp_path: Path) -> None:
    compare("moons", **SMALL, engine="eager", out=tmp_path / "race.json")
    words = "engine is 'eager' there, 'auto' requested, instruction set is 'none' there"
    with pytest.raises(DataError, match=words):
        compare("moons", **SMALL, out=tmp_path / "race.json")
    compare("moons", **SMALL, engine="eager", out=tmp_path / "race.json")


def test_a_journal_of_another_instruction_set_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minidl.comparison.executor import Executor

    def die(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Executor, "confirmed", die)
        with as_in_parent("SSE2"), pytest.raises(KeyboardInterrupt):
            compare("moons", **SMALL, out=tmp_path / "race.json")
    words = "instruction set is 'SSE2' there, "
    with pytest.raises(DataError, match=words):
        compare("moons", **SMALL, out=tmp_path / "race.json")
    with as_in_parent("SSE2"):
        assert compare("moons", **SMALL, out=tmp_path / "race.json").engine == "compiled (SSE2)"


def test_an_older_file_was_made_by_the_eager_engine(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "golden"
    old = next(iter(sorted(golden.glob("comparison_protocol1*"))))
    assert Comparison.from_json(old).engine == "eager"


@pytest.mark.usefixtures("without_machine")
def test_without_the_machine_it_is_eager_and_says_so_once() -> None:
    auto, eager = compare("moons", **SMALL), compare("moons", engine="eager", **SMALL)
    assert content(auto) == content(eager)
    assert auto.engine == f"eager, because {NO_MACHINE}"
    assert str(auto).replace("\n", " ").count("engine: eager, because") == 1
    with pytest.raises(ArgumentError, match="there is no compiled engine"):
        compare("moons", engine="compiled", **SMALL)


class Odd(optim.Optimizer):
    """A rule that takes numbers out of arrays, so that it is eager."""

    lr = optim.learning_rate()
    replicas = True

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        w -= self.lr * g * float(np.asarray(g).ravel().tolist()[0] < 1e9)


def test_what_one_optimizer_cannot_is_told_and_kept(tmp_path: Path) -> None:
    small = SMALL | {"optimizers": {"nag": optim.NAG(0.1), "odd": Odd(0.1)}}
    result = compare("moons", **small, out=tmp_path / "race.json")
    assert {run.optimizer for run in result.runs if run.eager} == {"odd"}  # which is custom
    words = f"compiled ({instruction_set()}), odd eager, because there were too few steps"
    assert result.engine.startswith(words)
    assert Comparison.from_json(tmp_path / "race.json").engine == result.engine


def test_a_replay_has_the_engine_of_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    engines: list[str] = []

    def noted(*arguments: Any) -> Any:
        engines.append(arguments[-1])
        return trainer_of(*arguments)

    monkeypatch.setattr(sys.modules["minidl.comparison.replay"], "trainer_of", noted)
    for engine in ("auto", "eager"):
        result = compare("moons", **SMALL, engine=engine)
        for name, again in replay(result).items():
            setting, losses = result.chosen[name].setting, again.history["train_loss"]
            runs = [result.table[name, setting, seed] for seed in result.plan.seeds]
            gaps = [abs(run.curves["train_loss"] - losses).max() for run in runs]
            assert min(gaps) < 1e-12
    assert engines == ["auto", "auto", "eager", "eager"]


def test_wrong_names_are_an_error() -> None:
    with pytest.raises(ArgumentError, match='engine must be "auto", "eager" or "compiled", got'):
        compare("moons", engine="fast", **SMALL)
