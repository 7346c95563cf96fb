"""The options of ``minidl conform``."""

import argparse

CONFORM = """\
Say which rule an optimizer implements, with which hyperparameters, and check it
against the rule that it should be.

It is given 48 gradients on ten weights, several times: a single gradient, equal
ones, tiny and large ones, none. All its steps must be those of the rule, to
1e-9. The optimizer is a class derived from minidl.optim.Optimizer; another class
with step(w, grad), made with lr; or a function step(w, g, state). Which rule is
expected is read from its name, such as MyAdam, unless --as says it. What its
code prints is not shown. Here, exit code 1 also means that it does not conform,
and 3 and 4 do not occur.

examples:
  minidl conform my_file.py:MyAdam
  minidl conform my_file.py:step --as momentum --json
"""


def add_conform(p: argparse.ArgumentParser) -> None:
    """Add the options of ``minidl conform``."""
    text = "a class or function in a file: my_file.py:MyAdam; or a name, see minidl list"
    p.add_argument("optimizer", metavar="OPTIMIZER", help=text)
    text = "the rule that it should be: adam, nag and others, see minidl list optimizers"
    p.add_argument("--as", metavar="NAME", dest="expected", help=text)
    p.add_argument("--json", action="store_true", help="print the report as JSON")
