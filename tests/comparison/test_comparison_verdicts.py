"""Which of the four verdicts is given, at and beside each border."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.comparison import (
    bootstrap_interval,
    faster_probability,
    fewest_seeds,
    holm,
    restricted,
    sign_flip,
    verdict,
)
from minidl.errors import ArgumentError, ShapeError

NEVER = math.inf
NOTHING, EQUAL = "no difference shown", "equivalent within 5 %"
FAST, SLOW = [10, 11, 12, 13, 14, 15], [30, 29, 33, 31, 35, NEVER]
PAIRS = st.lists(
    st.tuples(*[st.integers(1, 30).map(float) | st.just(NEVER)] * 2), min_size=2, max_size=9
)


def judged(a, b, budget=40, comparisons=1):
    """The verdict with p and interval as the protocol computes them."""
    d = restricted(a, budget) - restricted(b, budget)
    p = min(1.0, comparisons * sign_flip(d))
    return verdict(a, b, budget, p, bootstrap_interval(d, resamples=500), comparisons=comparisons)


def test_each_of_the_four_is_given():
    assert judged(FAST, SLOW).word == "A faster"
    assert judged(SLOW, FAST).word == "B faster"
    assert judged(FAST, FAST[::-1]).word == NOTHING
    assert judged([20.0] * 6, [20.0] * 6).word == EQUAL


def test_what_it_rests_on_is_kept():
    found = verdict(FAST, SLOW, 40, 0.03125, (-25, -15))
    assert (found.seeds, found.enough, found.p, found.interval) == (6, 6, 0.03125, (-25, -15))
    assert found.difference == np.mean(FAST) - (30 + 29 + 33 + 31 + 35 + 40) / 6
    assert found.margin == pytest.approx(0.05 * 12)  # of the five seeds on which both converge
    assert not found.declined
    assert found.reason == ""


@pytest.mark.parametrize(
    ("p", "word"),
    [(0.0499, "A faster"), (0.05, NOTHING), (0.2, NOTHING), (0.0, "A faster"), (1.0, NOTHING)],
)
def test_faster_takes_a_p_value_below_the_level(p, word):
    assert verdict(FAST, SLOW, 40, p, (-25, -15)).word == word


@pytest.mark.parametrize(
    ("interval", "word"),
    [
        ((-25, -0.001), "A faster"),
        ((-25, 0), NOTHING),
        ((-25, 3), NOTHING),
        ((0, 25), NOTHING),
        ((0.001, 25), "B faster"),
        (None, NOTHING),
    ],
)
def test_faster_takes_an_interval_beside_zero(interval, word):
    assert verdict(FAST, SLOW, 40, 0.03, interval).word == word


@pytest.mark.parametrize(
    ("interval", "word"),
    [
        ((-0.9, 0.9), EQUAL),
        ((-1.0, 0.5), NOTHING),  # the margin itself is not inside
        ((-0.5, 1.0), NOTHING),
        ((0.2, 0.9), EQUAL),
        ((-0.9, -0.2), EQUAL),
        ((-5.0, 0.0), NOTHING),
        ((0.0, 5.0), NOTHING),
        ((2.0, 3.0), NOTHING),
        (None, NOTHING),
    ],
)
def test_equivalence_takes_an_interval_inside_the_margin(interval, word):
    a, b = [20.0] * 6, [20.0, 30, 20, 30, 20, 30]  # the smaller mean is 20, the margin 1
    for x, y in ((a, b), (b, a)):
        assert verdict(x, y, 40, 0.5, (-9, 9), equivalence=interval).word == word


def test_a_difference_that_is_shown_but_too_small_to_matter_is_equivalence():
    found = judged([100] * 20, [101] * 20, budget=200)
    assert found.word == EQUAL
    assert found.p < 0.05
    assert judged([100] * 20, [106] * 20, budget=200).word == "A faster"


@pytest.mark.parametrize("arrivals", range(7))
def test_optimizers_that_rarely_converge_are_not_called_equivalent(arrivals):
    a = [30.0] * 2 * arrivals + [NEVER] * (12 - 2 * arrivals)
    expected = EQUAL if arrivals > 3 else NOTHING
    assert judged(a, a).word == expected
    for x, y in ((a, [30.0] * 12), ([30.0] * 12, a)):
        assert verdict(x, y, 40, 1.0, (0, 0)).word == expected
    assert verdict([41.0 if t > 40 else t for t in a], a, 40, 1.0, (0, 0)).word == expected


@pytest.mark.parametrize("n", range(1, 6))
def test_below_six_seeds_there_is_no_verdict_and_the_reason_says_how_many_suffice(n):
    for a, b in ((FAST[:n], SLOW[:n]), (FAST[:n], FAST[:n])):
        found = verdict(a, b, 40, 0.0, (-0.1, 0.1))
        assert found.word == NOTHING
        assert found.declined
        some = "1 seed is" if n == 1 else f"{n} seeds are"
        assert found.reason == f"{some} too few to claim a difference; take 6 or more"


def test_more_pairs_take_more_seeds():
    assert [fewest_seeds(k) for k in (0, 1, 2, 3, 4, 6, 10)] == [6, 6, 7, 7, 8, 8, 9]
    assert fewest_seeds() == 6
    for k in range(1, 20):
        n = fewest_seeds(k)
        assert k * sign_flip([1.0] * n) < 0.05 <= k * sign_flip([1.0] * (n - 1)) or n == 6
    found = judged(FAST, SLOW, comparisons=3)
    assert found.declined
    assert "take 7 or more" in found.reason


@given(PAIRS)
def test_swapping_the_two_swaps_the_verdict_and_nothing_else(pairs):
    a, b = map(list, zip(*pairs, strict=True))
    here, there = judged(a, b), judged(b, a)
    swapped = {"A faster": "B faster", "B faster": "A faster"}
    assert there.word == swapped.get(here.word, here.word)
    assert (there.margin, there.difference) == (here.margin, -here.difference)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 1], [2, 2], 1.0),
        ([2, 2], [1, 1], 0.0),
        ([1, 5, 3, NEVER], [2, 5, 1, NEVER], 0.5),
        ([NEVER], [9], 0.0),
        ([9, 4, 4], [NEVER, 4, 8], 5 / 6),
    ],
)
def test_the_probability_of_being_faster_counts_ties_half(a, b, expected):
    assert faster_probability(a, b) == pytest.approx(expected)
    assert faster_probability(b, a) == pytest.approx(1 - expected)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: verdict([1], [1, 2], 9, 0.5, (0, 1)), ShapeError, "paired by seed: got 1 and 2"),
        (lambda: verdict([], [], 9, 0.5, (0, 1)), ArgumentError, "a must be .*got no times"),
        (lambda: verdict([1], [1], 0, 0.5, (0, 1)), ArgumentError, "budget .*got 0"),
        (
            lambda: verdict([1], [1], 9, 1.5, (0, 1)),
            ArgumentError,
            r"p must be in \[0, 1\], got 1\.5",
        ),
        (
            lambda: verdict([1], [1], 9, math.nan, (0, 1)),
            ArgumentError,
            r"p must be in \[0, 1\], got nan",
        ),
        (
            lambda: verdict([1], [1], 9, 0.5, (1, 0)),
            ArgumentError,
            r"interval .*low <= high, got \(1, 0\)",
        ),
        (
            lambda: verdict([1], [1], 9, 0.5, (math.nan, 0)),
            ArgumentError,
            "interval .*low <= high, got .*nan",
        ),
        (lambda: fewest_seeds(-1), ArgumentError, "comparisons .*got -1"),
        (lambda: faster_probability([1], [1, 2]), ShapeError, "paired by seed: got 1 and 2"),
        (lambda: holm([0.5, 1.5]), ArgumentError, r"a p-value must be in \[0, 1\], got 1\.5"),
        (lambda: holm([math.nan]), ArgumentError, "a p-value .*got nan"),
        (lambda: sign_flip([1.0, math.nan]), ArgumentError, "differences must be finite, got nan"),
        (
            lambda: sign_flip([1.0, math.inf]),
            ArgumentError,
            r"differences must be finite, got inf. .*min\(T, E\)",
        ),
    ],
)
def test_errors_name_the_argument_and_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()
