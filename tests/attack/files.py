"""Flip every byte of a small file of every format, and cut every prefix.

    python tests/attack/files.py             # every byte with eight other values, every prefix
    python tests/attack/files.py --share 50  # one place of 50, as the tests do

Each damaged file must be a DataError that names it, or give the same numbers. The table that is
printed is that of tests/README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from targets import Target, make_files

from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError


def damages(data: bytes, share: int, offset: int = 0) -> Iterator[tuple[str, int, bytes]]:
    """Yield what was done, where, and the damaged bytes, at one place of `share`."""
    for place in range(offset % share, len(data), share):
        for bit in range(8) if share == 1 else [place // share % 8]:
            other = bytes([data[place] ^ (1 << bit)])
            yield "flipped", place, data[:place] + other + data[place + 1 :]
        yield "cut", place, data[:place]


def attack(target: Target, share: int, offset: int = 0) -> Counter[str]:
    """Return how often a damaged file was refused, gave the same numbers, or failed."""
    data, count = target.path.read_bytes(), Counter[str]()
    right = target.read()
    for done, place, bad in damages(data, share, offset):
        target.path.write_bytes(bad)
        outcome = outcome_of(target, right)
        count["tried"] += 1
        count[outcome if outcome in ("refused", "the same") else "failed"] += 1
        if outcome not in ("refused", "the same"):
            print(f"{target.path.name}, {done} at {place}: {outcome}")
        if outcome == "refused" and target.path.read_bytes() != bad:
            count["failed"] += 1
            print(f"{target.path.name}, {done} at {place}: refused, and changed")
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


def main() -> int:
    """Attack all files, print the figures, and return 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="attack one place of so many")
    parser.add_argument("--only", nargs="+", help="such as: model journal")
    options, failed = parser.parse_args(), 0
    share = options.share
    print("| file | bytes | tried | refused | the same numbers | failed | seconds |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, target in make_files(Path(folder)).items():
            if name not in (options.only or [name]):
                continue
            start, size = time.perf_counter(), target.path.stat().st_size
            count = attack(target, share)
            cells = [name, size, *(count[n] for n in ("tried", "refused", "the same", "failed"))]
            print(f"| {' | '.join(map(str, cells))} | {time.perf_counter() - start:.0f} |")
            failed += count["failed"]
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
