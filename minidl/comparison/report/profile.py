"""The profile of several comparisons as a table."""

from __future__ import annotations

import numpy as np

from minidl.comparison.many_problems import TAUS, Profile
from minidl.comparison.report.words import text_table
from minidl.comparison.stats.profiles import R_MAX, ecdf

SHARES = (0.05, 0.2, 1.0)  # of the budget


def profile_text(profile: Profile | None) -> str:
    """Return a profile as a table, or the reason why there is none."""
    if profile is None:
        return (
            "A profile needs two or more problems, and two or more optimizers that all have in"
            " common, at one batch size."
        )
    total, taus = len(profile.problems), ", ".join(f"{tau:g}" for tau in TAUS)
    lines = [["optimizer", f"area to {R_MAX:g}", "solved", "best"]]
    lines[0] += [f"targets by {100 * share:.0f} % of E" for share in SHARES]
    for k, name in enumerate(profile.optimizers):
        solved = int(np.isfinite(profile.costs[k]).sum())
        best = int((profile.ratios[k] == 1).sum())
        lines.append([name, f"{profile.areas[k]:.2f}", f"{solved}/{total}", f"{best}/{total}"])
        lines[-1] += [f"{100 * share:.0f} %" for share in ecdf(profile.hits[name], SHARES)]
    return (
        f"All {total} problems, tuned: performance profile (median epochs to the best"
        f" optimizer's), and the share of all seeds times the targets gap {taus} that is reached\n"
        + text_table(lines)
    )
