from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from readme_blocks import FILES, README, Block, blocks, differences

from minidl import ops, optim

ROOT = Path(__file__).parent.parent
BLOCKS = blocks()
SHOWN = [block for file in FILES for block in blocks(file) if block.output is not None]
TEXT = README.read_text(encoding="utf-8")

COMPARISON = """
converged: training loss <= 0.1344, for 3 epochs in a row
optimizer    lr  reached  epochs   95 %  seconds
momentum   0.25    12/12      10  7..14    0.006
nag         0.5    12/12     4.5   3..8    0.003
pair            difference        95 %        p  verdict
nag - momentum        -4.6  -6.8..-1.8  9.8e-04  nag faster
0.5    9.5 (12/12)  4.5 (12/12)
1       >60 (0/12)  35.5 (9/12)
epoch 16: train loss 0.0777, validation loss 0.1393, 384 updates in 0.09 s
"""


@pytest.mark.parametrize("block", SHOWN, ids=lambda b: f"{b.file} {b.code.splitlines()[-1][:40]}")
def test_a_block_prints_what_is_shown_under_it(block: Block) -> None:
    assert block.output is not None
    assert differences(block.output, block.run(), exact=not block.trains) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.1344", "0.1338"),  # a rounding error that has grown
        ("-6.8..-1.8", "-7.2..-1.8"),
        ("epoch 16", "epoch 17"),
        ("35.5 (9/12)", "19.5 (8/12)"),  # a setting that is near instability
        ("0.006", "0.047"),  # seconds
        ("0.09 s", "0.31 s"),
        ("    12/12      10  7..14 ", "  12/12  10  7..14"),  # another width of the columns
    ],
)
def test_what_another_blas_kernel_changes_is_accepted(old: str, new: str) -> None:
    assert old in COMPARISON
    assert differences(COMPARISON, COMPARISON.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nag         0.5", "momentum    0.5"),
        ("nag faster", "momentum faster"),
        ("nag faster", "no difference shown"),
        ("train loss 0.0777", "train loss 0.1554"),
        ("train loss 0.0777", "train loss -0.0777"),
        ("-4.6  -6.8", "+4.6  -6.8"),
        ("4.5 (12/12)", "9.5 (12/12)"),
        ("35.5 (9/12)", "35.5 (3/12)"),
        ("9.5 (12/12)", "9.5 (0/12)"),
        ("12/12      10", "12/12      20"),
        ("12/12     4.5", " 4/12     4.5"),
        ("momentum   0.25    12/12      10  7..14    0.006\n", ""),
        ("epoch 16: ", "  epoch 16: "),
        ("<= 0.1344", "0.1344"),
        ("7..14", "7"),
        ("384 updates", "384"),
    ],
)
def test_what_no_rounding_error_explains_is_reported(old: str, new: str) -> None:
    assert old in COMPARISON
    assert differences(COMPARISON, COMPARISON.replace(old, new))


def test_many_small_deviations_are_reported() -> None:
    shown = "\n".join(f"epoch {epoch} loss {5 / epoch:.3f}" for epoch in range(1, 9))
    planted = "\n".join(f"epoch {epoch} loss {6.5 / epoch:.3f}" for epoch in range(1, 9))
    assert differences(shown, shown) == []
    assert len(differences(shown, planted)) > 2


def test_exact_numbers_must_be_equal() -> None:
    assert differences("(3, 3) 0.92414182", "(3, 3)  0.92414182", exact=True) == []
    assert differences("(3, 3) 0.92414182", "(3, 3) 0.92414183", exact=True)


def test_blocks_that_train_nothing_are_compared_exactly() -> None:
    exact = [block for block in SHOWN if not block.trains]
    assert len(exact) >= 2
    assert all("fit(" not in block.code for block in exact)


def test_every_block_of_the_readme_shows_its_output() -> None:
    assert all(block.is_setup != (block.output is not None) for block in BLOCKS)


