"""From a table to arrays: which columns are used and how, the split, and what is fitted on it."""

from minidl.datasets.preparing.choices import Choices
from minidl.datasets.preparing.fitting import check_scaled, fit, recoded
from minidl.datasets.preparing.preparation import Feature, Preparation
from minidl.datasets.preparing.raw import Floats, Raw, Targets, Task
from minidl.datasets.preparing.selection import rows_of
from minidl.datasets.preparing.split import split

__all__ = ["Choices", "Feature", "Floats", "Preparation", "Raw", "Targets", "Task"]
__all__ += ["check_scaled", "fit", "recoded", "rows_of", "split"]
