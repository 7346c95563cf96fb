from __future__ import annotations

import re
from pathlib import Path

import pytest
from readme_blocks import README, Block, blocks, without_seconds

ROOT = Path(__file__).parent.parent
BLOCKS = blocks()
RUNNABLE = [block for block in BLOCKS if not block.is_setup]


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.code.splitlines()[0][:40])
def test_a_block_prints_what_the_readme_shows(block: Block) -> None:
    assert block.output, "a block that runs should show what it prints"
    shown, printed = without_seconds(block.output), without_seconds(block.run())
    assert shown.split() == printed.split()
    assert shown.count("\n") == printed.count("\n")


def test_there_are_two_lines_and_ci_takes_them_from_the_readme() -> None:
    lines = [block.code for block in BLOCKS if block.is_setup]
    assert len(lines) == 2
    assert all(line.count("\n") == 1 for line in lines)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert all(line.strip() not in script for line in lines)


def test_every_fenced_block_is_one_that_is_checked() -> None:
    text = README.read_text(encoding="utf-8")
    outputs = sum(block.output is not None for block in BLOCKS)
    assert text.count("\n```") + text.startswith("```") == 2 * (len(BLOCKS) + outputs)
    assert {block.language for block in BLOCKS} <= {"python", "sh"}


def test_every_file_that_the_map_names_exists() -> None:
    table = README.read_text(encoding="utf-8").split("## What to read")[1].split("##")[0]
    names = re.findall(r"`([^`]+)`", table)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_the_stated_versions_are_those_of_the_package() -> None:
    config = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    text = " ".join(README.read_text(encoding="utf-8").split())
    spoken_of = {"numpy": "NumPy"}
    for package in ("numpy", "scikit-learn", "joblib", "threadpoolctl", "tqdm"):
        spoken = spoken_of.get(package, package)
        found = re.search(rf"^ +{package}>=(\S+)", config, re.MULTILINE)
        assert found is not None
        assert f"{spoken} {found[1]} or newer" in text
    assert "python_requires = >=3.11" in config
    assert "Python 3.11 or newer" in text


def test_the_formulas_are_those_of_the_classes() -> None:
    rules = {
        "GradientDescent": "w ← w − a g(w)",
        "Momentum": "v ← m v + a g(w); w ← w − v",
        "NAG": "v ← m v + a g(w − m v); w ← w − v",
        "ReformulatedNAG": "g = g(w); v ← m v + a g; w ← w − (m v + a g)",
    }
    text = README.read_text(encoding="utf-8")
    from minidl import optim

    for name, rule in rules.items():
        assert f"| `{name}` | {rule} |" in text
        update = getattr(optim, name).update.__doc__
        said = update.replace("Set ", "").replace(", then", ";").rstrip(".").replace("m_next", "m")
        said = said.replace("lr grad(w)", "a g(w)").replace("lr grad", "a g")
        said = said.replace("<-", "←").replace(" - ", " − ")
        if name != "ReformulatedNAG":
            assert said == rule
