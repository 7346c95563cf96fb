"""``minidl compare`` is ``minidl.compare``: every option arrives, and the runs are the same."""

import json
import re

import numpy as np
import pytest
from cli_process import SMALL_RACE, TINY

from minidl import datasets
from minidl.cli import main, values
from minidl.comparison import Study, compare
from minidl.optim import TABLE

SMALL = {"optimizers": ["momentum", "nag"], "lr": [0.1, 0.2], "epochs": 4, "seeds": 2,
         "tuning_seeds": 1}  # fmt: skip
POWERS = [2.0**k for k in range(-8, 4)]


def moons(seed):
    return datasets.load("moons", n=60, split_seed=seed)


def without_seconds(value):
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


def plain(comparison):
    return without_seconds(json.loads(json.dumps(comparison.to_dict())))


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ("", {}),
        ("--hidden 5 --activation relu", {"hidden": [5], "activation": "relu"}),
        ("--hidden none --loss hinge", {"hidden": [], "loss": "hinge"}),
        ("--epochs 5 --sustained 2", {"epochs": 5, "sustained": 2}),
        ("--seeds 7,2 --tuning-seeds 4,", {"seeds": [7, 2], "tuning_seeds": [4]}),
        ("--optimizers NAG,gd --momentum 0.5", {"optimizers": ["NAG", "gd"], "momentum": 0.5}),
        ("--batch-size 7", {"batch_size": 7}),
        ("--batch-size FULL", {"batch_size": "full"}),
        ("--lr 0.3", {"lr": 0.3}),
        ("--lr 0.3 --tune none", {"lr": 0.3, "tune": "none"}),
        (
            "--tune lr,momentum --momentum 0.9,0.5",
            {"tune": "lr,momentum", "momentum": [0.9, 0.5]},
        ),
        (
            "--tune lr,momentum --trials 5 --lr 0.05,2",
            {"tune": "lr,momentum", "trials": 5, "lr": [0.05, 2.0]},
        ),
        ("--target loss:0.5", {"target": "loss:0.5"}),
        ("--target accuracy:0.9", {"target": "accuracy:0.9"}),
        ("--target validation-accuracy:0.9", {"target": "validation-accuracy:0.9"}),
        ("--target GAP:0.3", {"target": "gap:0.3"}),
    ],
)
def test_an_option_is_the_argument_of_the_library(options, change, raced):
    (found,) = raced(*options.split())["comparisons"]
    assert without_seconds(found) == plain(compare(moons, **{**SMALL, **change}))


def test_what_is_printed_is_the_comparison_of_the_library(capsys):
    assert main(SMALL_RACE) == 0
    library = str(compare(moons, **SMALL))
    typed = capsys.readouterr()
    assert typed.err == ""
    assert typed.out.startswith(library)
    assert "\nmore: --details" in typed.out.removeprefix(library)


