"""Draw the picture of the README's speed section from figures that were measured.

    python tests/benchmarks/compiled.py --json engines.json
    python tests/benchmarks/picture.py engines.json examples/pictures/speed.png

A row for each workload, a mark for each contestant: its time by that of C written by hand.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from minidl.plots.style import STYLE

C = "C by hand"
LOOKS = {  # contestant -> label, marker and color; a name before a comma stands for all of them
    "compiled": ("minidl", "o", "#0072b2"),
    "eager": ('minidl, engine="eager"', "o", "#8ec5e8"),
    "JAX": ("JAX", "s", "#009e73"),
    "torch": ("PyTorch", "D", "#d55e00"),
    "scikit-learn": ("scikit-learn", "^", "#7f7f7f"),
}


def ratios(case: dict[str, Any]) -> dict[str, float]:
    """Return each drawn contestant's median time by that of C."""
    times = {}
    for name, row in case["contestants"].items():
        look = name.partition(", ")[0].removesuffix(" loop")  # "JAX, scan", "torch loop"
        if look in LOOKS and name not in ("compiled, measured", "compiled, 2 threads"):
            times[look] = row["ratios"][C][1]
    return times


def draw(cases: dict[str, dict[str, Any]], ax: Axes) -> None:
    """Draw the workloads from top to bottom, on a logarithmic axis."""
    names = list(cases)
    for contestant, (label, marker, color) in LOOKS.items():
        points = [(ratios(case).get(contestant), y) for y, case in enumerate(cases.values())]
        drawn = [(x, y) for x, y in points if x is not None]
        if drawn:
            x, y = zip(*drawn, strict=True)
            ax.plot(x, y, marker, color=color, markersize=8, label=label, linestyle="none")
    ax.axvline(1, color="black", linewidth=1)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("time of a step, as a multiple of C written by hand for that network")
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": len(LOOKS)}
    ax.legend(**above, fontsize="small", handletextpad=0.1)


def picture(cases: dict[str, dict[str, Any]]) -> Figure:
    """Return the picture of the cases of compiled.py."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    draw(cases, figure.subplots())
    return figure


def main() -> None:
    """Read the figures and write the picture."""
    parser = argparse.ArgumentParser(description="Draw the figures of compiled.py.")
    parser.add_argument("figures", type=Path, help="what compiled.py --json has written")
    parser.add_argument("out", type=Path, help="the picture, .png")
    options = parser.parse_args()
    cases = json.loads(options.figures.read_text(encoding="utf-8"))["cases"]
    with rc_context(STYLE):
        picture(cases).savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
