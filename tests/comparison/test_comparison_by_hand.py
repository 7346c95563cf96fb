"""What an executor does between runs: growing grids, groups, files and profiles, by hand."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from comparison_runs import TARGET, alone, comparison, plan, run

from minidl import nn
from minidl.comparison import Comparison, Goal, Setting, compare
from minidl.comparison.executor import Executor
from minidl.comparison.problem import Problem
from minidl.comparison.profile import TAUS, profile
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError

# -- the grid grows ---------------------------------------------------------------------------


class Nothing:
    """A problem without data, for executors that train nothing."""

    def fingerprint(self, goal, seeds):
        return ""


def tuned(monkeypatch, outcomes, rates=(1.0, 2.0)):
    """The executor after tuning, where `outcomes[name](rate)` is the hitting time at any seed."""

    def train(executor, seeds, settings):
        for c, tried in settings.items():
            for setting in tried:
                for seed in seeds:
                    outcome = outcomes[c.name](setting.lr)
                    made = run(c.name, setting, seed, outcome, executor.plan.epochs)
                    executor.runs[made.full_key] = made

    monkeypatch.setattr(Executor, "train", train)
    executor = Executor(plan(outcomes, rates=rates, goal=Goal("loss", TARGET)), Nothing(), {})
    executor.tune()
    return executor


def down_and_up(lowest, highest):
    """Times of a first that wants smaller rates down to `lowest`, a second larger ones."""
    return {
        "gd": lambda lr: 3 if lr == lowest else 20 + round(math.log2(lr)),
        "nag": lambda lr: 3 if lr == highest else 20 - round(math.log2(lr)),
    }


def powers(low, high):
    return tuple(2.0**k for k in range(low, high + 1))


def test_the_grid_grows_three_times_at_each_of_its_ends_whatever_the_other_does(monkeypatch):
    executor = tuned(monkeypatch, down_and_up(None, None))
    assert executor.plan.rates == powers(-6, 7)
    assert {name: c.edge for name, c in executor.result().chosen.items()} == {"gd": -1, "nag": 1}


@pytest.mark.parametrize(
    ("lowest", "highest", "rates"),
    [
        (0.5, None, powers(-2, 7)),  # one end has enough after one round, the other goes on
        (None, 4.0, powers(-6, 3)),
        (2.0**-5, None, powers(-6, 7)),
        (1.0, 2.0, powers(-2, 3)),  # neither can be seen to be best before its neighbours ran
    ],
)
def test_an_end_that_has_enough_does_not_stop_the_other(monkeypatch, lowest, highest, rates):
    assert tuned(monkeypatch, down_and_up(lowest, highest)).plan.rates == rates


@pytest.mark.parametrize(("sign", "rates"), [(1, powers(-6, 1)), (-1, powers(0, 7))])
def test_one_end_alone_grows_three_times(monkeypatch, sign, rates):
    executor = tuned(monkeypatch, {"gd": lambda lr: 20 + sign * round(math.log2(lr))})
    assert executor.plan.rates == rates


@pytest.mark.parametrize(
    ("edges", "rates"),
    [
        ([-1] * 3 + [1] * 4, powers(-6, 7)),
        ([1] * 3 + [-1] * 4, powers(-6, 7)),
        ([-1, 1] * 4, powers(-6, 7)),
        ([-1, 1, 1, 0], powers(-2, 5)),
        ([1, 1, 1, 1, -1], powers(0, 7)),  # at its edge, after three times: that is all
        ([0], powers(0, 1)),
    ],
)
def test_the_rounds_of_one_end_are_not_counted_for_the_other(monkeypatch, edges, rates):
    """The target may change as the grid grows, and then an end is asked for that was not before."""
    told = iter([*edges, 0])
    edged = ({"gd": SimpleNamespace(edge=edge)} for edge in told)
    rounds = (SimpleNamespace(chosen=chosen, twins_wanted=dict) for chosen in edged)
    monkeypatch.setattr(Executor, "result", lambda *_: next(rounds))
    assert tuned(monkeypatch, {"gd": lambda lr: 5}).plan.rates == rates


def test_a_rate_that_an_evaluation_twin_marks_as_chaotic_is_replaced_and_trained(monkeypatch):
    made = comparison({"gd": [5, 6]})
    contestant = made.plan.contestants[0]
    chosen = [{"gd": SimpleNamespace(setting=Setting(lr), edge=0)} for lr in (0.4, 0.2, 0.2)]
    executor, trained = object.__new__(Executor), []
    executor.plan, rounds = made.plan, iter(chosen[1:])
    monkeypatch.setattr(executor, "tune", lambda: chosen[0])
    monkeypatch.setattr(
        executor, "train", lambda seeds, settings: trained.append(settings[contestant])
    )
    monkeypatch.setattr(executor, "confirmed", lambda plan: SimpleNamespace(chosen=next(rounds)))
    executor.run()
    assert [settings[0].lr for settings in trained] == [0.4, 0.2]


# -- what is trained together -----------------------------------------------------------------


class EnoughError(Exception):
    """Ends a comparison where it would begin to train."""


def test_a_group_is_one_contestant_with_neighbouring_seeds_and_is_kept_apart(monkeypatch):
    """So results do not depend on what an interruption has left to do."""
    calls = []

    def spy(trainers, rows, epochs, **options):
        calls.append((trainers, options))
        raise EnoughError

    monkeypatch.setattr("minidl.comparison.executor.train_many", spy)
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 4)
    with pytest.raises(EnoughError):
        compare(data_of, optimizers=["gd", "nag"], lr=[0.1, 0.3], epochs=3, sustained=1,
                hidden=[3], seeds=1, tuning_seeds=[7, 8, 9], memory=12_345)  # fmt: skip
    (trainers, options), = calls  # fmt: skip
    told = [(type(t.optimizer).__name__, t.optimizer.hyperparameters["lr"], t.seed)
            for t in trainers]  # fmt: skip
    groups = [[one for one, label in zip(told, options["apart"], strict=True) if label == group]
              for group in dict.fromkeys(options["apart"])]  # fmt: skip
    assert groups == [
        [(rule, lr, seed) for lr in (0.1, 0.3) for seed in seeds]
        for seeds in ((7, 8), (9,))
        for rule in ("GradientDescent", "NAG")
    ]
    assert options["memory"] == 12_345
    assert options["sets"] == [(7, 8, 9).index(seed) for *_, seed in told]


# -- the problem ------------------------------------------------------------------------------

SMALL = {"optimizers": ["gd"], "epochs": 2, "seeds": [0, 1], "tuning_seeds": [2],
         "lr": [0.1, 0.3], "sustained": 1, "target": "loss:1e-9"}  # fmt: skip


def data_of(seed, **changed):
    """A straight line; no part of it depends on chance."""
    X = np.linspace(-1, 1, 12).reshape(6, 2) + seed
    parts = {"X_train": X[:4], "y_train": X[:4, 0], "X_test": X[4:], "y_test": X[4:, 0]}
    scales = {"x_mean": np.zeros(2), "x_scale": np.ones(2), "y_mean": 0, "y_scale": 1}
    names = {"feature_names": ("a", "b"), "class_names": ()}
    return Dataset("line", "regression", **{**parts, **changed}, **names, **scales)


def model_of(seed, at=0.5):
    network = nn.Dense(2, 1, seed=seed)
    network(np.zeros((1, 2)))
    network.parameters.value[...] = at
    return network


@pytest.mark.parametrize("last", [0, 1, 2])
@pytest.mark.parametrize("fixed", [True, False])
def test_the_start_of_every_seed_must_be_before_the_target(last, fixed):
    def model(seed):
        """All are far off, but the one that is the solution."""
        network = model_of(seed)
        if seed == last:
            network.parameters.value[...] = solution
        return network

    solution = solved(model_of(0))
    problem = Problem(data_of(0) if fixed else data_of, model)
    with pytest.raises(ArgumentError, match=f"where seed {last} starts at"):
        problem.fingerprint(Goal("loss", 0.01), [2, 0, 1])
    problem.fingerprint(Goal("loss", 0.01), [s for s in (2, 0, 1) if s != last])
    with pytest.raises(ArgumentError, match=f"where seed {last} starts at"):
        compare(data_of(0) if fixed else data_of, model, **{**SMALL, "target": "loss:0.01"})


def solved(network):
    """The weights of y = x_0, whichever of the numbers they are."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    n = network.parameters.value.size
    effects = []
    for k in range(n):
        network.parameters.value[...] = np.eye(n)[k]
        effects.append(network(X).numpy().ravel())
    return np.linalg.solve(np.array(effects).T, [1.0, 0.0, 0.0])


