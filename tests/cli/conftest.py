"""Small commands, run in this process."""

import json

import pytest
from cli_process import SMALL_RACE, SMALL_RUN

from minidl.cli import main


@pytest.fixture
def trained(capsys):
    """Train with these options added to a small run; return what ``--json -`` prints."""

    def train(*options, code=0):
        assert main([*SMALL_RUN, "--json", "-", *options]) == code
        return json.loads(capsys.readouterr().out)

    return train


@pytest.fixture
def raced(capsys):
    """Race with these options added to a small race; return what ``--json -`` prints."""

    def race(*options, code=0):
        assert main([*SMALL_RACE, "--json", "-", *options]) == code
        return json.loads(capsys.readouterr().out)

    return race
