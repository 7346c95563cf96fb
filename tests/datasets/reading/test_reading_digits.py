"""The fast path: the same numbers as ``float``, or nothing."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl.datasets.reading import decimals, digits, numeric
from minidl.datasets.reading.decimals import parse
from minidl.datasets.reading.numeric import read_numbers

FORMATS = ["{}", "{:.0f}", "{:.1f}", "{:.4f}", "{:.17f}", "{:.18f}", "{:.17g}", "{:.6g}", "{:.18e}",
           "{:.3E}", "{:.0e}", "{:+.2f}"]  # fmt: skip


def block(cells: list[str], width: int = 1, separator: str = ",") -> bytes:
    rows = [cells[i : i + width] for i in range(0, len(cells), width)]
    return "".join(separator.join(row) + "\n" for row in rows).encode()


def needs_float(cell: str) -> bool:
    """Whether a number has more digits or a larger scale than can be exact here."""
    mantissa, _, exponent = cell.lower().lstrip("-").partition("e")
    whole, _, places = mantissa.partition(".")
    return (
        len(places) > 19 or len((whole + places).lstrip("0")) > 19 or mantissa.startswith("+")
        or abs(int(exponent or 0) - len(places)) > 27
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scale", [1e-12, 1e-4, 1.0, 1e7, 1e15, 1e30])
def test_numbers_are_those_of_float_bit_for_bit(form: str, scale: float) -> None:
    values = np.random.default_rng(0).normal(scale=scale, size=4000)
    cells = [form.format(value) for value in values.tolist()]
    found = parse(block(cells, 4), ",", 4)
    if found is None:
        assert sum(map(needs_float, cells)) > decimals.MANY * len(cells)
        return
    expected = np.array([float(cell) for cell in cells]).reshape(-1, 4)
    assert_array_equal(found.view(np.int64), expected.view(np.int64))


@pytest.mark.parametrize("precise", [True, False])
def test_exponents_of_all_kinds_stand_beside_each_other(
    precise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "PRECISE", precise)
    monkeypatch.setattr(decimals, "MANY", 0.5)
    cells = ["1e-05", "-2.5E+3", "0", "7", "-1.25", "3e0", "12e9", "1.5e-10", "-0e5", ".5e1",
             "5.e1", "1e22", "1e23", "-1e-22", "1E-23", "9007199254740993e3", "1e005"]  # fmt: skip
    found = parse(block(cells * 3, 3), ",", 3)
    assert found is not None
    expected = np.array([float(cell) for cell in cells * 3])
    assert_array_equal(found.ravel().view(np.int64), expected.view(np.int64))


@pytest.mark.parametrize("scale", [9, -9, 27, -27, 28, -28, 30, -30, 300, -300])
def test_scales_beyond_extended_precision_are_left_to_float(
    scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decimals, "MANY", 1.0)
    cells = [f"{m}e{scale}" for m in np.random.default_rng(4).integers(10**17, 10**18, 2000)]
    found = parse(block(cells), ",", 1)
    assert found is not None
    assert found[:, 0].tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize("precise", [True, False])
def test_integers_of_19_digits_that_lie_near_the_middle_of_two_floats_are_rounded_once(
    precise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounding to extended precision first would round some of them to the other side."""
    generator = np.random.default_rng(1)
    cells = []
    for _ in range(3000):
        low = int(generator.integers(2**52, 2**53)) * 2 ** int(generator.integers(1, 10))
        middle = str(low + int(generator.integers(-3, 4)))
        cells.append(middle[: len(middle) // 2] + "." + middle[len(middle) // 2 :])
    monkeypatch.setattr(digits, "PRECISE", precise)
    monkeypatch.setattr(decimals, "MANY", 1.0)
    found = parse(block(cells), ",", 1)
    assert found is not None
    assert found[:, 0].tolist() == [float(cell) for cell in cells]


def test_a_result_that_would_be_rounded_twice_is_left_to_float() -> None:
    odd = np.zeros(2, bool)
    m = np.array([2**62 + 2**9, 2**62 + 1], np.uint64)  # the first lies halfway
    digits.scaled(m, np.zeros(2, np.intp), odd)
    assert odd[0]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("-0", -0.0), ("-0.0", -0.0), ("007", 7.0), (".5", 0.5), ("5.", 5.0), ("-.25", -0.25),
     ("+3", 3.0), ("1e3", 1000.0), ("18446744073709551616", 2.0**64),
     ("0.00000000000000000001", 1e-20),
     ("9999999999999999999", 1e19), ("9007199254740993", 2.0**53), ("1" * 40, float("1" * 40))],
)  # fmt: skip
def test_unusual_spellings_are_read_as_python_does(cell: str, value: float) -> None:
    cells = [str(k / 4) for k in range(99)]
    found = parse(block([*cells, cell]), ",", 1)
    assert found is not None
    assert found[-1, 0] == value
    assert np.signbit(found[-1, 0]) == np.signbit(value)
    assert found[:-1, 0].tolist() == [k / 4 for k in range(99)]


