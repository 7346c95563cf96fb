"""The result of ``minidl train``: a table of epochs, a look at guessing, and what to do next."""

import re
import shlex

import numpy as np
import pytest
from cli_process import ESCAPE, SMALL_RUN, Terminal
from sklearn.metrics import r2_score

import minidl
from minidl import Trainer, datasets, nn
from minidl.cli import main
from minidl.cli.epochs import table, wrapped
from minidl.cli.next_step import command_text, next_command
from minidl.cli.options import parse
from minidl.cli.outcome import Outcome, still_falls
from minidl.training import History
from minidl.training.epochs import between

MOONS = ["train", "--lr", "0.03", "--quiet"]
EARLY = [*MOONS, "--early-stopping"]


@pytest.fixture
def printed(capsys):
    """Train with these words; return what is printed."""

    def train(*words, code=0):
        assert main(list(words)) == code
        return capsys.readouterr().out

    return train


def rows_of(text):
    """Return the rows of the table, with an empty mark for epochs between."""
    lines = text.split("\n\n")[1].splitlines()
    at = lines[0].index("epoch")
    return [[line[:at].strip(), *line[at:].split()] for line in lines[1:]]


def history(train, validation=None, **columns):
    """A history with these losses after each epoch."""
    made = {"epoch": range(len(train)), "train_loss": train}
    if validation is not None:
        made["validation_loss"] = validation
    made = History.from_columns(made | columns)
    made.stopped_by = "epochs"
    return made


def outcome(train, validation=None, *words, dataset="moons", hit=None):
    """The outcome of a made-up run, of a network that was not trained."""
    data, options = datasets.load(dataset, n=40, seed=0), parse(["train", *words])
    loss = "bce" if dataset == "moons" else "mse"
    trainer = Trainer(nn.mlp(data.n_features, 1, seed=0), loss, "nag", lr=options.lr or 0.1, seed=0)
    trainer.history = history(train, validation)
    return Outcome(trainer, data, options, hit)


def shown(*losses):
    """Return the rows of the table of a made-up run."""
    made = outcome(*losses)
    return rows_of(f"\n\n{table(made.history, made.best)}\n\n")


# -- the table --------------------------------------------------------------------------------


def test_about_eight_epochs_are_shown_the_best_beside_the_last(printed, tmp_path):
    text = printed(*MOONS, "--csv", str(tmp_path / "run.csv"))
    rows, made = rows_of(text), History.from_csv(tmp_path / "run.csv")
    assert [row[0] for row in rows] == [""] * 7 + ["best", "last"]
    assert [int(row[1]) for row in rows[:7]] == [0, 2, 4, 7, 10, 30, 50]
    assert int(rows[-2][1]) == made.best("validation_loss")[0]
    assert int(rows[-1][1]) == 100
    names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    for row in rows:
        expected = [f"{made[name][int(row[1])]:.4f}" for name in names]
        assert row[2:] == expected


@pytest.mark.parametrize("last", [0, 1, 5, 7, 8, 10, 16, 25, 60, 99, 400, 10_000, 10**7])
def test_epochs_between_are_round_and_closer_at_the_start(last):
    found = between(last)
    assert found[:1] == [0][: last > 0]
    assert all(0 <= epoch < last for epoch in found)
    assert len(found) == (last if last <= 7 else len(found)) <= 7
    assert last <= 7 or len(found) >= 6
    assert all(str(epoch).rstrip("0") in [*"123456789", ""] for epoch in found)
    steps = np.diff(found)
    assert (steps > 0).all()
    assert last <= 7 or steps[-1] == steps.max()


@pytest.mark.parametrize(
    ("validation", "marks", "epochs"),
    [
        ([3.0, 2.0, 1.0, 2.0, 3.0], ["", "", "", "best", "last"], [0, 1, 3, 2, 4]),
        ([3.0, 2.5, 2.0, 1.5, 1.0], ["", "", "", "", "last, best"], [0, 1, 2, 3, 4]),
        ([1.0, 2.0, 2.0, 2.0, 2.0], ["best", "", "", "", "last"], [0, 1, 2, 3, 4]),
    ],
)
def test_the_best_epoch_is_that_of_the_validation_loss(validation, marks, epochs):
    rows = shown([5.0, 4.0, 3.0, 2.0, 1.0], validation)
    assert ([row[0] for row in rows], [int(row[1]) for row in rows]) == (marks, epochs)


def test_without_validation_rows_it_is_that_of_the_training_loss(printed):
    assert shown([5.0, 1.0, 3.0]) == [
        ["", "0", "5.0000"], ["best", "1", "1.0000"], ["last", "2", "3.0000"]
    ]  # fmt: skip
    text = printed(*SMALL_RUN, "--test-size", "0")
    assert "validation" not in text
    assert "training accuracy 0." in text


