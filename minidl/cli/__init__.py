"""The command line: ``minidl train``, ``predict``, ``compare``, ``paths`` and ``list``.

``options`` says what can be typed; ``train``, ``compare``, ``paths`` and ``listing`` do it;
``epochs``, ``outcome`` and ``next_step`` are the result of a training run; ``main`` prints errors
and returns the exit code. This folder may import every other one, and none imports it.
"""

from minidl.cli.main import main

__all__ = ["main"]
