"""Swap the optimizer by a flag, and keep everything else equal.

    python examples/02_swap_the_optimizer.py --optimizer nag

A name stands for an update rule and a batch size; ``minidl list optimizers`` prints them. Initial
weights, split and order of rows depend on the seed only, never on the optimizer. All have the same
learning rate times the scale of the rule: steps of Adam have another length than those of NAG.
"""

import argparse

from minidl import Trainer, datasets, nn, optim


def train(name: str, epochs: int) -> None:
    entry = optim.lookup(name)
    data = datasets.load("circles", seed=0)
    trainer = Trainer(
        nn.mlp(2, 16, 16, 1, seed=0),
        loss="binary_cross_entropy",
        optimizer=entry.make(lr=0.1 * entry.scale),
        batch_size=entry.batch_size,
        seed=0,
    )
    history = trainer.fit(data.X_train, data.y_train, epochs=epochs)
    first, last = history.row(0), history.row(-1)
    print(
        f"{entry.name:16s} batch size {entry.batch_size!s:>4}: loss {first['train_loss']:.3f} ->"
        f" {last['train_loss']:.3f} in {last['updates']:5d} updates"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optimizer", help="one name; all of them by default")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    names = [options.optimizer] if options.optimizer else [entry.name for entry in optim.TABLE]
    for name in names:
        train(name, options.epochs)


if __name__ == "__main__":
    main()
