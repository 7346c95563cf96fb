"""How often the race claims a difference where there is none, found by simulation.

The times of equal optimizers are drawn with a common effect of the seed, in whole epochs (ties)
and against a budget (censoring), as real ones are.
"""

import math

import numpy as np
import pytest
from comparison_runs import run, settings

from minidl.comparison import Comparison, Run
from minidl.comparison.report import duel
from minidl.training import History

BUDGET, LEVEL = 20, 0.05
NO_CURVE = History()


def slack(races):
    """Three standard deviations of a share of 5 % over so many races."""
    return 3 * math.sqrt(LEVEL * (1 - LEVEL) / races)


def times(generator, seeds, methods, advantage=0.0):
    """Epochs to converge, (methods, seeds); the first method is better by a factor."""
    problem = generator.normal(2.2, 0.5, size=seeds)
    found = np.exp(problem + generator.normal(0.0, 0.5, size=(methods, seeds)))
    found[0] *= 1 - advantage
    return [[None if t > BUDGET else int(np.ceil(t)) for t in row] for row in found]


def p_value(pair):
    runs = [
        Run(n, s, NO_CURVE, t) for n, row in zip("ab", pair, strict=True) for s, t in enumerate(row)
    ]
    return duel("a", "b", runs, BUDGET).p


@pytest.mark.parametrize(("seeds", "races"), [(6, 2000), (10, 2000), (15, 150)])
def test_equal_optimizers_are_told_apart_no_more_often_than_the_level_says(seeds, races):
    generator = np.random.default_rng(1935)
    share = np.mean([p_value(times(generator, seeds, 2)) < LEVEL for _ in range(races)])
    assert share <= LEVEL + slack(races)


def test_the_simulated_races_have_ties_and_runs_that_never_arrive():
    generator = np.random.default_rng(1935)
    drawn = [times(generator, 10, 2) for _ in range(500)]
    pairs = [pair for a, b in drawn for pair in zip(a, b, strict=True)]
    assert np.mean([a == b for a, b in pairs]) > 0.05
    assert 0.05 < np.mean([a is None for a, _ in pairs]) < 0.5


def test_a_great_advantage_is_found_nearly_always():
    generator = np.random.default_rng(2)
    found = [p_value(times(generator, 10, 2, advantage=0.7)) < LEVEL for _ in range(300)]
    assert np.mean(found) > 0.9


def test_the_sentences_of_a_race_of_equals_rarely_claim_anything():
    names, races = ["nag", "momentum", "mini-batch", "nag-reformulated"], 400
    generator = np.random.default_rng(1979)
    claims = 0
    for _ in range(races):
        drawn = times(generator, 8, 3)
        outcomes = dict(zip(names, [*drawn, drawn[0]], strict=True))
        runs = [run(n, s, t, BUDGET) for n, row in outcomes.items() for s, t in enumerate(row)]
        said = Comparison(settings(names, list(range(8)), BUDGET), runs).sentences()
        claims += any("on average" in text for text in said)
    assert claims / races <= LEVEL + slack(races)
