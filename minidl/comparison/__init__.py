"""Compare how many epochs optimizers need to converge, with verdicts that statistics support.

``compare`` makes a plan, the executor trains its runs, and a ``Comparison`` follows from plan and
runs alone; README.md beside this file explains how. ``plots`` is imported where it is used. This
folder may import everything except ``minidl.cli``.
"""

from minidl.comparison.analysis import Chosen
from minidl.comparison.api import compare, compare_all
from minidl.comparison.curves import tuning_curves
from minidl.comparison.duels import Duel
from minidl.comparison.goal import Goal, Target
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.profile import Profile
from minidl.comparison.replay import Replay, replay
from minidl.comparison.result import Comparison, Study
from minidl.comparison.rows import Row
from minidl.comparison.run import Run, Setting
from minidl.comparison.sensitivity import Cell, target_table, verdicts_by_target
from minidl.comparison.stats import (
    equivalence,
    hitting,
    intervals,
    profiles,
    spending,
    stepdown,
    tuned,
    tuning,
    verdicts,
)
from minidl.comparison.stats.equivalence import *  # noqa: F403
from minidl.comparison.stats.hitting import *  # noqa: F403
from minidl.comparison.stats.intervals import *  # noqa: F403
from minidl.comparison.stats.profiles import *  # noqa: F403
from minidl.comparison.stats.spending import *  # noqa: F403
from minidl.comparison.stats.stepdown import *  # noqa: F403
from minidl.comparison.stats.tuned import *  # noqa: F403
from minidl.comparison.stats.tuning import *  # noqa: F403
from minidl.comparison.stats.verdicts import *  # noqa: F403

__all__ = ["Chosen", "Comparison", "Contestant", "Duel", "Goal", "Plan", "Profile", "Row", "Run"]
__all__ += ["Cell", "Setting", "Study", "Target", "compare", "compare_all"]
__all__ += ["Replay", "replay"]
__all__ += ["target_table", "tuning_curves", "verdicts_by_target"]
__all__ += equivalence.__all__
__all__ += hitting.__all__
__all__ += intervals.__all__
__all__ += profiles.__all__
__all__ += spending.__all__
__all__ += stepdown.__all__
__all__ += tuned.__all__
__all__ += tuning.__all__
__all__ += verdicts.__all__
