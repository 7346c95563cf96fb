"""What scikit-learn 1.5 calls otherwise than later versions."""

from __future__ import annotations

from typing import Any

from sklearn.utils import validation


def validate(estimator: Any, *data: Any, **options: Any) -> Any:
    """Return checked data; the first time note number and names of features, then compare them."""
    if hasattr(validation, "validate_data"):  # since 1.6
        return validation.validate_data(estimator, *data, **options)
    return estimator._validate_data(*data, **options)
