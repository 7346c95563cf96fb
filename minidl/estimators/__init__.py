"""Estimators for scikit-learn: a multilayer perceptron with every optimizer of minidl."""

from minidl.estimators.classifier import MLPClassifier
from minidl.estimators.regressor import MLPRegressor
from minidl.keywords import attribute_of

__all__ = ["MLPClassifier", "MLPRegressor"]
__getattr__ = attribute_of("minidl.estimators")