def print_of(changed=None, at=None, fixed=False):
    """The fingerprint with seeds 0, 1, 2, of which something is changed for one."""
    of_data, of_model = changed or {}, at or {}

    def data(seed):
        return data_of(seed, **of_data.get(seed, {}))

    def model(seed):
        return model_of(seed, of_model.get(seed, 0.5))

    return Problem(data(0) if fixed else data, model).fingerprint(Goal("gap", 0.1), [0, 1, 2])


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("part", ["X_train", "y_train", "X_test", "y_test"])
def test_the_fingerprint_sees_one_number_of_any_data(part, seed):
    values = np.array(getattr(data_of(seed), part), dtype=float)
    values.flat[-1] += 1e-9
    assert print_of({seed: {part: values}}) != print_of()
    if seed == 0:
        assert print_of({0: {part: values}}, fixed=True) != print_of(fixed=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("fixed", [True, False])
def test_the_fingerprint_sees_the_weights_of_every_seed(seed, fixed):
    assert print_of(at={seed: 0.25}, fixed=fixed) != print_of(fixed=fixed)


def test_the_fingerprint_is_the_same_for_the_same():
    assert print_of() == print_of({1: {}}, {2: 0.5})


# -- another memory is another comparison -----------------------------------------------------


def test_what_was_begun_with_another_memory_is_not_gone_on_with(tmp_path, monkeypatch):
    """The blocks would be of other sizes, and so the last bits of what is left to do."""

    def stop(self, number, runs):
        raise EnoughError

    with monkeypatch.context() as patch:
        patch.setattr("minidl.comparison.journal.Journal.add", stop)
        with pytest.raises(EnoughError):
            compare(data_of, hidden=[3], out=tmp_path / "a.json", memory=2**18, **SMALL)
    with pytest.raises(DataError, match="memory is 262144 there, 524288 requested"):
        compare(data_of, hidden=[3], out=tmp_path / "a.json", memory=2**19, **SMALL)
    compare(data_of, hidden=[3], out=tmp_path / "a.json", memory=2**18, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# -- several problems -------------------------------------------------------------------------


def falling(found, curves):
    """The comparison with these training losses in place of those of the judging seeds."""
    return Comparison(
        found.plan,
        [
            dataclasses.replace(r, curves={"train_loss": np.array(curves[r.optimizer])})
            if r.seed in found.plan.seeds
            else r
            for r in found.runs
        ],
    )


def test_the_hits_of_a_profile_by_hand():
    """From L_0 = 1 to L_ref = 0.01 the targets are 0.01 + 0.99 tau.

    0.505, 0.208, 0.109, 0.0595, 0.0298 and 0.0199. One curve is just below them in one epoch after
    the other, one just above; one is below all for two epochs first, where three are asked for.
    """
    assert TAUS == (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
    below = [0.504, 0.207, 0.108, 0.0594, 0.0297] + [0.0198] * 15
    above = [0.506, 0.209, 0.110, 0.0596, 0.0299] + [0.0200] * 15
    dips = [0.0198, 0.0198, 1, *below[:-3]]
    names = ("gd", "nag", "momentum")
    found = alone({name: [5] * 6 for name in names}, 20)
    curves = {n: [1, *c] for n, c in zip(names, (below, above, dips), strict=True)}
    one = falling(found, curves)
    hits = profile([one, one]).hits
    assert (one.target.initial, one.target.reference) == (1, 0.01)
    never = math.inf
    by_hand = {"gd": range(1, 7), "nag": [2, 3, 4, 5, 6, never], "momentum": range(4, 10)}
    for name, epochs in by_hand.items():
        shares = np.repeat([*epochs], 6) / 20  # of six seeds, for one tau after the other
        assert hits[name].tolist() == [*shares, *shares]


def test_a_median_of_no_epochs_counts_as_one_in_the_ratios():
    """Whoever is there before training is not infinitely faster than who takes an epoch."""
    found = alone({"gd": [5] * 6, "nag": [5] * 6}, 10, sustained=1, goal=Goal("loss", 0.9))
    at_once, steady = [0.8] * 11, [1, 1, 1] + [0.8] * 8
    both = profile([falling(found, {"gd": at_once, "nag": steady})] * 2)
    assert [row.median for row in falling(found, {"gd": at_once, "nag": steady}).rows] == [0, 3]
    assert both.costs.tolist() == [[1, 1], [3, 3]]
    assert both.ratios.tolist() == [[1, 1], [3, 3]]


# -- interruptions ----------------------------------------------------------------------------

SETTINGS = (0.1, 0.2, 0.4)


def cut(found, lost):
    """The comparison without the runs of which `lost(name, rate, seed)`."""
    kept = [
        r
        for r in found.runs
        if r.seed in found.plan.tuning_seeds or not lost(r.optimizer, r.setting.lr, r.seed)
    ]
    return Comparison(found.plan, kept)


def whole(names=("gd", "momentum", "nag")):
    return comparison({name: [5 + k + s for s in range(8)] for k, name in enumerate(names)})


def spans(found):
    """On how many seeds each row, tuned duel and flag rests."""
    return (
        {row.optimizer: row.seeds for row in found.rows},
        {(d.first, d.second): d.verdict.seeds for d in found.tuned},
        {(d.first, d.second, d.flag.lr): d.verdict.seeds for d in found.flags},
    )


def test_after_an_interruption_all_rests_on_the_seeds_that_all_have():
    """One lacks seed 7 at all rates; another lacks seed 6 at a rate that was not chosen."""
    found = cut(
        whole(),
        lambda name, lr, seed: (name, seed) == ("nag", 7) or (name, lr, seed) == ("gd", 0.4, 6),
    )
    assert found.seeds == dict.fromkeys(("gd", "momentum", "nag"), (0, 1, 2, 3, 4, 5))
    rows, tuned, flags = spans(found)
    assert rows == {"gd": 6, "momentum": 6, "nag": 6}
    pairs = ("momentum", "gd"), ("nag", "gd"), ("nag", "momentum")
    assert tuned == dict.fromkeys(pairs, 6 + 2)  # the two that tuned
    assert flags == {(*pair, lr): 6 for pair in tuned for lr in SETTINGS}
    assert not found.complete


def test_who_has_no_seed_yet_is_left_out_and_takes_none_from_the_others():
    found = cut(whole(), lambda name, lr, seed: name == "nag" or (name, seed) == ("gd", 0))
    assert found.seeds == {"gd": tuple(range(1, 8)), "momentum": tuple(range(1, 8)), "nag": ()}
    rows, tuned, flags = spans(found)
    assert rows == {"gd": 7, "momentum": 7}
    assert tuned == {("momentum", "gd"): 7 + 2}
    assert flags == {("momentum", "gd", lr): 7 for lr in SETTINGS}
    assert "nag" in found.chosen  # its tuning runs are there
    assert str(found)


def test_who_lacks_one_rate_at_every_seed_has_no_seed():
    found = cut(whole(("gd", "nag")), lambda name, lr, seed: (name, lr) == ("nag", 0.4))
    assert found.seeds == {"gd": tuple(range(8)), "nag": ()}
    assert spans(found) == ({"gd": 8}, {}, {})
