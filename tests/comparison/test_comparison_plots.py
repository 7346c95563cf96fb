"""Plots: the numbers behind every line, reproducible files, and errors before training."""

import hashlib
import math
import random
import statistics
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from minidl.comparison import (
    Comparison,
    Contestant,
    Goal,
    Plan,
    Run,
    Setting,
    Study,
    tuning_curves,
)
from minidl.comparison.plots.data import quartiles, spaced, stairs
from minidl.comparison.plots.draw import figure
from minidl.comparison.plots.scales import over_means
from minidl.comparison.search import Trial
from minidl.errors import ArgumentError, DataError
from minidl.plots.figures import check_plot, save

BUDGET, ROWS, SUSTAINED, AIM = 12, 100, 2, 0.3
RATES, TUNING, SEEDS = (0.25, 0.5, 1.0, 2.0), (100, 101, 102), (0, 1, 2, 3, 4)
GD = Contestant("gd", "GradientDescent", 32, Setting(0.1))
NAG = Contestant("nag", "NAG", 32, Setting(0.1, 0.9))
LOST = {(0.5, 3): 4, (2.0, 101): 7}  # where NAG diverges: learning rate, seed -> epoch
PLAN = Plan(
    problem="toy",
    network="net",
    twins=False,
    loss="loss",
    rows=ROWS,
    contestants=(GD, NAG),
    tune="lr",
    rates=RATES,
    momenta=(),
    tuning_seeds=TUNING,
    seeds=SEEDS,
    epochs=BUDGET,
    goal=Goal.parse(f"loss:{AIM}"),
    sustained=SUSTAINED,
)


def made_up(plan, contestant, setting, seed):
    """A run whose loss falls faster or slower, with noise; NAG does best at 0.5, gd at 1."""
    best = {"gd": 1.0, "nag": 0.5}.get(contestant.name, 1.0)
    speed = 0.3 / (1 + math.log2(setting.lr / best) ** 2) * (1 + 0.1 * (setting.momentum or 0))
    speed *= (1.2, 1.5, 0.9, 1.0, 0.2)[seed % 5]
    noise = random.Random(repr((contestant.name, setting, seed, plan.problem)))
    loss = np.array([math.exp(-speed * e) * noise.uniform(0.9, 1.1) for e in range(BUDGET + 1)])
    lost = LOST.get((setting.lr, seed)) if contestant.name == "nag" else None
    curves = {"train_loss": loss[:lost], "train_accuracy": np.exp(-loss)[:lost]}
    return Run(contestant.name, setting, seed, curves, lost, 4, plan.rows, 4, 1.0)


@cache
def made(plan=PLAN, runs_of=made_up):
    seeds = (*plan.tuning_seeds, *plan.seeds)
    return Comparison(
        plan,
        [
            runs_of(plan, c, setting, seed)
            for c in plan.contestants
            for setting in plan.settings(c)
            for seed in seeds
        ],
    )


def time_by_hand(run, aim=AIM):
    """The first of two epochs in a row at the target, searched for one by one."""
    curve = run.curves["train_loss"].tolist()
    for e in range(len(curve) - 1):
        if curve[e] <= aim and curve[e + 1] <= aim and run.diverged_at is None:
            return e
    return math.inf


def chosen_runs(comparison, name):
    setting = comparison.chosen[name].setting
    return [r for r in comparison.runs if (r.optimizer, r.setting) == (name, setting)]


def judging(comparison, name):
    return [run for run in chosen_runs(comparison, name) if run.seed in comparison.plan.seeds]


@cache
def drawn(*plans):
    """The figure of these plans, drawn once for all tests, which only read it."""
    return figured(*map(made, plans))


def figured(*comparisons):
    return figure(comparisons, Study(comparisons).profile)


def first(figure):
    """The row of the first comparison; a single one is the figure itself."""
    return (figure.subfigs or [figure])[0]


def plot(study, path):
    save(figure(study.comparisons, study.profile), path)


def panels(plan=PLAN):
    return first(drawn(plan)).axes


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def data(line):
    return [np.asarray(values, dtype=float).tolist() for values in line.get_data()]


def test_the_medians_and_quartiles_are_of_the_runs_that_have_not_diverged():
    comparison = made()
    left = panels(comparison.plan)[0]
    found = lines(left)
    bands = [collection.get_paths()[0].vertices for collection in left.collections]
    for name, band in zip(("gd", "nag"), bands, strict=True):
        curves = [run.curves["train_loss"].tolist() for run in judging(comparison, name)]
        epochs, half = data(found[name])
        assert epochs == list(range(BUDGET + 1))
        for e in range(BUDGET + 1):
            alive = [curve[e] for curve in curves if len(curve) > e]
            low, middle, high = statistics.quantiles(alive, n=4, method="inclusive")
            assert half[e] == pytest.approx(middle, rel=1e-12)
            edges = band[band[:, 0] == e, 1]
            assert [edges.min(), edges.max()] == pytest.approx([low, high], rel=1e-12)
    assert len(judging(comparison, "nag")[3].curves["train_loss"]) == 4


def test_the_goal_is_dashed_and_the_median_hitting_time_marked_on_it():
    comparison = made()
    left = panels(comparison.plan)[0]
    found = lines(left)
    assert found["goal"].get_ydata() == [AIM, AIM]
    assert found["goal"].is_dashed()
    assert left.get_yscale() == "log"
    for name in ("gd", "nag"):
        times = [time_by_hand(run) for run in judging(comparison, name)]
        assert data(found[f"{name}: median"]) == [[statistics.median(times)], [AIM]]
        assert found[f"{name}: median"].get_marker() not in ("", "None")


def test_an_infinite_median_is_not_marked():
    comparison = made(replace(PLAN, goal=Goal.parse("loss:0.02")))
    times = [time_by_hand(run, 0.02) for run in judging(comparison, "gd")]
    assert statistics.median(times) == math.inf
    assert "gd: median" not in lines(panels(comparison.plan)[0])


def test_the_share_that_converged_is_a_step_function_that_may_end_below_one():
    comparison = made()
    middle = panels(comparison.plan)[1]
    for name in ("gd", "nag"):
        line = lines(middle)[name]
        assert line.get_drawstyle() == "steps-post"
        times = [time_by_hand(run) for run in judging(comparison, name)]
        assert max(times) == math.inf
        corners = [0, *sorted({t for t in times if t < math.inf}), BUDGET]
        shares = [0.0, *(sum(t <= c for t in times) / len(times) for c in corners[1:])]
        assert data(line) == [corners, shares]
        assert shares[-1] < 1
    assert middle.get_ylim() == (-0.03, 1.03)


def mean_by_hand(comparison, name, setting, seeds):
    times = [time_by_hand(comparison.table[name, setting, seed]) for seed in seeds]
    return sum(min(time, BUDGET) for time in times) / len(times)


def test_the_mean_at_each_rate_is_of_the_evaluation_seeds_with_the_chosen_rate_and_the_budget():
    comparison = made()
    right = panels(comparison.plan)[2]
    found = lines(right)
    for name, best, momentum in (("gd", 1.0, None), ("nag", 0.5, 0.9)):
        means = [mean_by_hand(comparison, name, Setting(lr, momentum), SEEDS) for lr in RATES]
        assert data(found[name]) == [list(RATES), pytest.approx(means, rel=1e-12)]
        at = RATES.index(best)
        assert data(found[f"{name}: chosen"]) == [[best], [pytest.approx(means[at])]]
    assert found["budget"].get_ydata() == [BUDGET, BUDGET]
    assert found["budget"].get_linestyle() == ":"
    assert right.xaxis.get_transform().base == 2
    assert right.get_xlabel() == "learning rate (5 seeds)"
    low, high = right.get_ylim()
    assert low < min(map(min, (data(found[name])[1] for name in ("gd", "nag"))))
    assert high > BUDGET