def test_gd_momentum_and_nag_are_compared_and_if_asked_the_batchings(asked):
    assert len(asked()) == 1
    first, second = (one["plan"] for one in asked("--batch-sizes", "full,1,32"))
    assert (first["problem"], first["rows"]) == ("moons", 750)
    assert first["network"].count("Dense(16, 16), Tanh()") == 1
    assert [(c["name"], c["batch_size"], c["own"]) for c in first["contestants"]] == [
        ("gd", 32, [0.1, None]),
        ("momentum", 32, [0.1, 0.9]),
        ("nag", 32, [0.1, 0.9]),
    ]
    assert (first["tune"], first["rates"], first["momenta"]) == ("lr", POWERS, [])
    assert first["seeds"] == list(range(20))
    assert first["tuning_seeds"] == list(range(10_000, 10_010))
    assert (first["epochs"], first["goal"], first["sustained"]) == (200, ["gap", 0.1], 3)
    assert [(c["name"], c["batch_size"]) for c in second["contestants"]] == [
        ("batch", "full"),
        ("stochastic", 1),
        ("gd", 32),
    ]
    assert second["seeds"] == list(range(10))
    assert second["tuning_seeds"] == list(range(10_000, 10_005))
    assert second["rates"] == [4.0**k for k in range(-4, 3)]
    same = {"problem", "network", "loss", "rows", "tune", "epochs", "goal", "sustained"}
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_both_verdicts_and_the_batchings_are_printed(capsys):
    command = ["compare", "--lr", "0.1,0.2", "--batch-sizes", "full,1,32", "--details", *TINY]
    assert main(command) == 0
    printed = capsys.readouterr().out
    heads = ["Tuned against tuned", "Swap the flag: one learning rate", "Swap the flag, pair by"]
    places = [printed.index(head) for head in heads]
    assert places == sorted(places)
    for pair in ("momentum - gd", "nag - gd", "nag - momentum"):
        assert printed.count(f"\n{pair} ") == 2  # on the screen, and in the details
    batchings = printed[printed.rindex("moons: ") :]
    named = re.findall(r"^(batch|stochastic|gd)  ", batchings, re.MULTILINE)
    assert named == 2 * ["batch", "stochastic", "gd"]  # what they need, in a table of two parts
    (costs,) = [line.split() for line in batchings.splitlines() if line.startswith("trials")]
    assert costs[1::3] == ["batch", "stochastic", "gd"]
    assert "needs the fewest samples" in batchings or "None of these reached" in batchings


@pytest.mark.parametrize(
    "options",
    [
        ("--optimizers", "gd,momentum,nag"),
        ("--batch-size", "32"),
        ("--problems", "moons,circles"),
        ("--tune", "lr,momentum"),
    ],
)
def test_who_says_what_to_compare_gets_no_batchings(options, asked):
    plans = [one["plan"] for one in asked(*options)]
    assert len(plans) == 1 + (options[0] == "--problems")
    for plan in plans:
        assert [c["name"] for c in plan["contestants"]] == ["gd", "momentum", "nag"]


def test_quick_is_smaller_and_every_option_still_counts(asked):
    first, second = (one["plan"] for one in asked("--quick", "--batch-sizes", "full,1,32"))
    assert (first["epochs"], second["epochs"]) == (60, 60)
    assert (len(first["seeds"]), len(first["tuning_seeds"])) == (12, 4)
    assert first["rates"] == [2.0**k for k in range(-6, 2)]
    assert (len(second["seeds"]), len(second["tuning_seeds"])) == (6, 2)
    options = ["--quick", "--epochs", "7", "--seeds", "3", "--tuning-seeds", "2", "--lr", "1,2"]
    chosen = asked(*options)[0]["plan"]
    assert (chosen["epochs"], chosen["rates"]) == (7, [1.0, 2.0])
    assert (chosen["seeds"], chosen["tuning_seeds"]) == ([0, 1, 2], [10_000, 10_001])


@pytest.mark.parametrize("quick", [[], ["--quick"], ["--seeds", "32"]])
def test_the_last_look_is_the_number_of_seeds(quick, asked):
    first, second = (
        one["plan"] for one in asked(*quick, "--looks", "8,16,32", "--batch-sizes", "full,32")
    )
    assert (first["looks"], first["seeds"]) == ([8, 16, 32], list(range(32)))
    assert ("looks" in second, second["seeds"]) == (False, list(range(16)))


def test_quick_with_a_random_search_has_twelve_trials_unless_told(asked):
    first, second = (
        one["plan"]
        for one in asked("--quick", "--tune", "lr,momentum", "--batch-sizes", "full,1,32")
    )
    assert (first["epochs"], len(first["trials"]), first["rates"]) == (60, 12, [2.0**-6, 2.0**6])
    assert (second["tune"], second["trials"]) == ("lr", [])
    assert second["rates"] == [4.0**k for k in range(-4, 3)]
    (told,) = asked("--quick", "--tune", "lr,momentum", "--trials", "7")
    assert len(told["plan"]["trials"]) == 7