def test_large_and_small_losses_keep_their_digits():
    rows = shown([1.25e7, 2.5e-6, 0.0])
    assert [row[2] for row in rows] == ["1.25e+07", "2.5e-06", "0.0000"]


@pytest.mark.parametrize(
    "words",
    [
        MOONS, EARLY, [*MOONS, "--dataset", "digits", "--epochs", "12"],
        [*MOONS, "--dataset", "diabetes", "--hidden", "32,32,32"],
        [*MOONS, "--lr", "9", "--dataset", "sine", "--target-loss", "0.01"],
    ],
)  # fmt: skip
def test_the_result_has_at_most_25_lines_of_80_characters(words, printed):
    lines = printed(*words).splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    assert not any(re.search(r"Dense\(\d+,$", line) for line in lines)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_terminals_and_pipes_get_the_same_text(columns, printed):
    words = [*SMALL_RUN, "--epochs", "30"]
    with Terminal(columns) as terminal:
        assert terminal.run(*words) == 0
    shown, piped = (re.sub(r"in \d.*? s", "in ? s", t) for t in (terminal.text, printed(*words)))
    assert ESCAPE.sub("", shown).replace("\r", "") == piped


# -- what it shows ----------------------------------------------------------------------------

FALLING = [1 / (1 + k) for k in range(21)]
NOISY = [1.0] + [0.05 - 0.01 * (k % 2) for k in range(17)] + [0.042, 0.038, 0.05]
RISING = [0.5 - 0.04 * k for k in range(6)] + [0.3 + 0.01 * k for k in range(15)]


@pytest.mark.parametrize(
    ("train", "validation", "kind", "command"),
    [
        (FALLING, FALLING, "improving", "minidl train --epochs 200"),
        (FALLING, None, "improving", "minidl train --epochs 200"),
        ([*FALLING[:-1], 0.051], None, "improving", "minidl train --epochs 200"),  # best before
        (FALLING, NOISY, "unsteady", "minidl train --lr 0.03"),  # lowest near the end, by chance
        (NOISY[:-2], NOISY[:-2], "settled", "minidl compare --quick"),
        (FALLING, [1.0] + [0.5] * 20, "settled", "minidl compare --quick"),
        ([1.0] + [0.5] * 20, FALLING, "settled", "minidl compare --quick"),
        ([0.7, 0.6], None, "improving", "minidl train --epochs 200"),
        (FALLING, RISING, "overfitting", "minidl train --early-stopping"),
        (RISING, RISING, "unsteady", "minidl train --lr 0.03"),
        (RISING, None, "unsteady", "minidl train --lr 0.03"),
        ([1.0] + [0.5] * 20, [1.0] + [0.5] * 20, "settled", "minidl compare --quick"),
        ([0.7] * 3, [0.6, 0.5, 0.55], "unsteady", "minidl train --lr 0.03"),
    ],
)
def test_the_curves_decide_what_to_do_next(train, validation, kind, command):
    made = outcome(train, validation)
    assert made.kind == kind
    assert " ".join(next_command(made)) == command


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([3.0], False),
        ([3.0, 2.0], True),
        ([2.0, 3.0], False),
        ([4.0, 3.0, 2.0, 1.0], True),
        ([1.0, 0.5, 0.5, 0.5], False),
        ([0.0] * 50, False),
        (1 + 0.995 ** np.arange(1000.0), False),  # by less than 2 %
        (1 + np.exp(-np.arange(50) / 25), True),
        ([1.0] * 40 + [1.3, 0.9, 1.1, 0.8, 1.2, 1.0, 0.7, 1.2, 0.9, 1.0], False),  # by chance
    ],
)
def test_a_loss_still_falls_if_its_mean_does_by_more_than_it_scatters(losses, expected):
    assert still_falls(np.array(losses)) is expected


@pytest.mark.parametrize("name", ["circles", "sine", "diabetes", "iris", "breast_cancer"])
def test_the_words_about_the_end_fit_the_curves(name, printed, tmp_path):
    text = printed("train", "--dataset", name, "--quiet", "--csv", str(tmp_path / "run.csv"))
    losses = History.from_csv(tmp_path / "run.csv")["validation_loss"]
    smooth = losses[-1] == losses.min() and (np.diff(losses[-20:]) < 0).all()
    assert ("the loss was still falling at the end" in text) == smooth == (name == "breast_cancer")
    assert ("--epochs 200" in text) == smooth