def test_without_all_evaluation_seeds_the_means_are_of_the_tuning_seeds():
    part = without(made(), lambda run: run.seed in TUNING or run.setting.lr != 2.0)
    right = first(figured(part)).axes[2]
    means = [mean_by_hand(part, "gd", Setting(lr), TUNING) for lr in RATES]
    assert data(lines(right)["gd"]) == [list(RATES), pytest.approx(means, rel=1e-12)]
    assert right.get_xlabel() == "learning rate (3 tuning seeds)"


def test_of_tuned_momenta_only_the_chosen_one_is_drawn():
    comparison = made(replace(PLAN, tune="lr,momentum", momenta=(0.5, 0.9)))
    momentum = comparison.chosen["nag"].setting.momentum
    line = lines(panels(comparison.plan)[2])["nag"]
    means = [mean_by_hand(comparison, "nag", Setting(lr, momentum), SEEDS) for lr in RATES]
    assert {run.setting.momentum for run in comparison.runs} == {None, 0.5, 0.9}
    assert data(line) == [list(RATES), pytest.approx(means, rel=1e-12)]


def test_after_a_random_search_the_tuning_curves_are_drawn_with_their_intervals():
    trials = tuple(Trial(2.0**k, (0.0, 0.5, 0.9)[k % 3]) for k in range(-2, 3))
    plan = replace(PLAN, tune="lr,momentum", momenta=(0.0, 0.5, 0.9), trials=trials)
    right, curves = panels(plan)[2], tuning_curves(made(plan))
    found = lines(right)
    bands = [collection.get_paths()[0].vertices for collection in right.collections]
    for (name, curve), band in zip(curves.items(), bands, strict=True):
        assert data(found[name]) == [[1, 2, 3, 4, 5], curve[:, 0].tolist()]
        assert data(found[f"{name}: all"]) == [[5], [pytest.approx(curve[-1, 0])]]
        for b in range(5):
            edges = band[band[:, 0] == b + 1, 1]
            assert [edges.min(), edges.max()] == pytest.approx(curve[b, 1:].tolist())
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["1", "2", "4", "5"]
    assert right.get_xlabel() == "random trials (3 tuning seeds)"
    assert "median; best of all trials" in words(drawn(plan))
    assert "95 % interval" in words(drawn(plan))


def test_different_batch_sizes_are_drawn_over_samples():
    mixed = replace(PLAN, contestants=(GD, replace(NAG, batch_size="full")))
    comparison = made(mixed)
    left, middle, right = panels(comparison.plan)
    runs = judging(comparison, "gd")
    times = [time_by_hand(run) for run in runs]
    assert data(lines(left)["gd"])[0] == [e * ROWS for e in range(BUDGET + 1)]
    assert data(lines(left)["gd: median"])[0] == [statistics.median(times) * ROWS]
    arrived = sorted({t * ROWS for t in times if t < math.inf})
    assert data(lines(middle)["gd"])[0] == [0, *arrived, BUDGET * ROWS]
    assert left.get_xlabel() == middle.get_xlabel() == "training rows seen, 100 per epoch"
    assert right.get_xlabel() == "learning rate (5 seeds)"
    legend = words(drawn(mixed))
    assert "gd: 5 epochs (4 of 5 seeds), rate 1, batch 32" in legend
    assert "rate 0.5, full batch" in legend


def test_a_target_of_accuracy_is_drawn_with_the_accuracy():
    comparison = made(replace(PLAN, goal=Goal.parse("accuracy:0.7")))
    left = panels(comparison.plan)[0]
    curves = [run.curves["train_accuracy"] for run in judging(comparison, "gd")]
    half = [statistics.median(column) for column in zip(*curves, strict=True)]
    assert data(lines(left)["gd"])[1] == pytest.approx(half, rel=1e-12)
    assert left.get_yscale() == "linear"
    assert left.get_title() == "Training accuracy: median, quartiles"


