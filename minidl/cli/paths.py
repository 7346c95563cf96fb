"""``minidl paths``: run optimizers on a surface, print their figures, and draw them."""

from argparse import Namespace
from functools import partial

from minidl.cli.epochs import wrapped
from minidl.cli.listing import bold
from minidl.cli.path_text import Pairs, answer, header, tables
from minidl.cli.result_files import printed, write_all
from minidl.cli.values import check_files
from minidl.errors import ArgumentError
from minidl.optim import lookup
from minidl.paths import Path, common_lr, descend, measure, surface
from minidl.text import joined


def paths(options: Namespace) -> int:
    """Run optimizers on a surface, write the pictures, print, and return the exit code."""
    check_files(options, "plot", "stability")
    momentum_given = options.momentum is not None
    if momentum_given and not any(lookup(name).has_momentum for name in options.optimizers):
        problem = f"--momentum would have no effect on {joined(options.optimizers)}"
        raise ArgumentError(problem, hint="Leave it out.")
    place = surface(options.surface)
    common = {"start": options.start, "steps": options.steps}
    rate = None
    if options.lr is None:
        rate = common_lr(place, options.optimizers, **common, momentum=options.momentum)
    lr = options.lr if rate is None else rate.lr
    runs = [
        descend(place, name, **common, lr=lr, momentum=options.momentum)
        for name in options.optimizers
    ]
    pairs = [(path, measure(path)) for path in runs]

    def show() -> None:
        for line in header(runs, rate):
            print(wrapped(line, 11))
        print("\n" + "\n\n".join(tables(pairs)) + "\n")
        for sentence in answer(pairs):
            print(bold(wrapped(sentence)))

    pictures = {
        "plot": partial(_plot, runs, options.plot),
        "stability": partial(_plot_stability, pairs, options.stability),
    }
    written = write_all(options, pictures)
    failed = printed(show)
    return written.code or failed


def _plot(runs: list[Path], file: str) -> None:
    """Draw the paths, and beside them the coordinate or the loss at each step."""
    from minidl.plots import plot_paths, plot_steps
    from minidl.plots.figures import save, styled

    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        plot_paths(runs, ax=left)
        plot_steps(runs, ax=right)
    save(figure, file)


def _plot_stability(pairs: Pairs, file: str) -> None:
    """Draw the stability map with the runs that theory covers."""
    from minidl.plots import plot_stability
    from minidl.plots.figures import new_figure, save, styled

    places_of: dict[str, list[tuple[float, float]]] = {}
    for path, figures in pairs:
        if path.rule is not None:
            points = [(path.rule.lr * d.curvature, path.rule.momentum) for d in figures.directions]
            places_of.setdefault(path.rule.name, []).extend(p for p in points if p[0] > 0)
    figure = new_figure(10.7, 3.6)
    with styled():
        plot_stability(places_of, ax=figure.subplots(1, 3, sharey=True))
    save(figure, file)
