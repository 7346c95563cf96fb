"""Advice for values that are neither a number nor an array of numbers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

TEXT = "Encode text as numbers, such as 0 and 1; .astype(float) reads numbers in text."
CLASSES = "Number the classes with np.unique(y, return_inverse=True)[1]."
DATES = "Count from a day: (dates - dates.min()) / np.timedelta64(1, 'D')."
DURATIONS = "Divide by a unit: durations / np.timedelta64(1, 's')."
COMPLEX = "Use .real and .imag."
FIELDS = "Use numpy.lib.recfunctions.structured_to_unstructured."
HINTS: tuple[tuple[Callable[[Any], bool], str], ...] = (  # the first that applies
    (lambda x: hasattr(x, "toarray"), "Use .toarray()."),  # scipy.sparse
    (lambda x: hasattr(x, "collect"), "Use .collect()."),  # polars.LazyFrame
    (lambda x: isinstance(x, Mapping), "Use np.column_stack(list(columns.values()))."),
    (lambda x: isinstance(x, (set, frozenset)), "A set has no order; use a list."),
    (lambda x: isinstance(x, np.datetime64) or hasattr(x, "toordinal"), DATES),
    (lambda x: isinstance(x, np.timedelta64) or hasattr(x, "total_seconds"), DURATIONS),
    (lambda x: isinstance(x, (complex, np.complexfloating)), COMPLEX),
    (lambda x: isinstance(x, Iterable), "Use an array, such as np.array(list(rows))."),
)


def hint_for(data: Any, text: str = "") -> str | None:
    """Return advice for a value that is not an array of numbers, or None."""
    if isinstance(data, (str, bytes)):
        return text
    return next((hint for applies, hint in HINTS if applies(data)), None)
