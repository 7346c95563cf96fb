"""The options of ``minidl predict``."""

import argparse

from minidl.cli.data_options import add_form


def add_predict(p: argparse.ArgumentParser) -> None:
    """Add the options of ``minidl predict``."""
    add = p.add_argument
    add("model", metavar="MODEL", help="a file that train --save has written")
    text = """rows with the columns of the training data, in any order. Values of text that training
        did not have count as none of the known ones, and missing values are filled as in training:
        standard error says where"""
    add("rows", metavar="FILE", help=text)
    text = "write the predictions to a file (default: standard output)"
    add("--out", metavar="FILE", help=text)
    text = "the probability of each class instead of the most probable class"
    add("--probabilities", action="store_true", help=text)
    text = """draw how often each class or value is predicted (.png, .svg, .pdf and others; needs
        matplotlib)"""
    add("--plot", metavar="FILE", help=text)
    add_form(p.add_argument_group("form of the file"))
