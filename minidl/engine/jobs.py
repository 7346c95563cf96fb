"""Jobs of several networks, which the machine takes in one call, without Python between them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minidl.engine.runner import Job, Runner
from minidl.engine.tape import Array, NotRecordable

IN, OUT = 1, 2  # which way an array is copied: into memory before the steps, out of it after them


class Copied(NamedTuple):
    """What is copied for a job, and in which ways: `size` numbers of an array at an address."""

    array: Array
    address: int
    size: int
    ways: int


class Jobs:
    """Jobs in the order in which they are taken.

    `table` is a structured array of what machine.c calls Job: ``table["taken"]`` has a number for
    each of them.
    """

    def __init__(self, count: int, dtype: np.dtype[Any]) -> None:
        self._jobs = (Job * count)()
        self._dtype = dtype
        self._address = ctypes.addressof(self._jobs)
        self._used: list[Any] = []  # whose addresses jobs hold
        self.table = np.ndarray(count, np.dtype(Job), memoryview(self._jobs))

    def put(
        self,
        place: int,
        runner: Runner,
        sources: Mapping[str, Array],
        copied: Mapping[str, Copied],
        numbers: Array,
        *,
        follows: bool = False,
    ) -> None:
        """Let the job at a place run a program on these rows.

        `copied` are the arrays that it reads and changes, by the names of their homes; `numbers`
        are those of each step, the same in all. A job that `follows` the one before is left out if
        that one has stopped.
        """
        moves = list[int]()
        for name, (at, size) in runner.program.homes.items():
            if name in copied:
                own = copied[name]
                if (own.size, own.array.dtype) != (size, self._dtype):
                    raise NotRecordable(f"{name} has another size or type than was recorded")
                moves += [own.address, at, size, own.ways]
        copies = (ctypes.c_int64 * len(moves))(*moves)
        self._jobs[place] = runner.job(sources, None, 0, 0, numbers=numbers)
        job = self._jobs[place]
        job.moves, job.moved, job.follows = ctypes.addressof(copies), len(moves) // 4, follows
        self._used += [runner, sources, copied, numbers, copies]

    def take(self, begin: int, end: int) -> None:
        """Let the machine take the jobs of a range; it does not hold the GIL."""
        address = self._address + begin * ctypes.sizeof(Job)
        self._used[0].machine.run(address, end - begin, self._dtype)


def address_of(name: str, array: Array, *, written: bool = False) -> int:
    """Return where an array begins; raise unless it is contiguous and may be `written`."""
    if not array.flags.c_contiguous:
        raise NotRecordable(f"{name} is an array with gaps")
    if written and not array.flags.writeable:
        raise NotRecordable(f"{name} is an array that cannot be written")
    return int(array.__array_interface__["data"][0])


def networks_of(
    arrays: Mapping[str, Array], count: int, ways: int, *, single: bool = False
) -> list[dict[str, Copied]]:
    """Return how the arrays of each network are copied: all of them, or rows of (R, ...)."""
    each: list[dict[str, Copied]] = [{} for _ in range(count)]
    for name, array in arrays.items():
        address = address_of(name, array, written=bool(ways & OUT))
        size, apart = (array.size, 0) if single else (array[0].size, array.strides[0])
        for k, own in enumerate(each):
            own[name] = Copied(array, address + k * apart, size, ways)
    return each
