"""Independent streams of random numbers from one seed.

What is random in a run (initial weights, the order of rows, dropout, the split) draws from a
stream of its own, so that changing one never shifts another: a different optimizer, or a deeper
network, sees the rows in the same order. ``np.random.seed`` is never called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from minidl.checks import check_count
from minidl.errors import ArgumentError

__all__ = ["Seed", "Stream", "check_seed", "check_seeds", "stream"]

Seed = int | None
Stream = Literal["initialization", "shuffle", "dropout", "split", "data"]

_KEYS: dict[str, int] = {"initialization": 0, "shuffle": 1, "dropout": 2, "split": 3, "data": 4}


def check_seed(seed: object) -> int:
    """Return the seed as an int; None draws one from the operating system.

    Raises
    ------
    ArgumentError
        The seed is not an integer of at least 0.
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(
            "seed cannot be used", received=repr(seed), expected="an integer >= 0, or None"
        )
    return int(seed)


def check_seeds(seeds: int | Iterable[int], name: str = "seeds") -> tuple[int, ...]:
    """Return 0, 1, ... for a number of seeds, and several as they are; `name` is for errors.

    Raises
    ------
    ArgumentError
        There is none, one is given twice, or one is not an integer of at least 0.

    Examples
    --------
    >>> check_seeds(3), check_seeds([7, 2])
    ((0, 1, 2), (7, 2))
    """
    whole = isinstance(seeds, (int, np.integer)) and not isinstance(seeds, (bool, np.bool_))
    if isinstance(seeds, (str, bytes)) or not (whole or isinstance(seeds, Iterable)):
        raise ArgumentError(
            f"{name} cannot be used",
            received=repr(seeds),
            expected="a number of seeds, such as 5, or seeds such as range(5) or [3, 5, 8]",
        )
    if not isinstance(seeds, Iterable):
        return tuple(range(check_count(name, seeds)))
    one = "a seed" if name == "seeds" else f"a seed of {name}"
    found = tuple(check_count(one, seed, 0) for seed in seeds)
    if not found or len(set(found)) < len(found):
        raise ArgumentError(
            f"{name} cannot be used",
            received=str(list(found)),
            expected="at least one seed, and each once",
        )
    return found


def stream(seed: int, name: Stream, *numbers: int) -> np.random.Generator:
    """Return the generator of one stream, numbered further by epoch or layer.

    The same arguments give the same numbers, in any order of calls, so a run that resumes at
    epoch 50 shuffles as if it had never stopped.

    Parameters
    ----------
    seed : int
        At least 0.
    name : {"initialization", "shuffle", "dropout", "split", "data"}
        What the numbers are for.
    *numbers : int
        An epoch, a layer.

    Examples
    --------
    >>> a, b = stream(0, "shuffle", 7), stream(0, "shuffle", 7)
    >>> bool(a.random() == b.random())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_KEYS[name], *numbers)))
