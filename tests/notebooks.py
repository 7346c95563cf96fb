"""The notebooks of examples/, run in a new kernel.

``python tests/notebooks.py`` runs them and writes what they print and draw into the files.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from readme_blocks import ROOT, differences

FILES = sorted((ROOT / "examples").glob("*.ipynb"))
METADATA = {  # names no machine and no version
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
STRICT = """
import warnings

warnings.simplefilter("error")
warnings.simplefilter("ignore", PendingDeprecationWarning)  # ipykernel's own, at the end
"""
SECONDS = 90  # for a cell, on a busy machine


def run(book: Any, seconds: int = SECONDS) -> Any:
    """Return a notebook with new outputs, from a kernel in which warnings are errors.

    It runs in a temporary folder with a copy of datasets/.
    """
    book = nbformat.from_dict({**book, "metadata": METADATA})
    book.cells = [nbformat.v4.new_code_cell(STRICT), *book.cells]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "datasets", Path(folder, "datasets"))
        how = {"timeout": seconds, "kernel_name": "python3", "resources": {}}
        how["resources"]["metadata"] = {"path": folder}
        NotebookClient(book, **how, record_timing=False, coalesce_streams=True).execute(
            env=environment
        )
    book.cells, book.metadata = book.cells[1:], nbformat.from_dict(METADATA)
    for count, cell in enumerate(code_cells(book), 1):
        cell.execution_count = count
    return book


def code_cells(book: Any) -> list[Any]:
    """Return the cells with code."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def texts(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind of each output of a cell and its text."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", output.evalue
        else:
            yield " ".join(sorted(output.data)), output.data.get("text/plain", "")


def problems(shown: Any, new: Any) -> list[str]:
    """Return how the outputs of a notebook that was run differ from those that are in its file.

    Networks are compared coarsely, as in the README's blocks, and paths on surfaces exactly.
    """
    found = []
    for old, cell in zip(code_cells(shown), code_cells(new), strict=True):
        exact = "paths." in cell.source
        expected, printed = list(texts(old)), list(texts(cell))
        if [kind for kind, _ in expected] != [kind for kind, _ in printed]:
            found.append(f"{printed} instead of {expected}")
            continue
        for (_, before), (_, now) in zip(expected, printed, strict=True):
            found += differences(before, now, exact)
    return found


def smaller(png: str) -> str:
    """Return a PNG picture in base64 with 128 colours, which takes a third of the bytes."""
    from PIL import Image

    content = io.BytesIO()
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(128)
    picture.save(content, format="PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode("ascii") + "\n"


def write(file: Path) -> None:
    """Run a notebook and write it with its outputs."""
    book = run(nbformat.read(file, as_version=4))
    for cell in code_cells(book):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    nbformat.write(book, file)


if __name__ == "__main__":
    for path in FILES:
        write(path)
