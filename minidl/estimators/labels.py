"""The labels of a classifier: their form, and whether they have probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from minidl.errors import DataError
from minidl.estimators.compat import checked
from minidl.estimators.losses import classifier_loss
from minidl.nn.losses import Hinge
from minidl.text import counted, joined

KINDS = ("binary", "multiclass", "multiclass-multioutput", "multilabel-indicator")


def has_probabilities(estimator: Any) -> bool:
    """Return True, or raise an AttributeError if the outputs are not logits of probabilities."""
    try:
        loss = classifier_loss(estimator.loss, several=False)
    except (TypeError, ValueError):
        return True  # fit says what is wrong
    if isinstance(loss, Hinge):
        raise AttributeError("the scores of the hinge loss are not probabilities")
    return True


def takes_parts(estimator: Any) -> bool:
    """Return True, or raise an AttributeError if class weights need all rows at once."""
    if isinstance(estimator.class_weight, str) and estimator.class_weight == "balanced":
        words = "class_weight 'balanced' needs all rows, and partial_fit has some. Give the"
        words += " weights: sklearn.utils.class_weight.compute_class_weight, as a dict."
        raise AttributeError(words)
    return True


def kind_of(y: Any) -> str:
    """Return the type of a target, as scikit-learn names it, or raise unless it holds classes."""
    try:
        if getattr(getattr(y, "dtype", None), "kind", "") == "S":
            raise TypeError  # as scikit-learn 1.7 does; before, it warned
        form: str = type_of_target(y, input_name="y")  # takes longer than the rest of fit's checks
    except TypeError:
        names = sorted({type(label).__name__ for label in np.ravel(y)})
        hint = "Write y = y.astype(str), for instance."
        problem = "labels of several types cannot be sorted"
        if "NoneType" in names:
            problem, hint = "y has missing labels", "Leave these rows out."
        elif len(names) == 1:  # bytes
            problem = "labels must be text or numbers"
        raise DataError(problem, received=joined(names), hint=hint) from None
    if form not in KINDS:
        checked(check_classification_targets, y)  # raises
    return form


def form_of(several: bool, columns: int) -> str:
    """Return the form of targets in words."""
    labels = f"{counted(columns, 'label')} of 0 or 1" if several else "a class"
    return f"{labels} in each row"
