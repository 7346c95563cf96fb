"""The one screen: it fits, its answer agrees with its numbers, and it says what to do next."""

import math
import re
from itertools import combinations

import numpy as np
import pytest
from comparison_runs import comparison, plan, searched
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.comparison.report.facts import best_row, good_rates, relation
from minidl.comparison.report.screen import LINES, WIDTH, network_words, screen
from minidl.comparison.report.words import method_name
from minidl.comparison.search import Trial

FAST, SLOW = [4, 5, 4, 3, 5, 4, 4], [20, 22, 19, 25, 21, 18, 20]
OUTCOME = st.one_of(st.integers(1, 50), st.none(), st.sampled_from(["@ 3", "@ 9"]))


def fits(text):
    lines = text.split("\n")
    return len(lines) <= LINES and max(map(len, lines)) <= WIDTH


def test_the_answer_comes_first_and_has_the_numbers_of_the_table():
    text = screen(comparison({"gd": SLOW, "nag": FAST}))
    head, answer, table, pairs = text.split("\n\n")[:4]
    assert head == (
        "toy, 750 training rows, 2-1, batch 32; 7 seeds judge, 2 others chose the rates\n"
        "Goal: training loss <= 0.1, held for 3 epochs, within 50 epochs; engine: eager"
    )
    assert answer.split("\n")[0] == ("  NAG is fastest here: 4 epochs (median), against 20 for gd.")
    gd, nag = (line.split() for line in table.split("\n")[1:])
    assert gd[:4] == ["gd", "0.2", "7/7", "20"]
    assert nag[:4] == ["nag", "0.2", "7/7", "4"]
    assert gd[-1] == "#" * 14
    assert nag[-1] == "###"
    assert pairs.split("\n")[1].startswith("nag - gd")
    assert pairs.split("\n")[1].endswith("NAG faster")
    assert pairs.split("\n")[2:] == [
        "(differences of 9 seeds, each at the rates that the others choose)"
    ]
    assert fits(text)


def test_what_to_do_next_is_a_command():
    found = comparison({"gd": SLOW, "nag": FAST}, problem="circles")
    lines = screen(found, commands=True).split("\n")
    assert (
        lines[-2]
        == "next: minidl train --dataset circles --optimizer nag --lr 0.2 --plot circles-nag.png"
    )
    typed = ["minidl", "compare", "--rows", "200", "--quick", "--noise=0.3", "--hidden", "8"]
    lines = screen(found, commands=True, typed=typed).splitlines()
    words = "next: minidl train --dataset circles --optimizer nag --lr 0.2 --rows 200 --noise=0.3"
    assert lines[-3:-1] == [f"{words} --hidden 8 \\", "      --plot circles-nag.png"]
    lines = screen(found, commands=True, typed=[*typed, "--activation", "relu"]).splitlines()
    assert lines[-3:-1] == [
        f"{words} --hidden 8 \\",
        "      --activation relu --plot circles-nag.png",
    ]
    assert lines[-1].startswith("more: --details")
    assert "next:" not in screen(found)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("Sequential(Dense(2, 16), Tanh(), Dense(16, 1))", "2-16-1 tanh"),
        ("Dense(2, 1)", "2-1"),
        ("Sequential(Dense(2, 4), ReLU(), Dense(4, 4), ReLU(), Dense(4, 1))", "2-4-4-1 relu"),
        ("Sequential(Dense(2, 4), Tanh(), Dense(4, 1), ReLU())",) * 2,
        ("Custom(3)", "Custom(3)"),
    ],
)
def test_a_network_is_told_in_short_if_nothing_is_lost(network, words):
    assert network_words(plan(["nag"], network=network)) == words


def numbers_said(answer, names):
    """Return the epochs that the answer says of each optimizer: "9 for gd" or "gd (9)"."""
    return {
        name: float(number)
        for name in names
        for pair in re.findall(
            rf"([\d.]+) for {method_name(name)}|{method_name(name)} \(([\d.]+)\)", answer
        )
        for number in pair
        if number
    }


