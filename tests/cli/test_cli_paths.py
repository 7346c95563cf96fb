"""``minidl paths``: the table with theory beside it, the answer in words, files and mistakes."""

import re
import sys

import pytest

from minidl.cli import main
from minidl.paths import descend, measure

OWN = """
from minidl import optim
class Half(optim.Optimizer):
    lr = optim.learning_rate()
    def __init__(self, lr):
        super().__init__(lr=lr)
    def update(self, w, grad):
        w -= self.lr * grad(w) / 2
"""


@pytest.fixture
def shown(capsys):
    """Type these options; return what is printed, of at most 80 columns."""

    def show(*options):
        assert main(["paths", *options]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80
        return out

    return show


def prose(text):
    return " ".join(text.split("\n\n")[-1].split())


def row(text, name, table=0):
    """The cells of the row of a name, and those of the line of theory below it."""
    block = text.split("\n\n")[1 + table].splitlines()
    at = next(i for i, line in enumerate(block) if line.startswith(f"{name} "))
    following = block[at + 1].split() if at + 1 < len(block) else []
    return re.split(r"  +", block[at].strip())[1:], following


def test_the_default_is_the_valley_with_theory_below_each_measurement(shown):
    text = shown()
    assert "valley: (x**2 + 20*y**2)/2" in text
    assert "lr 0.025 = 0.5/L, where L = 20 is the largest curvature; momentum 0.9" in " ".join(
        text.split()
    )
    assert "direction 0,1: curvature 20, lr times curvature 0.5" in text
    assert "direction 1,0: curvature 1, lr times curvature 0.025" in text
    for name, crossings, overshoot, limit in (
        ("gd", "0", "0 %", "0.1"),
        ("momentum", "24", "84 %", "0.19"),
        ("nag", "4", "20 %", "0.06786"),
    ):
        seen, theory = row(text, name, 1)
        assert seen[:2] == [crossings, overshoot]
        number, _ = overshoot.split()
        assert theory[:3] == ["theory", "never" if name == "gd" else crossings, number]
        assert theory[-1] == limit
        assert seen[3] == theory[-2]  # the factor per step


def test_the_answer_is_two_sentences_with_the_figures(shown):
    assert prose(shown()) == (
        "In the steepest direction, momentum crosses the minimum 24 times and overshoots by 84 % of"
        " the start distance; nag 4 times, by 20 %; gd never crosses it. nag stays within 0.1 % of"
        " the start distance after 94 steps; gd and momentum do not within 100."
    )


def test_the_figures_are_those_of_the_run(shown):
    text = shown("--surface", "beale", "--lr", "0.005", "--steps", "50", "--optimizers", "nag")
    found = measure(path := descend("beale", "nag", steps=50, lr=0.005))
    cells, _ = row(text, "nag")
    assert cells[0] == "not in 50"
    assert cells[2:4] == [f"{found.length:.4g}", str(found.uphill)]
    assert cells[4] == ",".join(f"{value:.4g}" for value in path.iterates[-1])
    assert "curvature" not in text
    assert prose(text).startswith(f"The loss rises in {found.uphill} of nag, of 50 steps.")


def test_one_dimension_and_a_typed_formula(shown):
    text = shown("--surface", "x**2/2", "--start", "1", "--lr", "0.1", "--steps", "200")
    assert row(text, "momentum", 1)[0][:3] == ["13", "60 %", "129"]
    assert row(text, "nag", 1)[0][:3] == ["6", "35 %", "63"]
    assert "momentum crosses the minimum 13 times and overshoots by 60 %" in prose(text)
    assert "nag stays within 0.1 % of the start distance after 63 steps; gd after 66" in prose(text)


def test_a_divergence_is_explained_by_the_limit(shown):
    words = prose(shown("--lr", "0.15", "--optimizers", "momentum,nag"))
    assert "nag diverges in step 4, as lr 0.15 is above its limit 0.06786" in words
    assert "momentum crosses the minimum" in words
    assert "nag crosses" not in words
    words = prose(shown("--lr", "9", "--optimizers", "gd"))
    assert words == "gd diverges in step 1, as lr 9 is above its limit 0.1."


def test_a_surface_without_a_minimum_says_so(shown):
    text = shown("--surface", "x + y", "--steps", "5")
    assert "lr 0.1, as the surface is not curved" in text
    assert "No minimum was found." in prose(text)


def test_names_that_imply_a_batch_size_are_the_same_as_gd(shown):
    text = shown("--optimizers", "batch,stochastic,gd")
    assert "a surface has no rows, so batch and stochastic are the same as gd" in text
    assert row(text, "batch")[0] == row(text, "stochastic")[0] == row(text, "gd")[0]
    assert "a surface has no rows" not in shown("--optimizers", "gd,nag")


def test_a_class_in_a_file_has_measurements_but_no_theory(shown, tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    text = shown("--optimizers", f"{tmp_path / 'own.py'}:Half,gd", "--lr", "0.02")
    seen, following = row(text, "Half", 1)
    assert seen[:2] == ["0", "0 %"]
    assert following[0] == "gd"
    alone = shown("--optimizers", f"{tmp_path / 'own.py'}:Half", "--lr", "0.02")
    assert "theory" not in alone
    assert "stable for" not in alone


@pytest.mark.parametrize(
    "start", [["--start", "-3,0.5"], ["--start=-3,0.5"], ["--start", "-3, 0.5"]]
)
def test_a_start_may_begin_with_a_minus(start, shown):
    assert "start      -3,0.5" in shown(*start)
    assert "surface    -x**2" in shown("--surface", "-x**2", "--steps", "3")


def test_pictures_are_written(shown, tmp_path):
    plot, stability = tmp_path / "a.svg", tmp_path / "b.svg"
    text = shown("--plot", str(plot), "--stability", str(stability), "--steps", "20")
    assert text == shown("--steps", "20")
    assert "look-ahead point" in plot.read_text(encoding="utf-8").replace("<!-- ", "")
    assert stability.read_text(encoding="utf-8").startswith("<?xml")


def test_the_map_marks_the_runs_of_each_rule(shown, tmp_path, monkeypatch):
    import minidl.plots

    asked, draw = [], minidl.plots.plot_stability
    monkeypatch.setattr(
        "minidl.plots.plot_stability", lambda at, ax: (asked.append(at), draw(at, ax=ax))[1]
    )
    names = "nag,nag-reformulated,gd"
    shown("--optimizers", names, "--stability", str(tmp_path / "map.png"))
    (at,) = asked
    assert at == {"nag": [(0.5, 0.9), (0.025, 0.9)] * 2, "gd": [(0.5, 0.0), (0.025, 0.0)]}


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (["--surface", "rosenbrok"], 2, "unknown surface 'rosenbrok'|Did you mean 'rosenbrock'?"),
        (["--surface", "x^2"], 2, "got '^' at position 2|Write ** for a power"),
        (["--start", "1"], 2, "--start must be 2 numbers for x and y|got [1.0]"),
        (["--surface", "x**2", "--start", "1,2"], 2, "--start must be a number for x"),
        (["--start", "here"], 2, "--start: must be one or two numbers such as -4,1, got 'here'"),
        (["--surface", "log(x)", "--start", "-1"], 2, "--start must be a point with a loss"),
        (["--lr", "0"], 2, "--lr must be a positive finite number, got 0.0"),
        (["--momentum", "1"], 2, "--momentum must be a number in [0, 1), got 1.0"),
        (["--steps", "0"], 2, "--steps must be an integer from 1 to 10000000, got 0"),
        (["--optimizers", "muon"], 2, "unknown optimizer 'muon'"),
        (["--optimizer", "nag"], 2, "Did you mean '--optimizers'?"),
        (["--epochs", "5"], 2, "Did you mean '--steps'?"),
        (["--x0", "1,1"], 2, "Did you mean '--start'?"),
        (["--function", "x**2"], 2, "Did you mean '--surface'?"),
        (["rosenbrock"], 2, "Did you mean '--surface rosenbrock'?"),
        (["--plot", "a.doc"], 2, "cannot draw 'a.doc': got '.doc'"),
        (["--plot", "nowhere/a.png"], 1, "--plot: cannot write nowhere/a.png"),
        (["--stability", "nowhere/a.png"], 1, "--stability: cannot write nowhere/a.png"),
    ],
)
def test_mistakes_are_answered(typed, code, said, capsys):
    try:
        found = main(["paths", *typed])
    except SystemExit as left:
        found = left.code
    out, err = capsys.readouterr()
    assert (found, out) == (code, "")
    assert all(part in err.splitlines()[-1] for part in said.split("|"))


