"""The machine for these tests: the installed one or, in a bare checkout, one that is built here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from minidl.engine.runner import machine

SOURCE = Path(__file__).parents[2] / "minidl" / "engine" / "machine.c"


def build(to: Path, *flags: str) -> Path:
    command = ["cc", *flags, "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", str(to), str(SOURCE), "-lm"], check=True)
    return to


@pytest.fixture(scope="session", autouse=True)
def _machine_is_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    if machine() is None:
        library = build(tmp_path_factory.mktemp("machine") / "_machine.so", "-O1")
        os.environ["MINIDL_MACHINE"] = str(library)
        machine.cache_clear()
        assert machine() is not None
