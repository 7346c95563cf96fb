"""Looks: a comparison stops once its pairs are decided, at the confidence of that look."""

import json
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from comparison_runs import TUNING, comparison, plan, run, without_seconds
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import datasets, optim
from minidl.comparison import (
    Comparison,
    Goal,
    Setting,
    Study,
    bootstrap_interval,
    compare,
    compare_all,
    equivalence_interval,
    error_share,
    failure_bound,
    fewest_seeds,
    holm,
    median_interval,
    sign_flip,
    step_down,
    tuned_interval,
    tuned_swap,
    verdict,
)
from minidl.comparison.executor import Executor
from minidl.comparison.journal import Journal
from minidl.comparison.looks import decided, stages
from minidl.comparison.report.screen import LINES, WIDTH, screen
from minidl.comparison.stats.tuned import tuned_equivalence
from minidl.errors import ArgumentError, DataError

SMALL = {"epochs": 15, "tuning_seeds": 2, "hidden": [4], "lr": [0.05, 0.1], "sustained": 1,
         "target": "gap:0.3", "looks": (8, 16, 24)}  # fmt: skip
DIFFER = {"optimizers": ["gd", "nag"], **SMALL}  # decided at the first look
FAST, SLOW = [4, 5, 4, 3, 5, 4, 4, 6], [20, 22, 19, 25, 21, 18, 20, 24]


def moons(seed):
    return datasets.load("moons", n=60, split_seed=seed)


def same():
    """Two optimizers that are the same, so their pair stays open."""
    return {"optimizers": {"a": optim.NAG(0.1), "b": optim.NAG(0.1)}, **SMALL}


def read(path):
    return json.loads(path.read_text())


# -- the error that a look may spend ----------------------------------------------------------


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6, unique=True).map(sorted))
def test_all_looks_together_spend_all_of_the_error_and_no_more(looks):
    assert sum(error_share(looks, n) for n in looks) == pytest.approx(1, abs=1e-12)
    assert all(0 < error_share(looks, n) <= 1 for n in looks)


def test_the_error_is_spent_as_the_seeds_are_and_between_looks_as_at_the_next():
    found = [error_share((12, 24, 48), n) for n in (0, 1, 12, 13, 24, 25, 48)]
    assert found == [0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]
    assert error_share((), 20) == 1
    with pytest.raises(ArgumentError, match="seeds must be an integer from 0 to 48, got 49"):
        error_share((12, 24, 48), 49)


# -- the numbers at a look --------------------------------------------------------------------


def test_a_verdict_at_a_look_takes_its_share_of_the_error():
    assert [fewest_seeds(1, share) for share in (1, 0.5, 0.25)] == [6, 7, 8]
    assert fewest_seeds(3, 0.25) == 9
    nag, gd = FAST[:7], SLOW[:7]
    how = {"p": 0.01, "interval": (-18, -14)}
    assert verdict(nag, gd, 50, **how).word == "A faster"
    late = verdict(nag, gd, 50, **how, share=0.25)
    assert late.word == "no difference shown"
    assert late.reason.endswith("take 8 or more")
    assert late.failure_bound == failure_bound(0, 7, 0.9875) > failure_bound(0, 7)
    a = [100] * 6 + [109, 91]
    b = [100] * 8
    low, high = equivalence_interval(a, b, 200)
    wide = equivalence_interval(a, b, 200, 0.9875)
    assert -5 < low < high < 5 < wide[1]
    assert verdict(a, b, 200, 1, (-3, 3)).word == "equivalent within 5 %"
    assert verdict(a, b, 200, 1, (-3, 3), share=0.25).word == "no difference shown"
    with pytest.raises(ArgumentError, match=r"share must be in \(0, 1\], got 0"):
        fewest_seeds(1, 0)


def made(names, seeds, looks, **others):
    """A comparison of random times, and its times (settings, seeds) by name."""
    planned = plan(names, seeds, 50, looks=looks, goal=Goal("loss", 0.1), **others)
    generator = np.random.default_rng(6)
    runs, times = [], {}
    for k, c in enumerate(planned.contestants):
        shape = len(planned.settings(c)), len(TUNING) + seeds
        times[c.name] = generator.integers(1, 20, size=shape) + 10 * k
        for setting, row in zip(planned.settings(c), times[c.name].tolist(), strict=True):
            every = (*planned.tuning_seeds, *planned.seeds)
            runs += [run(c.name, setting, s, t, 50) for s, t in zip(every, row, strict=True)]
    return Comparison(planned, runs), times


