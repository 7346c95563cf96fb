"""Time to read 200,000 rows of ten numbers from a CSV file, beside pandas and NumPy.

    python tests/benchmarks/reading.py

Each case is a way to write the numbers. All readers must first return the same numbers from a small
file. Besides the ratios of processor time, those of wall time are shown, since minidl reads with
two threads; and the peak of the memory that Python and NumPy allocate, by the size of the array.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import command
import numpy as np
import report
from report import Target
from timing import interleave, ratio

from minidl.datasets.reading import Spelling, content_of, read_text

ROWS, COLUMNS, FEW = 200_000, 10, 2_000
LOADTXT = "numpy.loadtxt"  # so slow that it reads fewer rows
FORMS = {
    "as pandas writes (17 digits)": "{!r}",
    "six decimals": "{:.6f}",
    "three decimals": "{:.3f}",
    "integers": "{:.0f}",
    "as numpy.savetxt writes (18 decimals, exponent)": "{:.18e}",
    "six digits, most with an exponent": "{:.6g}",
}
SCALES = {"three decimals": 100.0, "integers": 1000.0, "six digits, most with an exponent": 1e-6}


def write(path: Path, form: str, scale: float, rows: int) -> None:
    """Write normal numbers of a standard deviation, with a header."""
    values = np.random.default_rng(0).normal(scale=scale, size=(rows, COLUMNS)).tolist()
    lines = (",".join(map(form.format, row)) for row in values)
    header = ",".join(f"x{j}" for j in range(COLUMNS))
    path.write_text("\n".join([header, *lines, ""]), encoding="ascii")


def by_minidl(path: Path) -> Any:
    """Read a file as `datasets.load` does, without the preparation that follows."""
    return read_text(content_of(path), Spelling()).matrix


def by_pandas(path: Path) -> Any:
    """Read a file with pandas' defaults."""
    import pandas as pd

    return pd.read_csv(path).to_numpy(float)


def by_numpy(path: Path) -> Any:
    """Read a file with NumPy's reader."""
    return np.loadtxt(path, delimiter=",", skiprows=1)


READERS = {"minidl": by_minidl, "pandas": by_pandas, LOADTXT: by_numpy}


class Reader:
    """A contestant that reads a file; steps are rows."""

    def __init__(self, read: Callable[[Path], Any], path: Path, rows: int) -> None:
        self.read, self.path, self.rows = read, path, rows
        self.wall: list[float] = []
        self.table: Any = None

    def prepare(self, number: int) -> Callable[[], int]:
        """Return a function that reads the file."""

        def run() -> int:
            start = time.perf_counter()
            self.table = self.read(self.path)
            self.wall.append((time.perf_counter() - start) / self.rows)
            return self.rows

        return run

    def loss(self) -> float:
        """Return the mean of the numbers."""
        return float(self.table.mean())


def processor(run: Callable[[], int]) -> float:
    """Return the processor time of all threads per row."""
    start = time.process_time()
    rows = run()
    return (time.process_time() - start) / rows


def memory(path: Path) -> float:
    """Return the peak of what minidl allocates, by the size of the array."""
    tracemalloc.start()
    try:
        size = by_minidl(path).nbytes
        return tracemalloc.get_traced_memory()[1] / size
    finally:
        tracemalloc.stop()


def agree(folder: Path, form: str, scale: float) -> None:
    """Raise unless all readers return what `float` does."""
    write(folder / "few.csv", form, scale, FEW)
    lines = (folder / "few.csv").read_text(encoding="ascii").splitlines()[1:]
    expected = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    for name, read in READERS.items():
        if name != "pandas" or importlib.util.find_spec(name):
            # pandas before 3.0 may differ in the last bit
            np.testing.assert_allclose(read(folder / "few.csv"), expected, rtol=1e-15, err_msg=name)
    if not np.array_equal(by_minidl(folder / "few.csv"), expected):
        raise AssertionError("minidl does not read what float reads")


def measure(name: str, settings: command.Settings) -> dict[str, Any]:
    """Time all readers on numbers that are written in one way."""
    form, scale, rows = FORMS[name], SCALES.get(name, 1.0), ROWS // (10 if settings.quick else 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        agree(folder, form, scale)
        write(folder / "all.csv", form, scale, rows)
        found = {n: r for n, r in READERS.items() if n != "pandas" or importlib.util.find_spec(n)}
        paths = {n: (folder / "few.csv", FEW) if n == LOADTXT else (folder / "all.csv", rows)
                 for n in found}  # fmt: skip
        readers = {n: Reader(read, *paths[n]) for n, read in found.items()}
        times, _ = interleave(readers, settings.repeats, settings.generator, processor)
        peak = memory(folder / "all.csv")
    walls = {n: reader.wall[1:] for n, reader in readers.items()}
    contestants = report.figures(times, ("pandas", LOADTXT))
    for n, row in contestants.items():
        row["wall"] = 1e6 * statistics.median(walls[n])
        row["remark"] = f"wall {row['wall']:.2f}"
    wall = ratio(walls, "minidl", "pandas")
    return {
        "unit": "us per row",
        "contestants": contestants,
        "missing": [] if wall else ["pandas"],
        "targets": report.verdicts(times, [Target("pandas", 2.0)]),
        "wall": wall,
        "memory": peak,
        "notes": [
            *([f"wall time, minidl to pandas: {wall[1]:.2f}"] if wall else []),
            f"peak memory: {peak:.2f} times the array (must 3)",
        ],
    }


CASES = {name: partial(measure, name) for name in FORMS}

if __name__ == "__main__":
    sys.exit(command.main("Time to read a CSV file.", CASES, report.table))