def test_a_loss_of_zero_is_drawn_without_logarithms():
    def falling(plan, c, setting, seed):
        curve = np.maximum(0.0, 1 - 0.2 * np.arange(BUDGET + 1))
        return Run(c.name, setting, seed, {"train_loss": curve}, None, 4, ROWS, 4, 1.0)

    left = first(figured(made(runs_of=falling))).axes[0]
    assert left.get_yscale() == "linear"


def test_every_seed_is_a_thin_line_behind_the_median():
    comparison = made()
    left = panels(comparison.plan)[0]
    for name in ("gd", "nag"):
        thin = [line for line in left.lines if line.get_label() == f"{name}: seed"]
        runs = judging(comparison, name)
        assert [data(line)[1] for line in thin] == [r.curves["train_loss"].tolist() for r in runs]
        median = lines(left)[name]
        for line in thin:
            assert line.get_linewidth() < median.get_linewidth() / 3
            assert line.get_zorder() < median.get_zorder()
            assert min(to_rgb(line.get_color())) > 0.65 > min(to_rgb(median.get_color()))


def falls_to(epochs):
    def falling(plan, c, setting, seed):
        curve = np.where(np.arange(BUDGET + 1) < epochs + seed % 2, 1.0, 0.1)
        return Run(c.name, setting, seed, {"train_loss": curve}, None, 4, ROWS, 4, 1.0)

    return falling


def test_epochs_end_a_quarter_after_the_last_arrival_unless_some_never_arrive():
    left, middle, _ = first(figured(made(runs_of=falls_to(3)))).axes
    for axes in (left, middle):
        assert axes.get_xlim() == (pytest.approx(-0.05), pytest.approx(5.05))
        assert axes.get_xlabel() == "epochs (first 5 of 12)"
    assert data(lines(middle)["gd"])[0] == [0, 3, 4, 5]
    left, middle, _ = panels()
    assert left.get_xlabel() == middle.get_xlabel() == "epochs"
    assert middle.get_xlim()[1] == pytest.approx(1.01 * BUDGET)


def test_bands_are_behind_the_rates_that_the_screen_calls_about_equally_good():
    grid = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.6)
    comparison = made(replace(PLAN, seeds=tuple(range(20)), rates=grid))
    right = panels(comparison.plan)[2]
    found, spans = lines(right), {}
    for name, momentum in (("gd", None), ("nag", 0.9)):
        chosen, seeds = comparison.chosen[name].setting.lr, comparison.plan.seeds
        means = [mean_by_hand(comparison, name, Setting(lr, momentum), seeds) for lr in grid]
        at = means[grid.index(chosen)]
        good = [lr for lr, mean in zip(grid, means, strict=True) if mean <= max(1.25 * at, at + 1)]
        band = found[f"{name}: about equally good"]
        inside = [lr for lr in grid if good[0] <= lr <= good[-1]]
        assert data(band) == [inside, [means[grid.index(lr)] for lr in inside]]
        assert band.get_linewidth() > 2 * found[name].get_linewidth()
        assert band.get_zorder() < found[name].get_zorder()
        spans[name] = f"Rates {good[0]:g} to {good[-1]:g} are about equally good"
    assert spans["gd"] != spans["nag"]
    assert any(span in str(comparison) for span in spans.values())


def test_chaotic_rates_are_crossed_and_no_part_of_a_band():
    comparison = made(replace(PLAN, problem="chaos"))
    wild = {"gd": frozenset([Setting(2.0)]), "nag": frozenset()}
    vars(comparison)["chaotic"] = wild  # as twins that disagree would make it
    whole = figured(comparison)
    found = lines(first(whole).axes[2])
    at = RATES.index(2.0)
    assert data(found["gd: chaotic"]) == [[2.0], [data(found["gd"])[1][at]]]
    assert found["gd: chaotic"].get_marker() == "x"
    assert data(found["nag: chaotic"]) == [[], []]
    assert max(data(found["gd: about equally good"])[0]) < 2.0
    assert "chaotic" in words(whole)
    assert "chaotic" not in words(drawn(PLAN))


