"""The figures of paths as text of at most 80 columns."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from minidl.optim import OPTIMIZERS
from minidl.paths import CommonRate, Direction, Figures, Path
from minidl.paths.descent import SHARE
from minidl.registry import normalise
from minidl.text import counted, joined
from minidl.training.epochs import number

Pairs = Sequence[tuple[Path, Figures]]
HEADS = ["", "steps to\nminimum", "final\nloss", "path\nlength", "steps\nuphill", "ends at"]
ALONG = ["", "crossings", "overshoot", "steps to\nminimum", "factor\nper step"]
ARRIVED = "within 0.1 % of the start distance"
LIMIT = "stable for\nlr below"


def header(paths: Sequence[Path], rate: CommonRate | None) -> Iterator[str]:
    """Yield the settings: surface, start, learning rate, and what batching means here."""
    place, leading = paths[0].surface, paths[0]
    name = "" if place.name == place.formula.text else f"{place.name}: "
    yield f"surface    {name}{place.formula.text}"
    yield f"start      {point(leading.iterates[0])}, loss {number(float(leading.losses[0]))}"
    words = f"rate       lr {leading.optimizer.hyperparameters['lr']:.4g}"
    if rate is not None and rate.curvature > 0:
        words += f" = {SHARE:g}/L, where L = {rate.curvature:.4g} is the largest curvature"
        words += "" if place.quadratic else " that a path may meet"
    elif rate is not None:
        words += ", as the surface is not curved"
    settings = (path.optimizer.hyperparameters.get("momentum") for path in paths)
    momenta = list(dict.fromkeys(f"{m:g}" for m in settings if m is not None))
    yield f"{words}; momentum {joined(momenta)}" if momenta else words
    batched = [path.name for path in paths if _implies_batches(path.name)]
    if batched:
        verb = "is" if len(batched) == 1 else "are"
        yield f"note       a surface has no rows, so {joined(batched)} {verb} the same as gd"


def _implies_batches(name: str) -> bool:
    """Return whether a name is that of gradient descent with a certain batch size."""
    registered = name in OPTIMIZERS
    return registered and (OPTIMIZERS[name].fixed or normalise(name) == normalise("mini-batch"))


def tables(pairs: Pairs) -> Iterator[str]:
    """Yield a table of all paths, and one for each direction that has figures."""
    rows = [HEADS]
    for path, figures in pairs:
        cells = [_arrival(path, figures), number(float(path.losses[-1])), f"{figures.length:.4g}"]
        rows.append([path.name, *cells, str(figures.uphill), point(path.iterates[-1])])
    yield aligned(rows)
    count = min(len(figures.directions) for _, figures in pairs)
    yield from (_direction(pairs, i) for i in range(count))


def _arrival(path: Path, figures: Figures) -> str:
    """Return after how many steps a path stays at the minimum, or that it does not."""
    if path.diverged:
        return "diverges"
    if figures.minimum is None:
        return "-"
    return f"not in {len(path.asked)}" if figures.settled is None else str(figures.settled)


def _direction(pairs: Pairs, i: int) -> str:
    """Return the table of one direction, with lines of theory below those that have a theory."""
    directions = [figures.directions[i] for _, figures in pairs]
    direction = directions[0]
    title = f"curvature {direction.curvature:.4g}"
    if len(direction.vector) > 1:
        forward = direction.vector * np.sign(direction.vector[np.abs(direction.vector) > 1e-9][0])
        title = f"direction {point(forward)}: {title}"
    lr = pairs[0][0].optimizer.hyperparameters["lr"]
    title += f", lr times curvature {lr * direction.curvature:.4g}"
    theory = any(of_path.predicted for of_path in directions)
    rows = [[*ALONG, LIMIT] if theory else ALONG]
    for (path, _), of_path in zip(pairs, directions, strict=True):
        rows += _measured_and_predicted(path, of_path, theory)
    return f"{title}\n{aligned(rows)}"


def _measured_and_predicted(path: Path, direction: Direction, theory: bool) -> list[list[str]]:
    """Return a row of what was measured, and one of what theory predicts."""
    measured, expected = direction.measured, direction.predicted
    rows = []
    for name, swing in ((path.name, measured), ("  theory", expected)):
        if swing is None:
            continue
        never = swing is expected and direction.never_crosses
        crossings = "never" if never else str(swing.crossings)
        settled = "-" if swing.settled is None else str(swing.settled)
        rate = "-" if swing.rate != swing.rate else f"{swing.rate:.4f}"
        rows.append([name, crossings, percent(swing.overshoot), settled, rate])
    if theory:
        limit = "no lr" if direction.lr_limit is None else f"{direction.lr_limit:.4g}"
        rows[0].append("")
        if expected is not None:
            rows[1].append(limit)
    return rows


def answer(pairs: Pairs) -> list[str]:
    """Return two sentences: how far they overshoot, and when they arrive."""
    finite = [(path, figures) for path, figures in pairs if not path.diverged]
    directions = all(figures.directions for _, figures in finite)
    sentences = [_overshoots(finite) if directions else _uphill(finite)] if finite else []
    return [*sentences, _arrivals(pairs)]


def _overshoots(pairs: Pairs) -> str:
    """Return how often each path crosses the minimum in the first direction, and how far."""
    swings = {path.name: figures.directions[0].measured for path, figures in pairs}
    centre = "the stationary point" if pairs[0][1].minimum is None else "the minimum"
    parts: list[str] = []
    for name in sorted(swings, key=lambda name: -swings[name].overshoot):
        times, share = _times(swings[name].crossings), percent(swings[name].overshoot)
        if not swings[name].crossings:
            continue
        if parts:
            parts.append(f"{name} {times}, by {share}")
        else:
            far = f"overshoots by {share} of the start distance"
            parts.append(f"{name} crosses {centre} {times} and {far}")
    if never := [name for name in swings if not swings[name].crossings]:
        verb = "never cross" if len(never) > 1 else "never crosses"
        parts.append(f"{joined(never)} {verb} {'it' if parts else centre}")
    return f"{_along(*pairs[0])}{'; '.join(parts)}."


def _along(path: Path, figures: Figures) -> str:
    """Return which direction the first one is; the steepest may be none of those with figures."""
    if path.surface.dimension == 1:
        return ""
    h, largest = figures.directions[0].curvature, float(path.surface.curvatures(path.iterates[0]))
    if abs(h) >= (1 - 1e-9) * largest:
        return "In the steepest direction, "
    return f"In the direction of curvature {h:.4g}, "


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _steps(count: int) -> str:
    return counted(count, "step")


def _arrivals(pairs: Pairs) -> str:
    """Return when each path arrives at the minimum for good, or in which step it diverges."""
    gone = [f"{p.name} diverges in step {p.diverged}{_above(p, f)}" for p, f in pairs if p.diverged]
    arrived = sorted((f.settled, p.name) for p, f in pairs if f.settled is not None)
    late = [p.name for p, f in pairs if not p.diverged and f.settled is None]
    parts = [f"{name} stays {ARRIVED} after {_steps(count)}" for count, name in arrived[:1]]
    parts += [f"{name} after {count}" for count, name in arrived[1:]]
    if late and all(figures.minimum is None for _, figures in pairs):
        parts.append("no minimum was found" if gone else "No minimum was found")
    elif late:
        steps = max(len(path.asked) for path, _ in pairs)
        verb = "does" if len(late) == 1 else "do"
        bound = f"not get {ARRIVED} in {_steps(steps)}"
        ending = f"{verb} not within {steps}" if arrived else f"{verb} {bound}"
        parts.append(f"{joined(late)} {ending}")
    return f"{'; '.join([*gone, *parts])}."


def _uphill(pairs: Pairs) -> str:
    """Return in how many steps each path goes uphill."""
    parts = [f"in {figures.uphill} of {path.name}" for path, figures in pairs]
    return f"The loss rises {joined(parts)}, of {_steps(max(len(p.asked) for p, _ in pairs))}."


def _above(path: Path, figures: Figures) -> str:
    """Return which limit of the learning rate a path is above, as theory has it."""
    limits = [d.lr_limit for d in figures.directions if d.lr_limit is not None]
    rule = path.rule
    if rule is None or not limits or rule.lr < min(limits):
        return ""
    return f", as lr {rule.lr:.4g} is above its limit {min(limits):.4g}"


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.842), percent(0.0), percent(201.4), percent(1e9)
    ('84 %', '0 %', '20,140 %', 'over 1,000,000 %')
    """
    return f"{100 * share:,.0f} %" if share <= 1e4 else "over 1,000,000 %"


def point(values: npt.ArrayLike) -> str:
    """Return a point as it is typed; what is nearly 0 is 0.

    >>> point([-4.0, 0.012345, -1e-17])
    '-4,0.01235,0'
    """
    return ",".join(f"{value:.4g}" for value in np.round(np.asarray(values), 9) + 0.0)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    r"""Return rows as a table: the first column to the left, others to the right.

    >>> print(aligned([["", "final\nloss"], ["nag", "0.1"]]))
         final
          loss
    nag    0.1
    """
    split = [head.split("\n") for head in rows[0]]
    height = max(map(len, split))
    heads = [[""] * (height - len(parts)) + parts for parts in split]
    lines = [list(line) for line in zip(*heads, strict=True)] + [list(row) for row in rows[1:]]
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(split))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )
