"""The style of pictures, and one colour, dash and marker for each optimizer's name."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

from minidl.optim import OPTIMIZERS

STYLE = {
    "svg.hashsalt": "minidl",  # or identifiers inside an SVG differ from file to file
    "text.parse_math": False,  # a name may contain a $
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "0.9",
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.handlelength": 4,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.wspace": 0.03,
}
SOLID, LONG, SHORT, DOTTED = "-", (0, (5, 1.5)), (0, (2.5, 1.2)), (0, (1, 1))
MIXED, DOUBLE = (0, (5, 1.5, 1, 1.5)), (0, (5, 1.5, 1, 1.5, 1, 1.5))
Dashes = str | tuple[int, tuple[float, ...]]


class Look(NamedTuple):
    """The look of an optimizer: Matplotlib's ``color``, ``linestyle`` and ``marker``."""

    color: str
    dashes: Dashes
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """The keywords of a line."""
        return {"color": self.color, "linestyle": self.dashes}


# Colours of Okabe & Ito, distinguishable with colour blindness; dashes differ for print in grey.
LINEAR = {
    "nag": Look("#0072B2", SOLID, "o"),
    "momentum": Look("#D55E00", LONG, "s"),
    "nag-reformulated": Look("#56B4E9", DOTTED, "v"),
    "gd": Look("#000000", MIXED, "D"),
    "batch": Look("#009E73", SHORT, "^"),
    "stochastic": Look("#E69F00", DOUBLE, "P"),
}
# The others have further colours, mostly of Tol's muted scheme. Dashes and marker together differ.
LOOKS = LINEAR | {
    "adam": Look("#AA4499", SHORT, "X"),
    "adamw": Look("#882255", DOTTED, "<"),
    "nadam": Look("#332288", LONG, ">"),
    "radam": Look("#CC6677", MIXED, "p"),
    "amsgrad": Look("#6B3E26", DOUBLE, "d"),
    "adamax": Look("#4D4D4D", SOLID, "h"),
    "rmsprop": Look("#117733", DOUBLE, "*"),
    "rmsprop-centered": Look("#44AA99", SHORT, "H"),
    "adagrad": Look("#999933", MIXED, "s"),
    "adadelta": Look("#8A9A5B", SOLID, "^"),
    "lion": Look("#B8860B", DOTTED, "P"),
    "rprop": Look("#661100", LONG, "v"),
}
COLOURS = ("#CC79A7", "#8C564B", "#7F7F7F", *(look.color for look in LINEAR.values()))
OTHERS = [
    Look(color, dashes, marker)
    for dashes in (SHORT, MIXED, DOUBLE, DOTTED)
    for color, marker in zip(COLOURS, "X<>psdhH*", strict=True)
    if (color, dashes) not in {(look.color, look.dashes) for look in LINEAR.values()}
]


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """Return the look of each optimizer's name, the same in every picture, whatever its position.

    Aliases look like the optimizer. Other names have looks by their checksum; of two in one picture
    that would look alike, the later one takes the next look that is free.

    Examples
    --------
    >>> looks_of(["momentum", "nag"])["nag"] == looks_of(["nesterov"])["nesterov"]
    True
    """
    looks: dict[str, Look] = {}
    for name in dict.fromkeys(names):
        start = crc32(name.encode())
        free = [OTHERS[(start + k) % len(OTHERS)] for k in range(len(OTHERS))]
        fixed = LOOKS.get(OPTIMIZERS.canonical(name) if name in OPTIMIZERS else name)
        candidates = [fixed, *free] if fixed else free
        looks[name] = next((look for look in candidates if look not in looks.values()), free[0])
    return looks
