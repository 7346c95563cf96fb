"""LivePlot: pictures during fit, in a notebook, in a window, or only at the end."""

import sys
from io import BytesIO
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from minidl import Trainer, nn
from minidl.errors import ArgumentError
from minidl.training import LivePlot, load_run, save_run
from minidl.training import live_plot as module

mpl.use("agg")
X = np.linspace(-1, 1, 8)[:, None]


def trained(*callbacks, epochs=3, classes=True):
    loss, y = ("bce", X[:, 0] > 0) if classes else ("mse", X[:, 0])
    trainer = Trainer(nn.mlp(1, 1, seed=0), loss, "nag", lr=0.1, seed=0, callbacks=callbacks)
    trainer.fit(X, y, epochs=epochs)
    return trainer


def curve(live, panel=0):
    line = live.figure.axes[panel].lines[0]
    return [np.asarray(values).tolist() for values in line.get_data()]


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def notebook(monkeypatch):
    """A notebook that keeps the pictures below its cell: each display, then its updates."""
    shown = []

    class Handle:
        def update(self, image):
            shown[-1].append(image)

    def display(image, *, display_id):
        assert display_id
        shown.append([image])
        return Handle()

    fake = SimpleNamespace(
        get_ipython=lambda: SimpleNamespace(kernel=object()),
        display=SimpleNamespace(display=display, Image=lambda data, format: data),
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    return shown


def test_without_a_display_the_last_state_is_drawn_and_kept():
    live = LivePlot()
    trainer = trained(live)
    assert curve(live) == [[0, 1, 2, 3], trainer.history["train_loss"].tolist()]
    assert curve(live, 1)[1] == trainer.history["train_accuracy"].tolist()
    assert plt.get_fignums() == []
    live = LivePlot()
    trained(live, classes=False)
    assert [ax.get_ylabel() for ax in live.figure.axes] == ["loss"]


def test_a_notebook_shows_one_picture_that_is_replaced(notebook):
    live = LivePlot(every=0)
    trained(live, epochs=3)
    ((*pictures,),) = notebook
    assert len(pictures) == 5  # of epochs 0 to 3, and at the end
    sizes = {Image.open(BytesIO(picture)).size for picture in pictures}
    assert sizes == {(1000, 400)}
    assert pictures[0] != pictures[1] != pictures[2]
    assert pictures[3] == pictures[4]


def test_each_fit_has_a_picture_of_its_own(notebook):
    trainer = trained(LivePlot(every=0), epochs=1)
    trainer.fit(X, X[:, 0] > 0, epochs=1)
    assert len(notebook) == 2


def test_pictures_are_at_least_so_many_seconds_apart(notebook, monkeypatch):
    now = iter(np.arange(100) * 0.5)  # read twice where a picture is drawn
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    trained(LivePlot(every=2), epochs=9)
    # drawn at 0 s, told at 0.5 s: the next from 2.5 s on; 1, 1.5 and 2 s are too early.
    assert [len(pictures) for pictures in notebook] == [4]


def test_a_window_shows_the_figure_of_pyplot(monkeypatch):
    flushed = []
    canvas = mpl.backends.backend_agg.FigureCanvasAgg
    monkeypatch.setattr(canvas, "required_interactive_framework", "tk")
    monkeypatch.setattr(canvas, "flush_events", lambda self: flushed.append(self.figure))
    monkeypatch.setattr(mpl.figure.Figure, "show", lambda self: None)
    live = LivePlot(every=0)
    trained(live, epochs=2)
    assert flushed == [live.figure] * 4
    assert plt.get_fignums() == [live.figure.number]


def test_an_interrupted_fit_draws_what_there_is():
    class Interrupt(LivePlot):
        def on_epoch_begin(self, trainer, epoch):
            if epoch == 3:
                raise KeyboardInterrupt

    live = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        trained(live)
    assert curve(live)[0] == [0, 1, 2]


def test_the_figure_is_no_state_of_a_checkpoint(tmp_path):
    save_run(trained(LivePlot()), tmp_path / "run.npz")
    trainer = Trainer(
        nn.mlp(1, 1, seed=0), "bce", "nag", lr=0.1, seed=0, callbacks=[LivePlot()]
    )  # fmt: skip
    load_run(trainer, tmp_path / "run.npz")
    assert trainer.callbacks[0].figure is None
    assert repr(LivePlot(0.5)) == "LivePlot(every=0.5)"


def test_wrong_seconds_and_a_missing_matplotlib_are_clear_errors(monkeypatch):
    with pytest.raises(ArgumentError, match="every must be at least 0, got -1"):
        LivePlot(-1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.style")
    with pytest.raises(ArgumentError, match=r"pip install 'minidl\[plot\]'"):
        trained(LivePlot())
