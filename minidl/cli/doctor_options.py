"""The options of ``minidl doctor`` beside those of the run."""

import argparse

DOCTOR = """\
Say why a run fails, or would: give the options with which minidl train makes
its network and optimizer.

The learning rate times the sharpness (the largest curvature of the training
loss, at the initial weights) is compared with the limit of the optimizer: 2 for
gradient descent, 2 (1 + m) for momentum, 2 (1 + m) / (1 + 2 m) for nag. Shown
are the largest stable rate, dead and saturated units, the norm of the gradient
in each layer, and columns that are not on a scale of 1. Nothing is trained;
--find-lr trains a copy for 120 steps at most.

examples:
  minidl doctor --dataset moons --optimizer nag --lr 3
  minidl doctor --optimizer adam --find-lr --plot rates.png
"""


def add_doctor(p: argparse.ArgumentParser) -> None:
    """Add the options of ``minidl doctor``."""
    text = """a range test: the rate grows in each step of one run; shown are a tenth of the rate
        with the lowest loss, and the curve"""
    p.add_argument("--find-lr", action="store_true", help=text)
    p.add_argument("--json", metavar="FILE", help="write all numbers; - prints only JSON")
    text = "draw the curve of --find-lr (.png, .svg, .pdf and others; needs matplotlib)"
    p.add_argument("--plot", metavar="FILE", help=text)
