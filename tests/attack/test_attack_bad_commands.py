"""The tables of bad commands and bad data, and that no flag is missing in them."""

from pathlib import Path

import bad_commands
import bad_data
import pytest

from minidl.cli.options import NAMES_OF_COMMANDS, parse

NEEDED = {"predict": ["m", "r"], "conform": ["nag"]}  # arguments without a flag
DATA = {name: row for name, *row in bad_data.rows()}  # a name that stood twice would lose a row
HARMLESS = {"--quiet", "--fail-on-diverge", "--quick", "--details", "--probabilities"}


@pytest.fixture(scope="module")
def outcomes():
    return bad_commands.run()


def test_each_bad_command_is_answered_by_one_message_and_does_nothing_else(outcomes):
    failed = [f"{one.row.typed}: {one.wrong}\n{one.message}" for one in outcomes if one.wrong]
    assert not failed, "\n".join(failed)
    assert len(outcomes) > 400


def test_each_flag_of_each_command_has_a_bad_value_in_the_table():
    typed = [row.typed.split(" ") for row in bad_commands.rows()]
    for command in NAMES_OF_COMMANDS:
        tried = {word.partition("=")[0] for words in typed if words[0] == command for word in words}
        flags = set(parse([command, *NEEDED.get(command, [])]).flags)
        assert flags - tried <= HARMLESS, command  # which take no value


def test_no_command_is_in_the_table_twice():
    typed = [row.typed for row in bad_commands.rows()]
    assert len(set(typed)) == len(typed)


@pytest.mark.parametrize("row", DATA.values(), ids=DATA)
def test_bad_data_are_a_clear_error(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bad_data.fault(*row) == ""


def test_the_table_finds_a_command_that_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad_commands.fill(Path())
    rows = {
        "list datasets": "exit code 0, 0 messages, another message, standard output",
        "train --lr 0.1": "exit code AssertionError",
        "predict m.npz r2.csv --out p.csv": "files",
        "train --lr 0": "another message",
    }
    for typed, wrong in rows.items():
        assert wrong in bad_commands.attempt(bad_commands.Row(2, typed, "no such words")).wrong