@pytest.mark.parametrize(("lowest", "budget"), [(34.0, 40), (2.0, 40), (39.9, 40), (1.5, 2000)])
def test_labels_of_mean_epochs_are_round_and_do_not_overlap(lowest, budget):
    whole = Figure(figsize=(4, 3.2), layout="constrained")
    axes = whole.subplots()
    over_means(axes, lowest, budget)
    whole.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert boxes
    assert all(low.y1 < high.y0 for low, high in pairwise(boxes))
    assert all(len(label.get_text()) <= len(str(budget)) for label in axes.get_yticklabels())


def test_points_of_all_optimizers_have_one_size():
    found = lines(panels()[2])
    assert found["gd: chosen"].get_markersize() == found["nag: chosen"].get_markersize()


def test_untuned_optimizers_are_single_points():
    comparison = made(replace(PLAN, tune="none", rates=()))
    right = panels(comparison.plan)[2]
    assert data(lines(right)["gd: chosen"])[0] == [0.1]
    assert len(data(lines(right)["gd"])[0]) == 1
    assert not [label for label in lines(right) if "equally" in label]


OTHER = replace(PLAN, problem="other")


def study_of_two():
    return Study([made(PLAN), made(OTHER)])


def test_several_problems_have_one_more_row_with_the_profile():
    study = study_of_two()
    parts = drawn(PLAN, OTHER).subfigs
    assert [len(part.axes) for part in parts] == [3, 3, 2]
    left, right = parts[-1].axes
    medians = {
        name: [
            statistics.median(time_by_hand(run) for run in judging(one, name))
            for one in study.comparisons
        ]
        for name in ("gd", "nag")
    }
    for name in ("gd", "nag"):
        ratios = [medians[name][k] / min(medians["gd"][k], medians["nag"][k]) for k in (0, 1)]
        corners = [1, *sorted({r for r in ratios if r <= 4}), 4]
        shares = [0, *(sum(r <= c for r in ratios) / 2 for c in corners[1:])]
        assert data(lines(left)[name]) == [pytest.approx(corners), pytest.approx(shares)]
        hits = sorted(study.profile.hits[name].tolist())
        x, y = data(lines(right)[name])
        corners = [0, *sorted({h for h in hits if h < math.inf}), 1]
        assert x == corners
        assert y == [0, *(sum(h <= c for h in hits) / len(hits) for c in corners[1:])]
        assert y[-1] < 1


def test_one_problem_has_no_profile():
    assert len(drawn(PLAN).axes) == 3


def words(figure):
    return " | ".join(text.get_text() for text in first(figure).legends[0].get_texts())


def test_the_title_is_the_answer_of_the_screen_and_the_legend_has_the_numbers_of_its_rows():
    part, comparison = first(drawn(PLAN)), made()
    sentence = part.get_suptitle().replace("\n", " ").removeprefix("toy: ")
    assert sentence in " ".join(str(comparison).split())
    assert sentence.startswith("gd needs the fewest epochs here, 5 epochs (median, on 4 of 5 seeds")
    legend = words(drawn(PLAN))
    assert "gd: 5 epochs (4 of 5 seeds), rate 1 | median; chosen rate" in legend
    assert "nag: 5 epochs (3 of 5 seeds, 1 diverged), rate 0.5 | about equally good" in legend
    assert "momentum" not in legend
    assert part.legends[0].get_title().get_text() == (
        "100 training rows, net, batch 32; goal: training loss <= 0.3, for 2 epochs in a row"
    )


def crowd(count):
    """A plan of many optimizers with names that are long, or mean something to matplotlib."""
    names = ["_hidden", "$nag$", "momentum^2", *(f"an optimizer of mine, {k}" for k in range(40))]
    return replace(
        PLAN,
        contestants=tuple(replace(NAG, name=name) for name in names[:count]),
        network="Sequential(" + ", ".join(["Dense(100, 100), Tanh()"] * 9) + ")",
        rates=tuple(2.0**k for k in range(-16, 6)),
    )


def test_an_optimizer_looks_the_same_in_every_panel_and_like_no_other():
    looks = {}
    for part in drawn(PLAN, crowd(16), replace(PLAN, contestants=(NAG, GD))).subfigs[:3]:
        for axes in part.axes:
            for name, line in lines(axes).items():
                if ":" not in name and name not in ("goal", "budget"):
                    dashes = str(line._unscaled_dash_pattern)
                    looks.setdefault(name, set()).add((to_hex(line.get_color()), dashes))
    assert len(looks) == 18
    assert all(len(found) == 1 for found in looks.values())
    assert len(set().union(*looks.values())) == 18
    assert looks["gd"] != looks["nag"]
    (gd,), (nag,) = looks["gd"], looks["nag"]
    assert gd[0] != nag[0]
    assert gd[1] != nag[1]


@pytest.mark.unmeasured
@pytest.mark.parametrize("count", [1, 2, 9])
def test_nothing_lies_on_anything_else_or_outside(count):
    mixed = replace(crowd(count), contestants=(GD, *crowd(count).contestants))
    trials = tuple(Trial(2.0**k, 0.5) for k in range(-2, 10))
    search = replace(crowd(count), tune="lr,momentum", momenta=(0.5,), trials=trials)
    grid = replace(mixed, tune="lr,momentum", momenta=(0.5, 0.9))
    for plan in (crowd(count), grid, search):
        whole = figured(made(plan), made(replace(plan, problem="other")))
        whole.get_layout_engine().execute(whole)  # as drawing does, which moves nothing afterwards
        renderer = whole._get_renderer()
        boxes = []
        for part in whole.subfigs:
            boxes += [axes.get_tightbbox(renderer) for axes in part.axes]
            boxes += [part.legends[0].get_window_extent(renderer)]
            boxes += [part._suptitle.get_window_extent(renderer)]
            for axes in part.axes:
                labels = axes.get_xticklabels()
                ticks = [t.get_window_extent(renderer) for t in labels if t.get_text()]
                assert not any(a.overlaps(b) for a, b in combinations(ticks, 2))
                assert axes.bbox.height > 200
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        for box in boxes:
            assert whole.bbox.fully_containsx(box.x0)
            assert whole.bbox.fully_containsx(box.x1)
            assert whole.bbox.fully_containsy(box.y0)
            assert whole.bbox.fully_containsy(box.y1)


def test_names_are_written_as_they_are():
    legend = first(drawn(crowd(3))).legends[0]
    texts = [text for text in legend.get_texts() if "epochs" in text.get_text()]
    names = [" _hidden", "$nag$", "momentum^2"]
    assert sorted(text.get_text().split(":")[0] for text in texts) == names
    assert not any(text.get_parse_math() for text in [*texts, legend.get_title()])


def without(comparison, keep):
    return Comparison(comparison.plan, [run for run in comparison.runs if keep(run)])


def test_an_optimizer_without_runs_is_named_in_the_legend():
    part = without(made(), lambda run: run.seed in TUNING or run.optimizer == "gd")
    whole = figured(part)
    left, middle, right = first(whole).axes
    assert "nag" not in lines(left)
    assert "nag" not in lines(middle)
    assert "nag" in lines(right)
    assert "nag: no run yet, rate 0.5" in words(whole)
    assert first(whole).get_suptitle().startswith("toy: Interrupted after 44 runs: tuning is")


