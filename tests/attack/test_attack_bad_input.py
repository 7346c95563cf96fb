"""Bad input to the whole Python API: see `bad_input.py`, and the tables in bad_input/."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bad_input import Row, fault_of, tables

ROWS = {f"{name}: {row.call}": row for name, rows in tables().items() for row in rows}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_bad_input_is_answered_by_an_error_that_names_it(row: Row) -> None:
    assert fault_of(row) is None


def test_there_are_no_fewer_rows_than_the_readme_says() -> None:
    assert len(ROWS) >= 1500
    assert len({row.call for row in ROWS.values()}) == len(ROWS)


@pytest.mark.parametrize(
    ("call", "kind", "message", "fault"),
    [
        ("nn.Dense(2, 3)", "ArgumentError", "", "accepted"),
        ("1 / 0", "ArgumentError", "", "raised ZeroDivisionError"),
        ("nn.Dense(0, 3)", "ShapeError", "", "raised ArgumentError instead of ShapeError"),
        ("nn.Dense(0, 3)", "ArgumentError", "out_features", "said 'in_features must"),
        ("raise errors.DataError('x' * 700)", "DataError", "", "said too much"),
        ("raise errors.DataError(repr(X))", "DataError", "", "said too much"),
    ],
)
def test_the_attack_finds_each_kind_of_fault(
    call: str, kind: str, message: str, fault: str
) -> None:
    found = fault_of(Row(call, kind, message))
    assert found is not None
    assert found.startswith(fault)
