"""Histories in files: what JSON and CSV must hold, checked before there is a history."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from minidl.errors import ArgumentError, DataError, FileError, invalid
from minidl.files import open_regular
from minidl.schema import fields, integer, listed, mapped, number, optional, text
from minidl.sealed import damaged, parse, read_json, seal_json, seal_of_json

COUNTS = ("epoch", "updates", "gradient_evaluations", "samples")
LARGEST = 2**63 - 1  # count
ROUNDING = 1e-6  # of a weighted mean
ENDING = ("stopped_by", "diverged_at", "advice")
FORMAT = 2  # of the JSON file; 1 had neither this number nor a checksum
FORM = fields(
    {
        "columns": mapped(listed(optional(number()))),
        "stopped_by": optional(text),
        "diverged_at": optional(integer()),
        "advice": text,
    },
    {"format": integer(FORMAT, FORMAT), "sha256": text},
)


def check_form(data: Any) -> None:
    """Raise a ValueError unless data are those of a history."""
    FORM(data, "")
    lengths = {name: len(values) for name, values in data["columns"].items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths!s:.100}")
    check_counts(data["columns"])


def check_counts(columns: Mapping[str, Any]) -> None:
    """Raise a ValueError unless counts are integers, epochs ascend and accuracies are shares."""
    if columns and "epoch" not in columns:
        raise ValueError(f"it has no column epoch: {', '.join(columns):.100}")
    for name in COUNTS:
        if not all(type(n) is int and 0 <= n <= LARGEST for n in columns.get(name, ())):
            raise ValueError(f"{name} is not a count in each row")
    for name in ("train_accuracy", "validation_accuracy"):
        for share in columns.get(name, ()):
            if share is not None and (share < -ROUNDING or share > 1 + ROUNDING):
                raise ValueError(f"{name} is {share}, which is not a share")
    if any(after <= before for before, after in pairwise(columns.get("epoch", ()))):
        raise ValueError("epochs do not ascend")


def as_count(name: str, value: Any) -> int:
    """Return a whole number as an int; anything else, such as nan, is an ArgumentError."""
    try:
        count = int(value)
    except (ValueError, OverflowError):  # of nan, an infinity, a text
        count = None
    if count is None or abs(count) > LARGEST or (isinstance(value, float) and count != value):
        raise invalid(name, value, "a whole number")
    return count


def json_of(data: Mapping[str, Any]) -> str:
    """Return the data of a history as JSON with a version and a checksum."""
    return seal_json(json.dumps({"format": FORMAT, **data}, indent=1, allow_nan=False))


def data_of_json(source: str | Path) -> dict[str, Any]:
    """Return the checked data of a JSON file, or of a text that begins with a brace."""
    is_text = isinstance(source, str) and source.lstrip().startswith("{")
    expected = "a saved history"
    try:
        if is_text:
            data = f"{str(source).rstrip()}\n".encode()
            sealed = seal_of_json(data) is not None
        else:
            data, sealed = read_json(source, expected)
        content: dict[str, Any] = parse(data)
        check_form(content)
        if "format" in content and not sealed:
            raise ValueError("its checksum is missing")
    except (DataError, ArgumentError):
        raise
    except ValueError as error:
        raise damaged("the text" if is_text else source, expected, error) from None
    return content


def rows_of_csv(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and cells of each row of a CSV file, whose last line must be whole."""
    with open_regular(path) as file:
        data = file.read()
    if data and not data.endswith(b"\n"):
        hint = "Delete that line, or end it with a line break if it is whole."
        raise FileError(f"the last line of {path} is cut off", hint=hint)
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise ValueError("two columns have the same name")
        if names and "epoch" not in names:
            raise ValueError(f"its first line names no column epoch: {', '.join(names):.100}")
        for number, row in enumerate(reader):
            for cell in row.values():
                if isinstance(cell, str) and ("_" in cell or not cell.isascii()):
                    raise ValueError(f"row {number} has {cell!r:.60}, which is not a number")
            yield number, row
    except (csv.Error, ValueError) as error:
        raise DataError(f"{path} is not a table of numbers: {error}") from None
