"""Compare how many epochs optimizers need to converge, with verdicts that statistics support.

``compare`` makes a plan, the executor trains its runs, and a ``Comparison`` follows from plan and
runs alone; README.md beside this file explains how. ``report`` and ``plots`` are imported where
they are used. This folder may import everything except ``minidl.cli``.
"""

from minidl.comparison.analysis import Chosen, Duel, Row
from minidl.comparison.api import compare, compare_all
from minidl.comparison.goal import Goal, Target
from minidl.comparison.many_problems import Profile
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.result import Comparison, Study
from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import (
    expected_running_time,
    hitting_times,
    median,
    restricted,
    restricted_mean,
)
from minidl.comparison.stats.intervals import (
    bootstrap_interval,
    bootstrap_means,
    median_interval,
    median_ranks,
    tuned_interval,
)
from minidl.comparison.stats.profiles import ecdf, ecdf_steps, performance_ratios, profile_areas
from minidl.comparison.stats.tuning import choose_rate, expected_best, trial_weights
from minidl.comparison.stats.verdicts import (
    Verdict,
    faster_probability,
    fewest_seeds,
    holm,
    sign_flip,
    verdict,
)

__all__ = [
    "Chosen", "Comparison", "Contestant", "Duel", "Goal", "Plan", "Profile", "Row", "Run",
    "Setting", "Study", "Target", "Verdict", "bootstrap_interval", "bootstrap_means", "choose_rate",
    "compare", "compare_all", "ecdf", "ecdf_steps", "expected_best", "expected_running_time",
    "faster_probability", "fewest_seeds", "hitting_times", "holm", "median", "median_interval",
    "median_ranks", "performance_ratios", "profile_areas", "restricted", "restricted_mean",
    "sign_flip", "trial_weights", "tuned_interval", "verdict",
]  # fmt: skip
