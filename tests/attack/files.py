"""Flip every bit of a small file of every format, and cut every prefix.

Each damaged file must be a DataError that names it, or give the same numbers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tally import Effort, Part, Tally, folder
from targets import NAMES, Target, make_files

from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError

SHARE = 150  # in a quick attack, one place of so many


def damages(data: bytes, share: int, offset: int = 0) -> Iterator[tuple[str, int, bytes]]:
    """Yield what was done, where, and the damaged bytes, at one place of `share`."""
    for place in range(offset % share, len(data), share):
        for bit in range(8) if share == 1 else [place // share % 8]:
            other = bytes([data[place] ^ (1 << bit)])
            yield "flipped", place, data[:place] + other + data[place + 1 :]
        yield "cut", place, data[:place]


def attack(
    target: Target, share: int, offset: int = 0, problems: list[str] | None = None
) -> Counter[str]:
    """Return how often a damaged file was refused, gave the same numbers, or failed."""
    data, count = target.path.read_bytes(), Counter[str]()
    told = print if problems is None else problems.append
    right = target.read()
    for done, place, bad in damages(data, share, offset):
        target.path.write_bytes(bad)
        outcome = outcome_of(target, right)
        count["tried"] += 1
        count[outcome if outcome in ("refused", "the same") else "failed"] += 1
        if outcome not in ("refused", "the same"):
            told(f"{target.path.name}, {done} at {place}: {outcome}")
        if outcome == "refused" and target.path.read_bytes() != bad:
            count["failed"] += 1
            told(f"{target.path.name}, {done} at {place}: refused, and changed")
    target.path.write_bytes(data)
    return count


def outcome_of(target: Target, right: str) -> str:
    """Return what reading a file came to."""
    try:
        found = target.read()
    except DataError as error:
        return "refused" if target.path.name in str(error) else f"not named: {error}"
    except (ArgumentError, DTypeError, ShapeError) as error:
        return f"another: {error}"
    except BaseException as error:
        return f"raised {error!r:.200}"
    return "the same" if found == right else "other numbers"


def damage_every_byte(tally: Tally, effort: Effort, name: str) -> None:
    """Attack one file."""
    with folder() as made:
        target = make_files(made)[name]
        share = SHARE if effort.quick else 1
        count = attack(target, share, effort.draw(name).randrange(share), tally.problems)
    tally.tried, tally.failed = count["tried"], count["failed"]


PARTS: dict[str, Part] = {
    f"every bit of a {name}, every prefix": partial(damage_every_byte, name=name) for name in NAMES
}
