"""The stability map: how fast each rule converges, and where it diverges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.checks import is_list_of
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers
from minidl.optim import lookup
from minidl.paths import crossing_limit, spectral_radius, stability_limit
from minidl.paths.theory import rule_of
from minidl.plots.figures import axes_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Places = Sequence[tuple[float, float]]
TITLES = {"gd": "gradient descent", "momentum": "momentum", "nag": "NAG"}
LIMITS = {"gd": "2", "momentum": "2 (1 + m)", "nag": "2 (1 + m) / (1 + 2 m)"}
LOW, HIGH, TOP = 1e-3, 6.0, 0.999  # of lr times curvature; of momentum
RUN, OUTSIDE = "a run", "a run outside the picture"
LEVELS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


@answers
def plot_stability(
    at: Places | Mapping[str, Places] = (),
    *,
    rules: Sequence[str] = ("gd", "momentum", "nag"),
    ax: Sequence[Axes] | None = None,
) -> npt.NDArray[Any]:
    """Draw the factor per step over lr times curvature and momentum, one panel for each rule.

    Parameters
    ----------
    at : sequence of (x, m), or mapping from rules to such sequences, optional
        Where runs sit: x = lr h, for a curvature h that they meet, and the momentum m. A triangle
        at the edge is a run outside the picture. Aliases of the rules are known.
    rules : sequence of str
        Panels: of "gd", "momentum" and "nag".
    ax : sequence of matplotlib Axes, optional
        One for each rule; by default those of a new figure.

    Returns
    -------
    ndarray of matplotlib Axes
        Shaded by :func:`minidl.paths.spectral_radius`: the darker, the faster. The thick line is
        :func:`minidl.paths.stability_limit`, to the right of which the rule diverges. Between the
        dashed lines it oscillates: ((1 - m) / (1 + m))^2 < x < 1 for NAG, (1 - sqrt m)^2 < x <
        (1 + sqrt m)^2 for momentum; see :func:`oscillation_edges`. Left of them it never crosses
        the minimum; beyond them, and for gradient descent beyond 1, it jumps over it in each step.

    Raises
    ------
    ArgumentError, UnknownNameError
        A place is not (x, m) with x > 0 and m in [0, 1), or has no panel; the axes do not fit the
        rules; a rule is unknown.

    Examples
    --------
    >>> from minidl import plots
    >>> panels = plots.plot_stability(at=[(0.5, 0.9)])
    >>> [panel.get_title().splitlines()[1] for panel in panels]
    ['stable below 2', 'stable below 2 (1 + m)', 'stable below 2 (1 + m) / (1 + 2 m)']
    """
    if not is_list_of(rules, str):
        raise invalid("rules", rules, 'a list of rules, such as ["momentum", "nag"]')
    for rule in rules:
        stability_limit(rule)
    places = _places(at, rules)
    axes = None if ax is None else _checked(ax, len(rules))
    with styled(None if axes is None else axes[0]):
        panels = _new_panels(len(rules)) if axes is None else axes
        for panel, rule in zip(panels, rules, strict=True):
            _draw(panel, rule, places[rule])
        panels[0].set_ylabel("momentum m")
        shades = panels[-1].collections[0]
        bar = panels[0].figure.colorbar(shades, ax=list(panels), pad=0.01, ticks=LEVELS)
        bar.set_label("factor per step")
        _explain(panels)
    return panels


def _places(at: Any, rules: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Return the places of each rule, or raise an ArgumentError."""
    expected = "pairs such as [(0.5, 0.9)]: lr times curvature > 0, and momentum in [0, 1)"
    places: dict[str, list[tuple[float, float]]] = {rule: [] for rule in rules}
    named = at if isinstance(at, Mapping) else dict.fromkeys(rules, at)
    for name, pairs in named.items():
        rule = _rule(name, rules)
        try:
            places[rule] += [(float(x), float(m)) for x, m in pairs]
        except (TypeError, ValueError):
            raise invalid("at", at, expected) from None
    for x, m in (place for pairs_of_rule in places.values() for place in pairs_of_rule):
        if not (0 < x < np.inf and 0 <= m < 1):
            raise ArgumentError("at has a place off the map", received=(x, m), expected=expected)
    return places


def _rule(name: str, rules: Sequence[str]) -> str:
    """Return the rule that a name or an alias such as "nesterov" means."""
    rule = rule_of(lookup(name).make(0.1))
    if rule is None or rule.name not in rules:
        received, expected = repr(name), f"runs of {', '.join(rules)}"
        raise ArgumentError("at has runs without a panel", received=received, expected=expected)
    return rule.name


def _explain(panels: npt.NDArray[Any]) -> None:
    """Say what circles and triangles are, in the first panel with any, where all are stable."""
    lines = {line.get_label(): line for panel in panels[::-1] for line in panel.lines}
    handles = [lines[label] for label in (RUN, OUTSIDE) if label in lines]
    marked = [panel for panel in panels if panel.lines[-1].get_label() in (RUN, OUTSIDE)]
    if not marked:
        return
    layout: dict[str, Any] = {"facecolor": "white", "labelcolor": "black", "framealpha": 0.9}
    layout |= {"edgecolor": "none", "fontsize": 9, "handlelength": 1}
    marked[0].legend(handles=handles, loc="lower left", frameon=True, **layout)


def _new_panels(count: int) -> npt.NDArray[Any]:
    """Return the axes of a new figure."""
    import matplotlib.pyplot as plt

    size: dict[str, Any] = {"figsize": (3.3 * count + 0.8, 3.6), "layout": "constrained"}
    return np.asarray(plt.subplots(1, count, sharey=True, squeeze=False, **size)[1][0])


def _checked(ax: Any, count: int) -> npt.NDArray[Any]:
    """Return one of the Axes for each rule."""
    panels = np.atleast_1d(np.asarray(ax, dtype=object))
    if panels.shape != (count,):
        problem = "ax needs one Axes for each rule"
        raise ArgumentError(problem, received=panels.size, expected=count)
    for panel in panels:
        axes_of(panel)
    return panels


def _draw(ax: Axes, rule: str, places: Places) -> None:
    """Draw one panel."""
    x, m = np.meshgrid(np.geomspace(LOW, HIGH, 500), np.linspace(0, TOP, 300))
    radius, heights = spectral_radius(rule, x, m), m[:, 0]
    ax.contourf(x, m, radius, LEVELS, cmap="Blues_r")
    ax.contourf(x, m, radius, [1.0, np.inf], colors="white", hatches=["////"])
    ax.plot(stability_limit(rule, heights), heights, color="black", lw=2.4, label="limit")
    for edge in oscillation_edges(rule, heights):
        ax.plot(edge, heights, color="black", lw=1.2, ls=(0, (4, 2)), label="oscillates between")
    _mark(ax, places)
    word: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "color": "black"}
    word["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    ax.text(4.6, 0.45, "diverges", rotation=90, **word)
    if rule != "gd":
        ax.text(0.2, 0.72, "oscillates", **word)
        ax.text(0.006, 0.3, "never crosses\nthe minimum", **word)
    ax.set_xscale("log")
    ax.set_xlim(LOW, HIGH)
    ax.set_ylim(0, TOP)
    ax.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.grid(False)
    ax.set_title(f"{TITLES[rule]}\nstable below {LIMITS[rule]}")
    ax.set_xlabel("learning rate times curvature")


def _mark(ax: Axes, places: Places) -> None:
    """Mark runs by rings, and those outside the picture by triangles at its edge."""
    style: dict[str, Any] = {"ls": "", "ms": 9, "mfc": "white", "mec": "black", "mew": 1.6}
    for x, m in places:
        edge = "<" if x < LOW else ">" if x > HIGH else "^" if m > TOP else ""
        style |= {"marker": edge or "o", "clip_on": not edge, "label": OUTSIDE if edge else RUN}
        ax.plot(min(max(x, LOW), HIGH), min(m, TOP), **style, zorder=5)


def oscillation_edges(rule: str, momentum: npt.ArrayLike) -> list[npt.NDArray[Any]]:
    """Return the two x = lr h between which a rule has complex roots; none for "gd".

    They are (1 - sqrt m)^2 and (1 + sqrt m)^2 for "momentum", ((1 - m) / (1 + m))^2 and 1 for
    "nag".

    >>> [f"{float(edge):.4f}" for edge in oscillation_edges("momentum", 0.9)]
    ['0.0026', '3.7974']
    """
    m = np.asarray(momentum, dtype=float)
    if rule == "gd":
        return []
    return [crossing_limit(rule, m), (1 + np.sqrt(m)) ** 2 if rule == "momentum" else 1 + 0 * m]
