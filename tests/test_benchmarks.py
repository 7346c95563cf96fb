"""The arithmetic of the benchmark, and that its contestants do the same work; nothing is timed."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "benchmarks"
MODULES = [path.stem for path in FOLDER.glob("*.py")]


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Import the modules of the benchmark, and restore other modules of the same name, as `run`."""
    others = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(others)


def test_every_part_of_the_benchmark_has_cases(bench: Any) -> None:
    for name in bench.run.PARTS:
        assert getattr(bench, name).CASES


@pytest.mark.parametrize("batch", [1, 32, None])
def test_a_contestant_with_another_learning_rate_is_rejected(bench: Any, batch: int | None) -> None:
    workload = replace(bench.step.WORKLOADS[0], rows=72, epochs=2, batch=batch)
    minidl, naive = bench.peers.Minidl(workload), bench.peers.Naive(workload)
    by_hand = bench.peers.ByHand(workload)
    orders = partial(bench.peers.minidl_order, 0, 72)
    bench.peers.demand_agreement({"minidl": minidl, "naive": naive, "by hand": by_hand}, orders)
    slower = bench.peers.Naive(replace(workload, lr=0.099))
    with pytest.raises(AssertionError, match="do not train the same network"):
        bench.peers.demand_agreement({"minidl": minidl, "naive": slower}, orders)


def test_contestants_train_the_same_network_on_digits(bench: Any) -> None:
    workload = replace(bench.step.WORKLOADS[3], epochs=1, sizes=(64, 16, 16, 10))
    names = ("minidl", "naive engine", "NumPy by hand")
    peers = {name: bench.peers.PEERS[name](workload) for name in names}
    n = len(peers["minidl"].X)
    bench.peers.demand_agreement(peers, partial(bench.peers.minidl_order, 0, n))


def test_replicas_and_a_loop_train_the_same_networks(bench: Any) -> None:
    workload = replace(bench.step.WORKLOADS[0], rows=72, epochs=2)
    kinds = (bench.replica_peers.MinidlReplicas, bench.replica_peers.MinidlLoop)
    together, loop = (kind(workload, 3) for kind in kinds)
    orders = partial(bench.replica_peers.minidl_orders, 3, 72)
    bench.peers.demand_agreement({"together": together, "loop": loop}, orders)
    assert together.losses().shape == (3,)
    assert together.steps == loop.steps == 3 * 2 * 3  # networks, epochs, batches


def test_two_processes_train_the_same_networks_to_the_bit(bench: Any) -> None:
    workload = replace(bench.step.WORKLOADS[0], rows=72, epochs=1)
    kinds = (bench.replica_peers.MinidlReplicas, bench.replica_peers.MinidlProcesses)
    alone, parallel = (kind(workload, 130) for kind in kinds)
    orders = partial(bench.replica_peers.minidl_orders, 130, 72)
    bench.peers.demand_agreement({"one": alone, "two": parallel}, orders, 0.0)


def test_mapped_rows_are_those_on_disk(bench: Any, tmp_path: Path) -> None:
    bench.scaling.write_rows(tmp_path, 1000)
    workload = bench.scaling.mapped_rows(tmp_path)
    X, y = workload.load()
    assert X.shape == (1000, 10)
    assert ((X**2).sum(axis=1) > 10).tolist() == y.astype(bool).tolist()
    assert bench.peers.Minidl(workload).prepare(0)() == 1


