"""The code blocks of the README files, each with the output that is shown under it.

``python tests/readme_blocks.py`` runs all of them and writes what they print into the files.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FILES = [README, *sorted((ROOT / "minidl").rglob("README.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
NUMBERS = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
FACTOR = 1.8  # no number may differ by more than this
SHARE = 0.1  # of the numbers of a block may differ by more than 10 %


@dataclass(frozen=True)
class Block:
    """A fenced block and the ``text`` block after it, if there is one."""

    file: str
    language: str
    code: str
    output: str | None

    @property
    def is_setup(self) -> bool:
        """True for the two lines that make an environment, which .ci/run runs."""
        return self.code.startswith("python3 -m venv")

    @property
    def trains(self) -> bool:
        """True if rounding errors of the BLAS kernel can grow until they are seen."""
        return re.search(r"compare|train", self.code) is not None

    def run(self) -> str:
        """Run the block in an empty folder, and return what it prints."""
        printed, shown = io.StringIO(), slice(None)
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.chdir(folder))
            stack.enter_context(contextlib.redirect_stdout(printed))
            if self.language == "python":
                exec(compile(self.code, self.file, "exec"), {"__name__": "__main__"})
            else:
                from minidl.cli import main

                command, _, last = self.code.partition("| tail -n")
                program, *arguments = shlex.split(command)
                assert program == "minidl"
                assert main(arguments) == 0
                shown = slice(-int(last) if last else None, None)
        return "".join(printed.getvalue().splitlines(keepends=True)[shown])


def blocks(file: Path = README) -> list[Block]:
    """Return the blocks of a file."""
    text = file.read_text(encoding="utf-8")
    return [Block(str(file.relative_to(ROOT)), *match.groups()) for match in BLOCK.finditer(text)]


def differences(shown: str, printed: str, exact: bool = False) -> list[str]:
    """Return how the printed text differs from the shown one; an empty list if it agrees.

    Lines, words and the numbers inside words must be equal. Other numbers are coarse unless
    `exact`: none may be off by a factor of 1.8, and nine of ten must agree to 10 %, to 1 (numbers
    from 1 on) or to 0.02. Times in seconds are ignored, and so are medians such as `35.5 (9/12)`
    of runs that have not all converged: near instability, a last digit decides which one fails.
    """
    old, new = (_without_noise(text).splitlines() for text in (shown, printed))
    if len(old) != len(new):
        return [f"{len(new)} lines instead of {len(old)}"]
    wrong, coarse, total = [], [], 0
    for line, other in zip(old, new, strict=True):
        words, numbers = _parse(line)
        other_words, other_numbers = _parse(other)
        if words != other_words or (exact and numbers != other_numbers):
            wrong.append(f"{other!r} instead of {line!r}")
            continue
        total += len(numbers)
        pairs = [(a, b) for a, b in zip(numbers, other_numbers, strict=True) if not _near(a, b)]
        coarse += [f"{b:g} instead of {a:g} in {line!r}" for a, b in pairs]
        wrong += [f"{b:g} instead of {a:g} in {line!r}" for a, b in pairs if _far(a, b)]
    return wrong or (coarse if len(coarse) > SHARE * total else [])


def _without_noise(text: str) -> str:
    """Replace `in 0.09 s`, `compiled (AVX2)`, a last column with three decimals, and some medians.

    These are of the form `35.5 (9/12)`.
    """
    text = re.sub(r"in \d+\.\d+ s", "in ? s", text)
    text = re.sub(r"compiled \([\w-]+\)", "compiled (?)", text)  # the processor's instructions
    text = re.sub(r"\d+(\.\d+)?(?= \((\d+)/(?!\2\)))", "?", text)
    return re.sub(r"(?m)(?<=  )\d+\.\d{3}$", "?", text)


def _parse(line: str) -> tuple[str, list[float]]:
    """Return the words, with # for each number that stands outside them, and these numbers."""
    words: list[str] = [" " * (len(line) - len(line.lstrip()))]
    numbers: list[float] = []
    for word in line.split():
        if re.search(r"[A-Za-z]", NUMBERS.sub("", word)):
            words.append(word)
        else:
            numbers += [float(number.replace(",", "")) for number in NUMBERS.findall(word)]
            words.append(NUMBERS.sub("#", word))
    return " ".join(words), numbers


def _near(shown: float, printed: float) -> bool:
    slack = 1.0 if abs(shown) >= 1 else 0.02
    return abs(shown - printed) <= max(0.1 * abs(shown), slack)


def _far(shown: float, printed: float) -> bool:
    low, high = sorted((abs(shown), abs(printed)))
    return high > FACTOR * low or shown * printed < 0


def write(file: Path) -> None:
    """Run the blocks of a file and write what they print into it."""

    def fill(match: re.Match[str]) -> str:
        block = Block(str(file), *match.groups())
        if block.output is None:
            return match.group(0)
        return f"```{block.language}\n{block.code}```\n\n```text\n{block.run()}```"

    file.write_text(BLOCK.sub(fill, file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for path in FILES:
        write(path)
