"""``minidl compare --report``: the page of one or more comparisons."""

import shlex

from minidl.cli.from_file import problem_of
from minidl.comparison import Study, replay
from minidl.comparison.replay import typical_seed
from minidl.page.document import document, write
from minidl.page.frames import BUDGET
from minidl.page.race import race


def report_comparison(study: Study, path: str) -> None:
    """Train one seed of each comparison again, and write the page."""
    room, parts = BUDGET // len(study.comparisons), []
    for number, comparison in enumerate(study.comparisons):
        seed = typical_seed(comparison)
        replayed = replay(comparison, problem_of(study, number), seed=seed)
        parts.append(race(comparison, replayed, seed, room))
    versions = ", ".join(f"{name} {version}" for name, version in study.versions.items())
    versions += f"; engine: {', '.join(dict.fromkeys(c.engine for c in study.comparisons))}"
    made_with = {"command": shlex.join(study.command), "versions": versions}
    names = ", ".join(dict.fromkeys(comparison.plan.problem for comparison in study.comparisons))
    write(path, document(f"{names} - minidl compare", parts, made_with))