def test_there_are_two_lines_and_ci_takes_them_from_the_readme() -> None:
    lines = [block.code for block in BLOCKS if block.is_setup]
    assert len(lines) == 2
    assert all(line.count("\n") == 1 for line in lines)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert all(line.strip() not in script for line in lines)


def test_every_fenced_block_is_one_that_is_checked() -> None:
    outputs = sum(block.output is not None for block in BLOCKS)
    assert TEXT.count("\n```") + TEXT.startswith("```") == 2 * (len(BLOCKS) + outputs)
    assert {block.language for block in BLOCKS} <= {"python", "sh"}


def test_every_file_that_the_map_names_exists() -> None:
    text = TEXT.split("## Where to read on")[1].split("Requirements")[0]
    names = re.findall(r"`([^`]+)`", text)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_it_is_short_and_its_links_and_pictures_exist() -> None:
    assert TEXT.count("\n") < 250
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in target]
    pictures = {Path(target).name for target in targets if target.endswith(".png")}
    assert len(pictures) >= 4
    for target in targets:
        file, _, heading = target.partition("#")
        text = (ROOT / file).read_text(encoding="utf-8") if heading and file else TEXT
        assert (ROOT / file).exists(), target
        headings = [re.sub(r"[^\w -]", "", h).lower() for h in re.findall(r"^#+ (.*)$", text, re.M)]
        assert not heading or heading.replace("-", " ") in headings, target


def test_the_stated_versions_are_those_of_the_package() -> None:
    config = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    required = config.split("install_requires =")[1].split("[")[0]
    lowest = dict(re.findall(r"^ +([\w-]+)>=(\S+)$", required, re.MULTILINE))
    assert set(lowest) == {"numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "tqdm"}
    text = " ".join(TEXT.split())
    for package, version in lowest.items():
        name = {"numpy": "NumPy", "scipy": "SciPy"}.get(package, package)
        assert f"{name} {version} or newer" in text
    assert "python_requires = >=3.11" in config
    assert "Python 3.11 or newer" in text


Step = Callable[..., tuple[np.ndarray, np.ndarray]]
RULES: dict[str, tuple[str, Step]] = {
    "GradientDescent": ("w ← w − a g(w)", lambda w, v, a, m, g: (w - a * g(w), v)),
    "Momentum": (
        "v ← m v + a g(w); w ← w − v",
        lambda w, v, a, m, g: (w - (m * v + a * g(w)), m * v + a * g(w)),
    ),
    "NAG": (
        "v ← m v + a g(w − m v); w ← w − v",
        lambda w, v, a, m, g: (w - (m * v + a * g(w - m * v)), m * v + a * g(w - m * v)),
    ),
    "ReformulatedNAG": (
        "g = g(w); v ← m v + a g; w ← w − (m v + a g)",
        lambda w, v, a, m, g: (w - (m * (m * v + a * g(w)) + a * g(w)), m * v + a * g(w)),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_takes_the_steps_that_the_readme_writes_down(name: str) -> None:
    rule, step = RULES[name]
    assert f"| `{name}` | {rule} |" in TEXT
    a, m = 0.05, 0.8
    keywords = {"lr": a} if name == "GradientDescent" else {"lr": a, "momentum": m}
    optimizer = getattr(optim, name)(**keywords)
    w, v = np.array([1.0, -2.0]), np.zeros(2)
    stored = w.copy()
    for _ in range(5):
        optimizer.step(stored, np.sin)
        w, v = step(w, v, a, m, np.sin)
        np.testing.assert_allclose(stored, w, rtol=1e-13)


def test_the_list_of_operations_is_complete() -> None:
    text = (ROOT / "minidl" / "autograd" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [a-z, ]+ \| ((?:`\w+` ?)+) \|$", text, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"\w+", row)]
    assert sorted(listed) == [name for name in ops.__all__ if callable(getattr(ops, name))]
