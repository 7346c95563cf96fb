"""Independent streams of random numbers from one seed."""

import re
from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from minidl import errors
from minidl.streams import Stream, check_seed, stream


def test_same_arguments_give_the_same_numbers_in_any_order_of_calls() -> None:
    first = stream(0, "shuffle", 7).random(5)
    stream(0, "shuffle", 8).random(100)
    assert np.array_equal(first, stream(0, "shuffle", 7).random(5))


def test_streams_differ_by_seed_name_and_every_number() -> None:
    keys = [(seed, name) for seed in (0, 1) for name in get_args(Stream)]
    keys += [(0, "shuffle", n) for n in range(3)] + [(0, "shuffle", 1, n) for n in range(2)]
    drawn = {key: stream(*key).random(4) for key in keys}
    assert len(drawn) == 15
    for a, b in combinations(keys, 2):
        assert not np.any(drawn[a] == drawn[b])


def test_global_random_state_is_neither_read_nor_changed() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the point of the test
    stream(check_seed(None), "data").random(5)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_seed_is_returned_as_an_int_and_none_is_drawn() -> None:
    assert type(check_seed(np.uint8(3))) is int
    assert check_seed(0) == 0
    assert check_seed(2**64 - 1) == 2**64 - 1
    with pytest.raises(errors.ArgumentError, match=r"^seed must be below 2\*\*64, got 18446744"):
        check_seed(2**64)
    assert check_seed(None) != check_seed(None)


@pytest.mark.parametrize("seed", [-1, 1.0, True, np.True_, "0", [0]])
def test_seed_that_is_not_a_natural_number_is_an_error(seed: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"^seed must be .*, got {re.escape(repr(seed))}"
    ):
        check_seed(seed)
