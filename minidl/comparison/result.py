"""One comparison, and a study of several with their profile, which can be printed and stored."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.engine import engine_text
from minidl.comparison.form import check_comparison
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.problem import Problem
from minidl.comparison.profile import Profile, across, across_text, profile, profile_text
from minidl.comparison.report.answer import headline
from minidl.comparison.report.screen import screen
from minidl.comparison.report.tables import report
from minidl.comparison.run import Run, Setting
from minidl.comparison.store import WHAT, read_record, versions, write_record
from minidl.errors import DataError
from minidl.html import preformatted
from minidl.keywords import answers
from minidl.optim import Optimizer
from minidl.sealed import damaged
from minidl.text import joined

MadeWith = tuple[Mapping[str, Optimizer], Problem]  # new optimizers to copy, data and networks


class Comparison(Results):
    """The result of a comparison; print it for the answer on one screen.

    All attributes follow from the plan and the finished runs, which are fewer than planned after an
    interruption; a saved comparison gives the same numbers to the last bit. `request` is the plan
    before the grid grew, and what else identifies the comparison, as JSON data. `made_with` is what
    trained the runs, for :func:`minidl.comparison.replay`; files and pickles do not keep it.
    """

    made_with: MadeWith | None = None
    why_eager: str = ""  # why the engine is eager by default, of a comparison just made

    @property
    def engine(self) -> str:
        """The engine that trained the runs, such as "compiled (AVX2)", and what was eager."""
        return engine_text(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "made_with"}

    @property
    def asked(self) -> dict[str, Any]:
        """The former name of `request`."""
        warnings.warn("Comparison.asked is now Comparison.request", DeprecationWarning, 2)
        return self.request

    def judged(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return :meth:`evaluation_runs`, whose former name this is."""
        message = "Comparison.judged is now Comparison.evaluation_runs"
        warnings.warn(message, DeprecationWarning, 2)
        return self.evaluation_runs(contestant, setting)

    def __repr__(self) -> str:
        names = joined([contestant.name for contestant in self.plan.contestants])
        return f"<Comparison of {names} on {self.plan.problem}: {headline(self)}>"

    def __str__(self) -> str:
        return screen(self)

    def _repr_html_(self) -> str:
        """Return the screen, for notebooks."""
        return preformatted(str(self))

    def details(self) -> str:
        """Return all tables: tuning, each pair at each learning rate, and their explanation."""
        return report(self)

    @answers
    def plot(self, what: str | None = None, ax: Any = None) -> Any:
        """Draw the comparison, or one of its three panels, and return Matplotlib's Axes.

        - ``"loss"``: the curve that the goal is on, at the chosen rates: every evaluation seed, its
          median and quartiles, and a marker at the median arrival. Runs that have diverged count up
          to then.
        - ``"arrivals"``: the share of seeds that have reached the goal.
        - ``"rates"``: the mean of min(T, E) at each learning rate, crosses where training is
          chaotic, a marker at the chosen rate, and a wide band at the rates that are about equally
          good. After a random search instead the expected best of fewer trials, with its 95 %
          interval.

        The first two end a quarter after the last arrival, if all runs arrive. Where batch sizes
        differ, they are over training rows, not epochs.

        Parameters
        ----------
        what : {"loss", "arrivals", "rates"}, optional
            All three by default.
        ax : Axes, or three Axes for all panels, optional
            Where to draw, by default in a new pyplot figure, whose title is the answer.

        Returns
        -------
        Axes, or array of three Axes
            ``comparison.plot()[0].figure.savefig("race.png")`` writes a file.

        Raises
        ------
        ArgumentError
            No panel has that name, `ax` is something else, or matplotlib is not installed.
        DataError
            The comparison was interrupted before its target was known.

        Examples
        --------
        >>> from minidl import compare
        >>> result = compare("circles", seeds=6, tuning_seeds=2, epochs=20, lr=[0.25, 0.5])
        >>> loss, arrivals, rates = result.plot()
        >>> arrivals.get_title(), rates.get_xlabel()
        ('Share of 6 seeds at the goal', 'learning rate (6 seeds)')
        """
        from minidl.comparison.plots.draw import plot_panel, plot_panels

        return plot_panels(self, ax) if what is None else plot_panel(self, what, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return plan and runs, with every curve, as JSON data."""
        runs = [run.to_dict() for run in self.all_runs()]
        return {"asked": self.request, "plan": self.plan.to_dict(), "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Return the comparison of :meth:`to_dict`; other data raise DataError."""
        try:
            return cls._from_form(data)
        except ValueError as error:
            raise DataError("this is not a saved comparison", received=str(error)) from None

    @classmethod
    def _from_form(cls, data: Mapping[str, Any]) -> Comparison:
        """Return the comparison of JSON data; a ValueError says where they do not fit."""
        check_comparison(data)
        return cls(Plan.from_dict(data["plan"]), map(Run.from_dict, data["runs"]), data["asked"])

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        return Study([self], self.command, self.versions).to_json(path)

    @classmethod
    def from_json(cls, path: str | Path) -> Comparison:
        """Return the first comparison of a file; a file of something else raises DataError."""
        study = Study.from_json(path)
        comparison = study.comparisons[0]
        comparison.command, comparison.versions = study.command, study.versions
        return comparison


@answers
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

    def __repr__(self) -> str:
        return "\n".join(["<Study of:", *map(repr, self.comparisons)]) + ">"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.comparisons))

    def _repr_html_(self) -> str:
        """Return the screens, for notebooks."""
        return preformatted(str(self))

    def details(self) -> str:
        """Return all tables of each comparison."""
        return "\n\n".join(comparison.details() for comparison in self.comparisons)

    def plot(self) -> Any:
        """Draw a row of three panels for each comparison, and return their Axes (comparisons, 3).

        See :meth:`Comparison.plot`. Below them are the profile's two, if there is one: how often an
        optimizer needs at most 1 to 4 times the epochs of the fastest, and the share of all targets
        that it reaches. ``matplotlib.pyplot.savefig("races.png")`` then writes a file.
        """
        from minidl.comparison.plots.draw import plot_study

        return plot_study(self.comparisons, self.profile)

    @cached_property
    def tuned(self) -> list[list[Duel]]:
        """The tuned duels of each comparison, with one correction over all of them."""
        return across(self.comparisons)

    def profile_text(self) -> str:
        """Return the profile as a table, or the reason why there is none; then all tuned pairs."""
        pairs = across_text(self.comparisons) if len(self.comparisons) > 1 else ""
        return f"{profile_text(self.profile)}\n\n{pairs}".rstrip()

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        head = {"versions": self.versions, "command": self.command}
        return write_record(head, [comparison.to_dict() for comparison in self.comparisons], path)

    @classmethod
    def from_json(cls, path: str | Path) -> Study:
        """Return the study of a file, equal to the last bit; other files raise DataError."""
        data = read_record(path)
        try:
            comparisons = list(map(Comparison._from_form, data["comparisons"]))
        except ValueError as error:
            raise damaged(path, WHAT, error) from None
        return cls(comparisons, data["command"], data["versions"])