def test_every_number_has_the_confidence_of_its_look_and_p_is_that_over_all_looks():
    found, times = made(["gd", "momentum", "nag"], 12, (12, 24, 36))
    share, part = 12 / 36, 1 - 0.05 * 12 / 36
    assert decided(found) == all(d.word != "no difference shown" for d in found.tuned)
    p = [tuned_swap(times[d.first], times[d.second]) for d in found.tuned]
    assert [d.p_alone for d in found.tuned] == p
    over_looks = holm([min(1, one / share) for one in p])
    assert [d.verdict.p for d in found.tuned] == pytest.approx(over_looks, rel=1e-12)
    for match in found.tuned_matches:
        a, b = (times[name] for name in match.names)
        equal = tuned_equivalence(a, b, *match.times, 50, confidence=part)
        assert match.equivalence == equal
    for duel in found.tuned:
        low, high = tuned_interval(times[duel.first], times[duel.second], part)
        estimate = duel.verdict.difference
        assert duel.verdict.interval == (min(low, estimate), max(high, estimate))
        assert duel.verdict.enough == fewest_seeds(3, share)
    differences = [times[d.first][k // 3] - times[d.second][k // 3]
                   for k, d in enumerate(found.flags)]  # fmt: skip
    last = [d[len(TUNING) :] for d in differences]
    assert [d.verdict.interval for d in found.flags] == [bootstrap_interval(d, part) for d in last]
    stepped = [max(sign_flip(d), p) for d, p in zip(last, step_down(last), strict=True)]
    expected = [min(1, p / share) for p in stepped]
    assert [d.verdict.p for d in found.flags] == pytest.approx(expected, rel=1e-12)
    for row in found.rows:
        index = [s.lr for s in found.plan.settings(found.plan.contestant(row.optimizer))]
        own = times[row.optimizer][index.index(row.setting.lr)][len(TUNING) :]
        assert row.interval == median_interval(own, part)
        assert row.mean_interval == bootstrap_interval(own, part)


def test_without_looks_nothing_changes_and_the_file_does_not_name_them():
    plain, _ = made(["gd", "nag"], 8, ())
    assert "looks" not in plain.plan.to_dict()
    assert plain.tuned[0].verdict.p == plain.tuned[0].p_alone
    assert "seeds were needed" not in str(plain) + plain.details()


def test_the_plan_up_to_a_look_has_the_seeds_up_to_there():
    whole = plan(["gd", "nag"], 24, looks=(8, 16, 24))
    assert [part.seeds for part in stages(whole)] == [tuple(range(n)) for n in (8, 16, 24)]
    assert {part.looks for part in stages(whole)} == {(8, 16, 24)}
    assert stages(plan(["gd", "nag"], 24)) == [plan(["gd", "nag"], 24)]


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [
        ({"gd": SLOW, "nag": FAST}, True),
        ({"gd": FAST, "nag": FAST}, False),  # alike, but not equivalent within 5 %
        ({"gd": SLOW, "momentum": FAST, "nag": FAST}, False),
        ({"gd": [100] * 8, "nag": [100] * 8}, True),  # equivalent
        ({"gd": [None] * 8, "nag": [None] * 8}, False),
    ],
)
def test_decided_means_that_every_pair_is_faster_or_equivalent(outcomes, answer):
    assert decided(comparison(outcomes, 200, looks=(8, 16))) is answer


def chaotic(own):
    """A twin of this run that arrives in another epoch."""
    return replace(run(own.optimizer, own.setting, own.seed, 30, 50), twin=True)


def test_a_pair_whose_training_is_chaotic_gets_no_verdict_from_more_seeds():
    alike = comparison({"gd": FAST, "nag": FAST}, tune="none", looks=(8, 16))
    assert not decided(alike)
    runs = alike.all_runs()
    found = Comparison(alike.plan, [*runs, chaotic(runs[-1])])
    assert found.tuned[0].word == "chaotic"
    assert decided(found)
    text = "Stopped after 8 of up to 16 seeds: every pair that is not chaotic is decided."
    assert text in str(found)


