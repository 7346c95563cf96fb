"""Mistakes people make at the keyboard: the message says what to type, the exit code is 1 or 2."""

import re
from pathlib import Path

import pytest
from cli_process import SMALL_RUN, TINY

from minidl.cli import commands, main
from minidl.cli.parser import options_of, parse, parser
from minidl.cli.wording import as_typed
from minidl.comparison.executor import Executor

WRONG, FAILED = 2, 1


def outcome(capsys, arguments):
    """The exit code and the last line of standard error; nothing may be on standard output."""
    try:
        code = main(arguments)
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err.splitlines()[-1]


@pytest.fixture
def never_trained(monkeypatch):
    """No comparison may begin: what is wrong is said before."""
    monkeypatch.setattr(Executor, "run", None)
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)


@pytest.mark.parametrize("command", ["train", "compare"])
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--dataset mons", "unknown data set 'mons', expected one of: moons, circles, "),
        ("--dataset mons", "Did you mean 'moons'?"),
        ("--activation tnah", "Did you mean 'tanh'?"),
        ("--loss bec", "Did you mean 'bce'?"),
        ("--lr 0", "--lr cannot be used: got 0.0, expected a finite number greater than 0"),
        ("--lr -0.1", "--lr cannot be used: got -0.1"),
        ("--lr nan", "--lr cannot be used: got nan"),
        ("--momentum 1", "--momentum cannot be used: got 1.0"),
        ("--epochs -1", "--epochs cannot be used: got -1"),
        ("--epochs 2.5", "argument --epochs: invalid int value: '2.5'"),
        ("--batch-size 0", '--batch-size cannot be used: got 0, expected "full", 1, 32, ...'),
        ("--batch-size ful", "--batch-size: expected a number of rows, or full"),
        ("--hidden 16,x", "--hidden: expected widths such as 16,16, or none: got '16,x'"),
        ("--hidden 16,", "expected widths such as 16,16, or none: got '16,'"),
        ("--hidden 0", "error: --hidden"),
        ("--hidden 0", "cannot be used: got 0, expected an integer >= 1"),
        ("--rows -3", "error: --rows cannot be used: got -3"),
        ("--rows 1", "--rows cannot be used: got 1, expected an integer >= 2"),
        ("--noise -1", "--noise cannot be used: got -1.0"),
        ("--test-size 1", "--test-size cannot be used: got 1.0, expected 0 <= test_size < 1"),
        (
            "--dataset iris --noise 1",
            "--noise is for generated sets: got --noise 1.0 with 'iris'",
        ),
        ("--dataset iris --rows 50", "--rows is for generated sets: got --rows 50 with"),
        (
            "--dataset iris --task regression",
            "--task is for files: got --task regression with 'iris'",
        ),
        (
            "--target-column won",
            "--target-column is for files: got --target-column won with 'moons'",
        ),
        ("--quiett", "unrecognized arguments: --quiett. Did you mean '--quiet'?"),
        ("--batchsize=16", "unrecognized arguments: --batchsize=16. Did you mean '--batch-size'?"),
        ("moons", "unrecognized arguments: moons"),
        ("--lr", "argument --lr: expected one argument"),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_a_wrong_option_is_named_with_what_was_received(command, typed, said, capsys):
    code, message = outcome(capsys, [command, *typed.split()])
    assert code == WRONG
    assert message.startswith(f"minidl {command}: error: ")
    assert said in message


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train --optimizer nga", "unknown optimizer 'nga', expected one of: batch, stochastic, "),
        ("train --optimizer nga", "Did you mean 'nag'?"),
        ("train --optimizer momentun", "Did you mean 'momentum'?"),
        ("train --optimizer nestrov", "Did you mean 'nesterov'?"),
        ("train --optimizer adam", "mini-batch, momentum, nag, nag-reformulated"),
        ("train --initializer glorot", "Did you mean 'glorot_"),
        ("train --optimizer batch --batch-size 16", "use 'mini-batch'"),
        ("train --lr fast", "argument --lr: invalid float value: 'fast'"),
        ("train --batch-size 16,32", "expected a number of rows, or full: got '16,32'"),
        ("train --target-loss nan", "--target-loss cannot be used: got nan, expected a"),
        ("train --target-accuracy 95", "--target-accuracy cannot be used: got 95.0"),
        ("train --target-loss 1 --target-accuracy 1", "not allowed with argument --target-loss"),
        ("train --loss mse --target-accuracy 0.9", "this loss has no accuracy"),
        ("train --dataset sine --target-accuracy 0.9", "this loss has no accuracy"),
        ("train --out a.json", "unrecognized arguments: --out a.json. Did you mean '--json'?"),
        ("train --dropout 1", "error: --dropout cannot be used: got 1.0"),
        ("train --dropout 2 --hidden none", "error: --dropout cannot be used: got 2.0"),
        ("train --l2 -1", "error: --l2 cannot be used: got -1.0, expected a finite number"),
        ("train --seed -1", "--seed cannot be used: got -1"),
        ("train --fail-under-target", "needs --target-loss or --target-accuracy"),
        ("train --csv -", "--csv needs a file; only --json can write to -"),
        ("train --save -", "--save needs a file; only --json can write to -"),
        ("train --optimizr nag", "Did you mean '--optimizer'?"),
        ("trian", "invalid choice: 'trian' (choose from 'train', 'compare', 'list')"),
        ("list optimisers", "invalid choice: 'optimisers'"),
        ("", "the following arguments are required"),
    ],
)
def test_a_wrong_command_gets_the_right_one(typed, said, capsys):
    code, message = outcome(capsys, typed.split())
    assert code == WRONG
    assert said.replace("'", "") in message.replace("'", "")  # Python 3.12 quotes less


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--optimizers nag,nga", "Did you mean 'nag'?"),
        ("--optimizers adam", "expected one of: batch, stochastic, mini-batch, momentum, nag, "),
        (
            "--optimizers nag,nesterov",
            "an optimizer is named twice: got 'nesterov'. 'nesterov' and 'nag' are the same.",
        ),
        ("--optimizers nag,nag", "argument --optimizers: expected each once: got 'nag,nag'"),
        ("--optimizers ,", "--optimizers: expected names such as momentum,nag: got ','"),
        ("--optimizers=", "--optimizers: expected names such as momentum,nag: got ''"),
        ("--problems=", "--problems: expected data sets or files such as moons,circles"),
        ("--problems moons,moons", "--problems: expected each once: got 'moons,moons'"),
        ("--problems moons,circls", "Did you mean 'circles'?"),
        (
            "--dataset moons --problems circles",
            "--dataset and --problems are the same; give one of them",
        ),
        ("--batch-size 16,16", "--batch-size: expected each once: got '16,16'"),
        ("--batch-size -1", "--batch-size cannot be used: got -1"),
        (
            "--optimizers batch,stochastic --batch-size 16",
            "'batch' is gradient descent at batch size full: got batch size 16. For",
        ),
        ("--seeds 0", "--seeds cannot be used: got 0, expected an integer >= 1"),
        ("--seeds -2", "--seeds cannot be used: got -2"),
        (
            "--seeds 3,3",
            "--seeds cannot be used: got 3,3, expected at least one seed, and each once",
        ),
        ("--seeds 1,-2", "--seeds: a seed cannot be used: got -2, expected an integer >= 0"),
        ("--tuning-seeds 1,-2", "a seed of --tuning-seeds cannot be used: got -2"),
        ("--seeds ,", "expected a number of seeds, or a list such as 3,5,8: got ','"),
        ("--seeds 2.5", "a number of seeds, or a list such as 3,5,8: got '2.5'"),
        ("--tuning-seeds 0", "--tuning-seeds cannot be used: got 0, expected an integer"),
        ("--tuning-seeds 3,3", "--tuning-seeds cannot be used: got 3,3"),
        (
            "--seeds 3 --tuning-seeds 2,5",
            "a seed that judges cannot tune as well: got 2, in --tuning-seeds too",
        ),
        ("--epochs 0", "--epochs cannot be used: got 0, expected an integer >= 1"),
        (
            "--epochs 2",
            "received --sustained 3 with --epochs 2. Nothing can hold for longer than the budget:"
            " give more epochs, or --sustained 1.",
        ),
        ("--sustained 0", "--sustained cannot be used: got 0"),
        ("--tune momentum", "--tune cannot be used: got 'momentum', expected \"lr\", "),
        ("--tune=", "--tune cannot be used: got ''"),
        (
            "--lr 0.1 --tune lr",
            "--lr cannot be used: got 0.1. With --tune lr give a list of learning rates",
        ),
        (
            "--lr 0.1,0.2 --tune none",
            "--lr cannot be used: got 0.1,0.2. With --tune none give one learning rate.",
        ),
        (
            "--lr 0,0.1",
            "--lr cannot be used: got 0.0,0.1, expected two or more different learning rates"
            " above 0, such as 0.05,0.1,0.2",
        ),
        ("--lr 0.1,0.1", "--lr cannot be used: got 0.1,0.1"),
        ("--lr 0.1,", "--lr cannot be used: got 0.1, expected two or more"),
        ("--lr fast", "--lr: expected a number, or several such as 0.03,0.1,0.3: got 'fast'"),
        ("--momentum fast", "argument --momentum: expected a number, or several"),
        (
            "--momentum 0.5,0.9",
            "expected one number, 0 <= momentum < 1. To choose among several, --tune lr,momentum.",
        ),
        (
            "--momentum 0.9 --tune lr,momentum",
            "expected several to choose from, such as 0.5,0.9. With one momentum, --tune lr.",
        ),
        ("--momentum 0.9,1 --tune lr,momentum", "--momentum cannot be used: got 1.0"),
        ("--target acc:0.9", "--target cannot be used: got 'acc:0.9', expected gap:0.1, "),
        ("--target 0.1", "expected gap:0.1, loss:0.05, accuracy:0.97 or validation-accuracy:0.95"),
        ("--target gap:2", "--target cannot be used: got 'gap:2', expected a share between"),
        ("--target accuracy:90", "received 'accuracy:90', expected an accuracy above 0, at most 1"),
        ("--target loss:nan", "--target cannot be used: got 'loss:nan'"),
        (
            "--target loss:9",
            "the target is reached before training: got loss:9, where seed 10000 begins with",
        ),
        ("--target accuracy:0.01", "the target is reached before training"),
        (
            "--dataset sine --target accuracy:0.9",
            "this loss has no accuracy: got accuracy:0.9 with MeanSquaredError(). Use",
        ),
        (
            "--test-size 0 --target validation-accuracy:0.9",
            "there are no held-out rows to judge by: got validation-accuracy:0.9 with"
            ' --test-size 0. Hold some out, or use a target such as "accuracy:0.97".',
        ),
        ("--jobs 0", "--jobs cannot be used: got 0, expected 1, 2, ..., -1 for all"),
        ("--jobs x", "argument --jobs: invalid int value: 'x'"),
        ("--profile", "--profile sums up several problems: got one. Name more with"),
        ("--out - --profile", "--out - prints only JSON; leave --profile out, or give a file"),
        ("--plot -", "--plot needs a file; only --out can write to -"),
        ("--sedes 3", "unrecognized arguments: --sedes 3. Did you mean '--seeds'?"),
        ("--json a.json", "unrecognized arguments: --json a.json. Did you mean '--out'?"),
        ("--target-loss 0.1", "Did you mean '--target loss:VALUE'?"),
        ("--target-accuracy=1", "Did you mean '--target accuracy:VALUE'?"),
        ("--optimizer nag", "Did you mean '--optimizers'?"),
        ("--from a.json --seeds 3", "finished comparison, on which --seeds would have no effect"),
        (
            "--from a.json --lr 0.1 --tuning-seeds 2 --quick --out b.json",
            "on which --quick, --tuning-seeds, --lr, --out FILE would have no effect. Leave --from",
        ),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_a_wrong_comparison_is_refused_before_training(typed, said, capsys):
    code, message = outcome(capsys, ["compare", *typed.split()])
    assert code == WRONG
    assert message.startswith("minidl compare: error: ")
    assert said in message
    assert not re.search("tuning_seeds|batch_size|target_column", message)  # nobody typed these