@pytest.mark.parametrize(
    ("options", "tune", "own"),
    [
        ("--lr 0.3", "none", [0.3, 0.9]),
        ("--quick --lr 0.3", "none", [0.3, 0.9]),
        ("--tune none", "none", [0.1, 0.9]),
        ("--quick --tune none", "none", [0.1, 0.9]),
        ("--tune none --momentum 0.5", "none", [0.1, 0.5]),
        ("--tune LR", "lr", [0.1, 0.9]),
    ],
)
def test_one_learning_rate_is_not_tuned(options, tune, own, asked):
    plan = asked("--optimizers", "nag", *options.split())[0]["plan"]
    assert (plan["tune"], plan["contestants"][0]["own"]) == (tune, own)
    assert (plan["rates"] == []) is (tune == "none")


@pytest.mark.parametrize("typed", ["lr,momentum", "momentum,lr", "LR, Momentum"])
def test_momentum_is_tuned_too_if_that_is_said(typed, asked):
    plan = asked("--optimizers", "nag", "--tune", typed)[0]["plan"]
    assert (plan["tune"], plan["momenta"]) == ("lr,momentum", [0.0, 0.5, 0.9, 0.95, 0.99])
    assert (plan["rates"], len(plan["trials"])) == ([2.0**-6, 2.0**6], 24)


def test_options_for_the_data_make_the_data(monkeypatch, raced):
    read, seeds, really_read = [], set(), values.splits

    def splits(name, **options):
        read.append((name, options))
        split = really_read(name, **options)
        return lambda seed: seeds.add(seed) or split(seed)

    monkeypatch.setattr(values, "splits", splits)
    data = raced("--rows", "48", "--noise", "0.05", "--test-size", "0.5", "--seeds", "3,8")
    ((name, options),) = read  # once for all seeds
    assert (name, options["n"], options["noise"], options["test_size"]) == ("moons", 48, 0.05, 0.5)
    assert seeds >= {3, 8, 10_000}
    assert data["comparisons"][0]["plan"]["rows"] == 24


def test_a_file_of_ones_own_is_compared_on(tmp_path, capsys):
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 7 > 3]}\n" for i in range(60))
    file = tmp_path / "own.csv"
    file.write_text(f"x,y,kind\n{rows}", encoding="utf-8")
    command = [word for word in SMALL_RACE if word not in ("--rows", "60")]
    assert main([*command, "--dataset", str(file), "--target-column", "kind"]) == 0
    assert capsys.readouterr().out.startswith("own.csv, 45 training rows, 2-16-16-1 tanh")


@pytest.mark.parametrize(
    ("word", "told"), [("kind", True), ("loss", True), ("", False), ("0.1", False), (":2", False)]
)
def test_a_column_as_the_target_is_told_the_option_for_columns(capsys, word, told):
    assert main(["compare", "--quick", "--target", word]) == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "--target must be of the form gap:0.1, loss:0.05, accuracy:0.97" in text
    assert ("--target-column names what to predict" in text) is told


@pytest.mark.parametrize(("target", "penalty"), [("kind", ""), ("size", "--l2 0 ")])
def test_the_suggested_training_has_no_penalty_either(tmp_path, capsys, target, penalty):
    """``minidl train`` adds one to a regression on a file, and a comparison has none."""
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 7 > 3]},{i % 7 + i % 3 / 9}\n" for i in range(60))
    file = tmp_path / "own.csv"
    file.write_text(f"x,y,kind,size\n{rows}", encoding="utf-8")
    command = [word for word in SMALL_RACE if word not in ("--rows", "60")]
    assert main([*command, "--dataset", str(file), "--target-column", target]) == 0
    suggested = " ".join(capsys.readouterr().out.replace("\\", "").split())
    assert "next: minidl train" in suggested
    assert f"--lr 0.3 {penalty}--" in re.sub(r"--lr \S+", "--lr 0.3", suggested)


