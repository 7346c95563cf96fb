"""Paths on loss surfaces: run any optimizer on a formula, and compare it with theory.

``surfaces`` holds the formulas by name, and ``expression`` reads those that a user types;
``descent`` runs optimizers; ``measures`` counts crossings and overshoot; ``theory`` predicts them
on quadratics. Pictures are in :mod:`minidl.plots`. It may import optim and what is below it.
"""

from minidl.paths.descent import CommonRate, Path, common_lr, descend
from minidl.paths.expression import Formula
from minidl.paths.measures import Direction, Figures, Swing, crossed, measure
from minidl.paths.surfaces import SURFACES, Surface, surface
from minidl.paths.theory import (
    closed_form,
    crossing_limit,
    spectral_radius,
    stability_limit,
)

__all__ = [
    "SURFACES", "CommonRate", "Direction", "Figures", "Formula", "Path", "Surface", "Swing",
    "closed_form", "common_lr", "crossed", "crossing_limit", "descend", "measure",
    "spectral_radius", "stability_limit", "surface",
]  # fmt: skip