class Nothing:
    """A problem without data, for executors that train nothing."""

    def fingerprint(self, goal, seeds):
        return ""


def by_hand(monkeypatch, hit, later=range(0)):
    """An executor for 16 seeds that does not train: the runs with the seeds `later` are finished.

    `hit(name, rate, seed)` is the hitting time of a run.
    """

    def train(executor, seeds, settings):
        for c, tried in settings.items():
            for setting, seed in product(tried, seeds):
                made = run(c.name, setting, seed, hit(c.name, setting.lr, seed), 50)
                executor.runs[made.full_key] = made

    monkeypatch.setattr(Executor, "train", train)
    executor = Executor(plan(["gd", "nag"], 16, looks=(8, 16)), Nothing(), {})
    train(executor, later, {c: executor.plan.settings(c) for c in executor.plan.contestants})
    return executor


@pytest.mark.parametrize("later", [range(0), range(8, 16)])
def test_what_a_killed_comparison_had_trained_has_no_part_in_earlier_choices(later, monkeypatch):
    times = {"gd": {0.1: 30, 0.2: 20, 0.4: 22}, "nag": {0.1: 20, 0.2: 4, 0.4: 6}}
    executor = by_hand(monkeypatch, lambda name, lr, seed: times[name][lr] + seed % 3, later)
    if later:  # a twin that would make 0.4 the best rate, at the edge of the grid, which would grow
        twin = chaotic(executor.runs["nag", Setting(0.2, 0.9), 12, False])
        executor.runs[twin.full_key] = twin
    executor.run()
    found = executor.result()
    assert found.plan.rates == (0.1, 0.2, 0.4)
    assert found.plan.seeds == tuple(range(8))
    assert found.chosen["nag"].setting.lr == 0.2
    assert {one.seed for one in found.all_runs()} == {*TUNING, *range(8)}


@pytest.mark.parametrize("later", [range(0), range(8, 16)])
def test_a_look_is_judged_by_the_seeds_up_to_there_even_if_more_are_finished(later, monkeypatch):
    def hit(name, lr, seed):  # alike up to the first look, from then on far apart
        return 30 if lr != 0.2 else 4 + seed % 3 + 20 * (name == "gd" and 8 <= seed < 100)

    executor = by_hand(monkeypatch, hit, later)
    executor.run()
    assert executor.plan.seeds == tuple(range(16))
    assert executor.result().tuned[0].word == "nag faster"


# -- training in stages -----------------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch):
    """The seeds of all runs that were trained, in order, without twins."""
    seeds, add = [], Journal.add

    def noted(self, number, runs):
        seeds.extend(run.seed for run in runs if not run.twin)
        add(self, number, runs)

    monkeypatch.setattr(Journal, "add", noted)
    return seeds


def test_training_stops_at_the_look_that_decides_every_pair(trained):
    found = compare(moons, **DIFFER)
    assert found.tuned[0].word == "nag faster"
    assert set(trained) == {10_000, 10_001, *range(8)}
    assert found.plan.seeds == tuple(range(8))
    assert found.complete
    assert {row.seeds for row in found.rows} == {8}
    assert "Stopped after 8 of up to 24 seeds: every pair is decided.\n" in str(found)
    assert "Stopped after 8 of up to 24 seeds: every pair is decided.\n" in found.details()
    assert (
        "At this look p is multiplied by 3, and intervals have 98.33 % confidence"
        in found.details()
    )


def test_training_goes_on_to_the_last_look_while_a_pair_is_open(trained):
    found = compare(moons, **same())
    assert [seed for seed in dict.fromkeys(trained) if seed < 10_000] == list(range(24))
    assert found.complete
    assert {row.seeds for row in found.rows} == {24}
    assert "All 24 seeds were needed: after 8 and 16 not every pair was decided." in str(found)


def test_each_stage_trains_its_own_seeds_only(trained):
    compare(moons, **{**same(), "looks": [8, 10, 17], "seeds": range(100, 117)})
    order = [seed for seed in trained if seed < 10_000]
    assert [set(order[: 8 * 4]), set(order[8 * 4 : 10 * 4])] == [set(range(100, 108)), {108, 109}]
    assert len(order) == 17 * 2 * 2


