"""Files of a comparison: the JSON record, and the journal that is kept while it is running.

``moons.json.part`` gets one line for each finished block. When everything is finished,
``moons.json`` is written, and the journal deleted.
"""

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from minidl.comparison.run import FullKey, Run
from minidl.errors import DataError
from minidl.files import atomic_write

PROTOCOL = 2  # of the analysis; 1 and 2 hold the same: every curve, and what was asked
READABLE = 1, PROTOCOL
Json = Mapping[str, Any]


def versions() -> dict[str, str]:
    """Return the versions of the packages that the numbers depend on."""
    from minidl import __version__

    return {"minidl": __version__, **{name: version(name) for name in ("numpy", "scikit-learn")}}


def write_record(head: Json, comparisons: Sequence[Json], path: str | Path | None) -> str:
    """Return the record as JSON, one run per line, and write it to `path` if that is given."""
    parts = []
    for comparison in comparisons:
        rest = {name: value for name, value in comparison.items() if name != "runs"}
        runs = ",\n".join(map(_compact, comparison["runs"]))
        parts.append(f'{_compact(rest)[:-1]},"runs":[\n{runs}\n]}}')
    joined = ",\n".join(parts)
    text = f'{_compact({"protocol": PROTOCOL, **head})[:-1]},"comparisons":[\n{joined}\n]}}\n'
    if path is not None:
        with atomic_write(path, "w") as file:
            file.write(text)
    return text


def _compact(data: object) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def _loads(text: bytes) -> Any:
    """Return JSON data; older files call the optimizer "mini-batch" by an alias."""
    return json.loads(text.replace(b'"minibatch"', b'"mini-batch"'))


def read_record(path: str | Path) -> dict[str, Any]:
    """Return the record of a file; DataError says why it is none."""
    wrong = f"{path} is not a saved comparison"
    try:
        record: dict[str, Any] = _loads(Path(path).read_bytes())
        protocol, _ = record["protocol"], list(record["comparisons"])
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        wrong += f": invalid or incomplete JSON, from line {error.lineno} on"
        raise DataError(wrong) from None
    except UnicodeDecodeError:
        raise DataError(f"{wrong}: it is not UTF-8 text") from None
    except (LookupError, TypeError, ValueError):
        raise DataError(f"{wrong}: the JSON has other contents") from None
    if protocol not in READABLE:
        wrong = f"{path} has another protocol version"
        raise DataError(wrong, received=protocol, expected=" or ".join(map(str, READABLE)))
    return record


class Journal:
    """The finished runs of several comparisons, in ``path + ".part"`` unless `path` is None.

    `headers` identify the comparisons, other headers in the file raise DataError; `runs` are those
    that it held.
    """

    def __init__(self, path: str | Path | None, headers: Sequence[Json]) -> None:
        self._path = None if path is None else Path(f"{path}.part")
        self.runs: list[dict[FullKey, Run]] = [{} for _ in headers]
        if self._path is None:
            return
        lines = _whole_lines(self._path) if self._path.exists() else []
        if not lines:
            self._append(headers)
            return
        try:
            written, *blocks = map(_loads, lines)
            changes = differences(written, headers)
            runs = [(number, Run.from_dict(run)) for number, block in blocks for run in block]
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise DataError(f"{self._path} is not a journal", received=repr(error)) from None
        if written != headers:
            wrong = f"{self._path} belongs to another comparison: {', '.join(changes)}"
            hint = "Give the arguments that began it, or another file; or delete it."
            raise DataError(wrong, hint=hint)
        for number, run in runs:
            self.runs[number][run.full_key] = run

    def add(self, number: int, runs: Sequence[Run]) -> None:
        """Keep the finished runs of comparison `number`."""
        self._append([number, [run.to_dict() for run in runs]])

    def _append(self, data: object) -> None:
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_compact(data) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Delete the file, once the record is written."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines of a journal, and remove a last line that a kill cut short."""
    whole, _, rest = path.read_bytes().rpartition(b"\n")
    if rest:
        os.truncate(path, len(whole) + 1 if whole else 0)
    return whole.splitlines()


def differences(written: Sequence[Json], requested: Sequence[Json]) -> list[str]:
    """Return what differs between the headers of a file and those requested."""
    if not isinstance(written, list) or len(written) != len(requested):
        return ["the number of comparisons"]
    changes: dict[str, str] = {}
    for there, here in zip(written, requested, strict=True):
        old, new = ({**header, **header["plan"], "plan": None} for header in (there, here))
        for name in {**old, **new}:
            there_is, wanted = old.get(name), new.get(name)
            if there_is != wanted:
                changes[name] = f"{name} is {there_is!r:.60} there, {wanted!r:.60} requested"
    causes = changes.keys() - {"data and weights", "contestants"}  # these follow from the others
    return [changes[name] for name in sorted(causes or changes)]