@pytest.mark.unmeasured
@given(
    st.integers(2, 4).flatmap(
        lambda k: st.lists(st.lists(OUTCOME, min_size=8, max_size=8), min_size=k, max_size=k)
    )
)
@settings(max_examples=150, deadline=None)
def test_every_sentence_agrees_with_the_numbers(outcomes):
    names = ["gd", "momentum", "nag", "other"][: len(outcomes)]
    found = comparison(dict(zip(names, outcomes, strict=True)))
    text = screen(found, commands=True)
    assert fits(text)
    answer = " ".join(text.split("\n\n")[1].split())
    rows, duels = {row.optimizer: row for row in found.rows}, found.tuned
    best = best_row(found.rows, duels)
    said = numbers_said(answer, names)
    if need := re.search(r"(.*) needs? the fewest epochs", answer):
        own = rows[best.optimizer].mean, rows[best.optimizer].median
        both = {method_name(name): (row.mean, row.median) for name, row in rows.items()}
        named = re.split(", | and ", need[1])
        assert {both[name] for name in named} == {own}
        undecided = {"open", "equivalent"}
        for name, row in rows.items():
            if name != best.optimizer and (row.mean, row.median) == own:
                assert (relation(best.optimizer, name, duels)[0] in undecided) == (
                    method_name(name) in named
                )
    if "fastest here" in answer:
        assert all(
            relation(best.optimizer, n, duels)[0] == "faster" for n in names if n != best.optimizer
        )
    for name, number in said.items():
        value = rows[name].median if "(median" in answer else rows[name].mean
        assert number == pytest.approx(value, abs=0.06)
        least = rows[best.optimizer].median if "(median" in answer else rows[best.optimizer].mean
        assert least <= value
    if best is None:
        assert "No optimizer reached" in answer
        assert all(math.isinf(row.median) for row in rows.values())
    else:
        assert f"{rows[best.optimizer].reached}/8" in text
    for duel in duels:
        if duel.verdict.word == "no difference shown" and best is not None:
            pair = {duel.first, duel.second}
            if best.optimizer in pair:
                assert "is fastest here" not in answer


def test_optimizers_with_equal_means_are_named_together():
    times = [5, 6, 7, 5, 6, 7, 5, 6]
    text = str(comparison({"gd": times, "nag": times, "momentum": [9] * 8}))
    assert " ".join(text.split("\n\n")[1].split()).startswith(
        "gd and NAG need the fewest epochs here, 6 epochs (median); gd is faster than momentum (9);"
        " NAG (6) is equivalent to gd within 5 %."
    )


@given(
    st.lists(st.floats(1, 60), min_size=1, max_size=9),
    st.integers(0, 8),
)
def test_good_rates_are_neighbours_of_the_chosen_one(means, place):
    rates = [2.0**k for k in range(len(means))]
    chosen = rates[place % len(rates)]
    good = good_rates(dict(zip(rates, means, strict=True)), chosen)
    assert chosen in good
    assert good == rates[rates.index(good[0]) : rates.index(good[-1]) + 1]
    limit = max(1.25 * means[rates.index(chosen)], means[rates.index(chosen)] + 1)
    assert all(means[rates.index(rate)] <= limit for rate in good)
    assert not np.isnan(good).any()


def test_good_rates_are_within_a_quarter_or_one_epoch():
    assert good_rates({0.1: 2.9, 0.2: 2.0, 0.4: 3.1}, 0.2) == [0.1, 0.2]
    assert good_rates({0.1: 49.0, 0.2: 40.0, 0.4: 51.0}, 0.2) == [0.1, 0.2]


# -- random search ---------------------------------------------------------------------------

TRIALS = [Trial(0.5, 0.9), Trial(1.0, 0.0), Trial(2.0, 0.95), Trial(4.0, 0.9), Trial(8.0, 0.5)]


