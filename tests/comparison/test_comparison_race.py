"""``compare --plot race.gif``: one seed of each optimizer again, as an animation."""

import numpy as np
import pytest
from PIL import Image

from minidl.cli import main
from minidl.comparison import Comparison, compare, replay
from minidl.comparison.plots import race
from minidl.errors import ArgumentError

TINY = ["--rows", "60", "--epochs", "4", "--seeds", "2,3", "--tuning-seeds", "1", "--jobs", "1"]
COMMAND = ["compare", "--optimizers", "momentum,nag", "--lr", "0.1,0.2", "--quiet", *TINY]


@pytest.fixture
def animated(monkeypatch):
    """Keep what is animated, and write small files."""
    calls = []

    def kept(runs, model, data, path, **options):
        calls.append((runs, data, options))
        real(runs, model, data, path, resolution=5, **options)

    real = race.animate_boundaries
    monkeypatch.setattr(race, "animate_boundaries", kept)
    return calls


def test_the_first_seed_of_the_comparison_is_animated_with_the_chosen_rates(animated, tmp_path):
    file, out = tmp_path / "race.gif", tmp_path / "study.json"
    assert main([*COMMAND, "--out", str(out), "--plot", str(file)]) == 0
    comparison = Comparison.from_json(out)
    ((runs, data, options),) = animated
    assert list(runs) == ["momentum", "nag"]
    for name, (weights, losses) in runs.items():
        setting = comparison.chosen[name].setting
        run = comparison.table[name, setting, 2]
        np.testing.assert_allclose(losses, run.curves["train_loss"], rtol=1e-12)
        assert weights.shape == (5, 337)
        assert options["labels"][name] == f"{name}, lr {setting.lr:g}"
    assert options["title"] == "moons, seed 2"
    assert len(data.X_train) == 44
    with Image.open(file) as gif:
        assert gif.n_frames == 5
    again = tmp_path / "again.gif"
    assert main(["compare", "--from", str(out), "--plot", str(again)]) == 0  # of 60 rows as well
    assert again.read_bytes() == file.read_bytes()


def test_batch_sizes_that_differ_are_named(animated, tmp_path):
    made = compare("moons", optimizers=["nag", "batch"], lr=0.1, epochs=2, seeds=1,
                   tuning_seeds=[9], sustained=1, target="gap:0.9")  # fmt: skip
    race.animate(made, tmp_path / "race.gif")
    labels = {"nag": "nag, lr 0.1, batch size 32", "batch": "batch, lr 0.1, batch size full"}
    assert animated[0][2]["labels"] == labels
    assert list(animated[0][0]) == list(replay(made))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--problems", "moons,circles"], "shows one comparison, got 2"),
        (["--batch-size", "full,32"], "shows one comparison, got 2"),
        (["--batch-sizes", "full,32"], "shows one comparison, got 2"),
    ],
)
def test_several_comparisons_are_an_error_before_training(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("minidl.cli.compare._study", None)  # would fail
    assert main([*COMMAND, *options, "--plot", str(tmp_path / "race.gif")]) == 2
    assert message in capsys.readouterr().err


def test_another_ending_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match=r"expected a name that ends in .gif"):
        race.animate(None, tmp_path / "race.png")
