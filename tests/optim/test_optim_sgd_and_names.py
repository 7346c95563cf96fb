"""Names, aliases and the SGD everybody knows: each leads to the rule it says."""

import inspect
import re

import numpy as np
import pytest

from minidl import optim
from minidl.errors import ArgumentError, UnknownNameError

RULES = {
    optim.GradientDescent: {"batch", "stochastic", "gd"},
    optim.Momentum: {"momentum"},
    optim.NAG: {"nag"},
    optim.ReformulatedNAG: {"nag-reformulated"},
    optim.Adam: {"adam"},
    optim.AdamW: {"adamw"},
    optim.NAdam: {"nadam"},
    optim.RAdam: {"radam"},
    optim.AMSGrad: {"amsgrad"},
    optim.AdaMax: {"adamax"},
    optim.RMSprop: {"rmsprop"},
    optim.CenteredRMSprop: {"rmsprop-centered"},
    optim.Adagrad: {"adagrad"},
    optim.Adadelta: {"adadelta"},
    optim.Lion: {"lion"},
    optim.Rprop: {"rprop"},
}
ALIASES = {
    "bgd": "batch",
    "full-batch": "batch",
    "sgd": "stochastic",
    "mini-batch": "gd",
    "gradient-descent": "gd",
    "heavy-ball": "momentum",
    "classical-momentum": "momentum",
    "nesterov": "nag",
    "nag-look-ahead": "nag",
    "nesterov-reformulated": "nag-reformulated",
    "keras-nesterov": "nag-reformulated",
    "adaptive-moments": "adam",
    "decoupled-adam": "adamw",
    "nesterov-adam": "nadam",
    "rectified-adam": "radam",
    "adam-amsgrad": "amsgrad",
    "centered-rmsprop": "rmsprop-centered",
    "rmsprop-centred": "rmsprop-centered",
    "irprop": "rprop",
    "resilient-propagation": "rprop",
}


def concrete_rules() -> set[type]:
    exported = (getattr(optim, name) for name in optim.__all__)
    return {
        cls
        for cls in exported
        if inspect.isclass(cls) and issubclass(cls, optim.Optimizer) and not inspect.isabstract(cls)
        if not issubclass(cls, optim.Modifier)  # which are in test_optim_modifiers.py
    }


def test_the_rules_tested_are_the_rules_exported_and_the_rules_in_the_table() -> None:
    assert set(RULES) == concrete_rules() == {entry.optimizer for entry in optim.TABLE}
    for rule, names in RULES.items():
        assert {entry.name for entry in optim.TABLE if entry.optimizer is rule} == names


def test_every_export_exists_once() -> None:
    assert len(set(optim.__all__)) == len(optim.__all__)


def test_names_and_aliases_are_unique_and_written_as_lookup_compares_them() -> None:
    names = [name for entry in optim.TABLE for name in (entry.name, *entry.aliases)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower().strip() and not set(name) & {"_", " "} for name in names)


def test_every_alias_is_tested_and_leads_to_its_row() -> None:
    assert {a for entry in optim.TABLE for a in entry.aliases} == set(ALIASES)
    for alias, name in ALIASES.items():
        assert optim.lookup(alias) is optim.lookup(name)
        assert optim.lookup(name).name == name