@pytest.mark.usefixtures("never_trained")
def test_an_option_for_nothing_but_training_means_nothing_with_from(capsys):
    """All but those that show, write or judge; a new option must be one or the other."""
    p = parser()
    compare = next(a for a in p._actions if a.dest == "command").choices["compare"]
    shown = {"--from", "--plot", "--profile", "--quiet", "--fail-on-diverge", "--help", "-h"}
    values = {"--dataset": "iris", "--tune": "none", "--loss": "mse", "--activation": "relu",
              "--target": "loss:1", "--task": "x", "--target-column": "y"}  # fmt: skip
    for option in {o for a in compare._actions for o in a.option_strings} - shown:
        if option == "--fail-under-target":
            continue
        flag = [] if option == "--quick" else [values.get(option, "7,8" if "lr" in option else "7")]
        code, message = outcome(capsys, ["compare", "--from", "a.json", option, *flag])
        assert (code, f"{option} " in message) == (WRONG, True), option


def test_when_every_run_diverges_there_is_no_gap(capsys):
    options = ["--dataset", "sine", "--lr", "1000,2000", "--optimizers", "nag", *TINY]
    code, message = outcome(capsys, ["compare", *options])
    assert code == WRONG
    assert "there is no gap to close: no setting brought the loss below that before" in message
    assert message.endswith("Try smaller learning rates, or more epochs.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train --dataset missing.csv", "missing.csv: there is no such file"),
        ("train --dataset wine --loss bce", "the targets do not fit the outputs"),
        ("train --json no/such/out.json", "--json: cannot write no/such/out.json"),
        ("train --csv no/out.csv", "--csv: cannot write no/out.csv: there is no folder "),
        ("train --save no/out.npz", "--save: cannot write no/out.npz: there is no folder "),
        ("train --json .", "--json: cannot write '.', which is a folder"),
        ("train --save .", "--save: cannot write '.', which is a folder"),
        ("train --rows 2", "Give more rows, or --test-size 0 for no test rows."),
        ("compare --dataset missing.csv", "missing.csv: there is no such file"),
        ("compare --problems moons,no.csv", "no.csv: there is no such file"),
        ("compare --rows 2", "Give more rows, or --test-size 0 for no test rows."),
        ("compare --out no/out.json", "--out: cannot write no/out.json: there is no folder "),
        ("compare --out .", "--out: cannot write '.', which is a folder"),
        ("compare --plot no/a.png", "--plot: cannot write no/a.png: there is no folder "),
        ("compare --from no/a.json", "--from: cannot read no/a.json: No such file or directory"),
        ("compare --out no/lr=0.1.json", "cannot write no/lr=0.1.json: there is no folder "),
        ("compare --from lr=0.1.json", "cannot read lr=0.1.json: No such file"),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_work_that_fails_is_told_apart_from_a_wrong_command(
    typed, said, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, message = outcome(capsys, typed.split())
    assert code == FAILED
    assert said in message


@pytest.mark.parametrize("option", ["--json", "--csv", "--save"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_loaded(
    option, capsys, monkeypatch
):
    def load(*_, **__):
        raise AssertionError

    monkeypatch.setattr(commands.datasets, "load", load)
    assert outcome(capsys, ["train", option, "no/such/folder"])[0] == FAILED


def test_a_full_disk_is_an_error_and_not_a_traceback(capsys, monkeypatch, tmp_path):
    def write(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write)
    assert main([*SMALL_RUN, "--json", str(tmp_path / "out.json")]) == FAILED
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ("a,target\n1,0\nx,1\n", [], "line 3, column 'a': text in a column of numbers"),
        ("a,target\n1,0\n,1\n", [], "line 3, column 'a'"),
        ("a,b\n1,0\n2,1\n", ["--target-column", "won"], "there is no column 'won'"),
        ("a,b\n1,0\n2,1\n", ["--target-column", "7"], "there is no column 7"),
        ("a,b\n1,0\n2,1\n", [], "Pass --target-column with a column's name"),
        ("a,target\n", [], "own.csv"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(lines, options, said, capsys, tmp_path):
    file = tmp_path / "own.csv"
    file.write_text(lines, encoding="utf-8")
    code, message = outcome(capsys, ["train", "--dataset", str(file), *options])
    assert code == FAILED
    assert said in message


def test_an_interruption_before_training_is_told_in_a_word(capsys, monkeypatch):
    def load(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.datasets, "load", load)
    assert main(["train"]) == 130
    assert capsys.readouterr() == ("", "minidl: interrupted\n")


def test_an_optimizer_in_a_message_is_left_as_it_is():
    options = options_of(parse(["train"]).parser)
    message = "NAG(lr=0.1, momentum=0.9) has no such thing: got x=5"
    assert as_typed(message, options) == message
    assert as_typed("memory cannot be used: got 0", options).startswith("memory cannot")
