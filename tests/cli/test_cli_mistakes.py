"""Wrong commands: the message names the option and the value, the exit code is 1 or 2."""

import os
import re

import pytest
from cli_process import SMALL_RUN, TINY

from minidl import datasets
from minidl.cli import main
from minidl.cli.options import parse
from minidl.cli.values import check_files
from minidl.comparison.executor import Executor
from minidl.errors import ArgumentError

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
        ("--dataset mons", "unknown data set 'mons': expected one of: moons, circles, "),
        ("--dataset mons", "Did you mean 'moons'?"),
        ("--activation tnah", "Did you mean 'tanh'?"),
        ("--loss bec", "Did you mean 'bce'?"),
        ("--lr 0", "--lr must be |, got 0.0"),
        ("--lr -0.1", "--lr must be |, got -0.1"),
        ("--lr nan", "--lr must be |, got nan"),
        ("--momentum 1", "--momentum must be |[0, 1), got 1.0"),
        ("--epochs -1", "--epochs must be an integer from |, got -1"),
        ("--epochs 2.5", "argument --epochs: must be an integer, got '2.5'"),
        ("--batch-size 0", '--batch-size must be "full" or |, got 0'),
        ("--batch-size ful", "--batch-size: must be a number of rows, or full|, got 'ful'"),
        ("--hidden 16,x", "--hidden: must be widths such as 16,16, or none, got '16,x'"),
        ("--hidden 16,", "--hidden: must be widths such as 16,16, or none, got '16,'"),
        ("--hidden 0", "--hidden: must be widths such as 16,16, or none, got '0'"),
        ("--hidden=-3", "--hidden: must be widths such as 16,16, or none, got '-3'"),
        ("--rows -3", "--rows must be an integer >= 2, got -3"),
        ("--rows 1", "--rows must be an integer >= 2, got 1"),
        ("--noise -1", "--noise must be finite and >= 0, got -1.0"),
        ("--test-size 1", "--test-size must be in [0, 1), got 1.0"),
        (
            "--dataset iris --noise 1",
            "--noise applies to generated data sets only, got 1.0 with 'iris'",
        ),
        ("--dataset iris --rows 50", "--rows applies to generated data sets only, got 50 with"),
        (
            "--dataset iris --task regression",
            "--task applies to files only, got 'regression' with 'iris'",
        ),
        ("--target-column won", "--target-column applies to files only, got 'won' with 'moons'"),
        ("--no-header", "--no-header applies to files only, got False with 'moons'"),
        ("--drop id,date", "--drop applies to files only, got ['id', 'date'] with 'moons'"),
        ("--drop ,", "argument --drop: must be names such as id,date, got ','"),
        (
            "--dataset a.csv --missing median",
            "--missing must be one of error, drop, mean, |got 'me",
        ),
        ("--dataset a.csv --decimal ;", "--decimal must be |, got ';'"),
        ("--dataset a.csv --separator ab", "--separator must be one character |, got 'ab'"),
        ("--sep ;", "Did you mean '--separator'?"),
        ("--usecols a", "Did you mean '--features'?"),
        ("--quiett", "unrecognized arguments: --quiett. Did you mean '--quiet'?"),
        ("--batchsize=16", "unrecognized arguments: --batchsize=16. Did you mean '--batch-size'?"),
        ("moons", "unrecognized arguments: moons"),
        ("--lr", "argument --lr: expected one argument"),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_a_wrong_option_is_named_with_its_value(command, typed, said, capsys):
    code, message = outcome(capsys, [command, *typed.split()])
    assert code == WRONG
    assert message.startswith(f"minidl {command}: error: ")
    assert all(part in message for part in said.split("|"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train --optimizer nga", "unknown optimizer 'nga': expected one of: batch, stochastic, "),
        ("train --optimizer nga", "Did you mean 'nag'?"),
        ("train --optimizer momentun", "Did you mean 'momentum'?"),
        ("train --optimizer nestrov", "Did you mean 'nesterov'?"),
        ("train --optimizer muon", "gd, momentum, nag, nag-reformulated"),
        ("train --initializer glorot", "Did you mean 'glorot_"),
        ("train --optimizer batch --batch-size 16", "use 'gd'"),
        ("train --lr fast", "argument --lr: must be a number, got 'fast'"),
        (
            "train --batch-size 16,32",
            "--batch-size: must be a number of rows, or full, got '16,32'",
        ),
        ("train --target-loss nan", "--target-loss must be |, got nan"),
        ("train --target-accuracy 95", "--target-accuracy must be |[0, 1], got 95.0"),
        ("train --target-loss 1 --target-accuracy 1", "not allowed with argument --target-loss"),
        ("train --loss mse --target-accuracy 0.9", "MeanSquaredError() has no accuracy. Use --ta"),
        ("train --dataset sine --target-accuracy 0.9", "MeanSquaredError() has no accuracy"),
        ("train --out a.json", "unrecognized arguments: --out a.json. Did you mean '--json'?"),
        ("train --seeds 3", "unrecognized arguments: --seeds 3. Did you mean '--seed'?"),
        ("train --target loss:1", "Did you mean '--target-loss'?"),
        ("train --target 0.1", "Did you mean '--target-loss'?"),
        ("train --target=won", "Did you mean '--target-column'?"),
        ("train --target won", "Did you mean '--target-column'?"),
        ("doctor --target won", "Did you mean '--target-column'?"),
        ("predict --prob m.npz a.csv", "--prob. Did you mean '--probabilities'?"),
        ("train --mom 0.9", "Did you mean '--momentum'?"),
        ("train birds.csv", "Did you mean '--dataset birds.csv'?"),
        ("train bird's.tsv.gz", "Did you mean '--dataset 'bird'\"'\"'s.tsv.gz''?"),
        ("doctor a.npz", "Did you mean '--dataset a.npz'?"),
        ("train my.py:MyAdam", "Did you mean '--optimizer my.py:MyAdam'?"),
        ("compare my.py", "Did you mean '--optimizers my.py'?"),
        ("train --dataset a.csv --separator tabs", "got 'tabs'. Did you mean 'tab'?"),
        ("train --version", "unrecognized arguments: --version. Write minidl --version."),
        ("-V", "unrecognized arguments: -V. Did you mean '--version'?"),
        ("--versoin", "Did you mean '--version'?"),
        ("--halp", "Did you mean '--help'?"),
        ("help", "'list'). Write minidl --help, or minidl train --help."),
        ("identify my.py:MyAdam", "Did you mean 'conform'?"),
        ("train --dropout 1", "error: --dropout must be |, got 1.0"),
        ("train --dropout 2 --hidden none", "error: --dropout must be |, got 2.0"),
        ("train --l2 -1", "error: --l2 must be a finite number >= 0, got -1.0"),
        ("train --seed -1", "--seed must be an integer |, got -1"),
        ("train --fail-under-target", "needs --target-loss or --target-accuracy"),
        ("train --csv -", "--csv needs a file: only --json can write to -"),
        ("train --save -", "--save needs a file: only --json can write to -"),
        ("train --optimizr nag", "Did you mean '--optimizer'?"),
        (
            "trian",
            "invalid choice: 'trian' (choose from 'train', 'predict', 'compare', 'paths', "
            "'doctor', 'conform', 'list')",
        ),
        ("trian", "Did you mean 'train'?"),
        ("fit --epochs 3", "invalid choice: 'fit' |Did you mean 'train'?"),
        ("optimizers", "Did you mean 'list optimizers'?"),
        ("--lr 0.1", "--lr needs a command before it, such as: minidl train --lr"),
        ("list optimisers", "invalid choice: 'optimisers'|Did you mean 'optimizers'?"),
        ("train --learning-rate 0.1", "--learning-rate 0.1. Did you mean '--lr'?"),
        ("train --learning_rate=0.1", "--learning_rate=0.1. Did you mean '--lr'?"),
        ("train -lr 0.1", "unrecognized arguments: -lr 0.1. Did you mean '--lr'?"),
        ("train --l 0.1", "unrecognized arguments: --l 0.1"),
        ("train --optimiser nag", "Did you mean '--optimizer'?"),
        ("train --epoch 3", "Did you mean '--epochs'?"),
        ("train --n-epochs 3", "Did you mean '--epochs'?"),
        ("train --max-iter 3", "Did you mean '--epochs'?"),
        ("train --batch_size 16", "Did you mean '--batch-size'?"),
        ("train --hidden-layers 3", "Did you mean '--hidden'?"),
        ("train --hidden-layer-sizes 3", "Did you mean '--hidden'?"),
        ("train --clipnorm 1", "Did you mean '--clip-norm'?"),
        ("train --alpha 0.1", "Did you mean '--l2'?"),
        ("train --random-state 1", "Did you mean '--seed'?"),
        ("train --n-samples 9", "Did you mean '--rows'?"),
        ("train --output a.json", "Did you mean '--json'?"),
        ("train --alpha 0.1", "l2 = alpha / batch size"),
        ("train --data moons", "Write --dataset moons"),
        ("train moons", "unrecognized arguments: moons. Did you mean '--dataset moons'?"),
        ("compare circles", "Did you mean '--dataset circles'?"),
        ("train nag", "Did you mean '--optimizer nag'?"),
        (
            "train --class-weight balanced",
            "In Python: Give it to fit: fit(X, y, epochs=100, class_",
        ),
        ("train --sample-weight w", "In Python: Give it to fit: fit(X, y, epochs=100, sample_"),
        ("train --callbacks early", "In Python: Give them to the Trainer or to fit"),
        ("train --scheduler step", "In Python: Give a schedule as lr"),
        ("train --workers 3", "compare has --jobs"),
        ("compare --workers 3", "Did you mean '--jobs'?"),
        ("train --metrics acc", "the accuracy are printed"),
        ("train --config a.json", "There is no file of options"),
        ("train --load a.npz", "minidl predict applies"),
        ("train --model a.npz", "minidl predict applies"),
        ("train -hidden 16", "unrecognized arguments: -hidden. Did you mean '--hidden'?"),
        ("infer", 'in Python: minidl.load("model.npz").predict(X)'),
        ("evaluate", "predict model.npz FILE applies it to a file"),
        ("train --criterion mse", "Did you mean '--loss'?"),
        ("train --validation-split 0.2", "Did you mean '--test-size'?"),
        ("train --nesterov", "Write train --optimizer nag, or compare --optimizers nag."),
        ("train --verbose", "Progress is shown; --quiet hides it."),
        ("compare --early-stopping", "train has --early-stopping"),
        ("train --device cuda", "computes on the processor"),
        ("train -e 5", "unrecognized arguments: -e 5"),
        ("train --xylophone", "unrecognized arguments: --xylophone"),
        ("", "the following arguments are required"),
    ],
)
def test_a_wrong_command_suggests_the_right_one(typed, said, capsys):
    code, message = outcome(capsys, typed.split())
    assert code == WRONG
    plain = message.replace("'", "")  # Python 3.12 quotes less
    assert all(part in plain for part in said.replace("'", "").split("|"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--optimizers nag,nga", "Did you mean 'nag'?"),
        ("--optimizers muon", "expected one of: batch, stochastic, gd, momentum, nag, "),
        (
            "--optimizers nag,nesterov",
            "--optimizers names 'nesterov' twice. 'nesterov' and 'nag' are the same.",
        ),
        ("--optimizers nag,nag", "--optimizers: must give each value once, got 'nag,nag'"),
        ("--optimizers ,", "--optimizers: must be names such as momentum,nag, got ','"),
        ("--optimizers=", "--optimizers: must be names such as momentum,nag, got ''"),
        ("--problems=", "--problems: must be data sets or files such as moons,circles, got ''"),
        ("--problems moons,moons", "--problems: must give each value once, got 'moons,moons'"),
        ("--problems moons,circls", "Did you mean 'circles'?"),
        (
            "--dataset moons --problems circles",
            "--dataset and --problems mean the same: give one of them",
        ),
        ("--batch-size 16,16", "--batch-size: must give each value once, got '16,16'"),
        ("--batch-size -1", "--batch-size must be |, got -1"),
        (
            "--optimizers batch,stochastic --batch-size 16",
            "'batch' is gradient descent at batch size full|got batch size 16. For",
        ),
        ("--seeds 0", "--seeds must be an integer >= 1, got 0"),
        ("--seeds -2", "--seeds must be an integer >= 1, got -2"),
        ("--seeds 3,3", "--seeds must be |once, got [3, 3]"),
        ("--seeds 1,-2", "--seeds: must be a number of seeds, or a list |, got '1,-2'"),
        ("--tuning-seeds 1,-2", "--tuning-seeds: must be a number of seeds, |, got '1,-2'"),
        ("--seeds ,", "--seeds: must be a number of seeds, or a list such as 3,5,8, got ','"),
        ("--seeds 2.5", "--seeds: must be a number of seeds, or a list such as 3,5,8, got '2.5'"),
        ("--tuning-seeds 0", "--tuning-seeds must be an integer >= 1, got 0"),
        ("--tuning-seeds 3,3", "--tuning-seeds must be |once, got [3, 3]"),
        ("--seeds 3 --tuning-seeds 2,5", "--tuning-seeds must differ from seeds, got 2 in both"),
        ("--looks 48", "--looks must be two or more numbers of seeds in increasing |, got [48]"),
        ("--looks 24,12", "--looks must be |in increasing order|, got [24, 12]"),
        ("--looks a,b", "--looks: must be numbers of seeds such as 12,24,48, got 'a,b'"),
        ("--looks 6,12,24", "--looks cannot decide a pair after 6 seeds|takes 8 seeds"),
        ("--looks 12,24 --seeds 20", "--seeds must be 24, as many as at the last look, got 20"),
        ("--looks 12,24 --optimizers nag", "--looks would have no effect: no two optimizers"),
        ("--look 12,24", "unrecognized arguments: --look 12,24. Did you mean '--looks'?"),
        ("--epochs 0", "--epochs must be an integer from 1 to 1000000000, got 0"),
        ("--epochs 2", "--sustained must be |2, got 3"),
        ("--sustained 0", "--sustained must be an integer |1|, got 0"),
        ("--tune momentum", '--tune must be "lr", "lr,momentum" or "none", got \'momentum\''),
        ("--tune=", "--tune must be |, got ''"),
        ("--lr 0.1 --tune lr", "--lr must be a list of |, got 0.1. |use --tune none"),
        ("--lr 0.1,0.2 --tune none", "--lr must be one |, got [0.1, 0.2]. |use --tune lr"),
        ("--lr 0,0.1", "--lr must be |above 0, got 0.0"),
        ("--lr 0.1,0.1", "--lr must be |different |, got [0.1, 0.1]"),
        ("--lr fast", "--lr: must be a number, or a list such as 0.03,0.1,0.3, got 'fast'"),
        ("--momentum fast", "--momentum: must be a number, or a list |, got 'fast'"),
        (
            "--momentum 0.5,0.9",
            "--momentum must be one number |, got [0.5, 0.9]. |use --tune lr,momentum",
        ),
        (
            "--momentum 0.9 --tune lr,momentum",
            "--momentum must be a list of different numbers, |, got 0.9. For one momentum",
        ),
        ("--momentum 0.9,1 --tune lr,momentum", "--momentum must be in [0, 1), got 1.0"),
        ("--trials 5", "--trials has no effect with tune='lr', got 5. |use --tune lr,momentum"),
        ("--trials 0 --tune lr,momentum", "--trials must be an integer from 1 to 100000, got 0"),
        ("--trials many", "argument --trials: must be an integer, got 'many'"),
        (
            "--lr 0.1,0.2,0.5 --tune lr,momentum",
            "--lr must be the two ends of |lr / (1 - momentum)|, got [0.1, 0.2, 0.5]. |--tune lr",
        ),
        ("--n-trials 5", "unrecognized arguments: --n-trials 5. Did you mean '--trials'?"),
        ("--target acc:0.9", "--target must be |gap:0.1, loss:0.05, accuracy:|, got 'acc:0.9'"),
        ("--target 0.1", "--target must be |gap:0.1, |validation-accuracy:0.95, got '0.1'"),
        ("--target gap:2", "--target must be a share between 0 and 1, got 'gap:2'"),
        ("--target accuracy:90", "--target must be an accuracy |, at most 1, got 'accuracy:90'"),
        ("--target loss:nan", "--target must be |, got 'loss:nan'"),
        ("--target loss:9", "--target must not be reached before training, got loss:9, |10000"),
        ("--target accuracy:0.01", "--target must not be reached before training"),
        (
            "--dataset sine --target accuracy:0.9",
            "--target must be a loss, got accuracy:0.9: MeanSquaredError() has no accuracy. Use",
        ),
        (
            "--test-size 0 --target validation-accuracy:0.9",
            "--target must be on the training rows, got validation-accuracy:0.9: there are no",
        ),
        ("--jobs 0", "jobs |got 0|1, 2, ..., |-1 for all"),
        ("--jobs x", "argument --jobs: must be an integer, got 'x'"),
        ("--profile", "--profile needs several problems, got one. Name more with --problems"),
        ("--out - --profile", "--out - prints only JSON: leave --profile out, or give a file"),
        ("--plot -", "--plot needs a file: only --out can write to -"),
        ("--sedes 3", "unrecognized arguments: --sedes 3. Did you mean '--seeds'?"),
        ("--json a.json", "unrecognized arguments: --json a.json. Did you mean '--out'?"),
        ("--target-loss 0.1", "Did you mean '--target loss:VALUE'?"),
        ("--target-accuracy=1", "Did you mean '--target accuracy:VALUE'?"),
        ("--optimizer nag", "Did you mean '--optimizers'?"),
        ("--random-state 1", "Did you mean '--seeds'?"),
        ("--n-jobs 2", "Did you mean '--jobs'?"),
        ("--output a.json", "Did you mean '--out'?"),
        ("--tol 1", "unrecognized arguments: --tol 1"),
        ("--from a.json --seeds 3", "finished comparison, on which --seeds would have no effect"),
        (
            "--from a.json --lr 0.1 --tuning-seeds 2 --quick --out b.json",
            "on which --quick, --tuning-seeds, --lr, --out FILE would have no effect. Leave --from",
        ),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_a_wrong_comparison_is_an_error_before_training(typed, said, capsys):
    code, message = outcome(capsys, ["compare", *typed.split()])
    assert code == WRONG
    assert message.startswith("minidl compare: error: ")
    assert all(part in message for part in said.split("|"))
    assert not re.search("tuning_seeds|batch_size|target_column", message)  # nobody typed these


@pytest.mark.usefixtures("never_trained")
def test_every_option_for_training_is_an_error_beside_from(capsys):
    """All but those that print, write or set the exit code; a new option is one or the other."""
    printing = {"--from", "--out", "--plot", "--profile", "--quiet", "--fail-on-diverge",
                "--fail-under-target", "--details", "--report"}  # fmt: skip
    values = {"--dataset": "iris", "--tune": "none", "--loss": "mse", "--activation": "relu",
              "--target": "loss:1", "--task": "x", "--target-column": "y"}  # fmt: skip
    flags = set(parse(["compare"]).flags)
    assert printing < flags
    for option in flags - printing:
        bare = option in ("--quick", "--header", "--no-header")
        flag = [] if bare else [values.get(option, "7,8" if "lr" in option else "7")]
        code, message = outcome(capsys, ["compare", "--from", "a.json", option, *flag])
        assert (code, f"{option} " in message) == (WRONG, True), option


def test_when_every_run_diverges_there_is_no_gap_to_close(capsys):
    options = ["--dataset", "sine", "--lr", "1000,2000", "--optimizers", "nag", *TINY]
    code, message = outcome(capsys, ["compare", *options])
    assert code == WRONG
    assert "there is no gap to close" in message
    assert "every setting diverged" in message
    assert message.endswith("Try smaller learning rates, or more epochs.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train --dataset missing.csv", "file missing.csv does not exist"),
        ("train --dataset wine --loss bce", "the targets do not fit the outputs"),
        ("train --json no/such/out.json", "--json: cannot write no/such/out.json"),
        ("train --csv no/out.csv", "--csv: cannot write no/out.csv: there is no folder "),
        ("train --save no/out.npz", "--save: cannot write no/out.npz: there is no folder "),
        ("train --json .", "--json: cannot write '.': it is a folder"),
        ("train --save .", "--save: cannot write '.': it is a folder"),
        (
            "train --rows 2",
            "too few rows to split: got 1 row, expected at least 2. Add rows, or use a",
        ),
        ("compare --dataset missing.csv", "file missing.csv does not exist"),
        ("compare --problems moons,no.csv", "file no.csv does not exist"),
        (
            "compare --rows 2",
            "too few rows to split: got 1 row, expected at least 2. Add rows, or use a",
        ),
        ("compare --out no/out.json", "--out: cannot write no/out.json: there is no folder "),
        ("compare --out .", "--out: cannot write '.': it is a folder"),
        ("compare --plot no/a.png", "--plot: cannot write no/a.png: there is no folder "),
        ("compare --from no/a.json", "--from: there is no file no/a.json"),
        ("compare --out no/lr=0.1.json", "cannot write no/lr=0.1.json: there is no folder "),
        ("compare --from lr=0.1.json", "there is no file lr=0.1.json"),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_failed_work_has_another_exit_code_than_a_wrong_command(
    typed, said, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, message = outcome(capsys, typed.split())
    assert code == FAILED
    assert said in message


@pytest.mark.parametrize("option", ["--json", "--csv", "--save"])
def test_a_file_that_cannot_be_written_is_an_error_before_data_are_loaded(
    option, capsys, monkeypatch
):
    def load(*_, **__):
        raise AssertionError

    monkeypatch.setattr(datasets, "load", load)
    assert outcome(capsys, ["train", option, "no/such/folder"])[0] == FAILED


def test_a_full_disk_is_an_error_and_not_a_traceback(capsys, monkeypatch, tmp_path):
    def write(*_, **__):
        raise OSError(28, "No space left on device")

    (tmp_path / "out.json").write_text("before")
    monkeypatch.setattr(os, "fsync", write)
    assert main([*SMALL_RUN, "--json", str(tmp_path / "out.json")]) == FAILED
    assert "No space left on device" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("out.json", "before")
    ]


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (
            "a,target\n1,0\nx,1\n3,0\n2,1\n",
            [],
            "column 'a': text in 1 of 4 rows of numbers, such as",
        ),
        (
            "a,target\n1,0\n,1\n2,0\n2,1\n",
            [],
            "column 'a': missing in 1 of 4 rows (line 3). Add --mi",
        ),
        ("a,b\n1,0\n2,1\n", ["--target-column", "won"], "no column is called 'won'"),
        ("a,b\n1,0\n2,1\n", ["--target-column", "7"], "no column is called 7"),
        ("a,b\n1,0\n2,1\n", [], "Add --target-column NAME."),
        ("a,target\n", [], "own.csv has no rows after the header"),
    ],
)
def test_an_invalid_file_is_named_with_the_place(lines, options, said, capsys, tmp_path):
    file = tmp_path / "own.csv"
    file.write_text(lines, encoding="utf-8")
    code, message = outcome(capsys, ["train", "--dataset", str(file), *options])
    assert code == FAILED
    assert said in message


