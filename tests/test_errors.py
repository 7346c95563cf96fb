from __future__ import annotations

import pickle

import pytest

from minidl import errors
from minidl.errors import DataError


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n.endswith("Error")])
def test_an_error_can_be_pickled(name: str) -> None:
    kind = getattr(errors, name)
    error = (
        kind("optimizer", "nga", ["nag"]) if name == "UnknownNameError" else kind("w", received=1)
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert isinstance(copy, errors.MinidlError)


def test_an_argument_s_error_keeps_its_argument_in_another_process() -> None:
    copy = pickle.loads(pickle.dumps(errors.invalid("lr", -1.0, "positive", "Try 0.1.")))
    assert (copy.argument, str(copy)) == ("lr", "lr must be positive, got -1.0. Try 0.1.")
    assert copy.named("--lr") == "--lr must be positive, got -1.0. Try 0.1."
    assert errors.ArgumentError("give a or b").named("--a") == "give a or b"


def test_a_message_has_what_was_received_what_was_expected_and_a_hint() -> None:
    error = errors.DataError("a", received="b", expected="c", hint="D.")
    assert str(error) == "a: got b, expected c. D."
    assert str(errors.DataError("a", expected="c")) == "a: expected c"


def test_an_unknown_name_suggests_the_nearest_also_by_its_beginning() -> None:
    assert "Did you mean 'nag'?" in str(errors.UnknownNameError("optimizer", "nga", ["nag"]))
    assert "Did you mean 'adam'?" in str(errors.UnknownNameError("x", "adma", ["adamax", "adam"]))
    assert "Did you mean 'he_normal'?" in str(errors.UnknownNameError("x", "he", ["he_normal"]))
    hidden = errors.UnknownNameError("loss", "bec", ["mean_squared_error"], ["bce"])
    assert "Did you mean 'bce'?" in str(hidden)
    assert "one of: mean_squared_error." in str(hidden)


def test_a_message_is_not_as_long_as_what_it_is_about() -> None:
    told = str(DataError("x" * 10**6, received="y" * 10**6, hint="Write it anew."))
    assert len(told) < 4000
    assert told.startswith("xxx")
    assert told.endswith("yyy... Write it anew.")
    assert str(DataError("x" * 3999)) == "x" * 3999
