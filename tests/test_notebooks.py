"""The notebooks run without a warning and print what their files show."""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellTimeoutError
from notebooks import FILES, METADATA, ROOT, code_cells, problems, run, texts
from PIL import Image

from minidl import paths

BYTES, LINES, WIDTH = 300_000, 12, 1120  # of a file, of a cell, of a picture in pixels
BOOKS = {file.stem: nbformat.read(file, as_version=4) for file in FILES}
NAG, DATA = BOOKS["nag_in_pictures"], BOOKS["which_optimizer_for_my_data"]
each = pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)


def words(book: Any) -> str:
    """Return the text between the code."""
    return "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


@each
def test_a_notebook_runs_and_prints_what_is_committed(book: Any) -> None:
    assert problems(book, run(book)) == []


@each
def test_the_outputs_of_one_whole_run_are_committed(book: Any) -> None:
    nbformat.validate(book)
    cells = code_cells(book)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        kinds = [kind for kind, _ in texts(cell)]
        drawn = re.search(r"\bplot\w*\(", cell.source) is not None
        expected = ["stdout"] * ("print(" in cell.source) + ["image/png text/plain"] * drawn
        assert kinds == expected, cell.source


@each
def test_a_notebook_names_no_machine_and_is_small(book: Any) -> None:
    file = FILES[list(BOOKS.values()).index(book)]
    assert file.stat().st_size < BYTES
    assert book.metadata == METADATA
    assert all(cell.metadata == {} for cell in book.cells)
    said = json.dumps([list(texts(cell)) for cell in code_cells(book)]) + words(book)
    assert not re.search(r"/tmp|/home|/root|/Users|[A-Z]:\\|0x[0-9a-f]{6}", said)


@each
def test_cells_are_short_and_links_lead_to_files(book: Any) -> None:
    assert all(cell.source.count("\n") < LINES for cell in code_cells(book))
    links = re.findall(r"\]\(([^)#]+)\)", words(book))
    assert len(links) >= 2
    assert all((ROOT / "examples" / link).exists() for link in links)


@each
def test_pictures_are_not_blank_and_fit_a_page(book: Any) -> None:
    outputs = [output for cell in code_cells(book) for output in cell.outputs]
    pictures = [out.data["image/png"] for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) >= 4
    for png in pictures:
        picture = Image.open(io.BytesIO(base64.b64decode(png)))
        shades = np.asarray(picture.convert("L"))
        assert picture.width <= WIDTH
        assert 0.01 < (shades < 250).mean() < 0.9


@pytest.mark.parametrize("folder", ["", "examples", "minidl/datasets"])
def test_the_file_is_found_from_any_folder_of_the_repository(folder: str, tmp_path: Path) -> None:
    for name in ("examples", "minidl/datasets"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copytree(ROOT / "datasets", tmp_path / "datasets")
    scope: dict[str, Any] = {}
    with contextlib.chdir(tmp_path / folder), contextlib.redirect_stdout(io.StringIO()):
        for cell in code_cells(DATA)[:2]:
            exec(cell.source, scope)
    assert scope["file"] == tmp_path / "datasets" / "xor.csv"


def test_the_table_of_claims_repeats_the_sections() -> None:
    titles = re.findall(r"^## (\d+\. .+)$", words(NAG), re.MULTILINE)
    verdicts = re.findall(r"^\*\*(\w[^*]+):\*\*", words(NAG), re.MULTILINE)
    rows = re.findall(r"^\| (\d+\. .+?)\.? \| (\w.+) \|$", words(NAG), re.MULTILINE)
    assert len(titles) == len(verdicts) == len(rows) == 10
    for title, verdict, (claim, answer) in zip(titles, verdicts, rows, strict=True):
        assert claim.lower() in title.lower().replace("so it", "it").replace("so nag", "nag")
        assert answer.startswith(verdict.lower().split(",")[0].split(" in ")[0])


def test_limits_in_the_text_are_those_of_theory() -> None:
    text = " ".join(words(NAG).split())
    for words_before, number in {
        "larger than (1 − √m)² = ": f"{paths.crossing_limit('momentum'):.4f}",
        "larger than ((1 − m) / (1 + m))² = ": f"{paths.crossing_limit('nag'):.5f}",
        "NAG is stable up to ": f"{paths.stability_limit('nag'):.2f}",
        "gradient descent up to ": f"{paths.stability_limit('gd'):g}",
        "and momentum up to ": f"{paths.stability_limit('momentum'):.1f}",
        "near its limit ": f"{paths.stability_limit('nag'):.2f}",
        "1 / (1 − m) = ": f"{1 / (1 - 0.9):.0f}",
    }.items():
        assert words_before + number in text


def test_the_exception_in_claim_four_is_a_stable_run() -> None:
    (cell,) = (cell for cell in code_cells(NAG) if "def overshoot" in cell.source)
    rows = [line.split() for line in cell.outputs[0].text.splitlines()[1:]]
    lr, m, momentum, nag = np.array(rows, dtype=float).T
    assert (lr < paths.stability_limit("nag", m)).all()
    assert ((nag < momentum) == ((lr <= 1) | (m >= 0.55))).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [("NAG faster", "no difference shown"), ("median of 5", "mean of 5"), ("133 never", "133 409")],
)
def test_another_output_is_reported(old: str, new: str) -> None:
    other = copy.deepcopy(NAG)
    assert problems(NAG, other) == []
    outputs = [output for cell in code_cells(other) for output in cell.outputs]
    changed = [output for output in outputs if old in output.get("text", "")]
    for output in changed:
        output.text = output.text.replace(old, new)
    assert changed
    assert problems(NAG, other)


def test_a_picture_that_is_missing_is_reported() -> None:
    other = copy.deepcopy(NAG)
    cell = next(cell for cell in code_cells(other) if "plot_stability" in cell.source)
    cell.outputs = []
    assert len(problems(NAG, other)) == 1


def test_a_cell_that_does_not_end_is_stopped() -> None:
    endless = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("while True:\n    pass")])
    with pytest.raises(CellTimeoutError):
        run(endless, seconds=3)
