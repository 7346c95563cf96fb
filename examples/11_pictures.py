"""Draw the pictures of the README and of this gallery; needs the extra `plot`.

    python examples/11_pictures.py [FOLDER]

writes them into FOLDER, by default examples/pictures.
"""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from minidl import Trainer, cli, datasets, nn, paths, plots
from minidl.plots.style import STYLE
from minidl.training import WeightPath, loss_of_weights

OPTIMIZERS = ("gd", "momentum", "nag")
FOLDER = Path(__file__).parent / "pictures"


def trained(dataset: str, optimizer: str, lr: float, epochs: int):
    """Return the data, the Trainer after training, and the weights after each epoch."""
    data, path = datasets.load(dataset, seed=0), WeightPath()
    model = nn.mlp(2, 16, 16, 1, seed=0)
    trainer = Trainer(model, "bce", optimizer, lr=lr, callbacks=[path], seed=0)
    trainer.fit(data.X_train, data.y_train, epochs=epochs)
    return data, trainer, path.weights


def overview() -> Figure:
    """Momentum swings across a valley, NAG looks ahead; a boundary; the losses of three runs."""
    figure = Figure(figsize=(12.5, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    settings = {"start": (-4, 2), "steps": 12, "lr": 0.1}
    both = [paths.descend("x**2/2 + 3*y**2", name, **settings) for name in ("momentum", "nag")]
    plots.plot_paths(both, ax=left)
    left.set_title("momentum overshoots, NAG looks ahead")
    for name in OPTIMIZERS:
        data, trainer, _ = trained("spirals", name, 0.1, 60)
        plots.plot_history(trainer.history, "loss", right, label=name)
    right.set_title("three optimizers, the same network")
    plots.plot_boundary(trainer, data, ax=middle)
    middle.set_title("what it has learned with NAG")
    middle.get_legend().remove()
    return figure


def spirals() -> Figure:
    """Gradient descent, momentum and NAG on two spiral arms, at one learning rate."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    ax = figure.subplots()
    for name in OPTIMIZERS:
        plots.plot_history(trained("spirals", name, 0.1, 60)[1].history, "loss", ax, label=name)
    return figure


def overshoot() -> Figure:
    """Momentum and NAG on the loss x^2 / 2: where they are, and when they cross the minimum."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    both = [paths.descend("x**2/2", name, lr=0.5, steps=20) for name in ("momentum", "nag")]
    plots.plot_paths(both, ax=left)
    plots.plot_steps(both, ax=right)
    return figure


def stability() -> Figure:
    """How fast each rule is, where it oscillates, and where it diverges."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    plots.plot_stability(at=[(0.5, 0.9)], ax=figure.subplots(1, 3))
    return figure


def loss_plane() -> Figure:
    """Three optimizers on their way through the loss of a network, seen in a plane."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    weights = {}
    for name in OPTIMIZERS:
        data, trainer, weights[name] = trained("moons", name, 0.05, 30)
    loss = loss_of_weights(trainer, data.X_train, data.y_train)
    plots.plot_loss_plane(weights, loss, ax=figure.subplots())
    return figure


COMMANDS = {
    "moons.png": "train --optimizer nag --lr 0.03",
    "race.png": "compare --optimizers gd,momentum,nag --lr 0.125,0.25,0.5 --quick",
}


def main(folder: Path = FOLDER) -> None:
    for draw in (overview, spirals, overshoot, stability, loss_plane):
        path = folder / f"{draw.__name__}.png"
        with rc_context(STYLE):  # given axes keep the present style; this is minidl's
            draw().savefig(path)
        print(f"{path.name}: {draw.__doc__}")
    for name, command in COMMANDS.items():
        with redirect_stdout(StringIO()):
            cli.main([*command.split(), "--quiet", "--plot", str(folder / name)])
        print(f"{name}: minidl {command} --plot {name}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
