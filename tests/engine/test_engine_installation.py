"""Without a C compiler the installation succeeds, says so in one line, and eager is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_machine_is_optional(tmp_path: Path) -> None:
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "minidl", tmp_path / "minidl", ignore=shutil.ignore_patterns("*.so"))
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    environment = {**os.environ, "CC": "/nonexistent/cc"}
    built = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (line,) = [line for line in built.stderr.splitlines() if "_machine" in line]
    assert "failed" in line
    script = "from minidl.engine import machine; print(machine())"
    clean = {name: value for name, value in os.environ.items() if name != "MINIDL_MACHINE"}
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "None\n"
