"""Independent streams of random numbers from one seed.

Initial weights, the order of rows, dropout and the split each draw from their own stream, so that
changing one never shifts another: a different optimizer, or a deeper network, sees the rows in the
same order. ``np.random.seed`` is never called.
"""

import itertools
from collections.abc import Iterable
from numbers import Integral
from typing import Literal, TypeGuard

import numpy as np

from minidl.checks import check_count
from minidl.errors import invalid
from minidl.memory import check_networks

MOST = 10**6  # seeds, so that an iterator without an end is an error soon
Seed = int | None
Stream = Literal["initialization", "shuffle", "dropout", "split", "data"]

_KEYS: dict[str, int] = {"initialization": 0, "shuffle": 1, "dropout": 2, "split": 3, "data": 4}


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_seed(seed: object, name: str = "seed") -> int:
    """Return an integer from 0 to 2^64 - 1 as an int; None draws one from the operating system.

    The error for anything else calls it `name`.
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if _is_integer(seed) and seed >= 0:
        return _check_size(name, int(seed))
    raise invalid(name, seed, "an integer >= 0, or None")


def _check_size(name: str, seed: int) -> int:
    """Return a seed, or raise an ArgumentError if it has more than 64 bits."""
    if seed >> 64:
        raise invalid(name, seed, "below 2**64")
    return seed


def check_seeds(seeds: int | Iterable[int], name: str = "seeds") -> tuple[int, ...]:
    """Return several seeds as a tuple; a number n stands for 0, 1, ..., n - 1.

    Raises
    ------
    ArgumentError
        There are no seeds, a seed is repeated, or a seed is not an integer of at least 0. The
        message calls the argument `name`.

    Examples
    --------
    >>> check_seeds(3), check_seeds([7, 2])
    ((0, 1, 2), (7, 2))
    """
    if _is_integer(seeds):
        seeds = range(check_count(name, seeds))
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
        expected = "a number of seeds, such as 5, or seeds such as range(5) or [3, 5, 8]"
        raise invalid(name, seeds, expected)
    noun = "a seed" if name == "seeds" else f"a seed of {name}"
    if isinstance(seeds, range):
        check_networks(-((seeds.start - seeds.stop) // seeds.step))
    members = tuple(itertools.islice(seeds, MOST + 1))
    if len(members) > MOST:
        raise invalid(name, seeds, f"at most {MOST} seeds")
    numbers = tuple(_check_size(noun, check_count(noun, seed, 0)) for seed in members)
    if not numbers or len(set(numbers)) < len(numbers):
        raise invalid(name, list(numbers), "at least one seed, and each once")
    return numbers


def stream(seed: int, name: Stream, *numbers: int) -> np.random.Generator:
    """Return the generator of one stream, numbered further by epoch or layer.

    The same arguments give the same numbers in any order of calls, so a run that resumes at
    epoch 50 shuffles as if it had never stopped.

    Examples
    --------
    >>> a, b = stream(0, "shuffle", 7), stream(0, "shuffle", 7)
    >>> bool(a.random() == b.random())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_KEYS[name], *numbers)))