def test_overfitting_is_told_with_its_epoch():
    (sentence,) = outcome(FALLING, RISING).sentences()
    words = "overfitting: the validation loss was lowest in epoch 5, 0.3000, and ended at 0.4400"
    assert sentence == words
    (sentence,) = outcome(RISING).sentences()
    assert sentence == "the training loss was lowest in epoch 5, 0.3000, and ended at 0.4400"
    assert list(outcome(FALLING).sentences()) == ["the loss was still falling at the end"]
    assert list(outcome([1.0] + [0.5] * 20).sentences()) == []


def test_overfitting_is_found_on_real_curves(printed):
    text = printed("train", "--dataset", "diabetes", "--lr", "0.1", "--quiet")
    assert "\noverfitting: the validation loss was lowest in epoch " in text
    *_, command = text.splitlines()
    assert command == "next: minidl train --dataset diabetes --lr 0.1 --quiet --early-stopping"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("--optimizer gd", "compare --quick"),
        ("--optimizer nesterov --hidden 5 --seed 3 --l2 0.1", "compare --quick --hidden 5"),
        ("--optimizer nag-reformulated", "compare --quick --optimizers nag-reformulated,momentum"),
        ("--optimizer batch --batch-size full", "compare --quick"),
        ("--dataset=circles --rows 50", "compare --quick --dataset circles --rows 50"),
        ("--save a.npz --json b.json --report c.html --fail-on-diverge --lr 1", "compare --quick"),
        ("--plot a.png --csv b.csv --rows 50", "compare --quick --rows 50"),
        ("--target-loss 0.5", "compare --quick --target loss:0.5"),
        ("--target-accuracy 0.9 --quiet", "compare --quick --target accuracy:0.9"),
    ],
)
def test_a_comparison_is_of_the_same_problem(words, command):
    settled = [1.0] + [0.5] * 20
    made = outcome(settled, settled, *words.split(), hit=1 if "target" in words else None)
    assert next_command(made) == ["minidl", *command.split()]
    parse(command.split())


def test_a_target_that_was_reached_leads_to_who_reaches_it_first(printed):
    text = printed(*MOONS, "--target-loss", "0.2")
    assert re.search(r"\ntarget training loss 0.2 reached in epoch \d+\n", text)
    assert text.endswith("\nnext: minidl compare --quick --target loss:0.2\n")


@pytest.mark.parametrize(
    ("typed", "rate"),
    [("--lr 10", "--lr 1"), ("--lr=10", "--lr 1"), ("--lr 30", "--lr 3"), ("", "--lr 0.01")],
)
def test_a_run_that_got_worse_is_repeated_at_a_tenth_of_the_rate(typed, rate):
    made = outcome([1.0, 3.0], [1.0, 3.0], *typed.split())
    made.history.advise_if_worse(repr(made.trainer.optimizer))
    assert " ".join(next_command(made)) == f"minidl train {rate}"
    sentence, *numbers = made.sentences()
    assert sentence.startswith("nag has made the training loss worse: 3 after epoch 1, from 1 at")
    assert len(numbers) == bool(typed)  # the default rate is stable at these weights
    assert all("lr times sharpness is" in number for number in numbers)


def test_the_next_command_is_valid_and_helps(printed, capsys):
    text = printed("train", "--lr", "10", "--epochs", "3", "--quiet")
    (command,) = re.findall(r"next: minidl (.*)", text)
    assert command == "train --lr 1 --epochs 3 --quiet"
    again = printed(*command.split())
    assert float(rows_of(again)[-1][2]) < float(rows_of(text)[-1][2])


def test_a_command_can_be_pasted_from_several_lines():
    words = ["minidl", "train", "--dataset", "my data.csv", *["--target-column", "price"] * 4]
    text = command_text(words)
    assert len(text.splitlines()) > 1
    assert all(len(line) <= 80 for line in text.splitlines())
    joined = text.removeprefix("next: ").replace("\\\n", " ")
    assert shlex.split(joined) == words


def test_lines_do_not_end_within_a_layer_or_a_count():
    text = "Sequential(Dense(2, 16), " + "Tanh(), Dense(16, 16), " * 5 + "Tanh(), Dense(16, 1))"
    for k in range(20):
        lines = wrapped("x" * k + " " + text + " a: 1", 4).splitlines()
        assert all(len(line) <= 80 for line in lines)
        assert not any(re.search(r"(\d,|:)$", line) for line in lines)
        assert all(line.startswith("    ") for line in lines[1:])


# -- guessing ---------------------------------------------------------------------------------