@pytest.mark.parametrize(
    "cell",
    ["", "-", ".", "1.2.3", "1-2", "--1", "1 2", "2020-01-01", "12kg", "1,5", "nan?", "1_000",
     "0x1A",     "\u0661", "1e", "e5", "1/2", ":5", "/5", "5:", "1e5.5",
     "1ee5", "1e+-5", "1.e", "-e5", ".e5", "1e+", "1f5", "e", "1e 5", "1+5"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["{}", "{:e}"])
def test_anything_else_is_not_a_number(cell: str, form: str) -> None:
    cells = [form.format(k / 4) for k in range(99)]
    assert parse(block([cell, *cells]), ",", 1) is None
    assert parse(block([*cells, cell]), ",", 1) is None


@pytest.mark.parametrize("text", ["1,2\n3\n", "1\n2,3\n", "1,2,3\n4,5\n6\n", "1,2\n\n3,4\n", ""])
def test_lines_with_other_numbers_of_cells_are_not_a_table(text: str) -> None:
    assert parse(text.encode(), ",", 2) is None


@pytest.mark.parametrize("separator", list(".-+eE5\u00a7"))
def test_a_separator_that_may_be_part_of_a_number_gives_no_wrong_one(separator: str) -> None:
    for cells in (["1", "2"] * 60, ["1.5", "2e3"] * 60, ["", "2"] * 60):
        found = parse(block(cells, 2, separator), separator, 2)
        text = block(cells, 2, separator).decode()
        rows = [line.split(separator) for line in text.splitlines()]
        assert found is None or found.tolist() == [[float(cell) for cell in row] for row in rows]


def test_spaces_after_separators_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numeric, "_by_numpy", None)  # must not be called
    found = read_numbers(io.BytesIO(b"a, b\n1, 2.5\n3, -4e0\n"), 1, ",", 2)
    assert found is not None
    assert found.tolist() == [[1, 2.5], [3, -4]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [0, 5, 10**6])
def test_blocks_are_joined_whatever_their_size(
    separator: str, end: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(2).integers(-999, 999, (500, 3)) / 8
    lines = [separator.join(map(str, row)) for row in values.tolist()]
    content = end.join([separator.join("abc"), *lines]).encode()  # without a last line end
    for length in (7, 64, 1000, 10**6):
        monkeypatch.setattr(numeric, "BLOCK", length)
        found = read_numbers(io.BytesIO(content), 1, separator, 3, size)
        assert found is not None
        assert_array_equal(found, values)


@pytest.mark.parametrize("text", ["1 2\n3   4\n", " 1\t2\n3 4\n", "1e0 2e0\n3.0e+00 4\n"])
def test_runs_of_spaces_and_exponents_are_read_by_numpy(text: str) -> None:
    found = read_numbers(io.BytesIO(text.encode()), 0, " ", 2)
    assert found is not None
    assert found.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "9007199254740993", "1e300", "# 3"])
def test_cells_that_need_a_closer_look_are_left_to_it(cell: str) -> None:
    assert read_numbers(io.BytesIO(f"1,2\n3,{cell}\n".encode()), 0, ",", 2) is None


def test_the_fast_path_and_the_cells_give_the_same(tmp_path: Any) -> None:
    from minidl.datasets import load

    values = np.random.default_rng(3).normal(size=(300, 3))
    text = "".join(",".join(map(repr, row)) + "\n" for row in values.tolist())
    (tmp_path / "fast.csv").write_text("a,b,y\n" + text, encoding="utf-8")
    (tmp_path / "slow.csv").write_text("a,b,y\n" + text + "# end\n", encoding="utf-8")
    fast, slow = (load(tmp_path / name) for name in ("fast.csv", "slow.csv"))
    assert_array_equal(fast.X_train, slow.X_train)
    assert_array_equal(fast.y_test, slow.y_test)
    assert fast.feature_names == slow.feature_names
