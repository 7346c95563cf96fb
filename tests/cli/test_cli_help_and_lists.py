"""Help mentions every option and default; lists print every registered name."""

import inspect
import re
import runpy
import sys

import pytest

from minidl import __version__, datasets, nn
from minidl.cli import main
from minidl.cli.options import QUICK, parse
from minidl.comparison import compare
from minidl.comparison.looks import SEEDS
from minidl.nn.losses import ALIASES
from minidl.optim import TABLE
from minidl.paths import SURFACES

SHARED = re.findall(
    r"\S+",
    "--help --dataset --rows --noise --test-size --target-column --task --lr --momentum"
    " --batch-size --hidden --activation --loss --epochs --quiet --fail-on-diverge"
    " --fail-under-target --features --drop --missing --categorical --header --no-header"
    " --separator --decimal --report --schedule --clip-norm --clip-value --weight-decay --restart",
)
OPTIONS = {
    "train": {*SHARED, "--optimizer", "--initializer", "--dropout", "--l1", "--l2", "--seed",
              "--csv", "--save", "--json", "--target-loss", "--target-accuracy", "--early-stopping",
              "--plot", "--checkpoint", "--every", "--resume", "--engine"},
    "compare": {*SHARED, "--optimizers", "--problems", "--seeds", "--tuning-seeds", "--tune",
                "--target", "--sustained", "--quick", "--jobs", "--out", "--from", "--plot",
                "--profile", "--details", "--batch-sizes", "--looks", "--trials", "--engine"},
    "paths": {"--help", "--surface", "--optimizers", "--lr", "--momentum", "--start", "--steps",
              "--plot", "--stability"},
    "doctor": {*SHARED, "--optimizer", "--initializer", "--dropout", "--l1", "--l2", "--seed",
               "--find-lr", "--json", "--plot"} - {
        "--epochs", "--quiet", "--report", "--fail-on-diverge", "--fail-under-target"
    },
    "conform": {"--help", "--as", "--json"},
    "list": {"--help"},
}  # fmt: skip


def helped(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", OPTIONS)
def test_help_explains_every_option(command, capsys):
    usage, explained = helped(capsys, command).split("options:\n")
    found = set(re.findall(r"^  (?:-h, )?(--[a-z0-9-]+)", explained, re.MULTILINE))
    assert found == OPTIONS[command]
    assert found - {"--help"} <= set(re.findall(r"--[a-z0-9-]+", usage))
    for option in found:  # each is explained
        line = rf"^  (?:-h, )?{option}(?: [A-Z0-9_]+)?\s+[a-z\[]"
        assert re.search(line, explained, re.MULTILINE), option


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("command", [[], ["train"], ["compare"], ["paths"], ["doctor"], ["list"]])
def test_help_fits_the_terminal(command, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, helped(capsys, *command).splitlines())) <= columns


@pytest.mark.parametrize("command", [[], ["train"], ["compare"], ["list"]])
def test_help_documents_the_exit_codes(command, capsys):
    codes = helped(capsys, *command).split("exit codes:\n")[1]
    assert re.findall(r"^  (\d+) +\S", codes, re.MULTILINE) == [*"01234", "130", "141"]
    assert "--fail-on-diverge" in codes
    assert "--fail-under-target" in codes


def test_help_for_compare_states_the_defaults(capsys):
    text = " ".join(helped(capsys, "compare").split())
    full = {name: p.default for name, p in inspect.signature(compare).parameters.items()}
    for option, words in (
        ("--optimizers NAMES", "default: gd,momentum,nag"),
        ("--epochs EPOCHS", f"default: {full['epochs']}"),
        ("--seeds SEEDS", f"default: {SEEDS}"),
        ("--tuning-seeds SEEDS", f"default: {full['tuning_seeds']}"),
        ("--quick", f"{QUICK['epochs']} epochs, {QUICK['seeds']} seeds, {QUICK['tuning_seeds']} for"
         f" tuning, {len(QUICK['lr'])} learning rates"),
    ):  # fmt: skip
        assert words in text.split(f" {option} ")[-1][:230], option


def test_the_examples_of_help_are_valid_commands(asked, capsys):
    lines = re.findall(
        r"^  minidl compare (.*?)(?:  .*)?$", helped(capsys, "compare"), re.MULTILINE
    )
    assert len(lines) == 5
    for line in lines:
        if "--from" not in line:
            words = line.replace("--out study.json", "").replace("--profile", "").split()
            assert asked(*words), line
        else:
            assert parse(["compare", *line.split()]).plot == "study.png"


def test_help_names_the_commands_and_the_lists(capsys):
    assert {"train", "compare", "paths", "list"} <= set(helped(capsys).split())
    assert all(what in helped(capsys, "list") for what in LISTED)


def test_help_for_train_names_every_optimizer(capsys):
    text = " ".join(helped(capsys, "train").split())
    assert ", ".join(entry.name for entry in TABLE) in text


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"minidl {__version__}\nengine: ")


LISTED = {
    "datasets": datasets.names(),
    "optimizers": [entry.name for entry in TABLE],
    "activations": list(nn.ACTIVATIONS),
    "losses": list(nn.LOSSES),
    "initializers": [*nn.INITIALIZERS, "constant:0.1"],
    "surfaces": list(SURFACES),
}


def entries(capsys, what):
    """Return a list with each entry on one line."""
    assert main(["list", what]) == 0
    return re.sub(r"\n +", " ", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("what", LISTED)
def test_a_list_has_every_name_with_a_description(what, capsys):
    lines = entries(capsys, what)
    assert [line.split()[0] for line in lines] == list(LISTED[what])
    assert all(len(line.split()) > 2 for line in lines)


def test_the_list_of_optimizers_has_batch_sizes_and_aliases(capsys):
    for entry, line in zip(TABLE, entries(capsys, "optimizers"), strict=True):
        also = f"; also {', '.join(entry.aliases)}" if entry.aliases else ""
        assert line.endswith(f" batch size {entry.batch_size}; {entry.summary}{also}")


def test_the_list_of_losses_and_the_docstring_have_the_aliases(capsys):
    lines = entries(capsys, "losses")
    assert lines[0].endswith(" Also mse, l2.")
    for name, line in zip(nn.LOSSES, lines, strict=True):
        others = [alias for alias, meant in ALIASES.items() if meant == name]
        assert line.partition(" Also ")[2] == (f"{', '.join(others)}." if others else "")
        assert all(f"``{other}``" in nn.loss.__doc__ for other in [name, *others])


@pytest.mark.parametrize("what", ["activations", "initializers"])
def test_every_listed_name_is_accepted_by_its_option(what, capsys):
    option = f"--{what.removesuffix('s')}"
    for name in LISTED[what]:
        command = ["train", option, name, "--rows", "20", "--epochs", "1", "--quiet"]
        assert main(command) == 0, name


@pytest.mark.parametrize("name", LISTED["datasets"])
def test_every_listed_data_set_can_be_trained_on(name, capsys):
    assert main(["train", "--dataset", name, "--epochs", "1", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")


def test_the_module_exits_with_the_code_of_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["minidl", "train", "--lr", "0"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("minidl", run_name="__main__")
    assert left.value.code == 2


def test_list_without_a_kind_lists_them_all(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for what in LISTED:
        assert main(["list", what]) == 0
        assert f"{what}:\n{capsys.readouterr().out}" in printed
