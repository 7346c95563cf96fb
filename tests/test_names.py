"""All registries ignore case, spaces, ``_`` and ``-`` in names."""

from collections.abc import Callable
from typing import Any

import pytest

from minidl import datasets, nn, optim
from minidl.errors import UnknownNameError
from minidl.nn.initializers import initializer
from minidl.nn.losses import loss

READERS: list[tuple[Callable[[Any], Any], str, list[str]]] = [
    (
        lambda name: type(nn.activation(name)),
        "leaky_relu",
        ["Leaky-ReLU", " leaky relu", "LeakyReLU"],
    ),
    (lambda name: type(loss(name)), "mse", ["MSE", "mean squared error", "Mean-Squared-Error"]),
    (initializer, "he_normal", ["He Normal", "he-normal", "HeNormal"]),
    (optim.lookup, "mini-batch", ["Mini Batch", "mini_batch", "MiniBatch"]),
    (
        lambda name: datasets.load(name).name,
        "breast_cancer",
        ["Breast-Cancer", "breast cancer", "BreastCancer"],
    ),
]


@pytest.mark.parametrize(("read", "name", "spellings"), READERS)
def test_spelling_does_not_matter(read: Any, name: str, spellings: list[str]) -> None:
    assert all(read(spelling) == read(name) for spelling in spellings)


@pytest.mark.parametrize("read", [row[0] for row in READERS])
def test_an_unknown_name_is_an_error_that_lists_the_names(read: Any) -> None:
    with pytest.raises(UnknownNameError, match="expected one of"):
        read("nothing-like-it")