def test_the_accuracy_stands_beside_that_of_the_largest_class(printed):
    text = printed(*MOONS)
    accuracy = float(rows_of(text)[-1][-1])
    words = f"validation accuracy {accuracy:.3f}; always guessing the largest class gives 0.500"
    assert f"\n{words}\n" in text


def test_a_model_that_is_no_better_than_guessing_is_told():
    made = outcome([0.7, 0.7], [0.7, 0.7])
    made.trainer.model.parameters.value[...] = 0.0  # every logit is 0: class 0
    words, better = made.against_guessing
    assert words == "validation accuracy 0.500: no better than always guessing the largest class,"\
        " 0.500"  # fmt: skip
    assert not better
    assert next_command(made)[:3] == ["minidl", "compare", "--quick"]


def test_the_error_of_a_regression_is_in_units_of_the_target():
    made = outcome([0.7, 0.7], [0.7, 0.7], dataset="linear")
    data, model = made.data, made.trainer.model
    errors = data.inverse_y(model.predict(data.X_test)[:, 0]) - data.inverse_y(data.y_test)
    mean = data.inverse_y(data.y_train).mean()
    guess = np.sqrt(np.mean((data.inverse_y(data.y_test) - mean) ** 2))
    rmse = np.sqrt(np.mean(errors**2))
    words, better = made.against_guessing
    assert f"validation RMSE {rmse:.4g} in the target's units" in words
    assert f"{guess:.4g}" in words
    share = r2_score(data.y_test, model.predict(data.X_test)[:, 0])
    assert f"(R^2 {share:.2f})" in words
    assert better is bool(rmse < guess)
    model.parameters.value[...] = 0.0  # predicts the mean
    del made.against_guessing
    words, better = made.against_guessing
    assert not better
    share = r2_score(data.y_test, np.zeros(len(data.y_test)))
    assert share < -0.01  # the mean of the training rows is not that of these rows
    assert f"(R^2 {share:.2f}): no better than always guessing the training mean, " in words


def test_a_regression_that_learns_is_better_than_its_mean(printed):
    text = printed("train", "--dataset", "linear", "--lr", "0.01", "--epochs", "20", "--quiet")
    words = r"RMSE (\S+) in .*? \(R\^2 (\S+)\); always guessing the training mean gives (\S+)"
    found = re.search(words, " ".join(text.split()))
    rmse, share, guess = map(float, found.groups())
    assert rmse < 0.5 * guess
    assert share == pytest.approx(1 - (rmse / guess) ** 2, abs=0.01)


# -- early stopping ---------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_weights_and_says_so(printed, tmp_path):
    file = tmp_path / "model.npz"
    text = printed(*EARLY, "5", "--save", str(file))
    rows = rows_of(text)
    best, last = (int(row[1]) for row in rows[-2:])
    assert last == best + 5
    assert "\nstopped early: no lower validation loss for 5 epochs\n" in text
    assert f"\nthe model has the weights of epoch {best}, the best\n" in text
    assert f"has the weights of epoch {best}, the best" in " ".join(text.splitlines()[-2:])
    data = datasets.load("moons", seed=0)
    found = Trainer(minidl.load_model(file), "bce", "nag", lr=0.1).evaluate(
        data.X_test, data.y_test
    )
    assert f"{found['loss']:.4f}" == rows[-2][4]
    assert f"validation accuracy {found['accuracy']:.3f}; always" in text


def test_the_default_patience_is_that_of_early_stopping(trained):
    options = ["--epochs", "400", "--lr", "0.3"]
    record = trained("--early-stopping", *options)
    assert record["settings"]["early_stopping"] == 10
    assert record["history"]["stopped_by"] == "early stopping"
    losses = record["history"]["columns"]["validation_loss"]
    assert len(losses) - 1 == int(np.argmin(losses)) + 10
    assert (
        trained("--early-stopping=10", *options)["history"]["columns"]["validation_loss"] == losses
    )
    assert len(trained(*options)["history"]["columns"]["epoch"]) == 401


def test_after_early_stopping_the_model_can_be_saved(printed):
    text = printed(*EARLY)
    assert text.endswith(
        "\nnext: minidl train --lr 0.03 --quiet --early-stopping --save model.npz\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "--test-size 0",
            "--early-stopping needs validation rows, got none. Leave --test-size out",
        ),
        ("--early-stopping 0", "--early-stopping must be an integer >= 1, got 0"),
        ("--early-stopping soon", "--early-stopping: must be an integer, got 'soon'"),
    ],
)
def test_a_wrong_patience_or_no_rows_is_an_error(words, said, capsys):
    try:
        code = main(["train", "--early-stopping", *words.split()])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert said in capsys.readouterr().err
