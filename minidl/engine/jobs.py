"""Jobs of several networks, which the machine takes in one call, without Python between them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minidl.engine.runner import Job, Runner
from minidl.engine.tape import Array

IN, OUT = 1, 2  # which way an array is copied: into memory before the steps, out of it after them


class Jobs:
    """Jobs in the order in which they are taken, as a sequence of what machine.c calls Job."""

    def __init__(self, count: int, dtype: np.dtype[Any]) -> None:
        self._jobs, self._dtype = (Job * count)(), dtype
        self._address = ctypes.addressof(self._jobs)
        self._used: list[Any] = []  # whose addresses jobs hold

    def __iter__(self) -> Iterator[Any]:
        return iter(self._jobs)

    def put(
        self,
        place: int,
        runner: Runner,
        sources: Mapping[str, Array],
        arrays: Mapping[str, tuple[Array, int]],
        numbers: Array,
        *,
        follows: bool = False,
    ) -> None:
        """Let the job at a place run a program on these rows.

        `arrays` are those that it reads and changes, by the names of their homes, with the ways in
        which they are copied; `numbers` are those of each step, the same in all. A job that
        `follows` the one before is left out if that one has stopped.
        """
        homes = runner.program.homes
        moves = [
            (address_of(array, self._dtype), *homes[name], ways)
            for name, (array, ways) in arrays.items()
            if name in homes
        ]
        assert all(arrays[name][0].size == homes[name][1] for name in arrays if name in homes)
        copies = np.array(moves, np.int64).reshape(-1, 4)
        job = runner.job(sources, None, 0, 0, numbers=numbers)
        job.moves, job.moved, job.follows = copies.ctypes.data, len(copies), follows
        self._jobs[place] = job
        self._used += [runner, sources, arrays, numbers, copies]

    def take(self, begin: int, end: int) -> None:
        """Let the machine take the jobs of a range; it does not hold the GIL."""
        address = self._address + begin * ctypes.sizeof(Job)
        self._used[0].machine.run(address, end - begin, self._dtype)


def address_of(array: Array, dtype: np.dtype[Any]) -> int:
    """Return where a contiguous array begins."""
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    return int(array.__array_interface__["data"][0])