def test_after_a_random_search_the_screen_has_momentum_trials_and_a_command():
    tuning = {"gd": [9, 30, 30, 40, 50], "nag": [30, 20, 5, 20, 30]}
    found = searched(tuning, {"gd": SLOW, "nag": FAST}, TRIALS, problem="circles")
    text = screen(found, commands=True)
    head, answer, table = text.split("\n\n")[:3]
    assert head.startswith(
        "circles, 750 training rows, 2-1, batch 32; 7 seeds judge, 2 others chose the trials\n"
    )
    # means 30, 20, 5, 20 and 30 on the tuning seeds; of pairs, 4 are 5, 5 are 20, and one is 30
    assert " ".join(answer.split()) == (
        "NAG is fastest here: 4 epochs (median), against 20 for gd. The best of"
        " only 2 of its 5 trials would need 3.0 times as many epochs (average, tuning seeds)."
    )
    assert table.split("\n")[0].split()[:3] == ["optimizer", "rate", "momentum"]
    gd, nag = (line.split() for line in table.split("\n")[1:])
    assert gd[:4] == ["gd", "0.5", "EDGE", "7/7"]
    assert nag[:4] == ["nag", "0.1", "0.95", "7/7"]
    assert "Beware: only one trial of gd and NAG is within 10 % of the best: with other" in text
    command = "minidl train --dataset circles --optimizer nag --lr 0.1 --momentum 0.95"
    assert f"{command} --plot \\\n      circles-nag.png\n" in text
    assert fits(text)


def test_several_good_trials_are_counted():
    tuning = {"gd": [9, 9, 30, 40, 50], "nag": [30, 8, 8, 20, 30]}
    text = screen(searched(tuning, {"gd": SLOW, "nag": FAST}, TRIALS))
    assert "only one trial" not in text
    assert (
        "\n  2 of its 5 trials are within 10 % of its best; the best of only 2 would need" in text
    )


def test_a_command_leaves_out_the_momentum_that_is_the_default():
    assert "--momentum" not in screen(
        comparison({"gd": SLOW, "nag": FAST}, problem="circles"), commands=True
    )


@pytest.mark.unmeasured
@given(
    st.lists(st.lists(OUTCOME, min_size=5, max_size=5), min_size=3, max_size=3),
    st.lists(st.lists(OUTCOME, min_size=8, max_size=8), min_size=3, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_every_sentence_about_trials_agrees_with_the_numbers(tuning, outcomes):
    names = ["gd", "momentum", "nag"]
    found = searched(dict(zip(names, tuning, strict=True)), dict(zip(names, outcomes, strict=True)),
                     TRIALS)  # fmt: skip
    text = screen(found, commands=True)
    assert fits(text)
    assert found.complete
    for row, line in zip(found.rows, text.split("optimizer  ")[1].split("\n")[1:4], strict=True):
        assert line.split()[:2] == [row.optimizer, f"{row.setting.lr:.3g}"]
        assert row.setting == found.chosen[row.optimizer].setting
    answer = " ".join(text.split("\n\n")[1].split())
    best = best_row(found.rows, found.tuned)
    if told := re.search(r"(\d+) of its 5 trials .*need ([\d.]+) times as", answer):
        chosen = found.chosen[best.optimizer]
        times = [found.times(found.plan.contestant(best.optimizer), s, found.plan.tuning_seeds)
                 for s in found.plan.settings(found.plan.contestant(best.optimizer))]  # fmt: skip
        means = np.minimum(times, 50).mean(axis=1)
        alike = int(np.sum(means <= 1.1 * means.min() + 1e-9))
        assert (f"{alike} of its 5 trials are within" in answer) is (alike > 1)
        pairs = np.mean([min(pair) for pair in combinations(means, 2)])
        assert float(told[2]) == pytest.approx(pairs / means.min(), abs=0.051)
        assert chosen.arrived
    else:
        assert best is None or not found.chosen[best.optimizer].arrived
    found.details()
