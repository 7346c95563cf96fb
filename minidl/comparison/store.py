"""The file of a comparison: one JSON object with every curve, from which all else follows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from minidl.errors import DataError

__all__ = ["PROTOCOL", "read_record", "record_text", "versions"]

PROTOCOL = 1


def versions() -> dict[str, str]:
    """Return the versions of what the numbers depend on."""
    from minidl import __version__

    others = {name: version(name) for name in ("numpy", "scikit-learn")}
    return {"minidl": __version__, **others}


def record_text(
    comparisons: Sequence[Mapping[str, Any]],
    command: Sequence[str] = (),
    made_by: Mapping[str, str] | None = None,
) -> str:
    """Return the record as JSON, one run a line.

    Parameters
    ----------
    comparisons : sequence of dict
        Each with a plan and runs.
    command : sequence of str, optional
        The command line.
    made_by : dict of str, optional
        Versions; by default those that are installed.
    """
    head = {"protocol": PROTOCOL, "versions": dict(made_by or versions()), "command": list(command)}
    parts = []
    for one in comparisons:
        rest = {name: value for name, value in one.items() if name != "runs"}
        runs = ",\n".join(map(_compact, one["runs"]))
        parts.append(f'{_compact(rest)[:-1]},"runs":[\n{runs}\n]}}')
    joined = ",\n".join(parts)
    return f'{_compact(head)[:-1]},"comparisons":[\n{joined}\n]}}\n'


def _compact(data: Any) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def read_record(path: str | Path) -> dict[str, Any]:
    """Return the record of a file.

    Raises
    ------
    DataError
        The file cannot be read, is no record, or is one of another protocol.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found: dict[str, Any] = {"protocol": data["protocol"], **data}
        list(found["comparisons"])
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is not a saved comparison",
            received=f"what is no JSON, or not the whole of it, from line {error.lineno} on",
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not a saved comparison", received="what is no text") from None
    except (LookupError, TypeError, ValueError):
        raise DataError(
            f"{path} is not a saved comparison", received="JSON of something else"
        ) from None
    if found["protocol"] != PROTOCOL:
        raise DataError(
            f"{path} follows another protocol",
            received=f"version {found['protocol']}",
            expected=f"version {PROTOCOL}",
        )
    return found