def test_up_to_a_look_the_runs_are_those_of_a_comparison_without_looks():
    few = compare(moons, **{**DIFFER, "looks": None, "seeds": 8})
    found = compare(moons, **DIFFER)
    runs = [[run.to_dict() for run in one.all_runs()] for one in (found, few)]
    assert without_seconds(runs[0]) == without_seconds(runs[1])
    assert found.tuned != few.tuned  # whose interval is narrower
    assert found.tuned[0].p_alone == few.tuned[0].p_alone


@pytest.mark.parametrize("options", [DIFFER, same()])
def test_a_file_says_at_which_look_it_ended_and_gives_the_same_to_the_last_bit(options, tmp_path):
    path = tmp_path / "a.json"
    found = compare(moons, out=path, **options)
    again = Comparison.from_json(path)
    assert (str(again), again.details()) == (str(found), found.details())
    assert (again.rows, again.tuned, again.flags) == (found.rows, found.tuned, found.flags)
    assert again.plan == found.plan
    record = read(path)["comparisons"][0]
    assert record["plan"]["looks"] == record["asked"]["plan"]["looks"] == [8, 16, 24]
    assert len(record["plan"]["seeds"]) == len({r.seed for r in found.runs if r.seed < 10_000})
    assert len(record["asked"]["plan"]["seeds"]) == 24
    shown = compare(moons, out=path, **options)  # from the file
    assert shown.to_json() == found.to_json()
    with pytest.raises(DataError, match=r"looks is \[8, 16, 24\] there, \[8, 24\] requested"):
        compare(moons, out=path, **{**options, "looks": (8, 24)})