@pytest.mark.parametrize(
    "spelling", ["NAG", " nag ", "Nesterov", "nag_look_ahead", "NAG Look-Ahead"]
)
def test_capitals_spaces_and_underscores_do_not_matter(spelling: str) -> None:
    assert optim.lookup(spelling).optimizer is optim.NAG


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [
        ("nga", "nag"),
        ("momentm", "momentum"),
        ("minibach", "mini-batch"),
        ("stochastc", "stochastic"),
    ],
)
def test_unknown_name_suggests_the_nearest(typo: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        optim.lookup(typo)
    message = str(caught.value)
    assert message.startswith(f"unknown optimizer {typo!r}")
    assert message.endswith(f"Did you mean {nearest!r}?")
    assert all(entry.name in message for entry in optim.TABLE)


def test_name_like_no_other_gets_the_list_and_no_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        optim.lookup("zzzzzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("entry", optim.TABLE, ids=lambda entry: entry.name)
def test_row_makes_its_rule_with_the_values_given(entry: optim.Entry) -> None:
    made = entry.make(0.25, 0.5)
    assert type(made) is entry.optimizer
    arguments = inspect.signature(entry.optimizer).parameters.values()
    defaults = {p.name: p.default for p in arguments if p.name not in ("lr", "momentum")}
    expected = {"lr": 0.25, "momentum": 0.5} if entry.has_momentum else {"lr": 0.25}
    assert made.hyperparameters == expected | defaults
    assert entry.make(0.25).hyperparameters.get("momentum") == entry.default_momentum
    assert entry.has_momentum == ("momentum" in inspect.signature(entry.optimizer).parameters)
    assert entry.summary


@pytest.mark.parametrize(
    ("name", "own", "fixed"),
    [
        ("batch", "full", True),
        ("stochastic", 1, True),
        ("gd", 32, False),
        ("momentum", 32, False),
        ("nag", 32, False),
        ("nag-reformulated", 32, False),
    ],
)
def test_a_name_that_says_its_batch_size_keeps_it(name: str, own: object, fixed: bool) -> None:
    entry = optim.lookup(name)
    assert entry.batches() == entry.batches(entry.batch_size) == own
    if not fixed:
        assert (entry.batches(8), entry.batches("full")) == (8, "full")
        return
    with pytest.raises(ArgumentError, match=f"'{name}' is gradient descent at batch size {own}"):
        entry.batches(8)


def test_sgd_leads_to_the_rule_keras_and_pytorch_mean() -> None:
    assert type(optim.SGD(0.1)) is optim.GradientDescent
    assert type(optim.SGD(0.1, 0.0)) is optim.GradientDescent
    assert type(optim.SGD(0.1, 0.9)) is optim.Momentum
    assert type(optim.SGD(0.1, momentum=0.9, nesterov=True)) is optim.ReformulatedNAG
    assert optim.SGD(0.1, 0.9, nesterov=True).hyperparameters == {"lr": 0.1, "momentum": 0.9}


def test_sgd_takes_schedules_and_replicas() -> None:
    rising = optim.LinearWarmup(0.9, steps=10)
    assert type(optim.SGD(rising, rising)) is optim.Momentum
    assert type(optim.SGD(0.1, rising, nesterov=True)) is optim.ReformulatedNAG
    assert type(optim.SGD([0.1, 0.2], [0.0, 0.9])) is optim.Momentum
    assert type(optim.SGD([0.1, 0.2], [0.0, 0.0])) is optim.GradientDescent


@pytest.mark.parametrize("zero", [0, 0.0, np.float32(0), np.int64(0), np.array(0.0), [0.0, 0.0]])
def test_nesterov_without_momentum_is_refused_and_says_why(zero: object) -> None:
    with pytest.raises(ArgumentError) as caught:
        optim.SGD(0.1, zero, nesterov=True)
    message = str(caught.value)
    assert "nesterov=True with momentum=0 would do nothing" in message
    assert f"momentum={zero!r}" in message
    assert "expected 0 < momentum < 1" in message
    assert "such as 0.9" in message


def test_nesterov_is_keyword_only() -> None:
    with pytest.raises(TypeError, match="takes 2 arguments without a name, got 3"):
        optim.SGD(0.1, 0.9, True)  # type: ignore[misc]


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("wrong", [True, False, "0.9", None, 1.0, -0.1])
def test_sgd_refuses_what_its_rules_refuse(wrong: object, nesterov: bool) -> None:
    with pytest.raises(
        ArgumentError, match=rf"^momentum must be .*, got {re.escape(repr(wrong))}$"
    ):
        optim.SGD(0.1, wrong, nesterov=nesterov)


def test_rows_are_fixed_and_make_a_momentum_of_nine_tenths_by_default() -> None:
    row = optim.lookup("nag")
    assert repr(row.make(0.1)) == "NAG(lr=0.1, momentum=0.9)"
    with pytest.raises(AttributeError, match="cannot assign"):
        row.fixed = True  # type: ignore[misc]
