"""Train on a CSV file: columns of numbers or text, and a column to predict.

    python examples/05_your_own_csv.py my_data.csv --target species

The summary says what was decided about the columns. An error names all problems of the file.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from minidl import Trainer, datasets, errors, nn, optim

LOSS = {"binary": "bce", "multiclass": "cross_entropy", "regression": "mse"}


def train(path: Path, target: str | None) -> None:
    data = datasets.load(path, target=target, seed=0)
    print(data.summary())
    trainer = Trainer(
        nn.mlp(data.n_features, 16, data.n_outputs, seed=0),
        loss=LOSS[data.task],
        optimizer=optim.NAG(lr=0.05, momentum=0.9),
        seed=0,
    )
    trainer.fit(data.X_train, data.y_train, epochs=30)
    metrics = trainer.evaluate(data.X_test, data.y_test)
    print("on the test rows:", ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))


def write_example(path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = ["height,width,kind"]
    for kind, height, width in (("oak", 20.0, 1.0), ("birch", 15.0, 0.3)):
        for _ in range(60):
            a, b = generator.normal(height, 2.0), generator.normal(width, 0.1)
            lines.append(f"{a:.2f},{b:.3f},{kind}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--target", help="the column to predict")
    options = parser.parse_args()
    if options.file:
        train(options.file, options.target)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trees.csv"
        write_example(path)
        train(path, target="kind")

        print("\nThe same file with a missing value:")
        path.write_text(path.read_text(encoding="utf-8").replace("birch", "", 1), encoding="utf-8")
        try:
            train(path, target="kind")
        except errors.DataError as error:
            print(str(error).replace(folder, "..."))


if __name__ == "__main__":
    main()