def test_without_a_target_a_comparison_cannot_be_drawn(tmp_path):
    part = without(made(), lambda run: run.seed != 102)
    with pytest.raises(DataError, match="on toy cannot be drawn: it was interrupted before its"):
        plot(Study([made(), part]), tmp_path / "toy.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_study_gives_the_same_bytes(ending, tmp_path, monkeypatch):
    found = set()
    for day, width in ((0, 1.0), (10**9, 5.0)):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(day))  # what matplotlib takes for the date
        with mpl.rc_context({"axes.linewidth": width, "svg.hashsalt": f"{width}"}):
            plot(Study([made()]), tmp_path / f"toy.{ending.upper()}")
        found.add((tmp_path / f"toy.{ending.upper()}").read_bytes())
    (content,) = found
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])
    assert [path.name for path in tmp_path.iterdir()] == [f"toy.{ending.upper()}"]


def test_a_saved_study_gives_the_same_bytes_in_another_process(tmp_path):
    study = study_of_two()
    study.to_json(tmp_path / "toy.json")
    plot(study, tmp_path / "toy.pdf")
    script = (
        "import sys; from minidl.comparison import Study;"
        "from minidl.comparison.plots.draw import figure; from minidl.plots.figures import save;"
        "study = Study.from_json('toy.json');"
        "save(figure(study.comparisons, study.profile), 'again.pdf');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, env=environment, check=True
    )
    hashes = [
        hashlib.sha256((tmp_path / n).read_bytes()).hexdigest() for n in ("toy.pdf", "again.pdf")
    ]
    assert hashes[0] == hashes[1]


def test_the_state_of_matplotlib_is_left_alone(tmp_path):
    with mpl.rc_context({"lines.linewidth": 7.0, "font.size": 5.0}):
        before = dict(mpl.rcParams)
        plot(Study([made()]), tmp_path / "toy.png")
        assert dict(mpl.rcParams) == before


def test_matplotlib_is_imported_when_something_is_drawn_and_not_before():
    script = (
        "import sys, minidl, minidl.comparison, minidl.plots.figures as plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plots.check_plot('a.png')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["a.png", "a.SVG", "a.b.pdf", "a.jpg", "a.eps"])
def test_every_format_of_matplotlib_is_accepted(name, tmp_path):
    check_plot(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("a.doc", ArgumentError, r"cannot draw '.*a.doc': got '.doc', expected a name that"),
        ("a", ArgumentError, r"got no ending, expected .* in .png, .svg, .pdf, [.]"),
        ("a.pgf", ArgumentError, "got '.pgf'"),  # needs LaTeX
        ("missing/a.png", DataError, "there is no folder"),
    ],
)
def test_an_invalid_file_raises_before_training(name, error, message, tmp_path):
    with pytest.raises(error, match=message):
        check_plot(tmp_path / name)
    with pytest.raises(error, match=message):
        plot(Study([made()]), tmp_path / name)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    study = Study([made()])
    for name in [one for one in sys.modules if one.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for call in (
        lambda: check_plot("a.png"),
        lambda: plot(study, "a.png"),
        lambda: figured(made()),
    ):
        with pytest.raises(ArgumentError) as told:
            call()
        assert str(told.value) == (
            "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
        )


def test_a_file_that_cannot_be_written_raises(tmp_path):
    name = "a" * 252 + ".png"
    with pytest.raises(DataError, match=r"cannot write .*aaa.png: File name too long"):
        plot(Study([made()]), tmp_path / name)
    assert not list(tmp_path.iterdir())


# -- data and style ---------------------------------------------------------------------------


def test_quartiles_are_of_the_curves_that_have_not_ended():
    found = quartiles([np.array([4.0, 2.0]), np.array([8.0])])
    assert found.tolist() == [[5, 2], [6, 2], [7, 2]]


def test_stairs_go_from_start_to_end():
    x, y = stairs(np.array([2.0, 5.0, 9.0, np.inf]), 0, 6)
    assert (x.tolist(), y.tolist()) == ([0, 2, 5, 6], [0, 0.25, 0.5, 0.5])


def test_labelled_rates_leave_room():
    assert spaced([0.1, 0.11, 0.25, 0.5, 1.0], 2) == [0.1, 0.25, 0.5, 1.0]
