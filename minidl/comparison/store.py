"""The JSON record of a comparison, which is written when everything is finished.

Until then ``moons.json.part`` gets one line for each finished block (:mod:`journal`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from minidl.comparison.engine import NONE
from minidl.comparison.form import RECORD
from minidl.errors import DataError, cut
from minidl.files import atomic_write
from minidl.sealed import damaged, parse, read_json, seal_json

PROTOCOL = 3  # 1 to 3 hold the same: every curve, and what was asked; 3 has a checksum
READABLE = 1, 2, PROTOCOL
WHAT = "a saved comparison"
LONGEST = 100  # letters of a value in a message
SUM = "data and weights"  # a checksum, which says nothing to a reader
Json = Mapping[str, Any]


def versions() -> dict[str, str]:
    """Return the versions of the packages that the numbers depend on."""
    from minidl import __version__

    return {"minidl": __version__, **{name: version(name) for name in ("numpy", "scikit-learn")}}


def write_record(head: Json, comparisons: Sequence[Json], path: str | Path | None) -> str:
    """Return the record as JSON, one run per line, and write it to `path` if that is given.

    Its last entry is a checksum of all before it.
    """
    parts = []
    for comparison in comparisons:
        header = {name: value for name, value in comparison.items() if name != "runs"}
        runs = ",\n".join(map(compact, comparison["runs"]))
        parts.append(f'{compact(header)[:-1]},"runs":[\n{runs}\n]}}')
    blocks = ",\n".join(parts)
    text = f'{compact({"protocol": PROTOCOL, **head})[:-1]},"comparisons":[\n{blocks}\n]}}'
    text = seal_json(text)
    if path is not None:
        with atomic_write(path, "w") as file:
            file.write(text)
    return text


def compact(data: object) -> str:
    """Return JSON without spaces."""
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def renamed(text: bytes) -> bytes:
    """Return JSON text in which "mini-batch" is called so; older files use an alias."""
    return text.replace(b'"minibatch"', b'"mini-batch"')


def read_record(path: str | Path) -> dict[str, Any]:
    """Return the record of a file, whose comparisons are not checked; DataError if it is none."""
    data, sealed = read_json(path, WHAT)
    try:
        record: dict[str, Any] = parse(renamed(data))
        if not isinstance(record, dict) or "comparisons" not in record:
            raise ValueError("the JSON has other contents")
        protocol = record.get("protocol")
        if protocol in READABLE:
            RECORD(record, "")
            if protocol == PROTOCOL and not sealed:
                raise ValueError("its checksum is missing")
    except ValueError as error:
        raise damaged(path, WHAT, error) from None
    if protocol not in READABLE:
        problem, expected = f"{path} has another protocol version", "1, 2 or 3"
        raise DataError(problem, received=protocol, expected=expected)
    return record


def differences(written: Sequence[Json], requested: Sequence[Json]) -> list[str]:
    """Return what differs between the headers of a file and those requested.

    >>> written = {"optimizers": {"gd": "GradientDescent(lr=0.1)", "nag": "NAG(lr=0.1)"}}
    >>> differences([written], [{"optimizers": {**written["optimizers"], "nag": "NAG(lr=1.0)"}}])
    ["nag in optimizers is 'NAG(lr=0.1)' there, 'NAG(lr=1.0)' requested"]
    """
    if not isinstance(written, list) or len(written) != len(requested):
        return ["the number of comparisons"]
    changes: dict[str, list[str]] = {}
    for there, here in zip(written, requested, strict=True):
        old, new = ({**header, **header.get("plan", {}), "plan": None} for header in (there, here))
        for name in {**old, **new}:
            there_is, wanted = (own.get(name, NONE.get(name)) for own in (old, new))
            if there_is != wanted:
                changes[name] = list(_changes(name, there_is, wanted))
    causes = changes.keys() - {SUM, "contestants"}  # these follow from the others
    return [change for name in sorted(causes or changes) for change in changes[name]]


def _changes(name: str, there_is: Any, wanted: Any) -> Iterator[str]:
    """Yield a sentence for each entry of a value that differs, or one for the whole value."""
    if name == SUM:
        yield f"{name} differ"
        return
    old, new = _entries(there_is), _entries(wanted)
    if old is None or new is None:
        one, other = repr(there_is), repr(wanted)
        yield f"{name} is {_shown(one, other)} there, {_shown(other, one)} requested"
        return
    if old == new:
        yield f"the order of {name} differs"
    for entry in {**old, **new}:
        label = f"{entry} in {name}"
        if entry not in new:
            yield f"{label} is not requested"
        elif entry not in old:
            yield f"{label} is not there"
        elif old[entry] != new[entry]:
            yield from _changes(label, old[entry], new[entry])


def _entries(value: Any) -> dict[str, Any] | None:
    """Return the entries of a dictionary or of a list of named ones, or None."""
    if isinstance(value, dict):
        return value
    named = isinstance(value, list) and all(isinstance(v, dict) and "name" in v for v in value)
    return {v["name"]: v for v in value} if named and value else None


def _shown(text: str, other: str) -> str:
    """Return a text, of a long one the part where it begins to differ from the other."""
    if len(text) <= LONGEST:
        return text
    pairs = enumerate(zip(text, other, strict=False))
    same = next((k for k, (one, another) in pairs if one != another), len(other))
    begin = max(0, same - LONGEST // 4)
    return "..." * (begin > 0) + cut(text[begin:], LONGEST)
