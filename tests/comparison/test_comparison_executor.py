"""The networks that are really trained: pairs, equal to single runs, whatever the processes."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from comparison_runs import sealed_again, without_seconds

from minidl import datasets, nn, optim
from minidl.comparison import Comparison, Setting, compare, compare_all
from minidl.comparison.plan import HYPERPARAMETERS
from minidl.comparison.session import progress_bar
from minidl.errors import ArgumentError, DataError
from minidl.training import Trainer

SMALL = {"epochs": 6, "seeds": 2, "tuning_seeds": 1, "lr": [0.1, 0.3], "hidden": [4],
         "sustained": 1, "target": "gap:0.5"}  # fmt: skip


def load(name, n=60):
    return lambda seed: datasets.load(name, n=n, split_seed=seed)


@pytest.fixture(scope="module")
def found():
    return compare(load("moons"), optimizers=["gd", "momentum", "nag"], **SMALL)


def test_a_run_is_what_the_trainer_gives_with_that_seed(found):
    for run in found.runs:
        data = datasets.load("moons", n=60, split_seed=run.seed)
        trainer = Trainer(
            nn.mlp(2, 4, 1, activation="tanh", seed=run.seed),
            "binary_cross_entropy",
            optimizer=optim.lookup(run.optimizer).make(run.setting.lr, 0.9),
            batch_size=32,
            seed=run.seed,
        )
        held_out = (data.X_test, data.y_test)
        history = trainer.fit(data.X_train, data.y_train, epochs=6, validation=held_out)
        for name, values in run.curves.items():
            if name in history:
                np.testing.assert_allclose(values, history[name], rtol=1e-12, atol=1e-14)
        assert {"train_loss", "train_accuracy", "validation_loss", "validation_accuracy"} <= set(
            run.curves
        )
        assert (run.updates, run.samples, run.gradient_evaluations) == (2, 44, 2)
        assert "look_ahead_loss" not in run.curves


def test_both_forms_of_nag_are_measured_at_the_iterate():
    found = compare(load("moons"), optimizers=["nag", "nag-reformulated"], **SMALL)
    one, other = (
        found.table[name, Setting(0.3, 0.9), 10_000] for name in ("nag", "nag-reformulated")
    )
    for name in ("train_loss", "validation_loss"):
        np.testing.assert_allclose(one.curves[name], other.curves[name], rtol=1e-10)


def test_everything_that_was_planned_was_run_once(found):
    expected = {
        (c.name, s, seed)
        for c in found.plan.contestants
        for s in found.plan.settings(c)
        for seed in (*found.plan.tuning_seeds, *found.plan.seeds)
    }
    assert {run.key for run in found.runs} == expected
    assert len(found.runs) == len(expected)
    assert found.complete


def test_a_seed_starts_alike_for_every_optimizer_and_rate_and_no_two_seeds_do(found):
    starts = {seed: {r.initial for r in found.runs if r.seed == seed} for seed in (0, 1, 10_000)}
    assert [len(values) for values in starts.values()] == [1, 1, 1]
    assert len(set.union(*starts.values())) == 3


def test_tuning_seeds_differ_from_evaluation_seeds(found):
    assert (found.plan.tuning_seeds, found.plan.seeds) == ((10_000,), (0, 1))


def test_without_momentum_the_three_walk_one_path():
    found = compare(load("moons"), optimizers=["gd", "momentum", "nag"], momentum=0.0, **SMALL)
    gd, *others = (
        [r.curves["train_loss"] for r in found.runs if r.optimizer == name]
        for name in ("gd", "momentum", "nag")
    )
    for other in others:
        np.testing.assert_allclose(other, gd, rtol=1e-12)


def test_processes_change_nothing(found):
    two = compare(load("moons"), optimizers=["gd", "momentum", "nag"], jobs=2, **SMALL)
    assert without_seconds(two.to_dict()) == without_seconds(found.to_dict())


def test_twice_gives_the_same_record_but_for_the_seconds(found):
    again = compare(load("moons"), optimizers=["gd", "momentum", "nag"], **SMALL)
    assert without_seconds(again.to_dict()) == without_seconds(found.to_dict())


def default_rates(monkeypatch, *rates):
    """Make these the default grid, which may grow, so that little is trained."""
    default, _, *rest = HYPERPARAMETERS["lr"]
    monkeypatch.setitem(HYPERPARAMETERS, "lr", (default, rates, *rest))


def test_the_grid_grows_while_the_best_is_at_its_edge(monkeypatch):
    default_rates(monkeypatch, 0.001, 0.002)
    small = {**SMALL, "lr": None, "epochs": 4}
    found = compare(load("moons"), optimizers=["gd"], **small)
    assert len(found.plan.rates) == 2 + 2 * 3  # at most so far
    assert found.plan.rates[:3] == (0.001, 0.002, 0.004)
    assert found.chosen["gd"].edge == 1
    assert "EDGE: gd did best at" in str(found)


def test_the_grid_grows_for_all_and_no_further_than_needed(monkeypatch):
    default_rates(monkeypatch, 0.4, 0.8)
    small = {**SMALL, "lr": None, "epochs": 30, "target": "loss:0.33"}
    found = compare(load("moons"), optimizers=["gd", "nag"], **small)
    assert {c.trials for c in found.chosen.values()} == {len(found.plan.rates)}
    assert 2 < len(found.plan.rates) < 2 + 2 * 3
    assert [c.edge for c in found.chosen.values()] == [0, 0]


def test_a_list_of_rates_is_final():
    found = compare(load("moons"), optimizers=["gd"], **{**SMALL, "lr": [0.001, 0.002]})
    assert found.plan.rates == (0.001, 0.002)
    assert found.chosen["gd"].edge == 1  # and the report says so
    assert "EDGE: gd did best at 0.002, the largest" in str(found)


def test_one_rate_is_a_grid_without_an_edge():
    found = compare(load("moons"), optimizers=["gd", "nag"], **{**SMALL, "lr": [0.3]})
    assert found.plan.rates == (0.3,)
    assert {c.edge for c in found.chosen.values()} == {0}
    assert {c.rates for c in found.chosen.values()} == {(0.3, 0.3)}
    assert "EDGE" not in str(found)


def test_a_data_set_keeps_its_split_while_weights_differ_by_seed():
    data = datasets.load("moons", n=60, seed=3)
    found = compare(data, optimizers=["gd", "nag"], **SMALL)
    history = Trainer(nn.mlp(2, 4, 1, activation="tanh", seed=1), "bce",
                      optimizer=optim.GradientDescent(0.1), seed=1).fit(
        data.X_train, data.y_train, epochs=6)  # fmt: skip
    run = found.table["gd", Setting(0.1), 1]
    np.testing.assert_allclose(run.curves["train_loss"], history["train_loss"], rtol=1e-12)
    assert len({r.initial for r in found.runs}) == 3


def test_custom_optimizers_under_custom_names():
    mine = {"a": optim.NAG(0.1, 0.8), "b": optim.NAG(0.1, 0.8), "c": optim.Momentum(0.1, 0.8)}
    found = compare(load("moons"), optimizers=mine, **{**SMALL, "seeds": 7})
    assert [c.own for c in found.plan.contestants] == [Setting(0.1, 0.8)] * 3
    twins = [d for d in found.tuned + found.flags if {d.first, d.second} == {"a", "b"}]
    assert len(twins) == 1 + len(found.plan.rates)
    assert all(d.verdict.difference == 0 and d.winner is None for d in twins)
    assert mine["a"].step_count == 0


def test_untuned_each_runs_as_it_was_given():
    mine = {"a": optim.NAG(0.3, 0.5), "b": optim.GradientDescent(0.2)}
    small = {k: v for k, v in SMALL.items() if k != "lr"}
    found = compare(load("moons"), optimizers=mine, tune="none", **small)
    assert {r.setting for r in found.runs} == {Setting(0.3, 0.5), Setting(0.2)}
    assert found.flags == []
    assert "As given" in found.details()


def test_batch_sizes_go_to_those_whose_name_leaves_them_open():
    small = {**SMALL, "lr": 0.1}
    found = compare(load("moons"), optimizers=["batch", "stochastic", "gd"], batch_size=10, **small)
    assert [c.batch_size for c in found.plan.contestants] == ["full", 1, 10]
    assert {r.optimizer: r.updates for r in found.runs} == {"batch": 1, "stochastic": 44, "gd": 5}
    assert found.tuned == []
    assert "across batch sizes compare updates" in str(found)


def test_an_accuracy_target_is_measured_on_its_rows():
    small = {**SMALL, "epochs": 30, "lr": [0.3, 1.0]}
    for goal, column in (("accuracy", "train"), ("validation-accuracy", "validation")):
        found = compare(load("moons"), optimizers=["nag"], **{**small, "target": f"{goal}:0.9"})
        for run in found.runs:
            reached = np.flatnonzero(run.curves[f"{column}_accuracy"] >= 0.9)
            assert found.target.time(run, 1) == (reached[0] if len(reached) else np.inf)


def test_a_real_divergence_is_counted_without_a_warning():
    def blobs(seed):
        return datasets.load("linear", n=60, split_seed=seed)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(blobs, optimizers=["gd"], hidden=[], lr=5.0, target="loss:1e-3",
                        epochs=20, seeds=2, tuning_seeds=1)  # fmt: skip
    assert found.rows[0].diverged == 2
    assert "diverged @" in str(found)


def test_a_custom_model_is_built_anew_for_every_run():
    built = []

    def model(seed):
        built.append(nn.Dense(2, 1, seed=seed))
        return built[-1]

    found = compare(load("moons"), model, optimizers=["gd"], **SMALL)
    assert found.plan.network == "Dense(2, 1)"
    assert len(built) >= len(found.runs)
    with pytest.raises(ArgumentError, match="the same network twice"):
        compare(load("moons"), lambda seed: built[0], optimizers=["gd"], **SMALL)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "loss:5"}, "reached before training"),
        ({"target": "accuracy:0.001"}, "reached before training"),
        ({"tuning_seeds": [1]}, "tuning_seeds must differ from seeds, got 1 in both"),
        ({"seeds": []}, "seeds must be"),
        ({"tune": "momentum"}, "tune must be"),
        ({"tune": "none"}, r"lr must be one number .*\[0.1, 0.3\]"),
        ({"lr": 0.1, "tune": "lr"}, "lr must be a list of different numbers.*got 0.1"),
        ({"optimizers": []}, "optimizers must name at least one"),
        ({"optimizers": "nag"}, "optimizers must be a list"),
        ({"optimizers": ["nag", "nesterov"]}, "names 'nesterov' twice.*'nag' are the same"),
        ({"optimizers": {"x": optim.NAG}}, r"optimizers\['x'\] must be a new optimizer"),
        (
            {"optimizers": {"x": optim.NAG([0.1, 0.2])}},
            r"optimizers\['x'\] must be an optimizer with one number as lr",
        ),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
        ({"momentum": [0.5]}, r"momentum must be one number .*got \[0.5\]"),
        (
            {"tune": "lr,momentum", "momentum": [0.5, 0.5]},
            "momentum must be a list of different numbers",
        ),
        ({"sustained": 7}, "sustained must be an integer from 1 to 6, got 7"),
        ({"epochs": 0}, "epochs must be an integer from 1 to 1000000000, got 0"),
        ({"jobs": 0}, "jobs .*got 0"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_what_cannot_be_used_is_refused_before_training(change, words, monkeypatch):
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)  # would fail otherwise
    with pytest.raises(ArgumentError, match=words):
        compare(load("moons"), **{**SMALL, **change})


def test_a_regression_has_no_accuracy():
    with pytest.raises(
        ArgumentError, match=r"target must be a loss, got accuracy:0.9: .* has no accuracy"
    ):
        compare(load("linear"), **{**SMALL, "target": "accuracy:0.9"})


def test_a_problem_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match=r"problem must be .*, got \[1, 2\]"):
        compare(lambda seed: [1, 2], **SMALL)
    with pytest.raises(DataError, match="different shapes"):
        compare(lambda seed: datasets.load("moons", n=60 + seed % 7), **SMALL)


def test_a_comparison_and_its_file_say_the_same(found, tmp_path):
    found.to_json(tmp_path / "a.json")
    again = Comparison.from_json(tmp_path / "a.json")
    assert str(again) == str(found)
    assert again.to_json() == found.to_json()
    assert (again.rows, again.tuned, again.flags) == (found.rows, found.tuned, found.flags)


def test_progress_is_shown_on_standard_error_with_the_time_left_only_on_request(capsys):
    compare(load("moons"), optimizers=["gd", "nag"], progress=True, **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    total = re.findall(r"of (\d+) runs", err)[-1]
    assert f"0 of {total} runs [" in err
    assert re.search(rf"100%.*{total} of {total} runs \[00:0\d<00:00\]", err)  # elapsed<left
    compare(load("moons"), optimizers=["gd"], **SMALL)
    assert capsys.readouterr() == ("", "")


def test_the_share_on_the_bar_never_falls_when_the_grid_grows(capsys):
    executor = SimpleNamespace(trained=lambda: 3, planned=lambda: 10)  # three runs from a file
    with progress_bar([executor], True) as refresh:
        for finished, planned in [(3, 10), (6, 10), (6, 20), (9, 20), (13, 20), (20, 20), (21, 20)]:
            executor.trained = lambda finished=finished: finished
            executor.planned = lambda planned=planned: planned
            refresh()
    printed = capsys.readouterr().err
    shown = re.findall(r"(\d+)%\|[^|]*\| (\d+) of (\d+) runs \[", printed)
    shares = [int(share) for share, _, _ in shown]
    assert shares == sorted(shares)
    steps = list(dict.fromkeys((int(s), int(n), int(of)) for s, n, of in shown))
    assert steps == [(30, 3, 10), (60, 6, 10), (60, 6, 20), (60, 9, 20), (65, 13, 20),
                     (100, 20, 20), (100, 21, 21)]  # fmt: skip


def test_a_file_keeps_what_made_it(found, tmp_path):
    text = found.to_json().replace('"numpy":"', '"numpy":"9.')
    text = sealed_again(text.replace('"command":[]', '"command":["a"]'))
    (tmp_path / "a.json").write_text(text)
    assert Comparison.from_json(tmp_path / "a.json").to_json() == text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tune": "none", "lr": 0.1}, "lr would have no effect"),
        ({"momentum": 0.5}, "momentum would have no effect"),
    ],
)
def test_hyperparameters_of_custom_optimizers_are_not_overridden(given, words):
    options = {k: v for k, v in SMALL.items() if k not in given}
    with pytest.raises(ArgumentError, match=words):
        compare(load("moons"), optimizers={"a": optim.NAG(0.1)}, **{**options, **given})


def test_a_model_that_forgets_its_seed_is_refused_and_so_is_a_network():
    with pytest.raises(ArgumentError, match="model ignores its seed"):
        compare(load("moons"), lambda seed: nn.mlp(2, 4, 1), **SMALL)
    with pytest.raises(ArgumentError, match="model must return a network, got 'mlp'"):
        compare(load("moons"), lambda seed: "mlp", **SMALL)
    with pytest.raises(ArgumentError, match="model must be a function seed -> network"):
        compare(load("moons"), nn.mlp(2, 4, 1, seed=0), **SMALL)


def test_numpys_numbers_and_arrays_are_taken_like_any():
    plain = compare(load("moons"), optimizers=["gd"], **SMALL)
    array = compare(load("moons"), optimizers=["gd"], **{**SMALL, "lr": np.array([0.1, 0.3])})
    assert array.plan == plain.plan
    one = compare(load("moons"), optimizers=["gd"], **{**SMALL, "lr": np.int64(1)})
    assert (one.plan.tune, one.plan.contestants[0].own) == ("none", Setting(1.0))
    momenta = {**SMALL, "tune": "lr,momentum", "momentum": np.array([0.5, 0.9])}
    assert compare(load("moons"), optimizers=["nag"], **momenta).plan.momenta == (0.5, 0.9)


def test_the_rows_of_a_seed_are_loaded_once():
    asked = []

    def loading(seed):
        asked.append(seed)
        return datasets.load("moons", n=60, split_seed=seed)

    compare(loading, optimizers=["gd"], **{**SMALL, "lr": 0.3})
    assert sorted(asked) == [0, 1, 10_000]


def test_two_optimizers_without_momentum_are_paired_once_per_rate():
    mine = {"a": optim.GradientDescent(0.1), "b": optim.GradientDescent(0.1)}
    options = {**SMALL, "tune": "lr,momentum", "momentum": [0.5, 0.9], "trials": 3}
    found = compare(load("moons"), optimizers=mine, **options)
    assert [duel.flag for duel in found.flags] == [Setting(a) for a, _ in found.plan.trials]


def test_a_schedule_of_momentum_is_no_flag_to_swap():
    mine = {"a": optim.NAG(0.1, lambda step: 0.5), "b": optim.Momentum(0.1, 0.5)}
    options = {k: v for k, v in SMALL.items() if k != "lr"}
    found = compare(load("moons"), optimizers=mine, tune="none", **options)
    assert found.flags == []
    assert len(found.tuned) == 1


# -- several comparisons ----------------------------------------------------------------------


def test_compare_all_makes_the_comparisons_of_compare():
    problems = [load("moons"), load("circles")]
    options = {**SMALL, "optimizers": ["gd", "nag"]}
    study = compare_all(problems, batch_sizes=["full", 16], **{**options, "seeds": iter(range(2))})
    expected = [
        compare(problem, batch_size=size, **options)
        for problem in problems
        for size in ("full", 16)
    ]
    assert [without_seconds(one.to_dict()) for one in study.comparisons] == [
        without_seconds(one.to_dict()) for one in expected
    ]
    assert study.profile.problems == ["moons, full", "moons, 16", "circles, full", "circles, 16"]


def test_batchings_are_compared_on_the_first_problem_with_half_of_the_seeds():
    options = {**SMALL, "optimizers": ["nag"], "seeds": [4, 7, 5]}
    study = compare_all([load("moons"), load("circles")], batching_lr=0.2, **options)
    assert [one.plan.problem for one in study.comparisons] == ["moons", "circles", "moons"]
    plan = study.comparisons[-1].plan
    assert [(c.name, c.batch_size, c.own.lr) for c in plan.contestants] == [
        ("batch", "full", 0.2),
        ("stochastic", 1, 0.2),
        ("gd", 32, 0.2),
    ]
    assert (plan.seeds, plan.tuning_seeds) == ((4,), (10_000,))


@pytest.mark.parametrize(
    "change",
    [{"problems": "moons"}, {"problems": []}, {"batch_sizes": "full"}, {"batch_sizes": []}],
)
def test_compare_all_needs_lists(change):
    (name,) = change
    with pytest.raises(ArgumentError, match=f"{name} must be a list with at least one entry, got"):
        compare_all(**{"problems": ["moons"], **change})
