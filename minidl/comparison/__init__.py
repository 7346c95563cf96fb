"""Comparison: how many epochs each optimizer needs, and how sure that is."""

from minidl.comparison.analysis import Chosen, Duel, Row
from minidl.comparison.api import compare
from minidl.comparison.goal import Goal, Target
from minidl.comparison.many_problems import Profile
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.result import Comparison
from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import (
    diverged_at,
    expected_running_time,
    hitting_times,
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
from minidl.comparison.stats.survival import kaplan_meier, kaplan_meier_median, log_rank
from minidl.comparison.stats.tests import faster_probability, holm, median, sign_flip
from minidl.comparison.stats.tuning import choose_rate, expected_best, trial_weights
from minidl.comparison.stats.verdicts import Verdict, fewest_seeds, verdict
from minidl.comparison.study import Study

__all__ = [
    "Chosen",
    "Comparison",
    "Contestant",
    "Duel",
    "Goal",
    "Plan",
    "Profile",
    "Row",
    "Run",
    "Setting",
    "Study",
    "Target",
    "Verdict",
    "bootstrap_interval",
    "bootstrap_means",
    "choose_rate",
    "compare",
    "diverged_at",
    "ecdf",
    "ecdf_steps",
    "expected_best",
    "expected_running_time",
    "faster_probability",
    "fewest_seeds",
    "hitting_times",
    "holm",
    "kaplan_meier",
    "kaplan_meier_median",
    "log_rank",
    "median",
    "median_interval",
    "median_ranks",
    "performance_ratios",
    "profile_areas",
    "restricted",
    "restricted_mean",
    "sign_flip",
    "trial_weights",
    "tuned_interval",
    "verdict",
]
