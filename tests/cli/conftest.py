"""Small commands, run in this process."""

import json

import pytest
from cli_process import SMALL_RACE, SMALL_RUN

from minidl.cli import main
from minidl.comparison.executor import Executor


@pytest.fixture
def trained(capsys):
    """Train with these options added to a small run; return what ``--json -`` prints."""

    def train(*options, code=0):
        assert main([*SMALL_RUN, "--json", "-", *options]) == code
        return json.loads(capsys.readouterr().out)

    return train


@pytest.fixture
def raced(capsys):
    """Race with these options added to a small race; return what ``--out -`` prints."""

    def race(*options, code=0):
        assert main([*SMALL_RACE, "--out", "-", *options]) == code
        return json.loads(capsys.readouterr().out)

    return race


@pytest.fixture
def asked(capsys, monkeypatch):
    """Type these options; return what would be compared, of which nothing is trained."""

    def ask(*options):
        with monkeypatch.context() as patch:
            patch.setattr(Executor, "run", Executor.result)
            assert main(["compare", "--out", "-", *options]) == 0
        return json.loads(capsys.readouterr().out)["comparisons"]

    return ask
