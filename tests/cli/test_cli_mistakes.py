"""Mistakes people make at the keyboard: the message says what to type, the exit code is 1 or 2."""

from pathlib import Path

import pytest
from cli_process import SMALL_RUN

from minidl.cli import commands, main

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


@pytest.mark.parametrize("command", ["train", "compare"])
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--dataset mons", "unknown data set 'mons'; expected one of: moons, circles, "),
        ("--dataset mons", "Did you mean 'moons'?"),
        ("--activation tnah", "Did you mean 'tanh'?"),
        ("--loss bec", "Did you mean 'bce'?"),
        ("--lr 0", "lr cannot be used; received 0.0; expected a finite number greater than 0"),
        ("--lr -0.1", "lr cannot be used; received -0.1"),
        ("--lr nan", "lr cannot be used; received nan"),
        ("--lr fast", "argument --lr: invalid float value: 'fast'"),
        ("--momentum 1", "momentum cannot be used; received 1.0"),
        ("--epochs -1", "epochs cannot be used; received -1"),
        ("--epochs 2.5", "argument --epochs: invalid int value: '2.5'"),
        ("--batch-size 0", "batch_size cannot be used; received 0"),
        ("--batch-size ful", "--batch-size: expected a number of rows, or full; received 'ful'"),
        ("--batch-size 16,32", "expected a number of rows, or full; received '16,32'"),
        ("--hidden 16,x", "--hidden: expected widths such as 16,16, or none; received '16,x'"),
        ("--hidden 16,", "expected widths such as 16,16, or none; received '16,'"),
        ("--hidden 0", "received 0; expected an integer >= 1"),
        ("--rows 1", "n cannot be used; received 1; expected an integer >= 2"),
        ("--noise -1", "noise cannot be used; received -1.0"),
        ("--test-size 1", "test_size cannot be used; received 1.0; expected 0 <= test_size < 1"),
        ("--dataset iris --noise 1", "noise is for generated sets; received noise=1.0 with 'iris'"),
        ("--dataset iris --task regression", "task is for files"),
        ("--target-loss nan", "loss cannot be used; received nan; expected a finite number"),
        ("--target-accuracy 95", "accuracy cannot be used; received 95.0; expected 0 to 1"),
        ("--target-loss 1 --target-accuracy 1", "not allowed with argument --target-loss"),
        ("--loss mse --target-accuracy 0.9", "this loss has no accuracy"),
        ("--dataset sine --target-accuracy 0.9", "this loss has no accuracy"),
        ("--quiett", "unrecognized arguments: --quiett. Did you mean '--quiet'?"),
        ("--batchsize=16", "unrecognized arguments: --batchsize=16. Did you mean '--batch-size'?"),
        ("moons", "unrecognized arguments: moons"),
        ("--lr", "argument --lr: expected one argument"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_received(command, typed, said, capsys):
    code, message = outcome(capsys, [command, *typed.split()])
    assert code == WRONG
    assert message.startswith(f"minidl {command}: error: ")
    assert said in message


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train --optimizer nga", "unknown optimizer 'nga'; expected one of: batch, stochastic, "),
        ("train --optimizer nga", "Did you mean 'nag'?"),
        ("train --optimizer momentun", "Did you mean 'momentum'?"),
        ("train --optimizer nestrov", "Did you mean 'nesterov'?"),
        ("train --optimizer adam", "mini-batch, momentum, nag, nag-reformulated"),
        ("train --initializer glorot", "Did you mean 'glorot_"),
        ("train --optimizer batch --batch-size 16", "use 'mini-batch'"),
        ("train --dropout 1", "received 1.0"),
        ("train --l2 -1", "received -1.0; expected a finite number >= 0"),
        ("train --seed -1", "seed cannot be used; received -1"),
        ("train --fail-under-target", "needs --target-loss or --target-accuracy"),
        ("train --csv -", "--csv needs a file; only --json can write to -"),
        ("train --save -", "--save needs a file; only --json can write to -"),
        ("train --optimizr nag", "Did you mean '--optimizer'?"),
        ("compare --optimizers nag,nga", "Did you mean 'nag'?"),
        ("compare --optimizers nag,nesterov", "an optimizer is named twice; received 'nesterov'"),
        ("compare --optimizers ,", "Name at least one optimizer."),
        ("compare --seeds 0", "seeds cannot be used; received 0; expected an integer >= 1"),
        ("compare --seeds -2", "seeds cannot be used; received -2"),
        ("compare --seeds 1,1", "received [1, 1]; expected at least one seed, and each once"),
        ("compare --seeds 1,-2", "a seed cannot be used; received -2"),
        ("compare --seeds ,", "expected a number of seeds, or a list such as 3,5,8; received ','"),
        ("compare --seeds 2.5", "a number of seeds, or a list such as 3,5,8; received '2.5'"),
        ("compare --epochs 0", "epochs cannot be used; received 0; expected an integer >= 1"),
        ("compare --sustained 0", "sustained cannot be used; received 0"),
        ("compare --target-loss 9 --seeds 1 --epochs 1", "the target is reached before training"),
        ("compare --sedes 3", "unrecognized arguments: --sedes 3. Did you mean '--seeds'?"),
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
        ("train --dataset missing.csv", "missing.csv: there is no such file"),
        ("train --dataset wine --loss bce", "the targets do not fit the outputs"),
        ("train --json no/such/out.json", "--json: cannot write no/such/out.json"),
        ("train --csv no/out.csv", "--csv: cannot write no/out.csv: there is no folder "),
        ("train --save no/out.npz", "--save: cannot write no/out.npz: there is no folder "),
        ("train --json .", "--json: cannot write '.', which is a folder"),
        ("train --save .", "--save: cannot write '.', which is a folder"),
        ("compare --dataset missing.csv", "missing.csv: there is no such file"),
        ("compare --json no/out.json", "--json: cannot write no/out.json: there is no folder "),
        ("compare --json .", "--json: cannot write '.', which is a folder"),
    ],
)
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
