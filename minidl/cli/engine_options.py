"""The option --engine, and --version, which says what it is by default."""

import argparse
from typing import Any, NoReturn

from minidl import __version__

Group = argparse._ArgumentGroup


class Version(argparse.Action):
    """Print the version, and which engine trains by default."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print it, and end the process."""
        from minidl.training.engine_choice import NO_MACHINE, instruction_set

        instructions = instruction_set()
        engine = f"compiled ({instructions})" if instructions else f"eager, because {NO_MACHINE}"
        print(f"minidl {__version__}\nengine: {engine}")
        parser.exit()


def add_engine(p: argparse.ArgumentParser | Group) -> None:
    """Add the option of commands that train."""
    text = """what takes the steps: NumPy (eager), or a recorded step replayed in C (compiled); auto
        is compiled where it can be (default: auto)"""
    p.add_argument("--engine", metavar="NAME", default="auto", help=text)
