"""Numbers from any container, and what counts as a missing value.

Whoever takes data - Tensor, layers, losses, Trainer, data sets - reads them with :func:`numbers`.
"""

from minidl.values.cells import EXACT, exact, is_masked_array
from minidl.values.containers import columns_of, read
from minidl.values.hints import CLASSES, TEXT
from minidl.values.missing import REMEDY, RENAME, Names, check_finite, is_missing, summary
from minidl.values.numbers import numbers

__all__ = ["CLASSES", "EXACT", "REMEDY", "RENAME", "TEXT", "Names", "check_finite", "columns_of"]
__all__ += ["exact", "is_masked_array", "is_missing", "numbers", "read", "summary"]
