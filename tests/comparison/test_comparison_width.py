"""Every table and sentence fits the terminal, and nothing is broken within a word."""

import re

import pytest
from comparison_runs import comparison

from minidl.comparison.profile import across_text, profile, profile_text
from minidl.comparison.report.screen import LINES, screen
from minidl.comparison.report.tables import report
from minidl.comparison.report.words import text_table, wrapped

FAST, SLOW = [5, 6, 5, 6, 5, 6, 5], [30, 31, 32, 33, 34, 35, 36]
COMPARISONS = {
    "two": {"gd": SLOW, "nag": FAST},
    "four": {"gd": SLOW, "momentum": FAST, "nag-reformulated": FAST, "nag": FAST},
    "failing": {"gd": [None] * 7, "momentum": ["@ 3"] * 7, "nag": [9, 8, None, 9, 7, 6, 9]},
    "long names": {"optimizers.Adam": SLOW, "optimizers.Momentum": FAST},
}
MOMENTA = {"tune": "lr,momentum", "momenta": (0.5, 0.9)}
CASES = [(name, how) for name in COMPARISONS for how in ({}, MOMENTA, {"tune": "none"})]


def words_of(text):
    """Return the different words of a text; bars are of another length where there is less room."""
    return {word for word in text.split() if set(word) != {"#"}}


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize(("name", "how"), CASES)
def test_the_details_fit_and_lose_no_word(name, how, width):
    found = comparison(COMPARISONS[name], **how)
    text = report(found, width)
    assert max(map(len, text.split("\n"))) <= width
    assert words_of(text) == words_of(report(found, 10_000))


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize(("name", "how"), CASES)
def test_the_screen_fits_and_keeps_every_number(name, how, width):
    found = comparison(COMPARISONS[name], **how)
    lines = screen(found, commands=True, width=width).split("\n")
    assert max(map(len, lines)) <= width
    assert len(lines) <= LINES + 3 * (width == 80 and "names" in name)  # tables of two parts
    for row in found.rows:
        assert sum(line.startswith(f"{row.optimizer} ") for line in lines) >= 1
        assert any(f"{row.reached}/{row.seeds}" in line for line in lines)


@pytest.mark.parametrize("width", [80, 100])
def test_a_profile_fits(width):
    some = [comparison(COMPARISONS[name]) for name in ("two", "four")]
    for text in (profile_text(profile(some), width), profile_text(None, width)):
        assert max(map(len, text.split("\n"))) <= width
    text = across_text(some, width)
    assert max(map(len, text.split("\n"))) <= width
    assert words_of(text) == words_of(across_text(some, 10_000))


def test_a_bar_is_shorter_where_there_is_less_room():
    found = comparison(COMPARISONS["four"])
    bars = []
    for width in (100, 60, 50):
        rows = screen(found, width=width).split("\noptimizer")[1].split("\n\n")[0]
        bars.append(max(map(len, re.findall("#+", rows)), default=0))
    assert bars[0] == 14
    assert 0 < bars[1] < 14
    assert bars[2] == 0


def test_a_wide_table_goes_on_below_with_its_first_column():
    lines = [["name", "mean", "95 %", "n"], ["ab", "7.25", "6.5..8.0", "12"]]
    whole = "name  mean      95 %   n\nab    7.25  6.5..8.0  12"
    assert text_table(lines, width=24) == whole
    parts = ["name  mean      95 %\nab    7.25  6.5..8.0", "name   n\nab    12"]
    assert text_table(lines, width=23) == text_table(lines, width=20) == "\n\n".join(parts)
    # an interval stays with its mean, even where both are too wide
    assert text_table(lines, width=19).startswith("name  mean      95 %\n")
    two = text_table(lines, width=14, keys=2)
    assert two.split("\n\n")[1] == "name  mean   n\nab    7.25  12"


def test_long_words_and_hyphens_are_not_broken():
    assert wrapped("a nag-reformulated b", 10) == ["a", "nag-reformulated", "b"]
    assert wrapped("one two three", 8, "  ") == ["one two", "  three"]


def test_each_rate_has_one_line_where_some_optimizers_have_no_momentum():
    """A pair without momentum is at a rate alone, all other pairs at a rate and a momentum."""
    found = comparison({"gd": SLOW, "batch": SLOW, "nag": FAST})
    table = found.details().split("Swap the flag: ")[1].split("\n\n")[0].splitlines()
    assert [line.split() for line in table[1:]] == [
        ["lr", "gd", "batch", "nag"],
        ["0.1", ">50", "(0/7)", ">50", "(0/7)", ">50", "(0/7)"],
        ["0.2", "33", "(7/7)", "33", "(7/7)", "5", "(7/7)"],
        ["0.4", ">50", "(0/7)", ">50", "(0/7)", ">50", "(0/7)"],
    ]


def test_each_rate_and_momentum_has_one_line():
    found = comparison({"gd": SLOW, "batch": SLOW, "nag": FAST}, **MOMENTA)
    table = found.details().split("Swap the flag: ")[1].split("\n\n")[0].splitlines()
    settings = [" ".join(line.split()[:2]) for line in table[2:]]
    assert settings == [f"{lr}, {m}" for lr in (0.1, 0.2, 0.4) for m in (0.5, 0.9)]
    assert all(line.count("(") == 3 for line in table[2:])


def test_rates_of_optimizers_without_momentum_alone_have_a_line_each():
    found = comparison({"gd": SLOW, "batch": FAST})
    table = found.details().split("Swap the flag: ")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table[2:]] == ["0.1", "0.2", "0.4"]
