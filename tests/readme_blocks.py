"""The README's code blocks, each with the output that is printed under it.

``python tests/readme_blocks.py`` runs them all and writes what they print into the README.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    output: str | None

    @property
    def is_setup(self) -> bool:
        """Whether it makes an environment: one of the two lines, which .ci/run runs."""
        return self.code.startswith("python3 -m venv")

    def run(self) -> str:
        """What the block prints."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if self.language == "python":
                exec(compile(self.code, "README.md", "exec"), {"__name__": "__main__"})
            else:
                from minidl.cli import main

                program, *arguments = shlex.split(self.code)
                assert program == "minidl"
                assert main(arguments) == 0
        return printed.getvalue()


def blocks() -> list[Block]:
    text = README.read_text(encoding="utf-8")
    return [Block(*found.groups()) for found in BLOCK.finditer(text)]


def without_seconds(text: str) -> str:
    """The text with what depends on the speed of the machine taken out."""
    text = re.sub(r"in \d+\.\d+ s", "in ? s", text)
    return re.sub(r"(?m)(?<=  )\d+\.\d{3}$", "?", text)  # the last column


def write() -> None:
    def fill(found: re.Match[str]) -> str:
        block = Block(*found.groups())
        if block.output is None:
            return found.group(0)
        return f"```{block.language}\n{block.code}```\n\n```text\n{block.run()}```"

    README.write_text(BLOCK.sub(fill, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
