"""Bad input to the whole Python API: see `bad_input.py`, and the tables in bad_input/."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bad_input import Row, fault_of, tables

TABLES = tables()


@pytest.mark.parametrize("table", TABLES)
def test_bad_input_is_answered_by_an_error_that_names_it(table: str) -> None:
    faults = [f"{row.call}\n    {fault}" for row in TABLES[table] if (fault := fault_of(row))]
    assert not faults, "\n".join(faults)


def test_there_are_no_fewer_rows_than_the_readme_says() -> None:
    calls = [row.call for rows in TABLES.values() for row in rows]
    assert len(calls) >= 1500
    assert len(set(calls)) == len(calls)


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
