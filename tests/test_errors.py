from __future__ import annotations

import pickle

import pytest

from minidl import errors


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n.endswith("Error")])
def test_an_error_survives_the_way_to_another_process(name: str) -> None:
    kind = getattr(errors, name)
    error = (
        kind("optimizer", "nga", ["nag"]) if name == "UnknownNameError" else kind("w", received=1)
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert isinstance(copy, errors.MinidlError)


def test_an_unknown_name_gets_the_nearest_also_by_its_beginning() -> None:
    assert "Did you mean 'nag'?" in str(errors.UnknownNameError("optimizer", "nga", ["nag"]))
    assert "Did you mean 'he_normal'?" in str(errors.UnknownNameError("x", "he", ["he_normal"]))
    hidden = errors.UnknownNameError("loss", "bec", ["mean_squared_error"], ["bce"])
    assert "Did you mean 'bce'?" in str(hidden)
    assert "one of: mean_squared_error." in str(hidden)
