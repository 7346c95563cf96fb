"""The part of the installation that setup.cfg cannot say: the machine of minidl/engine, in C.

It is optional. Without a C compiler the installation succeeds, with a line that says so.
"""

import os

from setuptools import Extension, setup

POSIX = os.name == "posix"
MACHINE = Extension(
    "minidl.engine._machine",
    ["minidl/engine/machine.c"],
    extra_compile_args=["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"] if POSIX else [],
    libraries=["m"] if POSIX else [],
    optional=True,
)

setup(ext_modules=[MACHINE])
