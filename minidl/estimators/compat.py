"""Checks of scikit-learn, whose errors become minidl's, and names that differ in version 1.5."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils import validation

from minidl.errors import DataError, DTypeError, MinidlError

LONG = re.compile(r"\narray=.*?\.\n|\n\[.*|\n\w+ does not accept.*", re.DOTALL)  # arrays, advice


def validate(estimator: Any, *data: Any, **options: Any) -> Any:
    """Return checked data; the first time note number and names of features, then compare them."""
    if hasattr(validation, "validate_data"):  # since 1.6
        return checked(validation.validate_data, estimator, *data, **options)
    return checked(estimator._validate_data, *data, **options)


def checked(check: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return the value of a check of scikit-learn, or raise minidl's error with its words."""
    try:
        return check(*arguments, **options)
    except (MinidlError, NotFittedError):
        raise
    except (TypeError, ValueError) as error:
        error_class = DTypeError if isinstance(error, TypeError) else DataError
        raise error_class(LONG.sub(" ", str(error)).strip()) from error