def test_the_examples_of_help_are_valid_commands(capsys, tmp_path, monkeypatch):
    import shlex

    with pytest.raises(SystemExit):
        main(["paths", "--help"])
    lines = re.findall(r"^  (minidl paths.*?)(?:   .*)?$", capsys.readouterr().out, re.MULTILINE)
    assert len(lines) == 5
    monkeypatch.chdir(tmp_path)
    for line in lines:
        words = shlex.split(line)[1:]
        assert main([*words, *([] if "--steps" in words else ["--steps", "10"])]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["banana.png", "map.png", "x.png"]


def test_without_a_picture_matplotlib_is_not_imported(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown("--steps", "3")
    assert main(["paths", "--plot", "a.png"]) == 2


def test_a_surface_that_is_zero_at_the_start_converges(shown):
    words = prose(shown("--surface", "x**2 - 1.00001"))
    assert "diverges" not in words
    assert "gd stays within 0.1 % of the start distance after 10 steps" in words


def test_the_direction_of_the_sentence_is_named(shown):
    flat = ["--start", "4,0", "--lr", "0.05"]
    assert prose(shown(*flat)).startswith("In the direction of curvature 1, momentum crosses")
    words = prose(shown("--surface", "(x**2-20*y**2)/2", "--lr", "0.001", "--steps", "10"))
    assert words.startswith("In the steepest direction, gd, momentum and nag never cross the stat")


def test_without_a_minimum_none_is_crossed(shown):
    options = ["--surface", "x*y", "--start", "1,0.5", "--lr", "0.1", "--steps", "20"]
    words = prose(shown(*options))
    assert "momentum crosses the stationary point 2 times" in words
    assert "crosses the minimum" not in words
    assert words.endswith("No minimum was found.")


def test_one_step_is_singular(shown):
    assert prose(shown("--steps", "1")).endswith("in 1 step.")
    assert "of 1 step." in prose(shown("--steps", "1", "--surface", "beale"))


@pytest.mark.parametrize("formula", ["x**2", "50*x**2 + y**2/2", "abs(x)"])
def test_a_formula_without_its_option_is_understood(formula, capsys):
    with pytest.raises(SystemExit):
        main(["paths", formula])
    said = f"arguments: {formula}. Did you mean '--surface \"{formula}\"'?\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_large_overshoot_is_a_number_that_people_read(capsys):
    assert main(["paths", "--surface", "100*x**2", "--start", "1", "--lr", "0.05"]) == 0
    text = capsys.readouterr().out
    assert " 72,900 % " in text
    assert "e+" not in text.split("\n\n")[2]


def test_extreme_runs_are_drawn_and_no_figure_stays_open(shown, tmp_path):
    import matplotlib.pyplot as plt

    before, stability, plot = plt.get_fignums(), str(tmp_path / "a.png"), str(tmp_path / "b.png")
    shown("--surface", "1e300*x**2", "--lr", "3", "--stability", stability, "--plot", plot)
    shown("--surface", "log(x)+log(y)", "--lr", "3", "--plot", plot)
    assert plt.get_fignums() == before


def test_adaptive_rules_are_run_without_a_theory_and_with_their_own_momentum(capsys):
    assert main(["paths", "--optimizers", "adam,nag,rmsprop"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "; momentum 0.9 and 0 steps to" in out
    assert out.count("theory") == 2  # of nag, along both directions
