"""The command line: ``minidl train``, ``minidl compare`` and ``minidl list``.

``options`` says what can be typed; ``train``, ``compare`` and ``listing`` do it; ``epochs``,
``outcome`` and ``next_step`` are the result of a training run; ``main`` prints errors and returns
the exit code. This folder may import every other one, and none imports it.
"""

from minidl.cli.main import main

__all__ = ["main"]