def test_all_readers_return_what_float_does(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = bench.reading
    for name, form in reading.FORMS.items():
        reading.agree(tmp_path, form, reading.SCALES.get(name, 1.0))
    monkeypatch.setitem(reading.READERS, "other", lambda path: reading.by_minidl(path) + 1e-9)
    with pytest.raises(AssertionError, match="other"):
        reading.agree(tmp_path, "{:.3f}", 1.0)


def test_the_accuracy_of_both_libraries_is_that_on_the_same_rows(bench: Any) -> None:
    settings = SimpleNamespace(repeats=2)
    case = bench.accuracy.measure("wine", {}, settings)
    assert (case["task"], case["rows"]) == ("multiclass", 133)
    for scores in case["scores"].values():
        assert len(scores) == 2
        assert all(score * 45 == pytest.approx(round(score * 45)) for score in scores)  # test rows
        assert min(scores) > 0.9


def test_scores_are_accuracies_and_shares_of_the_variance(bench: Any) -> None:
    score = bench.accuracy.score
    data = SimpleNamespace(task="binary", y_test=np.array([0, 1, 1, 0]))
    assert score(data, np.array([[-1.0], [2.0], [-0.5], [3.0]])) == 0.5
    data = SimpleNamespace(task="multiclass", y_test=np.array([2, 0]))
    assert score(data, np.array([[0.1, 0.2, 0.9], [0.0, 1.0, 0.5]])) == 0.5
    data = SimpleNamespace(task="regression", y_test=np.array([1.0, 3.0]))
    assert score(data, np.array([[1.5], [3.0]])) == 1 - 0.125


@pytest.mark.parametrize(
    ("mine", "other", "good"),
    [(0.98, 1.0, True), (0.979, 1.0, False), (-0.51, -0.5, True), (-0.52, -0.5, False)],
)
def test_two_percent_are_of_the_other_score(bench: Any, mine: Any, other: Any, good: bool) -> None:
    case = {"scores": {"minidl": [mine, mine], "same network": [other, other]}}
    assert (bench.accuracy.margin(case, "same network")[0] <= 0) is good


def test_a_margin_pairs_seeds_and_has_their_standard_error(bench: Any) -> None:
    case = {"scores": {"minidl": [0.5, 0.7, 0.9], "its defaults": [0.6, 0.9, 1.2]}}
    above, error = bench.accuracy.margin(case, "its defaults")
    assert above == pytest.approx(0.2 - 0.02 * 0.9)
    assert error == pytest.approx(0.1 / 3**0.5)
    case = {"scores": {"minidl": [0.5], "its defaults": [0.6]}}
    assert bench.accuracy.margin(case, "its defaults")[1] == np.inf  # one seed is never certain


def test_the_control_has_the_same_splits_and_other_random_states(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = []
    fit = lambda data, seed, given: splits.append(data.y_train.sum()) or seed  # noqa: E731
    monkeypatch.setattr(bench.accuracy, "by_scikit_learn", fit)
    monkeypatch.setattr(bench.accuracy, "by_minidl", lambda data, _: np.zeros((45, 3)))
    case = bench.accuracy.measure("wine", {}, SimpleNamespace(repeats=2), control=True)
    again = {name: scores for name, scores in case["scores"].items() if name.endswith(" again")}
    assert again == {"same network again": [1000, 1001], "its defaults again": [1000, 1001]}
    assert case["scores"]["same network"] == case["scores"]["its defaults"] == [0, 1]
    assert len(set(splits[:4])) == len(set(splits[4:])) == 1
    lines = [line.split("  ") for line in bench.accuracy.table({"wine": case}).splitlines()]
    found = {(words[0], next(filter(None, words[1:]))): words for words in lines if len(words) > 2}
    for judged, peer, good in (
        ("minidl", "same network", "0 of 1"),
        ("same network", "minidl", "1 of 1"),
        ("same network", "its defaults", "1 of 1"),
        ("its defaults", "its defaults again", "0 of 1"),
        ("its defaults again", "its defaults", "1 of 1"),
    ):
        assert good in map(str.strip, found[judged, peer])


def test_a_verdict_counts_problems_by_their_means_and_by_single_seeds(bench: Any) -> None:
    peer = [0.5, 0.7]
    scores = {"a": [0.49, 0.69], "b": [0.6, 0.6], "c": [0.3, 0.501]}
    cases = {name: {"scores": {"minidl": mine, "p": peer}} for name, mine in scores.items()}
    words = bench.accuracy.verdict(cases, "minidl", "p").split()
    assert words == ["minidl", "p", "2", "of", "3", "50", "%", "1", "-0.070", "±0.065"]


def test_a_table_of_r_is_trained_on_the_columns_that_its_line_leaves(
    bench: Any, tmp_path: Any
) -> None:
    (tmp_path / "P").mkdir()
    (tmp_path / "P" / "t.csv").write_text('"",a,"b,c",count,id\n1,2,3,4,5\n')
    tables = bench.accuracy_tables
    path, options = tables.options_of(tmp_path, "P/t count:regression less id")
    assert path == tmp_path / "P" / "t.csv"
    expected = {"target": "count", "features": ["a", "b,c"], "missing": "drop"}
    assert options == {**expected, "task": "regression"}
    typed = bench.accuracy.typed_options(options)
    assert typed[:4] == ["--target-column", "count", "--features", 'a,"b,c"']
    assert typed[4:] == ["--missing", "drop", "--task", "regression"]
    with pytest.raises(ValueError, match=r"no column \{'x'\}"):
        tables.options_of(tmp_path, "P/t count less x")


def test_each_contestant_runs_once_a_round_after_a_warm_up(bench: Any) -> None:
    ran: list[str] = []

    def contestant(name: str) -> Any:
        run = lambda: ran.append(name) or 1  # noqa: E731
        return SimpleNamespace(prepare=lambda number: run, loss=lambda: 0.5)

    contestants = {name: contestant(name) for name in "abc"}
    times, losses = bench.timing.interleave(contestants, 4, random.Random(0))
    assert [sorted(ran[i : i + 3]) for i in range(0, 15, 3)] == [["a", "b", "c"]] * 5
    assert ran[:3] != ran[3:6]
    assert {name: len(seconds) for name, seconds in times.items()} == dict.fromkeys("abc", 4)
    assert losses == dict.fromkeys("abc", [0.5] * 4)


def test_the_table_holds_medians_ratios_and_targets(bench: Any) -> None:
    times = {"minidl": [1e-6, 2e-6, 9e-6], "torch": [4e-6, 4e-6, 9e-6]}
    targets = [bench.report.Target("torch", 0.6, 0.1), bench.report.Target("torch", 0.4)]
    targets.append(bench.report.Target("jax", 0.1))  # not installed
    case = {
        "unit": "us",
        "contestants": bench.report.figures(times, ["torch", "jax"]),
        "missing": ["jax"],
        "targets": bench.report.verdicts(times, targets),
        "notes": ["a note"],
    }
    lines = bench.report.table({"a case": case}).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "a case",
        "us median quartiles to torch",
        "minidl 2.00 1.50 - 5.50 0.500",
        "torch 4.00 4.00 - 6.50 1.000",
        "jax: not installed",
        "minidl to torch: must 0.600, aim 0.100; reached: 0.500, quartiles 0.375 - 0.750",
        "minidl to torch: must 0.400; MISSED: 0.500, quartiles 0.375 - 0.750",
        "a note",
    ]


def test_the_table_of_curves_marks_where_torch_is_faster(bench: Any) -> None:
    curve = {
        "16": {"minidl": 1.0, "eager": 1.5, "torch": 2.0, "ratio": (0.4, 0.5, 0.6)},
        "512": {"minidl": 3.0, "eager": 2.5, "torch": 2.0, "ratio": (1.4, 1.5, 1.6)},
    }
    _, small, large = bench.scaling.table({"width": curve}).splitlines()
    assert "torch is faster" not in small
    assert large.endswith("torch is faster")


def test_the_merged_file_has_one_machine_and_all_parts(bench: Any) -> None:
    def part(load: float) -> dict[str, Any]:
        machine = {"cpu": "x", "repeats": 3, "load": load, "libraries": []}
        return {"machine": machine, "cases": {"a": load}}

    merged = bench.run.merged({"step": part(1.0), "memory": part(2.0)})
    assert merged["cpu"] == "x"
    assert merged["parts"]["memory"] == {
        "repeats": 3,
        "load": 2.0,
        "libraries": [],
        "cases": {"a": 2.0},
    }


def test_the_picture_of_speed_shows_the_ratios_to_c(bench: Any) -> None:
    def case(**medians: float) -> dict[str, Any]:
        ratios = {name: {"C by hand": (0.9 * m, m, 1.1 * m)} for name, m in medians.items()}
        return {"contestants": {name: {"ratios": own} for name, own in ratios.items()}}

    cases = {"batch 32": case(compiled=2.0, eager=20.0, torch=90.0), "digits": case(compiled=1.5)}
    (ax,) = bench.picture.picture(cases).axes
    drawn = {
        line.get_label(): list(zip(*line.get_data(), strict=True)) for line in ax.get_lines()[:-1]
    }
    assert drawn == {
        "minidl": [(2.0, 0), (1.5, 1)],
        'minidl, engine="eager"': [(20.0, 0)],
        "PyTorch": [(90.0, 0)],
    }
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["batch 32", "digits"]
