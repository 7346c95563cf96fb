"""Several comparisons together, as one file holds them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from minidl.comparison.many_problems import Profile, profile
from minidl.comparison.result import Comparison
from minidl.comparison.store import read_record, versions, write_record
from minidl.errors import DataError


class Study:
    """One or more comparisons, and the profile of the optimizers that all of them include.

    `command` is the command line, `made_by` are the versions that trained the runs, by default
    those installed.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        command: Sequence[str] = (),
        made_by: dict[str, str] | None = None,
    ) -> None:
        self.comparisons = list(comparisons)
        self.command = list(command)
        self.versions = made_by or versions()

    @cached_property
    def profile(self) -> Profile | None:
        """The performance profile, or None if the comparisons have no two optimizers in common."""
        return profile(self.comparisons)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.comparisons))

    def profile_text(self) -> str:
        """Return the profile as a table, or the reason why there is none."""
        from minidl.comparison.report.profile import profile_text

        return profile_text(self.profile)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        comparisons = [comparison.to_dict() for comparison in self.comparisons]
        return write_record(comparisons, self.command, self.versions, path)

    @classmethod
    def from_json(cls, path: str | Path) -> Study:
        """Return the study of a file, equal to the last bit; other files raise DataError."""
        data = read_record(path)
        try:
            comparisons = list(map(Comparison.from_dict, data["comparisons"]))
            return cls(comparisons, data["command"], data["versions"])
        except (DataError, LookupError, TypeError) as error:
            raise DataError(f"{path} is not a saved comparison", received=repr(error)) from None
