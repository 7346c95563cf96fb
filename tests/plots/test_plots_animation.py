"""Animations: each frame shows the weights of its epoch, in a small file with equal bytes."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from minidl import Trainer, datasets, nn, plots
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.plots import animation
from minidl.plots.shades import shade
from minidl.plots.style import looks_of
from minidl.training import WeightPath

mpl.use("agg")
NAMES = ("gd", "momentum", "nag")


def raced(name="moons", epochs=4, **options):
    """The weights and losses of three optimizers from the same weights; a network; the data."""
    data, runs = datasets.load(name, **options), {}
    for optimizer in NAMES:
        path, model = WeightPath(), nn.mlp(data.n_features, 4, data.n_outputs, seed=0)
        loss = "mse" if data.task == "regression" else "bce"
        trainer = Trainer(model, loss, optimizer, lr=0.1, seed=0, callbacks=[path])
        history = trainer.fit(data.X_train, data.y_train, epochs=epochs)
        runs[optimizer] = path.weights, history["train_loss"]
    return runs, model, data


@pytest.fixture
def stages(monkeypatch):
    """Keep the stages, and what their panels show in each picture."""
    kept = []

    class Kept(animation._Stage):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.shown = []
            kept.append(self)

        def picture(self, epoch, title):
            found = super().picture(epoch, title)
            images = [np.asarray(p.images[0].get_array()) for p in self.panels if p.images]
            lines = [p.lines[0].get_data() for p in self.panels if p.lines]
            titles = [p.get_title() for p in self.panels]
            points = [point.get_data() for point in self.points.values()]
            at = self.cursor.get_xdata()
            self.shown.append((epoch, images, lines, titles, points, at, self.title.get_text()))
            return found

    monkeypatch.setattr(animation, "_Stage", Kept)
    return kept


def test_every_frame_shows_the_weights_of_its_epoch(stages, tmp_path):
    runs, model, data = raced(n=60)
    file = tmp_path / "race.gif"
    labels = {"nag": "nag, lr 0.1"}
    plots.animate_boundaries(runs, model, data, file, title="moons", labels=labels, resolution=12)
    (stage,) = stages
    limits = stage.panels[0].images[0].get_extent()
    steps = (np.arange(12) + 0.5) / 12
    x = limits[0] + steps * (limits[1] - limits[0])
    y = limits[2] + steps * (limits[3] - limits[2])
    grid = np.array([[u, v] for v in y for u in x])
    for epoch, images, _, titles, points, at, title in stage.shown:
        assert title == f"moons, epoch {epoch}"
        assert list(at) == [epoch, epoch]
        for k, (name, (weights, losses)) in enumerate(runs.items()):
            model.parameters.set(weights[epoch])
            p = 1 / (1 + np.exp(-model.predict((grid - data.x_mean) / data.x_scale)))
            expected = shade(np.concatenate([1 - p, p], axis=1)).reshape(12, 12, 3)
            np.testing.assert_allclose(images[k], expected, atol=1e-9)
            assert titles[k] == f"{labels.get(name, name)}\ntraining loss {losses[epoch]:.3g}"
            assert [list(part) for part in points[k]] == [[epoch], [losses[epoch]]]
    assert [shown[0] for shown in stage.shown] == [0, 1, 2, 3, 4]
    curves = {line.get_label(): line for line in stage.figure.axes[-1].lines}
    assert curves["momentum"].get_ydata().tolist() == runs["momentum"][1].tolist()
    assert curves["momentum"].get_color() == looks_of(["momentum"])["momentum"].color


def test_the_fitted_curve_of_a_regression_moves_within_fixed_limits(stages, tmp_path):
    runs, model, data = raced("sine", n=60)
    plots.animate_boundaries(runs, model, data, tmp_path / "race.gif", resolution=20)
    (stage,) = stages
    for epoch, _, lines, *_ in stage.shown:
        for k, (weights, _) in enumerate(runs.values()):
            x, y = lines[k]
            model.parameters.set(weights[epoch])
            predicted = model.predict(((x - data.x_mean) / data.x_scale)[:, None])[:, 0]
            np.testing.assert_allclose(y, data.inverse_y(predicted))
    assert len({panel.get_ylim() for panel in stage.panels}) == 1


def test_the_file_is_a_loop_with_the_last_frame_held(tmp_path):
    runs, model, data = raced(n=40)
    before = model.parameters.value + 1.0  # other than those of any picture
    model.parameters.set(before)
    file, again = tmp_path / "race.gif", tmp_path / "again.GIF"
    plots.animate_boundaries(runs, model, data, file, resolution=10)
    plots.animate_boundaries(runs, model, data, again, resolution=10)
    assert file.read_bytes() == again.read_bytes()
    assert (model.parameters.value == before).all()
    with Image.open(file) as gif:
        assert (gif.n_frames, gif.info["loop"]) == (5, 0)
        times = []
        for k in range(5):
            gif.seek(k)
            times.append(gif.info["duration"])
        assert gif.size[0] <= 800
        corner = gif.convert("RGB").getpixel((gif.size[0] - 2, gif.size[1] - 2))
    assert times == [800, 100, 100, 100, 3000]
    assert corner == (255, 255, 255)


@pytest.mark.unmeasured
def test_fifty_epochs_of_three_optimizers_take_less_than_two_megabytes(tmp_path):
    runs, model, data = raced(epochs=50)
    plots.animate_boundaries(runs, model, data, tmp_path / "race.gif")
    assert (tmp_path / "race.gif").stat().st_size < 2e6


def test_of_many_epochs_some_are_left_out_evenly(stages, tmp_path):
    runs, model, data = raced(n=40, epochs=20)
    options = {"frames": 5, "resolution": 5}
    plots.animate_boundaries(runs, model, data, tmp_path / "race.gif", **options)
    assert [shown[0] for shown in stages[0].shown] == [0, 5, 10, 15, 20]


def test_a_run_that_ended_early_keeps_its_last_picture(stages, tmp_path):
    runs, model, data = raced(n=40)
    runs["gd"] = runs["gd"][0][:3], runs["gd"][1][:3]
    plots.animate_boundaries(runs, model, data, tmp_path / "race.gif", resolution=5)
    titles = [shown[3][0].split("\n")[0] for shown in stages[0].shown]
    assert titles == ["gd", "gd", "gd", "gd (ended in epoch 2)", "gd (ended in epoch 2)"]


def test_a_single_epoch_is_a_picture(tmp_path):
    runs, model, data = raced(n=40, epochs=1)
    first = {name: (weights[:1], losses[:1]) for name, (weights, losses) in runs.items()}
    plots.animate_boundaries(first, model, data, tmp_path / "race.gif", resolution=5)
    with Image.open(tmp_path / "race.gif") as gif:
        assert gif.n_frames == 1


def test_matplotlib_stays_as_it_is(tmp_path):
    before, figures = dict(mpl.rcParams), plt.get_fignums()
    plots.animate_boundaries(*raced(n=40, epochs=1), tmp_path / "race.gif", resolution=5)
    assert (dict(mpl.rcParams), plt.get_fignums()) == (before, figures)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"path": "race.mp4"}, ArgumentError, r"got .mp4, expected a name that ends in .gif"),
        ({"path": "absent/race.gif"}, DataError, "no folder"),
        ({"runs": {}}, ArgumentError, "runs must name at least one optimizer"),
        ({"runs": {"nag": (np.zeros((3, 5)), np.zeros(3))}}, ShapeError,
         r"run 'nag' does not fit: got weights of shape \(3, 5\).*expected \(E \+ 1, 17\)"),
        ({"runs": {"nag": (np.zeros((3, 17)), np.zeros(2))}}, ShapeError, r"of shape \(2,\)"),
        ({"model": "nag"}, ArgumentError, "model must be a network"),
        ({"frames": 1}, ArgumentError, "frames must be an integer >= 2"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_clear_errors(change, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs, model, data = raced(n=40, epochs=1)
    arguments = {"runs": runs, "model": model, "data": data, "path": "race.gif", **change}
    with pytest.raises(error, match=message):
        plots.animate_boundaries(**arguments)