def killed_after(blocks, patch):
    """Raise an error after so many finished blocks; return the list that counts them."""
    add, finished = Journal.add, []

    def counted(self, number, runs):
        add(self, number, runs)
        finished.append(len(runs))
        if len(finished) == blocks:
            raise RuntimeError("killed")

    patch.setattr(Journal, "add", counted)
    return finished


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The records of two comparisons that nothing interrupted, and their numbers of blocks."""
    records = []
    for options in (DIFFER, same()):
        path = tmp_path_factory.mktemp("whole") / "a.json"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("minidl.comparison.executor.GROUP", 4)
            blocks = killed_after(None, patch)
            compare(moons, out=path, **options)
        records.append((without_seconds(read(path)), len(blocks)))
    return records


@pytest.mark.unmeasured
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.7, 0.9, "first look"])
def test_a_comparison_that_was_killed_goes_on_and_ends_with_the_same_file(
    number, part, whole, tmp_path, monkeypatch
):
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 4)
    path, options = tmp_path / "cut.json", (DIFFER, same())[number]
    record, blocks = whole[number]
    with monkeypatch.context() as patch:
        if part == "first look":
            patch.setattr("minidl.comparison.executor.decided", killed)
        else:
            killed_after(round(part * blocks), patch)
        with pytest.raises(RuntimeError, match="killed"):
            compare(moons, out=path, **options)
    assert not path.exists()
    compare(moons, out=path, **options)
    assert without_seconds(read(path)) == record


def killed(comparison):
    raise RuntimeError("killed")


@pytest.mark.parametrize("options", [DIFFER, same()])
def test_the_progress_bar_never_jumps_back_and_ends_at_the_end(options, monkeypatch, capsys):
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 4)
    compare(moons, progress=True, **options)
    shares = [int(share) for share in re.findall(r"(\d+)%\|", capsys.readouterr().err)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 100)


def test_each_problem_of_a_study_ends_at_its_own_look():
    study = compare_all([moons, "circles"], optimizers=["gd", "nag"], batching_lr=0.1,
                        batchings=["full", 32], **SMALL)  # fmt: skip
    *both, batches = study.comparisons
    assert all(part.plan.looks == (8, 16, 24) for part in both)
    assert (batches.plan.looks, batches.plan.seeds) == ((), tuple(range(12)))
    assert [len(part.seeds["nag"]) for part in both] == [len(part.plan.seeds) for part in both]
    matches = [match for part in both for match in part.tuned_matches]
    corrected = holm([min(1, m.p / m.share) for m in matches])
    assert [d.verdict.p for part in study.tuned for d in part] == corrected
    assert Study(both).profile_text()


def test_after_an_interruption_the_seeds_between_two_looks_are_judged_as_at_the_next(monkeypatch):
    monkeypatch.setattr("minidl.comparison.executor.GROUP", 4)
    add = Journal.add

    def interrupted(self, number, runs):
        add(self, number, runs)
        if any(run.seed == 11 and run.optimizer == "b" and not run.twin for run in runs):
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "add", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(moons, **same())
    part = caught.value.comparison
    assert not part.complete
    assert 8 < len(part.seeds["a"]) < 16
    assert part.tuned_matches[0].share == 1 / 3
    text = str(part)
    assert "Looks are planned after 8, 16 and 24 seeds." in text
    assert f"rest on {len(part.seeds['a']) + 2} of up to 26 seeds" in text
    assert "seeds judge" in text
    assert "p is multiplied" not in part.details()


# -- what is printed and what is refused ------------------------------------------------------


@given(
    st.integers(2, 4).flatmap(
        lambda k: st.lists(
            st.lists(st.one_of(st.integers(1, 50), st.none()), min_size=8, max_size=8),
            min_size=k,
            max_size=k,
        )
    )
)
@settings(max_examples=40, deadline=None)
def test_the_screen_has_room_for_the_look(outcomes):
    names = ["gd", "momentum", "nag", "other"][: len(outcomes)]
    found = comparison(dict(zip(names, outcomes, strict=True)), looks=(8, 16))
    lines = screen(found, commands=True).split("\n")
    why = ": every pair is decided" if decided(found) else ""  # as it is if training stopped there
    assert f"Stopped after 8 of up to 16 seeds{why}." in lines[:4]
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH


def test_a_full_screen_has_room_for_the_look():
    names = ["gd", "momentum", "nag", "d", "e", "f"]
    times = {name: [10 + k + s for s in range(8)] for k, name in enumerate(names)}
    found = comparison(times, at=0.4, looks=(8, 16), problem="moons")  # an EDGE note for each
    lines = screen(found, commands=True).split("\n")
    assert len(lines) <= LINES
    assert "more notes" in lines[-3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"looks": 12}, r"looks must be two or more numbers of seeds in .* got 12"),
        ({"looks": "12,24"}, "looks must be two or more numbers of seeds .* got '12,24'"),
        ({"looks": [48]}, r"looks must be two or more numbers of seeds .* got \[48\]"),
        ({"looks": []}, r"looks must be two or more numbers of seeds .* got \[\]"),
        ({"looks": (24, 12)}, r"increasing order, such as \(12, 24, 48\), got \[24, 12\]"),
        ({"looks": (12, 12)}, r"increasing order.* got \[12, 12\]"),
        ({"looks": (0.5, 1.0)}, "looks must be an integer >= 1, got 0.5"),
        ({"looks": (-8, 8)}, "looks must be an integer >= 1, got -8"),
        ({"looks": (6, 12, 24)}, r"looks cannot decide a pair after 6 seeds, got .*8 seeds or"),
        ({"looks": (9, 10, 400)}, r"after 9 seeds, got \[9, 10, 400\]. Its part .* takes 11 seeds"),
        ({"optimizers": ["gd", "momentum", "nag"], "lr": 0.1}, r"after 8 seeds, .* takes 9 seeds"),
        ({"seeds": 20}, "seeds must be 24, as many as at the last look, got 20. Leave it out"),
        ({"seeds": range(8)}, "seeds must be 24, as many as at the last look, got 8"),
        ({"optimizers": ["nag"]}, "looks would have no effect: no two optimizers are compared"),
        ({"optimizers": ["batch", "gd"]}, "looks would have no effect: no two optimizers"),
        ({"optimizers": ["nag", "nag-reformulated"]}, "looks would have no effect"),
    ],
)
def test_looks_that_cannot_be_are_refused_before_training(change, words, monkeypatch):
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)  # would fail otherwise
    with pytest.raises(ArgumentError, match=words):
        compare(moons, **{**DIFFER, **change})


@pytest.mark.parametrize("looks", [(48, 24, 12), (12, 12)])
def test_looks_that_do_not_increase_have_no_share(looks):
    with pytest.raises(ArgumentError, match="looks must be increasing numbers of seeds"):
        error_share(looks, 10)