def test_several_problems_and_batch_sizes_are_compared_one_after_the_other(capsys, tmp_path):
    file = tmp_path / "study.json"
    options = ["--problems", "moons,circles", "--batch-size", "full,32", "--profile"]
    command = [*SMALL_RACE, "--lr", "0.5", *options]
    assert main([*command, "--out", str(file)]) == 0
    study = Study.from_json(file)
    plans = [one.plan for one in study.comparisons]
    assert [(p.problem, p.contestants[0].batch_size) for p in plans] == [
        ("moons", "full"),
        ("moons", 32),
        ("circles", "full"),
        ("circles", 32),
    ]
    assert study.command == ["minidl", *command, "--out", str(file)]
    printed = capsys.readouterr().out
    assert printed.endswith(f"\n\n{study.profile_text()}\n")
    for one in study.comparisons:
        assert str(one) in printed
    assert "All 4 problems" in study.profile_text()
    (circles,) = (c for c in study.comparisons if c.plan.problem == "circles"
                  and c.plan.contestants[0].batch_size == "full")  # fmt: skip
    alone = compare(
        lambda seed: datasets.load("circles", n=60, split_seed=seed),
        **{**SMALL, "lr": 0.5, "batch_size": "full"},
    )
    assert plain(circles) == plain(alone)


def test_two_processes_find_what_one_does(raced):
    one, two = (raced("--jobs", jobs)["comparisons"] for jobs in "12")
    assert without_seconds(one) == without_seconds(two)


@pytest.mark.parametrize("typed", ["gd", "mini-batch", "gradient-descent", "sgd", "nag"])
def test_an_optimizer_has_one_name_in_all_output(typed, capsys):
    """That of its row, which is the one that was typed; only NAG is written in capitals."""
    assert main([*SMALL_RACE, "--optimizers", f"{typed},heavy-ball", "--details"]) == 0
    printed = capsys.readouterr().out
    others = {name for entry in TABLE for name in (entry.name, *entry.aliases)}
    others -= {typed, "heavy-ball", "batch", "momentum"}  # the last two are titles of columns
    words = set(re.findall(r"[\w-]+", printed.replace("NAG", "nag")))
    assert {typed, "heavy-ball"} <= words
    assert not words & others
    assert "gradient descent" not in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--momentum", "0"], "Beware: NAG has momentum 0: it is plain gradient descent then."),
        (["--batch-size", "5000"], "Beware: a batch of 5000 is larger than the 44 training rows"),
        (["--batch-size", "full"], "Beware: the full batch is not shuffled"),
        (["--optimizers", "gd,batch"], "across batch sizes compare updates, samples and seconds"),
        (["--target", "loss:0.01"], "Use more epochs or another target."),
    ],
)
def test_a_trap_is_told(options, said, capsys):
    assert main([*SMALL_RACE, *options]) == 0
    assert said in capsys.readouterr().out


DIVERGING = ["--dataset", "sine", "--lr", "5", "--target", "loss:0.1"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([*DIVERGING, "--fail-on-diverge"], 3),
        (["--fail-on-diverge"], 0),
        (DIVERGING, 0),
        (["--fail-under-target", "--target", "loss:0.01"], 4),
        (["--fail-under-target", "--target", "loss:0.5"], 0),
        (["--target", "loss:0.01"], 0),
        ([*DIVERGING, "--fail-on-diverge", "--fail-under-target"], 3),
        ([*DIVERGING, "--fail-under-target"], 4),
    ],
)
def test_the_exit_code_says_what_was_asked_for(options, code, raced):
    raced(*options, code=code)


def test_a_divergence_in_the_first_epoch_costs_no_updates_and_is_told(capsys):
    assert main([*SMALL_RACE, *DIVERGING]) == 0
    out, err = capsys.readouterr()
    line = next(line for line in out.splitlines() if re.match(r"nag ", line))
    assert "diverged @ 1" in line
    assert not re.search(r"\bnan\b", out)
    assert err == ""


def test_the_numbers_are_those_of_the_trainer(raced):
    (found,) = raced("--lr", "0.1")["comparisons"]
    for run in found["runs"]:
        losses = run["curves"]["train_loss"]
        assert len(losses) == 5
        assert np.isfinite(losses).all()
        assert run["updates"] == 2
