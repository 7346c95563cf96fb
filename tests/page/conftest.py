"""A small comparison, the runs of one seed with their weights, and their page."""

import pytest

from minidl import compare
from minidl.comparison import replay
from minidl.comparison.replay import typical_seed
from minidl.page.race import race

# gd never arrives, and seeds differ in the others' epochs.
SMALL = {"hidden": [6], "epochs": 20, "seeds": 6, "tuning_seeds": 2, "lr": [0.02, 0.05],
         "sustained": 1, "target": "gap:0.1"}  # fmt: skip


@pytest.fixture(scope="session")
def found():
    return compare("moons", **SMALL)


@pytest.fixture(scope="session")
def replays(found):
    return replay(found, seed=typical_seed(found))


@pytest.fixture(scope="session")
def part(found, replays):
    return race(found, replays, typical_seed(found))
