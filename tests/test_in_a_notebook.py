"""In a notebook's kernel: bars are widgets, figures appear by themselves, objects are tables."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

import minidl

SETUP = """
import warnings

warnings.simplefilter("error")
from minidl import Trainer, compare, datasets, nn, train_replicas
from minidl.training import Progress

data = datasets.load("moons", n=60, seed=0)
train = data.X_train, data.y_train
"""
FIT = """
trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", "nag", lr=0.1, seed=0, callbacks=[Progress()])
history = trainer.fit(*train, epochs=5)
"""
REPLICAS = """
found = train_replicas(
    lambda seed: nn.mlp(2, 8, 1, seed=seed), "nag", *train, loss="bce", lr=0.1, seeds=3, epochs=2,
    progress=True,
)
"""
COMPARE = """
result = compare("circles", epochs=5, seeds=6, tuning_seeds=2, lr=[0.25, 0.5], progress=True)
"""
OBJECTS = ["history", "data", "trainer.model", "trainer", "found[0]", "result"]


def outputs_of(*cells):
    """Run the cells in a new kernel; return the outputs of each, and the notebook."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    given = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    NotebookClient(book, timeout=120, kernel_name="python3").execute(env=given)
    return [cell.outputs for cell in book.cells], book


@pytest.fixture(scope="module")
def ran():
    draws = ["history.plot();", 'history.plot("accuracy");', "result.plot();"]
    return outputs_of(SETUP, FIT, REPLICAS, COMPARE, *OBJECTS, *draws)


def test_progress_is_a_widget_that_ends_full(ran):
    outputs, book = ran
    assert outputs[0] == []
    for (shown,), words in zip(outputs[1:4], ("0/5", "0/3", "0 of"), strict=True):
        assert "application/vnd.jupyter.widget-view+json" in shown.data
        assert words in shown.data["text/plain"]
    states = book.metadata.widgets["application/vnd.jupyter.widget-state+json"].state.values()
    bars = [one.state for one in states if one.model_name == "FloatProgressModel"]
    assert [bar.value / bar.max for bar in bars] == [1, 1, 1]
    assert [bar.bar_style for bar in bars] == ["success"] * 3
    labels = [one.state.value for one in states if one.model_name == "HTMLModel"]
    loss = float(outputs[4][0].data["text/plain"].split("train_loss=")[1].split(",")[0])
    label = next(label.replace("\u2007", " ") for label in labels if "5/5" in label)
    assert f"loss {loss:.4f}" in label


def test_objects_are_shown_as_tables_beside_their_text(ran):
    for shown in ran[0][4 : 4 + len(OBJECTS)]:
        data = shown[0].data
        assert data["text/html"].startswith(("<table>", "<pre>"))
        assert "object at 0x" not in data["text/plain"]


def test_every_figure_appears_without_a_magic_line(ran):
    for shown in ran[0][-3:]:
        assert [sorted(one.data) for one in shown] == [["image/png", "text/plain"]]


def test_without_ipywidgets_progress_is_text_and_nothing_is_warned_of():
    block = "import sys\nsys.modules['ipywidgets'] = None  # as if it were not installed"
    outputs, _ = outputs_of(block, SETUP, FIT, REPLICAS)
    assert outputs[:2] == [[], []]
    assert {one.output_type for one in [*outputs[2], *outputs[3]]} == {"stream"}
    lines = "".join(one.text for one in outputs[2]).splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"epoch {k}" for k in range(6)]
    assert "3/3" in "".join(one.text for one in outputs[3])


def test_the_kernel_runs_these_sources():
    ((shown,),), _ = outputs_of("import minidl; minidl.__file__")
    assert os.path.samefile(shown.data["text/plain"].strip("'"), minidl.__file__)
