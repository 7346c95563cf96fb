"""Comparison: how many epochs each optimizer needs, and how sure that is."""

from minidl.comparison.comparison import Comparison, compare
from minidl.comparison.experiment import Experiment, Run
from minidl.comparison.report import Duel, Row
from minidl.comparison.statistics import holm, median, sign_flip

__all__ = [
    "Comparison",
    "Duel",
    "Experiment",
    "Row",
    "Run",
    "compare",
    "holm",
    "median",
    "sign_flip",
]