def test_an_interruption_before_training_prints_one_line(capsys, monkeypatch):
    def load(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load", load)
    assert main(["train"]) == 130
    assert capsys.readouterr() == ("", "minidl: interrupted\n")


@pytest.mark.parametrize(
    ("argument", "flags", "named"),
    [
        ("batch_size", ["--batch-size"], "--batch-size must be 1"),
        ("n", ["--rows"], "--rows must be 1"),
        ("loss", ["--loss", "--target-loss"], "--target-loss must be 1"),
        ("loss", ["--loss"], "--loss must be 1"),
        ("memory", ["--jobs"], "memory must be 1"),
    ],
)
def test_an_argument_is_named_by_its_option(argument, flags, named, capsys, monkeypatch):
    def load(*_, **__):
        raise ArgumentError("must be 1", argument=argument)

    options = parse(["train"])
    options.flags = flags
    monkeypatch.setattr("minidl.cli.options.parse", lambda arguments: options)
    monkeypatch.setattr(datasets, "load", load)
    assert outcome(capsys, ["train"]) == (WRONG, f"minidl train: error: {named}")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train --plot a.png --json a.png", "--plot would replace 'a.png', the file of --json"),
        ("train --csv in/../a --save a", "--save would replace 'a', the file of --csv"),
        (
            "train --report a.html --plot link",
            "--report would replace 'a.html', the file of --plot",
        ),
        ("paths --plot a.png --stability ./a.png", "--stability would replace './a.png', the file"),
        ("predict m.npz r.csv --out a.png --plot a.png", "--plot would replace 'a.png', the file"),
        ("compare --out a --report a", "--report would replace 'a', the file of --out"),
        ("predict m.npz r.csv --out r.csv", "--out would replace 'r.csv', which is read here"),
        ("train --dataset r.csv --csv r.csv", "--csv would replace 'r.csv', which is read here"),
        ("compare --problems moons,r.csv --out r.csv", "'r.csv', which is read here"),
        ("compare --from r.csv --plot r.csv", "'r.csv', which is read here"),
        ("train --plot a.png --plot b.png", "--plot was given 2 times, expected one file"),
        ("paths --plot=a.png --plot a.png", "--plot was given 2 times, expected one file"),
        ("train --plot a.gif", "--plot: cannot animate 'a.gif': got '.gif', expected a name that"),
        ("paths --stability a.GIF", "png, .svg or .pdf. Only compare --plot draws an animation."),
    ],
)
@pytest.mark.usefixtures("never_trained")
def test_each_output_is_another_file(command, said, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("minidl.cli.train._prepare", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "r.csv").write_text("a,y\n1,2\n2,3\n", encoding="utf-8")
    (tmp_path / "link").symlink_to("a.html")
    code, message = outcome(capsys, command.split())
    assert code == WRONG
    assert said in message
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in", "link", "r.csv"]


@pytest.mark.parametrize("command", [["train"], ["paths"]])
def test_a_file_without_a_name_is_no_folder(command, capsys):
    code, message = outcome(capsys, [*command, "--plot", ""])
    assert code == FAILED
    assert message.endswith("error: --plot: the name of the file is empty")


def test_a_data_set_is_no_file_that_is_replaced(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "moons").write_text("", encoding="utf-8")
    check_files(parse(["train", "--csv", "moons"]), "json", "csv", "save")
